"""The data of rote's lm-eval tasks: what their ``custom_dataset`` calls.

lm-eval calls it with all metadata (``--metadata``, and with it every model argument) and with the task's
own ``dataset_kwargs`` as keywords. The task's are ``rote_source`` and ``rote_variant``, the user's stand
under the one key ``rote`` (:mod:`rote.harness_ext.settings`), and the rest is somebody else's.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final, overload

from rote.errors import DataError, UsageError
from rote.harness_ext import gsm8k
from rote.harness_ext.settings import Settings, parse_settings
from rote.perturb import Source, Template, load_source, sample
from rote.problem import VARIANTS, Problem

#: Few-shot exemplars of every task, disjoint from what it tests.
SHOTS: Final = 8

#: Below lm-eval's own logger, whose handler and level are what its user has set up.
_log = logging.getLogger("lm_eval.rote")


class Docs(Sequence[dict[str, Any]]):
    """Documents as lm-eval wants them: a sequence that knows the names of its columns.

    In place of a ``datasets.Dataset``, whose Arrow columns would give every record the union of all
    records' keys and one type of number: what is logged under ``doc`` is exactly ``Problem.to_doc()``.
    """

    def __init__(self, problems: Iterable[Problem]) -> None:
        self._docs = [problem.to_doc() for problem in problems]

    @property
    def features(self) -> dict[str, None]:
        """The columns; lm-eval reads the keys only."""
        return dict.fromkeys(self._docs[0]) if self._docs else {}

    def __len__(self) -> int:
        return len(self._docs)

    @overload
    def __getitem__(self, index: int) -> dict[str, Any]: ...
    @overload
    def __getitem__(self, index: slice) -> list[dict[str, Any]]: ...
    def __getitem__(self, index: int | slice) -> dict[str, Any] | list[dict[str, Any]]:
        return self._docs[index]


def load_problems(
    *, rote_source: str, rote_variant: str, rote: Any = None, **_others: Any
) -> dict[str, Docs]:
    """The splits ``test`` and ``shots`` of one task.

    The order is index by index, each over all templates: the first n documents (``--limit n``) of an
    original and of its variants are the same templates, where all templates have the variant.

    Raises
    ------
    UsageError: an unknown source or variant, a bad value under the metadata key ``rote``.
    DataError, SourceUnavailableError: from the source.
    """
    settings = parse_settings(rote)
    if rote_variant not in VARIANTS:
        raise UsageError(f"unknown variant {rote_variant!r}; known: {', '.join(VARIANTS)}")
    if rote_source == "bank":
        source = load_source("bank")
        return {"test": Docs(_draw(source, rote_variant, settings)), "shots": Docs(source.shots)}
    if rote_source == "gsm8k":
        if rote_variant not in gsm8k.VARIANTS:
            raise UsageError(
                f"source 'gsm8k' has no variant {rote_variant!r}; it has: {', '.join(gsm8k.VARIANTS)}"
            )
        shots = gsm8k.read_split("train", settings.gsm8k, first=SHOTS)
        if len(shots) < SHOTS:
            raise DataError(f"GSM8K's train split holds {len(shots)} problems; {SHOTS} are shown")
        return {"test": Docs(_draw_gsm8k(rote_variant, settings)), "shots": Docs(shots)}
    raise UsageError(f"unknown source {rote_source!r}; known: bank, gsm8k")


def _draw(source: Source, variant: str, settings: Settings) -> Iterable[Problem]:
    templates = [template for template in source.templates.values() if variant in template.variants]
    if variant == "original" or not templates:
        return sample(source, variant, len(templates))
    scarce = min(templates, key=lambda template: template.capacity(variant))
    if settings.variants > scarce.capacity(variant):
        raise UsageError(
            f"metadata rote.variants: {settings.variants} instances would repeat a question; of variant "
            f"{variant!r}, template {scarce.id} has {scarce.capacity(variant)} different ones"
        )
    return sample(source, variant, settings.variants * len(templates), settings.seed)


def _draw_gsm8k(variant: str, settings: Settings) -> Iterable[Problem]:
    """The test problems of GSM8K or instances of them; says in the log which are left out.

    Nobody wrote these templates so that each has room for many draws: some have one or two, and give
    those. To refuse the number asked for would take them out of every evaluation.
    """
    if variant == "original" and settings.gsm8k_items == "all":
        problems = gsm8k.read_split("test", settings.gsm8k)
        _log.info("gsm8k test, original: all %s published problems", f"{len(problems):,}")
        return problems
    symbolized = gsm8k.symbolize("test", settings.gsm8k, settings.gsm8k_mismatch)
    templates = [t for t in symbolized.templates.values() if variant == "original" or variant in t.variants]
    _log.info("%s", gsm8k.account(symbolized, variant, templates, settings.variants))
    if variant == "original":
        # As published, to the letter: a template's own rendering may have a plainer solution.
        return [symbolized.originals[line] for line in symbolized.templates]
    return _rounds(templates, variant, settings)


def _rounds(templates: Sequence[Template], variant: str, settings: Settings) -> Iterator[Problem]:
    """One instance of each template in turn, then the next index, of those that have one more."""
    for index in range(settings.variants):
        templates = [template for template in templates if index < template.capacity(variant)]
        if not templates:
            return
        for template in templates:
            yield template.problem(variant, settings.seed, index)
