"""What goes beyond one series, in words and cells that all renderers share: examples, runs, ranks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from rote.reports.estimates import Rate
from rote.reports.inference.ranks import Rank
from rote.reports.results import Report
from rote.reports.series_runs import Kind, RunsSpread
from rote.reports.shots import ShotsContrast
from rote.reports.standings import Standings
from rote.reports.statistics import Interval
from rote.reports.verdicts import NO_VALUE, points

#: From so many runs on a standard deviation is worth its name.
FEW_RUNS: Final = 3

_DIFFER: Final[dict[Kind, tuple[str, str]]] = {
    "problems": ("run", "the seed of the problems"),
    "sampling": ("run", "the seed of sampling"),
    "repeats": ("response", "the turn of the response"),
}


@dataclass(frozen=True, slots=True)
class Table:
    """``words`` head the first columns, read from the left, ``numbers`` the others; ``note`` may be ""."""

    caption: str
    words: tuple[str, ...]
    numbers: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    note: str = ""


@dataclass(frozen=True, slots=True)
class Section:
    """A part of a report: ``name`` is its anchor, ``lede`` says how to read its tables."""

    name: str
    title: str
    lede: str
    tables: tuple[Table, ...]


def sections(report: Report) -> tuple[Section, ...]:
    """The parts for which there is anything, in order; their text is short and showable."""
    level = f"{100 * report.level:g} %"
    made = (
        Section(
            "ranks",
            "Ranks",
            f"Each model's rank among those of one setting, as an interval: all true ranks lie in theirs "
            f"at once, with {level} confidence. Models of one tie class are not told apart from its first.",
            tuple(_standings(s) for s in report.standings),
        ),
        Section(
            "examples",
            "Zero-shot against few-shot"
            if all(s.fewer.startswith("zero-shot") for s in report.shots)
            else "Fewer against more examples",
            "The same documents asked both ways. The difference is accuracy with examples minus accuracy "
            f"without, paired by template, with its {level} interval: above 0, examples help.",
            tuple(_shots(s) for s in report.shots),
        ),
        Section(
            "runs",
            "Runs: mean ± standard deviation",
            "Accuracy of each run, with their mean and standard deviation (n - 1): the spread over seeds, "
            "as it is usually reported. It is no confidence interval. Runs share their templates, so it says "
            "how far the seed moves the number, not how well the accuracy is known.",
            tuple(_runs(s) for s in report.runs),
        ),
    )
    return tuple(section for section in made if section.tables)


def _standings(s: Standings) -> Table:
    of = f" of {len(s.rows)}"

    def cells(rank: Rank | None, *, sign: int = 1) -> tuple[str, ...]:
        if rank is None:
            return (NO_VALUE,) * 3
        span = str(rank.best) if rank.best == rank.worst else f"{rank.best} to {rank.worst}"
        return points(sign * rank.estimate), span + of, str(rank.tie_class)

    return Table(
        _caption(s.setting, s.source, s.filter),
        ("model",),
        ("accuracy, %", "rank", "tie class", "drop, points", "rank by drop", "tie class by drop"),
        tuple((r.model, *cells(r.by_accuracy), *cells(r.by_drop, sign=-1)) for r in s.rows),
        f"No ranks: {s.reason}."
        if s.reason is not None
        else f"Over {', '.join(s.variants)}, each weighing the same, on the {s.templates:,} templates "
        f"that all {len(s.rows)} models answered." + _left_out(s.changed, "template"),
    )


def _shots(s: ShotsContrast) -> Table:
    rows = tuple(
        (
            r.variant,
            str(r.gain.templates if r.gain else r.fewer.templates if r.fewer else 0),
            _rate(r.fewer),
            _rate(r.more),
            f"{points(r.gain.estimate, signed=True)} {_span(r.gain.interval)}" if r.gain else NO_VALUE,
            r.finding,
        )
        for r in s.rows
    )
    reasons = "; ".join(f"{r.variant}: {r.reason}" for r in s.rows if r.reason is not None)
    return Table(
        f"{s.model}: {_caption(f'{s.fewer} against {s.more}', s.source, s.filter)}",
        ("variant",),
        ("templates", f"{_short(s.fewer)}, %", f"{_short(s.more)}, %", "difference, points", "finding"),
        rows,
        (f"Not estimable: {reasons}." if reasons else "")
        + _left_out(sum(r.changed for r in s.rows), "document"),
    )


def _runs(s: RunsSpread) -> Table:
    noun, what = _DIFFER[s.kind]
    most = max(len(r.accuracies) for r in s.rows)
    rows = tuple(
        (
            r.variant,
            str(r.templates),
            str(len(r.accuracies)),
            f"{points(r.mean)} ± {points(r.deviation)}",
            ", ".join(points(a) for a in r.accuracies),
        )
        for r in s.rows
    )
    notes = []
    if s.kind == "problems":
        notes.append("Originals do not depend on this seed and are one run.")
    if most < FEW_RUNS:
        notes.append(f"Of {most} {noun}s a standard deviation says little: {FEW_RUNS} to 5 are usual.")
    named = {r.names for r in s.rows}
    if len(named) == 1 and s.kind != "repeats":
        notes.append(f"Seeds: {', '.join(next(iter(named)))}.")
    return Table(
        f"{s.model}: {_caption(s.setting, s.source, s.filter)}; {most} {noun}s that differ in {what}",
        ("variant",),
        ("templates", f"{noun}s", "mean ± std over " + f"{noun}s, %", f"each {noun}, %"),
        rows,
        " ".join(notes),
    )


def _caption(setting: str, source: str, filter: str) -> str:
    return f"{setting}, source {source}" + (f", filter {filter}" if filter != "none" else "")


def _short(setting: str) -> str:
    """The number of shots and the kind of examples of a setting, without what follows them."""
    return ", ".join(setting.split(", ")[: 2 if ", example" in setting else 1])


def _left_out(changed: int, noun: str) -> str:
    if not changed:
        return ""
    return f" {changed:,} {noun}{'s' if changed > 1 else ''} left out: the texts differ."


def _rate(rate: Rate | None) -> str:
    return NO_VALUE if rate is None else f"{points(rate.estimate)} {_span(rate.interval)}".strip()


def _span(interval: Interval | None) -> str:
    return "" if interval is None else f"[{points(interval.low)}, {points(interval.high)}]"
