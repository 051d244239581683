"""Worked solutions: collect terms, clear fractions, eliminate, put back, each step with its arithmetic.

Equations are called E1, E2, … in the order in which they arise. Arithmetic between two numbers stands in a
calculator annotation (``<<3*4=12>>``); moving a term or changing all signs does not.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from math import gcd, lcm
from typing import Final, NamedTuple

from rote.perturb.linear.system import Number, System, equation, plain, side, size


class Working(NamedTuple):
    """The text (without the line of the answer), the row operations, and all annotated operations."""

    text: str
    eliminations: int
    operations: int


#: An equation in work: its label, the coefficients, the number on the right.
_Row = tuple[str, tuple[Number, ...], Number]

_OPENING: Final = "Write the statements as equations."


def answer_line(names: Sequence[str], solution: Sequence[Number]) -> str:
    """The last line: ``#### x = 3, y = -1/2``."""
    return "#### " + ", ".join(f"{name} = {value}" for name, value in zip(names, solution, strict=True))


def work_out(system: System, names: Sequence[str], *, words: bool) -> Working:
    """Solve the system as on paper. ``words``: its question holds no equations, so they are set up first."""
    lines: list[str] = [_OPENING] if words else []
    rows = _collected(system, names, lines)
    if len(names) > 1:
        rows = [_cleared(row, names, lines) for row in rows]
    order, eliminations = _eliminated(rows, names, lines)
    _put_back(order, names, lines)
    text = "\n".join(lines)
    return Working(text, eliminations, text.count("<<"))


def _operand(value: Number) -> str:
    """A number inside an expression: in parentheses when it is negative or a fraction."""
    return str(value) if isinstance(value, int) and value >= 0 else f"({value})"


def _equal(expression: str, value: Number) -> str:
    return f"{expression} = <<{expression}={value}>>{value}"


def _difference(a: Number, b: Number) -> str:
    first = str(a) if isinstance(a, int) else f"({a})"
    return _equal(f"{first}-{_operand(b)}", plain(a - b))


def _collected(system: System, names: Sequence[str], lines: list[str]) -> list[_Row]:
    """The equations with the unknowns on the left and the numbers on the right."""
    rows: list[_Row] = []
    for number, given in enumerate(system.equations, start=1):
        label = f"E{number}"
        lines.append(f"{label}: {given.text(names)}")
        if given.bracket is not None:
            factor, shift, rest = given.bracket
            product = _equal(f"{_operand(factor)}*{_operand(shift)}", plain(factor * shift))
            line = f"Multiply out: {product}"
            if rest:
                total = f"{plain(factor * shift)}+{_operand(rest)}"
                line += f", and {_equal(total, given.left_constant)}"
            written = side(given.left, given.left_constant, names)
            lines.append(f"{line}. The left side is {written}.")
        row, total_ = given.row, given.total
        if any(given.right) or given.left_constant:
            parts = [
                f"{name}-terms: {_difference(a, b)}"
                for name, a, b in zip(names, given.left, given.right, strict=True)
                if b
            ]
            if given.left_constant:
                parts.append(f"numbers: {_difference(given.right_constant, given.left_constant)}")
            lines.append(f"Collect {'; '.join(parts)}. {label} becomes {equation(row, total_).text(names)}.")
        rows.append((label, row, total_))
    return rows


def _cleared(row: _Row, names: Sequence[str], lines: list[str]) -> _Row:
    """The equation times its common denominator."""
    label, coefficients, total = row
    by = lcm(*(value.denominator for value in (*coefficients, total)))
    if by == 1:
        return row
    scaled = tuple(plain(value * by) for value in coefficients)
    parts = [
        f"{name}-terms: {_equal(f'{by}*{_operand(value)}', new)}"
        for name, value, new in zip(names, coefficients, scaled, strict=True)
        if value
    ]
    parts.append(f"numbers: {_equal(f'{by}*{_operand(total)}', plain(total * by))}")
    written = equation(scaled, plain(total * by)).text(names)
    lines.append(f"Multiply {label} by {by}. {'; '.join(parts)}. {label} becomes {written}.")
    return label, scaled, plain(total * by)


