"""What a template's variables hold: people, words and exact quantities, each knowing how it reads."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import Final, Literal, NamedTuple

from rote.rational import format_number

Gender = Literal["female", "male"]
NumberKind = Literal["integer", "money", "percent", "fraction", "decimal"]

#: Decimal places that a value of each kind may have (a fraction is written as one).
PLACES: Final[Mapping[str, int | None]] = {
    "integer": 0,
    "percent": 0,
    "money": 2,
    "decimal": 2,
    "fraction": None,
}


class Person(NamedTuple):
    """A first name with the gender that its pronouns take."""

    name: str
    gender: Gender

    def __str__(self) -> str:
        return self.name


class Quantity(NamedTuple):
    """An exact number with its kind; its text is how the question shows it by default."""

    value: Fraction
    kind: NumberKind

    def __str__(self) -> str:
        if self.kind == "money":
            return money_text(self.value)
        if self.kind == "percent":
            return f"{format_number(self.value)}%"
        if self.kind == "fraction":
            return fraction_text(self.value)
        return format_number(self.value)


#: Words for a thing: one text, or several that belong together (``{"box": "crate", "what": "limes"}``).
Word = str | Mapping[str, str]
Value = Person | Quantity | Word


def money_text(value: Fraction) -> str:
    """``$4`` or ``$4.50``: cents are written only where there are some. ValueError below a cent."""
    cents = value * 100
    if cents.denominator != 1:
        raise ValueError(f"{format_number(value)} is not a whole number of cents")
    whole, rest = divmod(abs(cents.numerator), 100)
    sign = "-" if value < 0 else ""
    return f"{sign}${whole}.{rest:02d}" if rest else f"{sign}${whole}"


def fraction_text(value: Fraction) -> str:
    """``1/3``; whole numbers without a denominator."""
    return str(value)


def equation_text(value: Fraction, kind: NumberKind) -> str:
    """How a number stands in a written equation: money with its sign, a percentage as a bare number."""
    if kind == "money":
        return money_text(value)
    if kind == "fraction":
        return fraction_text(value)
    return format_number(value)


def annotation_text(value: Fraction, kind: NumberKind) -> str:
    """How a number stands inside ``<<…>>``: no sign, no spaces."""
    return fraction_text(value) if kind == "fraction" else format_number(value)
