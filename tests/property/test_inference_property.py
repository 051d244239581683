"""Properties of the inference that hold for whatever answers come in."""

from __future__ import annotations

import math

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from rote.errors import DataError
from rote.reports.inference.bootstrap import bootstrap
from rote.reports.inference.conditional import adjusted_test
from rote.reports.inference.exchangeability import null_distribution, placebo
from rote.reports.inference.multiple import benjamini_hochberg, holm
from rote.reports.statistics import exchangeability_test

p_values = st.lists(st.floats(0, 1), max_size=30)
answers = st.lists(st.lists(st.booleans(), min_size=2, max_size=5), min_size=1, max_size=25)


@given(p_values)
def test_adjusted_p_values_are_larger_and_keep_their_order(p: list[float]) -> None:
    for adjusted in (holm(p), benjamini_hochberg(p)):
        assert all(a >= b - 1e-15 and a <= 1 for a, b in zip(adjusted, p, strict=True))
        pairs = sorted(zip(p, adjusted, strict=True))
        assert [a for _, a in pairs] == sorted(adjusted)
    assert all(q <= h + 1e-12 for q, h in zip(benjamini_hochberg(p), holm(p), strict=True))


@settings(max_examples=40)
@given(st.lists(st.integers(-5, 5), min_size=2, max_size=60))
def test_bootstrap_is_ordered_and_bounded(counts: list[int]) -> None:
    d = np.array(counts) / 5
    (ours,) = bootstrap(d[:, None], resamples=199)
    for interval in (ours.percentile, ours.bca):
        if interval is not None:
            assert d.min() - 1e-12 <= interval.low <= interval.high <= d.max() + 1e-12  # sums round
    assert (ours.percentile is None) == (len(set(counts)) == 1)


@given(answers)
def test_null_distribution_is_one_and_gives_the_tests_p(rows: list[list[bool]]) -> None:
    o = [float(r[0]) for r in rows]
    s = [float(sum(r[1:])) for r in rows]
    k = [float(len(r) - 1) for r in rows]
    null, test = null_distribution(o, s, k), exchangeability_test(o, s, k)
    assert math.isclose(sum(null.pmf), 1, abs_tol=1e-9)
    mean = sum((null.first + i) * p for i, p in enumerate(null.pmf))
    assert math.isclose(mean, test.expected, abs_tol=1e-6)
    tail = sum(p for i, p in enumerate(null.pmf) if null.first + i >= test.observed)
    assert math.isclose(tail, test.p_exact, abs_tol=1e-9)


@given(answers)
def test_placebo_is_a_p_value(rows: list[list[bool]]) -> None:
    made = placebo(rows)
    assert made is not None
    assert 0 <= made.p <= 1


@settings(max_examples=60, deadline=None)
@given(answers, st.integers(0, 2**16))
def test_adjusted_p_is_a_p_value_and_turns_over(rows: list[list[bool]], seed: int) -> None:
    rng = np.random.default_rng(seed)
    y = [v for r in rows for v in r]
    special = [i == 0 for r in rows for i in range(len(r))]
    strata = [g for g, r in enumerate(rows) for _ in r]
    size = rng.normal(size=len(y)).round(2).tolist()
    if all(len(set(r)) == 1 for r in rows):
        return
    try:
        ours = adjusted_test(y, special, {"size": size}, strata)
        turned = adjusted_test([not v for v in y], special, {"size": size}, strata)
    except DataError:  # collinear by chance
        return
    assert 0 <= ours.p <= 1
    assert math.isclose(ours.p + turned.p, 1, abs_tol=0.02) or ours.log_odds is None
