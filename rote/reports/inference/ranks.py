"""Ranks of many models as intervals, and groups of models that cannot be told apart.

All columns are resampled with the same weights, so a pair of models is compared on the same templates and
what they have in common cancels.

A pair whose difference c is the same on all G templates has no spread to studentise it by. It is judged by
the rule of three: were a share u of all templates of the worst kind, -reach, and the others c, the mean would
be 0 at u = c / (reach + c), and none of that share is seen with chance

    p = (1 - u)**G = (reach / (reach + c))**G,

exact for G templates drawn at random. Bonferroni's correction is made over all pairs and both directions, at
``CONSTANT_SHARE`` of the error that is allowed, so that pairs with and without spread together err by no more
than 1 + ``CONSTANT_SHARE`` times of it.

Sources
-------
Mogstad, Romano, Shaikh & Wilhelm (2024), "Inference for ranks with applications to mobility across
    neighbourhoods and academic achievement across countries", Review of Economic Studies 91 (rank intervals
    from simultaneous intervals of all pairwise differences).
Hanley & Lippman-Hand (1983), "If nothing goes wrong, is everything all right?", JAMA 249 (rule of three).
Romano & Wolf (2005), "Stepwise multiple testing as formalized data snooping", Econometrica 73 (max-t).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from rote.errors import DataError
from rote.reports.inference.bootstrap import RESAMPLES, SEED, resampled_means
from rote.reports.statistics import LEVEL

FloatArray = npt.NDArray[np.float64]

#: Share of the allowed error that pairs without any spread are tested at. p falls with the power G, so that a
#: tenth costs little.
CONSTANT_SHARE: Final = 0.1


@dataclass(frozen=True, slots=True)
class Rank:
    """Rank 1 is the largest mean. The true ranks of *all* columns lie in their [best, worst] at the level.

    ``tie_class`` counts from 1: columns of one class are not told apart from its first one.
    """

    estimate: float
    best: int
    worst: int
    tie_class: int


def ranks(
    columns: npt.ArrayLike,
    level: float = LEVEL,
    resamples: int = RESAMPLES,
    seed: int = SEED,
    *,
    reach: float = 1.0,
) -> list[Rank]:
    """Ranks of the means of columns, shape (G, J), G >= 2, all templates in all columns.

    A pair whose studentised difference exceeds the ``level`` quantile of the largest over all pairs under
    resampling is told apart; where the difference is the same on all templates, the rule of three decides.
    ``reach`` is the largest difference that two columns can have on a template: 1 for accuracies, 2 for
    drops. Tie classes are made once, from the best mean down; equal means keep the order given. Raises
    DataError: other columns, or two that differ by more than ``reach`` on a template.
    """
    values = np.asarray(columns, dtype=np.float64)
    if values.ndim != 2 or min(values.shape) < 1 or values.shape[0] < 2 or not np.isfinite(values).all():
        raise DataError(
            "must be finite, of at least 2 templates (rows) and 1 model (column)", field="columns"
        )
    if not 0 < level < 1:
        raise DataError(f"is {level}; it must lie strictly between 0 and 1", field="level")
    widest = float(np.ptp(values, axis=1).max())
    if widest > reach + 1e-9:
        raise DataError(f"differ by {widest:g} on a template; at most {reach:g} is possible", field="columns")
    means = values.mean(axis=0)
    better = told_apart(values, level, resamples, seed, reach=reach)
    classes = _tie_classes(means, better)
    count = values.shape[1]
    return [
        Rank(float(means[j]), 1 + int(better[:, j].sum()), count - int(better[j].sum()), classes[j])
        for j in range(count)
    ]


def told_apart(
    values: FloatArray,
    level: float = LEVEL,
    resamples: int = RESAMPLES,
    seed: int = SEED,
    *,
    reach: float = 1.0,
) -> npt.NDArray[np.bool_]:
    """Matrix (J, J): whether the mean of i lies above that of j, simultaneously over all pairs."""
    g, count = values.shape
    means = values.mean(axis=0)
    centred = values - means
    covariance = centred.T @ centred / (g - 1) / g
    own = np.diag(covariance)
    variances = own[:, None] + own[None, :] - 2 * covariance
    # Less than that is rounding: of the difference of variances, and of means of equal values.
    telling = variances > 1e-12 * np.maximum(own[:, None] + own[None, :], 1e-12)
    inverse = np.where(telling, 1 / np.sqrt(np.where(telling, variances, 1.0)), 0.0)
    moved = resampled_means(values, resamples, seed) - means
    largest = np.zeros(resamples)
    for j in range(count - 1):  # one model against those after it: memory stays (resamples, J)
        pairs = np.abs(moved[:, j + 1 :] - moved[:, j : j + 1]) * inverse[j, j + 1 :]
        np.maximum(largest, pairs.max(axis=1), out=largest)
    # The smallest order statistic that leaves at most 1 - level above it.
    place = min(resamples - 1, int(np.ceil(level * (resamples + 1))) - 1)
    critical = float(np.partition(largest, place)[place])
    gaps = means[:, None] - means[None, :]
    shifted = ~telling & (gaps > 0) & constant_told_apart(gaps, g, count, level, reach)
    apart: npt.NDArray[np.bool_] = (gaps * inverse > critical) | shifted
    return apart


def constant_p(gaps: npt.ArrayLike, templates: npt.ArrayLike, reach: float) -> FloatArray:
    """One-sided p-values of differences that are the same on all ``templates``; at most ``reach`` each."""
    p: FloatArray = (reach / (reach + np.abs(np.asarray(gaps, dtype=np.float64)))) ** np.asarray(templates)
    return p


def constant_told_apart(
    gaps: npt.ArrayLike, templates: int, models: int, level: float, reach: float
) -> npt.NDArray[np.bool_]:
    """Whether such differences between two of ``models`` models are told apart, simultaneously."""
    allowed = CONSTANT_SHARE * (1 - level) / max(2, models * (models - 1))
    apart: npt.NDArray[np.bool_] = constant_p(gaps, templates, reach) <= allowed
    return apart


def _tie_classes(means: FloatArray, better: npt.NDArray[np.bool_]) -> list[int]:
    order = np.argsort(-means, kind="stable").tolist()
    classes = [0] * len(order)
    leader, current = order[0], 1
    for j in order:
        if better[leader, j]:
            leader, current = j, current + 1
        classes[j] = current
    return classes
