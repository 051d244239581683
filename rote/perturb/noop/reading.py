"""A question read for inert clauses: its sentences, its counted things, and where a sentence may be put in.

Everything is decided conservatively: what is not certainly a good place is none.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from rote.perturb.gsm8k.mentions import find_mentions
from rote.perturb.gsm8k.people import PersonMentions, find_people
from rote.perturb.gsm8k.people_words import ANIMALS
from rote.perturb.noop import references as refer
from rote.perturb.noop.anaphora import asks_of_nothing, loose_words, points_before
from rote.perturb.noop.sentences import split
from rote.perturb.noop.settings import is_modern, settings_of
from rote.perturb.noop.tagging import Token, tag_sentence
from rote.perturb.noop.things import Thing, find_things

__all__ = ["Cut", "Reading", "Sentence", "Thing", "Token", "read"]


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence; ``asks``: it holds the question, with its mark or as a request ("Calculate …")."""

    start: int
    end: int
    tokens: tuple[Token, ...]
    asks: bool


@dataclass(frozen=True, slots=True)
class Cut:
    """A place between two sentences where a whole sentence may be put without breaking a reference.

    ``offset``: the new sentence goes before ``question[offset:]``, which begins the sentence of index
    ``sentence``. ``position``: start, mid_text or before_question. ``newcomer``, ``object``: whether it may
    be about a new person, about a new thing or place. ``people``: those whom it may name.
    """

    offset: int
    sentence: int
    position: str
    newcomer: bool
    object: bool
    people: frozenset[str]


@dataclass(frozen=True, slots=True)
class Reading:
    """A question as families see it.

    ``lemmas``: of all words, with the words themselves, lower case; a word that may have several lemmas
    gives them all. ``asked``: those of the asking sentences. ``tense``: past, present or mixed. ``people``:
    named persons who are surely human. ``modern``: an everyday story of today.
    """

    question: str
    sentences: tuple[Sentence, ...]
    lemmas: frozenset[str]
    asked: frozenset[str]
    tense: str
    people: tuple[PersonMentions, ...]
    things: tuple[Thing, ...]
    cuts: tuple[Cut, ...]
    settings: frozenset[str]
    modern: bool


@lru_cache(maxsize=4096)
def read(question: str, people: tuple[PersonMentions, ...] | None = None) -> Reading:
    """Read a question. Pure.

    ``people``: everybody whom the question names, where the caller knows them (a template's own people);
    None: those whom :func:`rote.perturb.gsm8k.people.find_people` recognises.
    """
    spans = split(question)
    tokens: list[Token] = []
    bounds: list[tuple[int, int, bool]] = []
    sentences = []
    for start, end in spans:
        own = tag_sentence(question, start, end)
        asks = _asks(question[start:end])
        bounds.append((len(tokens), len(tokens) + len(own), asks))
        tokens += own
        sentences.append(Sentence(start, end, own, asks))
    named, mentions = find_people(question) if people is None else people, find_mentions(question)
    known = tuple(p for p in named if _is_human(question, p))
    text = refer.text_of(question, tuple(tokens), named, mentions, frozenset(b[0] for b in bounds))
    lemmas = _lemmas(tokens)
    return Reading(
        question=question,
        sentences=tuple(sentences),
        lemmas=lemmas,
        asked=_lemmas([t for s in sentences if s.asks for t in s.tokens]),
        tense=_tense(sentences),
        people=known,
        things=find_things(tokens, bounds, mentions, one_owner=refer.is_alone(text)),
        cuts=tuple(_cuts(text, sentences, bounds, known)),
        settings=settings_of(tokens),
        modern=is_modern(question, tokens),
    )


_REQUEST: Final = re.compile(
    r"^(?:please\s+)?(?:calculate|find|determine|compute|express|give|write|state|tell|estimate|work out"
    r"|figure out|solve|what|how|in total, how|help|show|convert|round|assume you)\b"
    r"|[,;] (?:please )?(?:calculate|find|determine|compute|how (?:many|much|long|far|old)"
    r"|what (?:is|was|are))\b",
    re.IGNORECASE,
)


def _asks(sentence: str) -> bool:
    return "?" in sentence or bool(_REQUEST.search(sentence))


# -- words ---------------------------------------------------------------------------------------------


_ENDINGS: Final = (("s", ""), ("es", ""), ("ies", "y"), ("ed", ""), ("d", ""), ("ing", ""), ("ing", "e"))


def _lemmas(tokens: Sequence[Token]) -> frozenset[str]:
    """Words and lemmas, with the stems that a word may have when its part of speech was misread."""
    found: set[str] = set()
    for token in tokens:
        lower = token.lower
        found |= {token.lemma, lower, *lower.split("-")}
        for ending, put in (
            ("s", ""),
            ("es", ""),
            ("ies", "y"),
            ("ed", ""),
            ("d", ""),
            ("ing", ""),
            ("ing", "e"),
        ):
            if len(lower) > len(ending) + 2 and lower.endswith(ending):
                found.add(lower.removesuffix(ending) + put)
    return frozenset(w for w in found if any(c.isalpha() for c in w))


_PAST: Final = frozenset(("VVD", "VBD", "VHD", "VDD"))
_PRESENT: Final = frozenset(("VVZ", "VVB", "VBZ", "VBB", "VHZ", "VHB", "VDZ", "VDB"))
#: Verbs whose past is spelt as their present.
_ALIKE: Final = frozenset("cost cut put read set hit let spread shut quit bet hurt beat split".split())
_SHARE: Final = 0.8


