from __future__ import annotations

import itertools

import pytest

from rote.perturb import keys


@pytest.mark.parametrize("bits", [1, 2, 3, 5, 8, 11, 13])
def test_every_order_is_a_permutation(bits: int) -> None:
    for seed in range(3):
        key = keys.make_key(bits, "template", seed)
        assert sorted(keys.permute(x, bits, key) for x in range(1 << bits)) == list(range(1 << bits))


def test_parts_do_not_run_together() -> None:
    assert keys.digest("ab", "c") != keys.digest("a", "bc")
    assert keys.digest("a", 1) != keys.digest("a1")


def test_neighbouring_seeds_share_no_order() -> None:
    orders = [
        [keys.permute(x, 20, keys.make_key(20, "t", "symbolic", seed)) for x in range(50)]
        for seed in range(20)
    ]
    for i, one in enumerate(orders):
        for other in orders[i + 1 :]:
            assert len(set(one) & set(other)) <= 2


def test_the_first_positions_are_spread_over_the_space() -> None:
    # each of 16 equal parts of a 2**40 space gets its share of 1,600 positions: 100 ± 5 standard errors
    key = keys.make_key(40, "spread")
    counts = [0] * 16
    for x in range(1600):
        counts[keys.permute(x, 40, key) >> 36] += 1
    assert all(52 <= count <= 148 for count in counts)


def test_neighbours_are_not_correlated_in_their_low_digits() -> None:
    # a lattice would give the same last digit, or a constant difference, again and again
    key = keys.make_key(30, "low digits")
    digits = [keys.permute(x, 30, key) % 7 for x in range(2000)]
    differences = [(b - a) % 7 for a, b in itertools.pairwise(digits)]
    assert all(200 <= differences.count(d) <= 375 for d in range(7))
