"""Rows in which one number more counts: what is asked, what is answered, and which rows there are."""

from __future__ import annotations

import re
from collections import Counter
from fractions import Fraction
from pathlib import Path

import pytest
from mixtures import bank_part, mixture_of, rows_of

from rote.errors import DataError
from rote.perturb import load_source
from rote.perturb.source import open_source
from rote.problem import Problem, Trap
from rote.rational import format_number, parse_number
from rote.steps import find_equations, rederive
from rote.train.pretrain.counted import with_clauses, with_sentence
from rote.train.rows import Row, problem_row

SENTENCE = "In the end {k} more are to be counted."
SENTENCES = (SENTENCE, "Add {k} to the result.", "The answer is raised by {k}.")


@pytest.fixture(scope="module")
def plums(own: Path) -> Problem:
    return load_source("own", own).templates["own/plum_bowls"].problem("symbolic", 5, 0)


def number_of(question: str, sentence: str = SENTENCE) -> Fraction:
    """The number in the one place where the sentence stands."""
    (number,) = re.findall(re.escape(sentence).replace(r"\{k\}", r"(\d+)"), question)
    return Fraction(number)


def check_added(row: Row, problem: Problem, number: Fraction) -> None:
    """The solution is the problem's, and one right step more from its answer to the row's."""
    wanted = problem.answer + number
    assert parse_number(row.answer) == wanted
    assert rederive(row.solution).answer == wanted
    assert all(equation.correct for equation in find_equations(row.solution))
    *steps, last, final = row.solution.split("\n")
    assert steps == problem.solution.split("\n")[:-1]
    assert final == f"#### {row.answer}"
    (step,) = find_equations(last)
    assert step.lhs == f"{format_number(problem.answer)}+{format_number(number)}"
    assert step.rhs == wanted
    assert row.traps == ()


# -- sentences -----------------------------------------------------------------------------------------


def test_every_problem_of_the_bank_with_a_sentence() -> None:
    of_cents = 0
    for template in open_source("bank").templates.values():
        for variant in ("original", "symbolic"):
            problem = template.problem(variant, 5, 0)
            row = with_sentence(problem, (SENTENCE,), 0)
            number = number_of(row.question)
            sentence = SENTENCE.replace("{k}", str(number))
            before, _, last = row.question.partition(f"{sentence} ")
            assert before + last == problem.question
            assert before[-1].isspace()
            assert last.count("?") == 1
            check_added(row, problem, number)
            of_cents += problem.answer.denominator > 1
            plain = problem_row(problem)
            assert (row.id, row.source, row.template_id) == (plain.id, plain.source, plain.template_id)
            assert row.variant == plain.variant
    assert of_cents > 5


@pytest.mark.parametrize(
    ("before", "last"),
    [
        ("", "If Ann has 3 plums and eats 2, how many plums are left?"),
        ("Ann has 3 plums. ", "How many are left?"),
        ("Ann has 3 plums!\n\n", "How many are left?"),
        ("Ann has 3 plums.  She eats 2.\t", "How many are left?"),
        ("Ann has 3 plums. ", "How many are left? "),
        ("Ann has 3 plums. ", "12 are in the bowl, how many has she in all?"),
        ("Ann has 3 plums. ", "Émile has as many; how many have they in all?"),
        ("Ann has 3 plums. ", "How many plums does Mr. Brown have, who has twice as many?"),
        ("Ann has 3 plums of 2.50 each. ", "$5 are paid; how many dollars are missing?"),
        ("Ann has 3 plums. ", 'Ben asks: "You ate 2. How many are left?"'),
        ('Ann says: "I have 3 plums. I eat 2." ', "How many are left?"),
        ("Ann has 3 plums. ", '"How many are left?" asks Ben.'),
        ("Ann has 3 plums (Ben has 2. They are small). ", "How many do they have?"),
        # Marks without an end: where the last sentence begins is in doubt.
        ("Ann has 3 plums. ", 'She says: "I eat 2. How many are left?'),
    ],
)
def test_it_stands_before_the_last_sentence(plums: Problem, before: str, last: str) -> None:
    problem = plums._replace(question=before + last)
    row = with_sentence(problem, (SENTENCE,), 0)
    sentence = SENTENCE.replace("{k}", str(number_of(row.question)))
    assert row.question == f"{before}{sentence} {last}"
    check_added(row, problem, number_of(row.question))


