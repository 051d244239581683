"""What one variant of one template draws and writes, before it is compiled.

A template and a variant make a :class:`Plan` (an inert clause makes one each). The plan is plain data
with a slow, obvious meaning (:meth:`Plan.decode`, :meth:`Plan.solve`, :meth:`Plan.refusal`);
:mod:`rote.perturb.codegen` compiles it to the fast one.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction

from rote.perturb import expressions
from rote.perturb.texts import Text
from rote.perturb.values import PLACES, NumberKind, Person, Quantity, Value, Word


@dataclass(frozen=True, slots=True)
class Number:
    """A number variable: its kind and the values it may take in this plan (one, when it is fixed)."""

    name: str
    kind: NumberKind
    values: tuple[Fraction, ...]


@dataclass(frozen=True, slots=True)
class Noun:
    """A person or thing: the values it may take, and the one that a draw must avoid, if any."""

    name: str
    values: tuple[Person | Word, ...]
    avoid: Person | Word | None = None


@dataclass(frozen=True, slots=True)
class Step:
    """A step of the solution; ``text`` holds a piece named ``eq``."""

    name: str
    calc: ast.expr
    kind: NumberKind
    text: Text


@dataclass(frozen=True, slots=True)
class Plan:
    """Everything that decides the instances of one variant.

    ``different`` is the answer that a draw must not have (the original's, when numbers change).
    ``clause`` is the place of the inert clause among ``sentences``, if there is one. ``solution`` is the
    whole solution as text; without it, the steps' texts and the answer make one.
    """

    numbers: tuple[Number, ...]
    nouns: tuple[Noun, ...]
    constraints: tuple[tuple[str, ast.expr], ...]
    steps: tuple[Step, ...]
    answer: str
    different: Fraction | None
    sentences: tuple[Text, ...]
    clause: int | None = None
    solution: Text | None = None

    @property
    def sizes(self) -> tuple[int, ...]:
        """Domain sizes in digit order: numbers first, then nouns; fixed variables have size 1."""
        return (*(len(n.values) for n in self.numbers), *(len(n.values) for n in self.nouns))

    def decode(self, position: int) -> dict[str, Value]:
        """The values at a position of the space of draws, by name."""
        values: dict[str, Value] = {}
        for number in self.numbers:
            position, digit = divmod(position, len(number.values))
            values[number.name] = Quantity(number.values[digit], number.kind)
        for noun in self.nouns:
            position, digit = divmod(position, len(noun.values))
            values[noun.name] = noun.values[digit]
        return values

    def solve(self, numbers: Mapping[str, Fraction]) -> dict[str, Fraction]:
        """Every number and step by name, exactly. ZeroDivisionError where one divides by zero or less."""
        known = dict(numbers)
        for step in self.steps:
            known[step.name] = expressions.evaluate(step.calc, known)
        return known

    def refusal(self, values: Mapping[str, Value]) -> str | None:
        """Why these values are no draw, in words; None when they are one."""
        people = [v.name for v in values.values() if isinstance(v, Person)]
        if len(set(people)) < len(people):
            return "two people have one name"
        free = [noun for noun in self.nouns if noun.avoid is not None]
        for noun in free:
            if isinstance(noun.avoid, Person) and values[noun.name] == noun.avoid:
                return f"{noun.name} keeps the original's name"
        if free and all(values[noun.name] == noun.avoid for noun in free):
            return "every name is the original's"
        numbers = {name: v.value for name, v in values.items() if isinstance(v, Quantity)}
        try:
            known = self.solve(numbers)
        except ZeroDivisionError:
            return "a step divides by zero or less"
        for step in self.steps:
            value, places = known[step.name], PLACES[step.kind]
            if value <= 0:
                return f"step {step.name!r} is not positive"
            if places is not None and (value * 10**places).denominator != 1:
                return f"step {step.name!r} is not {'whole' if places == 0 else 'exact to cents'}"
        for text, condition in self.constraints:
            try:
                if not expressions.holds(condition, known):
                    return f"constraint {text!r}"
            except ZeroDivisionError:
                return f"constraint {text!r} divides by zero or less"
        if known[self.answer] == self.different:
            return "the answer is the original's"
        return None
