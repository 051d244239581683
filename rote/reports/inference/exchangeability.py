"""The exact exchangeability test in pictures and against itself: its null distribution, and the placebo.

The test is :func:`rote.reports.statistics.exchangeability_test`. A rejection says that the original is
special among its k + 1 instances. If a *variant* put in the original's place is special too, then the draws
are not alike among themselves, and the test tells nothing of originals.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from rote.errors import DataError
from rote.reports.statistics import (
    Exchangeability,
    FloatValues,
    exchangeability_test,
    poisson_binomial,
)


@dataclass(frozen=True, slots=True)
class NullDistribution:
    """P(T = first + i) = pmf[i]: how many originals are right if they are exchangeable."""

    first: int
    pmf: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Placebo:
    """The test with each draw of the variants in the original's place.

    ``tests`` are one a draw, of the templates that have it and another one. ``p`` is the smallest mid-p
    times their number, at most 1 (Bonferroni): one placebo of several must not reject by chance.
    """

    tests: tuple[Exchangeability, ...]
    p: float


def null_distribution(
    originals: FloatValues, variant_successes: FloatValues, variant_counts: FloatValues
) -> NullDistribution:
    """The null distribution of the number of right originals; arguments as in ``exchangeability_test``.

    Only outcomes with a probability of at least 1e-12 are kept: a figure shows no others.
    """
    o, s, k = (np.asarray(a, dtype=np.float64) for a in (originals, variant_successes, variant_counts))
    exchangeability_test(o, s, k)  # for its checks of the arguments
    m = o + s
    pmf = poisson_binomial((m / (k + 1))[(m > 0) & (m < k + 1)])
    always = int((m == k + 1).sum())
    shown = np.flatnonzero(pmf >= 1e-12)
    low, high = int(shown[0]), int(shown[-1])
    return NullDistribution(always + low, tuple(pmf[low : high + 1].tolist()))


def placebo(outcomes: Sequence[Sequence[bool]]) -> Placebo | None:
    """``outcomes[g][i]``: whether the i-th instance of template g was right; the originals stay out.

    With the originals among the others, a memorised original would make every variant look worse than its
    peers and the one-sided placebo could never reject. None where no template has two instances.
    """
    if any(len(row) == 0 for row in outcomes):
        raise DataError("holds a template without instances", field="outcomes")
    tests = []
    for i in range(max((len(row) for row in outcomes), default=0)):
        rows = [row for row in outcomes if len(row) > max(i, 1)]
        if rows:
            tests.append(
                exchangeability_test(
                    [float(row[i]) for row in rows],
                    [float(sum(row) - row[i]) for row in rows],
                    [float(len(row) - 1) for row in rows],
                )
            )
    if not tests:
        return None
    return Placebo(tuple(tests), min(1.0, len(tests) * min(t.p_mid for t in tests)))
