"""Whether a response ends in exactly one answer: what training asks on top of the grader.

The grader reads what a response means, for evaluation has to be fair to what a model happens to write. A
reward is fair to what it teaches: an answer that is followed by more text, stands in several blocks, in a
tag that is not closed or beside another number earns nothing, whatever the grader makes of it.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from typing import Final

from rote.answers import REASONS, Extraction
from rote.answers.commitments import Commitment, answer_tags, boxes, hashes, phrases
from rote.answers.field import settle
from rote.answers.passages import without_thinking
from rote.answers.systems import Solved, read_system
from rote.answers.unknowns import statements, tidy
from rote.prompts import Format
from rote.rational import Quantity, read_items

#: Why a response has no terminal answer: the grader's reasons, then what training adds.
FAULTS: Final = (
    *REASONS,
    "unnamed",
    "unfinished",
    "several_blocks",
    "several_numbers",
    "text_after",
)

#: The stages that mark an answer.
MARKED: Final = frozenset({"answer_tag", "boxed", "hash"})

_PAIRED: Final = ("answer", "reasoning")
#: What may follow an answer: white space, and marks that close what was opened before it.
_CLOSERS: Final = re.compile(r"(?:[\s.!$\\\])}*_`\"'”’]|</\s{0,3}(?:final_?)?answer\s{0,3}>)*", re.IGNORECASE)
_SENTENCE: Final = re.compile(r"(?<=[.!?])\s{1,9}(?=[^\sa-z\d])")
#: The smaller unit of a price that is said with two numbers; "percent" and "per cent" are none.
_CENTS: Final = re.compile(r"(?<!per[\s-])\bcents?\b|¢", re.IGNORECASE)
#: Characters of an answer's field; a unit of a few words fits, an essay does not.
_MAX_FIELD: Final = 80


def fault(response: str, found: Extraction, asked: Format) -> str | None:
    """Why ``response`` does not end in exactly one answer, one of ``FAULTS``; None when it does.

    ``found`` is the grader's reading of it, ``asked`` the format of its prompt.
    """
    if found.quantity is None or found.span is None:
        return found.reason
    if not _is_balanced(response):
        return "unclosed_tag"
    said, _ = without_thinking(response)
    blocks, torn = _blocks(said)
    if torn:
        return "unclosed_tag"
    if _is_several(blocks or phrases(said), found.quantity) or _has_drafts(response, asked):
        return "several_blocks"
    start, end = found.span
    # Of a box and a line of hashes that agree, the later one is the end.
    if _CLOSERS.fullmatch(response, max([end, *(block.end for block in blocks)])) is None:
        return "text_after"
    if found.stage in MARKED:
        faults = (_field_fault(said[block.start : block.end], found.quantity) for block in blocks)
        return next((one for one in faults if one is not None), None)
    if found.stage == "trailing":
        closing = settle(_SENTENCE.split(said[start:end].strip())[-1], prose=True).quantity
        return None if closing is not None and closing.equals(found.quantity) else "text_after"
    return None


def _is_balanced(response: str) -> bool:
    """Whether every tag of an answer or of its reasoning is opened and closed as often.

    In a thought a model may speak of them ("the number goes into <answer>").
    """
    if "<" not in response:
        return True
    lowered = response.lower().rpartition("</think>")[2]
    return all(lowered.count(f"<{name}>") == lowered.count(f"</{name}>") for name in _PAIRED)


def _blocks(said: str) -> tuple[list[Commitment], bool]:
    """The marked answers, those inside an answer element left out; and whether one is left open."""
    tags, tag_open = answer_tags(said) if "nswer" in said or "NSWER" in said else ([], False)
    boxed, box_open = boxes(said) if "box" in said else ([], False)
    others = [*boxed, *(hashes(said) if "####" in said else [])]
    outside = [c for c in others if not any(tag.start <= c.start and c.end <= tag.end for tag in tags)]
    return [*tags, *outside], tag_open or box_open


def _is_several(blocks: Sequence[Commitment], value: Quantity) -> bool:
    """Whether one of the blocks says another number, or two are of one kind and marked."""
    marked = [block.stage for block in blocks if block.stage in MARKED]
    if len(set(marked)) < len(marked):
        return True
    return any(block.settled.quantity is None or not block.settled.quantity.equals(value) for block in blocks)


def _has_drafts(response: str, asked: Format) -> bool:
    """Whether an answer stands inside the frame of the steps, too."""
    if asked.frame is None:
        return False
    opening, closing = asked.frame
    return bool(answer_tags(response.rpartition(closing)[0].rpartition(opening)[2])[0])


def _field_fault(field: str, value: Quantity) -> str | None:
    """A marked field holds one number, with a unit at most; dollars and cents are one."""
    field = field.strip()
    if len(field) > _MAX_FIELD:
        return "text_after"
    numbers = [item.quantity for item in read_items(field) if item.quantity is not None]
    if all(number.equals(value) for number in numbers) or _is_price(field, numbers, value):
        return None
    return "several_numbers"


def _is_price(field: str, numbers: Sequence[Quantity], value: Quantity) -> bool:
    """Whether two numbers are one price: dollars and the cents beside them, or the same in cents."""
    if len(numbers) != 2 or _CENTS.search(field) is None:
        return False
    first, second = (number.value for number in numbers)
    return value.value == first + second / 100 or (value.value == first and second == 100 * first)


def system_fault(response: str, solved: Solved, unknowns: Sequence[str]) -> str | None:
    """The same for the unknowns of a system: each stated once, at the end."""
    if len(solved.values) < len(unknowns):
        return solved.reason or "unnamed"
    said, _ = without_thinking(response)
    blocks, torn = _blocks(said)
    if torn or not _is_balanced(response):
        return "unclosed_tag"
    # A box or a line of hashes for each unknown is one answer; several answer elements are not.
    stages = Counter(block.stage for block in blocks)
    if stages["answer_tag"] > 1 or max(stages["boxed"], stages["hash"]) > len(unknowns):
        return "several_blocks"
    lines = [line for line in said.splitlines() if line.strip()]
    while lines and _CLOSERS.fullmatch(lines[-1]):
        lines.pop()
    if not lines or not read_system(lines[-1], unknowns).values:
        return "text_after"
    for count in range(1, len(unknowns) + 1):
        tail = "\n".join(lines[-count:])
        if read_system(tail, unknowns).values == solved.values:
            return _stated_fault(tail, unknowns, count)
    return "text_after"


def _stated_fault(tail: str, unknowns: Sequence[str], lines: int) -> str | None:
    if len(tail) > _MAX_FIELD * (lines + len(unknowns)):
        return "text_after"
    said: dict[str, set[object]] = {}
    for one in statements(tidy(tail), unknowns):
        said.setdefault(one.name, set()).add(one.value)
    return "several_answers" if any(len(values) > 1 for values in said.values()) else None
