"""From a recipe's ``data`` to the rows of a stage: read, graded, decontaminated, put in order."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, Literal

from rote.answers import grade
from rote.answers.systems import grade_system
from rote.errors import DataError
from rote.perturb.linear import prompts as linear_prompts
from rote.prompts import target_text
from rote.train.data.certificate import Certificate, certify
from rote.train.data.contamination import EvaluationSet, Index, Match, evaluation_sets
from rote.train.data.sources import by_hash, name_of, open_rows
from rote.train.recipe.data import DataSpec, DecontaminationSpec, SourceSpec
from rote.train.rows import Row

#: Reasons for which a row is left out; those of the sources stand with them.
NOT_RIGHT: Final = "its solution does not score full marks under the grader"
TWICE: Final = "another source has the same row"
CONTAMINATED: Final = "shares text with an evaluation template"
BEYOND: Final = "beyond data.n"

#: ``mixed``: every row at a place of its own. ``siblings``: rows of one template in small blocks.
Order = Literal["mixed", "siblings"]


@dataclass(frozen=True, slots=True)
class Built:
    """The rows of a stage.

    Attributes
    ----------
    rows: in the order in which they are trained on.
    counts: how many of them each source gave; a source that gave none has 0.
    left_out: how many rows were left out, by reason.
    certificate: what they were compared with.
    content_hash: of the rows in their order (64 hex digits).
    """

    rows: tuple[Row, ...]
    counts: Mapping[str, int]
    left_out: Mapping[str, int]
    certificate: Certificate
    content_hash: str


def build_rows(spec: DataSpec, order: Order = "mixed") -> Built:
    """The rows of a stage: the same for the same recipe and files, on any machine.

    ``order`` is ``siblings`` for algorithms that compare the answers to variants of one problem.

    Raises
    ------
    DataError: a file that is not what it should be (naming file, line, field and value), or no row that is
        left, with what was left out and why.
    TemplateError: a template file that is not what it should be.
    SourceUnavailableError: GSM8K is neither in a folder nor reachable on the hub.
    """
    left_out: Counter[str] = Counter()
    found: dict[str, tuple[str, Row]] = {}
    for source in spec.sources:
        for row in _rows_of(source, left_out):
            before = found.setdefault(row.id, (name_of(source), row))
            if before[1] is not row:
                _check_same(before[1], row)
                left_out[TWICE] += 1
    kept, matches, sets = _compared([row for _, row in found.values()], spec.decontaminate)
    if matches:
        left_out[CONTAMINATED] += len(matches)
    rows = _ordered(kept, spec.shuffle_seed, order, spec.siblings)
    if spec.n is not None and len(rows) > spec.n:
        left_out[BEYOND] += len(rows) - spec.n
        rows = rows[: spec.n]
    if not rows:
        told = "; ".join(f"{count:,}: {reason}" for reason, count in _sorted(left_out))
        raise DataError(f"empty data after filtering; left out were {told or 'none'}", field="data")
    counts = Counter({name_of(source): 0 for source in spec.sources})
    counts.update(found[row.id][0] for row in rows)
    content_hash = hash_rows(rows)
    certificate = certify(
        spec.decontaminate,
        sets,
        rows_in=len(found),
        out=matches,
        sources=counts,
        rows=len(rows),
        content_hash=content_hash,
    )
    return Built(
        tuple(rows),
        MappingProxyType(dict(counts)),
        MappingProxyType(dict(_sorted(left_out))),
        certificate,
        content_hash,
    )


def _rows_of(source: SourceSpec, left_out: Counter[str]) -> Iterable[Row]:
    """The rows of a source that score full marks, ``source.n`` at most."""
    taken = 0
    for row in open_rows(source):
        if isinstance(row, str):
            left_out[row] += 1
        elif not is_right(row):
            left_out[f"{name_of(source)}: {NOT_RIGHT}"] += 1
        else:
            yield row
            taken += 1
            if taken == source.n:
                return


def is_right(row: Row) -> bool:
    """Whether a model that writes the row's own solution would be graded as right."""
    if row.is_system:
        return grade_system(linear_prompts.target_text(row.solution), row.unknowns).correct
    return grade(target_text(row.solution), row.answer).correct


def _check_same(first: Row, second: Row) -> None:
    if first != second:
        raise DataError(
            f"two sources give different rows of the id {first.id!r}; rename one of their folders",
            field="data.sources",
        )


def _compared(
    rows: Sequence[Row], spec: DecontaminationSpec | None
) -> tuple[list[Row], tuple[Match, ...], tuple[EvaluationSet, ...]]:
    if spec is None or not rows:
        return list(rows), (), () if spec is None else evaluation_sets(spec)
    sets = evaluation_sets(spec)
    index = Index(sets, spec.ngram, spec.shared)
    matches = {row.id: index.match(row.id, row.question) for row in rows}
    kept = [row for row in rows if matches[row.id] is None]
    return kept, tuple(match for match in matches.values() if match is not None), sets


def _ordered(rows: Sequence[Row], seed: int, order: Order, siblings: int) -> list[Row]:
    mixed = by_hash(rows, seed, lambda row: row.id, "row")
    if order == "mixed":
        return mixed
    groups: dict[str, list[Row]] = {}
    for row in mixed:
        groups.setdefault(row.template_id, []).append(row)
    blocks = [
        group[start : start + siblings]
        for group in groups.values()
        for start in range(0, len(group), siblings)
    ]
    # Not template by template: a step would learn of one problem alone, and its reward follow the difficulty.
    return [row for block in by_hash(blocks, seed, lambda block: block[0].id, "siblings") for row in block]


def _sorted(left_out: Counter[str]) -> list[tuple[str, int]]:
    return sorted(left_out.items(), key=lambda item: (-item[1], item[0]))


def hash_rows(rows: Iterable[Row]) -> str:
    """Hash of everything that the rows hold, their order included (64 hex digits)."""
    content = hashlib.sha256()
    for row in rows:
        record = [
            row.id,
            row.source,
            row.template_id,
            row.variant,
            row.question,
            row.solution,
            row.answer,
            list(row.unknowns.items()),
            list(row.traps),
            row.thinking,
        ]
        content.update(json.dumps(record).encode("ascii") + b"\n")
    return content.hexdigest()
