"""What a number of a question may become: as large, as round and as plausible as the original.

The range runs from two thirds to four thirds of the value, and at least one up and one down, within the
same number of digits and in steps as round as the value itself; what the world caps (hours in a day, days
in a week) stays below the cap.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Final

from rote.perturb.gsm8k.mentions import Mention
from rote.perturb.language import words
from rote.perturb.values import Quantity
from rote.rational import format_number

#: Nouns with a cap, where the original is below it.
_CAPS: Final[Sequence[tuple[str, str, int]]] = (
    ("hour", r"(?:a|per|each|every) (?:day|night)|day|daily", 16),
    ("hour", r"", 24),
    ("day", r"(?:a|per|each|every|in a|of the) week|weekly", 7),
    ("day", r"(?:a|per|each|every|in a) month", 28),
    ("day", r"(?:a|per|each|every|in a) year", 365),
    ("month", r"", 12),
    ("minute", r"", 59),
    ("week", r"", 52),
    ("year", r"old|age", 99),
    ("tooth", r"", 32),
    ("teeth", r"", 32),
    ("finger", r"", 10),
    ("card", r"deck", 52),
    ("mph", r"", 120),
    ("floor", r"", 90),
    ("state", r"", 50),
    ("degree", r"", 360),
)
_MAX_VALUES: Final = 400


def _digits(value: Fraction) -> int:
    return len(str(value.numerator // value.denominator))


def _zeros(value: int) -> int:
    text = str(value)
    return len(text) - len(text.rstrip("0"))


def _step(mention: Mention) -> Fraction:
    """How fine the domain is: as round as the value, but fine enough to leave a choice."""
    value = mention.value
    if mention.kind == "percent":
        return Fraction(5) if value % 5 == 0 and value > 5 else Fraction(1, 10**mention.places)
    if value.denominator == 1 and mention.places == 0:
        zeros = _zeros(int(value))
        if zeros and _digits(value) == zeros + 1:
            zeros -= 1  # one figure alone: 500 may become 470
        return Fraction(10**zeros)
    if mention.kind == "money" or mention.places == 2:
        for step in (Fraction(1), Fraction(1, 2), Fraction(1, 4), Fraction(1, 10), Fraction(1, 20)):
            if value % step == 0 and value > 4 * step:
                return step
        return Fraction(1, 100)
    return Fraction(1, 10**mention.places)


def cap_of(mention: Mention, question: str) -> int | None:
    """The world's cap on a number, where the words beside it say what it counts."""
    if mention.kind == "percent":
        return 99 if mention.value < 100 else None
    after = question[mention.end : mention.end + 40].lower()
    for noun, near, cap in _CAPS:
        if mention.noun == noun and mention.value <= cap and (not near or re.search(near, after)):
            return cap
    return None


def domain(mention: Mention, question: str, *, wide: bool = False) -> tuple[Fraction, ...]:
    """The values a mention may take, its own among them; one value when there is no choice.

    ``wide``: from a fifth to three times the value, in the finest plausible steps: for items in which
    nothing else comes out whole.
    """
    value, step = mention.value, _step(mention)
    low, high = value * Fraction(2, 3), value * Fraction(4, 3)
    if wide:
        low, high = value / 5, value * 3
    elif value.denominator == 1 and mention.kind != "percent":
        low, high = min(low, value - 1), max(high, value + 1)
    if wide and value.denominator == 1 and mention.kind != "percent":
        step = Fraction(1)
    cap = cap_of(mention, question)
    if cap is not None:
        high = min(high, Fraction(cap))
    if (high - low) / step > _MAX_VALUES:
        # only very fine values of many figures come here: a coarser grid through the value
        step *= -(-((high - low) // step) // _MAX_VALUES)
    first = value - (value - low) // step * step
    values = [first + i * step for i in range(max(int((high - first) // step) + 1, 1))]
    least = Fraction(2) if mention.kind in ("integer", "percent") else Fraction(0)
    kept = [v for v in values if v == value or (v > 0 and v >= least and _alike(v, mention, wide))]
    if mention.kind == "decimal" and value != 1:
        kept = [v for v in kept if v != 1]  # "1 minutes"
    article = re.search(r"\b(an?)\s\$?$", question[max(0, mention.start - 4) : mention.start].lower())
    if article:
        kept = [v for v in kept if _vowel(v) == _vowel(value)]
    return tuple(kept)


def _alike(value: Fraction, mention: Mention, wide: bool) -> bool:
    if not wide and _digits(value) != _digits(mention.value):
        return False
    if mention.kind == "percent" and value in (50, 100):
        return False
    if mention.style == "words":
        return value.denominator == 1 and value <= 99
    return True


def _vowel(value: Fraction) -> bool:
    text = str(value.numerator // value.denominator)
    return text[0] == "8" or text in ("11", "18")


def style_of(mention: Mention) -> Callable[[Fraction], str]:
    """Write a value the way the mention is written: in words, with commas, with cents."""
    if mention.style == "words":
        capital = mention.text[:1].isupper()
        spaced = "-" not in mention.text and mention.value > 20 and mention.value % 10 != 0

        def in_words(value: Fraction) -> str:
            text = words(Quantity(value, "integer"))
            if spaced:
                text = text.replace("-", " ")
            return text[:1].upper() + text[1:] if capital else text

        return in_words
    return numeral_style(mention.text)


def numeral_style(text: str) -> Callable[[Fraction], str]:
    """Write numbers as ``text`` is written: grouped by commas, and with its places where they were zeros."""
    comma = "," in text or len(text.partition(".")[0]) <= 3
    whole_text, _, fraction = text.partition(".")
    fixed = len(fraction) if fraction and (not fraction.strip("0") or len(fraction) == 2) else 0
    leading = whole_text != ""

    def written(value: Fraction) -> str:
        plain = format_number(value)
        if "/" in plain:
            return plain
        whole, _, places = plain.partition(".")
        if fixed and len(places) <= fixed:
            places = places.ljust(fixed, "0")
        if (comma and len(whole) > 4) or ("," in text and len(whole) > 3):
            whole = f"{int(whole):,}"
        if not leading and whole == "0" and places:
            whole = ""
        return f"{whole}.{places}" if places else whole

    return written
