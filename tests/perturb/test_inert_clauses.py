"""Inert clauses apart from where they come from: a question without them."""

from __future__ import annotations

from fractions import Fraction

from rote.perturb.inert import without_clauses
from rote.problem import Noop, Problem


def problem(question: str, *clauses: str) -> Problem:
    starts = [question.index(clause) for clause in clauses]
    noop = tuple(
        Noop("radio", {}, Fraction(5), (start, start + len(clause)), ())
        for start, clause in zip(starts, clauses, strict=True)
    )
    return Problem(
        id="pears:noop:0:0",
        source="own",
        template_id="pears",
        original_id="pears:original:0:0",
        variant="noop",
        seed=0,
        index=0,
        question=question,
        solution="2 + 3 = <<2+3=5>>5\n#### 5",
        answer=Fraction(5),
        noop=noop,
    )


def test_each_goes_with_the_space_behind_it_whatever_their_order() -> None:
    first, second = "The radio plays 5 songs.", "The wall is 5 m long."
    text = f"Ana has 2 pears. {first} She picks 3. {second} How many has she?"
    plain = "Ana has 2 pears. She picks 3. How many has she?"
    assert without_clauses(problem(text, first, second)) == plain
    assert without_clauses(problem(text, second, first)) == plain


def test_a_question_that_has_none_stays() -> None:
    assert without_clauses(problem("How many pears?")) == "How many pears?"
