"""Find the answer that an output commits to, and compare it with the gold answer, exactly.

Stages, strongest first: ``answer_tag`` (``<answer>``), ``boxed``, ``hash`` (``####``),
``answer_phrase`` ("the answer is"), ``trailing`` (the closing equation or number). Within a stage
the last commitment stands. A later one of a weaker stage takes over only where the output turns
away from the stronger one in so many words, or where a boxed intermediate result is followed by a
``####`` line.

What commits to nothing, with its reason: ``empty``, ``refusal``, ``unfinished_thinking``,
``unclosed_tag``, ``several_answers``, ``loop``, ``no_number``.

An output is hostile text. Nothing here evaluates it, recurses on it, or costs more than a constant
times its length; no state is kept, so any number of threads may grade at once.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction
from typing import Final

from rote.answers.commitments import (
    Commitment,
    adjacent,
    answer_tags,
    boxes,
    ends_in_bare_hashes,
    hashes,
    last_word,
    phrases,
    trailing,
)
from rote.answers.field import SEVERAL, Settled, settle
from rote.answers.passages import (
    HEDGE,
    RETRACTION,
    SECOND_THOUGHT,
    is_loop,
    is_refusal,
    passages,
    without_thinking,
)
from rote.rational import Quantity, read_quantity

STAGES: Final = ("answer_tag", "boxed", "hash", "answer_phrase", "trailing")
REASONS: Final = (
    "empty",
    "refusal",
    "unfinished_thinking",
    "unclosed_tag",
    "several_answers",
    "loop",
    "no_number",
)
_MAX_GAP: Final = 2000
_MAX_HEDGE: Final = 160
_CLOSING: Final = re.compile(r"\A\s{0,9}(?:</\s{0,3}\w{1,12}\s{0,3}>|\})")


@dataclass(frozen=True, slots=True)
class Extraction:
    """What an output commits to.

    Attributes
    ----------
    value: the exact number, or None. For a time of day, minutes after 0:00 as written: compare
        ``quantity``, or use :func:`is_correct`, which know that 3:30 is not the number 210.
    stage: one of ``STAGES``; also given where a commitment was found that names no one answer.
    reason: one of ``REASONS`` where ``value`` is None, otherwise None.
    span: half-open character range in the response of the text that was read, or None.
    quantity: the value with its kind (number, percent, time), or None.
    """

    value: Fraction | None
    stage: str | None
    reason: str | None
    span: tuple[int, int] | None = None
    quantity: Quantity | None = None

    @property
    def text(self) -> str | None:
        """Canonical text of the answer (``18``, ``-2.5``, ``5/3``, ``3:30``), or None."""
        return None if self.quantity is None else str(self.quantity)


@dataclass(frozen=True, slots=True)
class Grade:
    """The verdict on an output: right or wrong, and what it was judged by."""

    correct: bool
    extraction: Extraction


def extract(response: str) -> Extraction:
    """The one answer that ``response`` commits to. Never raises on a string."""
    stripped = response.strip()
    if not stripped:
        return _none("empty")
    margin = len(response) - len(response.lstrip())
    text, unfinished = without_thinking(stripped)
    if unfinished:
        return _none("unfinished_thinking")
    if text is not stripped and text.isspace():
        return _none("empty")
    first: Extraction | None = None
    for start, end in passages(text):
        passage = text[start:end]
        if passage.isspace() or not passage:
            continue
        found = _extract_passage(passage, start + margin)
        if found.value is not None or found.stage is not None or found.reason in ("refusal", "unclosed_tag"):
            return found
        if first is None or (first.reason == "no_number" and found.reason == "loop"):
            first = found
    return first if first is not None else _none("empty")


def _none(reason: str, commitment: Commitment | None = None, offset: int = 0) -> Extraction:
    if commitment is None:
        return Extraction(None, None, reason)
    return Extraction(None, commitment.stage, reason, (commitment.start + offset, commitment.end + offset))


def _extract_passage(text: str, offset: int) -> Extraction:
    chosen: Commitment | None = None
    bare = False
    if "<" in text or "box" in text or "oxed" in text or "####" in text:
        tags, tag_open = answer_tags(text) if "nswer" in text or "NSWER" in text else ([], False)
        boxed, box_open = boxes(text) if "box" in text or "oxed" in text else ([], False)
        hashed = hashes(text) if "####" in text else []
        if tag_open or (box_open and not (hashed and hashed[-1].start > text.rfind("oxed"))):
            return _none("unclosed_tag")
        chosen = _strongest(last_word(tags, text), last_word(boxed, text), last_word(hashed, text), text)
        bare = chosen is None and "####" in text and ends_in_bare_hashes(text)
    if chosen is None or chosen.settled.blank:
        said = last_word(phrases(text), text)
        if said is not None and (chosen is None or said.start > chosen.end):
            chosen = said
    if chosen is not None:
        chosen = _unless_hedged(_unless_retracted(chosen, text), text)
    elif is_refusal(text):
        return _none("refusal")
    elif is_loop(text):
        return _none("loop")
    elif not bare:
        chosen = trailing(text)
    if chosen is None:
        return _none("no_number")
    quantity = chosen.settled.quantity
    if quantity is None:
        reason = chosen.settled.reason or "no_number"
        if reason == "no_number" and is_refusal(text[chosen.start : chosen.end]):
            reason = "refusal"
        # A closing sentence is no commitment unless it states a number.
        return (
            _none(reason)
            if chosen.stage == "trailing" and reason == "no_number"
            else _none(reason, chosen, offset)
        )
    span = (chosen.start + offset, chosen.end + offset)
    return Extraction(quantity.value, chosen.stage, None, span, quantity)


def _strongest(
    tag: Commitment | None, box: Commitment | None, hashed: Commitment | None, text: str
) -> Commitment | None:
    """Of the three marked stages, the commitment that stands."""
    if tag is not None:
        later = [c for c in (box, hashed) if c is not None and c.start > tag.end]
        for other in later:
            if tag.settled.blank or SECOND_THOUGHT.search(
                text[tag.end : min(other.start, tag.end + _MAX_GAP)]
            ):
                return other
        return tag
    if box is None or hashed is None or hashed.start < box.end or _agree(box, hashed):
        return box if box is not None else hashed
    if not box.settled.blank and adjacent(box, hashed, text):
        return hashed._replace(settled=SEVERAL)
    return hashed


def _agree(first: Commitment, second: Commitment) -> bool:
    one, other = first.settled.quantity, second.settled.quantity
    return one is not None and other is not None and one.equals(other)


def _unless_retracted(chosen: Commitment, text: str) -> Commitment:
    """The commitment, or what replaces it where the text goes on to take it back."""
    taken_back = RETRACTION.search(text, chosen.end, chosen.end + _MAX_GAP)
    if taken_back is None:
        return chosen
    rest = text[taken_back.end() :]
    instead = last_word(phrases(rest), rest) or trailing(rest)
    if instead is None:
        return chosen._replace(settled=Settled(None, "no_number"))
    shift = taken_back.end()
    return instead._replace(start=instead.start + shift, end=instead.end + shift)


def _unless_hedged(chosen: Commitment, text: str) -> Commitment:
    """The commitment, or none where the next words offer another number ("18. Or maybe 20.")."""
    hedge = HEDGE.match(_CLOSING.sub("", text[chosen.end : chosen.end + _MAX_HEDGE]))
    if hedge is None or chosen.settled.quantity is None:
        return chosen
    rest = _CLOSING.sub("", text[chosen.end : chosen.end + _MAX_HEDGE])[hedge.end() :]
    other = settle(rest.partition("\n")[0], prose=True).quantity
    if other is None or other.equals(chosen.settled.quantity):
        return chosen
    return chosen._replace(settled=SEVERAL)


def read_gold(gold: Fraction | int | str) -> Quantity:
    """A gold answer as a quantity. Raises ValueError when a string is not one number or time."""
    return read_quantity(gold) if isinstance(gold, str) else Quantity(Fraction(gold))


def grade(response: str, gold: Fraction | int | str) -> Grade:
    """Judge ``response`` by ``gold``: correct when it commits to exactly that number.

    Raises ValueError when ``gold`` is a string that is not one number or time.
    """
    wanted = read_gold(gold)
    extraction = extract(response)
    quantity = extraction.quantity
    return Grade(quantity is not None and quantity.equals(wanted), extraction)


def is_correct(response: str, gold: Fraction | int | str) -> bool:
    """Whether ``response`` commits to exactly ``gold``; see :func:`grade`."""
    return grade(response, gold).correct
