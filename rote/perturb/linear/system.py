"""Systems of linear equations: exact data, how they are written, and two independent ways to solve them.

Numbers are ints where they are whole and Fractions otherwise; no float anywhere.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import NamedTuple

#: A whole number as an int, any other as a Fraction in lowest terms.
Number = int | Fraction


def plain(value: Number) -> Number:
    """The number as an int if it is whole."""
    return value.numerator if value.denominator == 1 else value


def size(value: Number) -> Number:
    """The number without its sign."""
    return value if value >= 0 else -value


def text_of(value: Number) -> str:
    """How a number stands in an equation: ``3``, ``-1/2``. Fractions stay fractions."""
    return str(plain(value))


class Equation(NamedTuple):
    """``left · unknowns + left_constant = right · unknowns + right_constant``.

    ``bracket`` is (factor, shift, rest) where the left side of an equation in one unknown is written
    ``factor(x + shift) + rest``; ``left`` and ``left_constant`` are what that comes to.
    """

    left: tuple[Number, ...]
    left_constant: Number
    right: tuple[Number, ...]
    right_constant: Number
    bracket: tuple[Number, Number, Number] | None = None

    @property
    def row(self) -> tuple[Number, ...]:
        """Coefficients with all unknowns on the left."""
        return tuple(plain(a - b) for a, b in zip(self.left, self.right, strict=True))

    @property
    def total(self) -> Number:
        """The number on the right with all numbers there."""
        return plain(self.right_constant - self.left_constant)

    def text(self, names: Sequence[str]) -> str:
        """``3x - 2y + 4 = y + 7``."""
        if self.bracket is None:
            left = side(self.left, self.left_constant, names)
        else:
            factor, shift, rest = self.bracket
            inner = side((1,), shift, names)
            left = f"{_factor(factor)}({inner}){_signed(rest)}"
        return f"{left} = {side(self.right, self.right_constant, names)}"


def equation(row: Sequence[Number], total: Number) -> Equation:
    """All unknowns on the left, the number on the right."""
    return Equation(tuple(row), 0, (0,) * len(row), total)


class System(NamedTuple):
    """As many equations as unknowns, and the one solution, in the order of the unknowns."""

    equations: tuple[Equation, ...]
    solution: tuple[Number, ...]

    @property
    def matrix(self) -> tuple[tuple[Number, ...], ...]:
        """The coefficients, one row an equation."""
        return tuple(e.row for e in self.equations)

    @property
    def totals(self) -> tuple[Number, ...]:
        """The right-hand sides, one an equation."""
        return tuple(e.total for e in self.equations)


def _factor(value: Number) -> str:
    if value == 1:
        return ""
    if value == -1:
        return "-"
    if isinstance(value, int):
        return str(value)
    return f"({value})" if value > 0 else f"-({-value})"


def _signed(value: Number) -> str:
    """A number that follows something: `` + 4``, `` - 1/2``, nothing for zero."""
    if not value:
        return ""
    return f" + {value}" if value > 0 else f" - {-value}"


def side(coefficients: Sequence[Number], constant: Number, names: Sequence[str]) -> str:
    """One side of an equation: ``3x - (1/2)y + 4``; ``0`` when nothing is left."""
    written = ""
    for value, name in zip(coefficients, names, strict=True):
        if not value:
            continue
        if not written:
            written = _factor(value) + name
        elif value > 0:
            written += f" + {_factor(value)}{name}"
        else:
            written += f" - {_factor(-value)}{name}"
    if not written:
        return str(constant)
    return written + _signed(constant)


def determinant(matrix: Sequence[Sequence[Number]]) -> Number:
    """The determinant of a matrix of one to three rows."""
    if len(matrix) == 1:
        return matrix[0][0]
    if len(matrix) == 2:
        (a, b), (c, d) = matrix
        return a * d - b * c
    (a, b, c), (d, e, f), (g, h, i) = matrix
    return a * (e * i - f * h) - b * (d * i - f * g) + c * (d * h - e * g)


def cramer(matrix: Sequence[Sequence[Number]], totals: Sequence[Number]) -> tuple[Fraction, ...] | None:
    """The solution as quotients of determinants; None when the system has none or many."""
    whole = determinant(matrix)
    if not whole:
        return None
    return tuple(
        Fraction(
            determinant(
                [[*row[:at], total, *row[at + 1 :]] for row, total in zip(matrix, totals, strict=True)]
            )
        )
        / whole
        for at in range(len(matrix))
    )


def gauss(matrix: Sequence[Sequence[Number]], totals: Sequence[Number]) -> tuple[Fraction, ...] | None:
    """The solution by elimination, for any number of rows; None when the system has none or many.

    Shares nothing with :func:`cramer` or with the worked solutions: it is there to check both.
    """
    rows = [[Fraction(v) for v in (*row, total)] for row, total in zip(matrix, totals, strict=True)]
    size = len(rows)
    for at in range(size):
        pivot = next((i for i in range(at, size) if rows[i][at]), None)
        if pivot is None:
            return None
        rows[at], rows[pivot] = rows[pivot], rows[at]
        lead = rows[at][at]
        rows[at] = [v / lead for v in rows[at]]
        for i in range(size):
            if i != at and rows[i][at]:
                by = rows[i][at]
                rows[i] = [v - by * w for v, w in zip(rows[i], rows[at], strict=True)]
    return tuple(row[-1] for row in rows)
