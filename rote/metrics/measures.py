"""Everything that can be said of one response to one problem, by one call."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Final, Protocol

from rote.answers import Extraction, grade, read_gold
from rote.answers.passages import passages, without_thinking
from rote.metrics.chain import read_chain
from rote.metrics.looping import read_novelty
from rote.metrics.mistakes import ERROR_CLASSES, NO_REFERENCE, Wrong, classify, read_reference
from rote.metrics.numbers import read_given
from rote.metrics.trace import composite, read_confidence, trace_score
from rote.metrics.validity import INVALID_REASONS, invalid_reason, is_truncated
from rote.prompts import get_format


class TrapLike(Protocol):
    """What a trap must have; :class:`rote.problem.Trap` has it."""

    @property
    def value(self) -> Fraction: ...


@dataclass(frozen=True, slots=True)
class Measures:
    """One response, measured. None stands for "does not apply" or "not told", never for zero.

    Attributes
    ----------
    exact_match: 1 when the answer that the grader reads equals the gold exactly.
    format_ok: 1 when the response ends as the prompt's format asks.
    invalid: 1 when it commits to no answer.
    invalid_reason: why, one of ``INVALID_REASONS``; None when it commits to one.
    trapped: 1 when its answer is a trap's value.
    step_consistency: share of its equations that hold, 0 to 1; None without equations.
    agreement: 1 when its last expression, worked out, is its answer; None without equation or answer.
    grounded: share of operands with a source, 0 to 1; None without equations.
    trace_score: shape of its chain, 0 to 1.
    confidence: what it states, 0 to 1, or None.
    composite: 0.6 correctness + 0.25 trace + 0.15 confidence, −0.15 to 1.
    looping: 1 when it goes round in circles.
    novelty: least share of new 8-grams in a window, 0 to 1; None below eight words.
    thinking: 1 when it has a thinking block.
    thinking_closed: 1 when every such block ends; None without any.
    truncated: 1 when it was cut off.
    characters, words: length of the whole response, thinking included; words are runs without white space.
    tokens: as the caller counted them, or None.
    equations: how many different ones it has.
    error_class: one of ``ERROR_CLASSES`` for a wrong response, None for a right one.
    """

    exact_match: int
    format_ok: int
    invalid: int
    invalid_reason: str | None
    trapped: int
    step_consistency: float | None
    agreement: int | None
    grounded: float | None
    trace_score: float
    confidence: float | None
    composite: float
    looping: int
    novelty: float | None
    thinking: int
    thinking_closed: int | None
    truncated: int
    characters: int
    words: int
    tokens: int | None
    equations: int
    error_class: str | None

    def as_dict(self) -> dict[str, int | float | str | None]:
        """All keys, always and in one order: ``NUMBERS``, then ``LABELS``.

        The numbers include ``invalid_<reason>`` and ``error_<class>``, 0 or 1 each. A number that is absent
        is None (JSON null), so aggregate it with :func:`mean_present`: an ordinary mean fails on it.
        """
        found: dict[str, int | float | str | None] = {key: getattr(self, key) for key in _OWN_NUMBERS}
        for reason in INVALID_REASONS:
            found[f"invalid_{reason}"] = int(self.invalid_reason == reason)
        for kind in ERROR_CLASSES:
            found[f"error_{kind}"] = int(self.error_class == kind)
        for key in LABELS:
            found[key] = getattr(self, key)
        return found


#: Keys of :meth:`Measures.as_dict` whose values are text or None.
LABELS: Final = ("invalid_reason", "error_class")
_OWN_NUMBERS: Final = tuple(name for name in Measures.__dataclass_fields__ if name not in LABELS)
#: Keys of :meth:`Measures.as_dict` whose values are numbers or None.
NUMBERS: Final = (
    *_OWN_NUMBERS,
    *(f"invalid_{reason}" for reason in INVALID_REASONS),
    *(f"error_{kind}" for kind in ERROR_CLASSES),
)
#: Those of them that may be None.
OPTIONAL: Final = (
    "step_consistency",
    "agreement",
    "grounded",
    "confidence",
    "novelty",
    "thinking_closed",
    "tokens",
)


def measure(
    response: str,
    question: str,
    answer: Fraction | int | str,
    traps: Sequence[TrapLike] = (),
    *,
    format: str = "hash",
    finish_reason: str | None = None,
    solution: str | None = None,
    tokens: int | None = None,
    inert: Sequence[Fraction] = (),
) -> Measures:
    """Measure one response to one problem. A pure function, linear in the length of the response.

    Parameters
    ----------
    answer: the gold, as :func:`rote.answers.grade` takes it.
    traps: wrong answers that come of letting an inert number into the arithmetic.
    format: name of the prompt's format.
    finish_reason: as the backend gave it (``stop``, ``length`` …), None where it is not told.
    solution: a right solution, for the results of its steps; None where there is none.
    tokens: length of the response as the backend counted it, None where it is not told.
    inert: numbers of the inert clauses.

    Raises UsageError on an unknown format or finish reason, ValueError on a gold that is no number. No text
    of a response raises anything.
    """
    verdict = grade(response, answer)
    found, correct = verdict.extraction, verdict.correct
    gold = read_gold(answer).value
    said, unclosed = without_thinking(response)
    thinks = said is not response and said != response
    end = _end_of_reply(said, found)
    text = response[:end]
    chain = read_chain(text)
    given = read_given(question)
    reference = read_reference(solution) if solution is not None else NO_REFERENCE
    novelty = read_novelty(response)
    truncated = is_truncated(response, found, finish_reason)
    reason = invalid_reason(found, looping=novelty.looping, truncated=truncated)
    values = tuple(trap.value for trap in traps if trap.value != gold)
    confidence = read_confidence(said[:end])
    trace = trace_score(
        text,
        chain,
        found.value,
        answer_at=None if found.span is None or found.value is None else found.span[1],
        finished=not (novelty.looping or unclosed),
        reference_steps=len(reference.chain.distinct) or None,
    )
    error = None
    if not correct:
        error = classify(
            Wrong(
                said=said[:end],
                words=len(said.split()),
                answer=found.value,
                gold=gold,
                chain=chain,
                given=given,
                reference=reference,
                runaway=novelty.looping or truncated or unclosed,
                traps=values,
                inert=tuple(inert),
            )
        )
    return Measures(
        exact_match=int(correct),
        format_ok=int(get_format(format).complies(response)),
        invalid=int(found.value is None),
        invalid_reason=reason,
        trapped=int(not correct and found.value is not None and found.value in values),
        step_consistency=chain.consistency(),
        agreement=chain.agreement(found.value),
        grounded=chain.grounded(given),
        trace_score=trace,
        confidence=confidence,
        composite=composite(correct, found.value is not None, trace, confidence),
        looping=int(novelty.looping),
        novelty=novelty.least,
        thinking=int(thinks),
        thinking_closed=int(not unclosed) if thinks else None,
        truncated=int(truncated),
        characters=len(response),
        words=len(response.split()),
        tokens=tokens,
        equations=len(chain.distinct),
        error_class=error,
    )


def _end_of_reply(said: str, found: Extraction) -> int:
    """Where the reply to this question ends: before a next question that the response invents."""
    ranges = passages(said)
    if len(ranges) == 1:
        return len(said)
    at = 0 if found.span is None else found.span[0]
    for start, end in ranges:
        if end > at and said[start:end].strip():
            return end
    return len(said)


def mean_present(values: Iterable[float | None]) -> float:
    """Mean of the values that are there; None and NaN are left out. NaN when none is there."""
    there = [value for value in values if value is not None and not math.isnan(value)]
    return math.fsum(there) / len(there) if there else math.nan
