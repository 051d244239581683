"""Systems of linear equations: solvable, unique, split, worked out, and the same everywhere."""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter
from fractions import Fraction

import pytest

from rote.answers import is_correct
from rote.answers.systems import grade_system
from rote.errors import UsageError
from rote.perturb.linear import (
    DIFFICULTIES,
    SPLITS,
    UNKNOWNS,
    LinearProblem,
    capacity,
    instance,
    lint,
    problems,
    shots,
)
from rote.perturb.linear.cells import FORMS, cells, find
from rote.perturb.linear.check import faults
from rote.perturb.linear.levels import LEVELS
from rote.perturb.linear.system import Equation, System, cramer, determinant, equation, gauss, side
from rote.perturb.linear.working import answer_line, work_out
from rote.problem import Problem
from rote.steps import rederive

HALF = Fraction(1, 2)


@pytest.fixture(scope="module")
def made() -> dict[str, list[LinearProblem]]:
    return {split: problems(split, 600, seed=11) for split in ("train", "test")}


# --- equations ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("coefficients", "constant", "text"),
    [
        ((3, -2), 0, "3x - 2y"),
        ((-1, 1), 4, "-x + y + 4"),
        ((0, -HALF), -HALF, "-(1/2)y - 1/2"),
        ((HALF, 0), 0, "(1/2)x"),
        ((0, 0), -3, "-3"),
        ((0, 0), 0, "0"),
    ],
)
def test_a_side_is_written_as_on_paper(coefficients: tuple[int, int], constant: int, text: str) -> None:
    assert side(coefficients, constant, "xy") == text


def test_an_equation_with_a_bracket() -> None:
    made = Equation((3,), 10, (5,), 7, (3, 4, -2))
    assert made.text("n") == "3(n + 4) - 2 = 5n + 7"
    assert (made.row, made.total) == ((-2,), -3)


@pytest.mark.parametrize(
    ("matrix", "totals", "solution"),
    [
        (((4,),), (6,), (Fraction(3, 2),)),
        (((0, 2), (3, 1)), (4, 5), (1, 2)),
        (((1, 2), (2, 4)), (3, 6), None),
        (((1, 2), (2, 4)), (3, 7), None),
        (((0, 1, 1), (1, 0, 1), (1, 1, 0)), (5, 4, 3), (1, 2, 3)),
        (((1, 2, 3), (4, 5, 6), (7, 8, 9)), (1, 2, 3), None),
        (((HALF, 1), (1, Fraction(1, 3))), (2, 1), (Fraction(2, 5), Fraction(9, 5))),
    ],
)
def test_both_solvers(
    matrix: tuple[tuple[int, ...], ...], totals: tuple[int, ...], solution: tuple[Fraction, ...] | None
) -> None:
    assert gauss(matrix, totals) == solution
    assert cramer(matrix, totals) == solution
    assert bool(determinant(matrix)) == (solution is not None)


# --- worked solutions ---------------------------------------------------------------------------------


def test_a_worked_solution() -> None:
    system = System((equation((3, 2), 16), equation((1, -4), -4)), (4, 2))
    working = work_out(system, ("x", "y"), words=True)
    assert working.text.splitlines() == [
        "Write the statements as equations.",
        "E1: 3x + 2y = 16",
        "E2: x - 4y = -4",
        "To remove x, take 3 times E2 from E1. y-terms: 2-3*(-4) = <<2-3*(-4)=14>>14; "
        "numbers: 16-3*(-4) = <<16-3*(-4)=28>>28. E3: 14y = 28, and divided by 14 that is y = 2.",
        "From E3: y = 2.",
        "From E2: x = -4+4*2 = <<-4+4*2=4>>4.",
    ]
    assert (working.eliminations, working.operations) == (1, 3)
    assert answer_line(("x", "y"), (3, -HALF)) == "#### x = 3, y = -1/2"


def test_one_unknown_is_worked_out_in_the_house_style() -> None:
    for problem in problems("test", 60, unknowns=[1]):
        answer = problem.system.solution[0]
        assert is_correct(problem.solution, Fraction(answer))
        # the house's checker of solutions knows numbers alone on the last line
        checked = rederive(re.sub(r"#### [a-z] = ", "#### ", problem.solution))
        # a quotient that is its own value, x = 7/4, is no step
        assert checked.answer == answer or re.search(rf" = {answer}\.\n####", problem.solution)
        assert all(made.correct for made in checked.equations)


