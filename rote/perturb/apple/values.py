"""Values of the GSM-Symbolic format: exact numbers, words, and numbers with a text of their own.

Whole numbers are ``int`` and all others ``Fraction``, so that arithmetic stays exact and is fast where it
can be. A :class:`Dual` is a number that reads as something else (``six-sided``, ``twice``, ``half``).
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Final

from rote.perturb.language import words
from rote.rational import format_number, read_quantity

Number = int | Fraction

_TIMES: Final = {
    "once": 1,
    "twice": 2,
    "double": 2,
    "thrice": 3,
    "triple": 3,
    "quadruple": 4,
    "quintuple": 5,
    "a dozen": 12,
    "dozen": 12,
}


@dataclass(frozen=True, slots=True)
class Dual:
    """A number with the text that stands for it in the question; in arithmetic it is the number."""

    text: str
    value: Number


#: What an expression may be worth; lists are Python lists, pairs and targets are tuples.
Value = Any


class EvaluationError(Exception):
    """A value of the wrong kind or size, met while evaluating; the message says which."""

    def __init__(self, message: str, code: str = "type") -> None:
        super().__init__(message)
        self.code = code


def exact(value: Fraction) -> Number:
    """A whole number as int, any other as it is."""
    return value.numerator if value.denominator == 1 else value


def number(value: Value) -> Number:
    """The number that a value is. EvaluationError for words, lists and truth values."""
    kind = type(value)
    if kind is int or kind is Fraction:
        return value  # type: ignore[no-any-return]
    if kind is Dual:
        return value.value  # type: ignore[no-any-return]
    raise EvaluationError(f"{shown(value)!r} is not a number")


def is_number(value: Value) -> bool:
    """Whether a value counts as a number (truth values do not)."""
    return type(value) in (int, Fraction, Dual)


def same(left: Value, right: Value) -> bool:
    """Equality as conditions mean it: numbers by value, words by text, lists by their elements."""
    if isinstance(left, (list, tuple)) and isinstance(right, (list, tuple)):
        return len(left) == len(right) and all(map(same, left, right))
    if isinstance(left, str) or isinstance(right, str):
        a = left.text if isinstance(left, Dual) else left
        b = right.text if isinstance(right, Dual) else right
        return type(a) is type(b) and a == b
    if isinstance(left, Dual):
        left = left.value
    if isinstance(right, Dual):
        right = right.value
    return bool(left == right) and isinstance(left, bool) == isinstance(right, bool)


def spelled(value: int) -> Dual:
    """A whole number that the question writes in words."""
    return Dual(words(value), value)


def read_number(text: str) -> Number | None:
    """The number that a text writes: digits, words, ``half``, ``twice``; None when it is none."""
    plain = text.strip().lower()
    if plain in _TIMES:
        return _TIMES[plain]
    try:
        return exact(read_quantity(plain).value)
    except ValueError:
        return None


def shown(value: Value, *, money: bool = False) -> str:
    """How a value reads in the question; ``money``: after a currency sign, with two decimals."""
    if isinstance(value, Dual):
        return value.text
    if isinstance(value, Fraction):
        cents = value * 100
        if money and cents.denominator == 1:
            whole, rest = divmod(cents.numerator, 100)
            return f"{whole}.{rest:02d}"
        return format_number(value)
    return str(value)


def worked(value: Value) -> str:
    """How a value reads in a solution: a number as a number, a drawn fraction as a fraction."""
    if isinstance(value, Dual):
        return str(value.value)
    if isinstance(value, (int, Fraction)) and not isinstance(value, bool):
        return format_number(value)
    if isinstance(value, str):
        return value
    raise EvaluationError(f"{value!r} is neither a number nor a word")
