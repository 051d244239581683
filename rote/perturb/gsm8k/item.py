"""A GSM8K item as a template: the same interface, sampler and renderer as the bank's."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import islice
from math import prod
from typing import Final

from rote.perturb import codegen, keys, names
from rote.perturb.gsm8k.domains import style_of
from rote.perturb.gsm8k.graph import Graph, build_graph
from rote.perturb.gsm8k.mentions import Mention
from rote.perturb.gsm8k.people import find_people
from rote.perturb.gsm8k.rewrite import plain_solution, rewrite_solution
from rote.perturb.gsm8k.symbolize import Facts, RejectedError
from rote.perturb.inert import Clause
from rote.perturb.noop.host import Host
from rote.perturb.plan import Noun, Number, Plan, Step
from rote.perturb.template import Plans, Template
from rote.perturb.texts import Context, Piece, Text
from rote.perturb.values import Person, Quantity, Value
from rote.steps import find_equations, rederive

#: Draws tried before a graph is taken to have none.
_TRIES: Final = 600
#: Draws rendered to see whether the rewritten solution stays true.
_TRIAL_DRAWS: Final = 4


@dataclass(frozen=True, slots=True)
class NumberMention:
    """A resampleable number of the published question.

    ``start``, ``end``: its characters; ``kind``: integer, decimal, money or percent; ``tie``: the mentions
    of one tie change together.
    """

    start: int
    end: int
    value: Fraction
    kind: str
    tie: int


@dataclass(frozen=True, slots=True)
class NamedPerson:
    """A replaceable person of the published question: the name, and where it stands."""

    name: str
    gender: str | None
    spans: tuple[tuple[int, int], ...]


class ItemTemplate(Template):
    """One GSM8K item.

    ``numbers``: the resampleable mentions; ``names``: the replaceable people; ``tier``: A (every number
    explained and used), B (a number of the question unused) or C (something taken on less evidence).
    Raises RejectedError with a reason code when no draw can be made.
    """

    def __init__(
        self, template_id: str, facts: Facts, *, wide: bool | None = None, plain: bool = False
    ) -> None:
        self.facts = facts
        self.tier = facts.tier
        self.graph = self._feasible_graph(facts) if wide is None else build_graph(facts, wide=wide)
        self.wide = self.graph.wide
        self.names = tuple(
            NamedPerson(p.name, p.gender, p.spans)
            for p in find_people(facts.question)
            if p.frozen_reason is None
        )
        place = {i: n for n, group in enumerate(facts.ties) for i in group}
        self.numbers = tuple(
            NumberMention(m.start, m.end, m.value, m.kind, place[i])
            for i in facts.free
            for m in (facts.mentions[i],)
        )
        self._rewritten = not plain
        super().__init__(template_id, "gsm8k", self._make_plans, host=self._make_host)

    @staticmethod
    def _feasible_graph(facts: Facts) -> Graph:
        """The graph, with wider domains if only they leave a draw. RejectedError when not even they do."""
        for wide in (False, True):
            graph = build_graph(facts, wide=wide)
            plan = _plan(facts, graph, (), "", free_numbers=True)
            if _feasible(plan, _TRIES * (4 if wide else 1)):
                return graph
        raise RejectedError("no_draw")

    def _make_plans(self) -> Plans:
        facts, graph = self.facts, self.graph
        solution = rewrite_solution(facts, graph) if self._rewritten else plain_solution(facts, graph)

        def one(*, numbers: bool = False, people: bool = False) -> Sequence[tuple[Plan, Clause | None]]:
            plan = _plan(facts, graph, self.names, solution, free_numbers=numbers, free_names=people)
            return ((plan, None),)

        plans: dict[str, Sequence[tuple[Plan, Clause | None]]] = {
            "original": ((_plan(facts, graph, (), facts.solution), None),),
            "numbers": one(numbers=True),
        }
        if self.names:
            # no number changes: the published words stay, with other names, where every step of theirs holds
            words = facts.solution if _holds(facts.solution) else solution
            plans["names"] = ((_plan(facts, graph, self.names, words, free_names=True), None),)
        plans["symbolic"] = one(numbers=True, people=bool(self.names))
        return plans

    def _make_host(self) -> Host:
        return Host(_plan(self.facts, self.graph, self.names, self.facts.solution))

    def _ready(self, variant: str) -> tuple[object, ...]:  # type: ignore[override]
        if self._rewritten and variant not in self._compiled and variant in ("numbers", "symbolic"):
            ready = super()._ready(variant)
            self._compiled[variant] = ready
            if not self._stays_true(variant):
                # the published wording cannot be rewritten soundly: equations alone then
                original = self._plans["original"]
                self._rewritten = False
                self._compiled.clear()
                self._make = {**self._make_plans(), "original": original}
        return super()._ready(variant)

    def _stays_true(self, variant: str) -> bool:
        """Whether no equation of the rewritten solution became false in a few draws."""
        published = self.facts.solution
        allowed = sum(not e.correct for e in find_equations(published))
        whole = rederive(published).answer is not None
        for index in range(_TRIAL_DRAWS):
            problem = super().problem(variant, 0, index)
            if sum(not e.correct for e in find_equations(problem.solution)) > allowed:
                return False
            if whole and rederive(problem.solution).answer != problem.answer:
                return False
        return True

    def answer(self, changes: Mapping[tuple[int, int], Fraction]) -> Fraction | None:
        """The answer when exactly these mentions, by span, have these values; None when it declines.

        It declines a span that is not resampleable, a tied mention without its partners, and values under
        which the story would be another one (a negative or broken quantity, an order turned round).
        """
        values = dict(self.graph.originals)
        spans = {self.facts.mentions[i].span: i for i in self.facts.free}
        changed: dict[str, Fraction] = {}
        touched = set()
        for span, value in changes.items():
            index = spans.get(span)
            if index is None:
                return None
            name = self.graph.variable[index]
            if changed.setdefault(name, Fraction(value)) != value:
                return None
            touched.add(index)
        for name, value in changed.items():
            members = {i for i, variable in self.graph.variable.items() if variable == name}
            if value != values[name] and not members <= touched:
                return None
        values.update(changed)
        kinds = {number.name: number.kind for number in self.graph.numbers}
        plan = self._plans["numbers"][0][0]
        drawn: dict[str, Value] = {name: Quantity(value, kinds[name]) for name, value in values.items()}
        drawn.update({noun.name: noun.values[0] for noun in plan.nouns})
        why = plan.refusal(drawn)
        if why is not None and why != "the answer is the original's":
            return None
        return plan.solve(values)[plan.answer]


def _holds(solution: str) -> bool:
    """Whether a solution's annotations lead to its answer, and no equation of its is false."""
    return rederive(solution).answer is not None and all(e.correct for e in find_equations(solution))


