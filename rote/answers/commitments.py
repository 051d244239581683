"""Where a passage commits itself to an answer: the five stages, strongest first.

Per stage at most the last ``MAX_COMMITMENTS`` places are looked at, and of each at most a few hundred
characters, so that the work is linear in the length of the passage whatever it holds.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterable, Iterator
from typing import Final, Literal, NamedTuple

from rote.answers.field import BLANK, SEVERAL, Settled, settle
from rote.answers.passages import HEDGE, SECOND_THOUGHT
from rote.rational import MAX_TEXT

Stage = Literal["answer_tag", "boxed", "hash", "answer_phrase", "trailing"]

MAX_COMMITMENTS: Final = 64
_MAX_BOX: Final = 1000
_MAX_GAP: Final = 2000


class Commitment(NamedTuple):
    """One place that states an answer: half-open range in the passage, and what it states."""

    stage: Stage
    start: int
    end: int
    settled: Settled


_ANSWER_TAG: Final = re.compile(r"<\s{0,3}(/?)\s{0,3}(?:final_?)?answer\s{0,3}>", re.IGNORECASE)
_MENTION: Final = re.compile(r"[\s\"'`”’*]{0,3}(?:tags?\b|block\b|element\b|and\b|section\b)", re.IGNORECASE)
_AFTER_HASHES: Final = re.compile(r"#{4,}[^\S\n]{0,4}\Z")
_BOX: Final = re.compile(r"[\\\x08](?:boxed|fbox|oxed)\s{0,3}(?:\{|(-?[\d.,]{1,60}))")
_BRACE: Final = re.compile(r"[{}]")
_HASH: Final = re.compile(r"#{4,}")
_HEADING: Final = re.compile(
    r"\W{0,6}(?:step|part|case|phase|stage|section|problem|question|example|method"
    r"|approach|option|solution \d)\b",
    re.IGNORECASE,
)
_NUMBERED: Final = re.compile(r"\W{0,4}\d{1,2}[.)]\s{1,3}\W{0,4}[^\W\d_]")
_NUMBER_LED: Final = re.compile(r"\W{0,8}\d")
# Begins with a literal that the engine can search for fast; the letter before it is looked at afterwards.
_AFTER_ANSWER: Final = (
    r"\b[*_\"'’)]{0,4}(?:[ ](?:to|for|of|in)[ ][^\n.?!:=]{1,80}?)?\s{0,3}[*_]{0,3}"
    r"(?::|=|\b(?:is|are|was|will be|would be|should be|must be|comes (?:out )?to|equals)\b)"
)
_PHRASE: Final = re.compile("nswers?" + _AFTER_ANSWER)
_PHRASE_ANY_CASE: Final = re.compile("nswers?" + _AFTER_ANSWER, re.IGNORECASE)
_A_LINE: Final = re.compile(r"\n[ \t]{0,4}\*{0,2}A\*{0,2}:")
_LEAD: Final = re.compile(r"(?:[\s:*_>$]|\\\[|\\\(){0,20}")
_SENTENCE_END: Final = re.compile(r"(?<!\bRs)(?<!\bapprox)(?<!\bNo)[.!?](?=[\s\"')\]]|\Z)|\n")
_CONNECTOR: Final = re.compile(
    r"[\s.,;:*/&()_$|~<>-]{0,40}(?:(?:or|and|either|maybe|possibly|perhaps|alternatively|else"
    r"|the|answer|is|could be|also)"
    r"[\s.,;:*/&()_$|~<>-]{1,40}){0,6}",
    re.IGNORECASE,
)
_BULLET: Final = re.compile(r"\s{0,20}(?:[-*•>]\s{1,4})?(?:\(?\d{1,2}[.)]\s{1,4}(?=\S))?")
_SENTENCE_START: Final = re.compile(r"(?<=[.!?])\s{1,9}(?=[^\W\d_a-z]|[*$\\(\"'])")
_MARKUP: Final = re.compile(r"<<[^<>\n]{0,300}>>|</?[A-Za-z][\w-]{0,20}\s?/?>|\x1b\[[\d;]{0,9}m")
_PLEASANTRY: Final = re.compile(
    r"\W{0,9}(?:thanks|thank you|i hope|hope|let me know|feel free|good luck|happy to"
    r"|if you have|please|do you|would you)\b",
    re.IGNORECASE,
)
_BARE_ASSIGNMENT: Final = re.compile(r"[\s$*]{0,9}([^\W\d_])\s{0,3}=[^\n=]{1,40}")
_NEXT_BARE_NUMBER: Final = re.compile(
    r"\s{1,9}(?:[-*•]\s{1,4})?[$€£]?-?\d[\d,./]{0,30}[%*.]{0,4}[^\S\n]{0,9}(?:\n|\Z)"
)
_BARE_NUMBER: Final = re.compile(r"[\s$*]{0,9}-?\d[\d,./]{0,30}[%*.$\s]{0,9}")
_NEXT_NUMBER: Final = re.compile(r"\s{1,9}(?:[-*•]\s{1,4})?[$€£]?-?\d[^\n=]{0,60}(?:\n|\Z)")
_TRAILING_WINDOW: Final = 1500
_TRAILING_LINES: Final = 6


def _plain(text: str) -> str:
    """The text without calculator annotations, HTML tags and terminal colours."""
    return _MARKUP.sub(" ", text) if "<" in text or "\x1b" in text else text


def _last(matches: Iterable[re.Match[str]]) -> Iterator[re.Match[str]]:
    return iter(deque(matches, maxlen=MAX_COMMITMENTS))


def answer_tags(text: str) -> tuple[list[Commitment], bool]:
    """Complete ``<answer>`` elements, and whether the last opening tag was left open.

    ``#### <answer>`` is a placeholder and "in <answer> tags" speaks of the tag; neither opens one.
    """
    found: deque[tuple[int, int]] = deque(maxlen=MAX_COMMITMENTS)
    pending: re.Match[str] | None = None
    for match in _ANSWER_TAG.finditer(text):
        if not match[1]:
            pending = match
        elif pending is not None:
            start, end = pending.end(), match.start()
            if text[start : start + 40].strip() or start < end or not _MENTION.match(text, match.end()):
                found.append((start, end))
            pending = None
    left_open = pending is not None and not (
        _AFTER_HASHES.search(text[max(0, pending.start() - 12) : pending.start()])
        or _MENTION.match(text, pending.end())
    )
    return [
        Commitment("answer_tag", start, end, _settle_tag(text[start:end])) for start, end in found
    ], left_open


def _settle_tag(content: str) -> Settled:
    content = content.strip()
    if not content:
        return Settled(None, "empty", True)
    for stage in (boxes(content)[0], hashes(content), phrases(content)):
        chosen = last_word(stage, content)
        if chosen is not None:
            return chosen.settled
    lines = [line for line in content[-2 * MAX_TEXT :].splitlines() if line.strip()]
    if len(lines) > 1 and "=" in lines[-1]:
        return settle(_plain(lines[-1]))
    return settle(_plain(content)) if len(content) <= MAX_TEXT else BLANK


def boxes(text: str) -> tuple[list[Commitment], bool]:
    r"""``\boxed{…}`` with its braces matched, and whether the last one was left open."""
    found: list[Commitment] = []
    left_open = False
    end = 0
    for match in _last(_BOX.finditer(text)):
        if match.start() < end:
            continue  # inside the one before
        left_open = False
        if match[1] is not None:
            end = match.end()
            found.append(Commitment("boxed", match.start(1), end, settle(match[1])))
            continue
        depth = 1
        for brace in _BRACE.finditer(text, match.end(), match.end() + _MAX_BOX):
            depth += 1 if brace[0] == "{" else -1
            if depth == 0:
                end = brace.end()
                found.append(
                    Commitment(
                        "boxed", match.end(), brace.start(), _settle_box(text[match.end() : brace.start()])
                    )
                )
                break
        else:
            left_open = True
    return found, left_open


def _settle_box(content: str) -> Settled:
    if re.search(r"\d\s?!", content):
        return Settled(None, "no_number")  # a factorial
    return settle(content)


def hashes(text: str) -> list[Commitment]:
    """What stands after ``####`` on its line. Headings (``#### Step 2``) and placeholders are left out."""
    found = []
    for match in _last(_HASH.finditer(text)):
        start = match.end()
        end = text.find("\n", start, start + _MAX_GAP)
        end = min(len(text), start + _MAX_GAP) if end < 0 else end
        again = text.find("####", start, end)
        end = end if again < 0 else again
        line = text[start:end]
        if not line.strip() and again < 0:
            following = text[end : end + 80].lstrip()
            start = end + len(text[end : end + 80]) - len(following)
            line = following.partition("\n")[0]
            if _NUMBER_LED.match(line) is None:
                continue
            end = start + len(line)
        if _HEADING.match(line) or "oxed" in line or _ANSWER_TAG.search(line, 0, 60):
            continue
        if _NUMBERED.match(line) and text[end : end + _MAX_GAP].strip():
            continue
        settled = settle(_plain(line))
        if not settled.blank:
            if _lists_on(text, end, settled, _NEXT_BARE_NUMBER):
                settled = SEVERAL
            found.append(Commitment("hash", start, end, settled))
    return found


