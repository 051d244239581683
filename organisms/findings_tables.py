"""The tables of the findings, in Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import Final

from findings_catalogue import SOURCES, Catalogue, Source, row_of, trapped_of
from findings_logs import Cell, Collected
from findings_numbers import SCORES, Dose, HitRate, Ranking
from findings_targets import Target

from rote.reports.estimates import Drop, Rate
from rote.reports.results import VariantResult
from rote.reports.statistics import Interval
from rote.reports.verdicts import NO_VALUE, p_value, points

_SOURCE_TITLES: Final[dict[Source, str]] = {
    "known": "the known templates",
    "small": "the small set",
    "unseen": "unseen templates",
    "bank": "the bank",
}


def table(header: Sequence[str], rows: Iterable[Sequence[str]], numbers: Iterable[int] = ()) -> list[str]:
    """Lines of a table; the columns ``numbers`` are set to the right."""
    right = set(numbers)
    rule = ["---:" if i in right else "---" for i in range(len(header))]
    return [f"| {' | '.join(cells)} |" for cells in (header, rule, *rows)]


def _interval(interval: Interval | None) -> str:
    return "" if interval is None else f" [{points(interval.low)}, {points(interval.high)}]"


def rate(value: Rate | None, *, interval: bool = True) -> str:
    """A rate in %, with its interval."""
    if value is None:
        return NO_VALUE
    return points(value.estimate) + (_interval(value.interval) if interval else "")


def drop(value: Drop | None) -> str:
    """A drop in points, with its interval."""
    return NO_VALUE if value is None else points(value.estimate) + _interval(value.interval)


def _drop_on(cell: Cell, variant: str) -> str:
    row = row_of(cell.report, variant)
    return NO_VALUE if row is None else drop(row.drop)


def _accuracy_on(cell: Cell, variant: str) -> str:
    row = row_of(cell.report, variant)
    return NO_VALUE if row is None else rate(row.accuracy, interval=False)


def _exact(row: VariantResult | None) -> str:
    return NO_VALUE if row is None or row.exchangeability is None else p_value(row.exchangeability.p_mid)


def _adjusted(row: VariantResult | None) -> str:
    adjusted = None if row is None or row.checks is None else row.checks.adjusted
    return NO_VALUE if adjusted is None else p_value(adjusted.p)


def _named(cells: Sequence[Cell]) -> Iterable[tuple[str, Cell]]:
    """Each cell with its organism's name, said once."""
    for name, group in groupby(cells, key=lambda c: c.organism):
        for number, cell in enumerate(group):
            yield (f"`{name}`" if number == 0 else ""), cell


def planted_table(catalogue: Catalogue) -> list[str]:
    """What was planted, and what should be found."""
    return table(
        ("organism", "planted", "rote should find"),
        ((f"`{name}`", o.planted, o.finds) for name, o in catalogue.items()),
    )


def found_tables(collected: Collected) -> list[str]:
    """Planted against found: a table for each source, with a row for each organism and seed."""
    lines = []
    for source in SOURCES:
        cells = [c for c in collected.cells if c.source == source]
        if not cells:
            continue
        templates = max(c.report.original.templates if c.report.original else 0 for c in cells)
        lines += ["", f"On {_SOURCE_TITLES[source]} (`{source}`, {templates} templates):", ""]
        lines += table(
            ("organism", "seed", "original", "numbers", "drop on numbers", "p", "adjusted p", "drop on names",
             "drop on noop", "on its control", "trapped", "verdict", "as expected"),
            (_found_row(name, c) for name, c in _named(cells)),
            numbers=range(1, 11),
        )  # fmt: skip
    return lines[1:]


def _found_row(name: str, cell: Cell) -> tuple[str, ...]:
    numbers = row_of(cell.report, "numbers")
    return (
        name,
        str(cell.seed),
        rate(cell.report.original, interval=False),
        _accuracy_on(cell, "numbers"),
        _drop_on(cell, "numbers"),
        _exact(numbers),
        _adjusted(numbers),
        _drop_on(cell, "names"),
        _drop_on(cell, "noop"),
        _drop_on(cell, "noop_control"),
        rate(trapped_of(cell.report)),
        " + ".join(cell.report.verdict.conclusions),
        cell.judgement.word,
    )


