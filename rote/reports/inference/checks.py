"""What must agree before a drop is called consistent with memorisation, beside the drop and the exact test.

Each check has an outcome, or a reason why there is none. A check that could not be made has not agreed.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Final

from rote.errors import DataError
from rote.reports.estimates import Drop
from rote.reports.inference.conditional import Adjusted, adjusted_test
from rote.reports.inference.exchangeability import NullDistribution, Placebo, null_distribution, placebo
from rote.reports.records import Sample
from rote.reports.statistics import LEVEL, Interval, drop_interval

#: Measures of difficulty, and whether their logarithm enters (they are lengths and magnitudes).
COVARIATES: Final = {
    "largest_number": True,
    "answer_digits": False,
    "characters": True,
    "largest_worked": True,
    "digits_worked": True,
}


@dataclass(frozen=True, slots=True)
class Checks:
    """The checks of one variant. ``p_holm``: the exact test's mid-p, Holm-adjusted over the report's series.

    ``against`` is the drop of this model less that of the reference models on the same templates; None where
    no references were named, or, with ``against_reason``, where they do not fit.
    """

    null: NullDistribution
    placebo: Placebo | None
    placebo_reason: str | None
    adjusted: Adjusted | None
    adjusted_reason: str | None
    p_holm: float
    references: tuple[str, ...] = ()
    against: Drop | None = None
    against_reason: str | None = None


def check(originals: Sequence[Sample], variants: Sequence[Sequence[Sample]], p: float) -> Checks:
    """Checks of paired templates: one original each, and its instances. ``p`` is the exact test's mid-p."""
    null = null_distribution(
        [float(o.correct) for o in originals],
        [float(sum(s.correct for s in row)) for row in variants],
        [float(len(row)) for row in variants],
    )
    fake = placebo([[s.correct for s in row] for row in variants])
    reason = None if fake is not None else "no template has two instances"
    adjusted, adjusted_reason = _adjusted(originals, variants)
    return Checks(null, fake, reason, adjusted, adjusted_reason, p)


def _adjusted(
    originals: Sequence[Sample], variants: Sequence[Sequence[Sample]]
) -> tuple[Adjusted | None, str | None]:
    rows = [
        (g, s, s is o) for g, (o, row) in enumerate(zip(originals, variants, strict=True)) for s in (o, *row)
    ]
    known = [name for name in COVARIATES if all(name in s.covariates for _, s, _ in rows)]
    if not known:
        return None, f"the documents do not tell their difficulty ({', '.join(COVARIATES)})"
    covariates = {
        name: [_scaled(s.covariates[name], log=COVARIATES[name]) for _, s, _ in rows] for name in known
    }
    try:
        return adjusted_test(
            [s.correct for _, s, _ in rows],
            [special for _, _, special in rows],
            covariates,
            [g for g, _, _ in rows],
        ), None
    except DataError as error:
        return None, str(error)


def _scaled(value: float, *, log: bool) -> float:
    return math.copysign(math.log1p(abs(value)), value) if log else value


def difference_in_differences(
    model: Mapping[str, float], references: Sequence[Mapping[str, float]], level: float = LEVEL
) -> Drop:
    """Mean over shared templates of the model's D_g less the mean of the references' D_g, with its interval.

    Each mapping is template to D_g in [-1, 1]. Harder draws cost the references, too, so what is left is not
    difficulty, as far as difficulty costs them as much. The result lies in [-2, 2]; its interval is that
    of a drop at twice the scale. DataError where fewer than 2 templates are shared or nothing is to compare.
    """
    if not references:
        raise DataError("there is no reference model; name at least one")
    shared = [t for t in model if all(t in r for r in references)]
    if len(shared) < 2:
        raise DataError(f"{len(shared)} templates are shared with the reference models; 2 are needed")
    halves = [(model[t] - fmean(r[t] for r in references)) / 2 for t in shared]
    inner = drop_interval(halves, level)
    interval = Interval(2 * inner.low, 2 * inner.high, level, inner.method)
    return Drop(2 * fmean(halves), interval, len(shared))
