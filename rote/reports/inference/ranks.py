"""Ranks of many models as intervals, and groups of models that cannot be told apart.

All columns are resampled with the same weights, so a pair of models is compared on the same templates and
what they have in common cancels.

Sources
-------
Mogstad, Romano, Shaikh & Wilhelm (2024), "Inference for ranks with applications to mobility across
    neighbourhoods and academic achievement across countries", Review of Economic Studies 91 (rank intervals
    from simultaneous intervals of all pairwise differences).
Romano & Wolf (2005), "Stepwise multiple testing as formalized data snooping", Econometrica 73 (max-t).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from rote.errors import DataError
from rote.reports.inference.bootstrap import RESAMPLES, SEED, resampled_means
from rote.reports.statistics import LEVEL

FloatArray = npt.NDArray[np.float64]


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
    columns: npt.ArrayLike, level: float = LEVEL, resamples: int = RESAMPLES, seed: int = SEED
) -> list[Rank]:
    """Ranks of the means of columns, shape (G, J), G >= 2, all templates in all columns.

    A pair whose studentised difference exceeds the ``level`` quantile of the largest over all pairs under
    resampling is told apart. Pairs whose differences are all equal are never told apart: certainty is not
    claimed from a standard deviation of zero. Tie classes are made once, from the best mean down; equal
    means keep the order given.
    """
    values = np.asarray(columns, dtype=np.float64)
    if values.ndim != 2 or min(values.shape) < 1 or values.shape[0] < 2 or not np.isfinite(values).all():
        raise DataError(
            "must be finite, of at least 2 templates (rows) and 1 model (column)", field="columns"
        )
    if not 0 < level < 1:
        raise DataError(f"is {level}; it must lie strictly between 0 and 1", field="level")
    means = values.mean(axis=0)
    better = told_apart(values, level, resamples, seed)
    classes = _tie_classes(means, better)
    count = values.shape[1]
    return [
        Rank(float(means[j]), 1 + int(better[:, j].sum()), count - int(better[j].sum()), classes[j])
        for j in range(count)
    ]


def told_apart(
    values: FloatArray, level: float = LEVEL, resamples: int = RESAMPLES, seed: int = SEED
) -> npt.NDArray[np.bool_]:
    """Matrix (J, J): whether the mean of i lies above that of j, simultaneously over all pairs."""
    g, count = values.shape
    means = values.mean(axis=0)
    centred = values - means
    covariance = centred.T @ centred / (g - 1) / g
    own = np.diag(covariance)
    variances = own[:, None] + own[None, :] - 2 * covariance
    telling = variances > 1e-12 * np.maximum(own[:, None] + own[None, :], 1e-300)
    inverse = np.where(telling, 1 / np.sqrt(np.where(telling, variances, 1.0)), 0.0)
    moved = resampled_means(values, resamples, seed) - means
    largest = np.zeros(resamples)
    for j in range(count - 1):  # one model against those after it: memory stays (resamples, J)
        pairs = np.abs(moved[:, j + 1 :] - moved[:, j : j + 1]) * inverse[j, j + 1 :]
        np.maximum(largest, pairs.max(axis=1), out=largest)
    # The smallest order statistic that leaves at most 1 - level above it.
    place = min(resamples - 1, int(np.ceil(level * (resamples + 1))) - 1)
    critical = float(np.partition(largest, place)[place])
    apart: npt.NDArray[np.bool_] = (means[:, None] - means[None, :]) * inverse > critical
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