def hit_table(rates: Sequence[HitRate]) -> list[str]:
    """Sensitivity and specificity, with Wilson's intervals."""

    def row(r: HitRate) -> tuple[str, ...]:
        if r.of == 0:
            return r.verdict, r.kind, "0", NO_VALUE, "nothing was evaluated"
        share = f"{100 * r.hits / r.of:.1f}{_interval(r.interval)}"
        return r.verdict, r.kind, f"{r.hits} of {r.of}", share, _few(r.wrong)

    return table(("verdict", "", "right", "%", "wrong"), map(row, rates), numbers=(2, 3))


def _few(names: Sequence[str], limit: int = 6) -> str:
    if not names:
        return NO_VALUE
    rest = len(names) - limit
    return ", ".join(names[:limit]) + (f" and {rest} more" if rest > 0 else "")


def ranking_table(rankings: Sequence[Ranking]) -> list[str]:
    """AUC by organism, seed and score; the scores are said below."""
    if not rankings:
        return ["Not measured."]
    rows = (
        (
            f"`{r.organism}`",
            str(r.seed),
            r.score,
            f"{r.planted} of {r.planted + r.others}",
            f"{r.auc:.3f}",
            f"{r.bootstrap.low:.3f} to {r.bootstrap.high:.3f}",
            f"{r.newcombe.low:.3f} to {r.newcombe.high:.3f}",
        )
        for r in rankings
    )
    lines = table(
        ("organism", "seed", "score", "planted", "AUC", "bootstrap", "Newcombe"), rows, (1, 3, 4, 5, 6)
    )
    return [*lines, "", "Scores:", "", *(f"- *{name}*: {what}." for name, what in SCORES.items())]


def dose_table(doses: Sequence[Dose], *, share: bool) -> list[str]:
    """Dose and response, a row for each model."""
    if not doses:
        return ["Not measured."]
    head = "originals trained on" if share else "times seen"
    return table(
        (head, "organism", "seed", "originals right", "drop on numbers", "memorisation said"),
        (
            (
                f"{100 * d.dose:.0f} %" if share else f"{d.dose:g}",
                f"`{d.organism}`",
                str(d.seed),
                rate(d.originals, interval=False),
                drop(d.drop),
                "yes" if d.says else "no",
            )
            for d in doses
        ),
        numbers=(0, 2, 3, 4),
    )


def target_table(lines: Sequence[Target]) -> list[str]:
    """Asked, measured, reached."""
    word = {True: "yes", False: "**no**", None: NO_VALUE}
    return table(
        ("organism", "asked", "measured", "reached"),
        ((f"`{t.organism}`", t.asked, t.measured, word[t.reached]) for t in lines),
    )


def failure_list(collected: Collected) -> list[str]:
    """Every series on which the verdict is not as expected."""
    wrong = [c for c in collected.cells if c.judgement.unmet]
    if not collected.cells:
        return ["Not measured."]
    if not wrong:
        return ["On no series."]
    return [
        f"- `{c.organism}`, seed {c.seed}, on `{c.source}`: {'; '.join(c.judgement.unmet)}." for c in wrong
    ]


def missing_list(collected: Collected) -> list[str]:
    """What has no logs, and what could not be read."""
    lines = [f"- {line}" for line in collected.missing]
    for c in collected.cells:
        if c.judgement.unasked:
            what = ", ".join(dict.fromkeys(c.judgement.unasked))
            lines.append(f"- {c.organism}-s{c.seed} on {c.source}: not evaluated: {what}")
    if collected.broken:
        lines += ["", "Left out:", "", *(f"- {line}" for line in collected.broken)]
    return lines or ["Nothing."]
