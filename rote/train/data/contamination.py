"""Which rows share too much text with a template that models are evaluated on.

A row matches a template when their questions have ``shared`` or more different runs of ``ngram`` masked
words in common. What a template's texts have in common with a row is counted together. A text of fewer
words than a run is one run, and a text of fewer runs than ``shared`` must share all that it has.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from rote.errors import DataError, SourceUnavailableError
from rote.perturb import Source, Template, load_source
from rote.perturb.apple import load_apple
from rote.train.data.masking import Run, masked_words, runs_of
from rote.train.data.published import published
from rote.train.recipe.data import DecontaminationSpec

GSM8K_TEST: Final = "gsm8k/test"
BANK: Final = "bank"

#: What is drawn of an authored template beside its original: the places of its names and things differ
#: between draws, and clauses that count (``p1``, ``p2``) bring sentences of their own.
_DRAWS: Final = {"symbolic": 3, "p1": 1, "p2": 1}
_SEED: Final = 0


@dataclass(frozen=True, slots=True)
class EvaluationSet:
    """Templates that models are evaluated on, as texts.

    ``name`` as the recipe gives it, of a folder its last part; ``texts``: pairs of a template's id and a
    question; ``unread``: ids of templates that rote cannot draw from, whose texts are therefore not compared.
    """

    name: str
    texts: tuple[tuple[str, str], ...]
    unread: tuple[str, ...] = ()

    @property
    def templates(self) -> int:
        """How many templates there are."""
        return len({template for template, _ in self.texts})

    @property
    def sha256(self) -> str:
        """Hash of the ids and texts (64 hex digits)."""
        content = hashlib.sha256()
        for pair in self.texts:
            content.update(json.dumps(pair).encode("ascii") + b"\n")
        return content.hexdigest()


@dataclass(frozen=True, slots=True)
class Match:
    """A row and the template that it shares the most runs with; of several the first."""

    row: str
    template: str
    shared: int


def evaluation_sets(spec: DecontaminationSpec) -> tuple[EvaluationSet, ...]:
    """The evaluation templates of a recipe.

    A folder holds template files of rote's or of the GSM-Symbolic format.

    Raises DataError for a name that is neither known nor a folder, TemplateError for a bad template file,
    SourceUnavailableError where GSM8K cannot be read.
    """
    return tuple(_open(name, spec.path) for name in dict.fromkeys(spec.against))


def _open(name: str, path: str | None) -> EvaluationSet:
    if name == GSM8K_TEST:
        try:
            problems = published("test", path, field="data.decontaminate.path")
        except SourceUnavailableError as error:
            raise SourceUnavailableError(
                f"decontamination needs GSM8K's test questions. {error}. To train without it, "
                "set decontaminate: null; the certificate then says so"
            ) from error
        return EvaluationSet(name, tuple((problem.template_id, problem.question) for problem in problems))
    if name == BANK:
        return EvaluationSet(name, tuple(_texts(load_source(BANK))))
    folder = Path(name).expanduser()
    if not folder.is_dir():
        raise DataError(
            f"{name!r} is no evaluation set: expected {GSM8K_TEST}, {BANK} or a folder of template files",
            field="decontaminate.against",
        )
    shown = folder.resolve().name
    if any(file for place in (folder, folder / "symbolic") for file in place.glob("*.json")):
        imported = load_apple(folder, source=shown)
        refused = tuple(rejection.template_id for rejection in imported.rejections)
        return EvaluationSet(shown, tuple(_texts(imported.source())), refused)
    return EvaluationSet(shown, tuple(_texts(load_source(shown, folder))))


def _texts(source: Source) -> Iterator[tuple[str, str]]:
    """The questions of a source's templates and of its worked examples, each once."""
    for template in source.templates.values():
        for question in dict.fromkeys(_questions(template)):
            yield template.id, question
    for shot in source.shots:
        yield shot.template_id, shot.question


def _questions(template: Template) -> Iterator[str]:
    yield template.problem("original", _SEED, 0).question
    for variant, draws in _DRAWS.items():
        if template.offers(variant):
            for problem in template.instances(variant, _SEED, draws):
                yield problem.question


class Index:
    """The runs of all evaluation templates, to look rows up in.

    Parameters
    ----------
    sets: what rows are compared with.
    ngram: words in a run, 1 or more.
    shared: runs in common from which on a row matches, 1 or more.
    """

    def __init__(self, sets: Sequence[EvaluationSet], ngram: int, shared: int) -> None:
        self._ngram = ngram
        self._shared = shared
        self._ids: list[str] = []
        self._wanted: list[int] = []
        self._templates: dict[Run, list[int]] = {}
        for evaluation in sets:
            for template, runs in self._by_template(evaluation):
                number = len(self._ids)
                self._ids.append(template)
                # the shortest of its texts decides: what shares all of that one has seen the template
                self._wanted.append(min(shared, *map(len, runs)))
                for run in sorted(frozenset().union(*runs)):
                    self._templates.setdefault(run, []).append(number)

    def _by_template(self, evaluation: EvaluationSet) -> Iterator[tuple[str, list[frozenset[Run]]]]:
        grouped: dict[str, list[frozenset[Run]]] = {}
        for template, text in evaluation.texts:
            runs = runs_of(masked_words(text), self._ngram)
            if runs:
                grouped.setdefault(template, []).append(runs)
        yield from grouped.items()

    def match(self, row: str, question: str) -> Match | None:
        """The template that the row ``row`` is too close to, or None."""
        runs = runs_of(masked_words(question), self._ngram)
        common: Counter[int] = Counter()
        for run in runs:
            common.update(self._templates.get(run, ()))
        most = self._shared if len(runs) >= self._shared else len(runs)
        near = [
            (-count, number) for number, count in common.items() if count >= min(most, self._wanted[number])
        ]
        if not near:
            return None
        count, number = min(near)
        return Match(row, self._ids[number], -count)
