"""Plain arithmetic: expressions in digits, worked out step by step in the style of the templates' solutions.

``problem(seed, index)`` is a function of its arguments. Values are exact; an answer has at most two decimals.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from fractions import Fraction
from typing import Final, NamedTuple

from rote.perturb.keys import digest
from rote.problem import Problem
from rote.rational import format_number

SOURCE: Final = "arithmetic"

_ASKED: Final = (
    "Work out {}.",
    "What is {}?",
    "How much is {}?",
    "Calculate {}.",
    "Find the value of {}.",
)


class _Step(NamedTuple):
    """One operation: how it is written, and what it gives."""

    text: str
    value: Fraction


def problems(n: int, seed: int, start: int = 0) -> Iterator[Problem]:
    """``n`` problems from the index ``start`` on."""
    for index in range(start, start + n):
        yield problem(seed, index)


def problem(seed: int, index: int) -> Problem:
    """The problem of that seed and index: one to three operations."""
    chance = random.Random(digest("arithmetic", seed, index))
    kind, make = _KINDS[chance.randrange(len(_KINDS))]
    expression, steps = make(chance)
    asked = _ASKED[chance.randrange(len(_ASKED))].format(expression)
    lines = [f"{step.text} = {format_number(step.value)}." for step in steps]
    answer = steps[-1].value
    name = f"{SOURCE}/{kind}"
    return Problem(
        id=f"{name}/{seed}/{index}",
        source=SOURCE,
        template_id=name,
        original_id=name,
        variant="symbolic",
        seed=seed,
        index=index,
        question=asked,
        solution="\n".join([*lines, f"#### {format_number(answer)}"]),
        answer=answer,
    )


def _shown(value: Fraction | int) -> str:
    return format_number(Fraction(value))


def _binary(a: Fraction | int, sign: str, b: Fraction | int) -> _Step:
    left, right = Fraction(a), Fraction(b)
    value = {"+": left + right, "-": left - right, "*": left * right, "/": left / (right or 1)}[sign]
    return _Step(f"{_shown(a)} {sign} {_shown(b)}", value)


_Made = tuple[str, list[_Step]]


def _sum(chance: random.Random) -> _Made:
    top = chance.choice((20, 100, 1000))
    step = _binary(chance.randint(1, top), "+", chance.randint(1, top))
    return step.text, [step]


def _difference(chance: random.Random) -> _Made:
    top = chance.choice((20, 100, 1000))
    a = chance.randint(2, top)
    step = _binary(a, "-", chance.randint(1, a))
    return step.text, [step]


def _product(chance: random.Random) -> _Made:
    a, b = chance.choice(((12, 12), (99, 12), (99, 30), (60, 60), (400, 9)))
    pair = [chance.randint(2, a), chance.randint(2, b)]
    chance.shuffle(pair)
    step = _binary(pair[0], "*", pair[1])
    return step.text, [step]


def _quotient(chance: random.Random) -> _Made:
    a, b = chance.choice(((12, 12), (99, 12), (60, 20)))
    divisor, result = chance.randint(2, b), chance.randint(2, a)
    step = _binary(divisor * result, "/", divisor)
    return step.text, [step]


def _money_sum(chance: random.Random) -> _Made:
    a, b = (Fraction(chance.randint(5, 1500) * 5, 100) for _ in range(2))
    sign = chance.choice("+-")
    step = _binary(max(a, b), sign, min(a, b))
    return step.text, [step]


def _money_product(chance: random.Random) -> _Made:
    price = Fraction(chance.randint(5, 400) * 5, 100)
    step = _binary(chance.randint(2, 24), "*", price)
    return step.text, [step]


def _fraction_of(chance: random.Random) -> _Made:
    below = chance.choice((2, 3, 4, 5, 6, 8, 10))
    share = Fraction(chance.randint(1, below - 1), below)
    whole = share.denominator * chance.randint(1, 60)
    step = _Step(f"{whole} * ({share.numerator}/{share.denominator})", whole * share)
    return step.text, [step]


def _percent_of(chance: random.Random) -> _Made:
    percent = chance.randint(1, 19) * 5
    whole = chance.randint(1, 60) * 20
    step = _Step(f"{whole} * {percent} / 100", Fraction(whole * percent, 100))
    return step.text, [step]


def _in_two(chance: random.Random) -> _Made:
    """Brackets first, or the product first."""
    a, b, c = chance.randint(2, 60), chance.randint(2, 60), chance.randint(2, 12)
    if chance.random() < 0.5:
        high, low = max(a, b), min(a, b)
        inner = _binary(high, chance.choice("+-"), low)
        outer = _binary(inner.value, "*", c)
        return f"({inner.text}) * {c}", [inner, outer]
    inner = _binary(b, "*", c)
    outer = _binary(a, "+", inner.value)
    return f"{a} + {inner.text}", [inner, outer]


def _in_three(chance: random.Random) -> _Made:
    a, b, c, d = (chance.randint(2, 25) for _ in range(4))
    first, second = _binary(a, "*", b), _binary(c, "*", d)
    last = _binary(first.value, "+", second.value)
    return f"{first.text} + {second.text}", [first, second, last]


_KINDS: Final[tuple[tuple[str, Callable[[random.Random], _Made]], ...]] = (
    ("sum", _sum),
    ("difference", _difference),
    ("product", _product),
    ("product", _product),
    ("quotient", _quotient),
    ("quotient", _quotient),
    ("money_sum", _money_sum),
    ("money_product", _money_product),
    ("fraction_of", _fraction_of),
    ("percent_of", _percent_of),
    ("in_two", _in_two),
    ("in_three", _in_three),
)
