"""Rates and paired differences of samples: the template is the unit, each weighs the same.

The formulas are :mod:`rote.reports.statistics`'s; what is here turns samples into its arrays.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import fmean

from rote.reports import statistics
from rote.reports.records import Sample
from rote.reports.statistics import Interval

#: The samples of one template on both sides of a comparison: (before, after).
Pair = tuple[Sequence[Sample], Sequence[Sample]]


@dataclass(frozen=True, slots=True)
class Rate:
    """A proportion over templates, each weighing the same; ``interval`` is None for one template."""

    estimate: float
    interval: Interval | None
    templates: int
    instances: int


@dataclass(frozen=True, slots=True)
class Drop:
    """mean(D) over ``templates`` paired templates, in [-1, 1]; positive where the second side is worse.

    ``interval`` is the headline one; ``bca`` is that of the cluster bootstrap, shown beside it where it was
    asked for and the differences are not all equal. ``fixed`` speaks of these templates alone, for other
    draws of their variants; None where a template has one draw.
    """

    estimate: float
    interval: Interval
    templates: int
    bca: Interval | None = None
    fixed: Interval | None = None


def rate(
    templates: Sequence[Sequence[Sample]], flag: Callable[[Sample], bool | None], level: float
) -> Rate | None:
    """Mean over templates of the mean of ``flag``; samples where it is None do not count."""
    values = [[float(v) for s in samples if (v := flag(s)) is not None] for samples in templates]
    values = [v for v in values if v]
    if not values:
        return None
    instances = sum(map(len, values))
    means = [sum(v) / len(v) for v in values]
    interval: Interval | None
    if instances == len(values):  # one instance a template: independent trials
        interval = statistics.wilson_interval(round(sum(means)), instances, level)
    elif len(values) > 1:
        interval = statistics.cluster_wilson_interval(means, instances, level)
    else:
        interval = None
    return Rate(fmean(means), interval, len(values), instances)


def is_correct(sample: Sample) -> bool:
    """Whether the answer is right."""
    return sample.correct


def is_trapped(sample: Sample) -> bool | None:
    """Whether the answer is a trap; None where the document lists none."""
    return sample.trapped if sample.has_traps else None


def drop(pairs: Sequence[Pair], level: float) -> Drop:
    """Mean of accuracy before minus accuracy after over at least 2 templates, with its interval."""
    values = differences(pairs)
    return Drop(fmean(values), statistics.drop_interval(values, level), len(values))


def differences(pairs: Sequence[Pair]) -> list[float]:
    """D_g of each pair: accuracy before minus accuracy after."""
    return [_mean_correct(before) - _mean_correct(after) for before, after in pairs]


def refusal(pairs: Sequence[Pair], both: str, sides: tuple[str, str]) -> str | None:
    """Why no drop can be told from ``pairs``, in words; None when one can.

    ``both`` names what a template must have, ``sides`` what stands before and after.
    """
    if len(pairs) < 2:
        return f"only 1 template has both {both}; 2 are needed" if pairs else f"no template has both {both}"
    for side, name in zip(zip(*pairs, strict=True), sides, strict=True):
        if all(s.invalid is True for samples in side for s in samples):
            return f"every answer to the {name} was invalid; an error is not a wrong answer"
    if not any(s.correct for pair in pairs for samples in pair for s in samples):
        return f"nothing was answered right, neither {sides[0]} nor {sides[1]}: there is nothing to lose"
    return None


def _mean_correct(samples: Sequence[Sample]) -> float:
    return sum(s.correct for s in samples) / len(samples)
