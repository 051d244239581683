"""The draws of one variant: positions of a space to instances, checked as the template says.

A position is a number; it decides the value of every drawn variable. Solved and derived variables follow,
then the conditions are tested, each as soon as it can be. The answer must be positive, whole if the
published one is, and another than the published one.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import Final

from rote.perturb import keys
from rote.perturb.apple import texts
from rote.perturb.apple.domains import Domain, is_default
from rote.perturb.apple.equations import Equation
from rote.perturb.apple.expressions import Env, Expression
from rote.perturb.apple.lists import is_person
from rote.perturb.apple.model import FAILURES, Model
from rote.perturb.apple.operations import truth
from rote.perturb.apple.values import Dual, EvaluationError, Value, is_number, number
from rote.perturb.codegen import At, Drawn, Walk
from rote.rational import format_number

#: Number spaces up to this size are searched whole: then every position has fitting numbers.
SMALL: Final = 1 << 13

#: What a stage does: it completes the values and returns None, or says why they are no draw.
_Stage = Callable[[dict[str, Value]], str | None]


class Draws:
    """The instances of one variant of a model.

    ``numbers`` / ``names``: whether numeric / word variables are drawn; the others keep their published
    value, and conditions on nothing that is drawn are not tested.
    """

    def __init__(self, model: Model, *, numbers: bool, names: bool) -> None:
        self.model = model
        self.numeric = numbers
        solved = {e.name for e in model.equations} if numbers else set()
        used = self._used(model)
        self.free_numbers: list[Domain] = []
        self.free_words: list[Domain] = []
        fixed = dict(model.known)
        literal = _literal_words(model)
        for domain in model.domains:
            drawn = numbers if domain.kind == "number" else names
            if domain.names[0] in solved:
                continue
            if not drawn:
                continue
            if not used & set(domain.names):
                fixed.update(zip(domain.names, domain.values(0), strict=True))
            elif domain.kind == "number":
                self.free_numbers.append(domain)
            else:
                self.free_words.append(_other_people(domain, model.known, literal))
        free = {n for d in (*self.free_numbers, *self.free_words) for n in d.names}
        moving = _moving(model, free, solved)
        self.fixed = {name: value for name, value in fixed.items() if name not in moving}
        self.words = frozenset(n for d in self.free_words for n in d.names)
        self._stages, self._late = self._schedule(model, moving)
        self._number_sizes = [d.size for d in self.free_numbers]
        self._word_sizes = [d.size for d in self.free_words]
        self._space = math.prod(self._number_sizes)
        self._accepted: list[int] | None = None
        #: Why numbers of a searched space were no draw, and how many.
        self.reasons: dict[str, int] = {}

    @staticmethod
    def _used(model: Model) -> frozenset[str]:
        """Variables that a question, a condition or a solution has to do with."""
        named = set(model.shown) | model.result.names | model.final.names
        for part in model.solution:
            if not isinstance(part, str):
                named |= part.value.names
        for condition in model.conditions:
            named |= condition.names
        return model.reach(named)

    def _schedule(self, model: Model, moving: frozenset[str]) -> tuple[list[_Stage], list[_Stage]]:
        """Steps in order: those that words have no part in, then the others."""
        stages: list[_Stage] = []
        late: list[_Stage] = []
        available = set(self.fixed) | {n for d in self.free_numbers for n in d.names}
        options = {d.names[0]: d for d in model.domains if len(d.names) == 1}
        conditions = [c for c in model.conditions if c.names & moving or not c.names]
        rules = [d for d in model.derived if d.name in moving]
        equations = [e for e in model.equations if e.name in moving and self.numeric]
        for target, more in ((stages, set()), (late, set(self.words))):
            available |= more
            moved = True
            while moved:
                moved = False
                for condition in [c for c in conditions if c.names <= available]:
                    target.append(_test(condition))
                    conditions.remove(condition)
                for rule in [r for r in rules if r.value.names <= available]:
                    target.append(_derive(rule.name, rule.value))
                    rules.remove(rule)
                    available.add(rule.name)
                    moved = True
                for equation in [e for e in equations if e.needs <= available][:1]:
                    target.append(_solve(equation, options.get(equation.name)))
                    equations.remove(equation)
                    available.add(equation.name)
                    moved = True
        return stages, late

    @property
    def sizes(self) -> tuple[int, ...]:
        """Sizes of the space of draws in digit order: numbers, then words."""
        numbers = self._space if self._accepted is None else len(self._accepted)
        return (numbers, *self._word_sizes)

    @property
    def weight(self) -> int:
        """How many parts of expressions a draw may take to work out."""
        cells = sum(part.value.nodes for part in self.model.solution if not isinstance(part, str))
        return cells + sum(c.nodes for c in self.model.conditions) + 50

    def search(self) -> None:
        """Find all fitting numbers of a small space, so that no position is lost to the conditions."""
        if self._accepted is not None or self._space > SMALL:
            return
        self._accepted = []
        for place in range(self._space):
            found = self._numbers(place)
            if isinstance(found, dict):
                self._accepted.append(place)
            else:
                self.reasons[found] = self.reasons.get(found, 0) + 1

    def values(self, position: int) -> dict[str, Value] | str:
        """The values at a position, or why there is no draw."""
        position, place = divmod(position, self.sizes[0]) if self.sizes[0] else (0, 0)
        if self._accepted is not None:
            place = self._accepted[place]
        env = self._numbers(place)
        if isinstance(env, str):
            return env
        for domain, size in zip(self.free_words, self._word_sizes, strict=True):
            position, digit = divmod(position, size)
            env.update(zip(domain.names, domain.values(digit), strict=True))
        return self._clash(env) or _through(self._late, env) or env

    def decode(self, position: int) -> Mapping[str, Value]:
        """The values at a position that is a draw; nothing where it is none."""
        values = self.values(position)
        return values if isinstance(values, dict) else {}

    def refusal(self, position: int) -> str | None:
        """Why there is no draw at a position; None when there is one."""
        drawn = self._drawn(position)
        return drawn if isinstance(drawn, str) else None

    def at(self, position: int) -> Drawn | None:
        """The instance at a position, None where there is no draw."""
        drawn = self._drawn(position)
        return None if isinstance(drawn, str) else drawn

    def functions(self, bits: int) -> tuple[At, Walk]:
        """:meth:`at`, and the search for the first draw among permuted positions."""
        space = math.prod(self.sizes)

        def walk(start: int, stop: int, stride: int, key: keys.Key) -> Drawn | None:
            for x in range(start, stop, stride):
                position = keys.permute(x, bits, key)
                if position < space:
                    drawn = self.at(position)
                    if drawn is not None:
                        return drawn
            return None

        return self.at, walk

    def _numbers(self, place: int) -> dict[str, Value] | str:
        env = dict(self.fixed)
        for domain, size in zip(self.free_numbers, self._number_sizes, strict=True):
            place, digit = divmod(place, size)
            if len(domain.names) == 1:
                env[domain.names[0]] = domain.options[digit]
            else:
                env.update(zip(domain.names, domain.values(digit), strict=True))
        return _through(self._stages, env) or env

    def _clash(self, env: Env) -> str | None:
        """People of one name, or no word that is not the published one."""
        if not self.words:
            return None
        people = [v for n, v in env.items() if isinstance(v, str) and n in self.words and is_person(v)]
        if len(set(people)) < len(people):
            return "two people have one name"
        if all(is_default(env[name], self.model.known.get(name)) for name in self.words):
            return "every name is the original's"
        return None

    def _drawn(self, position: int) -> Drawn | str:
        env = self.values(position)
        if isinstance(env, str):
            return env
        model = self.model
        try:
            answer = number(model.result.run(env))
            final = texts.final_number(model.final.run(env))
        except FAILURES as error:
            return f"#answer or the last line: {error or type(error).__name__}"
        if answer <= 0:
            return "the answer is not positive"
        if model.answer.denominator == 1 and type(answer) is not int:
            return "the answer is not whole"
        if self.numeric and answer == model.answer:
            return "the answer is the original's"
        if not self.numeric and answer != model.answer:
            return "a word changes the answer"
        if final != answer:
            return f"the last line {model.final.text!r} is not #answer"
        try:
            solution = texts.write_solution(model.solution, env)
        except FAILURES as error:
            return f"answer_annotated: {error or type(error).__name__}"
        question = texts.write_question(model.question, env, model.known)
        solution = f"{solution}\n#### {format_number(answer)}"
        return instance(position, question, solution, Fraction(answer), model, env)


def instance(position: int, question: str, solution: str, answer: Fraction, model: Model, env: Env) -> Drawn:
    """A draw with the facts about its numbers: digits of the answer, the largest of the question."""
    shown = [number(env[n]) for n in model.shown if is_number(env.get(n))]
    largest = max(shown, default=0)
    return Drawn(
        position=position,
        question=question,
        solution=solution,
        answer=answer,
        digits=len(str(math.floor(answer))),
        largest=largest if type(largest) is int else float(largest),
        span=None,
    )


def _moving(model: Model, free: set[str], solved: set[str]) -> frozenset[str]:
    """The drawn variables and all that follow from them."""
    moving = free | solved
    grew = True
    while grew:
        more = {d.name for d in model.derived if d.value.names & moving} - moving
        grew = bool(more)
        moving |= more
    return frozenset(moving)


def _through(stages: list[_Stage], env: dict[str, Value]) -> str | None:
    for stage in stages:
        try:
            why = stage(env)
        except FAILURES as error:
            return str(error) or type(error).__name__
        if why is not None:
            return why
    return None


def _test(condition: Expression) -> _Stage:
    why = f"condition {condition.text!r}"
    run = condition.run
    return lambda env: None if truth(run(env)) else why


def _derive(name: str, value: Expression) -> _Stage:
    def stage(env: dict[str, Value]) -> str | None:
        found = value.run(env)
        if not is_number(found) and not isinstance(found, str):
            raise EvaluationError(f"{name} is neither a number nor a word")
        env[name] = found
        return None

    return stage


def _solve(equation: Equation, domain: Domain | None) -> _Stage:
    allowed = None
    if domain is not None:
        allowed = {o.value if isinstance(o, Dual) else o: o for o in reversed(domain.options)}
    why = f"no value of {equation.name!r} meets {equation.condition.text!r}"

    def stage(env: dict[str, Value]) -> str | None:
        value = equation.solve(env)
        if value is None or (allowed is not None and value not in allowed):
            return why
        env[equation.name] = value if allowed is None else allowed[value]
        return None

    return stage


def _literal_words(model: Model) -> frozenset[str]:
    text = " ".join(part for part in model.question if isinstance(part, str))
    return frozenset(re.findall(r"\w+", text.lower()))


def _other_people(domain: Domain, known: Env, literal: frozenset[str]) -> Domain:
    """A domain of people without the published ones, and without names that the text has already."""
    if not any(isinstance(o, str) and is_person(o) for o in domain.options):
        return domain
    taken = {str(known[name]).lower() for name in domain.names if isinstance(known.get(name), str)}
    fewer = domain.without(taken | literal)
    return fewer if fewer.size > 0 else domain
