"""The answers of a reader who lets the inert number into the arithmetic.

Families of traps, with A the answer and k the inert number: A + k, A - k, A * k, A / k; the answer
recomputed with an attached number n replaced by n + k or n - k; each earlier step's result plus or
minus k, pushed through the rest of the chain. A trap is positive, is not A, and is as clean as an answer
of its kind where it can be: whole where the answer counts things, else whole in hundredths.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction

from rote.perturb import expressions
from rote.perturb.plan import Plan
from rote.perturb.values import PLACES
from rote.problem import Trap
from rote.rational import format_number


def traps(
    plan: Plan, numbers: Mapping[str, Fraction], k: Fraction, attaches: Sequence[str]
) -> tuple[Trap, ...]:
    """Distinct traps of one instance, the likeliest first; ``how`` says how each arises."""
    known = plan.solve(numbers)
    answer = known[plan.answer]
    kind = next(step.kind for step in plan.steps if step.name == plan.answer)
    found: dict[Fraction, str] = {}
    for value, how in _candidates(plan, known, answer, k, attaches):
        if value > 0 and value != answer and (value * 100).denominator == 1:
            found.setdefault(value, how)
    # whole answers tempt with whole traps; k in cents may leave none of them
    whole = {value: how for value, how in found.items() if value.denominator == 1}
    chosen = whole if PLACES[kind] == 0 and whole else found
    return tuple(Trap(value, how) for value, how in chosen.items())


def _candidates(
    plan: Plan, known: Mapping[str, Fraction], answer: Fraction, k: Fraction, attaches: Sequence[str]
) -> Iterator[tuple[Fraction, str]]:
    text = format_number(k)
    for sign, change in (("-", -k), ("+", k)):
        yield answer + change, f"answer {sign} {text}"
    for name in attaches:
        for sign, change in (("-", -k), ("+", k)):
            value = _replayed(plan, known, name, known[name] + change)
            if value is not None:
                yield value, f"{name} {sign} {text}"
    for step in plan.steps:
        if step.name == plan.answer:
            continue
        for sign, change in (("-", -k), ("+", k)):
            value = _replayed(plan, known, step.name, known[step.name] + change)
            if value is not None:
                yield value, f"{step.name} {sign} {text}"
    yield answer * k, f"answer * {text}"
    yield answer / k, f"answer / {text}"


def _replayed(plan: Plan, known: Mapping[str, Fraction], name: str, value: Fraction) -> Fraction | None:
    """The answer when ``name`` has another value and every other number its own."""
    if value <= 0:
        return None
    values = {number.name: known[number.name] for number in plan.numbers}
    values[name] = value
    for step in plan.steps:
        if step.name == name:
            continue
        try:
            values[step.name] = expressions.evaluate(step.calc, values)
        except ZeroDivisionError:
            return None
    return values[plan.answer]
