"""A sheet understood: its domains, conditions and texts, and the published values that it starts from.

Numbers that an equation determines (``x + y + rest == total``) are solved for and not drawn. The published
values need not lie in the declared domains, nor meet the conditions: the format's own templates seldom do.
But ``#answer`` at these values must be the published answer.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Final

from rote.perturb.apple import expressions, texts
from rote.perturb.apple.domains import Derived, Domain, default_of, read_lines
from rote.perturb.apple.equations import (
    CONDITIONS,
    Equation,
    closure,
    equality,
    equation_of,
    latent_names,
    solved_equations,
)
from rote.perturb.apple.expressions import Env, Expression
from rote.perturb.apple.reader import Sheet
from rote.perturb.apple.refusal import RefusedError
from rote.perturb.apple.texts import Cell, Slot
from rote.perturb.apple.values import (
    EvaluationError,
    Value,
    is_number,
    number,
    read_number,
    same,
    worked,
)

_INIT: Final = "question_annotated #init"
_ANSWER: Final = "question_annotated #answer"
#: What the evaluation of a checked expression may raise.
FAILURES: Final = (EvaluationError, ZeroDivisionError, KeyError)


@dataclass(frozen=True, slots=True)
class Model:
    """A template as its variants need it; ``known`` are the published values."""

    sheet: Sheet
    domains: tuple[Domain, ...]
    derived: tuple[Derived, ...]
    equations: tuple[Equation, ...]
    conditions: tuple[Expression, ...]
    result: Expression
    question: tuple[str | Slot, ...]
    solution: tuple[str | Cell, ...]
    final: Expression
    known: Mapping[str, Value]
    answer: Fraction

    @property
    def shown(self) -> frozenset[str]:
        """The variables of the question."""
        return frozenset(part.name for part in self.question if isinstance(part, Slot))

    def reach(self, names: Iterable[str]) -> frozenset[str]:
        """These variables and all that determine them."""
        needs = {d.name: d.value.names for d in self.derived}
        needs.update({e.name: e.needs for e in self.equations})
        return frozenset(closure(names, needs))


def understand(sheet: Sheet, *, extended: bool = False) -> Model:
    """The model of a sheet. RefusedError with a code when it is not sound.

    ``extended``: a sheet of GSM-P1 or P2, whose question has clauses that the published problem has not. Its
    answer at the published values is then what ``#answer`` says.
    """
    domains, derived = read_lines(sheet.init, _INIT)
    declared = {name for d in domains for name in d.names} | {d.name for d in derived}
    sources = [equality(text) for text in sheet.conditions]
    trees = [expressions.syntax_tree(text, f"{CONDITIONS}.{i}") for i, text in enumerate(sources, start=1)]
    latent = latent_names(trees, declared)
    variables = frozenset(declared | latent)
    conditions = [
        expressions.expression(tree, text, variables, f"{CONDITIONS}.{i}")
        for i, (text, tree) in enumerate(zip(sources, trees, strict=True), start=1)
    ]
    result = expressions.parse(texts.braced(sheet.result) or sheet.result, variables, _ANSWER)
    question = texts.read_question(sheet.text, variables, "question_annotated")
    solution, final = texts.read_solution(sheet.solution, variables, "answer_annotated")
    shown = {part.name for part in question if isinstance(part, Slot)}
    equations = solved_equations(conditions, domains, derived, latent, shown)
    for name in sorted(latent - {e.name for e in equations}):
        raise RefusedError(
            "unknown_name", f"{name!r} is not declared and no equation determines it", field=CONDITIONS
        )
    known = _published(question, domains, derived, conditions, latent)
    if extended:
        answer = _extended_answer(result, known) or _published_answer(sheet)
    else:
        answer = _check_answer(sheet, result, final, known)
    model = Model(
        sheet,
        domains,
        derived,
        tuple(equations),
        tuple(conditions),
        result,
        question,
        solution,
        final,
        known,
        answer,
    )
    _check_hidden(model)
    return model


def _published(
    question: Sequence[str | Slot],
    domains: Sequence[Domain],
    derived: Sequence[Derived],
    conditions: Sequence[Expression],
    latent: set[str],
) -> dict[str, Value]:
    """The question's own values, and what follows from them."""
    home = {name: domain for domain in domains for name in domain.names}
    known: dict[str, Value] = {}
    for part in question:
        if not isinstance(part, Slot) or part.text is None:
            continue
        field = f"question_annotated {{{part.name},{part.text}}}"
        if part.name not in known:
            if part.name in home:
                known[part.name] = default_of(part.name, part.text, home[part.name], field)
            else:
                value = read_number(part.text)
                known[part.name] = part.text if value is None else value
        elif is_number(known[part.name]):
            again = read_number(part.text)
            if again is not None and not same(again, known[part.name]):
                raise RefusedError(
                    "default_conflict", f"{part.name!r} is {worked(known[part.name])} elsewhere", field=field
                )
    for domain in domains:
        if domain.how == "one" and len(domain.names) > 1:
            _complete(domain, known)
        elif domain.kind == "word":
            for name, value in zip(domain.names, domain.values(0), strict=True):
                known.setdefault(name, value)
    numbers = {n for d in domains if d.kind == "number" for n in d.names} | latent
    moved = True
    while moved:
        moved = False
        for rule in derived:
            if rule.name not in known and rule.value.names <= known.keys():
                known[rule.name] = _or_none(rule.value, known)
                moved = True
        for condition in conditions:
            missing = condition.names - known.keys()
            if len(missing) == 1 and missing <= numbers:
                equation = equation_of(condition, next(iter(missing)))
                value = None
                if equation is not None:
                    try:
                        value = equation.solve(known)
                    except FAILURES:
                        value = None
                if value is not None and equation is not None:
                    known[equation.name] = value
                    moved = True
    return {name: value for name, value in known.items() if value is not None}


