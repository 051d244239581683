"""The lint of templates: every gold re-derived, every draw possible, the English right.

Three kinds of rules. Of a template: magnitudes, room for draws, shape of its sentences. Of an
instance: the answer re-derived from the solution's own text by an evaluator that shares no code with
the generator, the reference evaluation in rationals, the reference rendering by jinja2, grading by the
grader, articles and plurals and pronouns, plausibility, no question twice. Of a set: templates that
resemble each other.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Final

from rote.answers import is_correct
from rote.errors import RoteError, TemplateError
from rote.perturb import english
from rote.perturb.authored import AuthoredTemplate, load_template
from rote.perturb.inert import without_clauses
from rote.perturb.language import comma, ordinal, plain, words
from rote.perturb.plan import Plan
from rote.perturb.schema import InertClause, NumberSpec, TemplateSpec
from rote.perturb.texts import render_in_sandbox
from rote.perturb.values import NumberKind, Person, Quantity, Value
from rote.problem import Noop, Problem
from rote.rational import format_number
from rote.steps import rederive

#: Distinct questions that a variant must offer.
CAPACITY: Final = {
    "names": 200,
    "numbers": 200,
    "symbolic": 1000,
    "noop": 20,
    "noop2": 20,
    "symbolic_noop": 200,
    "p1": 1000,
    "p2": 1000,
}
#: Caps on drawn values, by the ``unit`` a number or step may name.
UNITS: Final = {
    "hours/day": 24,
    "days/week": 7,
    "days/month": 31,
    "weeks/year": 52,
    "months/year": 12,
    "minutes/hour": 60,
    "age": 110,
    "class": 40,
    "km/h walking": 8,
    "km/h cycling": 45,
    "km/h driving": 130,
    "percent": 100,
}
#: Variants that keep the original's answer, and those that never have it.
_SAME_ANSWER: Final = ("original", "names", "noop", "noop2", "noop_control")
_OTHER_ANSWER: Final = ("numbers", "symbolic", "symbolic_noop")
#: Shared three-word runs, as a share of the smaller question's, from which two templates are one.
_ALIKE: Final = 0.5
#: Instances of a variant on which the slow references run.
_REFERENCE: Final = 25
_ENDS: Final = (".", "!", "?")
_WORD: Final = re.compile(r"[a-z]+|\d+")
_DIGIT: Final = re.compile(r"\d")
_CLAUSE_KINDS: Final[tuple[NumberKind, ...]] = ("decimal", "money")


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong, where (``instance`` names a draw), and under which rule."""

    template: str
    rule: str
    message: str
    instance: str | None = None

    def __str__(self) -> str:
        where = self.instance or self.template
        return f"{where}: {self.rule}: {self.message}"


@dataclass(frozen=True, slots=True)
class Checked:
    """The outcome of one template: what is wrong, how many instances were looked at, and its integers.

    ``integers`` pairs the original's whole numbers with those of symbolic draws, for the comparison of
    magnitudes over a set.
    """

    template: str
    findings: tuple[Finding, ...]
    instances: int
    original_integers: tuple[int, ...] = ()
    drawn_integers: tuple[int, ...] = ()
    phrases: frozenset[tuple[str, ...]] = frozenset()


@dataclass(frozen=True, slots=True)
class Summary:
    """The outcome of a set of templates."""

    templates: int
    instances: int
    findings: tuple[Finding, ...]
    magnitude_distance: float | None


def check_files(
    files: Sequence[Path],
    *,
    source: str = "bank",
    draws: int = 1000,
    jobs: int | None = None,
    progress: Callable[[Checked], None] = lambda done: None,
) -> Summary:
    """Check template files, ``draws`` instances of each variant, in ``jobs`` processes (all cores if None).

    The outcome does not depend on ``jobs``.
    """
    jobs = min(jobs or os.cpu_count() or 1, len(files)) or 1
    arguments = [(file, source, draws) for file in files]
    done: list[Checked] = []
    if jobs == 1:
        for argument in arguments:
            done.append(_check_file(argument))
            progress(done[-1])
    else:
        with ProcessPoolExecutor(jobs) as pool:
            for checked in pool.map(_check_file, arguments):
                done.append(checked)
                progress(checked)
    findings = [finding for checked in done for finding in checked.findings]
    findings += _alike(done)
    originals = [n for checked in done for n in checked.original_integers]
    drawn = [n for checked in done for n in checked.drawn_integers]
    distance = kolmogorov_smirnov(originals, drawn) if originals and drawn else None
    return Summary(len(done), sum(checked.instances for checked in done), tuple(findings), distance)


