"""Plain arithmetic: worked out a second time, graded, re-derived line by line, and the same everywhere."""

from __future__ import annotations

import ast
import hashlib
import re
from collections import Counter
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rote.answers import grade
from rote.perturb import arithmetic
from rote.perturb.arithmetic import problem, problems
from rote.problem import Problem
from rote.steps import find_equations

SEED = 5
#: What the generator's ways of asking leave of a question: its expression.
ASKED = re.compile(r"(?:Work out|What is|How much is|Calculate|Find the value of) ([^A-Za-z]+)[.?]")


@pytest.fixture(scope="module")
def made() -> list[Problem]:
    return list(problems(1500, SEED))


def value_of(expression: str) -> Fraction:
    """An expression's value by Python's own grammar: nothing of rote takes part."""

    def walk(node: ast.expr) -> Fraction:
        if isinstance(node, ast.Constant):
            written = ast.get_source_segment(text, node)
            assert written is not None
            return Fraction(written)
        assert isinstance(node, ast.BinOp), ast.dump(node)
        left, right = walk(node.left), walk(node.right)
        match node.op:
            case ast.Add():
                return left + right
            case ast.Sub():
                return left - right
            case ast.Mult():
                return left * right
            case ast.Div():
                return left / right
        raise AssertionError(ast.dump(node))

    text = expression.replace(",", "")
    return walk(ast.parse(text, mode="eval").body)


def expression_of(made: Problem) -> str:
    match = ASKED.fullmatch(made.question)
    assert match is not None, made.question
    return match[1]


def test_the_gold_is_what_the_expression_comes_to(made: list[Problem]) -> None:
    for one in made:
        assert value_of(expression_of(one)) == one.answer, one.question


@given(st.integers(0, 2**40), st.integers(0, 2**40))
def test_so_it_is_for_any_seed_and_index(seed: int, index: int) -> None:
    one = problem(seed, index)
    assert value_of(expression_of(one)) == one.answer
    assert (one.answer * 100).denominator == 1
    assert one.answer >= 0
    assert grade(one.solution, one.answer).correct


def test_a_solution_earns_full_marks(made: list[Problem]) -> None:
    for one in made:
        verdict = grade(one.solution, one.answer)
        assert verdict.correct, one.solution
        # The last line says it, and no other has to be looked at.
        assert verdict.extraction.stage == "hash", (one.solution, verdict)


def test_each_line_holds_and_the_last_one_is_the_answer(made: list[Problem]) -> None:
    for one in made:
        *steps, last = one.solution.split("\n")
        equations = find_equations("\n".join(steps))
        assert len(equations) == len(steps), one.solution
        for step, equation in zip(steps, equations, strict=True):
            assert equation.correct, step
            lhs, equals, rhs = step.removesuffix(".").partition(" = ")
            assert equals
            assert value_of(lhs) == Fraction(rhs.replace(",", "")), step
        assert equations[-1].rhs == one.answer
        assert last.startswith("#### ")


def test_no_value_on_the_way_has_more_than_two_decimals_or_is_negative(made: list[Problem]) -> None:
    for one in made:
        for text in re.findall(r"\d+\.(\d+)", f"{one.question} {one.solution}"):
            assert len(text) <= 2, one.solution
        assert " -" not in one.solution.replace(" - ", " "), one.solution


def test_a_problem_is_a_function_of_seed_and_index(made: list[Problem]) -> None:
    assert made[700] == problem(SEED, 700) == next(problems(1, SEED, 700))
    assert list(problems(20, SEED, 40)) == made[40:60]
    assert [one.question for one in problems(20, SEED + 1)] != [one.question for one in made[:20]]
    text = "\n".join(f"{one.id} {one.question} {one.solution}" for one in made[:300])
    assert hashlib.sha256(text.encode()).hexdigest()[:16] == "cd87f3205d692c5c"


def test_every_kind_is_drawn_and_named(made: list[Problem]) -> None:
    kinds = Counter(one.template_id for one in made)
    assert set(kinds) == {f"{arithmetic.SOURCE}/{kind}" for kind, _ in arithmetic._KINDS}
    assert min(kinds.values()) > 60
    assert all(one.id == f"{one.template_id}/{SEED}/{index}" for index, one in enumerate(made))
    assert len({one.question for one in made}) > 1200
