"""Intervals and the exact test against outside numbers: scipy, enumeration, published worked examples."""

from __future__ import annotations

import itertools
import json
import math
import random
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from rote.errors import DataError
from rote.reports.statistics import (
    adjusted_t_interval,
    cluster_wilson_interval,
    drop_interval,
    exchangeability_test,
    poisson_binomial,
    t_interval,
    wilson_interval,
)

GOLDEN = json.loads((Path(__file__).parents[1] / "golden" / "statistics.json").read_text(encoding="utf-8"))
SPREAD = [0.0, 0.2, -0.2, 1.0, 0.4, 0.0, 0.6, -0.4, 0.2, 0.8]


def test_t_interval_is_scipys() -> None:
    ours = t_interval(SPREAD)
    theirs = stats.ttest_1samp(SPREAD, 0).confidence_interval(0.95)
    assert (ours.low, ours.high) == pytest.approx((theirs.low, theirs.high), rel=1e-12)


def test_adjusted_t_by_hand() -> None:
    # D = (1, 0, 0): N = 4, mean' = 1/4, var' = (1 + 1 - 4/16) / 3 = 7/12, t(2) at 97.5 % = 4.302653
    half = 4.302652729749464 * math.sqrt(7 / 12 / 4)
    ours = adjusted_t_interval([1, 0, 0])
    assert (ours.low, ours.high) == pytest.approx((max(-1, 0.25 - half), min(1, 0.25 + half)), rel=1e-12)
    wide = adjusted_t_interval([0.5, 0, 0, 0, 0, 0, 0, 0.1, 0.2, 0.1])
    # the same formula over the 12 weighted observations, by numpy's weighted average
    values = np.array([0.5, 0, 0, 0, 0, 0, 0, 0.1, 0.2, 0.1, 1, -1])
    weights = np.array([1.0] * 10 + [0.5] * 2)
    mean = np.average(values, weights=weights)
    variance = np.average((values - mean) ** 2, weights=weights) * 11 / 10
    half = stats.t.ppf(0.975, 9) * math.sqrt(variance / 11)
    assert (wide.low, wide.high) == pytest.approx((mean - half, mean + half), rel=1e-12)


@pytest.mark.parametrize("templates", [2, 100, 399, 400, 1319])
def test_the_headline_interval_has_one_formula(templates: int) -> None:
    rng = random.Random(1)
    d = [rng.choice((-1.0, 0.0, 0.0, 0.0, 1.0)) for _ in range(templates)]
    assert drop_interval(d) == adjusted_t_interval(d)


@pytest.mark.parametrize("value", [-1.0, 0.0, 0.25, 1.0])
@pytest.mark.parametrize("templates", [2, 30, 400, 1319])
def test_equal_differences_never_give_certainty(value: float, templates: int) -> None:
    interval = drop_interval([value] * templates)
    assert interval.method == "adjusted t"
    assert interval.high - interval.low > 0
    assert -1 <= interval.low <= value <= interval.high <= 1 or abs(value) == 1


@pytest.mark.parametrize(
    ("successes", "trials"), [(0, 10), (10, 10), (1, 1), (7, 20), (81, 263), (1300, 1319)]
)
def test_wilson_is_scipys(successes: int, trials: int) -> None:
    ours = wilson_interval(successes, trials)
    theirs = stats.binomtest(successes, trials).proportion_ci(0.95, method="wilson")
    assert (ours.low, ours.high) == pytest.approx((theirs.low, theirs.high), abs=1e-12)


def test_wilson_worked_example() -> None:
    # Newcombe (1998), "Two-sided confidence intervals for the single proportion", table I, 81/263.
    golden = GOLDEN["wilson_newcombe_1998"]
    ours = wilson_interval(golden["successes"], golden["trials"])
    assert (round(ours.low, 4), round(ours.high, 4)) == tuple(golden["interval"])


def test_clustered_wilson_agrees_with_wilson_without_clusters() -> None:
    outcomes = [1.0] * 700 + [0.0] * 300
    ours, plain = cluster_wilson_interval(outcomes, 1000), wilson_interval(700, 1000)
    assert (ours.low, ours.high) == pytest.approx((plain.low, plain.high), abs=2e-4)


def test_clustered_wilson_uses_templates_not_instances() -> None:
    # Templates answered always or never carry one bit each, however many instances they have.
    ours = cluster_wilson_interval([1.0] * 20 + [0.0] * 20, 400)
    plain = wilson_interval(20, 40)
    assert ours.high - ours.low >= plain.high - plain.low


def test_clustered_wilson_never_beats_independence() -> None:
    means = [0.6] * 99 + [0.8]  # far less spread than 5 independent instances would show
    ours = cluster_wilson_interval(means, 500)
    plain = wilson_interval(301, 500)
    assert ours.high - ours.low >= plain.high - plain.low


@pytest.mark.parametrize("p", [0.0, 1.0])
def test_clustered_wilson_at_the_ends(p: float) -> None:
    interval = cluster_wilson_interval([p] * 50, 250)
    assert 0 <= interval.low <= p <= interval.high <= 1
    assert 0.05 < interval.high - interval.low < 0.1


