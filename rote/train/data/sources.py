"""The sources of a recipe as rows, one after the other, each in an order that its seed decides.

Every row of a source is a function of its :class:`SourceSpec` and the files alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Final, TypeVar

from rote.errors import DataError
from rote.perturb import Template, linear, load_source
from rote.perturb.keys import digest
from rote.perturb.linear import LinearProblem
from rote.rational import format_number
from rote.train.data.published import published, symbolized
from rote.train.data.records import Record, jsonl_row, read_records, trace_row
from rote.train.recipe.data import SourceSpec
from rote.train.rows import Row, problem_row

#: A row, or why something became none.
Found = Row | str

#: Systems of linear equations where the recipe names no number.
LINEAR_ROWS: Final = 2000

T = TypeVar("T")


def open_rows(spec: SourceSpec) -> Iterator[Found]:
    """The rows of a source, without end to :attr:`SourceSpec.n`: the caller takes as many as it wants.

    They are read and drawn as they are asked for. Siblings of one template follow each other.

    Raises DataError for files that are not what they should be, TemplateError for a bad template,
    SourceUnavailableError where GSM8K cannot be read.
    """
    return _OPEN[spec.source](spec)


def name_of(spec: SourceSpec) -> str:
    """What a source is called in counts and in the certificate: no part of it depends on the machine."""
    if spec.source in ("gsm8k", "symbolized"):
        return f"{spec.source}/{spec.split}"
    if spec.source == "linear":
        return "linear/train"
    return f"{spec.source}/{Path(spec.path or '').expanduser().resolve().name}"


def by_hash(items: Iterable[T], seed: int, key: Callable[[T], str], what: str = "choose") -> list[T]:
    """The items in the order of a hash of seed and key: the same on every platform."""
    return sorted(items, key=lambda item: digest(what, seed, key(item)))


def _gsm8k(spec: SourceSpec) -> Iterator[Found]:
    problems = published(spec.split, spec.path)
    return map(problem_row, by_hash(problems, spec.seed, lambda problem: problem.id))


def _symbolized(spec: SourceSpec) -> Iterator[Found]:
    split = symbolized(spec.split, spec.path)
    for rejection in split.rejections.values():
        yield f"{name_of(spec)}: rejected, {rejection.code}"
    yield from _drawn(spec, list(split.templates.values()))


def _bank(spec: SourceSpec) -> Iterator[Found]:
    folder = Path(spec.path or "").expanduser()
    if not folder.is_dir():
        raise DataError("no such folder of template files", path=folder, field="path")
    source = load_source(folder.resolve().name, folder)
    return _drawn(spec, list(source.templates.values()))


def _drawn(spec: SourceSpec, templates: Sequence[Template]) -> Iterator[Found]:
    """The draws of every variant, template by template; no question of a template twice."""
    for template in by_hash(templates, spec.seed, lambda one: one.id):
        asked: set[str] = set()
        for variant in spec.variants:
            if not template.offers(variant):
                yield f"{name_of(spec)}: no {variant} of a template"
                continue
            for problem in template.instances(variant, spec.seed, spec.draws):
                if problem.question in asked:
                    yield f"{name_of(spec)}: drawn a second time"
                    continue
                asked.add(problem.question)
                yield problem_row(problem)


def _linear(spec: SourceSpec) -> Iterator[Found]:
    return map(system_row, linear.problems("train", spec.n or LINEAR_ROWS, spec.seed))


def _traces(spec: SourceSpec) -> Iterator[Found]:
    return _from_files(spec, trace_row)


def _jsonl(spec: SourceSpec) -> Iterator[Found]:
    return _from_files(spec, jsonl_row)


def _from_files(spec: SourceSpec, read: Callable[[Record], Found]) -> Iterator[Found]:
    # all of them are read, so that a bad line is found whatever number is wanted
    rows = {record.id: read(record) for record in read_records(spec.path or "")}
    return (rows[name] for name in by_hash(rows, spec.seed, str))


_OPEN: Final[dict[str, Callable[[SourceSpec], Iterator[Found]]]] = {
    "gsm8k": _gsm8k,
    "symbolized": _symbolized,
    "bank": _bank,
    "linear": _linear,
    "traces": _traces,
    "jsonl": _jsonl,
}


def system_row(made: LinearProblem) -> Row:
    """A system of equations as a row, with the gold of each unknown."""
    row = problem_row(made.problem)
    answers = {name: format_number(value) for name, value in made.answers.items()}
    return Row(
        id=row.id,
        source=row.source,
        template_id=row.template_id,
        variant=row.variant,
        question=row.question,
        solution=row.solution,
        answer=row.answer,
        unknowns=MappingProxyType(answers),
    )
