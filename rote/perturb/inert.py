"""Inert clauses, whoever wrote them: the words they must not have, their record, a question without them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Final

from rote.problem import Noop, Problem
from rote.rational import format_number

#: Words that could take the inert number into what is asked.
SCOPE_WORDS: Final = frozenset(
    {
        "all",
        "altogether",
        "total",
        "each",
        "every",
        "everyone",
        "everything",
        "both",
        "remaining",
        "remainder",
        "rest",
        "combined",
        "overall",
        "entire",
    }
)
_WORD: Final = re.compile(r"[a-z]+")
_FIELD: Final = re.compile(r"\{\{.*?\}\}")


@dataclass(frozen=True, slots=True)
class Clause:
    """An inert clause as the instances need it."""

    family: str
    number: str
    attaches: tuple[str, ...]
    topic: str
    role: str
    position: str
    why: str

    def noop(self, numbers: Mapping[str, Fraction]) -> Noop:
        """The record of one instance; its span is filled in by whoever rendered it.

        ``magnitude`` is ``in_range`` when the number lies between the smallest and the largest of the
        problem's own numbers, else ``out_of_range``.
        """
        k = numbers[self.number]
        own = [value for name, value in numbers.items() if name != self.number]
        inside = min(own) <= k <= max(own)
        factors = {
            "topic": self.topic,
            "role": self.role,
            "magnitude": "in_range" if inside else "out_of_range",
            "position": self.position,
        }
        proof = (
            f"The number {format_number(k)} enters no step of the solution.",
            "The clause holds no word that would take its number into what is asked.",
            self.why,
        )
        return Noop(self.family, factors, k, (0, 0), proof)


def scope_word(source: str) -> str | None:
    """The first word, in the alphabet, of a clause's source that could take its number into what is asked."""
    found = SCOPE_WORDS & set(_WORD.findall(_FIELD.sub(" ", source).lower()))
    return min(found, default=None)


def without_clauses(problem: Problem) -> str:
    """The question with every inert clause, and the one character behind it, taken out."""
    question = problem.question
    # From the last, so that the spans of those before stay true.
    for noop in sorted(problem.noop, key=lambda noop: noop.span, reverse=True):
        start, end = noop.span
        question = question[:start] + question[end + 1 :]
    return question
