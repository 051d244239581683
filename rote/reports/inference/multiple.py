"""Many tests at once: Holm for claims, Benjamini and Hochberg for exploration.

Sources
-------
Holm (1979), "A simple sequentially rejective multiple test procedure", Scandinavian Journal of Statistics 6.
Benjamini & Hochberg (1995), "Controlling the false discovery rate", JRSS B 57.
"""

from __future__ import annotations

from collections.abc import Sequence

from rote.errors import DataError


def holm(p_values: Sequence[float]) -> list[float]:
    """Adjusted p-values in the order given: those at most the level are claims, and all of them at once.

    The chance of even one false claim is at most the level, however the tests depend on each other.
    """
    order = _order(p_values)
    adjusted, highest = [1.0] * len(order), 0.0
    for rank, i in enumerate(order):
        highest = max(highest, min(1.0, (len(order) - rank) * p_values[i]))
        adjusted[i] = highest
    return adjusted


def benjamini_hochberg(p_values: Sequence[float]) -> list[float]:
    """Adjusted p-values (q) in the order given: of those at most q, a share of q is expected to be false.

    For independent or positively dependent tests. They say where to look and claim nothing.
    """
    order = _order(p_values)
    adjusted, lowest = [1.0] * len(order), 1.0
    for rank in range(len(order), 0, -1):
        i = order[rank - 1]
        lowest = min(lowest, p_values[i] * len(order) / rank)
        adjusted[i] = lowest
    return adjusted


def _order(p_values: Sequence[float]) -> list[int]:
    for p in p_values:
        if not 0 <= p <= 1:
            raise DataError(f"holds {p}; every p-value must lie in [0, 1]", field="p_values")
    return sorted(range(len(p_values)), key=lambda i: p_values[i])
