"""Which gender a person has: what the table of names says, held against pronouns and words of kinship."""

from __future__ import annotations

from collections.abc import Sequence

from rote.perturb.gsm8k import people_words as words
from rote.perturb.gsm8k.people_reading import Group, Reading
from rote.perturb.values import Gender


class Genders:
    """The decision for one question; :meth:`decide` is the whole of it."""

    def __init__(self, reading: Reading) -> None:
        self.reading = reading
        self.tokens = reading.tokens
        self.pronouns = reading.pronouns

    def decide(self, groups: Sequence[Group]) -> None:
        named = {i: g for g in groups for i in g.at}
        others = self._others(named)
        nouns = self._nouns()
        self._told(groups, named, others, nouns)
        used = set(self.pronouns.values())
        for group in groups:
            usage = group.known.usage
            table: Gender | None = None if usage == "either" else usage
            if len(group.kin) == 1:
                group.gender = next(iter(group.kin))
            elif group.kin or len(group.told) > 1:
                group.freeze("its words disagree about the gender")
            elif group.told and (table is None or table in group.told or len(groups) == 1):
                group.gender = next(iter(group.told))
            elif group.told:
                group.freeze("its pronouns are not those of the name")
            else:
                group.gender = table
        for group in groups:
            if group.gender is None and not group.frozen:
                self._by_elimination(group, groups, used, bool(others), nouns)
        for group in groups:
            if group.gender is None or group.frozen:
                continue
            other: Gender = "male" if group.gender == "female" else "female"
            explained = (
                others or group.kin or any(g.gender in (other, None) for g in groups if g is not group)
            )
            if other in used and not (explained or other in nouns.values() or None in nouns.values()):
                group.freeze("a pronoun of the other gender can mean nobody else")

    def _others(self, named: dict[int, Group]) -> set[int]:
        """Capitalised words in the middle of a sentence, or acting at its start, that may be people too."""
        return {
            i
            for i, t in enumerate(self.tokens)
            if t.capital
            and i not in named
            and t.lower not in words.OPENERS | words.NOT_NAMES | words.PRONOUNS.keys() | words.NOUNS.keys()
            and len(t.text) > 1
            and not t.text.isupper()
            and (self.reading.acts(i, lifeless=True) or not (t.initial or self._like_a_thing(i)))
        }

    def _like_a_thing(self, i: int) -> bool:
        """Whether a word follows an article or a preposition of place, as names of people seldom do."""
        last = self.reading.before(i)
        return bool(last and (last.lower in ("the", "a", "an", "in", "on", "at") or last.capital))

    def _nouns(self) -> dict[int, Gender | None]:
        """Common nouns for people that a pronoun may mean, with their gender where they have one."""
        return {
            i: words.NOUNS.get(t.lower)
            for i, t in enumerate(self.tokens)
            if t.lower in words.NOUNS or t.lower in words.NEUTRAL
        }

    def _told(
        self,
        groups: Sequence[Group],
        named: dict[int, Group],
        others: set[int],
        nouns: dict[int, Gender | None],
    ) -> None:
        """Pronouns that come while only one person has been spoken of can mean nobody else."""
        seen: Group | None = None
        genders: set[Gender | None] = set()
        for i in range(len(self.tokens)):
            if i in named:
                if seen not in (None, named[i]):
                    return
                seen = named[i]
            elif i in others:
                return
            elif i in nouns:
                genders.add(nouns[i])
            elif i in self.pronouns and seen and not genders & {self.pronouns[i], None}:
                seen.told.add(self.pronouns[i])

    def _by_elimination(
        self,
        group: Group,
        groups: Sequence[Group],
        used: set[Gender],
        others: bool,
        nouns: dict[int, Gender | None],
    ) -> None:
        """A gender for a name of either: that of the pronouns which nobody else explains."""
        if not used:
            if any(nouns[i] and not self._possessed(i) for i in nouns):
                group.freeze("of either gender, and a noun with a gender may mean them")
            return
        rest = [g for g in groups if g is not group]
        free = [
            p
            for p in sorted(used)
            if not others
            and not any(g.gender in (p, None) for g in rest)
            and not any(n in (p, None) for n in nouns.values())
        ]
        if len(free) == 1:
            group.gender = free[0]
        else:
            group.freeze("of either gender, and a pronoun may mean them")

    def _possessed(self, i: int) -> bool:
        """Whether a noun of kinship belongs to somebody named: ``Robin's mother`` is not Robin."""
        j = i - 1
        if j >= 0 and self.tokens[j].lower == "s":
            j -= 1
        return j >= 0 and self.tokens[j].owns
