"""What was asked of the organisms in numbers, what was measured, and whether it was reached."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final

from findings_catalogue import Catalogue, row_of, trapped_of
from findings_logs import Cell, Collected
from findings_numbers import Ranking

from rote.reports.results import VariantResult
from rote.reports.verdicts import NO_VALUE, p_value, points

MEMORY: Final = "consistent with memorisation"


@dataclass(frozen=True, slots=True)
class Target:
    """One line: ``reached`` is None where nothing was measured, or nothing was asked but to tell.

    ``seeds`` says how many were measured.
    """

    organism: str
    asked: str
    measured: str
    reached: bool | None
    seeds: int = 0


def _span(row: VariantResult) -> str:
    if row.drop is None:
        return NO_VALUE
    return f"{points(row.drop.estimate)} [{points(row.drop.interval.low)}, {points(row.drop.interval.high)}]"


def _each(
    organism: str,
    asked: str,
    cells: Sequence[Cell],
    variant: str,
    told: Callable[[Cell, VariantResult], str],
    holds: Callable[[Cell, VariantResult], bool] | None,
) -> Target:
    """A target that every seed must reach, of the row of one variant."""
    rows = [(c, row) for c in cells if (row := row_of(c.report, variant)) is not None]
    if not rows:
        return Target(organism, asked, "not measured", None)
    measured = ", ".join(told(c, row) for c, row in rows)
    reached = None if holds is None else all(holds(c, row) for c, row in rows)
    return Target(organism, asked, measured, reached, len(rows))


def targets(collected: Collected, rankings: Sequence[Ranking], catalogue: Catalogue) -> tuple[Target, ...]:
    """All targets; the values of the seeds follow each other, and it is said where seeds are missing."""
    made = (*_of_sft(collected, rankings), _less_trapped(collected))
    return tuple(
        t
        if t.seeds in (0, asked := len(catalogue[t.organism].seeds))
        else replace(t, measured=f"{t.measured} ({t.seeds} of {asked} seeds)")
        for t in made
    )


def _less_trapped(collected: Collected) -> Target:
    asked = "trapped less than the counting one of the same seed"
    there = {c.seed: rate for c in collected.of("counting", "known") if (rate := trapped_of(c.report))}
    pairs = [
        (c, rate, there[c.seed])
        for c in collected.of("grpo", "known")
        if (rate := trapped_of(c.report)) is not None and c.seed in there
    ]
    if not pairs:
        return Target("grpo", asked, "not measured", None)
    measured = ", ".join(f"{_trapped(c)} against {points(other.estimate)} %" for c, _, other in pairs)
    reached = all(rate.estimate < other.estimate for _, rate, other in pairs)
    return Target("grpo", asked, measured, reached, len(pairs))


def _of_sft(collected: Collected, rankings: Sequence[Ranking]) -> list[Target]:
    of = collected.of
    lines = []
    for variant in ("numbers", "symbolic"):
        lines.append(
            _each(
                "reasoner",
                f"at least 97 % right on fresh instances ({variant}) of at least 150 known templates",
                of("reasoner", "known"),
                variant,
                lambda _, row: f"{points(row.accuracy.estimate)} % of {row.accuracy.templates} templates",
                lambda _, row: row.accuracy.estimate >= 0.97 and row.accuracy.templates >= 150,
            )
        )
        lines.append(
            _each(
                "reasoner",
                f"the interval of the drop on {variant} contains 0",
                of("reasoner", "known"),
                variant,
                lambda _, row: _span(row),
                lambda _, row: row.finding.kind == "no drop",
            )
        )
    lines.append(
        _each(
            "reasoner",
            "accuracy on unseen templates (symbolic), to be told",
            of("reasoner", "unseen"),
            "symbolic",
            lambda _, row: f"{points(row.accuracy.estimate)} % of {row.accuracy.templates} templates",
            None,
        )
    )
    bank = of("memoriser", "bank")
    lines += [
        _each(
            "memoriser",
            "at least 95 % of the bank's originals right",
            bank,
            "numbers",
            lambda c, _: NO_VALUE if c.report.original is None else f"{points(c.report.original.estimate)} %",
            lambda c, _: c.report.original is not None and c.report.original.estimate >= 0.95,
        ),
        _each(
            "memoriser",
            "a drop on numbers of at least 30 points",
            bank,
            "numbers",
            lambda _, row: _span(row),
            lambda _, row: row.drop is not None and row.drop.estimate >= 0.3,
        ),
        _each(
            "memoriser",
            "the exact test on numbers at p < 0.001 in every seed",
            bank,
            "numbers",
            lambda _, row: NO_VALUE if row.exchangeability is None else p_value(row.exchangeability.p_mid),
            lambda _, row: row.exchangeability is not None and row.exchangeability.p_mid < 0.001,
        ),
        _each(
            "magnitude_bound",
            "a drop on numbers of the small set, its interval above 0",
            of("magnitude_bound", "small"),
            "numbers",
            lambda _, row: _span(row),
            lambda _, row: row.finding.kind == "drop",
        ),
        _each(
            "magnitude_bound",
            f"not called {MEMORY}",
            of("magnitude_bound", "small"),
            "numbers",
            lambda c, _: " + ".join(c.report.verdict.conclusions),
            lambda c, _: MEMORY not in c.report.verdict.conclusions,
        ),
        _ranked(rankings),
        *(
            _each(
                name,
                "trapped on at least 20 % of the items that it solves without the clause",
                of(name, "known"),
                "noop",
                lambda c, _: _trapped(c),
                lambda c, _: (rate := trapped_of(c.report)) is not None and rate.estimate >= 0.2,
            )
            for name in ("distractible", "counting", "trapped")
        ),
        _each(
            "hardened",
            "trapped on less than 5 % of them, with clauses of families that it never saw",
            of("hardened", "known"),
            "noop",
            lambda c, _: _trapped(c),
            lambda c, _: (rate := trapped_of(c.report)) is not None and rate.estimate < 0.05,
        ),
    ]
    return lines


def _trapped(cell: Cell) -> str:
    rate = trapped_of(cell.report)
    if rate is None:
        return NO_VALUE
    span = "" if rate.interval is None else f" [{points(rate.interval.low)}, {points(rate.interval.high)}]"
    return f"{points(rate.estimate)} %{span}"


def _ranked(rankings: Sequence[Ranking]) -> Target:
    asked = "AUC of the score of a template (D_g on numbers) at least 0.9"
    mine = [r for r in rankings if r.organism == "half_memoriser" and r.score == "numbers"]
    if not mine:
        return Target("half_memoriser", asked, "not measured", None)
    measured = ", ".join(f"{r.auc:.3f}" for r in mine)
    return Target("half_memoriser", asked, measured, all(r.auc >= 0.9 for r in mine), len(mine))
