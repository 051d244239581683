"""A question as words with their neighbours: what the recogniser of people looks at.

Everything here is a fact about the text or a question to it; decisions are made elsewhere.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Final

from rote.perturb.gsm8k import people_words as words
from rote.perturb.gsm8k.people_words import KnownName, known_names
from rote.perturb.values import Gender


@dataclass(slots=True)
class Token:
    """A word of the question; ``gap``: the characters between it and the word before."""

    text: str
    start: int
    end: int
    gap: str
    lower: str
    initial: bool  # begins a sentence, a quotation or a bracket
    owns: bool  # stands in the possessive
    sentence: int

    @property
    def capital(self) -> bool:
        return self.text[0].isupper()


@dataclass(slots=True)
class Group:
    """A person while they are being understood; ``at``: indices of tokens."""

    known: KnownName
    at: list[int] = field(default_factory=list)
    frozen: str | None = None
    kin: set[Gender] = field(default_factory=set)
    told: set[Gender] = field(default_factory=set)
    gender: Gender | None = None

    def freeze(self, reason: str) -> None:
        self.frozen = self.frozen or reason


_WORD: Final = re.compile(r"[^\W\d_]+")
_BREAK: Final = re.compile(r'[.!?:;\n"“”(]')
_FULL_STOP: Final = re.compile(r"[.!?\n]")
_QUOTED: Final = re.compile(r'["“][^"“”]{1,60}["”]')
_POSSESSIVE: Final = re.compile(r"['’`]\s?[sS](?![^\W\d_])")
#: Words that a list of names is followed back over; keeps the time linear.
_LONGEST_LIST: Final = 40
_APOSTROPHES: Final = ("'", "’", "`")


def tokenise(question: str) -> list[Token]:
    tokens: list[Token] = []
    end = sentence = 0
    for m in _WORD.finditer(question):
        gap = question[end : m.start()]
        abbreviated = bool(tokens) and tokens[-1].lower in words.TITLES and gap.strip() == "."
        initial = not tokens or (not abbreviated and bool(_BREAK.search(gap)))
        sentence += bool(_FULL_STOP.search(gap)) and not abbreviated
        after = question[m.end() : m.end() + 4]
        owns = bool(_POSSESSIVE.match(after)) or (
            m[0][-1] in "sxz" and after[:1] in _APOSTROPHES and not after[1:2].isalpha()
        )
        tokens.append(Token(m[0], m.start(), m.end(), gap, m[0].lower(), initial, owns, sentence))
        end = m.end()
    return tokens


def one_slip(a: str, b: str) -> bool:
    """Whether one letter added, left out, changed or swapped with its neighbour turns ``a`` into ``b``."""
    if a == b or abs(len(a) - len(b)) > 1:
        return False
    i = 0
    while i < min(len(a), len(b)) and a[i] == b[i]:
        i += 1
    if len(a) == len(b):
        swapped = a[i : i + 2] == b[i : i + 2][::-1] and a[i + 2 :] == b[i + 2 :]
        return a[i + 1 :] == b[i + 1 :] or swapped
    return a[i + 1 :] == b[i:] if len(a) > len(b) else a[i:] == b[i + 1 :]


class Reading:
    """One question, read once."""

    def __init__(self, question: str) -> None:
        self.question = question
        self.tokens = tokenise(question)
        self.quoted = {i for m in _QUOTED.finditer(question) for i in range(*m.span())}
        generic = {i for m in words.GENERIC_PRONOUNS.finditer(question) for i in range(*m.span())}
        self.pronouns: dict[int, Gender] = {
            i: words.PRONOUNS[t.lower]
            for i, t in enumerate(self.tokens)
            if t.lower in words.PRONOUNS and t.start not in generic
        }
        self.names = known_names()
        self.small = {t.text for t in self.tokens if not t.capital} | {"i"}

    def before(self, i: int) -> Token | None:
        """The word before, if nothing but white space (or the point of ``Mr.``) stands between."""
        if i == 0:
            return None
        gap, last = self.tokens[i].gap, self.tokens[i - 1]
        touching = not gap.strip() or (gap.strip() == "." and last.lower in words.TITLES)
        return last if touching and "\n" not in gap else None

    def after(self, i: int) -> Token | None:
        """The word after, if nothing but white space or a possessive ending stands between."""
        j = i + 1
        if self.tokens[i].owns and j < len(self.tokens) and self.tokens[j].lower == "s":
            j += 1
        if j >= len(self.tokens):
            return None
        gap = self.tokens[j].gap
        bare = gap.strip() if not self.tokens[i].owns else gap.strip().lstrip("'’`")
        return self.tokens[j] if not bare and "\n" not in gap else None

    def listed(self, i: int) -> tuple[int, bool]:
        """``(j, first)``: the word before the list of names that ``i`` stands in; whether ``i`` opens it."""
        first, j = True, i - 1
        while j >= max(0, i - _LONGEST_LIST):
            gap, token = self.tokens[j + 1].gap.strip(), self.tokens[j]
            if gap not in ("", ",", ":", "&"):
                return -1, first
            if token.lower in ("and", "or") or (token.capital and token.text in self.names):
                first, j = False, j - 1
                continue
            break
        return (j, first) if j >= i - _LONGEST_LIST else (-1, first)

    def acts(self, i: int, *, lifeless: bool) -> bool:
        """Whether the word does, owns or is asked about what only a person does, owns or is asked about."""
        token, last = self.tokens[i], self.before(i)
        if token.owns:
            return True
        following = self.after(i)
        if following and following.lower in words.SKIPPED:
            j = self.tokens.index(following, i) if following.lower != "who" else i + 1
            following = self.after(j)
        if following and following.lower in words.VERBS | {"is"}:
            return lifeless or following.lower not in words.LIFELESS
        return lifeless and bool(last and last.lower in words.ASKING and following and not following.capital)
