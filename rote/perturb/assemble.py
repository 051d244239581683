"""From a template's content to the plans of its variants, with every check that needs no draw."""

from __future__ import annotations

import keyword
from collections.abc import Mapping, Sequence
from fractions import Fraction

from rote.errors import TemplateError
from rote.perturb import expressions, names
from rote.perturb.inert import Clause, scope_word
from rote.perturb.plan import Noun, Number, Plan, Step
from rote.perturb.schema import (
    ChoiceSpec,
    Extension,
    InertClause,
    NumberSpec,
    PersonSpec,
    StepSpec,
    TemplateSpec,
)
from rote.perturb.texts import Piece, Text, parse_text
from rote.perturb.values import Person, Quantity, Word
from rote.rational import format_number


def assemble(spec: TemplateSpec) -> dict[str, tuple[tuple[Plan, Clause | None], ...]]:
    """The plans of every variant. Raises TemplateError naming the field at fault."""
    _check_identifiers(spec)
    base = _Part(spec)
    originals = base.plan(free_names=False, free_numbers=False)
    _check_original(originals, spec.expect, "expect")
    _check_use(originals, "steps")
    _check_shown(base.sentences, base.numbers, "question")
    plans: dict[str, tuple[tuple[Plan, Clause | None], ...]] = {
        "original": ((originals, None),),
    }
    if spec.names:
        plans["names"] = ((base.plan(free_names=True, free_numbers=False), None),)
    plans["numbers"] = ((base.plan(free_names=False, free_numbers=True), None),)
    plans["symbolic"] = ((base.plan(free_names=True, free_numbers=True), None),)
    if spec.noop:
        plans["noop"] = tuple(_inert(spec, clause, i) for i, clause in enumerate(spec.noop))
        plans["symbolic_noop"] = tuple(
            _inert(spec, clause, i, free=True) for i, clause in enumerate(spec.noop)
        )
    if spec.p1 is not None:
        plans["p1"] = ((_extended(spec, (spec.p1,), "p1"), None),)
        if spec.p2 is not None:
            plans["p2"] = ((_extended(spec, (spec.p1, spec.p2), "p2"), None),)
    return plans


