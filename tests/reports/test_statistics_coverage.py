"""Coverage of the intervals and size of the exact test, by simulation.

Templates have success probabilities whose logits are normal (standard deviation 2) around a centre that
gives the stated accuracy; the original and each of k variants are independent given the template, so the
true drop is 0. Bounds are generous: 4,000 replicates have a standard error of 0.34 points at 95 %.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import pytest
from scipy.optimize import brentq

from rote.reports.statistics import (
    Interval,
    adjusted_t_interval,
    cluster_wilson_interval,
    drop_interval,
    exchangeability_test,
    t_interval,
)

pytestmark = pytest.mark.slow
SPREAD = 2.0
Vector = npt.NDArray[np.float64]


def replicates(
    accuracy: float, templates: int, k: int, count: int, seed: int
) -> Iterator[tuple[Vector, Vector]]:
    """(originals, successes among k variants), each of shape (templates,), ``count`` times."""
    rng = np.random.default_rng(seed)
    nodes, weights = np.polynomial.hermite_e.hermegauss(61)
    weights = weights / weights.sum()
    centre = brentq(lambda c: float(weights @ (1 / (1 + np.exp(-c - SPREAD * nodes)))) - accuracy, -20, 20)
    for _ in range(count):
        p = 1 / (1 + np.exp(-centre - SPREAD * rng.standard_normal(templates)))
        yield (rng.random(templates) < p).astype(float), rng.binomial(k, p).astype(float)


def covers(interval: Interval, truth: float) -> bool:
    return interval.low <= truth <= interval.high


@pytest.mark.parametrize(
    ("accuracy", "templates", "k", "count", "low", "high"),
    [
        (0.72, 100, 50, 4000, 0.94, 0.975),  # 95.7 in the table for the adjusted t
        (0.96, 100, 5, 4000, 0.945, 0.99),  # 98.1
        (0.72, 1319, 5, 1500, 0.93, 0.97),  # 94.8
        (0.99, 1319, 5, 4000, 0.9425, 0.965),  # 95.0 in 100,000 runs; 94.1 for the plain t
    ],
)
def test_headline_interval(
    accuracy: float,
    templates: int,
    k: int,
    count: int,
    low: float,
    high: float,
    record_property: pytest.RecordProperty,
) -> None:
    hits = sum(
        covers(drop_interval(o - s / k), 0.0) for o, s in replicates(accuracy, templates, k, count, seed=11)
    )
    record_property("coverage", hits / count)
    print(f"coverage {hits / count:.4f}")
    assert low <= hits / count <= high


def test_plain_t_is_too_short_near_saturation_and_the_adjusted_is_not() -> None:
    plain = adjusted = 0
    for o, s in replicates(0.96, 100, 50, 4000, seed=12):
        d = o - s / 50
        plain += covers(t_interval(d), 0.0)
        adjusted += covers(adjusted_t_interval(d), 0.0)
    print(f"plain {plain / 4000:.4f} adjusted {adjusted / 4000:.4f}")
    assert plain / 4000 < 0.935
    assert adjusted / 4000 > 0.945


@pytest.mark.parametrize(("accuracy", "templates", "k"), [(0.72, 100, 5), (0.96, 100, 5), (0.99, 30, 5)])
def test_accuracy_of_variants(accuracy: float, templates: int, k: int) -> None:
    hits = plain = 0
    for _, s in replicates(accuracy, templates, k, 4000, seed=13):
        hits += covers(cluster_wilson_interval(s / k, templates * k), accuracy)
        plain += covers(t_interval(s / k), accuracy)
    print(f"clustered Wilson {hits / 4000:.4f} t {plain / 4000:.4f}")
    assert 0.935 <= hits / 4000 <= 0.985
    if accuracy == 0.99:
        assert plain / 4000 < 0.8


@pytest.mark.parametrize(("accuracy", "templates", "k"), [(0.72, 100, 5), (0.96, 100, 5), (0.72, 200, 1)])
def test_size_of_the_exact_test(accuracy: float, templates: int, k: int) -> None:
    exact = mid = 0
    for o, s in replicates(accuracy, templates, k, 3000, seed=14):
        test = exchangeability_test(o, s, [float(k)] * templates)
        exact += test.p_exact <= 0.05
        mid += test.p_mid <= 0.05
    print(f"size exact {exact / 3000:.4f} mid-p {mid / 3000:.4f}")
    assert exact / 3000 <= 0.055
    assert 0.03 <= mid / 3000 <= 0.06