def _check_file(argument: tuple[Path, str, int]) -> Checked:
    file, source, draws = argument
    try:
        return check_template(load_template(file, source), draws=draws)
    except RoteError as error:
        return Checked(file.stem, (Finding(file.stem, "template", str(error)),), 0)


def check_template(template: AuthoredTemplate, *, draws: int = 1000) -> Checked:
    """Check one template; at most three findings a rule and variant are kept, the rest are alike."""
    findings = [Finding(template.id, rule, message) for rule, message in _of_template(template)]
    instances = 0
    drawn_integers: list[int] = []
    for variant in template.variants:
        seen: dict[str, str] = {}
        kept: dict[str, int] = {}
        count = 1 if variant == "original" else draws
        sure = template.capacity(variant)
        if sure < CAPACITY.get(variant, 1):
            message = f"{sure} sure to differ; at least {CAPACITY[variant]} are wanted"
            findings.append(Finding(template.id, f"room for draws ({variant})", message))
        for index in range(count):
            try:
                problem = template.problem(variant, 0, index)
                plan, values = template.values(variant, 0, index)
            except TemplateError as error:
                findings.append(Finding(template.id, f"draw ({variant}, {index})", str(error)))
                break
            instances += 1
            wrong = list(_of_instance(template, problem, plan, values, reference=index < _REFERENCE))
            first = seen.setdefault(problem.question, problem.id)
            if first != problem.id and index < sure:
                wrong.append(("repeated question", f"the same as {first}"))
            for rule, message in wrong:
                kept[rule] = kept.get(rule, 0) + 1
                if kept[rule] <= 3:
                    findings.append(Finding(template.id, rule, message, problem.id))
            if variant == "symbolic":
                drawn_integers += _integers(values)
    original = template.problem("original", 0, 0)
    phrases = _phrases(original.question, template.values("original", 0, 0)[1])
    own = tuple(_integers(template.values("original", 0, 0)[1]))
    return Checked(template.id, tuple(findings), instances, own, tuple(drawn_integers), phrases)


def _integers(values: object) -> list[int]:
    if not isinstance(values, dict):
        return []
    return [int(v.value) for v in values.values() if isinstance(v, Quantity) and v.kind == "integer"]


# rules of a template ----------------------------------------------------------------------------


def _of_template(template: AuthoredTemplate) -> Iterator[tuple[str, str]]:
    spec = template.spec
    blocks: list[tuple[str, dict[str, NumberSpec]]] = [("numbers", spec.numbers)]
    blocks += [(f"{name}.numbers", part.numbers) for name, part in (("p1", spec.p1), ("p2", spec.p2)) if part]
    for where, numbers in blocks:
        for name, number in numbers.items():
            if number.original is None:
                continue
            digits = _digits(number.original)
            odd = [v for v in number.values() if _digits(v) != digits]
            if odd and number.kind != "fraction":
                yield (
                    "magnitude",
                    f"{where}.{name}: {format_number(odd[0])} has {_digits(odd[0])} digits before the point, "
                    f"the original {format_number(number.original)} has {digits}",
                )
    yield from _units(spec)
    for i, sentence in enumerate(spec.question):
        if not sentence.rstrip().endswith(_ENDS):
            yield "sentence", f"question.{i} does not end in . ! or ?: {sentence!r}"
    for where, ask in (
        ("ask", spec.ask),
        ("p1.ask", spec.p1 and spec.p1.ask),
        ("p2.ask", spec.p2 and spec.p2.ask),
    ):
        if ask and "?" not in ask and not ask.rstrip().endswith("."):
            yield "sentence", f"{where} is no question: {ask!r}"
    families = [clause.family for clause in spec.noop]
    if len(set(families)) < len(families):
        yield "inert clauses", f"two of one family: {', '.join(families)}"


