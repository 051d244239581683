"""Every number that a question mentions, with what it is and how it is written.

A mention is an exact half-open character span of the published question, so that a changed number can
be written back in the same place and the same way. Its kind says what roles it can play in a solution:
a percentage may appear as 20, 0.2, 0.8 or 1.2, a count only as itself.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Final, Literal

from rote.perturb.gsm8k.equations import stem, words_of

Kind = Literal[
    "integer", "decimal", "money", "percent", "fraction", "multiplier", "clock", "year", "ordinal", "group"
]
Style = Literal["digits", "words"]


@dataclass(frozen=True, slots=True)
class Mention:
    """One number of the question.

    ``start``, ``end``: the characters to replace. ``unit``: the nouns beside it, in lower case.
    ``style``: digits or words; ``comma``, ``places``: how its digits are grouped and how many follow the
    point. ``parts``: numerator and denominator of a fraction. ``fixed``: why it may never change, or None.
    """

    start: int
    end: int
    text: str
    value: Fraction
    kind: Kind
    style: Style
    comma: bool = False
    places: int = 0
    parts: tuple[int, int] | None = None
    fixed: str | None = None
    noun: str = ""
    words: frozenset[str] = frozenset()

    @property
    def span(self) -> tuple[int, int]:
        """``(start, end)``."""
        return self.start, self.end


_UNITS: Final = {
    w: i
    for i, w in enumerate(
        [
            "zero",
            "one",
            "two",
            "three",
            "four",
            "five",
            "six",
            "seven",
            "eight",
            "nine",
            "ten",
            "eleven",
            "twelve",
            "thirteen",
            "fourteen",
            "fifteen",
            "sixteen",
            "seventeen",
            "eighteen",
            "nineteen",
        ]
    )
}
_TENS: Final = {
    w: 10 * i
    for i, w in enumerate(["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"], 2)
}
_PARTS: Final = {
    "half": 2, "halves": 2, "third": 3, "thirds": 3, "quarter": 4, "quarters": 4, "fourth": 4, "fourths": 4,
    "fifth": 5, "fifths": 5, "sixth": 6, "sixths": 6, "seventh": 7, "sevenths": 7, "eighth": 8, "eighths": 8,
    "ninth": 9, "ninths": 9, "tenth": 10, "tenths": 10, "twelfth": 12, "twelfths": 12, "twentieth": 20,
    "hundredth": 100,
}  # fmt: skip
_MULTIPLIERS: Final = {
    "twice": 2, "double": 2, "doubles": 2, "doubled": 2, "doubling": 2, "thrice": 3, "triple": 3,
    "triples": 3, "tripled": 3, "tripling": 3, "quadruple": 4, "quadruples": 4, "quadrupled": 4,
}  # fmt: skip
_GROUPS: Final = {
    "dozen": 12,
    "dozens": 12,
    "couple": 2,
    "pair": 2,
    "pairs": 2,
    "decade": 10,
    "score": 20,
    "century": 100,
}

_small = "|".join(sorted(_UNITS, key=len, reverse=True))
_ones = "one|two|three|four|five|six|seven|eight|nine"
_tens = "|".join(_TENS)
_parts = "|".join(sorted(_PARTS, key=len, reverse=True))
_two_digits = rf"(?:(?:{_tens})(?:[-\ ](?:{_ones}))?|{_small})"
# a blank in a verbose pattern means nothing unless it stands in brackets
_word_number = (
    rf"(?:{_two_digits}|a)[ ]hundred(?:[ ](?:and[ ])?{_two_digits})?"
    rf"|(?:{_two_digits})[ ]thousand|{_two_digits}"
)
_digits = r"\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d{1,3}(?:\ \d{3})+(?![\d,.])|\d+\.\d+|\.\d+|\d+"

_unit_letters = r"(?:[kKxXgGlLmM]|kg|km|cm|mm|mg|ml|mL|lbs?|oz|ft|mph|in|GB|MB|hrs?|min)?"

_PATTERN: Final = re.compile(
    rf"""
      (?P<pair>(?<![\d:.,])\d+\ ?:\ ?\d+(?![\d:]))
    | (?P<clock>(?<![\d:])\d{{1,2}}:\d{{2}}(?!\d))
    | (?P<hour>(?<![\w.$,/])\d{{1,2}}(?=\ ?(?:[ap]\.?m\b\.?|o'clock)))
    | (?P<ordinal>(?<![\w.])\d+(?:st|nd|rd|th)\b)
    | (?P<mixed>(?<![\w.,/$])\d+(?:\ |-|\ and\ )\d+/\d+(?![\d/]))
    | (?P<ratio>(?<![\w.,/$])\d+\ ?/\ ?\d+(?![\d/]))
    | (?P<percent>(?<![\w.,/])(?:{_digits})(?=\ ?%|[\ -]percent\b))
    | (?P<money>\$\ ?(?:{_digits}))
    | (?P<digits>(?<![\w.,/:])(?:{_digits})(?={_unit_letters}(?:\b|[^\w]|$)))
    | (?P<wordmixed>\b(?:{_two_digits})\ and\ (?:a\ half|a\ quarter|(?:one|two|three)[- ](?:{_parts}))\b)
    | (?P<wordpart>\b(?:(?:{_small}|a)[-\ ](?:{_parts})|half|halves|quarters?|thirds?|fourths?)\b)
    | (?P<wordpercent>\b(?:{_two_digits})(?=\ percent\b))
    | (?P<words>\b(?:{_word_number})\b)
    | (?P<multiplier>\b(?:{"|".join(_MULTIPLIERS)})\b)
    | (?P<group>\b(?:{"|".join(_GROUPS)})\b)
    """,
    re.VERBOSE | re.IGNORECASE,
)
_SCALE: Final = re.compile(r"[ -](hundred|thousand|million|billion|k)\b", re.IGNORECASE)
_SCALES: Final = {"hundred": 100, "thousand": 1000, "million": 10**6, "billion": 10**9, "k": 1000}


def read_words(text: str) -> int:
    """``forty-two`` → 42, ``two hundred and five`` → 205, ``a hundred`` → 100."""
    total = part = 0
    for word in re.split(r"[- ]", text.lower()):
        if word in _UNITS:
            part += _UNITS[word]
        elif word in _TENS:
            part += _TENS[word]
        elif word == "a":
            part += 1
        elif word == "hundred":
            part *= 100
        elif word == "thousand":
            total, part = (total + part) * 1000, 0
    return total + part


def _decimal(text: str) -> Fraction:
    return Fraction(text.replace(",", "").replace("$", "").replace(" ", ""))


def _places(text: str) -> int:
    return len(text.partition(".")[2])


def find_mentions(question: str) -> list[Mention]:
    """The mentions of a question, in reading order. Linear in its length."""
    found = []
    for match in _PATTERN.finditer(question):
        for mention in _ratio_pair(match, question) or [_mention(match, question)]:
            if mention is not None:
                found.append(_placed(mention, question))
    return found


def _ratio_pair(match: re.Match[str], question: str) -> list[Mention | None]:
    """``3:5`` in a text that speaks of a ratio: two numbers."""
    if match.lastgroup != "pair" or not re.search(r"\b(?:ratio|proportion)", question, re.I):
        return []
    numbers = re.finditer(r"\d+", match[0])
    shift = match.start()
    return [
        Mention(
            n.start() + shift, n.end() + shift, n[0], Fraction(int(n[0])), "integer", "digits", fixed="ratio"
        )
        for n in numbers
    ]


_SENTENCE: Final = re.compile(r"[.!?](?:\s|$)")
_NOUN: Final = re.compile(r"[\s-]*(?:more |extra |other |different |new |of |the )*([A-Za-z]+)")


def _placed(mention: Mention, question: str) -> Mention:
    """Add the noun that follows a mention and the words of its sentence near it."""
    start = 0
    for match in _SENTENCE.finditer(question, 0, mention.start):
        start = match.end()
    end_match = _SENTENCE.search(question, mention.end)
    end = end_match.start() if end_match else len(question)
    noun = _NOUN.match(question, mention.end)
    around = question[max(start, mention.start - 30) : min(end, mention.end + 40)]
    return replace(mention, noun=stem(noun[1].lower()) if noun else "", words=words_of(around))


def _mention(match: re.Match[str], question: str) -> Mention | None:
    what = match.lastgroup
    text = match[0]
    start, end = match.span()
    before, after = question[:start], question[end:]
    if what in ("clock", "pair"):
        hours, minutes = text.split(":")
        return Mention(
            start, end, text, Fraction(int(hours) * 60 + int(minutes)), "clock", "digits", fixed="clock"
        )
    if what == "hour":
        return Mention(start, end, text, Fraction(int(text)), "clock", "digits", fixed="clock")
    if what == "ordinal":
        return Mention(start, end, text, Fraction(int(text[:-2])), "ordinal", "digits", fixed="ordinal")
    if what in ("mixed", "ratio"):
        return _ratio(start, end, text)
    if what in ("wordmixed", "wordpart"):
        return _word_part(start, end, text, before, after)
    if what == "multiplier":
        return Mention(start, end, text, Fraction(_MULTIPLIERS[text.lower()]), "multiplier", "words")
    if what == "group":
        return Mention(
            start, end, text, Fraction(_GROUPS[text.lower()]), "group", "words", fixed="group word"
        )
    if what in ("words", "wordpercent"):
        kind: Kind = "percent" if what == "wordpercent" else "integer"
        return _counted(Mention(start, end, text, Fraction(read_words(text)), kind, "words"), after)
    value_text = text.lstrip("$ ")
    value = _decimal(value_text)
    places = _places(value_text)
    comma = "," in value_text
    kind = (
        "percent" if what == "percent" else "money" if what == "money" else "decimal" if places else "integer"
    )
    if what == "digits" and _is_year(text, before, after):
        return Mention(start, end, text, value, "year", "digits", fixed="year")
    # the sign of money is not part of the span: only digits are rewritten
    shift = len(text) - len(value_text)
    mention = Mention(start + shift, end, value_text, value, kind, "digits", comma, places)
    return _counted(mention, after)


def _counted(mention: Mention, after: str) -> Mention:
    """Take in a following ``million``: 1.5 million is one number, whose digits alone are rewritten."""
    scale = _SCALE.match(after)
    if scale is None or mention.kind == "percent" or (scale[1] == "hundred" and mention.style == "words"):
        return mention
    value = mention.value * _SCALES[scale[1].lower()]
    return replace(mention, value=value, fixed="scale word")


def _is_year(text: str, before: str, after: str) -> bool:
    if len(text) != 4 or not text.isdigit() or not 1700 <= int(text) <= 2100:
        return False
    return re.search(
        r"\b(?:in|since|by|year|of|from|until|after|before)\s+(?:the year )?$", before, re.I
    ) is not None and (re.match(r"\s+[a-z]+s\b", after) is None)


def _ratio(start: int, end: int, text: str) -> Mention | None:
    numbers = [int(n) for n in re.findall(r"\d+", text)]
    *whole, top, bottom = numbers
    if bottom == 0:
        return None
    value = Fraction(top, bottom) + (whole[0] if whole else 0)
    parts = (top, bottom) if not whole else None
    return Mention(start, end, text, value, "fraction", "digits", parts=parts)


def _word_part(start: int, end: int, text: str, before: str, after: str) -> Mention | None:
    lower = text.lower()
    if " and " in lower:
        whole, _, rest = lower.partition(" and ")
        top_word, bottom_word = re.split(r"[- ]", rest)
        top = 1 if top_word == "a" else read_words(top_word)
        value = Fraction(top, _PARTS[bottom_word]) + read_words(whole)
        return Mention(start, end, text, value, "fraction", "words", fixed="mixed words")
    pieces = re.split(r"[- ]", lower)
    if len(pieces) == 1:
        # a bare "third" is a place in a row; "quarter" may be a coin or three months; "half" is a half
        if pieces[0] not in ("half", "halves"):
            if pieces[0] in ("third", "fourth"):
                return Mention(
                    start, end, text, Fraction(_PARTS[pieces[0]]), "ordinal", "words", fixed="ordinal"
                )
            return None
        return Mention(start, end, text, Fraction(1, 2), "fraction", "words", parts=(1, 2), fixed="half")
    top = 1 if pieces[0] == "a" else read_words(pieces[0])
    bottom = _PARTS[pieces[1]]
    singular = pieces[1] in ("third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth")
    if singular and top != 1:
        return None
    if singular and pieces[0] == "a" and not re.match(r"\s+(?:of|as|the|that|less|more)\b", after):
        # "a third child" is an ordinal
        return Mention(start, end, text, Fraction(bottom), "ordinal", "words", fixed="ordinal")
    fixed = "half" if (top, bottom) == (1, 2) else None
    return Mention(
        start, end, text, Fraction(top, bottom), "fraction", "words", parts=(top, bottom), fixed=fixed
    )
