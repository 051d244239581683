"""The e-process: against its formula written out, its guarantee by simulation, its limits."""

from __future__ import annotations

import math
from fractions import Fraction
from itertools import permutations

import numpy as np
import pytest

from rote.errors import DataError
from rote.reports.gate.eprocess import MOST, STAKES, EProcess, Side, run_many


def population(size: int, change: float, discordance: float) -> np.ndarray:
    """Exactly so many ones and minus ones that the mean is ``change`` (to 1 / size)."""
    net, discordant = round(change * size), round(discordance * size)
    discordant += (discordant - net) % 2
    won = (discordant + net) // 2
    return np.array([1.0] * won + [-1.0] * (discordant - won) + [0.0] * (size - discordant))


@pytest.mark.parametrize("side", ["above", "below"])
def test_is_its_formula(side: Side) -> None:
    rng = np.random.default_rng(5)
    values = rng.choice([-1.0, -0.5, 0.0, 1.0], 12)
    process = EProcess(30, -0.02, side)
    sign = 1 if side == "above" else -1
    wealth = [1.0] * len(STAKES)
    for t, value in enumerate(values):
        process.update(float(value))
        bound = (30 * -0.02 - values[:t].sum()) / (30 - t)
        # A stake loses most where the value is at the far end: at -1 for "above", at 1 for "below".
        cap = MOST / (1 + sign * bound)
        wealth = [w * (1 + min(s, cap) * sign * (value - bound)) for w, s in zip(wealth, STAKES, strict=True)]
        assert process.wealth == pytest.approx(np.mean(wealth))


@pytest.mark.parametrize("side", ["above", "below"])
@pytest.mark.parametrize("values", [(1, -1, 0, 0, 1, -1, 0), (1, 1, -1, -1, -1, 0, 0), (-1, -1, 0, 0, 1)])
def test_fair_game_over_all_orders(values: tuple[int, ...], side: Side) -> None:
    """At the bound itself the mean wealth over all orders is 1 after each draw (a martingale)."""
    bound = float(Fraction(sum(values), len(values)))
    orders = list(permutations(values))
    sums = [0.0] * (len(values) - 1)
    for order in orders:
        process = EProcess(len(values), bound, side)
        for t, value in enumerate(order[:-1]):
            process.update(value)
            assert not process.certain
            sums[t] += process.wealth
    assert np.array(sums) / len(orders) == pytest.approx(1)


@pytest.mark.parametrize("side", ["above", "below"])
def test_many_orders_at_once_agree(side: Side) -> None:
    rng = np.random.default_rng(8)
    for change in (-0.1, 0.0, 0.1):
        values = np.array([rng.permutation(population(120, change, 0.2)) for _ in range(20)])
        times = run_many(values, -0.02, side, 0.05)
        for row, time in zip(values, times, strict=True):
            process = EProcess(120, -0.02, side)
            first = 121
            for t, value in enumerate(row, start=1):
                process.update(value)
                if process.p_value <= 0.05 and first == 121:
                    first = t
            assert first == time


@pytest.mark.slow
@pytest.mark.parametrize("discordance", [0.08, 0.15, 0.5])
@pytest.mark.parametrize("side", ["above", "below"])
@pytest.mark.parametrize("size", [100, 1000])
def test_wrong_decisions_at_the_bound(size: int, discordance: float, side: Side) -> None:
    """Ever rejecting a true bound, looking after each draw: at most alpha (Ville), plus simulation error."""
    rng = np.random.default_rng(21)
    values = population(size, -0.02, discordance)
    runs, alpha = 3000, 0.05
    orders = np.array([rng.permutation(values) for _ in range(runs)])
    wrong = float((run_many(orders, -0.02, side, alpha) <= size).mean())
    assert wrong <= alpha + 3 * math.sqrt(alpha * (1 - alpha) / runs)


def test_certainty() -> None:
    process = EProcess(10, 0.0, "above")
    for _ in range(5):
        process.update(1)
    assert not process.certain  # five times -1 would bring the mean back to 0
    process.update(1)
    assert process.certain
    assert (process.wealth, process.p_value) == (math.inf, 0)


def test_evidence_is_kept() -> None:
    process = EProcess(1000, 0.0, "above")
    for _ in range(12):
        process.update(1)
    best = process.p_value
    for _ in range(12):
        process.update(-1)
    assert process.p_value == best
    assert process.wealth < 1 / best


def test_bad_values() -> None:
    process = EProcess(2, 0.0, "above")
    for value in (1.5, -2, math.nan):
        with pytest.raises(DataError, match="-1, 1"):
            process.update(value)
    process.update(0)
    process.update(0)
    with pytest.raises(DataError, match="have been seen"):
        process.update(0)
    with pytest.raises(DataError, match="size"):
        EProcess(0, 0.0, "above")
    with pytest.raises(DataError, match="bound"):
        EProcess(5, 1.0, "above")
