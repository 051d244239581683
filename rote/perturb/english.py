"""What is wrong with the English of a rendered text: rules that a drawn value can break.

Not a grammar: each rule catches one slip that templates make (``1 jars``, ``a 8``, ``an pear``, a
pronoun of nobody), with few false alarms.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Final

from rote.perturb.values import Person

_ONE_OF_MANY: Final = re.compile(r"(?<![\d.,$/])1 (?!minus\b)([a-z]+[^su\W]s)\b(?! of\b)")
_A_VOWEL: Final = re.compile(r"\b([Aa]) ([aeio][a-z]+|u[a-z]+)\b")
_AN_CONSONANT: Final = re.compile(r"\b([Aa]n) ([b-df-hj-np-tv-z][a-z]+)\b")
_A_EIGHT: Final = re.compile(r"\b([Aa]) \$?(8[\d,]*|11|18)(?![\d,])")
_AN_NUMBER: Final = re.compile(r"\b([Aa]n) \$?(?!8|11\b|18\b)(\d[\d,]*)")
_TWICE: Final = re.compile(r"\b([a-z]+) \1\b", re.IGNORECASE)
_SPACING: Final = re.compile(r"  |\s[,.;:?!%]|\.\.|,,|\$\s|\s$|^\s|\n")
_LOWER_START: Final = re.compile(r"(?:^|[.?!] )([a-z])")
_LEFTOVER: Final = re.compile(r"\{\{|\}\}|\{%|\bNone\b|\bnan\b|Undefined|Quantity\(")
_SHE: Final = re.compile(r"\b(?:she|hers?|herself)\b", re.IGNORECASE)
_HE: Final = re.compile(r"\b(?:he|him|his|himself)\b", re.IGNORECASE)
# sounds that spelling hides
_VOWEL_SOUND: Final = frozenset(["hour", "hourly", "honest", "honour", "heir"])
_CONSONANT_SOUND: Final = re.compile(r"one|once|ewe|eu|u[bnrst][aeiou]|us(?:e|er|ed|eful)\b")
_MAY_DOUBLE: Final = frozenset(("that", "had"))
#: Singular nouns in -s after "1".
_SINGULAR_S: Final = frozenset(
    ("bus", "gas", "lens", "plus", "minus", "series", "species", "canvas", "atlas", "iris")
)

_CAPS: Final[Sequence[tuple[re.Pattern[str], int, str]]] = (
    (re.compile(r"\b(\d[\d,]*) hours (?:a|per|each|every) day"), 24, "hours in a day"),
    (re.compile(r"\b(\d[\d,]*) days (?:a|per|each|every) week"), 7, "days in a week"),
    (re.compile(r"\b(\d[\d,]*) days (?:a|per|each|every) month"), 31, "days in a month"),
    (re.compile(r"\b(\d[\d,]*) (?:weeks|months) (?:a|per|each|every) year"), 52, "weeks in a year"),
    (re.compile(r"\b(\d[\d,]*) minutes past\b"), 59, "minutes past an hour"),
    (re.compile(r"\b(\d[\d,]*) years old\b"), 130, "years of age"),
    (re.compile(r"\b(\d[\d,]*) o'clock"), 12, "hours of a clock"),
    (re.compile(r"\b(\d[\d,]*)%"), 100, "percent"),
)


def slips(text: str) -> Iterator[str]:
    """What is wrong with a text, one phrase each; nothing when it is right."""
    for match in _ONE_OF_MANY.finditer(text):
        if match[1] not in _SINGULAR_S:
            yield f"plural after 1: {match[0]!r}"
    for match in _A_VOWEL.finditer(text):
        if not _CONSONANT_SOUND.match(match[2]):
            yield f"article: {match[0]!r}"
    for match in _AN_CONSONANT.finditer(text):
        if match[2] not in _VOWEL_SOUND:
            yield f"article: {match[0]!r}"
    for pattern in (_A_EIGHT, _AN_NUMBER):
        for match in pattern.finditer(text):
            yield f"article: {match[0]!r}"
    for match in _TWICE.finditer(text):
        if match[1].lower() not in _MAY_DOUBLE:
            yield f"word twice: {match[0]!r}"
    for match in _SPACING.finditer(text):
        yield f"spacing: {text[max(0, match.start() - 10) : match.end() + 10]!r}"
    for match in _LOWER_START.finditer(text):
        yield f"sentence begins in lower case: {text[match.start() : match.end() + 12]!r}"
    for match in _LEFTOVER.finditer(text):
        yield f"left over from the template: {match[0]!r}"


def implausible(text: str) -> Iterator[str]:
    """Numbers beyond what the world allows, where the words beside them say what they count."""
    for pattern, cap, what in _CAPS:
        for match in pattern.finditer(text):
            if int(match[1].replace(",", "")) > cap:
                yield f"{match[0]!r}: more than {cap} {what}"


def stray_pronouns(text: str, people: Sequence[Person]) -> Iterator[str]:
    """Pronouns of a gender that none of the people has."""
    genders = {person.gender for person in people}
    for pattern, gender in ((_SHE, "female"), (_HE, "male")):
        match = pattern.search(text)
        if match and gender not in genders:
            yield f"pronoun {match[0]!r} refers to nobody"
