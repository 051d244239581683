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

#: Numbers of units and of counting that everybody knows; an operand among them needs no source.
CONSTANTS: Final = frozenset(map(Fraction, (0, 1, 2, 7, 10, 12, 24, 30, 52, 60, 100, 365, 1000, 3600))) | {
    Fraction(1, 2),
    Fraction(1, 10),
    Fraction(1, 100),
}

#: Words that say a number without being one. Lower case, whole words.
_WORDS: Final = MappingProxyType(
    {
        **dict.fromkeys(("twice", "double", "doubles", "doubled", "doubling"), (2,)),
        **dict.fromkeys(("pair", "pairs", "couple", "twins", "both"), (2,)),
        **dict.fromkeys(("thrice", "triple", "triples", "tripled", "tripling", "triplets"), (3,)),
        **dict.fromkeys(("trio", "triangle", "triangular", "tricycle", "tricycles"), (3,)),
        **dict.fromkeys(("third", "thirds"), (3,)),
        **dict.fromkeys(("quadruple", "quadruples", "quadrupled", "quartet", "square"), (4,)),
        **dict.fromkeys(("quarter", "quarters", "quarterly", "fourth", "fourths", "rectangle"), (4,)),
        **dict.fromkeys(("rectangular", "season", "seasons", "month", "monthly", "months", "gallon"), (4,)),
        **dict.fromkeys(("week", "weeks", "weekly", "weekday", "weekdays", "workday", "workdays"), (5, 7, 4)),
        **dict.fromkeys(("nickel", "nickels", "fifth", "fifths", "quintuple", "quintupled"), (5,)),
        **dict.fromkeys(("dozen", "dozens", "foot", "feet", "year", "years", "yearly", "annual"), (12,)),
        **dict.fromkeys(("dime", "dimes"), (10,)),
        **dict.fromkeys(("yard", "yards"), (3, 36)),
        **dict.fromkeys(("pound", "pounds", "ounce", "ounces", "oz"), (16,)),
        **dict.fromkeys(("mile", "miles"), (5280,)),
        **dict.fromkeys(("fortnight",), (14,)),
        **dict.fromkeys(("decade", "decades"), (10,)),
        **dict.fromkeys(("score",), (20,)),
    }
)
_WORD: Final = re.compile(r"[a-z]+")
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
    stated: Counter[Fraction] = Counter()
    usable: set[Fraction] = set()
    for chunk in _chunks(text):
        for item in read_items(chunk):
            if item.quantity is None:
                continue
            value, kind = item.quantity.value, item.quantity.kind
            stated[value] += 1
            usable.update(_time_forms(value) if kind == "time" else _forms(value))
    lowered = text.lower()
    words = frozenset(_WORD.findall(lowered))
    for word in sorted(words & _WORDS.keys()):
        for number in _WORDS[word]:
            usable.update(_forms(Fraction(number)))
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


def _forms(value: Fraction) -> Iterator[Fraction]:
    """A number, as hundredths (percent, cents), what a share leaves, its reciprocal and its parts."""
    yield value
    yield -value
    yield value / 100
    yield value * 100
    if value:
        yield 1 / value
    if 0 < value <= 1:
        yield 1 - value
        yield 1 + value
    if 0 < value <= 1000:  # "15% off", "20% more"
        yield 100 - value
        yield 100 + value
        yield 1 - value / 100
        yield 1 + value / 100
    if value.denominator > 1:
        yield Fraction(value.numerator)
        yield Fraction(value.denominator)
        yield Fraction(value.numerator // value.denominator)
        yield value - value.numerator // value.denominator
        yield Fraction(value.numerator % value.denominator)
        yield Fraction(value.denominator - value.numerator % value.denominator)


def _time_forms(minutes: Fraction) -> Iterator[Fraction]:
    hours, rest = divmod(minutes, 60)
    yield from (minutes, Fraction(hours), rest, minutes / 60, Fraction(hours + 12), 60 - rest)
