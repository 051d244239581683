"""The shape of a chain of thought, the confidence it states, and the composite of both with correctness."""

from __future__ import annotations

import re
from fractions import Fraction
from typing import Final

from rote.metrics.chain import Chain

#: Weights of the composite: correctness, trace, confidence.
WEIGHTS: Final = (0.6, 0.25, 0.15)
#: How many steps make an explicit chain where no reference says how many there are, and at most.
_STEPS_WITHOUT_REFERENCE: Final = 2
_MOST_STEPS: Final = 3

_LINE_OPENS: Final = re.compile(
    r"(?:\A|\n)[ \t*_#>-]{0,8}(?:(?:step|part)\s{1,3}(?:\d{1,3}|[a-z])\b|\d{1,3}[.)](?=\s)"
    r"|first(?:ly)?\b|second(?:ly)?\b|third(?:ly)?\b|next\b|then\b|now\b|so\b|thus\b|hence\b|therefore\b"
    r"|after\b|finally\b|lastly\b|this means\b|that means\b|since\b|because\b)",
    re.IGNORECASE,
)
_SENTENCE_BREAK: Final = re.compile(r"(?<=[.!?]) {1,3}(?=[A-Z])")
_MAX_TRACE: Final = 40_000

_UNIT: Final = r"%|percent|/\s?100?(?!\d)|/\s?5(?!\d)|out of (?:100?|5)(?!\d)"
_NUMBER: Final = r"(?P<{0}>[0-9]{{1,3}}(?:\.[0-9]{{1,6}})?|\.[0-9]{{1,6}})\s{{0,2}}(?P<{0}u>" + _UNIT + r")?"
_CONFIDENCE: Final = re.compile(
    r"confidence(?: (?:level|score|rating))?\W{0,6}(?:(?:is|of|in this answer|=)\W{0,4}){0,2}"
    + _NUMBER.format("after")
    + r"|"
    + r"(?<![\d.,])"
    + _NUMBER.format("before")
    + r"\s{0,2}(?:confident|certain|sure)\b",
    re.IGNORECASE,
)
_SCALES: Final = {"%": 100, "percent": 100, "100": 100, "10": 10, "5": 5}


def trace_score(
    text: str,
    chain: Chain,
    answer: Fraction | None,
    *,
    answer_at: int | None,
    finished: bool,
    reference_steps: int | None = None,
) -> float:
    """Shape of the chain, 0 to 1: the mean of three parts, each 0 to 1; 0 without any step.

    - explicit steps: different equations, or lines that open as a step does, against as many as the
      reference has (at most 3; 2 without a reference);
    - transitions: share of the equations whose result a later one takes up or the answer is; in a chain
      without equations, share of its lines after the first that open with a word of transition;
    - structure: half for an answer that comes after the steps, half for an end (no loop, no open thought).

    Parameters
    ----------
    answer_at: where the answer stands in ``text``, or None without one.
    """
    opened = len(_LINE_OPENS.findall(_SENTENCE_BREAK.sub("\n", text[:_MAX_TRACE])))
    steps = len(chain.distinct)
    if not steps and not opened:
        return 0.0
    wanted = min(reference_steps, _MOST_STEPS) if reference_steps else _STEPS_WITHOUT_REFERENCE
    explicit = min(1.0, max(steps, opened) / wanted)
    if steps:
        transitions = chain.linked(answer) / steps
    else:
        lines = sum(1 for line in text[:_MAX_TRACE].splitlines() if line.strip())
        transitions = min(1.0, opened / max(1, lines - 1))
    last = chain.steps[-1].equation.span[0] if steps else 0
    structure = (answer_at is not None and answer_at >= last) / 2 + finished / 2
    return (explicit + transitions + structure) / 3


def read_confidence(text: str) -> float | None:
    """The confidence that a response states, 0 to 1, or None.

    Read are ``Confidence: 85%``, ``confidence 0.85``, ``8/10``, ``<confidence>0.9</confidence>`` and "I am
    90% sure"; the last one counts. A bare number between 1 and 10 says no scale and is not read, nor are
    words ("fairly sure").
    """
    found = None
    lowered = text[-_MAX_TRACE:].lower()
    if not any(word in lowered for word in ("confiden", "certain", "sure")):
        return None
    for match in _CONFIDENCE.finditer(lowered):
        value = _scaled(match["after"], match["afteru"]) if match["after"] else None
        value = _scaled(match["before"], match["beforeu"]) if match["before"] else value
        found = found if value is None else value
    return found


def _scaled(digits: str, unit: str | None) -> float | None:
    value = float(digits)
    if unit:
        value /= _SCALES[unit.removeprefix("out of").strip("/ ")]
    elif 1 < value <= 10:
        return None
    elif value > 10:
        value /= 100
    return value if value <= 1 else None


def confidence_term(correct: bool, answered: bool, confidence: float | None) -> float:
    """How well the confidence fits, −1 to 1: ``1[correct] − (q − 1[correct])²``, a proper score.

    An answer without a stated confidence is taken as stated with certainty (q = 1), so that silence never
    pays more than an honest number. No answer claims nothing: 0.
    """
    if not answered:
        return 0.0
    q = 1.0 if confidence is None else confidence
    return float(correct) - (q - float(correct)) ** 2


def composite(correct: bool, answered: bool, trace: float, confidence: float | None) -> float:
    """0.6 correctness + 0.25 trace + 0.15 confidence, −0.15 to 1; any right answer beats any wrong one."""
    right, shape, sure = WEIGHTS
    return right * correct + shape * trace + sure * confidence_term(correct, answered, confidence)
