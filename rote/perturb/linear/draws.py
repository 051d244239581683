"""Numbers in, a system out: how the digits of a draw become a system of one of the levels.

A draw is a tuple of digits, one for each entry of ``sizes``. A :class:`Maker` turns it into a system or
refuses it (None). Two different draws that are not refused give two different systems: the digits name the
solution and every coefficient, and the right-hand sides follow from them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import permutations
from math import gcd
from typing import Final

from rote.perturb.linear.levels import LEVELS, Level, within
from rote.perturb.linear.system import Equation, Number, System, determinant, equation, plain

Digits = Sequence[int]

_ORDERS: Final = {n: tuple(permutations(range(n))) for n in (1, 2, 3)}
#: What a term that is moved to the other side may be, and the number that moves with it.
_MOVED: Final = tuple(v for v in range(-9, 10) if v)
_SHIFTS: Final = tuple(v for v in range(-20, 21) if v)
_CONSTANTS: Final = tuple(v for v in range(-30, 31) if v)
_WIDE: Final = tuple(v for v in range(-60, 61) if v)


@dataclass(frozen=True, slots=True)
class Maker:
    """How systems of one kind are made.

    ``sizes``: how many values each digit has. ``solution`` reads the solution off the first ``lead`` digits,
    so that a draw of another split is refused before anything else is done. ``system`` makes the system; None
    where the draw is refused.
    """

    sizes: tuple[int, ...]
    solution: Callable[[Digits], tuple[Number, ...]]
    system: Callable[[Digits, tuple[Number, ...]], System | None]
    lead: int


def dot(row: Sequence[Number], solution: Sequence[Number]) -> Number:
    """The value of a row at the solution."""
    return plain(sum((a * v for a, v in zip(row, solution, strict=True)), 0))


def maker(unknowns: int, difficulty: int, levels: Mapping[int, Level] = LEVELS) -> Maker:
    """Systems with so many unknowns, of that level."""
    level = levels[difficulty]
    values = level.solutions[unknowns]

    def solution(digits: Digits) -> tuple[Number, ...]:
        return tuple([values[d] for d in digits[:unknowns]])

    sizes, system = (
        _single(difficulty, level)
        if unknowns == 1
        else _triangular(unknowns, level)
        if level.shape == "triangular"
        else _square(unknowns, level)
    )
    return Maker((len(values),) * unknowns + sizes, solution, system, unknowns)


_Made = tuple[tuple[int, ...], Callable[[Digits, tuple[Number, ...]], System | None]]


def _acceptable(level: Level, solution: tuple[Number, ...]) -> bool:
    return not level.rational_solution or any(v.denominator != 1 for v in solution)


def _single(difficulty: int, level: Level) -> _Made:
    """``ax + b = c``, then ``ax + b = cx + d``, then ``a(x + b) + c = dx + e``."""
    values = level.coefficients[1]
    size = len(values)

    def first(digits: Digits, solution: tuple[Number, ...]) -> System | None:
        a, b = values[digits[1]], _CONSTANTS[digits[2]]
        total = a * solution[0] + b
        made = Equation((a,), b, (0,), total)
        return System((made,), solution) if within(level.largest, (total,)) else None

    def second(digits: Digits, solution: tuple[Number, ...]) -> System | None:
        a, b, c = values[digits[1]], _WIDE[digits[2]], values[digits[3]]
        total = (a - c) * solution[0] + b
        if a == c or not total or not within(level.largest, (total,)):
            return None
        return System((Equation((a,), b, (c,), total),), solution)

    def third(digits: Digits, solution: tuple[Number, ...]) -> System | None:
        a, b, c = values[digits[1]], _SHIFTS[digits[2]], values[digits[3]]
        rest = _MOVED[digits[4]]
        if a in (c, 1, -1) or not _acceptable(level, solution):
            return None
        start = plain(a * b + rest)
        total = plain((a - c) * solution[0] + start)
        if not total or (difficulty < 5 and total.denominator != 1):
            return None
        if not within(level.largest, (start, total, plain(a - c))):
            return None
        made = Equation((a,), start, (c,), total, (a, b, rest))
        return System((made,), solution)

    if difficulty == 1:
        return (size, len(_CONSTANTS)), first
    if difficulty == 2:
        return (size, len(_WIDE), size), second
    return (size, len(_SHIFTS), size, len(_MOVED)), third


def _triangular(unknowns: int, level: Level) -> _Made:
    """One equation with one unknown, one with that and another, and so on, in any order."""
    values = level.coefficients[unknowns]
    orders = _ORDERS[unknowns]
    places = [(i, j) for i in range(unknowns) for j in range(i, unknowns)]

    def system(digits: Digits, solution: tuple[Number, ...]) -> System | None:
        rows: list[list[Number]] = [[0] * unknowns for _ in range(unknowns)]
        columns, order = orders[digits[unknowns]], orders[digits[unknowns + 1]]
        for digit, (i, j) in zip(digits[unknowns + 2 :], places, strict=True):
            rows[order[i]][columns[j]] = values[digit]
        if rows[order[-1]][columns[-1]] == 1:
            return None  # an equation such as y = 4 leaves nothing to do
        equations = tuple(equation(row, dot(row, solution)) for row in rows)
        return System(equations, solution)

    return (len(orders), len(orders), *(len(values) for _ in places)), system


def _square(unknowns: int, level: Level) -> _Made:
    """All unknowns in each equation, or all but one."""
    values = level.coefficients[unknowns]
    sparse = level.shape == "sparse" and unknowns > 2
    orders = _ORDERS[unknowns] if sparse else ((0,),)
    places = [(i, j) for i in range(unknowns) for j in range(unknowns) if not sparse or i != j]
    moves = 3 * unknowns if level.both_sides else 0
    whole = all(isinstance(v, int) for v in values)

    def system(digits: Digits, solution: tuple[Number, ...]) -> System | None:
        if not _acceptable(level, solution):
            return None
        rows: list[list[Number]] = [[0] * unknowns for _ in range(unknowns)]
        missing = orders[digits[unknowns]]
        for digit, (i, j) in zip(digits[unknowns + 1 + moves :], places, strict=True):
            # equation i lacks the unknown missing[i]
            rows[i][missing[j] if sparse else j] = values[digit]
        if not determinant(rows):
            return None
        equations: list[Equation] = []
        for i, row in enumerate(rows):
            total = dot(row, solution)
            if whole and level.rational_solution:
                if gcd(*(int(v) for v in row)) != 1:
                    return None  # else two draws would come to the same equation
                by = total.denominator
                row, total = [v * by for v in row], plain(total * by)
            if moves:
                moved = _moved(row, total, digits[unknowns + 1 + 3 * i : unknowns + 4 + 3 * i])
                if moved is None:
                    return None
                equations.append(moved)
            else:
                equations.append(equation(row, total))
            last = equations[-1]
            if not within(level.largest, (*last.left, last.right_constant)):
                return None
        return System(tuple(equations), solution)

    extra = (unknowns, len(_MOVED), len(_SHIFTS)) * unknowns if moves else ()
    return (len(orders), *extra, *(len(values) for _ in places)), system


def _moved(row: Sequence[Number], total: Number, digits: Digits) -> Equation | None:
    """The equation with a multiple of one unknown, and a number, added to both sides."""
    at, amount, shift = digits[0], _MOVED[digits[1]], _SHIFTS[digits[2]]
    added = row[at] + amount
    if not added or not -12 <= added <= 12 or not total + shift:
        return None
    left = (*row[:at], added, *row[at + 1 :])
    right = tuple(amount if k == at else 0 for k in range(len(row)))
    return Equation(tuple(left), shift, right, total + shift)
