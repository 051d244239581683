"""What documents say of their inert clauses: where they stand, their factors, and which trap was taken."""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping
from typing import Any, Final

from rote.answers import extract
from rote.errors import LogError
from rote.rational import parse_number
from rote.reports.fields import one_line
from rote.reports.records import Where

#: What the factors tables go through, in this order: GSM-IC's factors of a clause, then its family.
FACTORS: Final = ("topic", "role", "magnitude", "position", "family")

#: How a trap arises, k being the inert number, in the order of tables. A name in place of ``answer`` is that
#: of a number of the problem or of a step; ``how`` may say which.
WAYS: Final = (
    "answer + k",
    "answer - k",
    "answer * k",
    "answer / k",
    "a number replaced",
    "a step shifted",
    "a number replaced or a step shifted",
    "another way",
    "not found again",
)
_HOW: Final = re.compile(r"(?:(?P<of>number|step) )?(?P<name>\w{1,80}) (?P<sign>[-+*/]) \d[\d,./]{0,40}")
_NAMED: Final = {
    "number": "a number replaced",
    "step": "a step shifted",
    None: "a number replaced or a step shifted",
}


def clauses_of(doc: Mapping[str, Any], where: Where) -> list[Mapping[str, Any]]:
    """The inert clauses of a document, empty where it has none. Raises :class:`LogError` on another shape."""
    noop = doc.get("noop")
    if noop is None:  # a task of another source may have no such column
        return []
    if not isinstance(noop, list) or not all(isinstance(clause, dict) for clause in noop):
        raise LogError(
            f"is {one_line(repr(noop), 60)}; it must be a list of inert clauses, empty without any",
            path=where.path,
            line=where.line,
            field="doc.noop",
        )
    return noop


def factors_of(clauses: list[Mapping[str, Any]]) -> dict[str, str]:
    """Family and factors of the first clause, those of ``FACTORS`` that it states; short and showable."""
    if not clauses:
        return {}
    stated = clauses[0].get("factors")
    known = {**(stated if isinstance(stated, dict) else {}), "family": clauses[0].get("family")}
    return {
        factor: sys.intern(one_line(value, 60))
        for factor in FACTORS
        if isinstance(value := known.get(factor), str) and value
    }


def spans_of(clauses: list[Mapping[str, Any]], length: int) -> tuple[tuple[int, int], ...]:
    """The half-open ranges of the clauses in a question of that length, in order; unsound ones left out."""
    found = []
    for clause in clauses:
        span = clause.get("span")
        if isinstance(span, list) and len(span) == 2 and all(type(i) is int for i in span):
            start, end = span
            if 0 <= start < end <= length:
                found.append((start, end))
    sound: list[tuple[int, int]] = []
    for start, end in sorted(found):
        if not sound or sound[-1][1] <= start:
            sound.append((start, end))
    return tuple(sound)


def trap_of(doc: Mapping[str, Any], response: str) -> str | None:
    """``how`` of the document's trap that ``response`` commits to; None where it commits to none of them."""
    value = extract(response).value
    traps = doc.get("traps")
    for trap in traps if isinstance(traps, list) and value is not None else ():
        try:
            if parse_number(trap["value"]) == value:
                return sys.intern(one_line(str(trap["how"]), 80))
        except (KeyError, TypeError, ValueError):
            continue
    return None


def way_of(how: str | None) -> str:
    """The one of ``WAYS`` that a trap's ``how`` belongs to; None is a trap that was not found again."""
    if how is None:
        return "not found again"
    match = _HOW.fullmatch(how)
    if match is None:
        return "another way"
    if match["name"] == "answer" and match["of"] is None:
        return f"answer {match['sign']} k"
    return _NAMED[match["of"]] if match["sign"] in "+-" else "another way"
