"""Everything that a reward needs to know of one response to one row, worked out once."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from typing import Final

from rote.answers import extract, read_gold
from rote.answers.passages import without_thinking
from rote.answers.systems import grade_system
from rote.metrics.chain import read_chain
from rote.metrics.looping import read_novelty
from rote.metrics.mistakes import LONG_WORDS, read_reference
from rote.metrics.trace import read_confidence, trace_score
from rote.prompts import Format
from rote.train.recipe import PromptSpec
from rote.train.rewards.process import read_known, read_steps, sound_share
from rote.train.rewards.terminal import MARKED, fault, system_fault
from rote.train.rows import Row, format_of

#: A response may have so many times the words of the row's own solution, and ``LONG_WORDS`` in any case.
LONG_RATIO: Final = 5


@dataclass(frozen=True, slots=True)
class Scored:
    """One response, scored.

    Attributes
    ----------
    row, response: what was asked, and what was said.
    fault: why it does not end in exactly one answer, one of ``FAULTS``; None when it does.
    correct: whether it ends in exactly one answer and the grader calls that right.
    marked: whether it ends in one answer in a tag, a box or after ``####``.
    complies: whether it also ends as its prompt asked.
    trapped: whether the grader reads an inert clause's trap, terminal or not.
    trace: shape of the chain, 0 to 1; 0 without a terminal answer.
    sound: share of sound equations, 0 to 1; 0 without a terminal answer.
    confidence: what it states, 0 to 1, or None.
    excess: words above the limit as a share of it, at least 0.
    """

    row: Row
    response: str
    fault: str | None
    correct: bool
    marked: bool
    complies: bool
    trapped: bool
    trace: float
    sound: float
    confidence: float | None
    excess: float

    @property
    def answered(self) -> bool:
        """Whether it ends in exactly one answer."""
        return self.fault is None


@dataclass(frozen=True, slots=True)
class _Reading:
    fault: str | None
    right: bool
    stage: str | None
    values: tuple[Fraction, ...]
    at: int


def score(row: Row, response: str, spec: PromptSpec, *, finished: bool) -> Scored:
    """Score ``response`` to ``row``. A pure function, linear in the length of the response.

    ``finished``: whether the model ended by itself; one that was cut off has no terminal answer, for the
    last number may be half a number. No text of a response raises anything; a row whose gold is no number
    raises ValueError.
    """
    asked = format_of(row, spec)
    reading = _read_system(row, response) if row.is_system else _read_number(row, response, asked)
    wrong = "unfinished" if not finished and reading.fault is None else reading.fault
    answered = wrong is None
    correct = answered and reading.right
    said, unclosed = without_thinking(response)
    reference = read_reference(row.solution)
    limit = max(LONG_WORDS, LONG_RATIO * reference.words)
    trace = sound = 0.0
    confidence = None
    if answered:
        trace = trace_score(
            response,
            read_chain(response),
            reading.values[-1],
            answer_at=reading.at,
            finished=not (unclosed or read_novelty(response).looping),
            reference_steps=len(reference.chain.distinct) or None,
        )
        known = read_known(row.question, row.solution, _golds(row))
        sound = sound_share(read_steps(response), reading.values, known, right=correct)
        confidence = read_confidence(response if asked.frame else said)
    return Scored(
        row=row,
        response=response,
        fault=wrong,
        correct=correct,
        marked=answered and reading.stage in MARKED,
        complies=answered and asked.complies(response),
        trapped=not reading.right and any(value in _numbers(row.traps) for value in reading.values),
        trace=trace,
        sound=sound,
        confidence=confidence,
        excess=max(0.0, len(response.split()) / limit - 1),
    )


def _read_number(row: Row, response: str, asked: Format) -> _Reading:
    found = extract(response)
    right = found.quantity is not None and found.quantity.equals(read_gold(row.answer))
    values = () if found.value is None else (found.value,)
    return _Reading(
        fault(response, found, asked), right, found.stage, values, found.span[1] if found.span else 0
    )


def _read_system(row: Row, response: str) -> _Reading:
    verdict = grade_system(response, row.unknowns)
    solved = verdict.solved
    return _Reading(
        system_fault(response, solved, tuple(row.unknowns)),
        verdict.correct,
        solved.stage,
        tuple(solved.values.values()),
        len(response.rstrip()),
    )


def _golds(row: Row) -> tuple[Fraction, ...]:
    return _numbers(tuple(row.unknowns.values()) if row.is_system else (row.answer,))


@lru_cache(maxsize=32768)
def _numbers(texts: tuple[str, ...]) -> tuple[Fraction, ...]:
    return tuple(read_gold(text).value for text in texts)
