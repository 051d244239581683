"""The table of first names: our own, of varied origins, each with the gender its pronouns take.

Names that are also common words or places are left out, so that a name in a sentence is only a name.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from pathlib import Path

from rote.errors import DataError
from rote.perturb.values import Gender, Person

_TABLE = Path(__file__).with_name("names.tsv")
_GENDERS: dict[str, Gender] = {"female": "female", "male": "male"}


@cache
def table() -> tuple[Person, ...]:
    """All people of the table, in file order."""
    people = []
    seen = set()
    for line, row in enumerate(_TABLE.read_text(encoding="utf-8").splitlines(), start=1):
        if not row or row.startswith("#"):
            continue
        cells = row.split("\t")
        if len(cells) != 3 or cells[1] not in _GENDERS:
            raise DataError(f"expected name, female|male, origin; got {row!r}", path=_TABLE, line=line)
        if cells[0] in seen:
            raise DataError(f"the name {cells[0]!r} stands twice", path=_TABLE, line=line)
        seen.add(cells[0])
        people.append(Person(cells[0], _GENDERS[cells[1]]))
    return tuple(people)


@cache
def people(gender: str) -> Sequence[Person]:
    """The people of a gender: ``female``, ``male`` or ``any``."""
    return tuple(p for p in table() if gender in ("any", p.gender))


@cache
def _by_name() -> dict[str, Person]:
    return {p.name: p for p in table()}


def find(name: str) -> Person | None:
    """The person of that name, if the table has one."""
    return _by_name().get(name)