@pytest.mark.parametrize(
    ("solution", "answer", "given"),
    [
        ("The plums cost $10 - $1.50 = $<<10-1.5=8.5>>8.50.\n#### 8.50", "8.5", "8.5"),
        ("Each gets 5 / 3 = <<5/3=5/3>>5/3 plums.\n#### 5/3", "5/3", "5/3"),
        ("There are 0.25 + 0.05 = <<0.25+0.05=0.3>>0.3 l.\n#### 0.3", "0.3", "0.3"),
        ("It is 3 - 10 = <<3-10=-7>>-7 degrees.\n#### -7", "-7", "-7"),
        ("There are 1,200 * 3 = <<1200*3=3600>>3,600 plums.\n#### 3,600", "3600", "3600"),
    ],
)
def test_answers_of_any_kind_are_added_to_exactly(
    plums: Problem, solution: str, answer: str, given: str
) -> None:
    problem = plums._replace(solution=solution, answer=parse_number(answer))
    row = with_sentence(problem, (SENTENCE,), 0)
    number = number_of(row.question)
    check_added(row, problem, number)
    assert f" {given} + {number} = " in row.solution


def test_which_sentence_and_number_hangs_on_the_problem_and_the_seed_alone(own: Path) -> None:
    template = load_source("own", own).templates["own/plum_bowls"]
    problems = [template.problem("symbolic", 5, at) for at in range(300)]
    made = [with_sentence(problem, SENTENCES, 0) for problem in problems]
    assert made == [with_sentence(problem, SENTENCES, 0) for problem in problems]
    assert made != [with_sentence(problem, SENTENCES, 1) for problem in problems]
    # The same on every machine.
    told = [parse_number(row.answer) - one.answer for row, one in zip(made[:6], problems, strict=False)]
    assert told == [5, 112, 16, 1862, 56, 46]
    used: Counter[str] = Counter()
    numbers = []
    for row in made:
        (sentence,) = (one for one in SENTENCES if one.partition("{k}")[0] in row.question)
        used[sentence] += 1
        numbers.append(int(number_of(row.question, sentence)))
    assert min(used[sentence] for sentence in SENTENCES) > 70
    assert min(numbers) >= 2
    assert max(numbers) <= 2040
    assert 160 < sum(number <= 60 for number in numbers) < 240


def test_a_part_with_sentences_is_the_plain_part_with_them(some: Path) -> None:
    plain = rows_of(mixture_of(bank_part(some, "symbolic"), shard=120), 2)
    part = bank_part(some, "symbolic", sentences=[SENTENCE])
    made = rows_of(mixture_of(part, shard=120), 2)
    assert rows_of(mixture_of(part, shard=120), 2) == made
    assert [row.id for row in made] == [row.id for row in plain]
    for row, one in zip(made, plain, strict=True):
        number = number_of(row.question)
        assert row.question.replace(SENTENCE.replace("{k}", str(number)) + " ", "") == one.question
        assert parse_number(row.answer) == parse_number(one.answer) + number
        assert rederive(row.solution).answer == parse_number(row.answer)
    assert rows_of(mixture_of(part, shard=120, seed=4), 2) != made


# -- clauses -------------------------------------------------------------------------------------------


def problem_of(folder: Path, row: Row) -> Problem:
    template, variant, seed, index = row.id.rsplit("/", 3)
    source = load_source(folder.name, folder)
    return source.templates[template].problem(variant, int(seed), int(index))


def test_a_trapped_row_has_a_trap_as_its_answer(some: Path) -> None:
    part = bank_part(some, "noop", "symbolic_noop", trapped=True)
    made = rows_of(mixture_of(part, shard=80), 0)
    assert rows_of(mixture_of(part, shard=80), 0) == made
    assert {row.variant for row in made} == {"noop", "symbolic_noop"}
    for row in made:
        problem = problem_of(some, row)
        (clause,) = problem.noop
        assert clause.number is not None
        assert row.question == problem.question
        assert parse_number(row.answer) in {trap.value for trap in problem.traps}
        assert parse_number(row.answer) != problem.answer
        check_added(row, problem, clause.number)


