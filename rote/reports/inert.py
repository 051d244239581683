"""What inert clauses do to a model: which traps it takes, by which factors, and what the number costs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from rote.reports import estimates
from rote.reports.clauses import FACTORS, WAYS, way_of
from rote.reports.estimates import Drop, Rate
from rote.reports.records import Sample, Series
from rote.reports.verdicts import Finding, find_contrast

#: Variants whose documents have traps; of those, the ones with a single clause, whose factors say what it is.
TRAPPING: Final = ("noop", "noop2", "symbolic_noop")
SINGLE: Final = ("noop", "symbolic_noop")

#: Values of the factors in the order of tables; families, and values that are new, come by name.
_ORDER: Final = (
    "in", "off", "same", "other", "none", "in_range", "out_of_range", "start", "mid_text", "before_question",
)  # fmt: skip

_Templates = Mapping[str, Sequence[Sample]]


@dataclass(frozen=True, slots=True)
class TrapCount:
    """How often one way of arising was the trap taken, on one variant.

    ``given_right`` counts the answers whose original was answered right, ``answers`` all of them.
    """

    variant: str
    way: str
    given_right: int
    answers: int


@dataclass(frozen=True, slots=True)
class FactorRow:
    """The instances whose clause has one value of one factor, on one variant.

    ``drop`` is against the originals of the same templates, ``trapped`` over instances whose original was
    right; either is None where it cannot be told.
    """

    variant: str
    factor: str
    value: str
    accuracy: Rate
    drop: Drop | None
    trapped: Rate | None


@dataclass(frozen=True, slots=True)
class Contrast:
    """*noop* against *noop_control* over pairs of the same template, seed, index and family of clause.

    ``cost`` is the accuracy on controls minus that on inert clauses with a number, so positive where the
    number costs; where it is None, ``reason`` says why. ``pairs`` counts instances, not templates.
    """

    cost: Drop | None
    control_accuracy: Rate | None
    noop_accuracy: Rate | None
    pairs: int
    reason: str | None
    finding: Finding


def trap_counts(series: Series) -> tuple[TrapCount, ...]:
    """Counts of the ways that occurred, by variant and in the order of ``WAYS``."""
    originals = series.samples.get("original", {})
    found = []
    for variant in TRAPPING:
        given_right: Counter[str] = Counter()
        answers: Counter[str] = Counter()
        for template, samples in series.samples.get(variant, {}).items():
            ways = [way_of(s.trap) for s in samples if estimates.is_trapped(s)]
            answers.update(ways)
            if template in originals and originals[template][0].correct:
                given_right.update(ways)
        found += [TrapCount(variant, way, given_right[way], answers[way]) for way in WAYS if answers[way]]
    return tuple(found)


def factor_rows(series: Series, level: float) -> tuple[FactorRow, ...]:
    """A row for each variant with a single clause, each factor and each value that occurs."""
    originals = series.samples.get("original", {})
    rows = []
    for variant in SINGLE:
        templates = series.samples.get(variant, {})
        for factor in FACTORS:
            values = {v for samples in templates.values() for s in samples if (v := s.factors.get(factor))}
            for value in sorted(values, key=_place):
                chosen = {t: [s for s in ss if s.factors.get(factor) == value] for t, ss in templates.items()}
                row = _factor_row(variant, factor, value, _filled(chosen), originals, level)
                rows += [row] if row is not None else []
    return tuple(rows)


def _place(value: str) -> tuple[int, str]:
    return (_ORDER.index(value) if value in _ORDER else len(_ORDER), value)


def _filled(templates: Mapping[str, list[Sample]]) -> dict[str, list[Sample]]:
    return {template: samples for template, samples in templates.items() if samples}


def _factor_row(
    variant: str, factor: str, value: str, chosen: _Templates, originals: _Templates, level: float
) -> FactorRow | None:
    accuracy = estimates.rate(list(chosen.values()), estimates.is_correct, level)
    if accuracy is None:
        return None
    pairs = [(originals[t], samples) for t, samples in chosen.items() if t in originals]
    told = estimates.refusal(pairs, "an original and this clause", ("originals", "variants")) is None
    right = [after for before, after in pairs if before[0].correct]
    return FactorRow(
        variant,
        factor,
        value,
        accuracy,
        estimates.drop(pairs, level) if told else None,
        estimates.rate(right, estimates.is_trapped, level),
    )


def contrast(series: Series, level: float) -> Contrast | None:
    """What the number in an inert clause costs; None where *noop* or *noop_control* was not evaluated."""
    noop, control = series.samples.get("noop"), series.samples.get("noop_control")
    if noop is None or control is None:
        return None
    pairs = []
    for template in (t for t in noop if t in control):
        with_number, without = _by_draw(noop[template]), _by_draw(control[template])
        shared = [draw for draw in without if draw in with_number]
        if shared:
            pairs.append(([without[d] for d in shared], [with_number[d] for d in shared]))
    reason = estimates.refusal(
        pairs,
        "a control clause and an inert one of the same index",
        ("clauses without a number", "clauses with a number"),
    )
    cost = estimates.drop(pairs, level) if reason is None else None
    return Contrast(
        cost,
        estimates.rate([before for before, _ in pairs], estimates.is_correct, level),
        estimates.rate([after for _, after in pairs], estimates.is_correct, level),
        sum(len(after) for _, after in pairs),
        reason,
        find_contrast(cost, reason),
    )


def _by_draw(samples: Iterable[Sample]) -> dict[tuple[int, int, str], Sample]:
    # a bank template's own clauses have no control: at their index it has one of another family
    return {(s.seed, s.index, s.factors.get("family", "")): s for s in samples}
