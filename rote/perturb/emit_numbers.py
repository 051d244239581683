"""Source code of a plan's numbers: drawn values, steps and conditions, in integers alone.

Numbers are held as integers over a denominator. A variable or step that is whole, or whole in cents,
has the fixed denominator 1 or 100; only kinds without a fixed number of places carry a denominator
of their own.
"""

from __future__ import annotations

import ast
from collections.abc import Sequence
from math import lcm
from typing import Any, NamedTuple

from rote.perturb import expressions
from rote.perturb.plan import Number, Plan, Step
from rote.perturb.values import PLACES, Quantity, Value


class Scaled(NamedTuple):
    """Source of an exact value: ``numerator`` over ``denominator``, an int when it is fixed."""

    numerator: str
    denominator: int | str


class NumberWriter:
    """Collects the lines and the constants of one function.

    ``scaled`` is the source of each number and step, ``digit`` of the drawn place in each free variable's
    ``domain``; a variable without a digit is fixed.
    """

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.lines: list[str] = []
        self.constants: dict[str, Any] = {}
        self.scaled: dict[str, Scaled] = {}
        self.digit: dict[str, str] = {}
        self.domain: dict[str, Sequence[Value]] = {}
        self.steps = {step.name: step for step in plan.steps}
        self.checks = 0  # how many lines, from the first, decide whether there is a draw

    def constant(self, prefix: str, value: object) -> str:
        """Keep an object for the function and return the name that it goes by there."""
        name = f"{prefix}{len(self.constants)}"
        self.constants[name] = value
        return name

    def line(self, text: str) -> None:
        """Add a line to the function's body."""
        self.lines.append("    " + text)

    def declare_number(self, number: Number, i: int, offset: str | None) -> None:
        values = number.values
        denominator = lcm(*(v.denominator for v in values))
        fixed = 1 if denominator == 1 else 100 if 100 % denominator == 0 else None
        self.domain[number.name] = [Quantity(v, number.kind) for v in values]
        if offset is None:
            value = values[0]
            if fixed is None:
                self.scaled[number.name] = Scaled(str(value.numerator), str(value.denominator))
            else:
                self.scaled[number.name] = Scaled(str(int(value * fixed)), fixed)
            return
        self.digit[number.name] = offset
        if fixed is None:
            tops = self.constant("N", [v.numerator for v in values])
            bottoms = self.constant("D", [v.denominator for v in values])
            self.line(f"n{i} = {tops}[{offset}]")
            self.line(f"m{i} = {bottoms}[{offset}]")
            self.scaled[number.name] = Scaled(f"n{i}", f"m{i}")
        else:
            table = self.constant("N", [int(v * fixed) for v in values])
            self.line(f"n{i} = {table}[{offset}]")
            self.scaled[number.name] = Scaled(f"n{i}", fixed)

    def expression(self, node: ast.expr) -> Scaled:
        if isinstance(node, ast.Name):
            return self.scaled[node.id]
        if isinstance(node, ast.Constant):
            value = expressions.constant(node)
            return Scaled(str(value.numerator), value.denominator)
        if not isinstance(node, ast.BinOp):
            raise TypeError(f"not an arithmetic expression: {ast.dump(node)}")
        a, b = self.expression(node.left), self.expression(node.right)
        sign = expressions.operator_text(node)
        if sign in "+-":
            if a.denominator == b.denominator:
                return Scaled(f"({a.numerator} {sign} {b.numerator})", a.denominator)
            if isinstance(a.denominator, int) and isinstance(b.denominator, int):
                common = lcm(a.denominator, b.denominator)
                left = times(a.numerator, common // a.denominator)
                right = times(b.numerator, common // b.denominator)
                return Scaled(f"({left} {sign} {right})", common)
            left, right = times(a.numerator, b.denominator), times(b.numerator, a.denominator)
            return Scaled(f"({left} {sign} {right})", times_any(a.denominator, b.denominator))
        if sign == "*":
            return Scaled(times(a.numerator, b.numerator), times_any(a.denominator, b.denominator))
        if not is_positive(node.right):
            self.line(f"if {b.numerator} <= 0: return None")
        top, bottom = times(a.numerator, b.denominator), times(b.numerator, a.denominator)
        if sign == "/":
            return Scaled(top, f"({bottom})")
        return Scaled(f"({top} % ({bottom}))", times_any(a.denominator, b.denominator))

    def step(self, step: Step, i: int) -> None:
        result = self.expression(step.calc)
        places = PLACES[step.kind]
        if places is None:
            self.line(f"g{i} = gcd(t{i} := {result.numerator}, u{i} := {result.denominator})")
            self.line(f"s{i} = t{i} // g{i}")
            self.line(f"r{i} = u{i} // g{i}")
            self.scaled[step.name] = Scaled(f"s{i}", f"r{i}")
        else:
            scale = 10**places
            if isinstance(result.denominator, int) and scale % result.denominator == 0:
                self.line(f"s{i} = {times(result.numerator, scale // result.denominator)}")
            else:
                self.line(f"s{i}, q = divmod({times(result.numerator, scale)}, {result.denominator})")
                self.line("if q: return None")
            self.scaled[step.name] = Scaled(f"s{i}", scale)
        if not is_positive(step.calc):
            self.line(f"if s{i} <= 0: return None")

    def condition(self, node: ast.expr) -> str:
        if isinstance(node, ast.BoolOp):
            word = " and " if isinstance(node.op, ast.And) else " or "
            return "(" + word.join(self.condition(value) for value in node.values) + ")"
        if isinstance(node, ast.UnaryOp):
            return f"(not {self.condition(node.operand)})"
        if not isinstance(node, ast.Compare):
            raise TypeError(f"not a condition: {ast.dump(node)}")
        sides = [self.expression(side) for side in (node.left, *node.comparators)]
        tests = []
        for a, operator, b in zip(sides, node.ops, sides[1:], strict=False):
            left, right = (
                (a.numerator, b.numerator)
                if a.denominator == b.denominator
                else (times(a.numerator, b.denominator), times(b.numerator, a.denominator))
            )
            tests.append(f"{left} {expressions.comparison_text(operator)} {right}")
        return "(" + " and ".join(tests) + ")"


def times(a: str, b: str | int) -> str:
    if a == "1":
        return str(b)
    return a if str(b) == "1" else f"{a} * {b}"


def times_any(a: int | str, b: int | str) -> int | str:
    if isinstance(a, int) and isinstance(b, int):
        return a * b
    return f"({times(str(a), b)})"


def is_positive(node: ast.expr) -> bool:
    """Whether an expression is positive whatever is drawn: no difference, remainder or zero in it."""
    return not any(
        (isinstance(part, ast.BinOp) and isinstance(part.op, (ast.Sub, ast.Mod)))
        or (isinstance(part, ast.Constant) and expressions.constant(part) <= 0)
        for part in ast.walk(node)
    )
