"""What a clause is attached to: a template's question at its original values, and drawn."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from rote.perturb.plan import Plan
from rote.perturb.texts import Piece, Text
from rote.perturb.values import Person, Quantity, Value


class Span(NamedTuple):
    """A piece of a question and the characters that it takes at the original values."""

    start: int
    end: int
    piece: str | Piece


@dataclass(frozen=True, slots=True)
class Host:
    """The question of a template.

    ``plan``: everything at its original value, so that its only draw is the original; the drawn variants
    of the template have the same texts. ``words``: other words that draws may bring into them, lower case.
    ``people_known``: whether everybody named is a variable of the plan, so that nobody has to be recognised.
    """

    plan: Plan
    words: frozenset[str] = frozenset()
    people_known: bool = False

    @property
    def values(self) -> Mapping[str, Value]:
        """The original values by name."""
        return self.plan.decode(0)

    def layout(self) -> tuple[str, tuple[Span, ...]]:
        """The original question and its pieces in order, the spaces between sentences among them."""
        values = self.values
        spans: list[Span] = []
        question = ""
        for piece in _joined(self.plan.sentences):
            start = len(question)
            question += piece if isinstance(piece, str) else piece.render(values)
            spans.append(Span(start, len(question), piece))
        return question, tuple(spans)

    def people(self) -> Mapping[str, str]:
        """The variables of people, by the name that they have originally."""
        return {v.name: name for name, v in self.values.items() if isinstance(v, Person)}

    def named(self, question: str) -> tuple[tuple[Person, tuple[tuple[int, int], ...]], ...] | None:
        """The people of the original and the places that name them; None: they must be looked for."""
        if not self.people_known:
            return None
        found = []
        for value in self.values.values():
            if isinstance(value, Person):
                places = re.finditer(rf"\b{re.escape(value.name)}\b", question)
                if spans := tuple(m.span() for m in places):
                    found.append((value, spans))
        return tuple(sorted(found, key=lambda person: person[1][0]))

    def number_at(self, spans: Sequence[Span], start: int) -> str | None:
        """The number variable whose piece covers a character of the original question."""
        values = self.values
        for span in spans:
            if span.start <= start < span.end and isinstance(span.piece, Piece):
                numbers = [name for name in span.piece.names if isinstance(values.get(name), Quantity)]
                return numbers[0] if len(numbers) == 1 else None
        return None


def _joined(sentences: Sequence[Text]) -> list[str | Piece]:
    pieces: list[str | Piece] = []
    for i, sentence in enumerate(sentences):
        pieces += [" ", *sentence] if i else sentence
    return pieces


def cut_plan(plan: Plan, spans: Sequence[Span], offsets: Sequence[int]) -> Plan:
    """The plan with its question as one sentence up to each offset, and one from the last on.

    ``spans`` is the layout of the plan's host, ``offsets`` ascend and stand behind a space of literal text.
    Joined by a space each, the sentences are the question again, to the letter.
    """
    drawn = _joined(plan.sentences)
    segments: list[list[str | Piece]] = [[]]
    waiting = list(offsets)
    for span, piece in zip(spans, drawn, strict=True):
        rest, at = piece, span.start
        while waiting and isinstance(rest, str) and at <= waiting[0] - 1 < at + len(rest):
            before = rest[: waiting[0] - 1 - at]
            segments[-1].append(before)
            rest, at = rest[len(before) + 1 :], waiting.pop(0)
            segments.append([])
        segments[-1].append(rest)
    if waiting:
        raise ValueError(f"no literal space before character {waiting[0]}")
    sentences = tuple(tuple(piece for piece in segment if piece != "") for segment in segments)
    return replace(plan, sentences=sentences, clause=None)
