r"""Grade an answer that consists of several named unknowns, in any order.

``x = 3 and y = -1/2``, ``y=-0.5, x=3``, ``(x, y) = (3, -1/2)``, ``#### x = 3, y = -1/2``, boxes,
``<answer>`` and columns are read alike. What counts as committed is what the grader of single answers
says (:mod:`rote.answers.grader`): not the thinking, not a next problem that the output invents;
``<answer>`` before ``\boxed`` and ``####``, and these before the text; what is taken back does not count.
Within what counts, the last statement about an unknown stands.

Names are compared without regard to case, unless two unknowns differ in case alone. Values are compared
exactly; rounding is wrong. Values without names are taken only where there is no doubt: a bracketed list of
as many numbers as there are unknowns, marked as the answer, in the order of the unknowns; and a lone number
where there is one unknown.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Final

from rote.answers.commitments import Commitment, answer_tags, boxes, hashes
from rote.answers.grader import REASONS, Extraction, extract
from rote.answers.passages import RETRACTION, SECOND_THOUGHT, passages, without_thinking
from rote.answers.unknowns import Said, bare_tuple, mentions, statements, tidy
from rote.rational import parse_number

#: Why no unknown has a value: the grader's reasons, and ``unnamed``: there is a number and nobody says whose.
SYSTEM_REASONS: Final = (*REASONS, "unnamed")

_MAX_GAP: Final = 2000
#: What is not marked as the answer must end this near to the end of the text.
_CLOSING: Final = 1500
_NEXT_PROBLEM: Final = re.compile(r"\n[ \t>#*]{0,8}algebra problem\b", re.IGNORECASE)
_ANNOUNCED: Final = re.compile(
    r"\b(?:answer|solution)s?\b[^\n.()\[\]=:]{0,60}(?:[=:]|\b(?:is|are))\s{0,4}"
    r"(?P<list>[$\\{]{0,4}\s?[(\[][^()\[\]]{1,240}[)\]])",
    re.IGNORECASE,
)
_BEFORE_BOX: Final = re.compile(r"[A-Za-z]\w{0,20}[\s$&*]{0,6}=[\s$&*]{0,6}\\(?:boxed|fbox)\s{0,3}\{\Z")
_CONTINUES: Final = re.compile(r"\n[ \t$*&\\-]{0,8}(?=[A-Za-z]\w{0,20}[\s$&*]{0,4}=)")


@dataclass(frozen=True, slots=True)
class Solved:
    """What an output commits to.

    Attributes
    ----------
    values: the exact value of each unknown that it states, by the unknown's name; others are missing.
    stage: ``answer_tag``, ``boxed``, ``hash``, ``answer_phrase`` or ``trailing``, or None.
    reason: one of :data:`SYSTEM_REASONS` when nothing is stated, otherwise None.
    """

    values: Mapping[str, Fraction]
    stage: str | None
    reason: str | None


@dataclass(frozen=True, slots=True)
class SystemGrade:
    """The verdict: ``correct`` when every unknown is right; ``right`` counts those that are, 0 to ``of``."""

    correct: bool
    right: int
    of: int
    solved: Solved

    @property
    def share(self) -> float:
        """The share of unknowns that are right, 0 to 1."""
        return self.right / self.of


def read_system(response: str, unknowns: Sequence[str]) -> Solved:
    """The values that ``response`` commits to. Never raises on a string.

    ``unknowns`` are the names, at least one, all different; their order is that of a list without names.
    """
    stripped = response.strip()
    text, unfinished = without_thinking(stripped)
    if unfinished:
        return Solved({}, None, "unfinished_thinking")
    following = _NEXT_PROBLEM.search(text)
    if following is not None and not text[: following.start()].isspace():
        text = text[: following.start()]
    for start, end in passages(text):
        found = _read_passage(text[start:end], unknowns)
        if found is not None:
            return found
    return _otherwise(stripped, unknowns)


def _otherwise(response: str, unknowns: Sequence[str]) -> Solved:
    """No unknown is named: a lone number will do for one unknown, and the grader knows what is missing."""
    found = extract(response)
    if found.value is None:
        return Solved({}, None, found.reason)
    if len(unknowns) > 1 or _is_equation(response, found, unknowns):
        return Solved({}, None, "unnamed")
    return Solved({unknowns[0]: found.value}, found.stage, None)


def _is_equation(response: str, found: Extraction, unknowns: Sequence[str]) -> bool:
    """Whether the closing number is the right side of an equation in the unknown: ``5x = 15``."""
    if found.stage != "trailing" or found.span is None:
        return False
    line = response[found.span[0] : found.span[1]]
    return "=" in line and mentions(line, unknowns)


def _read_passage(text: str, unknowns: Sequence[str]) -> Solved | None:
    """What a passage states; None where it names no unknown in a place that counts."""
    if not text or text.isspace():
        return None
    tags, tag_open = answer_tags(text) if "nswer" in text or "NSWER" in text else ([], False)
    boxed, box_open = boxes(text) if "box" in text else ([], False)
    hashed = hashes(text) if "####" in text else []
    if tag_open or (box_open and not (hashed and hashed[-1].start > text.rfind("oxed"))):
        return Solved({}, None, "unclosed_tag")
    marked = _strongest(tags, boxed, hashed, text)
    if not marked:
        return _unmarked(text, unknowns)
    stage, end = marked[-1].stage, marked[-1].end
    said = [statement for one in marked for statement in _marked(text, one, unknowns)]
    taken_back = RETRACTION.search(text, end, end + _MAX_GAP)
    if taken_back is not None:
        instead = _unmarked(text[taken_back.end() :], unknowns)
        return instead or Solved({}, stage, "no_number")
    if not said:
        return None if len(unknowns) == 1 else Solved({}, None, _why_nothing(text))
    return _standing(said, unknowns, stage)


def _why_nothing(text: str) -> str:
    found = extract(text)
    return found.reason or "unnamed"


def _strongest(
    tags: list[Commitment], boxed: list[Commitment], hashed: list[Commitment], text: str
) -> list[Commitment]:
    """The commitments of the one stage that stands."""
    if tags:
        later = [c for stage in (boxed, hashed) for c in stage if c.start > tags[-1].end]
        turned = [
            c
            for c in later
            if SECOND_THOUGHT.search(text, tags[-1].end, min(c.start, tags[-1].end + _MAX_GAP))
        ]
        return [c for c in turned if c.stage == turned[-1].stage] if turned else tags
    if boxed and hashed:
        return hashed if hashed[-1].start > boxed[-1].end else boxed
    return boxed or hashed


def _marked(text: str, one: Commitment, unknowns: Sequence[str]) -> list[Said]:
    """What one marked place states: in its own words, as a list, or as the name before its box says."""
    content = text[one.start : one.end]
    if one.stage == "hash":
        content += _continued(text, one.end)
    content = tidy(content)
    said = statements(content, unknowns)
    if said:
        return said
    if one.stage == "answer_tag" and ("box" in content or "####" in content):
        inner = [*boxes(content)[0], *hashes(content)]
        return [statement for place in inner for statement in _marked(content, place, unknowns)]
    values = bare_tuple(content, unknowns) if len(unknowns) > 1 else None
    if values is not None:
        return [Said(name, value, 0, len(content)) for name, value in zip(unknowns, values, strict=True)]
    if one.stage == "boxed":
        named = _BEFORE_BOX.search(text[max(0, one.start - 60) : one.start])
        if named is not None:
            return statements(tidy(named[0].rpartition("=")[0] + "= " + content), unknowns)
    return []


def _continued(text: str, end: int) -> str:
    """The lines below a marked line that each go on with another unknown."""
    stop = end
    while stop - end < _MAX_GAP and (following := _CONTINUES.match(text, stop)) is not None:
        newline = text.find("\n", following.end(), following.end() + 200)
        stop = newline if newline >= 0 else min(len(text), following.end() + 200)
    return text[end:stop]


def _unmarked(text: str, unknowns: Sequence[str]) -> Solved | None:
    """What the running text states, if it ends with it."""
    plain = tidy(text)
    every = statements(plain, unknowns)
    said = [one for one in every if one.value is not None or _offers(plain, one)]
    if said and said[-1].end >= len(plain.rstrip()) - _CLOSING:
        if RETRACTION.search(plain, said[-1].end, said[-1].end + _MAX_GAP):
            return Solved({}, "trailing", "no_number")
        return _standing(said, unknowns, "trailing")
    if len(unknowns) > 1:
        last = None
        for match in _ANNOUNCED.finditer(plain, max(0, len(plain) - _CLOSING)):
            values = bare_tuple(match["list"], unknowns)
            last = values if values is not None else last
        if last is not None:
            return Solved(dict(zip(unknowns, last, strict=True)), "answer_phrase", None)
    return None


def _offers(text: str, one: Said) -> bool:
    """Whether a statement without a value names alternatives, and is no step of algebra."""
    near = text[max(0, one.start - 24) : one.end + 8]
    return re.search(r"\bor\b", near, re.IGNORECASE) is not None


def _standing(said: Sequence[Said], unknowns: Sequence[str], stage: str) -> Solved:
    """Of all statements, the last about each unknown."""
    last = {one.name: one.value for one in said}
    values = {name: value for name in unknowns if (value := last.get(name)) is not None}
    return Solved(values, stage, None if values else "several_answers")


def grade_system(response: str, gold: Mapping[str, Fraction | int | str]) -> SystemGrade:
    """Judge ``response`` by ``gold``: correct when it commits to exactly these values.

    ``gold`` maps each unknown to its value, in the order in which the problem names them; texts are plain
    numbers (``3``, ``-0.5``, ``-1/2``). Raises ValueError when it is empty or a text is no number.
    """
    if not gold:
        raise ValueError("gold names no unknown")
    wanted = {
        name: parse_number(value) if isinstance(value, str) else Fraction(value)
        for name, value in gold.items()
    }
    solved = read_system(response, tuple(wanted))
    right = sum(solved.values.get(name) == value for name, value in wanted.items())
    return SystemGrade(right == len(wanted), right, len(wanted), solved)
