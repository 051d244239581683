"""The table of count nouns and their classes."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Final, NamedTuple

from rote.errors import DataError
from rote.perturb.noop.words import CLASSES

_TABLE: Final = Path(__file__).with_name("nouns.tsv")


class Noun(NamedTuple):
    """A row of the table; ``many`` is the plural, ``kind`` one of the classes."""

    one: str
    many: str
    kind: str


@cache
def nouns() -> dict[str, Noun]:
    """The table, by singular. Raises DataError naming the line that is not ``singular, class[, plural]``."""
    rows: dict[str, Noun] = {}
    for line, row in enumerate(_TABLE.read_text(encoding="utf-8").splitlines(), start=1):
        if not row or row.startswith("#"):
            continue
        cells = row.split("\t")
        if len(cells) not in (2, 3) or cells[1] not in CLASSES:
            expected = f"singular, class ({', '.join(CLASSES)}), plural where it is irregular"
            raise DataError(f"expected {expected}; got {row!r}", path=_TABLE, line=line)
        if cells[0] in rows:
            raise DataError(f"the noun {cells[0]!r} stands twice", path=_TABLE, line=line)
        rows[cells[0]] = Noun(cells[0], cells[2] if len(cells) == 3 else regular_plural(cells[0]), cells[1])
    return rows


@cache
def plurals() -> dict[str, Noun]:
    """The table, by plural; where two nouns share one, the first."""
    rows: dict[str, Noun] = {}
    for noun in nouns().values():
        rows.setdefault(noun.many, noun)
    return rows


def regular_plural(noun: str) -> str:
    """``berry`` → ``berries``, ``box`` → ``boxes``, ``day`` → ``days``."""
    if noun.endswith("y") and noun[-2:-1] not in "aeiou":
        return noun[:-1] + "ies"
    return noun + ("es" if noun.endswith(("s", "x", "z", "ch", "sh")) else "s")


def class_of(word: str) -> str | None:
    """The class of a noun in either number, lower case; None for one that is not in the table."""
    noun = nouns().get(word) or plurals().get(word)
    return noun.kind if noun else None
