"""The functions that expressions of the format may call, and no others.

``sample`` and ``sample_sequential`` are not among them: they stand at the top of an ``#init`` line only and
say how a variable is drawn (:mod:`rote.perturb.apple.domains`).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import Final

from rote.perturb.apple.values import Dual, EvaluationError, Number, Value, exact, number, spelled

#: Most elements of a list; most elements that a function or a search goes through in a condition.
MAX_LIST: Final = 100_000
MAX_SCAN: Final = 2_000


@dataclass(frozen=True, slots=True)
class Function:
    """A function with the least and the greatest number of arguments it takes."""

    work: Callable[..., Value]
    least: int
    most: int


def _whole(value: Value, what: str) -> int:
    whole = number(value)
    if type(whole) is not int:
        raise EvaluationError(f"{what} is {whole}; right: a whole number")
    return whole


def _range(*args: Value) -> list[Value]:
    bounds = [_whole(value, "a bound of range()") for value in args]
    if len(bounds) == 3 and bounds[2] == 0:
        raise EvaluationError("range() with step 0")
    values = range(*bounds)
    # len() of a huge range overflows: its ends tell the size as well
    count = (values.stop - values.start) // values.step
    if count > MAX_LIST:
        raise EvaluationError(f"a range of more than {MAX_LIST} values", "too_large")
    return list(values)


def _arange(*args: Value) -> list[Value]:
    bounds = [Fraction(number(value)) for value in args]
    start, stop, step = (
        (Fraction(0), bounds[0], Fraction(1)) if len(bounds) == 1 else (*bounds, Fraction(1))[:3]
    )
    if step == 0:
        raise EvaluationError("arange() with step 0")
    count = max(0, math.ceil((stop - start) / step))
    if count > MAX_LIST:
        raise EvaluationError(f"a range of more than {MAX_LIST} values", "too_large")
    return [exact(start + i * step) for i in range(count)]


def _randint(low: Value, high: Value, size: Value = 1) -> list[Value]:
    """The values that a random sample of whole numbers would be taken from, the upper bound left out."""
    _whole(size, "the size of randint()")
    return _range(low, high)


def _numbers_within(low: Value, high: Value) -> list[Value]:
    """Whole numbers from low to high, both taken in, written in words."""
    return [spelled(value) for value in _range(low, _whole(high, "a bound of numbers_within()") + 1)]


def _list(value: Value) -> list[Value]:
    if isinstance(value, (list, tuple)):
        return list(value)
    raise EvaluationError(f"{value!r} is not a list")


def _scanned(args: tuple[Value, ...]) -> list[Number]:
    values = _list(args[0]) if len(args) == 1 and isinstance(args[0], (list, tuple)) else list(args)
    if not 0 < len(values) <= MAX_SCAN:
        raise EvaluationError(f"a list of {len(values)}; right: 1 to {MAX_SCAN}", "too_large")
    return [number(value) for value in values]


def _round(value: Value, places: Value = 0) -> Number:
    """Half away from zero, as at school: the stories round 2.5 to 3."""
    digits = _whole(places, "the places of round()")
    if not 0 <= digits <= 12:
        raise EvaluationError(f"round() to {digits} places; right: 0 to 12")
    scaled = Fraction(number(value)) * 10**digits
    up = (abs(scaled) + Fraction(1, 2)).__floor__()
    return exact(Fraction(up if scaled >= 0 else -up, 10**digits))


def _fraction(top: Value, bottom: Value = 1) -> Value:
    """A fraction, which a solution writes as one: 4/5, not 0.8."""
    value = exact(Fraction(number(top)) / number(bottom))
    return value if type(value) is int else Dual(str(value), value)


def _format_frac(value: Value) -> str:
    """A mixed number as stories write it: 3 1/2."""
    exactly = Fraction(number(value))
    whole, rest = divmod(abs(exactly), 1)
    text = f"{whole} {rest}" if whole and rest else str(rest if rest else whole)
    return f"-{text}" if exactly < 0 else text


def _divides(value: Value, divisor: Value) -> bool:
    """Whether ``value`` is a multiple of ``divisor``, which is never zero."""
    by = number(divisor)
    return by != 0 and number(value) % by == 0


def _str(value: Value) -> str:
    text = value.text if isinstance(value, Dual) else str(value)
    if len(text) > MAX_SCAN:
        raise EvaluationError(f"a text of {len(text)} characters; at most {MAX_SCAN}", "too_large")
    return text


def _len(value: Value) -> int:
    return len(value) if isinstance(value, str) else len(_list(value))


def _gcd(left: Value, right: Value) -> int:
    return math.gcd(_whole(left, "an argument of gcd()"), _whole(right, "an argument of gcd()"))


FUNCTIONS: Final[dict[str, Function]] = {
    "int": Function(lambda value: int(number(value)), 1, 1),
    "float": Function(number, 1, 1),
    "abs": Function(lambda value: abs(number(value)), 1, 1),
    "round": Function(_round, 1, 2),
    "min": Function(lambda *args: min(_scanned(args)), 1, 16),
    "max": Function(lambda *args: max(_scanned(args)), 1, 16),
    "sum": Function(lambda values: exact(Fraction(sum(_scanned((values,))))), 1, 1),
    "len": Function(_len, 1, 1),
    "str": Function(_str, 1, 1),
    "list": Function(_list, 1, 1),
    "Fraction": Function(_fraction, 1, 2),
    "format_frac": Function(_format_frac, 1, 1),
    "is_int": Function(lambda value: type(number(value)) is int, 1, 1),
    "divides": Function(_divides, 2, 2),
    "gcd": Function(_gcd, 2, 2),
    "ceil": Function(lambda value: math.ceil(number(value)), 1, 1),
    "floor": Function(lambda value: math.floor(number(value)), 1, 1),
    "range": Function(_range, 1, 3),
    "arange": Function(_arange, 1, 3),
    "frange": Function(_arange, 1, 3),
    "randint": Function(_randint, 2, 3),
    "numbers_within": Function(_numbers_within, 2, 2),
    # what they do to floats or to the order of a list makes no difference to an exact domain
    "fix_floats": Function(lambda values: values, 1, 1),
    "shuffle_list": Function(_list, 1, 1),
}
FUNCTIONS.update(
    {
        f"{module}.{name}": FUNCTIONS[name.rpartition(".")[2]]
        for module, members in {
            "np": ("arange", "random.randint", "ceil", "floor"),
            "numpy": ("arange", "random.randint", "ceil", "floor"),
            "math": ("gcd", "ceil", "floor"),
        }.items()
        for name in members
    }
)