# --- problems -----------------------------------------------------------------------------------------


def test_lint_finds_nothing(made: dict[str, list[LinearProblem]]) -> None:
    for split in made:
        assert lint(made[split]) == []


@pytest.mark.slow
@pytest.mark.parametrize("split", list(SPLITS))
def test_lint_of_ten_thousand_finds_nothing(split: str) -> None:
    assert lint(problems(split, 10_000, seed=1)) == []


@pytest.mark.parametrize("cell", [cell.id for cell in cells()])
def test_every_cell_in_every_split(cell: str) -> None:
    for split in SPLITS:
        few = [instance(cell, split, 3, index) for index in range(12)]
        assert lint(few) == []
        assert {one.split for one in few} == {split}


def test_lint_sees_faults() -> None:
    good = instance("tickets-2-2", "test", 0, 0)
    assert faults(good) == []
    x, y = good.answers
    other = problems("train", 1)[0].system
    wrong_line = good.problem._replace(solution=good.solution.replace("#### ", "#### 1"))
    cases = {
        "elimination gives": {"answers": {x: Fraction(1), y: Fraction(1)}},
        "belongs to the split": {"split": "train"},
        "the last line": {"problem": wrong_line},
        "the question is badly set": {"problem": good.problem._replace(question=f" {good.question}")},
        "is wrong": {"problem": good.problem._replace(solution=f"1+1 = <<1+1=3>>3\n{good.solution}")},
        "malformed": {"problem": good.problem._replace(solution=f"<<1+1>>\n{good.solution}")},
        "never states": {"problem": good.problem._replace(solution=good.solution.rpartition("\n")[2])},
        "is not what stands": {"problem": good.problem._replace(solution=f"<<1+1=2>>2\n{good.solution}")},
    }
    assert other is not good.system
    fields = {name: getattr(good, name) for name in good.__dataclass_fields__}
    for message, change in cases.items():
        found = faults(LinearProblem(**{**fields, **change}))
        assert any(message in fault for fault in found), (message, found)
    assert (
        "the question of"
        in lint([good, LinearProblem(**{**fields, "problem": good.problem._replace(id="b")})])[0]
    )
    single = System((equation((1, 1), 2), equation((2, 2), 4)), (1, 1))
    assert any("determinant" in f for f in faults(LinearProblem(**{**fields, "system": single})))


def test_train_and_test_share_no_solution(made: dict[str, list[LinearProblem]]) -> None:
    def solutions(split: str) -> set[tuple[Fraction, ...]]:
        return {tuple(sorted(one.answers.values())) for one in made[split]}

    assert solutions("train").isdisjoint(solutions("test"))
    eight = {tuple(sorted(one.answers.values())) for one in shots()}
    assert eight.isdisjoint(solutions("train") | solutions("test"))


def test_equal_shares(made: dict[str, list[LinearProblem]]) -> None:
    counts = Counter((one.unknowns, one.difficulty, one.form) for one in made["test"])
    assert len(counts) == len(UNKNOWNS) * len(DIFFICULTIES) * len(FORMS)
    assert set(counts.values()) == {20}
    for unknowns in UNKNOWNS:
        for difficulty in DIFFICULTIES:
            assert len(find(unknowns, difficulty, "words")) >= 2


def test_choices_are_kept() -> None:
    few = problems("train", 50, 3, unknowns=[2], difficulty=[4, 1], form="words")
    assert {(one.unknowns, one.form) for one in few} == {(2, "words")}
    assert {one.difficulty for one in few} == {1, 4}


def test_levels_mean_what_they_say(made: dict[str, list[LinearProblem]]) -> None:
    for one in made["test"]:
        whole = all(v.denominator == 1 for v in one.answers.values())
        assert whole == (one.difficulty < 4), one.problem.id
        facts = one.problem.covariates
        assert facts["eliminations"] <= one.unknowns * (one.unknowns - 1) / 2
        assert (facts["eliminations"] == 0) == (one.unknowns == 1 or one.difficulty == 1)
        if one.form == "equations":
            coefficients = [v for made_ in one.system.equations for v in (*made_.left, *made_.right)]
            assert (min(coefficients) < 0) <= (one.difficulty > 1)
            if one.difficulty < 5:
                assert all(isinstance(v, int) for v in coefficients)