def test_a_sum_that_is_no_trap_is_no_row(some: Path) -> None:
    template = load_source("some", some).templates["some/bike_hire"]
    problem = template.problem("symbolic_noop", 5, 0)
    (clause,) = problem.noop
    assert clause.number is not None
    total = problem.answer + clause.number
    assert with_clauses(problem) is not None
    assert with_clauses(problem._replace(traps=())) is None
    others = tuple(trap for trap in problem.traps if trap.value != total)
    assert with_clauses(problem._replace(traps=others)) is None
    assert with_clauses(problem._replace(traps=(*others, Trap(total + 1, "next to it")))) is None
    assert with_clauses(problem._replace(noop=())) is None
    assert with_clauses(problem._replace(noop=(clause, clause))) is None
    assert with_clauses(problem._replace(noop=(clause._replace(number=None),))) is None
    # A second clause that has no number is none that could be counted.
    beside = problem._replace(noop=(clause._replace(number=None), clause))
    assert with_clauses(beside) == with_clauses(problem)


@pytest.mark.parametrize("number", ["2.5", "1/3"])
def test_a_clause_of_parts_is_added_exactly(some: Path, number: str) -> None:
    problem = load_source("some", some).templates["some/bike_hire"].problem("symbolic_noop", 5, 0)
    value = parse_number(number)
    trap = Trap(problem.answer + value, "added")
    changed = problem._replace(noop=(problem.noop[0]._replace(number=value),), traps=(trap,))
    row = with_clauses(changed)
    assert row is not None
    check_added(row, changed, value)


# -- what is left out ----------------------------------------------------------------------------------


def test_what_is_excluded_stays_so_although_its_numbers_are_others(own: Path) -> None:
    """Draws of another seed; two templates have few enough that they meet."""
    exclude = [{"path": str(own), "variants": ["numbers", "original"], "draws": 5, "seed": 0}]
    part = bank_part(own, "symbolic")
    counted = {**part, "sentences": [SENTENCE]}
    plain = [row.id for row in rows_of(mixture_of(part, shard=4000), 0)]
    kept = [row.id for row in rows_of(mixture_of(part, shard=4000, exclude=exclude), 0)]
    assert len(kept) < len(plain)
    assert sorted(row.id for row in rows_of(mixture_of(counted, shard=4000), 0)) == sorted(plain)
    left = rows_of(mixture_of(counted, shard=4000, exclude=exclude), 0)
    assert sorted(row.id for row in left) == sorted(kept)


@pytest.mark.parametrize("fields", [{"sentences": [SENTENCE]}, {"trapped": True}])
def test_an_original_is_excluded_with_a_step_more(some: Path, fields: dict[str, object]) -> None:
    part = bank_part(some, "noop", **fields)
    exclude = [{"path": str(some), "variants": ["original"]}]
    with pytest.raises(DataError, match="no row is left of a shard after filtering"):
        rows_of(mixture_of(part, exclude=exclude), 0)
    every = rows_of(mixture_of(part), 0)
    assert every
    # Planted on purpose it stays, as it does without a step more.
    assert rows_of(mixture_of({**part, "planted": True}, exclude=exclude), 0) == every


def test_below_holds_for_the_number_that_is_added_and_for_the_sum(own: Path) -> None:
    part = bank_part(own, "symbolic", sentences=[SENTENCE])
    kept = rows_of(mixture_of(part, shard=400, below=100), 0)
    every = rows_of(mixture_of(part, shard=400), 0)
    fitting = [
        row
        for row in every
        if all(int(number) < 100 for number in re.findall(r"\d+", f"{row.question} {row.solution}"))
    ]
    assert 0 < len(kept) < len(every)
    assert Counter(row.id for row in kept) == Counter(row.id for row in fitting)


def test_the_hash_is_of_the_sentences_too(some: Path) -> None:
    hashes = {
        mixture_of(bank_part(some, "noop", **fields)).content_hash
        for fields in ({}, {"trapped": True}, {"sentences": [SENTENCE]}, {"sentences": list(SENTENCES)})
    }
    assert len(hashes) == 4
