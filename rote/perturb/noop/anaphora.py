"""Words that mean something said before: it, them, that day, bare numbers, "how many are left".

Everything is asked of a window of tokens: a word is loose when nothing before it in the window can be what
it means. Doubt makes a word loose.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from rote.perturb.gsm8k.people_words import DAYS, MONTHS
from rote.perturb.noop.nouns import class_of
from rote.perturb.noop.references import MANY, Text
from rote.perturb.noop.tagging import Token

_NEUTER: Final = frozenset(("it", "its", "itself"))
_POINTERS: Final = frozenset(("this", "that", "these", "those"))
_EVENTS: Final = _POINTERS | {"then"}
_BARE: Final = frozenset(("others", "ones", "latter", "former", "such", "same", "rest", "remainder", "both"))
_AMOUNTS: Final = frozenset(("many", "several", "few", "fewer", "none", "some"))
_NOW: Final = frozenset(
    "day week weekend month year morning afternoon evening season summer winter spring fall autumn "
    "semester night".split()
)
_GROUPS: Final = frozenset(
    "team family company class couple group band staff crew club committee everyone everybody someone "
    "anyone somebody person people child children police each audience school store shop country".split()
)
_BE: Final = frozenset(
    ("is", "are", "was", "were", "be", "been", "will", "'s", "could", "would", "can", "may")
)
_MAY_BE: Final = frozenset("is are was were be been will 's could would can may".split())
_ABSTRACT: Final = frozenset(
    "total sum difference answer result average altogether end now amount number rest remainder percent "
    "percentage probability combined day days dollar dollars cent cents money".split()
)
_BEFORE_BARE: Final = frozenset(
    "by to at than times before until from between plus minus over under divided of is was age aged be = "
    "turns turned through past and or number numbers".split()
)
_BEFORE_THAT: Final = frozenset(
    "than after before during of half twice times by at on in for with from like as to and do did".split()
)
_AFTER_THAT: Final = frozenset("much many day time week month year night point price rate".split())
_BEFORE_THEN: Final = frozenset("since by until from before is are was were be".split())
_IN_PHRASE: Final = frozenset("of the a an - / more less fewer other and , $".split())
_UNITS: Final = ("time", "measure", "currency")
#: Tokens that a noun phrase is followed over.
_RANGE: Final = 8


def loose_words(text: Text, first: int, start: int, last: int) -> Iterator[int]:
    """Indices in ``tokens[start:last]`` of words whose meaning is not to be found in ``tokens[first:…]``."""
    for i in range(start, last):
        if _is_loose(text, first, start, i, last):
            yield i


def points_before(text: Text, first: int, start: int, last: int) -> bool:
    """Whether a word of a later sentence, ``tokens[start:last]``, means something before ``tokens[first]``.

    ``this time`` or ``then`` that finds no noun anywhere means what the sentence just before it tells.
    """
    return any(
        not (text.tokens[i].lower in _EVENTS and _is_loose(text, 0, start, i, last))
        for i in loose_words(text, first, start, last)
    )


def _is_loose(text: Text, first: int, start: int, i: int, last: int) -> bool:
    tokens = text.tokens
    word = tokens[i].lower
    if word in _NEUTER:
        return not (_stands_for_nothing(tokens, i, last) or _has_singular(text, first, i))
    if word in MANY:
        return not _has_plural(text, first, i)
    if word in _POINTERS:
        return _pointer_is_loose(text, first, i, last)
    if word == "there":
        return not _exists(tokens, i, start) and not _has_place(tokens, first, i - 1)
    if word == "then":
        closes = i + 1 >= last or tokens[i + 1].text in ".?!"
        return i > start and (closes or tokens[i - 1].lower in _BEFORE_THEN)
    if (
        word in ("one", "ones")
        and i > start
        and _picks(tokens[i - 1])
        and not _noun_follows(tokens, i + 1, last)
    ):
        return not any(t.tag == "NN2" for t in tokens[first : i - 1])
    if tokens[i].tag == "ORD" and i > start and tokens[i - 1].lower == "the":
        return not (_noun_follows(tokens, i + 1, last) or _has_noun(text, first, i))
    if word in _BARE:
        return not (
            _noun_follows(tokens, i + 1, last) or _has_noun(text, first, i) or _joined_later(tokens, i)
        )
    if word in _AMOUNTS:
        elided = not _noun_follows(tokens, i + 1, last)
        return elided and not _has_noun(text, first, i)
    if word == "each" or word == "another":
        return not (_noun_follows(tokens, i + 1, last) or _has_noun(text, first, i))
    if i in text.numbers:
        return _number_is_loose(text, first, i, last)
    return False


def _picks(token: Token) -> bool:
    """Whether a word before ``one`` picks among things: the first one, another one, the red one."""
    return token.tag in ("ORD", "AJ0", "AJS", "AJC") or token.lower in (
        "other",
        "another",
        "each",
        "last",
        "this",
        "that",
        "the",
        "only",
        "every",
    )


def _asked_for(tokens: Sequence[Token], first: int, i: int) -> range:
    """The words that a question fetches to its front: ``how many tickets`` of "how many tickets did they"."""
    for w in range(i - 1, first - 1, -1):
        if tokens[w].lower in ("how", "what", "which") and (w == first or tokens[w - 1].tag != "NN2"):
            verb = next((k for k in range(w, i) if tokens[k].tag.startswith("V")), i)
            return range(w, verb)
    return range(0)


def _stands_for_nothing(tokens: Sequence[Token], i: int, last: int) -> bool:
    """``it`` of "it takes 5 minutes to", "it was raining"."""
    after = [t.lower for t in tokens[i + 1 : last]]
    lemmas = [t.lemma for t in tokens[i + 1 : i + 4]]
    before = tokens[i - 1].lower if i else ""
    if any(w in after[:3] for w in ("raining", "snowing", "rains", "snows", "rained", "snowed", "midnight")):
        return True
    if before in ("does", "did", "will", "would", "has", "is", "was") or any(
        lemma in ("take", "cost", "be") for lemma in lemmas
    ):
        return "to" in after[1:] and any(lemma in ("take", "cost", "be") for lemma in lemmas)
    return False


def _has_singular(text: Text, first: int, i: int) -> bool:
    tokens = text.tokens
    asked = _asked_for(tokens, first, i)
    return any(
        tokens[j].tag in ("NN1", "NN0")
        and j not in text.sure
        and class_of(tokens[j].lower) not in ("time", "measure", "currency", "place", "person")
        for j in range(first, i)
        if j not in asked
    )


def _has_plural(text: Text, first: int, i: int) -> bool:
    tokens = text.tokens
    asked = _asked_for(tokens, first, i)
    for j in range(first, i):
        if j in asked:
            continue
        token = tokens[j]
        if token.tag == "NN2" and class_of(token.lower) not in _UNITS:
            return True
        if token.lower in _GROUPS or (j in text.sure and j not in text.named and len(text.people[j]) == 2):
            return True
        if token.lower == "and" and j > first and j + 1 < i:
            near = (tokens[j - 1], tokens[j + 1])
            if any(t.lower in DAYS | MONTHS or class_of(t.lower) in _UNITS for t in near):
                continue
            if all(t.tag.startswith(("NP", "NN")) or t.text[0].isupper() for t in near):
                return True
            if any(k in text.sure for k in range(j + 1, min(j + 4, i))) and any(
                k in text.sure for k in range(max(first, j - 4), j)
            ):
                return True
    return False


def _has_noun(text: Text, first: int, i: int) -> bool:
    """Whether a noun that can be counted or measured stands before, in the window."""
    return any(
        (t.tag.startswith("NN") and j not in text.sure) or (t.tag == "NN2")
        for j, t in enumerate(text.tokens[first:i], start=first)
    )


def _has_place(tokens: Sequence[Token], first: int, i: int) -> bool:
    return any(
        class_of(t.lower) == "place" or (t.tag == "NP0" and tokens[j - 1].lower in ("to", "in", "at", "from"))
        for j, t in enumerate(tokens[first:i], start=first)
    )


def _exists(tokens: Sequence[Token], i: int, start: int) -> bool:
    """``there`` of "there are", "are there", not of "drives there"."""
    after = tokens[i + 1].lower if i + 1 < len(tokens) else ""
    if (
        i > start
        and tokens[i - 1].tag.startswith(("NN", "NP"))
        and not tokens[start].tag.startswith(("PRP", "CJ"))
    ):
        return False  # "the man there is old", but "on Monday there are two"
    if after in _BE or after in _MAY_BE:
        return True
    before = tokens[i - 1].lower if i > start else ""
    return before in _BE or before in ("has", "have", "had")


def _pointer_is_loose(text: Text, first: int, i: int, last: int) -> bool:
    tokens = text.tokens
    word, tag = tokens[i].lower, tokens[i].tag
    before = tokens[i - 1] if i > first else None
    after = tokens[i + 1] if i + 1 < last else None
    if word in ("these", "those"):
        if after and after.lower in ("who", "that", "of", "which", "with", "in"):
            return False
        return not _said_before(tokens, first, i, last)
    if after is None:
        return True
    if word == "this":
        return after.lemma not in _NOW and not _said_before(tokens, first, i, last)
    if before and before.lower in (
        "than",
        "after",
        "before",
        "during",
        "of",
        "half",
        "twice",
        "times",
        "by",
        "at",
    ):
        return not _said_before(tokens, first, i, last)
    if after.lower in (
        "much",
        "many",
        "day",
        "time",
        "week",
        "month",
        "year",
        "night",
        "point",
        "price",
        "rate",
    ):
        return not _said_before(tokens, first, i, last)
    if before is None:
        return True
    if tag == "DT0":
        relative = before.tag.startswith(("NN", "NP")) or before.lemma in ("know", "say", "see", "find", "so")
        return not relative and not _said_before(tokens, first, i, last)
    return False


def _said_before(tokens: Sequence[Token], first: int, i: int, last: int) -> bool:
    """Whether the noun after a pointing word stands before it too; for a bare one, whether any noun does."""
    nouns = [t.lemma for t in tokens[i + 1 : min(i + 4, last)] if t.tag.startswith("NN")]
    earlier = {t.lemma for t in tokens[first:i] if t.tag.startswith("NN")}
    if nouns:
        return nouns[0] in earlier or (bool(earlier) and tokens[i + 1].lower in ("much", "many"))
    return bool(earlier)


def _noun_follows(tokens: Sequence[Token], i: int, last: int) -> bool:
    """Whether a noun phrase goes on at ``i`` and reaches its noun."""
    for token in tokens[i : min(i + _RANGE, last)]:
        if token.tag.startswith(("NN", "NP")) or token.lower in ("people", "times", "percent", "%"):
            return True
        if token.lower in (
            "of",
            "the",
            "a",
            "an",
            "-",
            "/",
            "more",
            "less",
            "fewer",
            "other",
            "and",
            ",",
            "$",
        ):
            continue
        if token.tag.startswith(("AJ", "DT", "DPS", "ORD", "CRD", "VVN", "VVG", "POS", "AV", "AT")):
            continue
        return False
    return False


def _joined_later(tokens: Sequence[Token], i: int) -> bool:
    """``both Ann and Bo``, ``both in June and in May``."""
    return tokens[i].lower == "both" and any(t.lower == "and" for t in tokens[i + 1 : i + 8])


def _number_is_loose(text: Text, first: int, i: int, last: int) -> bool:
    """A bare number whose noun is left out: ``she eats 3 and sells the rest``."""
    tokens, mention = text.tokens, text.numbers[i]
    if mention.kind not in ("integer", "decimal", "fraction", "group"):
        return False
    j = next((k for k in range(i, last) if tokens[k].start >= mention.end), last)
    if j < last and tokens[j].lower in ("hundred", "thousand", "million", "billion"):
        j += 1
    before = tokens[i - 1].lower if i > first else ""
    if before in _BEFORE_BARE or before in ("$", "€", "£", ":", "#", "-", "/"):
        return False
    if j < last and (
        tokens[j].lower in ("%", "percent", "-", "/", "x", "*", "+", "=") or before in ("-", "/")
    ):
        return False
    if before and tokens[i - 1].tag in ("NN1", "NP0") and tokens[i - 1].end + 1 == tokens[i].start:
        return False  # a label: "room 12", "May 5"
    if mention.end < len(text.question) and text.question[mention.end].isalpha():
        return False  # "5kg"
    return not _noun_follows(tokens, j, last) and not _has_noun(text, first, i)


# -- questions -----------------------------------------------------------------------------------------


def asks_of_nothing(text: Text, start: int, last: int) -> bool:
    """Whether an asking sentence names nothing that it asks about: "How many are left?"."""
    tokens = text.tokens
    for i in range(start, last - 1):
        many = tokens[i].lower == "how" and tokens[i + 1].lower == "many"
        if many and not _counts_something(tokens, i + 2, last) and not _has_noun(text, start, i):
            return True
    return not any(
        (t.tag.startswith(("NN", "NP")) and t.lemma not in _ABSTRACT)
        or i in text.people
        or i in text.pronouns
        for i, t in enumerate(tokens[start:last], start=start)
    )


def _counts_something(tokens: Sequence[Token], i: int, last: int) -> bool:
    if i < last and tokens[i].lower == "of":
        return _noun_follows(tokens, i, last)
    for token in tokens[i:last]:
        if token.tag.startswith("NN") or token.tag.startswith("NP"):
            return True
        if not (token.tag.startswith(("AJ", "AV", "DT", "VVN", "VVG", "CRD", "ORD")) or token.text in ",-'"):
            return False
    return False
