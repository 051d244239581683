"""The lists that the format names without giving them: ours stand in."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import Any, Final

import yaml

from rote.errors import DataError
from rote.perturb import names
from rote.perturb.apple.values import Dual, Value, exact

FILE: Final = Path(__file__).with_name("lists.yaml")
_NAMES: Final = {
    "names": "any",
    "names_female": "female",
    "names_male": "male",
    "female_names": "female",
    "male_names": "male",
}


@cache
def known_lists() -> Mapping[str, Sequence[Value]]:
    """Every list by its name: words, numbers, and numbers with a text of their own."""
    lists: dict[str, Sequence[Value]] = {
        name: [person.name for person in names.people(gender)] for name, gender in _NAMES.items()
    }
    for name, entries in yaml.safe_load(FILE.read_text(encoding="utf-8")).items():
        lists[name] = [_entry(entry, name) for entry in entries]
    return lists


def _entry(entry: Any, name: str) -> Value:
    if isinstance(entry, str):
        return entry
    if isinstance(entry, list) and len(entry) == 2:
        return Dual(str(entry[0]), exact(Fraction(str(entry[1]))))
    if isinstance(entry, (int, float)) and not isinstance(entry, bool):
        return exact(Fraction(str(entry)))
    raise DataError(f"expected a word, a number or [text, number], got {entry!r}", path=FILE, field=name)


@cache
def is_person(word: str) -> bool:
    """Whether a word is a first name of the table."""
    return names.find(word) is not None


@cache
def content_hash() -> str:
    """Names the lists and the table of names: a draw depends on both."""
    table = Path(names.__file__).with_name("names.tsv")
    return hashlib.sha256(FILE.read_bytes() + b"\0" + table.read_bytes()).hexdigest()[:16]