def ends_in_bare_hashes(text: str) -> bool:
    """Whether the last line announces an answer with ``####`` and then names none."""
    return "####" in text.rstrip()[-200:].rpartition("\n")[2]


def _announcements(text: str) -> list[re.Match[str]]:
    pattern = _PHRASE_ANY_CASE if "NSWER" in text else _PHRASE
    found = [m for m in _last(pattern.finditer(text)) if m.start() and text[m.start() - 1] in "aA"]
    found += _last(_A_LINE.finditer(text))
    if text.startswith("A:") and (match := re.compile("A:").match(text)):
        found.append(match)
    return sorted(found, key=re.Match.start)[-MAX_COMMITMENTS:]


def phrases(text: str) -> list[Commitment]:
    """What follows "the answer is", "Answer:" or a line's "A:", to the end of the sentence."""
    found = []
    for match in _announcements(text):
        lead = _LEAD.match(text, match.end())
        # The currency sign and the opening of mathematics are part of the field all the same.
        start = match.end() if lead is None else lead.end()
        while start > match.end() and text[start - 1] == "$":
            start -= 1
        stop = _SENTENCE_END.search(text, start, start + _MAX_GAP)
        end = stop.start() if stop else min(len(text), start + _MAX_GAP)
        settled = settle(_BULLET.sub("", _plain(text[start:end]), count=1))
        if not settled.blank:
            on_its_own_line = "\n" in text[match.end() : start]
            if _lists_on(text, end, settled, _NEXT_NUMBER if on_its_own_line else _NEXT_BARE_NUMBER):
                settled = SEVERAL
            found.append(Commitment("answer_phrase", start, end, settled))
    return found