def test_poisson_binomial_golden_and_binomial() -> None:
    golden = GOLDEN["poisson_binomial_by_fractions"]
    assert poisson_binomial(golden["probabilities"]) == pytest.approx(golden["pmf"], rel=1e-14)
    assert poisson_binomial([0.3] * 500) == pytest.approx(
        stats.binom.pmf(np.arange(501), 500, 0.3), rel=1e-9, abs=0
    )
    assert poisson_binomial([]).tolist() == [1.0]


def test_poisson_binomial_of_a_large_set_sums_to_one() -> None:
    rng = random.Random(2)
    pmf = poisson_binomial([rng.random() for _ in range(1319)])
    assert math.fsum(pmf) == pytest.approx(1, abs=1e-12)
    assert (pmf >= 0).all()


def enumerated(originals: list[int], successes: list[int], counts: list[int]) -> tuple[float, float]:
    """p and mid-p by going through which instance of each template was the original."""
    observed = sum(originals)
    above = at = 0.0
    instances = [
        [1] * (o + s) + [0] * (k + 1 - o - s) for o, s, k in zip(originals, successes, counts, strict=True)
    ]
    total = 0
    for choice in itertools.product(*instances):
        total += 1
        above += sum(choice) > observed
        at += sum(choice) == observed
    return (above + at) / total, (above + at / 2) / total


@pytest.mark.parametrize("seed", range(20))
def test_exchangeability_by_enumeration(seed: int) -> None:
    rng = random.Random(seed)
    counts = [rng.randint(1, 4) for _ in range(7)]
    successes = [rng.randint(0, k) for k in counts]
    originals = [int(rng.random() < 0.7) for _ in counts]
    ours = exchangeability_test(originals, successes, counts)
    exact, mid = enumerated(originals, successes, counts)
    assert ours.p_exact == pytest.approx(exact, rel=1e-12)
    assert ours.p_mid == pytest.approx(mid if ours.informative else 1.0, rel=1e-12)


@pytest.mark.parametrize(
    ("lost", "won", "both", "neither"), [(9, 2, 5, 4), (1, 0, 0, 0), (0, 6, 3, 1), (80, 40, 900, 299)]
)
def test_one_variant_is_mcnemar(lost: int, won: int, both: int, neither: int) -> None:
    originals = [1] * lost + [0] * won + [1] * both + [0] * neither
    variants = [0] * lost + [1] * won + [1] * both + [0] * neither
    ours = exchangeability_test(originals, variants, [1] * len(originals))
    theirs = stats.binomtest(lost, lost + won, 0.5, alternative="greater").pvalue
    assert ours.p_exact == pytest.approx(theirs, rel=1e-10)
    assert ours.informative == lost + won
    assert (ours.observed, ours.expected) == (lost + both, both + (lost + won) / 2)


def test_nothing_informative_never_rejects() -> None:
    ours = exchangeability_test([1, 1, 0], [2, 2, 0], [2, 2, 2])
    assert (ours.p_exact, ours.p_mid, ours.informative) == (1.0, 1.0, 0)


def test_a_memoriser_is_told_from_a_solver() -> None:
    assert exchangeability_test([1] * 30, [1] * 30, [4] * 30).p_exact == pytest.approx(0.4**30, rel=1e-9)
    assert exchangeability_test([1] * 30, [4] * 29 + [3], [4] * 30).p_mid > 0.05


@pytest.mark.parametrize("bad", [[], [0.5], [0.1, math.nan], [0.1, 1.5], [[0.1, 0.2]]])
def test_bad_differences_are_refused(bad: list[float]) -> None:
    for interval in (t_interval, adjusted_t_interval, drop_interval):
        with pytest.raises(DataError, match="differences"):
            interval(bad)


@pytest.mark.parametrize("level", [0.0, 1.0, -1, 95, math.nan])
def test_bad_levels_are_refused(level: float) -> None:
    with pytest.raises(DataError, match="level"):
        t_interval(SPREAD, level)
    with pytest.raises(DataError, match="level"):
        wilson_interval(1, 2, level)


def test_bad_counts_are_refused() -> None:
    with pytest.raises(DataError, match="length"):
        exchangeability_test([1], [1, 2], [2, 2])
    with pytest.raises(DataError, match="whole"):
        exchangeability_test([1], [3], [2])
    with pytest.raises(DataError, match="whole"):
        exchangeability_test([0.5], [1], [2])
    with pytest.raises(DataError, match="variant_counts"):
        exchangeability_test([1], [0], [0])
    with pytest.raises(DataError, match="successes"):
        wilson_interval(3, 2)
    with pytest.raises(DataError, match="trials"):
        wilson_interval(0, 0)
    with pytest.raises(DataError, match="instances"):
        cluster_wilson_interval([0.1, 0.2], 1)
    with pytest.raises(DataError, match="probabilities"):
        poisson_binomial([1.2])
