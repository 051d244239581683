"""What readers found: every reading of a clause in a problem, and what follows from it.

``audit.tsv`` has a line a reading: template, first 16 hex digits of the SHA-256 of the original question,
family, place, whether the clause is inert and whether it reads well there (``y`` or ``n``), and a remark.
A family that failed on a problem is kept from it for good, whatever its wording becomes.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Final, NamedTuple

from rote.errors import DataError

TABLE: Final = Path(__file__).with_name("audit.tsv")
_ANSWERS: Final = {"y": True, "n": False}


class Reading(NamedTuple):
    """One reading of one clause; ``question`` is the digest of the original question."""

    template_id: str
    question: str
    family: str
    position: str
    inert: bool
    fluent: bool
    remark: str


def question_digest(question: str) -> str:
    """What the table knows a question by."""
    return hashlib.sha256(question.encode("utf-8")).hexdigest()[:16]


def read_table(path: Path) -> tuple[Reading, ...]:
    """The readings of a file, in its order. DataError names the line that is none."""
    readings = []
    for line, row in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        if not row or row.startswith("#"):
            continue
        cells = row.split("\t")
        if len(cells) != 7 or cells[4] not in _ANSWERS or cells[5] not in _ANSWERS:
            raise DataError(
                f"expected template, digest, family, place, y|n, y|n, remark (by tabs); got {row[:120]!r}",
                path=path,
                line=line,
            )
        readings.append(
            Reading(cells[0], cells[1], cells[2], cells[3], _ANSWERS[cells[4]], _ANSWERS[cells[5]], cells[6])
        )
    return tuple(readings)


@cache
def readings() -> tuple[Reading, ...]:
    """Every reading that is on record."""
    return read_table(TABLE)


@cache
def _barred() -> Mapping[str, frozenset[str]]:
    barred: dict[str, set[str]] = {}
    for reading in readings():
        if not (reading.inert and reading.fluent):
            barred.setdefault(reading.question, set()).add(reading.family)
    return {question: frozenset(families) for question, families in barred.items()}


def bars(question: str) -> frozenset[str]:
    """The families that readers found wanting in a problem, by its original question."""
    return _barred().get(question_digest(question), frozenset())
