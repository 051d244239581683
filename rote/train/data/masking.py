"""A question as words, with numbers, names and gendered pronouns masked, and its runs of words.

What a variant changes is masked, so that a problem and its variants have the same words.
"""

from __future__ import annotations

import re
from functools import cache
from typing import Final

from rote.perturb.gsm8k.people_words import known_names
from rote.perturb.names import table

#: What the masked words become. No word of a question can be one of these.
NUMBER: Final = "<number>"
NAME: Final = "<name>"
_PRONOUNS: Final = {
    **dict.fromkeys(("he", "she"), "<he>"),
    # one word for two cases: "her" may be either
    **dict.fromkeys(("him", "his", "her", "hers"), "<his>"),
    **dict.fromkeys(("himself", "herself"), "<himself>"),
}

_ONES: Final = "zero one two three four five six seven eight nine"
_TEENS: Final = "ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen"
_TENS: Final = "twenty thirty forty fifty sixty seventy eighty ninety"
_LARGE: Final = "hundred thousand million billion dozen"
_PARTS: Final = (
    "half halves third thirds quarter quarters fourth fourths fifth fifths sixth sixths seventh sevenths "
    "eighth eighths ninth ninths tenth tenths"
)
_TIMES: Final = "once twice thrice double triple quadruple"
NUMBER_WORDS: Final = frozenset(f"{_ONES} {_TEENS} {_TENS} {_LARGE} {_PARTS} {_TIMES}".split())

#: Digits with what stands between them (1,080; 2.50; 3/4; 7:30), or letters with one apostrophe inside.
_WORD: Final = re.compile(r"[0-9]+(?:[.,:/][0-9]+)*|[^\W\d_]+(?:['’][^\W\d_]+)?")
#: A word after one of these, or after nothing, begins a sentence and says nothing by its capital.
_ENDS: Final = re.compile(r"[.!?:;\n\"“”(]")

Run = tuple[str, ...]


@cache
def _names() -> frozenset[str]:
    """First names in small letters; those that are also common words are left out."""
    drawn = {person.name.lower() for person in table()}
    return frozenset(drawn | {name.lower() for name, known in known_names().items() if not known.note})


def masked_words(text: str) -> tuple[str, ...]:
    """The words of a text in small letters, without punctuation, masked.

    A number in digits or words is one ``<number>``, as are several in a row ("two hundred", "2 1/2").
    A first name of rote's tables, and any word that the text writes with a capital inside a sentence, is a
    ``<name>`` wherever it stands; "he" and "she" are one word, and so are their other cases.
    """
    matches = list(_WORD.finditer(text))
    found = [(match[0], at == 0 or _opens(text, match.start())) for at, match in enumerate(matches)]
    proper = {_bare(word) for word, opens in found if not opens and word[0].isupper() and word != "I"}
    known = _names()
    words: list[str] = []
    for written, _ in found:
        word = _bare(written)
        if word[0].isdecimal() or word in NUMBER_WORDS:
            if words and words[-1] == NUMBER:
                continue
            word = NUMBER
        elif word in known or word in proper:
            word = NAME
        words.append(_PRONOUNS.get(word, word))
    return tuple(words)


def _opens(text: str, start: int) -> bool:
    return _ENDS.search(text, max(0, start - 3), start) is not None


def _bare(word: str) -> str:
    """The word in small letters without a possessive ending or an apostrophe."""
    word = word.lower().replace("’", "'")
    return word.removesuffix("'s").replace("'", "")


def runs_of(words: tuple[str, ...], length: int) -> frozenset[Run]:
    """All runs of ``length`` words; a text of fewer words is one run, one without words none."""
    if len(words) <= length:
        return frozenset([words] if words else [])
    return frozenset(words[at : at + length] for at in range(len(words) - length + 1))
