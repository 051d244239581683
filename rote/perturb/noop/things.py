"""The counted plural things of a question: ``12 red apples``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Final

from rote.perturb.gsm8k.mentions import Mention
from rote.perturb.noop.nouns import Noun, class_of, nouns, plurals
from rote.perturb.noop.tagging import Token


@dataclass(frozen=True, slots=True)
class Thing:
    """A counted plural noun.

    ``one``, ``many``: the head noun, ``many`` as the problem writes it. ``kind``: its class. ``count``: the
    characters of the number, ``value`` the number itself. ``sentence``: index of the sentence that counts it.
    ``alone``: whether the noun is counted once in the problem, so that "the apples" can mean nothing else.
    """

    one: str
    many: str
    kind: str
    count: tuple[int, int]
    value: Fraction
    sentence: int
    alone: bool


#: Between a number and its noun, words that make it no plain count of what is there.
_NOT_PLAIN: Final = frozenset(
    "more less fewer other additional extra times as of than another further".split()
)
#: Before a number, words that make it inexact, a part, or a place in a row.
_NOT_BEFORE: Final = frozenset(
    "than least most about around over under nearly almost approximately roughly between to up first next "
    "last other remaining another every each per $ € £ - / of by these those same additional extra no "
    "into".split()
)
#: In a sentence, words that make its counts rates, wishes or suppositions.
_GENERIC: Final = frozenset(
    "if would could can should may might must need needs needed want wants wanted plan plans planned hope "
    "hopes hoped wish suppose assume imagine will 'll daily weekly monthly yearly hourly usually always "
    "normally typically average goal able require requires required capacity hold holds fit fits told "
    "asked sent instructed respectively consists consist includes include offers not n't without unless "
    "either or whenever ratio".split()
)
#: Words that make a count one of many like it.
_RATES: Final = frozenset(("each", "every", "per", "apiece"))
_STOPS: Final = frozenset(", ; : $ and but while so because when which that with".split())
#: Before a noun, words that make another thing of it: "hot dogs", "toy cars".
_OTHER_THING: Final = frozenset(
    "hot teddy gummy guinea toy stuffed model plastic paper wooden clay glass rubber ceramic lego animal "
    "cotton french ice jelly remote balloon snow sea prairie dvd cd record mp3 music vacuum".split()
)
_OWNERS: Final = frozenset(("her", "his", "'s", "their", "'", "my", "our"))
_SWEET: Final = frozenset(("chocolate", "candy", "sugar", "gummy", "cotton", "fried"))
#: Words that a number labels: "grade 5 students".
_LABELLED: Final = frozenset(
    "grade level room class day week month number no size chapter page step gate bus route highway floor "
    "unit section line type model part version season".split()
)
_HOLDING: Final = frozenset("have hold contain carry produce lay get receive bring".split())
#: Words before a noun that speak of some of its kind which the number may not count.
_OTHERS: Final = frozenset(
    "more other others another different new additional extra some many several few fewer any no all "
    "these those both such enough most remaining".split()
)
_PER: Final = frozenset(("a", "an"))
_UNITS: Final = ("measure", "time", "currency")
_MAX_GAP: Final = 5


def find_things(
    tokens: Sequence[Token],
    sentences: Sequence[tuple[int, int, bool]],
    mentions: Sequence[Mention],
    *,
    one_owner: bool,
) -> tuple[Thing, ...]:
    """The counted things in order; ``sentences``: first and last token (exclusive) and whether it asks."""
    at = {t.start: i for i, t in enumerate(tokens)}
    counts: dict[int, Mention] = {at[m.start]: m for m in mentions if m.start in at}
    heads: dict[int, int] = {}
    found: list[tuple[int, int, Noun, Mention, int, bool]] = []
    for number, (first, last, asks) in enumerate(sentences):
        for i in range(first, last):
            mention = counts.get(i)
            head = _head(tokens, i, last, mention) if mention else None
            if mention is None or head is None:
                continue
            heads[i] = head
            noun = plurals().get(tokens[head].lower)
            written = tokens[head].text
            if (
                noun is not None
                and (written.islower() or "-" in written)
                and _counts(tokens, first, i, head, mention)
            ):
                plain = not asks and _is_plain(tokens, first, last, i, head)
                found.append((i, head, noun, mention, number, plain))
    compared = _compares(tokens)
    return tuple(
        Thing(
            noun.one,
            tokens[head].text,
            noun.kind,
            mention.span,
            mention.value,
            number,
            plain and not compared and _is_alone(tokens, head, noun, heads, i, one_owner),
        )
        for i, head, noun, mention, number, plain in found
    )


def _head(tokens: Sequence[Token], i: int, last: int, mention: Mention) -> int | None:
    """The last noun of the noun phrase that the number begins."""
    j = i
    while j < last and tokens[j].start < mention.end:
        j += 1
    head = None
    for k in range(j, min(j + _MAX_GAP, last)):
        token = tokens[k]
        if token.tag.startswith("NN"):
            head = k
            if token.tag == "NN2" and token.lower in plurals():
                following = tokens[k + 1] if k + 1 < last else None
                if following is None or not following.tag.startswith("NN"):
                    break
            continue
        if head is not None and tokens[head].tag == "NN2":
            break
        if token.tag.startswith(("AJ", "NP", "VVN", "VVG", "DT", "ORD")) or token.lower in plurals():
            if token.lower in plurals():
                head = k
            continue
        break
    return head


def _counts(tokens: Sequence[Token], first: int, i: int, head: int, mention: Mention) -> bool:
    """Whether the number is a plain count of the noun, two or more."""
    if mention.kind != "integer" or mention.fixed or mention.value < 2 or mention.value.denominator != 1:
        return False
    before = tokens[i - 1] if i > first else None
    if before and (before.lower in _NOT_BEFORE or before.lower in _LABELLED):
        return False
    between = tokens[i + 1 : head]
    kind = class_of(tokens[head].lower)
    described = {t.lower for t in tokens[max(first, head - 2) : head]}
    if kind in ("animal", "vehicle", "person", "plant", "food") and described & _OTHER_THING:
        return False
    if kind == "animal" and described & _SWEET:
        return False
    if any(t.lower in _NOT_PLAIN or t.text in "-/%,$" for t in between):
        return False
    # "2 liter bottles", "10 cent stamps": the number belongs to the unit
    return not any(
        (noun := nouns().get(t.lower)) and noun.kind in ("measure", "time", "currency") for t in between
    )


def _is_plain(tokens: Sequence[Token], first: int, last: int, i: int, head: int) -> bool:
    """Whether the sentence tells that those things are there, once."""
    if any(t.lower in _GENERIC for t in tokens[first:last]):
        return False
    if any(t.lower in _RATES for t in tokens[first:i]) or _is_shared_out(tokens, first, i):
        return False
    if any(_is_rate(tokens, j) for j in range(first + 1, last)):
        return False
    after = tokens[head + 1 : min(head + 7, last)]
    if after and after[0].lower in _PER:
        return False  # "apples a day"
    for token in after:
        if token.lower in _STOPS:
            break
        if token.lower in _RATES:
            return False  # "apples in each box"
    return True


def _is_rate(tokens: Sequence[Token], j: int) -> bool:
    """``a week``, ``every day``: what the sentence counts comes again and again."""
    article, noun = tokens[j - 1], tokens[j]
    if class_of(noun.lower) != "time":
        return False
    often = article.lower in ("every", "each", "per")
    return often or (article.lower in _PER and not (j > 1 and tokens[j - 2].tag.startswith("PR")))


def _is_shared_out(tokens: Sequence[Token], first: int, i: int) -> bool:
    """``34 and 22 pens``, ``3 of the cages have 10 hamsters``: the number is one of several alike."""
    if i < first + 2:
        return False
    if tokens[i - 1].lower in ("and", "or") and tokens[i - 2].tag == "CRD":
        return True
    return tokens[i - 1].lemma in _HOLDING and any(t.tag == "CRD" for t in tokens[first : i - 1])


def _compares(tokens: Sequence[Token]) -> bool:
    """Whether the problem speaks of amounts without naming the things again: twice as many, that number."""
    words = [t.lower for t in tokens]
    for j in range(1, len(words)):
        if words[j] == "many" and words[j - 1] != "how":
            return True
        if words[j] in ("number", "amount") and words[j - 1] in ("that", "this", "the", "same", "equal"):
            return True
        if words[j] == "than" and words[j - 1] in ("more", "less", "fewer"):
            return True
    return False


def _is_alone(
    tokens: Sequence[Token], head: int, noun: Noun, heads: Mapping[int, int], number: int, one_owner: bool
) -> bool:
    counted = {h for i, h in heads.items() if i != number}
    for j, token in enumerate(tokens):
        if j == head or token.lower not in (noun.one, noun.many):
            continue
        if j in counted:
            return False
        before = [t.lower for t in tokens[max(0, j - 3) : j]]
        asked = before[-2:] == ["how", "many"] or before[-3:-1] == ["how", "many"]
        if asked and any(t.lemma in ("need", "require") for t in tokens[j:]):
            return False
        if not asked and _OTHERS & set(before):
            return False
        if before and (before[-1] == "one" or before[-1].isdigit()):
            return False
        if not one_owner and _OWNERS & set(before):
            return False
    return True
