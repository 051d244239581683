"""What the operators of imported expressions do, exactly and within bounds."""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import Final

from rote.perturb.apple.functions import MAX_LIST, MAX_SCAN
from rote.perturb.apple.values import EvaluationError, Number, Value, exact, number, same

#: Bits of a number, and the greatest power.
MAX_BITS: Final = 4096
MAX_POWER: Final = 64

#: The comparisons that have an order.
ORDER: Final[Mapping[type[ast.cmpop], Callable[[Number, Number], bool]]] = {
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
}


def bounded(value: Number) -> Number:
    """The number, unless it has more than :data:`MAX_BITS` bits: EvaluationError then."""
    size = (
        value.bit_length()
        if type(value) is int
        else max(value.numerator.bit_length(), value.denominator.bit_length())
    )
    if size > MAX_BITS:
        raise EvaluationError(f"a number of {size} bits; at most {MAX_BITS}", "too_large")
    return value


def _add(left: Value, right: Value) -> Value:
    if isinstance(left, list) and isinstance(right, list):
        if len(left) + len(right) > MAX_LIST:
            raise EvaluationError(f"a list of {len(left) + len(right)}; at most {MAX_LIST}", "too_large")
        return left + right
    a, b = number(left), number(right)
    return a + b if type(a) is type(b) is int else exact(Fraction(a + b))


def _sub(left: Value, right: Value) -> Value:
    a, b = number(left), number(right)
    return a - b if type(a) is type(b) is int else exact(Fraction(a - b))


def _mul(left: Value, right: Value) -> Value:
    if isinstance(right, list):
        left, right = right, left
    if isinstance(left, list):
        times = number(right)
        if type(times) is not int or times < 0 or len(left) * times > MAX_LIST:
            raise EvaluationError(f"a list of {len(left)} {times} times; at most {MAX_LIST}", "too_large")
        return left * times
    a, b = number(left), number(right)
    return bounded(a * b if type(a) is type(b) is int else exact(Fraction(a * b)))


def _div(left: Value, right: Value) -> Value:
    return bounded(exact(Fraction(number(left)) / number(right)))


def _floor(left: Value, right: Value) -> Value:
    return number(left) // number(right)


def _mod(left: Value, right: Value) -> Value:
    a, b = number(left), number(right)
    return a % b if type(a) is type(b) is int else exact(Fraction(a % b))


def _pow(left: Value, right: Value) -> Value:
    base, power = number(left), number(right)
    if type(power) is not int or not -MAX_POWER <= power <= MAX_POWER:
        raise EvaluationError(
            f"the power {power}; right: a whole number up to {MAX_POWER}"
            if bounded(power).numerator.bit_length() < 64
            else "an enormous power",
            "too_large",
        )
    return bounded(exact(Fraction(base) ** power))


#: The arithmetic operators.
BINARY: Final[Mapping[type[ast.operator], Callable[[Value, Value], Value]]] = {
    ast.Add: _add,
    ast.Sub: _sub,
    ast.Mult: _mul,
    ast.Div: _div,
    ast.FloorDiv: _floor,
    ast.Mod: _mod,
    ast.Pow: _pow,
}


def truth(value: Value) -> bool:
    """The truth of a condition: a truth value, or a number that is not zero."""
    if isinstance(value, bool):
        return value
    return number(value) != 0


def listed(value: Value) -> list[Value]:
    """The elements of a list or tuple; EvaluationError for anything else."""
    if isinstance(value, (list, tuple)):
        return list(value)
    raise EvaluationError(f"{value!r} is not a list")


def place_of(value: Value) -> int:
    """A place in a list; EvaluationError for what is not a whole number."""
    place = number(value)
    if type(place) is not int:
        raise EvaluationError(f"{place} is no place in a list")
    return place


def item(value: Value, place: Value) -> Value:
    """One element of a list; EvaluationError beyond its ends."""
    values, at = value if isinstance(value, str) else listed(value), place_of(place)
    if not -len(values) <= at < len(values):
        raise EvaluationError(f"place {at} of a list of {len(values)}")
    return values[at]


def within(value: Value, values: Value) -> bool:
    """Whether a short list has an element."""
    found = listed(values)
    if len(found) > MAX_SCAN:
        raise EvaluationError(f"a search in a list of {len(found)}; at most {MAX_SCAN}", "too_large")
    return any(same(value, one) for one in found)
