"""How sound the arithmetic on the way to an answer is: the share behind the process term.

Looked at are the different equations that change a number. Those that lead to the answer count for a response
when they hold and each of their numbers has a source; one that does not hold counts against it wherever it
stands. An equation that holds and leads nowhere counts neither way, so that filler buys nothing.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import lru_cache
from typing import Final

from rote.metrics.chain import Chain, Step, carried, has_source, read_chain
from rote.metrics.numbers import Given, read_given
from rote.prompts import target_text

_WORD: Final = r"(?:[ -][A-Za-z&'’]{1,20}){1,8}"
#: How a solution writes arithmetic in words or with units, and what the reader of equations takes for it.
_WRITTEN: Final[tuple[tuple[str, re.Pattern[str], str], ...]] = (
    ("times", re.compile(r"\btimes(?= [$€£]?\d)"), "*"),
    ("multipl", re.compile(r"\bmultiplied by(?= [$€£]?\d)"), "*"),
    ("plus", re.compile(r"\bplus(?= [$€£]?\d)"), "+"),
    ("minus", re.compile(r"\bminus(?= [$€£]?\d)"), "-"),
    ("divided", re.compile(r"\bdivided by(?= [$€£]?\d)"), "/"),
    ("equal", re.compile(r"\b(?:equals|is equal to)(?= [$€£]?\d)"), "="),
    (" of ", re.compile(r"\b(total|sum|product|average) of "), r"\1: "),
    ("/", re.compile(r"(?<=[\dA-Za-z])(?: ?/ ?[A-Za-z]{1,20}){1,3}"), ""),  # $20/hour
    ("", re.compile(rf"(?<=[\d%)]){_WORD} ?(?=[-+*/×÷=])"), " "),  # 54 cans of cat food - 6
    (" x ", re.compile(r"(?<=[\d%)])(?:[ -](?!x )[A-Za-z&'’]{1,20}){1,8}(?= x )"), ""),
    ("(", re.compile(r"(?<=\d)\("), "*("),  # 44(.50)
    ("/ ", re.compile(r"/ (\d+/\d+)"), r"/ (\1)"),  # 2 cups / 1/4
)
_NEUTRAL: Final = frozenset({Fraction(0), Fraction(1)})

#: What tells one equation from another: its numbers and what it says they give.
_Key = tuple[tuple[Fraction, ...], Fraction]


@dataclass(frozen=True, slots=True)
class Known:
    """What a row allows besides the numbers of its question.

    Attributes
    ----------
    given: numbers of the question.
    constants: numbers without a source in the row's own solution: what one has to know (a spider's legs).
    taken: equations of that solution: a rounding that it allows itself is allowed.
    ends: its last equation, which may close a right response though it does not give the answer.
    unread: whether the row's own solution, as a response, falls short of 1: algebra or prose, whose
        arithmetic cannot be followed. Such a row asks of a right response only that its equations hold.
    """

    given: Given
    constants: frozenset[Fraction]
    taken: frozenset[_Key]
    ends: frozenset[_Key]
    unread: bool


def plain(text: str) -> str:
    """A text with its arithmetic in signs: ``12 times 6 equals 72`` as ``12 * 6 = 72``, units left out."""
    for hint, pattern, sign in _WRITTEN:
        if hint in text:
            text = pattern.sub(sign, text)
    return text


@lru_cache(maxsize=32768)
def read_known(question: str, solution: str, golds: tuple[Fraction, ...]) -> Known:
    """What a row allows, by its question, its own solution (annotated or not) and its gold answers."""
    given = read_given(question)
    constants: set[Fraction] = set()
    taken: set[_Key] = set()
    ends: set[_Key] = set()
    written = target_text(solution)
    spoken = read_steps(written)
    for steps in (read_steps(solution), spoken):
        earlier: set[Fraction] = set()
        for step in steps:
            constants.update(number for number in step.operands if not has_source(number, given, earlier))
            earlier.update(carried(step))
            taken.add(_key(step))
        ends.update(map(_key, steps[-1:]))
    known = Known(given, frozenset(constants), frozenset(taken), frozenset(ends), unread=False)
    works = bool(written.rpartition("####")[0].strip())
    share = sound_share(spoken, golds, known, right=True)
    return replace(known, unread=works and share < 1)


def read_steps(text: str) -> tuple[Step, ...]:
    """The different equations of a text that change a number, in order."""
    return tuple(step for step in read_chain(plain(text)).distinct if not is_trivial(step))


def _key(step: Step) -> _Key:
    return step.operands, step.result


def is_trivial(step: Step) -> bool:
    """Whether an equation changes nothing: ``5 = 5``, ``1 * 5 = 5``, ``5 + 0 = 5``, ``0 * 7 = 0``."""
    rest = [number for number in step.operands if number not in _NEUTRAL]
    if not rest:
        return step.result in step.operands or not step.operands
    if step.result == 0:
        return any(number == 0 for number in step.operands)
    return len(rest) == 1 and abs(step.result) == rest[0]


def sound_share(
    steps: Sequence[Step], answers: Sequence[Fraction], known: Known, *, right: bool = False
) -> float:
    """Share of sound equations, 0 to 1; 0 unless the last one gives an answer.

    Parameters
    ----------
    steps: as :func:`read_steps` gives them.
    answers: what the response commits to: one number, of a system one for each unknown.
    right: whether that is the gold.
    """
    if known.unread:
        holding = sum(_is_valid(step, known) for step in steps)
        return float(right) * (holding / len(steps) if steps else 1.0)
    if not steps:
        return 0.0
    told = Chain(tuple(steps), tuple(steps))
    wanted = [value for answer in answers for value in _forms(answer, steps[-1])]
    if not any(told.agreement(value) for value in wanted):
        if not (right and _key(steps[-1]) in known.ends):
            return 0.0
        wanted.append(steps[-1].result)
    leading = {index for value in wanted if told.index_of(value) is not None for index in told.path(value)}
    sound = unsound = 0
    earlier = set(known.constants)
    for index, step in enumerate(steps):
        valid = _is_valid(step, known)
        grounded = all(has_source(number, known.given, earlier) for number in step.operands)
        if grounded:
            earlier.update(carried(step))
        if valid and grounded:
            sound += index in leading
        elif index in leading or not valid:
            unsound += 1
    return sound / (sound + unsound) if sound else 0.0


def _is_valid(step: Step, known: Known) -> bool:
    return step.holds or _key(step) in known.taken


def _forms(answer: Fraction, last: Step) -> tuple[Fraction, ...]:
    """An answer, and as a share of a hundred where the last equation speaks of percent."""
    return (answer, answer / 100) if "%" in last.equation.lhs else (answer,)