def test_solutions_of_the_levels_are_exact() -> None:
    for level in LEVELS.values():
        for values in (*level.coefficients.values(), *level.solutions.values()):
            assert 0 not in values
            assert len(set(values)) == len(values)
            assert all(isinstance(v, (int, Fraction)) for v in values)


def test_fewer_are_a_prefix_and_any_can_be_had_alone() -> None:
    many = problems("test", 90, 5)
    assert problems("test", 40, 5) == many[:40]
    for one in many[::7]:
        assert instance(one.cell, "test", 5, one.problem.index) == one


def test_seeds_and_splits_differ() -> None:
    first = {one.question for one in problems("test", 60, 0)}
    assert len(first & {one.question for one in problems("test", 60, 1)}) <= 1
    assert first.isdisjoint(one.question for one in problems("train", 60, 0))


def test_no_question_comes_twice_in_a_whole_cell() -> None:
    for cell in ("equations-1-1", "equations-2-1"):
        size = min(5000, next(c for c in cells() if c.id == cell).capacity("test"))
        questions = {instance(cell, "test", 0, index).question for index in range(size)}
        assert len(questions) == size


def test_the_end_of_a_cell() -> None:
    cell = find(1, 1, "equations")[0]
    last = cell.capacity("test") - 1
    assert faults(instance(cell.id, "test", 0, last)) == []
    with pytest.raises(UsageError, match=r"index must be from 0 to"):
        instance(cell.id, "test", 0, last + 1)


@pytest.mark.parametrize(
    ("form", "digest"),
    [("equations", "d19802fb45678baf"), ("words", "09ff2ada1d4cf3cc")],
)
def test_the_same_bytes_everywhere(form: str, digest: str) -> None:
    # who changes what is drawn, or a name in names.tsv, raises the version in rote/tasks/linear/_linear.yml
    docs = [one.to_doc() for one in problems("test", 150, 7, form=form)]
    text = json.dumps(docs, ensure_ascii=False, sort_keys=True)
    assert hashlib.sha256(text.encode("utf-8")).hexdigest()[:16] == digest


def test_documents_carry_what_reports_need(made: dict[str, list[LinearProblem]]) -> None:
    ids = set()
    for one in made["test"]:
        doc = one.to_doc()
        assert Problem.from_doc(doc) == one.problem
        assert json.loads(json.dumps(doc)) == doc
        assert (doc["source"], doc["variant"], doc["traps"], doc["noop"]) == ("linear", "original", [], [])
        assert doc["id"] == doc["original_id"] == f"{doc['template_id']}/original"
        assert grade_system(doc["solution"], doc["answers"]).correct
        assert doc["answer"] == next(iter(doc["answers"].values()))
        ids.add(doc["template_id"])
    assert len(ids) == len(made["test"])  # a template has one original


def test_shots_are_eight_and_fixed() -> None:
    assert len(shots()) == 8
    assert {one.unknowns for one in shots()} == {1, 2, 3}
    assert {one.form for one in shots()} == set(FORMS)
    assert {one.split for one in shots()} == {"shots"}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"split": "dev"}, "unknown split 'dev'"),
        ({"unknowns": [4]}, "unknowns must be from 1 to 3, got 4"),
        ({"unknowns": []}, "name at least one"),
        ({"difficulty": [0]}, "difficulty must be from 1 to 5, got 0"),
        ({"form": "prose"}, "form must be one of equations, words, both"),
        ({"n": -1}, "n must be from 0"),
        ({"n": 10**30}, "n must be from 0"),
        ({"seed": -1}, "seed must be at least 0"),
    ],
)
def test_bad_requests_are_named(change: dict[str, object], message: str) -> None:
    with pytest.raises(UsageError, match=re.escape(message)):
        problems(**{"split": "test", "n": 5, "seed": 0, **change})  # type: ignore[arg-type]


def test_unknown_cell() -> None:
    with pytest.raises(UsageError, match="unknown kind of linear problem 'apples-1-1'"):
        instance("apples-1-1", "test", 0, 0)


def test_capacity_counts_the_smallest_cell() -> None:
    whole = capacity("test")
    assert whole >= 100_000
    assert capacity("test", unknowns=[2], difficulty=[3], form="words") > 10**6
    assert capacity("train", unknowns=[1], difficulty=[1], form="equations") > 50_000