def _eliminated(
    rows: list[_Row], names: Sequence[str], lines: list[str]
) -> tuple[list[tuple[int, _Row]], int]:
    """For each unknown, first removed first, the equation that gives it; and how many row operations."""
    left = list(range(len(names)))
    order: list[tuple[int, _Row]] = []
    made = len(rows)
    eliminations = 0
    while left:
        # the unknown that costs the fewest operations, and the smallest coefficient of it
        at = min(left, key=lambda k: (sum(1 for row in rows if row[1][k]) or len(rows) + 1, k))
        pivot = min((row for row in rows if row[1][at]), key=lambda row: size(row[1][at]))
        rows = [row for row in rows if row is not pivot]
        for index, row in enumerate(rows):
            if row[1][at]:
                made += 1
                eliminations += 1
                rows[index] = _without(at, pivot, row, f"E{made}", names, lines)
        order.append((at, pivot))
        left.remove(at)
    return order, eliminations


def _without(at: int, pivot: _Row, row: _Row, label: str, names: Sequence[str], lines: list[str]) -> _Row:
    """``row`` with the unknown ``at`` removed by means of ``pivot``."""
    one, other = int(pivot[1][at]), int(row[1][at])
    common = gcd(one, other)
    times_row, times_pivot = one // common, other // common
    if times_row < 0:
        times_row, times_pivot = -times_row, -times_pivot
    sign, amount = ("-", times_pivot) if times_pivot > 0 else ("+", -times_pivot)

    def term(by: int, value: Number, first: bool) -> str:
        if by != 1:
            return f"{by}*{_operand(value)}"
        return str(value) if first else _operand(value)

    parts = []
    new: list[Number] = []
    for k, what in enumerate((*(f"{name}-terms" for name in names), "numbers")):
        a = row[1][k] if k < len(names) else row[2]
        b = pivot[1][k] if k < len(names) else pivot[2]
        value = plain(times_row * a - times_pivot * b)
        new.append(value)
        if k != at and (a or b):
            expression = f"{term(times_row, a, True)}{sign}{term(amount, b, False)}"
            parts.append(f"{what}: {_equal(expression, value)}")
    first = row[0] if times_row == 1 else f"{times_row} times {row[0]}"
    second = pivot[0] if amount == 1 else f"{amount} times {pivot[0]}"
    verb = f"take {second} from {first}" if sign == "-" else f"add {second} to {first}"
    written = equation(new[:-1], new[-1]).text(names)
    line = f"To remove {names[at]}, {verb}. {'; '.join(parts)}. {label}: {written}"
    divisor = gcd(*(int(value) for value in new))
    if next(value for value in new if value) < 0:
        divisor = -divisor
    if divisor != 1:
        new = [int(value) // divisor for value in new]
        written = equation(new[:-1], new[-1]).text(names)
        how = "with all signs changed" if divisor == -1 else f"divided by {divisor}"
        line += f", and {how} that is {written}"
    lines.append(line + ".")
    return label, tuple(new[:-1]), new[-1]


def _put_back(order: list[tuple[int, _Row]], names: Sequence[str], lines: list[str]) -> None:
    """The unknowns one after the other, last removed first."""
    known: dict[int, Number] = {}
    for at, (label, coefficients, total) in reversed(order):
        name, lead = names[at], coefficients[at]
        others = [(known[k], c) for k, c in enumerate(coefficients) if c and k != at]
        rest = total
        line = f"From {label}: "
        if others:
            expression = str(total) if isinstance(total, int) else f"({total})"
            for value, c in others:
                sign = "-" if c > 0 else "+"
                amount = size(c)
                expression += (
                    f"{sign}{_operand(value)}" if amount == 1 else f"{sign}{amount}*{_operand(value)}"
                )
                rest -= c * value
            rest = plain(rest)
            left = side((lead,), 0, (name,))
            line += f"{left} = {_equal(expression, rest)}"
            line += ", so " if lead != 1 else ""
        value = rest if lead == 1 else plain(Fraction(rest) / lead)
        if lead != 1:
            upper = str(rest) if isinstance(rest, int) else f"({rest})"
            quotient = f"{upper}/{_operand(lead)}"
            line += f"{name} = {value if quotient == str(value) else _equal(quotient, value)}"
        elif not others:
            line += f"{name} = {value}"
        known[at] = value
        lines.append(line + ".")
