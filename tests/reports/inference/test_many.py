"""Spread, sets, the fixed population, ranks and tie classes."""

from __future__ import annotations

import math

import numpy as np
import pytest

from rote.errors import DataError
from rote.reports.inference.ranks import constant_p, constant_told_apart, ranks, told_apart
from rote.reports.inference.spread import fixed_interval, sets, spread


def test_spread_by_hand() -> None:
    # Means 1, 0, 1/2 and 1/2; only the last two vary within: s**2 = 1/2 each, pooled 1/4.
    rows = [[True, True], [False, False], [True, False], [False, True]]
    found = spread([1, 1, 1, 0], rows)
    assert found.differences == pytest.approx(np.std([0, 1, 0.5, -0.5], ddof=1))
    assert found.within == pytest.approx(0.5)
    assert found.between == pytest.approx(math.sqrt(np.var([1, 0, 0.5, 0.5], ddof=1) - 0.25 / 2))


def test_spread_finds_what_was_put_in() -> None:
    rng = np.random.default_rng(3)
    p = rng.choice([0.5, 0.9], 4000)
    rows = (rng.random((4000, 4)) < p[:, None]).tolist()
    found = spread([1.0] * 4000, rows)
    assert found.between == pytest.approx(0.2, abs=0.02)
    assert found.within == pytest.approx(math.sqrt((0.25 + 0.09) / 2), abs=0.01)


def test_one_draw_tells_no_parts() -> None:
    found = spread([1, 0], [[True], [True]])
    assert (found.between, found.within) == (None, None)
    assert fixed_interval([1, 0], [[True], [True]]) is None


def test_fixed_interval_by_hand() -> None:
    # G = 2, k = 2: s**2 / k = 1/4 and 0, and 1 / k**2 = 1/4.
    found = fixed_interval([1, 1], [[True, False], [True, True]])
    assert found is not None
    half = 1.959963984540054 * math.sqrt(0.5) / 2
    assert (found.low, found.high) == pytest.approx((0.25 - half, 0.25 + half))


def test_sets_by_hand() -> None:
    draws = [{(0, 0): True, (0, 1): False, (0, 2): True}, {(0, 0): True, (0, 1): True}]
    found = sets([1, 0], draws)
    assert found is not None
    assert found.accuracies == (1.0, 0.5)
    assert (found.mean, found.original, found.left_out) == (0.75, 0.5, 1)
    assert found.deviation == pytest.approx(math.sqrt(0.125))
    assert sets([1, 1], [{(0, 0): True}, {(1, 0): True}]) is None


@pytest.mark.parametrize(("originals", "rows"), [([1], []), ([1], [[]]), ([2], [[True, False]])])
def test_bad_rows(originals: list[float], rows: list[list[bool]]) -> None:
    with pytest.raises(DataError):
        spread([*originals], rows)


def test_far_models_are_ranked_and_near_ones_tied() -> None:
    rng = np.random.default_rng(1)
    base = rng.random(500)
    columns = np.column_stack([base < p for p in (0.9, 0.89, 0.5, 0.1)]).astype(float)
    columns[:, 1] = rng.random(500) < 0.9
    found = ranks(columns, resamples=1999)
    assert [(r.best, r.worst) for r in found] == [(1, 2), (1, 2), (3, 3), (4, 4)]
    assert [r.tie_class for r in found] == [1, 1, 2, 3]


def test_identical_models_share_everything() -> None:
    column = np.array([0.0, 1.0] * 20)
    found = ranks(np.column_stack([column, column]), resamples=199)
    assert [(r.best, r.worst, r.tie_class) for r in found] == [(1, 2, 1)] * 2


def test_a_difference_without_spread_is_judged_by_the_rule_of_three() -> None:
    # A solver and a memoriser of every second draw: 1 and 1/2 on all of 100 templates, (2/3)**100.
    solver, memoriser = np.ones(100), np.full(100, 0.5)
    found = ranks(np.column_stack([memoriser, solver]), resamples=199)
    assert [(r.best, r.worst, r.tie_class) for r in found] == [(2, 2, 2), (1, 1, 1)]
    # Two models: 0.05 / 10 over two directions, so (reach / (reach + c))**G <= 0.0025.
    assert constant_p(0.5, 100, 1.0) == pytest.approx((2 / 3) ** 100)
    least = 0.0025 ** (-1 / 100) - 1
    told = [told_apart(np.column_stack([np.full(100, 0.5 + c), np.full(100, 0.5)]), resamples=199)[0, 1]
            for c in (least - 1e-6, least + 1e-6)]  # fmt: skip
    assert told == [False, True]
    assert not constant_told_apart(0.5, 5, 2, 0.95, 1.0)
    # Drops reach twice as far, and so does what is not seen.
    assert constant_p(0.5, 100, 2.0) == pytest.approx(0.8**100)


def test_columns_beyond_their_reach_are_refused() -> None:
    with pytest.raises(DataError, match="at most 1 is possible"):
        ranks([[1.0, -1.0], [0.0, 0.0]])
    assert len(ranks([[1.0, -1.0], [0.0, 0.0]], resamples=99, reach=2.0)) == 2


def test_order_of_models_does_not_matter() -> None:
    rng = np.random.default_rng(2)
    columns = (rng.random((80, 6)) < np.linspace(0.3, 0.9, 6)).astype(float)
    forward, backward = ranks(columns, resamples=999), ranks(columns[:, ::-1], resamples=999)
    assert [(r.best, r.worst) for r in forward] == [(r.best, r.worst) for r in backward[::-1]]


def test_two_models_are_a_paired_test() -> None:
    rng = np.random.default_rng(4)
    columns = (rng.random((200, 2)) < (0.6, 0.75)).astype(float)
    d = columns[:, 1] - columns[:, 0]
    t = d.mean() / (d.std(ddof=1) / math.sqrt(200))
    assert bool(told_apart(columns, resamples=1999)[1, 0]) == (t > 2)


@pytest.mark.slow
def test_all_ranks_are_covered_at_once() -> None:
    rng = np.random.default_rng(5)
    truth = np.array([0.5, 0.5, 0.6, 0.7, 0.9])
    runs, held = 300, 0
    for _ in range(runs):
        p = np.clip(truth + 0.1 * rng.standard_normal((150, 1)), 0, 1)
        found = ranks((rng.random((150, 5)) < p).astype(float), resamples=499)
        # Rank of a tie: every place that it may take.
        low = [1 + (truth > v).sum() for v in truth]
        high = [5 - (truth < v).sum() for v in truth]
        held += all(r.best <= a and r.worst >= b for r, a, b in zip(found, low, high, strict=True))
    print(f"coverage of all ranks {held / runs:.3f}")
    assert held / runs >= 0.925


def test_many_models_are_quick() -> None:
    rng = np.random.default_rng(6)
    columns = (rng.random((300, 60)) < rng.random(60)).astype(float)
    assert len(ranks(columns, resamples=999)) == 60


@pytest.mark.parametrize("columns", [np.zeros(3), np.zeros((1, 2)), np.full((3, 2), np.nan)])
def test_bad_columns(columns: np.ndarray) -> None:
    with pytest.raises(DataError):
        ranks(columns)
