"""Clauses put into questions: the fast way against the plan that says what it means."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

import pytest

from rote.errors import UsageError
from rote.perturb import Template, expressions, load_source
from rote.perturb.inert import without_clauses
from rote.perturb.noop import ATTACHED
from rote.perturb.noop.clauses import pairs
from rote.perturb.plan import Plan
from rote.perturb.values import Quantity
from rote.problem import Problem

SEED = 5


def templates() -> Iterator[Template]:
    yield from list(load_source("bank").templates.values())[::5]


def attached(
    template: Template, variant: str, count: int
) -> Iterator[tuple[Problem, Plan, dict[str, Fraction]]]:
    """Instances whose clauses come from families, with their plans and drawn numbers."""
    for index in range(count):
        problem = template.problem(variant, SEED, index)
        plan, values = template.values(variant, SEED, index)
        if any(name.startswith("noop_") for name in values):
            why = plan.refusal(values)
            assert why is None, (problem.id, why)
            shown = (
                "".join(p if isinstance(p, str) else p.render(values) for p in s) for s in plan.sentences
            )
            assert " ".join(shown) == problem.question
            yield problem, plan, {n: v.value for n, v in values.items() if isinstance(v, Quantity)}


@pytest.mark.parametrize("variant", ATTACHED)
def test_what_is_put_together_is_what_the_plan_says(variant: str) -> None:
    looked = 0
    for template in templates():
        if not template.offers(variant):
            assert template.why_not(variant)
            continue
        for problem, plan, numbers in attached(template, variant, 8):
            assert problem.answer == plan.solve(numbers)[plan.answer]
            assert len(problem.noop) == (2 if variant == "noop2" else 1)
            looked += 1
    assert looked >= 60


@pytest.mark.parametrize("variant", ["noop", "noop2", "noop_control"])
def test_without_its_clauses_it_is_the_original(variant: str) -> None:
    for template in templates():
        if template.offers(variant):
            original = template.problem("original", 0, 0)
            for problem, _, _ in attached(template, variant, 6):
                assert without_clauses(problem) == original.question
                assert problem.answer == original.answer
                assert problem.solution == original.solution


def test_each_record_holds() -> None:
    looked = 0
    for template in templates():
        for variant in ATTACHED:
            if not template.offers(variant):
                continue
            for problem, plan, numbers in attached(template, variant, 6):
                known = plan.solve(dict(numbers.items()))
                for noop in problem.noop:
                    clause = problem.question[slice(*noop.span)]
                    assert clause[0].isupper()
                    assert clause.endswith(".")
                    assert set(noop.factors) == {"topic", "role", "magnitude", "position"}
                    assert len(noop.proof) >= 4
                    if variant == "noop_control":
                        assert noop.number is None
                        assert not any(c.isdigit() for c in clause)
                        assert noop.factors["magnitude"] == "none"
                        continue
                    assert noop.number is not None
                    others = {v for n, v in known.items() if not n.startswith("noop_k")}
                    assert noop.number not in others
                    looked += 1
                used = {n for step in plan.steps for n in expressions.names_in(step.calc)}
                assert not any(name.startswith("noop_") for name in used)
                if variant == "noop_control":
                    assert problem.traps == ()
                else:
                    values = [trap.value for trap in problem.traps]
                    assert values
                    assert len(set(values)) == len(values)
                    assert problem.answer not in values
                    assert min(values) > 0
    assert looked >= 200


def test_two_clauses_differ_in_family_number_and_words() -> None:
    for template in templates():
        for first, second in pairs(template.sites):
            assert first.family.name != second.family.name
            assert not first.nouns & second.nouns
        if template.offers("noop2"):
            for problem, _, _ in attached(template, "noop2", 5):
                one, other = problem.noop
                assert one.family != other.family
                assert one.number != other.number
                assert one.span[1] <= other.span[0] or other.span[1] <= one.span[0]


def test_control_and_clause_share_their_place() -> None:
    template = next(t for t in templates() if t.offers("noop_control"))
    for site in template.sites:
        assert site.clauses
        assert site.controls
        assert len(site.values) >= 4


def test_neighbours_are_of_different_families() -> None:
    for template in templates():
        families = [site.family.name for site in template.sites]
        distinct = len(set(families))
        assert families[:distinct]
        assert len(set(families[:distinct])) == distinct


def test_instances_depend_on_identity_alone() -> None:
    template = next(iter(templates()))
    later = [template.problem("noop", 1, index) for index in (5, 0, 3)]
    again = [template.problem("noop", 1, index) for index in (0, 3, 5)]
    assert [later[1], later[2], later[0]] == again
    assert template.problem("noop", 2, 0) != again[0]


def test_no_question_twice_up_to_the_capacity() -> None:
    for template in list(templates())[:6]:
        for variant in ATTACHED:
            if template.offers(variant):
                count = min(template.capacity(variant), 60)
                questions = {template.problem(variant, 0, i).question for i in range(count)}
                assert len(questions) == count


def test_a_variant_that_is_not_offered_says_why() -> None:
    template = next(iter(templates()))
    bare = Template("own/bare", "own", {"original": template.plans("original")})
    assert not bare.offers("noop")
    assert bare.why_not("noop") == "its format takes no inert clauses"
    with pytest.raises(UsageError, match="its format takes no inert clauses"):
        bare.problem("noop", 0, 0)