def _feasible(plan: Plan, tries: int) -> bool:
    """Whether some position of the space of draws is a draw, as far as a few hundred tries tell."""
    space = prod(plan.sizes)
    if space == 1:
        return False
    bits = codegen.bits_for(space)
    key = keys.make_key(bits, "feasible")
    places = (p for x in range(1 << bits) if (p := keys.permute(x, bits, key)) < space)
    return any(plan.refusal(plan.decode(p)) is None for p in islice(places, tries))


def _plan(
    facts: Facts,
    graph: Graph,
    people: Sequence[NamedPerson],
    solution: Text | str,
    *,
    free_numbers: bool = False,
    free_names: bool = False,
) -> Plan:
    numbers = tuple(
        n if free_numbers else Number(n.name, n.kind, (graph.originals[n.name],)) for n in graph.numbers
    )
    nouns = []
    for i, person in enumerate(people):
        original = Person(person.name, "male" if person.gender == "male" else "female")
        values = _candidates(person, facts.question) if free_names else (original,)
        nouns.append(Noun(f"p{i}", values))
    steps = tuple(Step(name, node, kind, ()) for name, node, kind in graph.steps)
    return Plan(
        numbers,
        tuple(nouns),
        graph.constraints,
        steps,
        steps[-1].name,
        facts.answer if free_numbers else None,
        (_question(facts, graph, people),),
        None,
        _with_people(solution if isinstance(solution, tuple) else (solution,), people),
    )


def _candidates(person: NamedPerson, question: str) -> tuple[Person, ...]:
    """Names that may stand for a person: of the same gender, and none that the question has."""
    words = set(re.findall(r"\w+", question.lower()))
    return tuple(p for p in names.people(person.gender or "any") if p.name.lower() not in words)


def _question(facts: Facts, graph: Graph, people: Sequence[NamedPerson]) -> Text:
    places: list[tuple[int, int, Piece]] = [
        (m.start, m.end, _number_piece(graph.variable[i], m))
        for i, m in enumerate(facts.mentions)
        if i in graph.variable
    ]
    for i, person in enumerate(people):
        for start, end in person.spans:
            places.append(_name_place(facts.question, start, end, f"p{i}", person.name))
    pieces: list[str | Piece] = []
    at = 0
    for start, end, piece in sorted(places, key=lambda p: p[0]):
        pieces += [facts.question[at:start], piece]
        at = end
    pieces.append(facts.question[at:])
    return tuple(piece for piece in pieces if piece != "")


def _name_place(text: str, start: int, end: int, variable: str, name: str) -> tuple[int, int, Piece]:
    """Where a name stands, with the apostrophe that alone marks the possessive of a name in -s."""
    written = text[start:end]
    if text[end : end + 1] in ("'", "\u2019") and text[end + 1 : end + 2] not in ("s", "S"):
        return start, end + 1, _name_piece(variable, name, written, f"{written}{text[end]}", "'s")
    return start, end, _name_piece(variable, name, written, written, "")


def _name_piece(variable: str, name: str, written: str, published: str, ending: str) -> Piece:
    def render(context: Context) -> str:
        value = context[variable]
        return published if str(value) == name else f"{value}{ending}"

    return Piece((variable,), render)


def _number_piece(name: str, mention: Mention) -> Piece:
    style = style_of(mention)

    def render(context: Context) -> str:
        value = context[name]
        if not isinstance(value, Quantity):
            raise TypeError(f"{name} is no number")
        return mention.text if value.value == mention.value else style(value.value)

    return Piece((name,), render)


def _with_people(text: Text, people: Sequence[NamedPerson]) -> Text:
    """The names in the literal parts of a solution, as pieces."""
    if not people:
        return text
    index = {person.name: f"p{i}" for i, person in enumerate(people)}
    pattern = re.compile(r"\b(" + "|".join(sorted(map(re.escape, index), key=len, reverse=True)) + r")\b")
    pieces: list[str | Piece] = []
    for part in text:
        if not isinstance(part, str):
            pieces.append(part)
            continue
        at = 0
        for match in pattern.finditer(part):
            start, end, piece = _name_place(part, match.start(), match.end(), index[match[1]], match[1])
            pieces += [part[at:start], piece]
            at = end
        pieces.append(part[at:])
    return tuple(piece for piece in pieces if piece != "")
