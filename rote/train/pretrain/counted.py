"""Rows in which one number more counts: it is added to the answer, in a step of its own.

Two kinds. A *sentence* put before the last one of the question says in its own words that its number is to
be added; the row is right as it stands. A *clause* is inert, and the row counts it nevertheless: a wrong
answer on purpose, for a model that is meant to fall into that trap.
"""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import Final

from rote.perturb.keys import digest
from rote.perturb.noop.sentences import split
from rote.problem import Problem
from rote.rational import format_number
from rote.train.recipe.mixture import NUMBER
from rote.train.rows import Row, problem_row

#: Numbers of sentences, from and to: two of three are of the first range.
_RANGES: Final = ((2, 60), (2, 60), (61, 2040))


def with_sentence(problem: Problem, sentences: tuple[str, ...], seed: int) -> Row:
    """The problem with one of the sentences before its last one, the number in it added to the answer.

    Nothing else of the question changes. Where it has one sentence, or quotation marks without an end, which
    leave in doubt where the last one begins, the sentence stands before all of what may be the last one.
    """
    drawn = int.from_bytes(digest("counted", seed, problem.id)[:8], "big")
    drawn, kind = divmod(drawn, len(_RANGES))
    low, high = _RANGES[kind]
    drawn, above = divmod(drawn, high - low + 1)
    number = Fraction(low + above)
    sentence = sentences[drawn % len(sentences)].replace(NUMBER, str(low + above))
    begin, _ = split(problem.question)[-1]
    question = f"{problem.question[:begin]}{sentence} {problem.question[begin:]}"
    return _added(replace(problem_row(problem), question=question), problem.answer, number)


def with_clauses(problem: Problem) -> Row | None:
    """The problem with the number of its inert clause added to the answer.

    None where it has no single clause with a number, or where that sum is none of its traps.
    """
    numbers = [clause.number for clause in problem.noop if clause.number is not None]
    if len(numbers) != 1 or problem.answer + numbers[0] not in {trap.value for trap in problem.traps}:
        return None
    return _added(problem_row(problem), problem.answer, numbers[0])


def _added(row: Row, answer: Fraction, number: Fraction) -> Row:
    a, k, total = (format_number(value) for value in (answer, number, answer + number))
    steps, mark, _ = row.solution.rpartition("\n#### ")
    step = f"With {k} more that makes {a} + {k} = <<{a}+{k}={total}>>{total}."
    return replace(row, solution=f"{steps}\n{step}{mark}{total}", answer=total, traps=())