def _units(spec: TemplateSpec) -> Iterator[tuple[str, str]]:
    units: list[tuple[str, str | None, Fraction | None]]
    units = [(f"numbers.{name}", n.unit, max(n.values())) for name, n in spec.numbers.items()]
    units += [(f"steps.{step.name}", step.unit, None) for step in spec.steps]
    for where, unit, largest in units:
        if unit is None:
            continue
        if unit not in UNITS:
            yield "unit", f"{where}: unknown unit {unit!r}; known: {', '.join(UNITS)}"
        elif largest is not None and largest > UNITS[unit]:
            yield "unit", f"{where}: {format_number(largest)} is more than {UNITS[unit]} {unit}"


def _digits(value: Fraction) -> int:
    return len(str(value.numerator // value.denominator))


# rules of an instance ---------------------------------------------------------------------------


def _of_instance(
    template: AuthoredTemplate, problem: Problem, plan: Plan, values: object, *, reference: bool
) -> Iterator[tuple[str, str]]:
    known = values if isinstance(values, dict) else {}
    numbers = {name: v.value for name, v in known.items() if isinstance(v, Quantity)}
    gold = problem.answer
    derived = rederive(problem.solution)
    if derived.answer != gold or derived.faults:
        told = "; ".join(derived.faults) or f"got {derived.answer}"
        yield "gold", f"the solution's text does not give {format_number(gold)}: {told}"
    solved = plan.solve(numbers)[plan.answer]
    if solved != gold:
        yield "gold", f"the solution graph gives {format_number(solved)}, the instance {format_number(gold)}"
    if gold <= 0:
        yield "gold", f"{format_number(gold)} is not positive"
    expect = template.spec.expect
    if problem.variant in _SAME_ANSWER and gold != expect:
        yield "gold", f"{format_number(gold)}; a {problem.variant} variant keeps {format_number(expect)}"
    if problem.variant in _OTHER_ANSWER and gold == expect:
        yield "gold", "the answer is the original's"
    for step in plan.steps:
        unit = next((s.unit for s in template.spec.steps if s.name == step.name), None)
        if unit in UNITS and plan.solve(numbers)[step.name] > UNITS[unit]:
            yield "plausibility", f"step {step.name!r}: more than {UNITS[unit]} {unit}"
    for name, value in known.items():
        if isinstance(value, Quantity) and not _shows(problem.question, value):
            yield "number not shown", f"{name} = {value} is not in the question"
    for text in (problem.question, *problem.solution.split("\n#### ")[0].split("\n")):
        for slip in english.slips(text):
            yield "english", slip
    for slip in english.implausible(problem.question):
        yield "plausibility", slip
    people = [v for v in known.values() if isinstance(v, Person)]
    for slip in english.stray_pronouns(problem.question, people):
        yield "english", slip
    for noop in problem.noop:
        yield from _of_clause(problem, noop)
    if reference:
        if not is_correct(problem.solution, gold):
            yield "grader", "the problem's own solution does not score"
        why = plan.refusal(known)
        if why is not None:
            yield "draw", f"the reference refuses it: {why}"
        if _without_attached(template, problem, known) != _reference_question(template, problem, known):
            yield "rendering", "compiled text and jinja2 differ"


def _shows(question: str, value: Quantity) -> bool:
    """Whether a quantity stands in a text, in digits or in words."""
    if _stands(question, str(value)) or _stands(question, plain(value)):
        return True
    lower = question.lower()
    for other in (comma, ordinal, words):
        try:
            if _stands(lower, other(value)):
                return True
        except TemplateError:
            continue
    return False


def _stands(text: str, number: str) -> bool:
    """Whether a number is in a text on its own, not as a part of a longer one."""
    at = text.find(number)
    while at >= 0:
        before, after = text[at - 1 : at], text[at + len(number) : at + len(number) + 2]
        if not (before.isalnum() or before == ".") and not (
            after[:1].isalnum() or (after[:1] == "." and after[1:].isdigit())
        ):
            return True
        at = text.find(number, at + 1)
    return False


def _of_clause(problem: Problem, noop: Noop) -> Iterator[tuple[str, str]]:
    clause = problem.question[noop.span[0] : noop.span[1]]
    if not clause.endswith(_ENDS):
        yield "inert clause", f"the span holds {clause!r}, which is no sentence"
    if noop.number is None:
        if _DIGIT.search(clause) or problem.traps:
            yield "inert clause", f"a control with a number or a trap: {clause!r}"
        return
    if not any(_shows(clause, Quantity(noop.number, kind)) for kind in _CLAUSE_KINDS):
        yield "inert clause", f"the span holds {clause!r}, without the number {format_number(noop.number)}"
    if not problem.traps:
        yield "inert clause", "no trap"
    if any(trap.value == problem.answer for trap in problem.traps):
        yield "inert clause", "a trap is the answer"


def _reference_question(template: AuthoredTemplate, problem: Problem, values: dict[str, Value]) -> str:
    """The question as jinja2 alone writes it, from the file's own texts."""
    spec = template.spec
    sentences = list(spec.question)
    ask = spec.ask
    clauses: list[tuple[int, str]] = []
    extensions = {"p1": (spec.p1,), "p2": (spec.p1, spec.p2)}.get(problem.variant, ())
    for extension in extensions:
        if extension is not None:
            clauses.append(
                (len(sentences) if extension.before is None else extension.before, extension.clause)
            )
            ask = extension.ask or ask
    inert = _own_clause(template, problem, values)
    if inert is not None:
        clauses.append((len(sentences) if inert.before is None else inert.before, inert.clause))
    whole: list[str] = []
    for i, sentence in enumerate([*sentences, ask]):
        whole += [clause for place, clause in clauses if place == i]
        whole.append(sentence)
    return " ".join(render_in_sandbox(text, values) for text in whole)


def _own_clause(template: AuthoredTemplate, problem: Problem, values: dict[str, Value]) -> InertClause | None:
    """The clause of an instance that the template's own file holds; None when a family attached it."""
    families = {noop.family for noop in problem.noop}
    own = (c for c in template.spec.noop if c.family in families and c.number in values)
    return next(own, None)


def _without_attached(template: AuthoredTemplate, problem: Problem, values: dict[str, Value]) -> str:
    """The question without the clauses that families attached: those stand in no file of the template's."""
    own = _own_clause(template, problem, values)
    return without_clauses(problem) if own is None else problem.question


# rules of a set ---------------------------------------------------------------------------------


def _phrases(question: str, values: object) -> frozenset[tuple[str, ...]]:
    """Runs of three words, with people and numbers left out."""
    known = values if isinstance(values, dict) else {}
    people = {str(v).lower() for v in known.values() if isinstance(v, Person)}
    words = [w for w in _WORD.findall(question.lower()) if not w.isdigit() and w not in people]
    return frozenset(zip(words, words[1:], words[2:], strict=False))


def _alike(done: Sequence[Checked]) -> Iterator[Finding]:
    for i, one in enumerate(done):
        for other in done[i + 1 :]:
            smaller = min(len(one.phrases), len(other.phrases))
            if smaller and len(one.phrases & other.phrases) / smaller >= _ALIKE:
                yield Finding(one.template, "duplicate", f"reads like {other.template}")


def kolmogorov_smirnov(one: Sequence[int], other: Sequence[int]) -> float:
    """Largest distance between two empirical distribution functions, 0 to 1."""
    points = sorted(set(one) | set(other))
    a, b = sorted(one), sorted(other)
    largest = 0.0
    i = j = 0
    for point in points:
        while i < len(a) and a[i] <= point:
            i += 1
        while j < len(b) and b[j] <= point:
            j += 1
        largest = max(largest, abs(i / len(a) - j / len(b)))
    return largest
