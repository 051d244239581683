"""The people of a question: who is named, with which gender, and where, so that a name can be changed.

Names are facts that a table knows (``known_names.tsv``); everything else is read off the question. Doubt
freezes: a person is replaceable only when every place that names them is understood, and when a name of
the same gender keeps every pronoun and every word of kinship true.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations, pairwise
from typing import Final

from rote.perturb.gsm8k import people_words as words
from rote.perturb.gsm8k.people_gender import Genders
from rote.perturb.gsm8k.people_reading import Group, Reading, Token, one_slip
from rote.perturb.values import Gender


@dataclass(frozen=True, slots=True)
class PersonMentions:
    """One person of a question.

    ``name``: as the question first writes it. ``gender``: what a replacement must share, or None when any
    name will do (or, of a frozen person, when it is not known). ``spans``: half-open character spans of the
    bare name, in order, without a possessive ending. ``frozen_reason``: None, or why the name must stay;
    the spans of a frozen person need not be complete.
    """

    name: str
    gender: Gender | None
    spans: tuple[tuple[int, int], ...]
    frozen_reason: str | None = None


def find_people(question: str) -> tuple[PersonMentions, ...]:
    """The people whom the question names, in order of first mention.

    Pure and deterministic. A capitalised word that cannot be told from a place, a brand, a title or a
    common word is nobody; a person about whom something stays open is frozen, with the reason.
    """
    reader = _Reader(question)
    return tuple(
        PersonMentions(
            question[reader.tokens[g.at[0]].start : reader.tokens[g.at[0]].end],
            g.gender,
            tuple((reader.tokens[i].start, reader.tokens[i].end) for i in g.at),
            g.frozen,
        )
        for g in reader.people()
    )


#: More names than any word problem has; beyond them pairs are not compared.
_MOST_PEOPLE: Final = 40


class _Reader(Reading):
    """One question, read once; the methods go in the order in which :meth:`people` calls them."""

    def people(self) -> list[Group]:
        groups = {g.known.name: g for g in self._exact()}
        for group in groups.values():
            for i in group.at:
                self._place(group, i)
        found = [g for g in groups.values() if self._is_person(g)]
        if len(found) > _MOST_PEOPLE:
            for group in found:
                group.freeze("too many names to compare")
        else:
            self._repeats(found)
            self._namesakes(found)
        Genders(self).decide(found)
        if words.ABOUT_LETTERS.search(self.question):
            for group in found:
                group.freeze("the question is about letters or the order of names")
        for group in found:
            group.at.sort()
        return sorted(found, key=lambda g: g.at[0])

    def _exact(self) -> Iterator[Group]:
        groups: dict[str, Group] = {}
        for i, token in enumerate(self.tokens):
            known = self.names.get(token.text)
            if known:
                groups.setdefault(token.text, Group(known)).at.append(i)
        return iter(groups.values())

    # -- one place that names somebody -----------------------------------------------------------------

    def _place(self, group: Group, i: int) -> None:
        """Freezes the person where the word is, or may be, part of something longer; notes kinship."""
        token, last, following = self.tokens[i], self.before(i), self.after(i)
        q = self.question
        ahead = q[token.end : token.end + 1]
        if (token.start and (q[token.start - 1] in "'’`-–_@#&/." or q[token.start - 1].isdigit())) or (
            ahead.isdigit()
            or (
                ahead
                and ahead in "-–_@&/.'’`"
                and q[token.end + 1 : token.end + 2].isalnum()
                and not token.owns
            )
        ):
            group.freeze("joined to other characters")
        if token.start in self.quoted:
            group.freeze("inside quotation marks")
        opener = last and last.lower in (words.OPENERS if last.initial else words.CONJUNCTIONS)
        if last and last.capital and not opener:
            if last.lower in words.KIN_TITLES:
                group.kin |= {words.NOUNS[last.lower]} if last.lower in words.NOUNS else set()
            elif last.lower not in words.DAYS | words.MONTHS:
                group.freeze("part of a longer name")
        if following and following.capital and following.lower not in self.small:
            safe = words.OWNED if token.owns else words.DAYS
            if following.lower not in safe:
                group.freeze("part of a longer name")
        if last and last.lower in ("a", "an", "the"):
            group.freeze("used as a common noun")
        binding = words.BINDING if group.known.note else ("in", "inside")
        if last and not token.owns and last.lower in binding:
            group.freeze("may be a place")
        if following and not token.owns and following.lower in words.PLACE_NOUNS:
            group.freeze("may be a place or a brand")
        self._phrase(group, i, last, following)
        self._kin(group, i)
        self._apposition(group, i)

    def _phrase(self, group: Group, i: int, last: Token | None, following: Token | None) -> None:
        """Titles spelled out with small words, and ``Will`` that asks."""
        tokens = self.tokens
        head = tokens[i - 2] if i > 1 else None
        near = head and not tokens[i - 1].gap.strip()
        if last and last.lower == "of" and head and near and head.capital and not head.initial:
            group.freeze("part of a longer name")
        if following and not tokens[i].owns:
            rest = [t for t in tokens[i + 1 : i + 4] if not t.gap.strip()]
            small = [t.lower for t in rest]
            if (
                small[:1] == ["of"] or small[:2] in (["and", "the"], ["the", "great"]) or small[:1] == ["the"]
            ) and any(t.capital and t.text not in self.names for t in rest):
                group.freeze("part of a title")
            if group.known.name == "Will" and following.lower in words.MODAL_AFTER:
                group.freeze("may be the auxiliary verb")
            if group.known.name == "May" and following.lower in ("be", "i", "he", "she", "they", "we"):
                group.freeze("may be the auxiliary verb")

    def _kin(self, group: Group, i: int) -> None:
        """What the noun before a name, or before a list of names, says: an animal, a namesake, a gender."""
        token, tokens = self.tokens[i], self.tokens
        j, first = self.listed(i)
        if j < 0:
            return
        head = tokens[j]
        singular = head.lower.removesuffix("s")
        gap = tokens[j + 1].gap.strip()
        closed = self.question[token.end : token.end + 1] in tuple(",.?);")
        if head.lower in ("named", "called"):
            noun = tokens[j - 1].lower if j else ""
            people = words.NEUTRAL - words.ANIMALS | words.PERSON_NOUNS
            if noun in words.NOUNS and (first or noun.endswith(("s", "men"))):
                group.kin.add(words.NOUNS[noun])
            elif noun not in people and noun.removesuffix("s") not in people:
                group.freeze("may be no person: named so")
        elif head.lower in words.ANIMALS or singular in words.ANIMALS:
            if not gap or (gap in (",", ":") and (closed or not first)):
                group.freeze("may be an animal or a thing")
        elif head.lower in words.NOUNS and not head.owns:
            plural = head.lower.endswith(("s", "men")) and head.lower not in (
                "princess",
                "boss",
                "ms",
                "miss",
            )
            if (first and not gap) or (first and gap == "," and closed) or (plural and gap in ("", ",", ":")):
                group.kin.add(words.NOUNS[head.lower])

    def _apposition(self, group: Group, i: int) -> None:
        """``Max the cat``, ``Max, her old cat``: an animal that follows its name."""
        rest = self.tokens[i + 1 : i + 4]
        rest = rest[: next((k for k, t in enumerate(rest) if k and t.gap.strip()), len(rest))]
        if (
            len(rest) > 1
            and rest[0].gap.strip() in ("", ",")
            and (rest[0].lower == "the" or (rest[0].gap.strip() and rest[0].lower in words.OWNERS))
            and any(t.lower in words.ANIMALS for t in rest[1:])
        ):
            group.freeze("may be an animal or a thing")

    # -- is the word a name here? ----------------------------------------------------------------------

    def _is_person(self, group: Group) -> bool:
        note, tokens = group.known.note, self.tokens
        if not note:
            return not (group.frozen and self._only_longer(group))
        if note == "month":
            others = {t.lower for t in tokens if t.capital} & words.MONTHS - {group.known.name.lower()}
            if others or any((t := self.before(i)) and t.lower in words.DATING for i in group.at):
                return False
        if note == "place" and any(
            (t := self.before(i)) and t.lower in ("to", "from", "in", "of", "at", "near", "visit", "between")
            for i in group.at
            if not tokens[i].owns
        ):
            group.freeze("may be a place")
        if self._only_longer(group):
            return False
        if any(self._plainly(i) for i in group.at):
            return True
        acting = [i for i in group.at if self.acts(i, lifeless=note == "word")]
        fits = {group.known.usage} if group.known.usage != "either" else {"female", "male"}
        pronoun = bool(fits & set(self.pronouns.values())) or bool(group.kin)
        inside = any(not tokens[i].initial for i in group.at)
        if note == "word":
            if inside and not group.frozen and group.known.name not in words.COMMON:
                return True
            return bool(acting) and (inside or pronoun or len(acting) > 1)
        return bool(acting) and (pronoun or (inside and len(acting) > 1))

    def _plainly(self, i: int) -> bool:
        """Whether the word does what only people do, or stands in a list beside a plain name."""
        token, tokens = self.tokens[i], self.tokens
        following = self.after(i)
        if not token.owns and following and following.lower in words.VERBS - words.LIFELESS - words.BASES:
            return True
        step = 2 if i + 1 < len(tokens) and tokens[i + 1].lower in ("and", "or") else 1
        back = 2 if i and tokens[i - 1].lower in ("and", "or") else 1
        for j, k in ((i - back, i), (i, i + step)):
            if j < 0 or k >= len(tokens):
                continue
            other = self.names.get(tokens[j if k == i else k].text)
            gaps = {t.gap.strip() for t in tokens[j + 1 : k + 1]}
            joined = gaps <= {"", ","} and ("," in gaps or k - j == 2)
            if other and not other.note and joined:
                return True
        return False

    def _only_longer(self, group: Group) -> bool:
        """Whether every place is part of a longer name, so that there is nobody of that name."""
        return group.frozen in ("part of a longer name", "part of a title", "used as a common noun") and all(
            (
                (b := self.before(i)) is not None
                and (b.capital or b.lower in ("a", "an", "the", "of"))
                and not (b.initial and b.lower in words.OPENERS)
            )
            or ((a := self.after(i)) is not None and a.capital)
            for i in group.at
        )

    # -- the same person, written otherwise ------------------------------------------------------------

    def _repeats(self, groups: Sequence[Group]) -> None:
        """Adds misspelt and differently capitalised repeats; freezes a person whom one may mean."""
        self.sentences = {g.known.name: {self.tokens[j].sentence for j in g.at} for g in groups}
        lowered = {g.known.name.lower(): g for g in groups}
        for i, token in enumerate(self.tokens):
            if token.text in self.names:
                continue
            group = lowered.get(token.lower)
            if group:
                self._other_case(group, i)
                continue
            if not token.capital:
                continue
            near = [
                g
                for g in groups
                if len(token.text) >= 4
                and g.known.name[0] == token.text[0]
                and (
                    (len(g.known.name) >= 4 and one_slip(token.lower, g.known.name.lower()))
                    or (len(g.known.name) > 2 and token.lower.startswith(g.known.name.lower()))
                )
            ]
            if near and not (token.lower in words.OPENERS or token.lower in words.NOT_NAMES):
                self._near(near, i)

    def _other_case(self, group: Group, i: int) -> None:
        token, last = self.tokens[i], self.before(i)
        if token.capital or not group.known.note:
            self._place(group, i)
            group.at.append(i)
            return
        begins = last is None or last.lower in words.BEFORE_SUBJECT
        if begins and self.acts(i, lifeless=True):
            group.freeze("may be written in lower case too")

    def _near(self, near: Sequence[Group], i: int) -> None:
        token = self.tokens[i]
        if len(near) > 1:
            for group in near:
                group.freeze("a word that may be a misspelling of several names")
            return
        group = near[0]
        name = group.known.name
        if not one_slip(token.lower, name.lower()) or token.text == name + "s":
            if not token.initial or self.acts(i, lifeless=True):
                group.freeze("inside another word")
            return
        swallowed = token.text + "s" == name and token.owns
        apart = token.sentence not in self.sentences[name]
        if swallowed or (self.acts(i, lifeless=True) and apart and not group.known.note):
            self._place(group, i)
            group.at.append(i)
        elif not token.initial or self.acts(i, lifeless=True):
            group.freeze("a word that may be a misspelling of the name")

    def _namesakes(self, groups: Sequence[Group]) -> None:
        """Freezes two names that one person may go by, unless a list sets them side by side."""
        for a, b in combinations(groups, 2):
            x, y = sorted((a.known.name, b.known.name), key=len)
            alike = (len(x) >= 4 and x[0] == y[0] and one_slip(x.lower(), y.lower())) or (
                len(x) >= 3 and y.startswith(x)
            )
            if (alike or any(x in f and y in f for f in words.SHORT_FORMS)) and not self._side_by_side(a, b):
                a.freeze(f"may be the same person as {b.known.name}")
                b.freeze(f"may be the same person as {a.known.name}")

    def _side_by_side(self, a: Group, b: Group) -> bool:
        tokens = self.tokens
        at = sorted([(i, 0) for i in a.at] + [(i, 1) for i in b.at])
        for (i, x), (j, y) in pairwise(at):
            between = [t.lower for t in tokens[i + 1 : j]]
            listed = all(
                w in ("and", "or", "than", "s", "as", "for", "with", "to") or w.title() in self.names
                for w in between
            )
            if x != y and j - i <= 5 and listed and tokens[i].sentence == tokens[j].sentence:
                return True
        return False