def _lists_on(text: str, end: int, settled: Settled, next_number: re.Pattern[str]) -> bool:
    """Whether the line below a number goes on with another number, as a list does."""
    if end < len(text) and text[end] in ".!":
        end += 1
    below = next_number.match(text, end)
    if below is None or settled.quantity is None:
        return False
    other = settle(_BULLET.sub("", below[0].strip(), count=1)).quantity
    return other is not None and not other.equals(settled.quantity)


def trailing(text: str) -> Commitment | None:
    """The closing equation or number: of the last sentence that has one, a few lines back at most."""
    floor = max(0, len(text) - _TRAILING_WINDOW)
    end = len(text)
    looked_at = 0
    while end > floor and looked_at < _TRAILING_LINES:
        start = max(text.rfind("\n", floor, end) + 1, floor)
        line = text[start:end]
        if line.strip():
            looked_at += 1
            stated = _closing_sentence(line)
            if stated is not None:
                if _assigns_another(text[max(floor, start - 200) : start], line):
                    stated = SEVERAL
                return Commitment("trailing", start, end, stated)
        end = start - 1
    return None


def _assigns_another(above: str, line: str) -> bool:
    """``x = 5`` on one line and ``y = 7`` on the next; 18 on one line and 20 on the next."""
    before = above.rstrip().rpartition("\n")[2]
    if _BARE_NUMBER.fullmatch(line) and _BARE_NUMBER.fullmatch(before):
        first, second = settle(before).quantity, settle(line).quantity
        return first is not None and second is not None and not first.equals(second)
    one, other = _BARE_ASSIGNMENT.fullmatch(line), _BARE_ASSIGNMENT.fullmatch(before)
    return one is not None and other is not None and one[1] != other[1]


def _closing_sentence(line: str) -> Settled | None:
    """What the last sentence of a line with a number in it states; a question states nothing."""
    line = _plain(line)
    bullet = _BULLET.match(line)
    line = line[bullet.end() :] if bullet else line
    for sentence in reversed(_SENTENCE_START.split(line)):
        if _PLEASANTRY.match(sentence):
            continue
        if sentence.rstrip("*_\"' )").endswith("?"):
            return Settled(None, "no_number")
        settled = settle(_tail(sentence), prose=True)
        if not settled.blank:
            return SEVERAL if HEDGE.match(sentence) else settled
    return None


def _tail(sentence: str) -> str:
    """A long sentence from its last equals signs on, or its last words, within what is read."""
    if len(sentence) <= MAX_TEXT:
        return sentence
    tail = sentence[-MAX_TEXT + 1 :]
    return tail.partition(" ")[2]


def last_word(commitments: list[Commitment], text: str) -> Commitment | None:
    """Of the commitments of one stage, the one that stands, or None when there is none.

    The last wins over an earlier one, except that two with nothing but a connector between them are
    alternatives (no answer), and that one after a new question, unless it is a second thought, is the
    answer to that question.
    """
    if not commitments:
        return None
    current = commitments[0]
    for following in commitments[1:]:
        if _same(current, following):
            continue
        gap = text[current.end : min(following.start, current.end + _MAX_GAP)]
        if SECOND_THOUGHT.search(gap):
            current = following
        elif adjacent(current, following, text):
            one_sided = current.settled.blank or following.settled.blank
            current = following if one_sided else following._replace(settled=SEVERAL)
        elif (
            "?" in gap
            and ("\n\n" if following.stage == "answer_phrase" else "\n") in gap
            and current.stage != "boxed"
        ):
            break
        else:
            current = following
    return current


def adjacent(first: Commitment, second: Commitment, text: str) -> bool:
    """Whether nothing but marks and connectors ("or", "and") stands between two commitments."""
    gap = text[first.end : min(second.start, first.end + 200)]
    gap = re.sub(r"</?(?:final_?)?answer>|\\boxed|#{4,}|[{}\\]", " ", gap, flags=re.IGNORECASE)
    return _CONNECTOR.fullmatch(gap) is not None


def _same(first: Commitment, second: Commitment) -> bool:
    one, other = first.settled.quantity, second.settled.quantity
    return one is not None and other is not None and one.equals(other)
