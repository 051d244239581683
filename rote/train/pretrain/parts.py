"""The rows of a mixture, shard by shard: functions of the recipe, the seed and the shard's number alone."""

from __future__ import annotations

import hashlib
import json
import math
import random
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from rote.errors import DataError, UsageError
from rote.perturb import Source, Template, arithmetic, linear
from rote.perturb.keys import digest
from rote.perturb.noop import ATTACHED, Selection, pick
from rote.perturb.source import open_source
from rote.problem import Problem
from rote.train.data.certificate import Certificate, certify
from rote.train.data.contamination import Index, Match, evaluation_sets
from rote.train.data.sources import by_hash, system_row
from rote.train.pretrain.counted import with_clauses, with_sentence
from rote.train.recipe import MixtureSpec, PartSpec
from rote.train.rows import Row, problem_row

#: Draws of each template and variant that are compared with the evaluation templates. Numbers and names are
#: masked there, so that draws differ in choices and inert clauses alone.
_COMPARED: Final = 4
_NUMBER: Final = re.compile(r"\d[\d,]*(?:\.\d+)?")


@dataclass(frozen=True, slots=True)
class Placed:
    """A row and the number of the part that it is of."""

    part: int
    row: Row


class Mixture:
    """The stream of a mixture under one seed.

    ``shard(i)`` gives the rows of a shard in their order. Draws go on from shard to shard, so that none
    comes twice before a template has no more.
    """

    def __init__(self, spec: MixtureSpec, seed: int) -> None:
        self.spec, self.seed = spec, seed
        self._left_out: set[str] = set()
        self._templates = [_templates(part, f"data.parts.{i}") for i, part in enumerate(spec.parts)]
        for i, excluded in enumerate(spec.exclude):
            _source(excluded.path, f"data.exclude.{i}")
        self._selections = [None if part.noop is None else Selection.parse(part.noop) for part in spec.parts]

    @property
    def draws_of(self) -> int:
        """The seed of the draws, apart from those that evaluations use."""
        return 1_000_003 + self.seed

    def selection(self, part: int) -> Selection | None:
        """The inert clauses that a part may have; None: any."""
        return self._selections[part]

    def leave_out(self, templates: Sequence[str]) -> None:
        """Draw no more of these templates (ids), planted parts aside. Raises DataError where none is left."""
        self._left_out = set(templates)
        for i, part in enumerate(self.spec.parts):
            if part.source == "bank" and not self.templates(i):
                raise DataError("no template is left", field=f"data.parts.{i}")

    @property
    def left_out(self) -> tuple[str, ...]:
        """Ids of the templates that are not drawn from."""
        return tuple(sorted(self._left_out))

    def templates(self, part: int) -> list[Template]:
        """The templates of a part that are drawn from."""
        out = set() if self.spec.parts[part].planted else self._left_out
        return [template for template in self._templates[part] if template.id not in out]

    @cached_property
    def excluded(self) -> frozenset[bytes]:
        """What no row may be: hashes of questions, and of a template with the numbers of a solution."""
        found: set[bytes] = set()
        for spec in self.spec.exclude:
            selection = None if spec.noop is None else Selection.parse(spec.noop)
            for template in open_source(spec.path).templates.values():
                for variant in spec.variants:
                    for problem in _first(template, variant, spec.seed, spec.draws, selection):
                        found |= _marks(problem_row(problem))
        return frozenset(found)

    def shard(self, index: int) -> list[Placed]:
        """The rows of shard ``index`` (0, 1, …), mixed."""
        weights = sum(part.weight or 0.0 for part in self.spec.parts)
        rows: list[Placed] = []
        for i, part in enumerate(self.spec.parts):
            wanted = round(self.spec.shard * (part.weight or 0.0) / weights)
            for row in self._rows(i, part, index, wanted):
                if part.planted or self._allowed(row):
                    rows.append(Placed(i, row))
        if not rows:
            raise DataError("no row is left of a shard after filtering", field="data.parts")
        random.Random(digest("shard", self.seed, index)).shuffle(rows)
        return rows

    def _rows(self, i: int, part: PartSpec, shard: int, wanted: int) -> Iterator[Row]:
        if part.source == "linear":
            start = shard * wanted
            # A seed of its own a shard: its problems are not counted up from an index.
            seed = int.from_bytes(digest("linear", self.seed, start)[:4], "big")
            yield from map(system_row, linear.problems("train", wanted, seed))
        elif part.source == "arithmetic":
            seed = self.seed * len(self.spec.parts) + i
            yield from map(problem_row, arithmetic.problems(wanted, seed, shard * wanted))
        elif part.repeats is not None:
            for template in self.templates(i):
                phase = int.from_bytes(digest("phase", self.seed, template.id)[:4], "big") / 2**32
                # A phase of each template's own: below one repeat a shard they come at different times.
                times = math.floor((shard + 1) * part.repeats + phase) - math.floor(
                    shard * part.repeats + phase
                )
                yield from [problem_row(template.problem("original", 0, 0))] * times
        else:
            yield from self._drawn(i, part, shard, wanted)

    def _drawn(self, i: int, part: PartSpec, shard: int, wanted: int) -> Iterator[Row]:
        pairs = [(t, v) for t in self.templates(i) for v in part.variants if t.offers(v)]
        each = max(1, round(wanted / len(pairs)))
        selection = self._selections[i]
        for template, variant in pairs:
            for at in range(shard * each, (shard + 1) * each):
                problem = template.problem(variant, self.draws_of, at)
                if selection is None or variant not in ATTACHED or selection.matches(problem):
                    yield from self._told(part, problem)

    def _told(self, part: PartSpec, problem: Problem) -> Iterator[Row]:
        """The row of a problem; none where it may not be, or where nothing of it can be counted."""
        row = problem_row(problem)
        if not part.sentences and not part.trapped:
            yield row
        # Asked before a step more makes other numbers of it: the problem itself may be one of an evaluation.
        elif part.planted or self._allowed(row):
            if part.sentences:
                yield with_sentence(problem, part.sentences, self.seed)
            elif (counted := with_clauses(problem)) is not None:
                yield counted

    def _allowed(self, row: Row) -> bool:
        if self.spec.below and _largest(row) >= self.spec.below:
            return False
        return not self.excluded or self.excluded.isdisjoint(_marks(row))

    @cached_property
    def content_hash(self) -> str:
        """64 hex digits: of the recipe's mixture, the seed, the templates' files and what is left out."""
        paths = {part.path for part in self.spec.parts if part.path is not None}
        sources = {path: open_source(path) for path in sorted(paths)}
        said = {
            "spec": self.spec.model_dump(mode="json", exclude={"workers"}),
            "seed": self.seed,
            "sources": {name: source.content_hash for name, source in sources.items()},
            "left_out": self.left_out,
        }
        return hashlib.sha256(json.dumps(said, sort_keys=True).encode("ascii")).hexdigest()

    def planted(self) -> list[str]:
        """Ids of the templates whose originals are to be learned by heart."""
        return sorted({t.id for i, p in enumerate(self.spec.parts) if p.planted for t in self.templates(i)})


