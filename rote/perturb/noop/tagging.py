"""Words with their parts of speech and lemmas, from HanTa's English model.

HanTa (Wartena, "A Probabilistic Morphology Model for German Lemmatization", KONVENS 2019) ships its model
inside its package. Tags are those of CLAWS 5, the British National Corpus's.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Final, Protocol, cast

from rote.perturb.noop.sentences import split


@dataclass(frozen=True, slots=True)
class Token:
    """A word, number or sign of a text; ``start`` and ``end`` are its characters, ``lemma`` is lower case."""

    text: str
    start: int
    end: int
    lemma: str
    tag: str

    @property
    def lower(self) -> str:
        """The word in lower case, with the plain apostrophe."""
        return self.text.lower().replace("’", "'")


class _Tagger(Protocol):
    def tag_sent(self, sent: list[str]) -> list[tuple[str, str, str]]: ...


_NUMBER_WORDS: Final = frozenset(
    """
    zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen
    sixteen seventeen eighteen nineteen twenty thirty forty fifty sixty seventy eighty ninety hundred
    thousand million billion
    """.split()
)
_TOKEN: Final = re.compile(
    r"\d+(?:[,.]\d+)*(?:st|nd|rd|th)?"
    r"|[^\W\d_]+(?=n['’]t\b)|n['’]t\b"
    r"|['’](?:s|ll|re|ve|d|m)\b"
    r"|(?:[A-Za-z]\.){2,}"
    r"|[^\W\d_]+(?:-[^\W\d_]+)*"
    r"|\S"
)
_ORDINAL: Final = re.compile(r"\d+(?:st|nd|rd|th)$")
#: Forms that the model reads as something else in word problems.
_FIXED: Final = {
    "cent": "NN1",
    "cents": "NN2",
    "each": "DT0",
    "per": "PRP",
    "how": "AVQ",
    "apiece": "AV0",
    "is": "VBZ",
    "are": "VBB",
    "was": "VBD",
    "were": "VBD",
    "has": "VHZ",
    "did": "VDD",
    "does": "VDZ",
}
#: The model does not know these signs, and loses its way at them.
_MONEY: Final = frozenset("$€£")
_AFTER_COSTS: Final = frozenset("$ € £ as more less twice half only the him her them".split())


@cache
def _tagger() -> _Tagger:
    from HanTa import HanoverTagger  # its model takes a while to load

    return cast(_Tagger, HanoverTagger.HanoverTagger("morphmodel_en.pgz"))


@lru_cache(maxsize=1024)
def tag_text(text: str) -> tuple[Token, ...]:
    """The tokens of a text of any number of sentences, in order. Depends on nothing but the text."""
    return tuple(token for start, end in split(text) for token in tag_sentence(text, start, end))


def tag_sentence(text: str, start: int, end: int) -> tuple[Token, ...]:
    """The tokens of one sentence, ``text[start:end]``; their characters are those of the whole text."""
    spans = [m.span() for m in _TOKEN.finditer(text, start, end)]
    words = [text[a:b] for a, b in spans]
    found = iter(_tagger().tag_sent([word.replace("’", "'") for word in words if word not in _MONEY]))
    tokens = []
    for i, (word, (a, b)) in enumerate(zip(words, spans, strict=True)):
        _, lemma, tag = (word, word, "UNC") if word in _MONEY else next(found)
        tokens.append(Token(word, a, b, lemma.lower(), _tag(word, tag, words[i + 1 : i + 2])))
    return tuple(tokens)


def _tag(word: str, tag: str, following: Sequence[str]) -> str:
    lower = word.lower()
    if (
        lower in ("cost", "costs")
        and following
        and (following[0].lower() in _AFTER_COSTS or following[0].isdigit())
    ):
        return "VVZ" if lower == "costs" else "VVB"
    if lower == "had":
        return tag if tag.startswith("VH") else "VHD"
    if word[0].isdigit():
        return "ORD" if _ORDINAL.match(word) else "CRD"
    if all(part in _NUMBER_WORDS for part in lower.split("-")):
        return "CRD"
    return _FIXED.get(lower, tag)
