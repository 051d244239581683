"""What goes beyond one series, in words and cells that all renderers share: examples, runs, ranks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from rote.problem import VARIANTS
from rote.reports.cost import ModelCost
from rote.reports.estimates import Rate
from rote.reports.inference.ranks import Rank
from rote.reports.results import Report
from rote.reports.series_runs import Kind, RunsSpread
from rote.reports.shots import ShotsContrast
from rote.reports.standings import Standings
from rote.reports.statistics import Interval
from rote.reports.verdicts import MINUS, NO_VALUE, points

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
    """The parts for which there is anything, in order."""
    level = f"{100 * report.level:g} %"
    sources = len({s.source for s in report.series}) > 1
    together = (
        " Runs with several seeds are taken together."
        if any(s.kind == "sampling" for s in report.runs)
        else ""
    )
    made = (
        Section(
            "ranks",
            "Ranks",
            "Each model's rank among those of one setting, as an interval: all true ranks lie in theirs "
            f"at once, with {level} confidence. Models of one tie class are not told apart from its first."
            + together,
            tuple(_standings(s, sources=sources) for s in report.standings),
        ),
        Section(
            "examples",
            "Zero-shot against few-shot"
            if all(s.fewer.startswith("zero-shot") for s in report.shots)
            else "Fewer against more examples",
            "The same documents asked both ways. The difference is accuracy with the more examples minus "
            f"that with the fewer, paired by template, with its {level} interval: above 0, examples help."
            + together,
            tuple(_shots(group, sources=sources) for group in _grouped(report.shots)),
        ),
        Section(
            "runs",
            "Runs: mean ± standard deviation",
            "Accuracy of each run, with their mean and standard deviation "
            f"(n {MINUS} 1): the spread over seeds, "
            "as it is usually reported. It is no confidence interval. Runs share their templates, so it says "
            "how far the seed moves the number, not how well the accuracy is known.",
            tuple(_runs(group, sources=sources) for group in _run_groups(report.runs)),
        ),
        cost_section(report.costs, report.price),
    )
    return tuple(section for section in made if section.tables)


def cost_section(costs: Sequence[ModelCost], price: float | None) -> Section:
    """Tokens, time and money of each model; without a table where no log tells any and no price is given."""
    told = price is not None or any(c.tokens is not None or c.gpu_seconds is not None for c in costs)
    return Section(
        "cost",
        "Cost",
        "What the evaluations took, as their logs tell. GPU seconds are GPUs held times wall time, loading "
        "the model included."
        + ("" if price is None else f" Cost is GPU seconds / 3600 × {price:g}, the price of a GPU hour."),
        (_costs(costs, price),) if told and costs else (),
    )


def _costs(costs: Sequence[ModelCost], price: float | None) -> Table:
    notes = [f"{c.model}: {'; '.join(c.reasons)}." for c in costs if c.reasons]
    return Table(
        "Tokens and time of each model",
        ("model",),
        ("runs", "responses", "prompt tokens", "generated tokens", "wall time, s", "GPU time, s",
         "tokens a GPU second", *(() if price is None else ("cost",))),
        tuple(
            (
                c.model, f"{c.runs:,}", _whole(c.responses), _whole(c.prompt_tokens), _whole(c.tokens),
                _amount(c.seconds), _amount(c.gpu_seconds), _amount(c.tokens_per_gpu_second),
                *(() if price is None else (_amount(c.money, 2),)),
            )
            for c in costs
        ),
        "Not told, and why: " + " ".join(notes) if notes else "",
    )  # fmt: skip


def _whole(value: int | None) -> str:
    return NO_VALUE if value is None else f"{value:,}"


def _amount(value: float | None, digits: int = 1) -> str:
    """With so many decimals, or three significant digits where that leaves none."""
    if value is None:
        return NO_VALUE
    return f"{value:,.{digits}f}" if value >= 1 or value == 0 else f"{value:.3g}"


def _grouped(contrasts: Sequence[ShotsContrast]) -> list[list[ShotsContrast]]:
    """Contrasts of one model with the same fewer examples: a table."""
    groups: dict[tuple[str, ...], list[ShotsContrast]] = {}
    for c in contrasts:
        groups.setdefault((c.model, c.source, c.filter, c.fewer), []).append(c)
    return list(groups.values())


def _run_groups(spreads: Sequence[RunsSpread]) -> list[list[RunsSpread]]:
    """Settings of one model of which the same runs were made: a table."""
    groups: dict[tuple[str, ...], list[RunsSpread]] = {}
    for s in spreads:
        groups.setdefault((s.model, s.source, s.filter, s.kind), []).append(s)
    return list(groups.values())


def _standings(s: Standings, *, sources: bool) -> Table:
    def cells(rank: Rank | None, *, sign: int = 1) -> tuple[str, ...]:
        if rank is None:
            return (NO_VALUE,) * 3
        span = str(rank.best) if rank.best == rank.worst else f"{rank.best} to {rank.worst}"
        return points(sign * rank.estimate), f"{span} of {len(s.rows)}", str(rank.tie_class)

    them = "both models" if len(s.rows) == 2 else f"all {len(s.rows)} models"
    return Table(
        s.setting + _of(s.source, s.filter, sources=sources),
        ("model",),
        ("accuracy, %", "rank", "tie class", "drop, points", "rank by drop", "tie class by drop"),
        tuple((r.model, *cells(r.by_accuracy), *cells(r.by_drop, sign=-1)) for r in s.rows),
        f"No ranks: {s.reason}." + _left_out(s.changed, "template")
        if s.reason is not None
        else f"Over {', '.join(s.variants)}, each weighing the same, on the {s.templates:,} templates "
        f"that {them} answered." + _left_out(s.changed, "template") + _constant(s.constant),
    )


def _shots(group: Sequence[ShotsContrast], *, sources: bool) -> Table:
    first = group[0]
    rows = [(r, c.more) for c in group for r in c.rows]
    rows.sort(key=lambda pair: VARIANTS.index(pair[0].variant))  # stable: settings stay in order
    reasons = "; ".join(f"{r.variant}, {more}: {r.reason}" for r, more in rows if r.reason is not None)
    return Table(
        f"{first.model}: {first.fewer} against more examples"
        + _of(first.source, first.filter, sources=sources),
        ("variant", "examples"),
        ("difference, points", f"{first.fewer}, %", "with examples, %", "templates", "finding"),
        tuple(
            (
                r.variant,
                more,
                f"{points(r.gain.estimate, signed=True)} {_span(r.gain.interval)}" if r.gain else NO_VALUE,
                _rate(r.fewer),
                _rate(r.more),
                f"{r.gain.templates if r.gain else r.fewer.templates if r.fewer else 0:,}",
                r.finding,
            )
            for r, more in rows
        ),
        (f"Not estimable: {reasons}." if reasons else "")
        + _left_out(sum(r.changed for r, _ in rows), "document"),
    )


def _runs(group: Sequence[RunsSpread], *, sources: bool) -> Table:
    first = group[0]
    noun, what = _DIFFER[first.kind]
    rows = [(r, s.setting) for s in group for r in s.rows]
    rows.sort(key=lambda pair: VARIANTS.index(pair[0].variant))
    counts = sorted({len(r.accuracies) for r, _ in rows})
    notes = []
    if first.kind == "problems":
        notes.append("Originals do not depend on this seed: they are one run.")
    if counts[0] < FEW_RUNS:
        notes.append(f"A standard deviation over {counts[0]} {noun}s says little; {FEW_RUNS} to 5 are usual.")
    named = {r.names for r, _ in rows}
    if len(named) == 1 and first.kind != "repeats":
        notes.append(f"Seeds: {', '.join(next(iter(named)))}.")
    number = str(counts[0]) if len(counts) == 1 else f"{counts[0]} to {counts[-1]}"
    return Table(
        f"{first.model}: {number} {noun}s that differ in {what}"
        + _of(first.source, first.filter, sources=sources),
        ("variant", "setting"),
        ("mean ± std, %", f"{noun}s", f"each {noun}, %", "templates"),
        tuple(
            (
                r.variant,
                setting,
                f"{points(r.mean)} ± {points(r.deviation)}",
                str(len(r.accuracies)),
                ", ".join(points(a) for a in r.accuracies),
                f"{r.templates:,}",
            )
            for r, setting in rows
        ),
        " ".join(notes),
    )


def _of(source: str, filter: str, *, sources: bool) -> str:
    """The source and filter at the end of a caption, where they tell anything."""
    return (f", source {source}" if sources else "") + (f", filter {filter}" if filter != "none" else "")


def _constant(pairs: int) -> str:
    if not pairs:
        return ""
    which = "One pair of models differs" if pairs == 1 else f"{pairs:,} pairs of models differ"
    return (
        f" {which} by the same amount on every template, by too little or on too few templates to be told "
        "apart."
    )


def _left_out(changed: int, noun: str) -> str:
    if not changed:
        return ""
    return f" {changed:,} {noun}{'s' if changed > 1 else ''} left out: the texts differ."


def _rate(rate: Rate | None) -> str:
    return NO_VALUE if rate is None else f"{points(rate.estimate)} {_span(rate.interval)}".strip()


def _span(interval: Interval | None) -> str:
    return "" if interval is None else f"[{points(interval.low)}, {points(interval.high)}]"