def decontaminated(mixture: Mixture) -> Certificate:
    """Compare what the mixture draws with the evaluation templates; it draws no more of those that match.

    Planted parts are not compared: they are meant to match.
    """
    spec = mixture.spec.decontaminate
    sets = () if spec is None else evaluation_sets(spec)
    # Templates of two folders may have one id.
    drawn: dict[tuple[str | None, str], Row] = {}
    for i, part in enumerate(mixture.spec.parts):
        if part.source != "bank" or part.planted:
            continue
        for template in mixture.templates(i):
            for variant in part.variants:
                for problem in _first(template, variant, mixture.draws_of, _COMPARED, mixture.selection(i)):
                    drawn.setdefault((part.path, problem.id), problem_row(problem))
    matches: list[Match] = []
    out: set[str] = set()
    if spec is not None:
        index = Index(sets, spec.ngram, spec.shared)
        for row in drawn.values():
            match = index.match(row.id, row.question)
            if match is not None:
                matches.append(match)
                out.add(row.template_id)
    if out:
        mixture.leave_out(sorted(out))
    counts: dict[str, int] = {}
    kept = [row for row in drawn.values() if row.template_id not in out]
    for row in kept:
        counts[row.source] = counts.get(row.source, 0) + 1
    return certify(
        spec,
        sets,
        rows_in=len(drawn),
        out=tuple(matches),
        sources=counts,
        rows=len(kept),
        content_hash=mixture.content_hash,
    )


def first_rows(spec: MixtureSpec, seed: int) -> list[Row]:
    """The rows of the first shard, in their order: what a vocabulary is learned from."""
    return [placed.row for placed in Mixture(spec, seed).shard(0)]


def _source(path: str, field: str) -> Source:
    try:
        return open_source(path)
    except UsageError as error:
        raise DataError(str(error), field=f"{field}.path") from None


def _templates(part: PartSpec, field: str) -> list[Template]:
    """The templates that a part takes, before any is left out."""
    if part.source != "bank":
        return []
    offering = [
        template
        for template in _source(str(part.path), field).templates.values()
        if any(template.offers(variant) for variant in part.variants)
    ]
    if not offering:
        raise DataError(
            f"no template of {part.path} offers {', '.join(part.variants)}", field=f"{field}.variants"
        )
    ordered = by_hash(offering, part.seed, lambda template: template.id, "share")
    return ordered[: max(1, round(part.share * len(ordered)))]


def _first(
    template: Template, variant: str, seed: int, draws: int, selection: Selection | None
) -> Iterator[Problem]:
    if not template.offers(variant):
        return
    if selection is not None and variant in ATTACHED:
        yield from pick(template, variant, seed, draws, selection)
    else:
        yield from template.instances(variant, seed, draws)


def _marks(row: Row) -> set[bytes]:
    """What a row has in common with another that it would give away: its question, or all of its numbers.

    With other names, or with an inert clause, the same numbers are the same problem. A template is known by
    its file's name: sets of templates in several folders share them.
    """
    numbers = " ".join(_NUMBER.findall(row.solution))
    name = row.template_id.rsplit("/", 1)[-1]
    return {_mark(row.question), _mark(f"{name}\n{numbers}")}


def _mark(text: str) -> bytes:
    return hashlib.blake2b(text.encode("utf-8"), digest_size=12).digest()


def _largest(row: Row) -> float:
    """The largest number that stands in the question or in its solution."""
    texts = _NUMBER.findall(f"{row.question}\n{row.solution}")
    return max((float(text.replace(",", "")) for text in texts), default=0.0)
