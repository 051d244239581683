"""Ranks as intervals, from all pairwise comparisons of models on the templates they share.

Where all models share all templates, pairs are told apart by the largest t under shared bootstrap weights
(:mod:`rote.reports.inference.ranks`). That needs a full table; where some templates are missing from some
models, each pair is compared by the adjusted t on the templates it shares (one half-weight pair of opposite
differences is added, as in the interval of a drop), and Holm (1979) holds the chance of any wrong claim at
``alpha``, at some cost in width. Either way a difference that is the same on all templates is judged by the
rule of three, whose p-value is larger than that of t. The interval of a rank follows by
counting: 1 + the models shown to be better, up to n - the models shown to be worse. All of it is computed
once from all models, so hiding rows never moves one.

Holm (1979), "A simple sequentially rejective multiple test procedure", Scandinavian Journal of Statistics 6.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from rote.reports.inference.ranks import constant_p, told_apart

_Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Rank:
    """``place`` in 1..n (equal scores share the better one), its simultaneous interval, and a tie class.

    Classes are stretches of the order: class 1 begins with the best model, and the first model shown to be
    worse than the leader of a class begins the next.
    """

    place: int
    low: int
    high: int
    tie_class: int
    models: int


def rank(scores: Sequence[Mapping[str, float]], *, alpha: float = 0.05, reach: float = 1.0) -> list[Rank]:
    """Ranks of models from their scores by template, higher is better; one each, in order.

    ``reach`` is how far two scores of a template can lie apart: 1 for accuracies, 2 for drops.
    Models that share fewer than 2 templates are never told apart.
    """
    if not scores:
        return []
    names = sorted({name for one in scores for name in one})
    column = {name: i for i, name in enumerate(names)}
    values = np.zeros((len(scores), len(names)))
    present = np.zeros_like(values)
    for row, one in enumerate(scores):
        for name, value in one.items():
            values[row, column[name]] = value
            present[row, column[name]] = 1
    means = values.sum(axis=1) / np.maximum(present.sum(axis=1), 1)
    full = bool(present.all()) and len(names) >= 2
    better = told_apart(values.T, 1 - alpha, reach=reach) if full else _better(values, present, alpha, reach)
    n = len(scores)
    order = sorted(range(n), key=lambda i: (-round(float(means[i]), 12), i))
    classes = [0] * n
    leader, current = order[0], 1
    for i in order:
        if better[leader, i]:
            leader, current = i, current + 1
        classes[i] = current
    return [
        Rank(
            place=1 + int(np.sum(np.round(means, 12) > round(float(means[i]), 12))),
            low=1 + int(better[:, i].sum()),
            high=n - int(better[i].sum()),
            tie_class=classes[i],
            models=n,
        )
        for i in range(n)
    ]


def _better(values: _Floats, present: _Floats, alpha: float, reach: float) -> npt.NDArray[np.bool_]:
    """[i, j]: model i is shown to be better than model j."""
    from scipy.special import stdtr

    count = present @ present.T
    total = values @ present.T - present @ values.T
    squares = np.square(values) @ present.T + present @ np.square(values).T - 2 * values @ values.T
    weight = np.maximum(count + 1, 2.0)
    mean = total / weight
    variance = (squares + 1 - weight * np.square(mean)) / (weight - 1)
    t = mean / np.sqrt(np.maximum(variance, 1e-12) / weight)
    p = 2 * stdtr(np.maximum(count - 1, 1), -np.abs(t))
    gap = total / np.maximum(count, 1)
    flat = squares - total * gap < 1e-9
    p = np.where(flat, np.maximum(p, np.minimum(1.0, 2 * constant_p(gap, count, reach))), p)
    p = np.where(count >= 2, p, 1.0)
    upper = np.triu_indices(len(values), 1)
    rejected = np.zeros(p.shape, dtype=bool)
    rejected[upper] = holm(p[upper], alpha)
    rejected |= rejected.T
    return np.asarray(rejected & (mean > 0), dtype=np.bool_)


def holm(p: _Floats, alpha: float) -> npt.NDArray[np.bool_]:
    """Which of the hypotheses with these p-values, shape (m,), Holm's procedure rejects at ``alpha``."""
    order = np.argsort(p, kind="stable")
    passed = p[order] <= alpha / (len(p) - np.arange(len(p)))
    rejected = np.zeros(len(p), dtype=np.bool_)
    rejected[order[: len(p) if passed.all() else int(np.argmin(passed))]] = True
    return rejected
