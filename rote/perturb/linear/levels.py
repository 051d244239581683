"""The difficulty knob: what numbers and shapes each of the five levels draws from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from typing import Final

from rote.errors import UsageError
from rote.perturb.linear.system import Number, plain

#: From easiest to hardest.
DIFFICULTIES: Final = (1, 2, 3, 4, 5)

#: How many unknowns a system may have.
UNKNOWNS: Final = (1, 2, 3)


@dataclass(frozen=True, slots=True)
class Level:
    """One level of difficulty, for systems in symbols.

    Attributes
    ----------
    coefficients: what a coefficient may be, by the number of unknowns.
    solutions: what an unknown may be, by the number of unknowns.
    shape: ``triangular`` (substitution alone), ``sparse`` (each of three equations lacks one unknown),
        ``full``.
    both_sides: whether unknowns stand on both sides.
    rational_solution: whether at least one unknown is no whole number.
    largest: bound of every number that is written, numerators and denominators included.
    """

    coefficients: Mapping[int, tuple[Number, ...]]
    solutions: Mapping[int, tuple[Number, ...]]
    shape: str
    both_sides: bool
    rational_solution: bool
    largest: int


def _whole(low: int, high: int) -> tuple[Number, ...]:
    return tuple(v for v in range(low, high + 1) if v)


@cache
def rationals(low: int, high: int, *denominators: int) -> tuple[Number, ...]:
    """All rationals from ``low`` to ``high`` with one of the denominators, ascending, without zero."""
    found = {Fraction(n, d) for d in denominators for n in range(low * d, high * d + 1) if n}
    return tuple(plain(v) for v in sorted(found))


LEVELS: Final[Mapping[int, Level]] = {
    1: Level(
        coefficients={1: _whole(2, 12), 2: _whole(1, 9), 3: _whole(1, 6)},
        solutions={1: _whole(1, 30), 2: _whole(1, 20), 3: _whole(1, 12)},
        shape="triangular",
        both_sides=False,
        rational_solution=False,
        largest=500,
    ),
    2: Level(
        coefficients={1: _whole(-9, 9), 2: _whole(-6, 6), 3: _whole(-5, 5)},
        solutions={1: _whole(-20, 20), 2: _whole(-12, 12), 3: _whole(-10, 10)},
        shape="sparse",
        both_sides=False,
        rational_solution=False,
        largest=500,
    ),
    3: Level(
        coefficients={1: _whole(-12, 12), 2: _whole(-12, 12), 3: _whole(-9, 9)},
        solutions={1: _whole(-30, 30), 2: _whole(-20, 20), 3: _whole(-12, 12)},
        shape="full",
        both_sides=True,
        rational_solution=False,
        largest=999,
    ),
    4: Level(
        coefficients={1: _whole(-15, 15), 2: _whole(-9, 9), 3: _whole(-6, 6)},
        solutions={
            1: rationals(-12, 12, 1, 2, 3, 4, 5, 6),
            2: rationals(-9, 9, 1, 2, 3, 4, 5),
            3: rationals(-6, 6, 1, 2, 3),
        },
        shape="full",
        both_sides=False,
        rational_solution=True,
        largest=999,
    ),
    5: Level(
        coefficients={
            1: rationals(-5, 5, 1, 2, 3, 4, 5, 6),
            2: rationals(-4, 4, 1, 2, 3, 4, 5),
            3: rationals(-3, 3, 1, 2, 3),
        },
        solutions={
            1: rationals(-9, 9, 1, 2, 3, 4, 5, 6),
            2: rationals(-6, 6, 1, 2, 3, 4),
            3: rationals(-4, 4, 1, 2),
        },
        shape="full",
        both_sides=False,
        rational_solution=True,
        largest=999,
    ),
}


def check_difficulty(difficulty: int) -> int:
    """The difficulty itself; UsageError when there is no such level."""
    if difficulty not in LEVELS:
        raise UsageError(
            f"difficulty must be from {DIFFICULTIES[0]} to {DIFFICULTIES[-1]}, got {difficulty!r}"
        )
    return difficulty


def within(largest: int, values: tuple[Number, ...]) -> bool:
    """Whether no numerator and no denominator is larger."""
    return all(-largest <= v.numerator <= largest and v.denominator <= largest for v in values)
