"""Where which families can be attached to a problem: families meet the reading of its question."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Final, TypeVar

from rote.perturb import keys, names
from rote.perturb.gsm8k.mentions import find_mentions
from rote.perturb.gsm8k.people import PersonMentions
from rote.perturb.noop import audit
from rote.perturb.noop.family import Family, Wording
from rote.perturb.noop.host import Host, Span
from rote.perturb.noop.nouns_of import nouns_of
from rote.perturb.noop.reading import Cut, Reading, Thing, read
from rote.perturb.texts import Piece, Text
from rote.perturb.values import Person, Quantity, Value

T = TypeVar("T")

#: The variables that clauses bring along; ``_2`` is put behind those of a second clause.
K: Final = "noop_k"
OTHER: Final = "noop_other"
WORDING: Final = "noop_wording"

#: Numbers a clause may have within the range of the problem's own, and as many beyond it.
_NUMBERS: Final = 16
#: New names that a clause may bring.
_NAMES: Final = 24
#: Words of a sentence that counts no things that are there, or not so many.
_NO_STATEMENT: Final = frozenset(
    """
    each every per apiece if would will can could may might should must want need plan hope wish expect
    suppose assume imagine require than times twice half more another other average usually always often
    daily weekly day week month year hour minute capacity hold fit percent no not never without enough make
    makes space room
    """.split()
)
#: Words by which a sentence goes on from the one before it.
_LEANING: Final = frozenset(
    "also too such other others another same instead else again either neither former latter even however "
    "meanwhile likewise similarly".split()
)
#: Words that compare with a number told before; after "7 of the shoes …" that would be the 7.
_COMPARING: Final = frozenset(
    "more less fewer twice thrice times double triple than as them they % percent".split()
)
#: Fewest numbers that are worth a site.
_FEWEST: Final = 4


@dataclass(frozen=True, slots=True)
class Binding:
    """What a family's names stand for at a site: a variable or a fixed person, and a counted thing."""

    variable: str | None
    person: Person | None
    thing: Thing | None

    def of(self, pieces: Text) -> Text:
        """A family's text over the names of a plan, the fixed ones filled in."""
        fixed: dict[str, Value] = {}
        if self.thing is not None:
            fixed["thing"] = {"one": self.thing.one, "many": self.thing.many}
        if self.person is not None and self.variable is None:
            fixed["person"] = self.person
        table = {"k": K, "other": OTHER, "person": self.variable or ""}
        return tuple(piece if isinstance(piece, str) else _bound(piece, fixed, table) for piece in pieces)


def _bound(piece: Piece, fixed: Mapping[str, Value], table: Mapping[str, str]) -> Piece:
    own = [name for name in piece.names if name not in fixed]

    def render(context: Mapping[str, Value]) -> str:
        return piece.render({**fixed, **{name: context[table[name]] for name in own}})

    return Piece(tuple(table[name] for name in own), render)


@dataclass(frozen=True, slots=True)
class Site:
    """A family at one place of one question.

    ``offset``: the clause goes before this character of the original; ``count``: the variable of the counted
    thing's number, ``below``: that number originally; ``values`` and ``others``: the numbers and new names
    it may have; ``nouns``: of its wordings; ``drawable``: whether it may stand in a question whose names
    and numbers are drawn.
    """

    family: Family
    offset: int
    position: str
    count: str | None
    below: Fraction | None
    values: tuple[Fraction, ...]
    others: tuple[Person, ...]
    binding: Binding
    wordings: tuple[Text, ...]  # of the clauses that fit here, over the family's own names
    control_wordings: tuple[Text, ...]
    nouns: frozenset[str]
    drawable: bool

    @property
    def clauses(self) -> tuple[Text, ...]:
        """The wordings with a number, over the plan's variables, :data:`K` and :data:`OTHER`."""
        return tuple(self.binding.of(pieces) for pieces in self.wordings)

    @property
    def controls(self) -> tuple[Text, ...]:
        """The wordings without any number, over the same."""
        return tuple(self.binding.of(pieces) for pieces in self.control_wordings)


@dataclass(frozen=True, slots=True)
class Sites:
    """The sites of one template, so ordered that neighbours are of different families.

    ``constants``: numbers of the question that no variable holds; ``why_not``: why there are none.
    """

    spans: tuple[Span, ...]
    sites: tuple[Site, ...]
    constants: frozenset[Fraction]
    why_not: str | None


