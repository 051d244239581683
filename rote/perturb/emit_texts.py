"""Source code of a plan's texts: the question, and the solution with its equations.

Text that depends on one drawn variable is prepared for its whole domain and looked up; text of several
variables, or of a step's result, is rendered once for each combination met.
"""

from __future__ import annotations

import ast
from collections.abc import Callable
from fractions import Fraction
from functools import lru_cache
from math import gcd
from typing import Any, Final

from rote.perturb import expressions
from rote.perturb.emit_numbers import NumberWriter
from rote.perturb.plan import Plan, Step
from rote.perturb.texts import Piece, Text
from rote.perturb.values import PLACES, Quantity, Value, annotation_text, equation_text
from rote.rational import format_number

CACHE_SIZE: Final = 1 << 16


@lru_cache(maxsize=CACHE_SIZE)
def _whole(n: int) -> Fraction:
    return Fraction(n)


@lru_cache(maxsize=CACHE_SIZE)
def _cents(n: int) -> Fraction:
    return Fraction(n, 100)


@lru_cache(maxsize=CACHE_SIZE)
def _decimal_text(n: int) -> str:
    return format_number(Fraction(n, 100))


@lru_cache(maxsize=CACHE_SIZE)
def _money_text(n: int) -> str:
    return equation_text(Fraction(n, 100), "money")


class TextWriter(NumberWriter):
    """A writer of numbers that writes texts too."""

    def __init__(self, plan: Plan) -> None:
        super().__init__(plan)
        self.tables: dict[tuple[str, ...], str] = {}
        self.constants.update(
            _whole=_whole,
            _cents=_cents,
            _decimal_text=_decimal_text,
            _money_text=_money_text,
            Fraction=Fraction,
            gcd=gcd,
        )

    def table(self, name: str, texts: list[str]) -> str:
        """Source of the text that belongs to the drawn value of ``name``."""
        if name not in self.digit:
            return literal(texts[0])
        slot = self.tables.get((name, *texts))
        if slot is None:
            slot = self.tables[(name, *texts)] = self.constant("T", texts)
        return f"{{{slot}[{self.digit[name]}]}}"

    def piece(self, piece: Piece) -> str:
        free = [name for name in piece.names if name in self.steps or name in self.digit]
        if not free:
            return literal(piece.render({name: self.domain[name][0] for name in piece.names}))
        if len(free) == 1 and free[0] in self.digit:
            fixed = {name: self.domain[name][0] for name in piece.names}
            domain = self.domain[free[0]]
            return self.table(free[0], [piece.render({**fixed, free[0]: value}) for value in domain])
        if piece.bare:
            return self.step_text(self.steps[free[0]], equation_text)
        return self.several(piece, free)

    def several(self, piece: Piece, free: list[str]) -> str:
        """A text of several variables or of steps: rendered once for each combination met."""
        getters: list[Callable[[Any], Value]] = []
        arguments: list[str] = []
        for name in free:
            if name in self.digit:
                getters.append(self.domain[name].__getitem__)
                arguments.append(self.digit[name])
            else:
                step = self.steps[name]
                arguments.append(self.step_value(step))
                getters.append(_quantity(step))
        fixed = {name: self.domain[name][0] for name in piece.names if name not in free}

        @lru_cache(maxsize=CACHE_SIZE)
        def text(*raw: Any) -> str:
            drawn = {name: get(value) for name, get, value in zip(free, getters, raw, strict=True)}
            return piece.render({**fixed, **drawn})

        return f"{{{self.constant('F', text)}({', '.join(arguments)})}}"

    def step_value(self, step: Step) -> str:
        value = self.scaled[step.name]
        if PLACES[step.kind] is None:
            return f"Fraction({value.numerator}, {value.denominator})"
        return value.numerator

    def step_text(self, step: Step, how: Callable[[Fraction, Any], str]) -> str:
        value = self.scaled[step.name]
        places = PLACES[step.kind]
        if places == 0:
            return f"{{{value.numerator}}}"
        if places is None:
            return f"{{Fraction({value.numerator}, {value.denominator})}}"
        as_money = step.kind == "money" and how is equation_text
        return f"{{{'_money_text' if as_money else '_decimal_text'}({value.numerator})}}"

    def equation(self, step: Step) -> str:
        """``12 * $3 = $<<12*3=36>>36``."""
        shown = self.expression_text(step.calc, equation_text, " ")
        noted = self.expression_text(step.calc, annotation_text, "")
        result = self.step_text(step, annotation_text)
        if step.kind != "money":
            return f"{shown} = <<{noted}={result}>>{result}"
        # the sign stands before the annotation, as in GSM8K: $<<12*3=36>>36
        cents = self.scaled[step.name].numerator
        return f"{shown} = $<<{noted}={result}>>{{_money_text({cents})[1:]}}"

    def expression_text(self, node: ast.expr, how: Callable[[Fraction, Any], str], gap: str) -> str:
        def leaf(part: ast.Name | ast.Constant, precedence: int, right: bool) -> list[str]:
            if isinstance(part, ast.Constant):
                return [format_number(expressions.constant(part))]
            wrap = precedence == 2 and right
            if part.id in self.steps:
                step = self.steps[part.id]
                text = self.step_text(step, how)
                return ["(", text, ")"] if wrap and step.kind == "fraction" else [text]
            domain = self.domain[part.id]
            texts = [how(v.value, v.kind) for v in domain if isinstance(v, Quantity)]
            if wrap:
                texts = [f"({text})" if "/" in text else text for text in texts]
            return [self.table(part.id, texts)]

        return "".join(expressions.layout(node, leaf, gap))

    def text(self, text: Text, equation: str | None = None) -> str:
        parts = []
        for part in text:
            if isinstance(part, str):
                parts.append(literal(part))
            elif equation is not None and part.names == ("eq",):
                parts.append(equation)
            else:
                parts.append(self.piece(part))
        return "".join(parts)


def literal(text: str) -> str:
    return text.replace("{", "{{").replace("}", "}}")


def _quantity(step: Step) -> Callable[[Any], Value]:
    places = PLACES[step.kind]
    if places is None:
        return lambda raw: Quantity(raw, step.kind)
    return lambda raw: Quantity(Fraction(raw, 10**places), step.kind)


def f_string(body: str) -> str:
    # repr() escapes quotes and backslashes of the literal parts; the fields hold neither
    return "f" + repr(body)
