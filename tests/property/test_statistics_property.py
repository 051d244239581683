"""Properties that hold for whatever numbers come in."""

from __future__ import annotations

import math

from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from rote.reports.statistics import (
    adjusted_t_interval,
    cluster_wilson_interval,
    drop_interval,
    exchangeability_test,
    poisson_binomial,
    wilson_interval,
)

differences = st.lists(st.floats(-1, 1), min_size=2, max_size=60)
templates = st.lists(
    st.integers(1, 6).flatmap(lambda k: st.tuples(st.integers(0, 1), st.integers(0, k), st.just(k))),
    min_size=1,
    max_size=40,
)


@given(differences)
def test_intervals_are_ordered_bounded_and_odd(d: list[float]) -> None:
    interval = drop_interval(d)
    assert -1 <= interval.low < interval.high <= 1
    mirrored = drop_interval([-x for x in d])
    assert math.isclose(mirrored.low, -interval.high, abs_tol=1e-12)
    assert math.isclose(mirrored.high, -interval.low, abs_tol=1e-12)


@given(differences)
def test_order_of_templates_does_not_matter(d: list[float]) -> None:
    a, b = adjusted_t_interval(d), adjusted_t_interval(sorted(d))
    assert math.isclose(a.low, b.low, abs_tol=1e-9)
    assert math.isclose(a.high, b.high, abs_tol=1e-9)


@given(differences)
def test_higher_levels_are_wider(d: list[float]) -> None:
    narrow, wide = adjusted_t_interval(d, 0.8), adjusted_t_interval(d, 0.99)
    assert wide.low <= narrow.low
    assert narrow.high <= wide.high


@given(st.integers(1, 3000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_wilson_holds_its_estimate_and_mirrors(case: tuple[int, int]) -> None:
    successes, trials = case
    ours, mirrored = wilson_interval(successes, trials), wilson_interval(trials - successes, trials)
    assert 0 <= ours.low <= successes / trials <= ours.high <= 1
    assert math.isclose(ours.low, 1 - mirrored.high, abs_tol=1e-12)


@given(st.lists(st.floats(0, 1), min_size=2, max_size=60))
def test_clustered_wilson_is_bounded(means: list[float]) -> None:
    interval = cluster_wilson_interval(means, 5 * len(means))
    assert 0 <= interval.low <= interval.high <= 1
    mean = sum(means) / len(means)
    assert interval.low - 1e-9 <= mean <= interval.high + 1e-9


@given(st.lists(st.floats(0, 1), max_size=60))
def test_poisson_binomial_is_a_distribution_with_the_right_mean(p: list[float]) -> None:
    pmf = poisson_binomial(p)
    assert pmf.shape == (len(p) + 1,)
    assert (pmf >= 0).all()
    assert math.isclose(math.fsum(pmf), 1, abs_tol=1e-12)
    assert math.isclose(math.fsum(i * q for i, q in enumerate(pmf)), math.fsum(p), abs_tol=1e-9)


@given(templates)
def test_p_values_are_probabilities_and_mid_is_smaller(rows: list[tuple[int, int, int]]) -> None:
    originals, successes, counts = (list(column) for column in zip(*rows, strict=True))
    test = exchangeability_test(originals, successes, counts)
    assert 0 <= test.p_mid <= test.p_exact <= 1
    assert test.observed == sum(originals)
    assert 0 <= test.informative <= test.templates == len(rows)


@given(templates)
def test_one_more_right_original_never_raises_p(rows: list[tuple[int, int, int]]) -> None:
    """Swapping a right variant for a wrong original moves evidence one way only."""
    for i, (o, s, k) in enumerate(rows):
        if o == 0 and s > 0:
            swapped = [*rows[:i], (1, s - 1, k), *rows[i + 1 :]]
            break
    else:
        return
    before, after = (
        exchangeability_test(*(list(column) for column in zip(*r, strict=True))) for r in (rows, swapped)
    )
    assert after.p_exact <= before.p_exact + 1e-12


@given(st.lists(st.tuples(st.integers(0, 1), st.integers(0, 1)), min_size=1, max_size=80))
def test_one_variant_is_mcnemar(pairs: list[tuple[int, int]]) -> None:
    lost = sum(o > v for o, v in pairs)
    won = sum(o < v for o, v in pairs)
    test = exchangeability_test([o for o, _ in pairs], [v for _, v in pairs], [1] * len(pairs))
    expected = stats.binomtest(lost, lost + won, 0.5, alternative="greater").pvalue if lost + won else 1.0
    assert math.isclose(test.p_exact, expected, rel_tol=1e-9)