def find_sites(template_id: str, host: Host, families: Mapping[str, Family]) -> Sites:
    """Every way in which the families can be attached to a template's question."""
    question, spans = host.layout()
    mentions = find_mentions(question)
    named = host.named(question)
    people = None if named is None else tuple(PersonMentions(p.name, p.gender, at) for p, at in named)
    reading = read(question, people)
    constants = frozenset(m.value for m in mentions if host.number_at(spans, m.start) is None)
    found: list[list[Site]] = []
    if reading.modern:
        first = min((m.start for m in mentions), default=len(question))
        finder = _Finder(template_id, host, spans, reading, constants, first)
        order = sorted(families.values(), key=lambda f: keys.digest(template_id, "family", f.name))
        found = [row for family in order if (row := finder.attach(family))]
    turns = max(map(len, found), default=0)
    sites = tuple(row[turn] for turn in range(turns) for row in found if turn < len(row))
    return Sites(spans, sites, constants, None if sites else _why_not(reading))


def _why_not(reading: Reading) -> str:
    if not reading.modern:
        return "the story is not of an everyday world"
    lacking = [
        what
        for what, there in (
            ("no place for another sentence", reading.cuts),
            ("no named person", reading.people),
            ("no counted thing", reading.things),
        )
        if not there
    ]
    return f"no family of inert clauses attaches ({', '.join(lacking) or 'each has a word of the problem'})"