class _Part:
    """A template with some clauses added: everything a plan is made of."""

    def __init__(
        self, spec: TemplateSpec, extensions: Sequence[Extension] = (), inert: InertClause | None = None
    ) -> None:
        extras: list[Extension | InertClause] = [*extensions, *([inert] if inert else [])]
        self.names: dict[str, PersonSpec | ChoiceSpec] = dict(spec.names)
        self.numbers: dict[str, NumberSpec] = dict(spec.numbers)
        constraints = [(text, "constraints") for text in spec.constraints]
        for extra in extras:
            self.names.update(extra.names)
            self.numbers.update(extra.numbers)
            constraints += [
                (text, f"constraints of the clause {extra.clause!r}") for text in extra.constraints
            ]
        steps = [(step, f"steps.{step.name}") for step in spec.steps]
        self.answer = spec.answer
        self.different = spec.expect
        ask = spec.ask
        for extension in extensions:
            steps += [(step, f"steps.{step.name}") for step in extension.steps]
            self.answer, self.different = extension.answer, extension.expect
            ask = extension.ask or ask
        variables = frozenset(self.names) | frozenset(self.numbers)
        self.own = frozenset(inert.names) | frozenset(inert.numbers) if inert else frozenset()
        self.steps = self._steps(steps, frozenset(self.numbers) - self.own, variables)
        known = frozenset(self.numbers) | {step.name for step in self.steps}
        if self.answer not in {step.name for step in self.steps}:
            raise TemplateError(f"{self.answer!r} is no step", field="answer")
        if inert is not None:
            # a number that the problem or its solution already has would make its traps ambiguous, and
            # whoever copied it could be right by accident
            taken = [*spec.numbers, *(step.name for step in spec.steps)]
            same = [f"{inert.number} != {name}" for name in taken]
            constraints += [(text, "number") for text in same]
        self.constraints = tuple(
            (text, expressions.parse(text, names=known, condition=True, field=field))
            for text, field in constraints
        )
        self.clause: int | None = None
        self.sentences = self._sentences(spec, ask, extras, variables)
        if inert is not None:
            self.clause = self._place(spec, inert)

    def _steps(
        self, steps: Sequence[tuple[StepSpec, str]], numbers: frozenset[str], variables: frozenset[str]
    ) -> tuple[Step, ...]:
        known = set(numbers)
        done = []
        for step, field in steps:
            calc = expressions.parse(step.calc, names=frozenset(known), field=f"{field}.calc")
            if expressions.operations_in(calc) == 0:
                raise TemplateError(f"{step.calc!r} computes nothing", field=f"{field}.calc")
            known.add(step.name)
            text = parse_text(step.text, names=variables | known | {"eq"}, field=f"{field}.text")
            equations = [p for p in text if isinstance(p, Piece) and "eq" in p.names]
            if len(equations) != 1 or not equations[0].bare:
                raise TemplateError("must hold {{ eq }} once, without filters", field=f"{field}.text")
            done.append(Step(step.name, calc, step.kind, text))
        return tuple(done)

    def _sentences(
        self,
        spec: TemplateSpec,
        ask: str,
        extras: Sequence[Extension | InertClause],
        variables: frozenset[str],
    ) -> tuple[Text, ...]:
        body: list[Text] = [
            parse_text(source, names=variables, field=f"question.{i}")
            for i, source in enumerate(spec.question)
        ]
        # later clauses go in first, so that places keep meaning places in the original text
        placed = sorted(
            ((self._place(spec, extra), i, extra) for i, extra in enumerate(extras)),
            key=lambda p: p[:2],
            reverse=True,
        )
        for place, _, extra in placed:
            body.insert(place, parse_text(extra.clause, names=variables, field="clause"))
        return (*body, parse_text(ask, names=variables, field="ask"))

    @staticmethod
    def _place(spec: TemplateSpec, extra: Extension | InertClause) -> int:
        place = len(spec.question) if extra.before is None else extra.before
        if place > len(spec.question):
            raise TemplateError(
                f"{place} is beyond the last sentence; the question has {len(spec.question)}", field="before"
            )
        return place

    def plan(self, *, free_names: bool, free_numbers: bool) -> Plan:
        """A plan in which names, numbers or both are drawn; the rest keeps its original value.

        What an inert clause brings along is always drawn.
        """
        numbers = []
        for name, number in self.numbers.items():
            if name in self.own:
                numbers.append(Number(name, number.kind, number.values()))
                continue
            if number.original is None:
                raise TemplateError("is missing", field=f"numbers.{name}.original")
            numbers.append(Number(name, number.kind, number.values() if free_numbers else (number.original,)))
        nouns = []
        for name, noun in self.names.items():
            if name in self.own:
                nouns.append(Noun(name, _values(noun)))
                continue
            original = _original(name, noun)
            nouns.append(Noun(name, _values(noun), original) if free_names else Noun(name, (original,)))
        different = self.different if free_numbers else None
        return Plan(
            tuple(numbers),
            tuple(nouns),
            self.constraints,
            self.steps,
            self.answer,
            different,
            self.sentences,
            self.clause,
        )


def _values(noun: PersonSpec | ChoiceSpec) -> tuple[Person | Word, ...]:
    return tuple(names.people(noun.person)) if isinstance(noun, PersonSpec) else noun.choice


def _original(name: str, noun: PersonSpec | ChoiceSpec) -> Person | Word:
    if isinstance(noun, ChoiceSpec):
        return noun.choice[noun.original]
    person = names.find(noun.original or "")
    if person is None:
        raise TemplateError(
            f"{noun.original!r} is not in the table of names (names.tsv)", field=f"names.{name}.original"
        )
    if noun.person not in ("any", person.gender):
        raise TemplateError(
            f"{noun.original!r} is {person.gender} in the table of names, not {noun.person}",
            field=f"names.{name}.original",
        )
    return person