def _tense(sentences: Sequence[Sentence]) -> str:
    """The tense of the story's finite verbs, four in five of them; of the question, where it is all."""
    told = [s for s in sentences if not s.asks] or sentences
    past = present = 0
    for sentence in told:
        main = ""
        for i, token in enumerate(sentence.tokens):
            before = sentence.tokens[i - 1].tag if i else ""
            if token.lower in _ALIKE:
                continue
            # a participle before any other verb, behind no noun, is a past that was misread
            misread = not main and token.tag == "VVN" and before.startswith(("NP", "PNP", "NN"))
            past += token.tag in _PAST or misread
            present += token.tag in _PRESENT and before not in ("TO0", "VM0")
            main = main or (token.tag if token.tag.startswith("V") else "")
    total = past + present
    if total and past >= _SHARE * total:
        return "past"
    if total and present >= _SHARE * total:
        return "present"
    return "mixed"


# -- people --------------------------------------------------------------------------------------------

#: Reasons for which a name stays as it is although a person certainly bears it.
_HUMAN_ALL_THE_SAME: Final = ("of either gender", "may be the same person as")


_ANIMAL: Final = rf"(?:{'|'.join(sorted(ANIMALS))})"
#: "Bo is an old dog", "Bo, the cat".
_SAID_OF: Final = re.compile(
    rf",? (?:is|was|the|a|an|his|her|their)\b[^.?!,]{{0,30}}\b{_ANIMAL}\b", re.IGNORECASE
)
#: "the dog Bo".
_CALLED: Final = re.compile(rf"\b{_ANIMAL},? $", re.IGNORECASE)


def _is_human(question: str, person: PersonMentions) -> bool:
    if person.frozen_reason and not person.frozen_reason.startswith(_HUMAN_ALL_THE_SAME):
        return False
    return not any(
        _SAID_OF.match(question, end) or _CALLED.search(question[max(0, start - 30) : start])
        for start, end in person.spans
    )


# -- cuts ----------------------------------------------------------------------------------------------


def _cuts(
    text: refer.Text,
    sentences: Sequence[Sentence],
    bounds: Sequence[tuple[int, int, bool]],
    people: Sequence[PersonMentions],
) -> list[Cut]:
    found = []
    for n, sentence in enumerate(sentences):
        if _is_cut(text, sentences, bounds, n):
            first, end = bounds[n][0], len(text.tokens)
            thing = not any(points_before(text, first, a, b) for a, b, _ in bounds[n + 1 :])
            person = not refer.loose_genders(text, first, end) and not refer.gathers(text, first, end)
            found.append(
                Cut(
                    sentence.start,
                    n,
                    "start" if n == 0 else "before_question" if sentence.asks else "mid_text",
                    thing and person,
                    thing,
                    frozenset(p.name for p in people if _may_name(text, sentences, bounds, n, p)),
                )
            )
        if sentence.asks:
            break
    return found


def _is_cut(
    text: refer.Text, sentences: Sequence[Sentence], bounds: Sequence[tuple[int, int, bool]], n: int
) -> bool:
    sentence = sentences[n]
    first, last, asks = bounds[n]
    words = text.question[sentence.start : sentence.end]
    if refer.continues(words) or not (n == 0 or _is_clause(sentence)):
        return False
    if n == 0:
        return sentence.start == 0 and not any(True for _ in loose_words(text, first, first, last))
    before = sentences[n - 1]
    gap = text.question[before.end : sentence.start]
    if not gap or gap.strip(" ") or text.question[before.end - 1] not in '.!?"”)':
        return False
    if re.search(r":(?!\d)", text.question[before.start : before.end]):
        return False
    if any(True for _ in loose_words(text, first, first, last)):
        return False
    if not before.asks and before.tokens[0].lower in _SUBORDINATE:
        return False  # a condition that forgot its main clause, or that still holds
    return not (asks and asks_of_nothing(text, first, last))


_SUBORDINATE: Final = frozenset("if given assuming unless whether".split())


def _is_clause(sentence: Sentence) -> bool:
    """Whether the sentence has a finite verb, begins with a capital or a number, and is no item of a list."""
    if not re.match(r"[\"“(]?[A-Z0-9$€£]", sentence.tokens[0].text):
        return False
    if sentence.tokens[0].text.isdigit() and sentence.tokens[1:2] and sentence.tokens[1].text in ".):":
        return False
    return sentence.asks or any(
        t.tag.startswith("V")
        and t.tag not in ("VVG", "VBG", "VHG", "VDG")
        and sentence.tokens[max(0, i - 1)].lower not in ("that", "who", "which", "to")
        for i, t in enumerate(sentence.tokens)
    )


def _may_name(
    text: refer.Text,
    sentences: Sequence[Sentence],
    bounds: Sequence[tuple[int, int, bool]],
    n: int,
    person: PersonMentions,
) -> bool:
    """Whether a sentence about the person, put before sentence n, leaves every pronoun its meaning."""
    offset, (first, last, _) = sentences[n].start, bounds[n]
    if n == 0:
        return any(start == offset for start, _ in person.spans)
    if not any(end <= offset for _, end in person.spans):
        return False
    loose = refer.loose_genders(text, first, len(text.tokens))
    if not loose or (person.gender and person.gender not in loose):
        return True
    return not refer.rivals(text, person.name, person.gender, last)