def _or_none(value: Expression, env: Env) -> Value:
    try:
        return value.run(env)
    except FAILURES:
        return None


def _complete(domain: Domain, known: dict[str, Value]) -> None:
    """The partners of a shown value, from the first option that has it."""
    for option in domain.options:
        pairs = list(zip(domain.names, option, strict=True))
        if all(name not in known or same(known[name], value) for name, value in pairs):
            for name, value in pairs:
                known.setdefault(name, value)
            return


def _published_answer(sheet: Sheet) -> Fraction:
    published = read_number(sheet.answer.rpartition("####")[2]) if "####" in sheet.answer else None
    if published is None:
        raise RefusedError("syntax", "has no last line '#### <number>'", field="answer")
    if published <= 0:
        raise RefusedError("type", f"the answer {worked(published)} is not positive", field="answer")
    return Fraction(published)


def _extended_answer(result: Expression, known: Env) -> Fraction | None:
    """The answer at the published values; None where these do not give a whole positive number."""
    try:
        value = number(result.run(known))
    except FAILURES:
        return None
    return Fraction(value) if type(value) is int and value > 0 else None


def _check_answer(sheet: Sheet, result: Expression, final: Expression, known: Env) -> Fraction:
    published = _published_answer(sheet)
    for expression, field, code in (
        (result, _ANSWER, "answer_differs"),
        (final, "answer_annotated", "final_differs"),
    ):
        missing = sorted(expression.names - known.keys())
        if missing:
            raise RefusedError(
                "undetermined",
                f"{missing[0]!r} has no value in the question, and no equation determines it",
                field=field,
            )
        try:
            got = number(expression.run(known))
        except ZeroDivisionError:
            raise RefusedError(
                code, f"{expression.text!r} divides by zero at the question's own values", field=field
            ) from None
        except EvaluationError as error:
            raise RefusedError(error.code, f"{expression.text!r}: {error}", field=field) from None
        if got != published:
            raise RefusedError(
                code,
                f"{expression.text!r} is {worked(got)} at the question's own values; "
                f"the published answer is {worked(published)}",
                field=field,
            )
    return published


def _check_hidden(model: Model) -> None:
    """A number that decides the answer must be read from the question, or follow from what is."""
    solved = {e.name for e in model.equations} | {d.name for d in model.derived}
    matters = model.reach(model.result.names)
    for domain in model.domains:
        if model.shown & set(domain.names) or domain.kind == "word":
            continue
        for name in domain.names:
            if name in matters and name not in solved and domain.size > 1:
                raise RefusedError(
                    "undetermined",
                    f"{name!r} decides the answer and is not in the question",
                    field=domain.field,
                )
