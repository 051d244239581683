"""Traps against their plain definition, in rationals, over the whole bank."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction

from rote.perturb import expressions, load_source
from rote.perturb.noop.compose import Hung
from rote.perturb.plan import Plan
from rote.perturb.traps import compile_replay, traps
from rote.perturb.values import Quantity


def replayed(plan: Plan, known: Mapping[str, Fraction], name: str, value: Fraction) -> Fraction | None:
    values = {number.name: known[number.name] for number in plan.numbers}
    values[name] = value
    for step in plan.steps:
        if step.name != name:
            try:
                values[step.name] = expressions.evaluate(step.calc, values)
            except ZeroDivisionError:
                return None
    return values[plan.answer]


def defined(plan: Plan, known: Mapping[str, Fraction], k: Fraction, attaches: Sequence[str]) -> set[Fraction]:
    answer = known[plan.answer]
    found = {answer - k, answer + k, answer * k, answer / k}
    for name in (*attaches, *(s.name for s in plan.steps if s.name != plan.answer)):
        for value in (known[name] - k, known[name] + k):
            result = replayed(plan, known, name, value) if value > 0 else None
            if result is not None:
                found.add(result)
    return {v for v in found if v > 0 and v != answer and (v * 100).denominator == 1}


def test_traps_are_what_their_definition_says() -> None:
    looked = 0
    for template in load_source("bank").templates.values():
        for index in range(6):
            plan, values = template.values("noop", 3, index)
            problem = template.problem("noop", 3, index)
            numbers = {n: v.value for n, v in values.items() if isinstance(v, Quantity)}
            assert len(problem.noop) == 1
            part, _ = template._draw("noop", 3, index)
            if isinstance(part, Hung):
                k = numbers[part.clauses[0].k]
                count = part.clauses[0].site.count
                attaches: Sequence[str] = (count,) if count else ()
            else:
                clause = next(c for p, c in template.plans("noop") if p is plan)
                assert clause is not None
                k, attaches = numbers[clause.number], clause.attaches
            expected = defined(plan, plan.solve(numbers), k, attaches)
            got = {trap.value for trap in problem.traps}
            whole = {v for v in expected if v.denominator == 1}
            assert got in (expected, whole), problem.id
            assert got
            looked += 1
    assert looked == 600


def test_a_replaced_value_goes_through_the_rest_of_the_chain() -> None:
    template = next(iter(load_source("bank").templates.values()))
    plan, values = template.values("original", 0, 0)
    numbers = [v.value for v in values.values() if isinstance(v, Quantity)]
    known = plan.solve({n: v.value for n, v in values.items() if isinstance(v, Quantity)})
    replay = compile_replay(plan)
    first = plan.steps[0].name
    result = replay(first, 7, 1, numbers)
    assert result is not None
    assert Fraction(*result) == replayed(plan, known, first, Fraction(7))
    assert traps(plan, replay, known, Fraction(3), ())