def _inert(spec: TemplateSpec, inert: InertClause, i: int, *, free: bool = False) -> tuple[Plan, Clause]:
    """The plan with one inert clause, at the original's values or, ``free``, with drawn ones."""
    field = f"noop.{i}"
    if inert.number not in inert.numbers:
        raise TemplateError(
            f"{inert.number!r} is not among the clause's own numbers", field=f"{field}.number"
        )
    for name in inert.attaches:
        if name not in spec.numbers:
            raise TemplateError(f"{name!r} is no number of the problem", field=f"{field}.attaches")
    try:
        part = _Part(spec, inert=inert)
        _check_shown((part.sentences[part.clause or 0],), inert.numbers, "clause")
    except TemplateError as error:
        raise TemplateError(str(error), field=field) from None
    scope = scope_word(inert.clause)
    if scope:
        raise TemplateError(
            f"{scope!r} could take the inert number into what is asked", field=f"{field}.clause"
        )
    position = "before_question" if inert.before in (None, len(spec.question)) else "mid_text"
    clause = Clause(inert.family, inert.number, inert.attaches, inert.topic, inert.role, position, inert.why)
    return part.plan(free_names=free and bool(spec.names), free_numbers=free), clause


def _extended(spec: TemplateSpec, extensions: Sequence[Extension], field: str) -> Plan:
    try:
        part = _Part(spec, extensions)
        originals = part.plan(free_names=False, free_numbers=False)
        _check_original(originals, extensions[-1].expect, "expect")
        _check_use(originals, "steps")
        _check_shown(part.sentences, part.numbers, "clause")
    except TemplateError as error:
        raise TemplateError(str(error), field=field) from None
    return part.plan(free_names=True, free_numbers=True)


def _check_identifiers(spec: TemplateSpec) -> None:
    seen: dict[str, str] = {}
    extras = {**{f"noop.{i}": clause for i, clause in enumerate(spec.noop)}, "p1": spec.p1, "p2": spec.p2}
    groups: list[tuple[str, Sequence[str], bool]] = [
        ("names", tuple(spec.names), False),
        ("numbers", tuple(spec.numbers), False),
        ("steps", [step.name for step in spec.steps], False),
    ]
    for where, extra in extras.items():
        if extra is not None:
            own = [*extra.names, *extra.numbers]
            if isinstance(extra, Extension):
                own += [step.name for step in extra.steps]
            # two inert clauses never meet, so they may use the same identifiers
            groups.append((where, own, where.startswith("noop")))
    for where, identifiers, alone in groups:
        for identifier in identifiers:
            if identifier == "eq" or keyword.iskeyword(identifier):
                raise TemplateError(f"{identifier!r} is a reserved word", field=where)
            if identifier in seen and not (alone and seen[identifier].startswith("noop")):
                raise TemplateError(f"{identifier!r} is already used in {seen[identifier]}", field=where)
            seen.setdefault(identifier, where)


def _check_original(plan: Plan, expect: Fraction, field: str) -> None:
    values = plan.decode(0)
    why = plan.refusal(values)
    if why is not None:
        raise TemplateError(f"the original is no draw of its own template: {why}", field="constraints")
    got = plan.solve({n: v.value for n, v in values.items() if isinstance(v, Quantity)})[plan.answer]
    if got != expect:
        raise TemplateError(
            f"the original does not hold: expected {format_number(expect)}, got {format_number(got)}",
            field=field,
        )


def _check_use(plan: Plan, field: str) -> None:
    """Every number and step must reach the answer: what does not is inert, and belongs under noop."""
    needed = {plan.answer}
    for step in reversed(plan.steps):
        if step.name in needed:
            needed.update(expressions.names_in(step.calc))
    for kind, found in (("number", [n.name for n in plan.numbers]), ("step", [s.name for s in plan.steps])):
        for name in found:
            if name not in needed:
                raise TemplateError(
                    f"the {kind} {name!r} does not reach the answer {plan.answer!r}", field=field
                )


def _check_shown(sentences: Sequence[Text], numbers: Mapping[str, NumberSpec], field: str) -> None:
    shown = {name for text in sentences for piece in text if isinstance(piece, Piece) for name in piece.names}
    for name in numbers:
        if name not in shown:
            raise TemplateError(f"the number {name!r} is not in the text", field=field)
