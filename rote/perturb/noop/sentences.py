"""Where the sentences of a word problem begin and end.

Doubt joins: two sentences taken for one only cost a place for a clause, one sentence taken for two would
put a clause inside it.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator
from typing import Final

#: Never the end of a sentence, whatever follows.
_ABBREVIATIONS: Final = frozenset(
    """
    mr mrs ms dr prof mt ft sgt capt gen col lt rev hon sen rep gov vs viz approx fig eq e.g i.e cf ca
    st ave blvd rd
    """.split()
)
#: The end of a sentence only where a word that opens one follows.
_EITHER: Final = frozenset(
    """
    a.m p.m am pm u.s u.s.a u.k d.c jr sr inc ltd co corp etc lb lbs oz in ft yd mi km cm mm kg mg ml hr
    hrs min mins sec secs pt qt gal sq cu tsp tbsp yr yrs mo wk no jan feb mar apr jun jul aug sep sept
    oct nov dec dept est ph.d m.d b.a
    """.split()
)
_OPENERS: Final = frozenset(
    """
    a an the he she it they we i you his her its their our my your this that these those there here if
    when while how what which who whose where why on in at by for from with after before during since
    because each every all both some most half one two three four five six seven eight nine ten then so
    and but or also however next later finally first second third calculate find determine to of as once
    until
    """.split()
)
_END: Final = re.compile(
    r"(?P<mark>\.{2,}|…|[.?!]+)(?P<close>[\"”’')\]]*)(?=\s|$|(?<=[a-z]\.)(?=[A-Z][a-z]))"
)
_WORD_BEFORE: Final = re.compile(r"(?:[A-Za-z]\.)*[A-Za-z]+$")
_NEXT_WORD: Final = re.compile(r"[\"“‘'(\[]*([A-Za-z]+)")
_MARKER: Final = re.compile(r"(?:^|(?<=\s))\(?(?:\d{1,2}|[A-Za-z])$")
_OPEN: Final = {"(": ")", "[": "]", "“": "”"}


def split(question: str) -> tuple[tuple[int, int], ...]:
    """The spans of the sentences, in order, without the white space around them.

    A line break ends a sentence too. Nothing is cut inside quotation marks or brackets; where those are not
    balanced, the rest of the text from there is one sentence.
    """
    covered = _covered(question)
    spans = []
    start = 0
    for end in [*_ends(question), len(question)]:
        if end < len(question) and _inside(covered, end):
            continue
        first = start + len(question[start:end]) - len(question[start:end].lstrip())
        last = start + len(question[start:end].rstrip())
        if last > first:
            spans.append((first, last))
        start = end
    return tuple(spans)


def _ends(question: str) -> Iterator[int]:
    breaks = {m.end() for m in re.finditer(r"\n", question)}
    breaks.update(m.end() for m in _END.finditer(question) if _ends_here(question, m))
    yield from sorted(breaks)


def _ends_here(question: str, match: re.Match[str]) -> bool:
    after = question[match.end() :].lstrip()
    if not after:
        return True
    following = _NEXT_WORD.match(after)
    word = following[1] if following else ""
    if word and word[0].islower():
        return False
    mark, before = match["mark"], question[max(0, match.start() - 20) : match.start()]
    if mark.startswith("…") or (len(mark) > 1 and set(mark) == {"."}):
        return False
    if set(mark) != {"."} or match["close"]:
        return True
    if _MARKER.search(before) and not _opens(word):
        return False  # "1. Boxes", "J. Doe"
    if _MARKER.search(before) and re.search(r"(?:^|[.?!:;\n]\s*)\(?\w{1,2}$", before):
        return False
    last = _WORD_BEFORE.search(before)
    if last is None:
        return True
    lower = last[0].lower()
    if before[: last.start()][-1:].isdigit() and lower == "st":
        return True
    if lower in _ABBREVIATIONS:
        return False
    if lower == "no" and not word:
        return False
    if lower == "no" or lower not in _EITHER:
        return True
    return _opens(word) or (not word and not after[0].isdigit())


def _opens(word: str) -> bool:
    return word.lower() in _OPENERS


def _covered(question: str) -> tuple[tuple[int, int], ...]:
    """Half-open spans inside quotation marks or brackets, ascending and apart."""
    spans: list[tuple[int, int]] = []
    at, size = 0, len(question)
    while at < size:
        sign = question[at]
        inches = sign == '"' and at > 0 and question[at - 1].isdigit()
        if sign in _OPEN or (sign == '"' and not inches):
            close = question.find(_OPEN.get(sign, '"'), at + 1)
            close = size if close < 0 else close
            spans.append((at, close))
            at = close
        at += 1
    return tuple(spans)


def _inside(covered: tuple[tuple[int, int], ...], offset: int) -> bool:
    i = bisect_right(covered, (offset, -1)) - 1
    return i >= 0 and covered[i][0] < offset <= covered[i][1]
