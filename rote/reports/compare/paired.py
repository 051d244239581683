"""Tests of a paired change: McNemar's, and its form for clustered answers.

Sources
-------
McNemar (1947), "Note on the sampling error of the difference between correlated proportions or
    percentages", Psychometrika 12 (the exact form is the sign test on the discordant pairs).
Fagerland, Lydersen & Laake (2013), "The McNemar test for binary matched-pairs data: mid-p and asymptotic
    are better than exact conditional", BMC Medical Research Methodology 13:91.
Pitman (1937), "Significance tests which may be applied to samples from any populations", Supplement to
    the JRSS 4 (the randomisation test; the units whose signs are flipped are the templates here).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from rote.errors import DataError


@dataclass(frozen=True, slots=True)
class TwoSided:
    """Two-sided p-values of an exact test; ``mid`` counts half of the observed outcome's probability."""

    exact: float
    mid: float


def mcnemar(lost: int, won: int) -> TwoSided:
    """Exact McNemar test on ``lost`` (right, then wrong) and ``won`` (wrong, then right) answers.

    Under the null each discordant pair is a fair coin. Two-sided p is twice the smaller tail, at most 1;
    mid-p is that less the probability of the observed split. Without discordant pairs both are 1. The
    answers must be independent: for several instances of a template see :func:`sign_flip`.
    """
    if lost < 0 or won < 0:
        raise DataError(f"are {lost} and {won}; counts cannot be negative", field="lost, won")
    n, k = lost + won, min(lost, won)
    if n == 0:
        return TwoSided(1.0, 1.0)
    at = below = 1
    for i in range(k):
        at = at * (n - i) // (i + 1)
        below += at
    exact = min(1.0, _ratio(2 * below, n))
    # With an even split the observed outcome is the middle of the distribution.
    mid = 1 - _ratio(at, n) / 2 if lost == won else _ratio(2 * below - at, n)
    return TwoSided(exact, min(1.0, mid))


def _ratio(count: int, n: int) -> float:
    """count / 2**n for whole numbers of any size."""
    return count / (1 << n)


def sign_flip(net: Sequence[int]) -> TwoSided:
    """Exact randomisation test on the net gain of each template, shape (G,), whole numbers.

    A template's net gain is how many more of its answers were right after than before. Under the null
    its sign is a fair coin, independently over templates, however strongly the answers within a template
    hang together. With one answer a template this is :func:`mcnemar`. O(G * sum |net|).
    """
    sizes = [abs(int(v)) for v in net if v]
    if not sizes:
        return TwoSided(1.0, 1.0)
    total = sum(sizes)
    # pmf[i] = P(sum of those with a plus sign = i): each size is in or out.
    pmf = np.zeros(total + 1)
    pmf[0] = 1.0
    reach = 0
    for size in sizes:
        reach += size
        pmf[size : reach + 1] = (pmf[size : reach + 1] + pmf[: reach + 1 - size]) / 2
        pmf[: min(size, reach + 1)] /= 2
    observed = (total + sum(int(v) for v in net)) // 2
    small = min(observed, total - observed)
    tail, at = math.fsum(pmf[: small + 1]), float(pmf[small])
    if 2 * small == total:
        return TwoSided(1.0, 1 - at / 2)
    return TwoSided(min(1.0, 2 * tail), min(1.0, 2 * tail - at))
