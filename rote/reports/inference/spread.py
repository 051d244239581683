"""Where the spread comes from: templates, draws within them, and whole sets of draws.

Sources
-------
Searle, Casella & McCulloch (1992), "Variance Components", section 3.5 (method of moments).
Mirzadeh et al. (2024), "GSM-Symbolic", arXiv:2410.05229 (accuracy as mean ± standard deviation over sets,
    each of which asks every template once).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

import numpy as np

from rote.errors import DataError
from rote.reports.statistics import LEVEL, Interval


@dataclass(frozen=True, slots=True)
class Spread:
    """Standard deviations over templates, as fractions.

    ``differences``: of the D_g as observed. ``between``: of the templates' own accuracies on the variant, the
    noise of few draws taken out. ``within``: of single draws of one template. The latter two are None
    where no template has two draws; ``between`` is 0 where noise explains all.
    """

    differences: float
    between: float | None
    within: float | None


@dataclass(frozen=True, slots=True)
class Sets:
    """Accuracies of the sets of draws: set i asks each template once, with its draw i.

    ``mean`` and ``deviation`` (n - 1 in the denominator; None for one set) are over sets. The sets share
    templates, so their deviation says how much the draw matters, not how well the accuracy is known.
    ``original`` is the accuracy on the originals of the same templates; ``left_out`` counts draws that some
    templates lack.
    """

    accuracies: tuple[float, ...]
    mean: float
    deviation: float | None
    original: float
    templates: int
    left_out: int


def spread(originals: Sequence[float], variants: Sequence[Sequence[bool]]) -> Spread:
    """Spread over at least 2 paired templates: originals in [0, 1], and each one's draws."""
    _check(originals, variants)
    if len(originals) < 2:
        raise DataError(f"are {len(originals)}; at least 2 are needed", field="originals")
    means = np.array([sum(row) / len(row) for row in variants])
    observed = float(np.std(np.asarray(originals, dtype=np.float64) - means, ddof=1))
    several = [row for row in variants if len(row) > 1]
    if not several:
        return Spread(observed, None, None)
    # Pooled over templates, so that those with one draw borrow it.
    within = fmean(_variance(row) for row in several)
    noise = within * fmean(1 / len(row) for row in variants)
    between = math.sqrt(max(0.0, float(means.var(ddof=1)) - noise))
    return Spread(observed, between, math.sqrt(within))


def fixed_interval(
    originals: Sequence[float], variants: Sequence[Sequence[bool]], level: float = LEVEL
) -> Interval | None:
    """Interval of the drop on *these* templates, for other draws of their variants; None where a k_g is 1.

        mean(D) +/- z * sqrt(sum(s_g**2 / k_g) + 1 / k**2) / G,   s_g**2 = x_g (k_g - x_g) / (k_g (k_g - 1))

    with x_g right of k_g draws and k their mean number. The term 1 / k**2 is one draw lost and one won of
    half a weight each, as in the adjusted t: no width is ever zero. The originals are as they are.
    """
    from scipy.special import ndtri

    _check(originals, variants)
    if not 0 < level < 1:
        raise DataError(f"is {level}; it must lie strictly between 0 and 1", field="level")
    if any(len(row) < 2 for row in variants):
        return None
    g = len(variants)
    mean = sum(o - sum(row) / len(row) for o, row in zip(originals, variants, strict=True)) / g
    k = sum(len(row) for row in variants) / g
    total = sum(_variance(row) / len(row) for row in variants) + 1 / k**2
    half = float(ndtri(0.5 + level / 2)) * math.sqrt(total) / g
    return Interval(max(-1.0, mean - half), min(1.0, mean + half), level, "these templates")


def sets(originals: Sequence[float], draws: Sequence[Mapping[tuple[int, int], bool]]) -> Sets | None:
    """Accuracies by draw (seed and index), of the draws that every template has; None where there is none."""
    _check(originals, draws)
    names = sorted({name for row in draws for name in row})
    common = [name for name in names if all(name in row for row in draws)]
    if not common:
        return None
    accuracies = tuple(sum(row[name] for row in draws) / len(draws) for name in common)
    mean = fmean(accuracies)
    deviation = float(np.std(accuracies, ddof=1)) if len(accuracies) > 1 else None
    original = fmean(originals)
    return Sets(accuracies, mean, deviation, original, len(draws), len(names) - len(common))


def _variance(row: Sequence[bool]) -> float:
    """Unbiased variance of draws of 0 and 1; at least two."""
    k, x = len(row), sum(row)
    return x * (k - x) / (k * (k - 1))


def _check(
    originals: Sequence[float], rows: Sequence[Sequence[bool] | Mapping[tuple[int, int], bool]]
) -> None:
    if len(originals) != len(rows) or not rows:
        raise DataError(f"{len(originals)} originals and {len(rows)} rows of draws; as many, and 1 at least")
    if any(not row for row in rows):
        raise DataError("a template has no draw; each needs at least 1")
    for value in originals:
        if not 0 <= value <= 1:
            raise DataError(f"holds {value}; every entry must lie in [0, 1]", field="originals")
