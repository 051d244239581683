"""Who is spoken of in a question, and which pronouns and openings of sentences need what stands before."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from rote.perturb.gsm8k.mentions import Mention
from rote.perturb.gsm8k.people import PersonMentions
from rote.perturb.gsm8k.people_words import ANIMALS, DAYS, GENERIC_PRONOUNS, MONTHS, NEUTRAL, NOUNS, PRONOUNS
from rote.perturb.noop.tagging import Token
from rote.perturb.values import Gender

#: A sentence that begins so goes on from the one before it.
_OPENERS: Final = re.compile(
    r"""(?:then|therefore|thus|hence|consequently|accordingly|however|but|so|and|or|nor|yet|also|instead|both
    |each|another|other|others|next|later|finally|lastly|meanwhile|meantime|similarly|likewise|conversely
    |otherwise|alternatively|furthermore|moreover|additionally|besides|besides|still|again|eventually|soon|now
    |afterwards?|subsequently|together|combined|neither|either|which|who|such|same|more|less|fewer
    |unfortunately|luckily|fortunately|sadly|surprisingly|unlike|firstly|secondly|thirdly|first|second|third
    |this|that|these|those|it|its|they|their|theirs|them|it's|there[ ]after|thereafter|since[ ]then|by[ ]then
    |until[ ]then|from[ ]then|if[ ]so|if[ ]not|even[ ]so|that's|only|what[ ]about|how[ ]about|in[ ]contrast
    |in[ ]addition|in[ ]return|in[ ]turn|in[ ]exchange|in[ ]the[ ]end|in[ ]comparison|in[ ]fact|in[ ]all
    |in[ ]other[ ]words|whereas|in[ ](?:this|that|these|those)|as[ ]a[ ]result|as[ ]well|as[ ]such
    |for[ ](?:example|instance|this|that|these|those|it)
    |at[ ](?:the[ ]same|the[ ]end|this|that|first|last|which)|on[ ](?:the[ ]way|the[ ]other|top|that|this)
    |after[ ](?:that|this|which|it|then|all)|before[ ](?:that|this|then|it)|because[ ]of|due[ ]to
    |during[ ](?:this|that)|with[ ](?:this|that|these|those|it|them)|from[ ](?:this|that|these|those)
    |to[ ]do[ ](?:this|that|so)|by[ ](?:this|that|doing)|of[ ](?:these|those|them|the[ ])|out[ ]of
    |the[ ](?:others?|rest|remaining|remainder|same|next|following|first|second|third|fourth|fifth|last|latter
    |former|final|two|three|four|five|six|result|difference|answer|total[ ]is|one)
    |one[ ](?:is|was|has|had|of[ ](?:them|these|those))|half[ ]of[ ](?:them|these|those)|everyone|everybody
    |everything|nobody|someone|given[ ](?:this|that|these)|knowing[ ]this|upon|all[ ](?:of[ ])?(?:them|these
    |those|this|that|three|four|five|six))(?![\w'-])""",
    re.VERBOSE,
)
#: "7 more people", "Another 5".
_MORE: Final = re.compile(
    r"(?:[\d,.]+|[a-z]+(?:-[a-z]+)?) (?:more|fewer|less|other|others|additional|of (?:these|those|them))\b"
)
#: "She then", "He also": the first words go on from the sentence before.
_GOES_ON: Final = re.compile(r"\w+ (?:then|also|instead|therefore|however)\b")
#: A contrast with the sentence before, or half a sentence; "While cooking" is neither.
_WHILE: Final = re.compile(r"while (?!\w+ing\b|on\b|in\b|at\b)")
#: Comparisons with a time before, near the beginning of a sentence.
_LATER: Final = re.compile(r"^(?:\S+\s){0,4}(?:later|afterwards?|earlier|thereafter)\b")

#: Pronouns of several people or things.
MANY: Final = frozenset(("they", "them", "their", "theirs", "themselves"))


@dataclass(frozen=True, slots=True)
class Text:
    """What is known of a question: its tokens, numbers, and who is named or meant where.

    ``people``: by token, the genders that a pronoun for whoever stands there can have; ``sure``: those of
    them that certainly are people. ``numbers``: by token at whose start a number begins, its mention.
    """

    question: str
    tokens: tuple[Token, ...]
    people: Mapping[int, frozenset[Gender]]
    sure: frozenset[int]
    pronouns: Mapping[int, Gender]
    numbers: Mapping[int, Mention]
    named: Mapping[int, str] = field(default_factory=dict)


_BOTH: Final[frozenset[Gender]] = frozenset(("female", "male"))
_TITLES: Final[Mapping[str, Gender]] = {"mr": "male", "sir": "male", "mrs": "female", "ms": "female"}


def text_of(
    question: str,
    tokens: tuple[Token, ...],
    people: Sequence[PersonMentions],
    mentions: Sequence[Mention],
    initial: frozenset[int],
) -> Text:
    """Gather what the questions below need. ``initial``: indices of tokens that begin a sentence."""
    at = {t.start: i for i, t in enumerate(tokens)}
    who: dict[int, frozenset[Gender]] = {}
    named: dict[int, str] = {}
    sure: set[int] = set()
    for person in people:
        for start, _ in person.spans:
            if start in at:
                who[at[start]] = frozenset((person.gender,)) if person.gender else _BOTH
                named[at[start]] = person.name
                sure.add(at[start])
    for i, token in enumerate(tokens):
        if i in who:
            continue
        word = token.lower
        if word in _TITLES:
            who[i] = frozenset((_TITLES[word],))
            sure.add(i)
        elif word in NOUNS and not token.tag.startswith("NN2"):
            who[i] = frozenset((NOUNS[word],))
            sure.add(i)
        elif word in NEUTRAL | ANIMALS:
            who[i] = _BOTH
            if word not in ANIMALS:
                sure.add(i)
        elif _unknown_name(tokens, i, initial):
            who[i] = _BOTH
    generic = {c for m in GENERIC_PRONOUNS.finditer(question) for c in range(*m.span())}
    pronouns = {
        i: PRONOUNS[t.lower] for i, t in enumerate(tokens) if t.lower in PRONOUNS and t.start not in generic
    }
    numbers = {at[m.start]: m for m in mentions if m.start in at}
    return Text(question, tokens, who, frozenset(sure), pronouns, numbers, named)


def _unknown_name(tokens: Sequence[Token], i: int, initial: frozenset[int]) -> bool:
    token = tokens[i]
    if not token.text[0].isupper() or len(token.text) < 2 or token.lower in DAYS | MONTHS:
        return False
    if i in initial:
        return token.tag == "NP0"
    return token.tag.startswith("NP") or token.tag == "UNC"


# -- openers -------------------------------------------------------------------------------------------


def continues(sentence: str) -> bool:
    """Whether a sentence begins with a word that joins it to the one before."""
    lower = sentence.lower().replace("’", "'").lstrip("\"“'(")
    return bool(
        _OPENERS.match(lower)
        or _MORE.match(lower)
        or _GOES_ON.match(lower)
        or _WHILE.match(lower)
        or _LATER.match(lower)
    ) or not sentence[:1].strip("\"“'(")


# -- people --------------------------------------------------------------------------------------------


def loose_genders(text: Text, first: int, last: int) -> frozenset[Gender]:
    """Genders of the pronouns in ``tokens[first:last]`` before which nobody there can be meant."""
    found: set[Gender] = set()
    seen: set[Gender] = set()
    for i in range(first, last):
        if i in text.pronouns and text.pronouns[i] not in seen:
            found.add(text.pronouns[i])
        elif i in text.sure:
            genders = text.people[i]
            seen |= genders if len(genders) == 1 or i in text.named else set()
            if len(genders) == 2 and i not in text.named:
                seen |= genders
    return frozenset(found)


def is_alone(text: Text) -> bool:
    """Whether at most one person is spoken of, so that everything owned is theirs."""
    named = {text.named.get(i, i) for i in text.people}
    plural = any(t.tag == "NN2" and t.lower.removesuffix("s") in NEUTRAL for t in text.tokens)
    return len(named) <= 1 and not plural


def rivals(text: Text, name: str, gender: Gender | None, last: int) -> bool:
    """Whether anybody but the named person, in ``tokens[:last]``, may be of that gender."""
    wanted = frozenset((gender,)) if gender else _BOTH
    return any(
        genders & wanted and text.named.get(i) != name for i, genders in text.people.items() if i < last
    )


_GATHERING: Final = frozenset(
    "everyone everybody anyone someone somebody nobody together people person persons".split()
)
_CIRCLES: Final = frozenset(("friends", "children", "kids", "siblings"))


def gathers(text: Text, first: int, last: int) -> bool:
    """Whether words from ``first`` on would take in one more person: everyone, together, they."""
    return any(
        t.lower in _GATHERING
        or (t.lower in MANY and any(k in text.named for k in range(max(first, i - 12), i + 1)))
        or (
            t.lower in ("friends", "children", "kids", "siblings")
            and text.tokens[i - 1].lower in ("the", "all")
        )
        for i, t in enumerate(text.tokens[first:last], start=first)
    )
