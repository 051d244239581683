"""Under which setting a task was run: what must be alike for its scores to be comparable.

Examples in the prompt, their number and kind, the format of the answers: two tasks that differ here are two
series. What else decides the prompt and the decoding is kept beside it, to be compared.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from rote.prompts import format_of
from rote.reports import fields
from rote.reports.records import FIXED_EXAMPLES

#: Endings of the names of tasks whose examples are others than the fixed ones, for logs that do not tell.
_KINDS_BY_NAME: Final = {"_same_shots": "same_template", "_noop_shots": "noop"}

#: lm-eval's seeds that the drawing of responses may depend on.
_SEEDS: Final = ("random_seed", "numpy_seed", "torch_seed")


@dataclass(frozen=True, slots=True)
class Setting:
    """``shots`` examples (None: unknown) of kind ``examples`` before each question, answers in ``format``."""

    shots: int | None
    format: str
    examples: str


def setting_of(results: Mapping[str, Any], task: str) -> Setting:
    """The setting of a task in a results file."""
    config = results["configs"].get(task) or {}
    return Setting(fields.shots_of(results, task), format_of(task, config), examples_of(config, task))


def examples_of(config: Mapping[str, Any], task: str) -> str:
    """The kind of examples: ``fixed``, ``noop`` or ``same_template`` (``dataset_kwargs.rote_shots``)."""
    arguments = config.get("dataset_kwargs")
    if isinstance(arguments, dict):
        if isinstance(kind := arguments.get("rote_shots"), str):
            return fields.one_line(kind, 40)
        if "rote_variant" in arguments:
            return FIXED_EXAMPLES
    return next((kind for end, kind in _KINDS_BY_NAME.items() if task.endswith(end)), FIXED_EXAMPLES)


def seeds_of(results: Mapping[str, Any], task: str) -> str | None:
    """lm-eval's own seeds of a run that sampled its responses; None where decoding is greedy or none is told.

    Greedy runs with other seeds are the same run; sampled ones are another draw.
    """
    config = results["config"]
    stated = (results["configs"].get(task) or {}).get("generation_kwargs")
    decoding = fields.parse_arguments(stated) | fields.parse_arguments(config.get("gen_kwargs"))
    try:
        warm = float(decoding.get("temperature", "0")) > 0
    except ValueError:
        warm = True
    if decoding.get("do_sample", "true" if warm else "false").lower() != "true":
        return None
    seeds = [config.get(name) for name in _SEEDS]
    known = [seed for seed in seeds if isinstance(seed, int)]
    if not known:
        return None
    return str(known[0]) if len(set(known)) == 1 else ", ".join(map(str, known))


def with_own_examples(setting: Setting, doc: Mapping[str, Any]) -> Setting:
    """The setting of a document: one that brings its own examples has as many as it brings.

    lm-eval, which does not see them, counts none.
    """
    own = doc.get("shots")
    return replace(setting, shots=len(own)) if isinstance(own, list) and own else setting