class _Finder:
    def __init__(
        self,
        template_id: str,
        host: Host,
        spans: Sequence[Span],
        reading: Reading,
        constants: frozenset[Fraction],
        first_number: int,
    ) -> None:
        self.id = template_id
        self.host = host
        self.spans = spans
        self.reading = reading
        self.first_number = first_number
        self.values = host.values
        self.people = host.people()
        own = {n: v.value for n, v in self.values.items() if isinstance(v, Quantity)}
        numbers = [*own.values(), *constants]
        self.low, self.high = min(numbers), max(numbers)
        self.taken = frozenset((*host.plan.solve(own).values(), *constants))
        self.words = reading.lemmas | host.words
        self.numbers: dict[Thing | None, tuple[Fraction, ...]] = {}  # of the family at hand
        self.things = [thing for thing in reading.things if _just_counted(thing, reading)]
        self.barred = audit.bars(reading.question)

    def attach(self, family: Family) -> list[Site]:
        """The sites of one family, at most one a place, in an order of their own."""
        if not self._suits(family):
            return []
        if family.words & self.words or family.asks & self.reading.asked:
            return []
        nouns = nouns_of(family.texts)
        if nouns & self.words or family.name in self.barred:
            return []
        self.numbers = {}
        things = [
            thing
            for thing in self.things
            if thing.kind in family.things and (not family.thing_nouns or thing.one in family.thing_nouns)
        ]
        if family.things and not things:
            return []
        places = [self._site(family, cut, things, nouns) for cut in self.reading.cuts]
        sites = [site for site in places if site is not None]
        # a place in the middle of nothing reads worse than one among sentences: only where there is no other
        inner = [site for site in sites if site.position != "start"] or sites
        return sorted(inner, key=lambda s: keys.digest(self.id, "place", family.name, s.offset))

    def _suits(self, family: Family) -> bool:
        """Whether the problem has what the family needs of the whole of it."""
        reading = self.reading
        if family.settings and not family.settings & reading.settings:
            return False
        if family.needs and not family.needs & reading.lemmas:
            return False
        return not family.scene or bool(reading.people or reading.settings)

    def _fits(self, family: Family, cut: Cut) -> bool:
        """Whether a place suits the family, and nothing that belongs together is torn apart there.

        Once numbers have been told, what follows is mostly more of the same account: a clause may then come
        before the question, or right after the things that it speaks of, but not in between.
        """
        following = self.reading.sentences[cut.sentence]
        words = {word for token in following.tokens for word in (token.lemma, token.text.lower())}
        if words & _LEANING or not cut.object or (family.other and not cut.newcomer):
            return False
        if family.things:
            return not words & _COMPARING and not self._parallel(cut.sentence)
        if cut.position == "start":
            return family.opens
        return cut.position == "before_question" or cut.offset <= self.first_number

    def _parallel(self, sentence: int) -> bool:
        """Whether a sentence goes on with a list that the one before it began."""
        before, after = (self.reading.sentences[i].tokens for i in (sentence - 1, sentence))
        named = {person.name for person in self.reading.people}
        return before[0].text == after[0].text or after[0].text in named or after[0].tag == "CRD"

    def _site(self, family: Family, cut: Cut, things: Sequence[Thing], nouns: frozenset[str]) -> Site | None:
        names_person, variable, person = family.person, None, None
        if not self._fits(family, cut):
            return None
        if names_person:
            known = [p for p in self.reading.people if p.name in cut.people]
            if not known:
                return None
            chosen = min(known, key=lambda p: keys.digest(self.id, "person", family.name, p.name))
            variable = self.people.get(chosen.name)
            person = Person(chosen.name, chosen.gender or "female")
            gender = chosen.gender
        else:
            gender = None
        thing = next((t for t in things if t.sentence == cut.sentence - 1), None)
        if family.things and thing is None:
            return None
        count = self.host.number_at(self.spans, thing.count[0]) if thing else None
        values = self.numbers.get(thing)
        if values is None:
            values = self.numbers[thing] = self._numbers(family, thing)
        if len(values) < min(_FEWEST, len(family.values)):
            return None

        def texts(wordings: Sequence[Wording]) -> tuple[Text, ...]:
            fitting = [
                pieces
                for wording in wordings
                if not (wording.gendered and gender is None)
                and (pieces := wording.fitting(self.reading.tense)) is not None
            ]
            return tuple(fitting)

        clauses, controls = texts(family.clauses), texts(family.controls)
        if not clauses or not controls:
            return None
        others = self._others(family) if family.other else ()
        drawable = self._drawable(cut, names_person, thing, count)
        return Site(
            family,
            cut.offset,
            cut.position,
            count,
            thing.value if thing else None,
            values,
            others,
            Binding(variable, person, thing),
            clauses,
            controls,
            nouns,
            drawable,
        )

    def _numbers(self, family: Family, thing: Thing | None) -> tuple[Fraction, ...]:
        """Plausible numbers that neither the problem nor its solution has: some in its range, some beyond."""
        end = len(family.values) if thing is None else bisect_left(family.values, thing.value)
        first = bisect_left(family.values, self.low, 0, end)
        last = bisect_right(family.values, self.high, 0, end)
        inside, outside = family.values[first:last], family.values[:first] + family.values[last:end]
        chosen = (*_spread(inside, self.id, family.name), *_spread(outside, self.id, family.name))
        return tuple(v for v in chosen if v not in self.taken)

    def _others(self, family: Family) -> tuple[Person, ...]:
        """New first names: of nobody in the problem, and no word of it."""
        free = [p for p in names.people("any") if p.name.lower() not in self.words]
        return tuple(_spread(free, self.id, family.name, "name", most=_NAMES))

    def _drawable(self, cut: Cut, names_person: bool, thing: Thing | None, count: str | None) -> bool:
        """Whether the place is as good when names and numbers are drawn.

        A drawn name may have the other gender where the problem allows both, so that a pronoun that only
        one person could own may then be anybody's; and what is counted must keep its name and a number
        that the clause can be kept below.
        """
        free = [v for v in self.values.values() if isinstance(v, Person)]
        if names_person and len(free) > 1 and not cut.newcomer:
            return False
        return thing is None or (count is not None and self._literal(thing))

    def _literal(self, thing: Thing) -> bool:
        """Whether the counted noun is literal text, or that of a filter on the number alone."""
        start, _ = thing.count
        at = self.reading.question.find(thing.many, start)
        for span in self.spans:
            if span.start <= at < span.end:
                nouns = span.piece.names if isinstance(span.piece, Piece) else ()
                return all(isinstance(self.values.get(name), Quantity) for name in nouns)
        return False


def _just_counted(thing: Thing, reading: Reading) -> bool:
    """Whether right after its sentence "the marbles" are the ones counted there, and there are so many.

    They are counted first there and only once, in a plain statement: not each, not if, not more.
    """
    sentence = reading.sentences[thing.sentence]
    words = {word for token in sentence.tokens for word in (token.lemma, token.text.lower())}
    again = sum(t.one == thing.one and t.sentence <= thing.sentence for t in reading.things)
    named = (t.start for s in reading.sentences for t in s.tokens if t.lemma == thing.one)
    first = next(named, thing.count[0]) >= thing.count[0]
    return again == 1 and first and not sentence.asks and not words & _NO_STATEMENT


def _spread(values: Sequence[T], *key: str, most: int = _NUMBERS) -> list[T]:
    """At most ``most`` of the values, evenly spread, from a start that the key decides."""
    if len(values) <= most:
        return list(values)
    start = keys.digest("spread", *key)[0] % len(values)
    return [values[(start + i * len(values) // most) % len(values)] for i in range(most)]
