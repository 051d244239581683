"""The data of rote's lm-eval tasks: what their ``custom_dataset`` calls.

lm-eval calls it with all metadata (``--metadata``, and with it every model argument) and with the task's
own ``dataset_kwargs`` as keywords. The task's are ``rote_source``, ``rote_variant`` and ``rote_shots``, the
user's stand under the one key ``rote`` (:mod:`rote.harness_ext.settings`), and the rest is somebody else's.
The way back is ``rote_skipped``: an empty mapping in the task's metadata, which is filled here with the
templates that are left out. lm-eval writes a task's metadata into its results.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from rote.errors import DataError, UsageError
from rote.harness_ext import draws, gsm8k, sources
from rote.harness_ext.documents import Documents
from rote.harness_ext.draws import Drawn
from rote.harness_ext.settings import Settings, parse_settings
from rote.perturb import Template
from rote.perturb.noop import ATTACHED
from rote.problem import VARIANTS, Problem

#: Few-shot exemplars of every task, disjoint from what it tests.
SHOTS: Final = 8

#: What the exemplars of a task are: the same eight everywhere; the same eight with an inert clause each; or
#: for each document eight other ``symbolic`` instances of its own template.
SHOT_KINDS: Final = ("fixed", "noop", "same_template")

#: Below lm-eval's own logger, whose handler and level are what its user has set up.
_log = logging.getLogger("lm_eval.rote")


class Docs(Documents):
    """Documents that are exactly ``Problem.to_doc()``, with ``shots`` where they bring their own."""

    def __init__(
        self, problems: Iterable[Problem], shots: Mapping[str, Sequence[Problem]] | None = None
    ) -> None:
        super().__init__(problem.to_doc() for problem in problems)
        for doc in self if shots is not None else ():
            own = (shots or {})[doc["template_id"]]
            doc["shots"] = [{"question": shot.question, "solution": shot.solution} for shot in own]


def load_problems(
    *,
    rote_source: str,
    rote_variant: str,
    rote_shots: str = "fixed",
    rote: Any = None,
    rote_skipped: Any = None,
    **_others: Any,
) -> dict[str, Docs]:
    """The splits of one task: ``test`` and ``shots``, or ``noop_shots`` in place of the latter.

    The order is index by index, each over all templates: the first n documents (``--limit n``) of an
    original and of its variants are the same templates, where all templates have the variant.

    ``rote_skipped``, if it is a dict, is filled with what :func:`rote.harness_ext.draws.record` says.

    Raises
    ------
    UsageError: an unknown source, variant or kind of shots, a bad value under the metadata key ``rote``, a
        variant that no template offers.
    DataError, SourceUnavailableError: from the source.
    """
    settings = parse_settings(rote)
    if rote_variant not in VARIANTS:
        raise UsageError(f"unknown variant {rote_variant!r}; known: {', '.join(VARIANTS)}")
    if rote_shots not in SHOT_KINDS:
        raise UsageError(f"unknown kind of shots {rote_shots!r}; known: {', '.join(SHOT_KINDS)}")
    if rote_source not in ("bank", "gsm8k"):
        raise UsageError(f"unknown source {rote_source!r}; known: bank, gsm8k")
    if rote_source == "gsm8k" and rote_variant not in gsm8k.VARIANTS:
        raise UsageError(
            f"source 'gsm8k' has no variant {rote_variant!r}; it has: {', '.join(gsm8k.VARIANTS)}"
        )
    shots = Docs(_shots(rote_source, rote_shots, settings))
    own_shots = rote_shots == "same_template"
    take = _bank if rote_source == "bank" else _gsm8k
    drawn, shown = take(rote_variant, own_shots, settings)
    if isinstance(rote_skipped, dict):
        rote_skipped.clear()
        rote_skipped.update(draws.record(drawn))
    if drawn.skipped:
        # That an inert clause attaches nowhere is for the user to weigh; the rest is known of each source.
        level = logging.WARNING if own_shots or rote_variant in ATTACHED else logging.INFO
        _log.log(level, "%s", draws.account(drawn))
    if not drawn.instances:
        raise UsageError(f"no problem is left to test: {draws.account(drawn)}")
    return {"test": Docs(drawn.rounds(), shown), "noop_shots" if rote_shots == "noop" else "shots": shots}


#: The examples of documents that bring their own, by template.
_Shown = Mapping[str, Sequence[Problem]]


def _bank(variant: str, own_shots: bool, settings: Settings) -> tuple[Drawn, _Shown | None]:
    """The bank or a user's templates: whoever wrote them is told when a question would come twice.

    Not so of inert clauses, which attach as they can.
    """
    source = sources.open_templates(settings.templates)
    templates = tuple(source.templates.values())
    if variant != "original" and variant not in ATTACHED:
        offering = [template for template in templates if template.offers(variant)]
        scarce = min(offering, key=lambda template: template.capacity(variant), default=None)
        if scarce is not None and settings.variants > scarce.capacity(variant):
            raise UsageError(
                f"metadata rote.variants: {settings.variants} instances would repeat a question; of variant "
                f"{variant!r}, template {scarce.id} has {scarce.capacity(variant)} different ones"
            )
    return _draw(source.name, templates, variant, own_shots, settings)


def _gsm8k(variant: str, own_shots: bool, settings: Settings) -> tuple[Drawn, _Shown | None]:
    """The test problems of GSM8K or instances of them; says in the log which are left out.

    Nobody wrote these templates so that each has room for many draws: some have one or two, and give
    those. To refuse the number asked for would take them out of every evaluation.
    """
    if variant == "original" and settings.gsm8k_items == "all" and not own_shots:
        problems = gsm8k.read_split("test", settings.gsm8k)
        _log.info("gsm8k test, original: all %s published problems", f"{len(problems):,}")
        return Drawn(
            "gsm8k test", variant, {problem.template_id: (problem,) for problem in problems}, {}
        ), None
    symbolized = gsm8k.symbolize("test", settings.gsm8k, settings.gsm8k_mismatch)
    drawn, shown = _draw("gsm8k test", tuple(symbolized.templates.values()), variant, own_shots, settings)
    if variant == "original":
        # As published, to the letter: a template's own rendering may have a plainer solution.
        published = {problem.template_id: (problem,) for problem in symbolized.originals}
        drawn = replace(drawn, instances={name: published[name] for name in drawn.instances})
    _log.info("%s", gsm8k.account(symbolized, drawn, settings.variants))
    return drawn, shown


def _draw(
    where: str, templates: Sequence[Template], variant: str, own_shots: bool, settings: Settings
) -> tuple[Drawn, _Shown | None]:
    shown: _Shown | None = None
    lacking: dict[str, str] = {}
    if own_shots:
        shown = {
            template.id: examples
            for template in templates
            if (examples := draws.worked_examples(template, settings.seed, settings.variants, SHOTS))
        }
        why = f"it has fewer than {SHOTS} different symbolic instances to show"
        lacking = {template.id: why for template in templates if template.id not in shown}
    able = [template for template in templates if template.id not in lacking]
    drawn = draws.draw(where, able, variant, settings.seed, settings.variants, settings.noop)
    skipped = {**lacking, **drawn.skipped}
    in_order = {template.id: skipped[template.id] for template in templates if template.id in skipped}
    return replace(drawn, skipped=in_order), shown


def _shots(source: str, kind: str, settings: Settings) -> Sequence[Problem]:
    """The examples that all documents of a task share; where documents bring their own, they go unused."""
    if source == "bank":
        of = sources.inert_shots_of if kind == "noop" else sources.shots_of
        return of(settings.templates, SHOTS)
    if kind == "noop":
        return gsm8k.inert_shots(SHOTS, settings.gsm8k, settings.gsm8k_mismatch)
    shots = gsm8k.read_split("train", settings.gsm8k, first=SHOTS)
    if len(shots) < SHOTS:
        raise DataError(f"GSM8K's train split holds {len(shots)} problems; {SHOTS} are shown")
    return shots
