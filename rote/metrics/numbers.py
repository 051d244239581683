"""Which numbers a problem gives, and in which dress a solution may use them.

A reader of ``20%`` may write 20, 0.2, 0.8 or 1.2; of ``half``, 1/2 or 2; of ``50 cents``, 0.5. A number
that is none of these, no constant and no earlier result came from nowhere.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from types import MappingProxyType
from typing import Final

from rote.rational import MAX_TEXT, read_items

#: Numbers that need no source anywhere.
CONSTANTS: Final = frozenset(map(Fraction, (0, 1, 2))) | {Fraction(1, 2)}

#: Words and the numbers that come with them: they say one, or a unit of theirs holds so many. The words
#: are lower case; a plural is listed where it is regular, too.
_IMPLIED: Final = (
    ("twice double doubles doubled doubling pair couple twin both", (2,)),
    ("thrice triple triples tripled tripling triplet trio triangle triangular tricycle third", (3,)),
    ("quadruple quadruples quadrupled quartet square rectangle rectangular fourth", (4,)),
    ("quarter quarterly", (4, 25)),
    ("fifth quintuple quintupled nickel", (5,)),
    ("dime decade", (10,)),
    ("century centuries percent percentage cent penny pennies", (100,)),
    ("dozen", (12,)),
    ("score", (20,)),
    ("fortnight", (14,)),
    ("second minute hour hourly", (12, 24, 60, 3600)),
    ("day daily today tomorrow yesterday", (7, 24, 30, 31, 365)),
    ("monday tuesday wednesday thursday friday saturday sunday", (7, 24)),
    ("week weekly weekday weekend workday", (4, 5, 7, 52)),
    ("month monthly", (4, 12, 30, 31)),
    ("january march may july august october december", (12, 31)),
    ("april june september november", (12, 30)),
    ("february", (12, 28, 29)),
    ("year yearly annual annually", (4, 12, 52, 365, 366)),
    ("foot feet inch inches", (12,)),
    ("yard", (3, 36)),
    ("mile", (1760, 5280)),
    ("pound lb ounce oz ton", (16, 2000)),
    ("gallon quart pint cup", (4, 8, 16)),
    ("tablespoon teaspoon", (3, 16)),
    ("meter metre centimeter centimetre millimeter millimetre cm mm", (10, 100, 1000)),
    ("kilometer kilometre km kilogram kilo kg gram liter litre milliliter millilitre ml", (100, 1000)),
    ("angle degree circle", (90, 180, 360)),
)
_WORDS: Final = MappingProxyType(
    {word: numbers for words, numbers in _IMPLIED for stem in words.split() for word in (stem, stem + "s")}
)
_CENTS: Final = frozenset({"cent", "cents", "penny", "pennies"})
_WORD: Final = re.compile(r"[a-z]+|%")
_ORDINAL: Final = re.compile(r"\b(\d{1,4})(?:st|nd|rd|th)\b")
_SENTENCE: Final = re.compile(r"(?<=[.!?;])\s+")
_MAX_QUESTION: Final = 20_000


@dataclass(frozen=True, slots=True)
class Given:
    """The numbers of a question.

    Attributes
    ----------
    stated: each number as written, with how often it stands there (percentages without their sign).
    usable: these and every form in which a solution may use them.
    words: its words in lower case.
    """

    stated: MappingProxyType[Fraction, int]
    usable: frozenset[Fraction]
    words: frozenset[str]


@lru_cache(maxsize=4096)
def read_given(question: str) -> Given:
    """The numbers of ``question`` (its first 20,000 characters). Never raises on a string."""
    text = question[:_MAX_QUESTION]
    lowered = text.lower()
    words = frozenset(_WORD.findall(lowered))
    cents = not words.isdisjoint(_CENTS)
    stated: Counter[Fraction] = Counter()
    usable: set[Fraction] = set()
    for chunk in _chunks(text):
        for item in read_items(chunk):
            if item.quantity is None:
                continue
            value, kind = item.quantity.value, item.quantity.kind
            stated[value] += 1
            if kind == "time":
                usable.update(_time_forms(value))
            else:
                usable.update(_forms(value, percent=kind == "percent", cents=cents))
    if "%" in text:
        usable.update((Fraction(100), Fraction(1, 100)))
    for word in sorted(words & _WORDS.keys()):
        for number in _WORDS[word]:
            usable.update((Fraction(number), Fraction(1, number)))
    usable.update(Fraction(int(digits)) for digits in _ORDINAL.findall(lowered))
    return Given(MappingProxyType(dict(stated)), frozenset(usable), words)


def _chunks(text: str) -> Iterator[str]:
    """The sentences, each cut to what the reader of numbers looks at."""
    for sentence in _SENTENCE.split(text):
        while len(sentence) > MAX_TEXT:
            cut = sentence.rfind(" ", 1, MAX_TEXT)
            cut = MAX_TEXT if cut < 0 else cut
            yield sentence[:cut]
            sentence = sentence[cut:]
        if sentence:
            yield sentence


def _forms(value: Fraction, *, percent: bool, cents: bool) -> Iterator[Fraction]:
    """A number, its reciprocal, what a share leaves or adds, and the parts of a fraction."""
    yield value
    if value:
        yield 1 / value
    if percent:  # "15% off", "20% more"
        yield from (value / 100, 1 - value / 100, 1 + value / 100, 100 - value, 100 + value)
    if cents:
        yield value / 100
    if value.denominator > 1 or cents:
        yield value * 100
    if value.denominator > 1:
        whole, rest = divmod(value.numerator, value.denominator)
        yield from map(Fraction, (value.numerator, value.denominator, whole, rest, value.denominator - rest))
        yield value - whole
    if 0 < value < 1:
        yield from (1 - value, 1 + value, 100 - value * 100, 100 + value * 100)


def _time_forms(minutes: Fraction) -> Iterator[Fraction]:
    hours, rest = divmod(minutes, 60)
    yield from (minutes, Fraction(hours), rest, minutes / 60, Fraction(hours + 12), 60 - rest)
