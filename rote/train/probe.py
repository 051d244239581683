"""A fixed set of problems that a model answers while it is trained: accuracy, and its drop on variants."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from rote.answers import is_correct
from rote.errors import UsageError
from rote.perturb import gsm8k
from rote.perturb.keys import digest
from rote.perturb.source import open_source
from rote.perturb.template import Template
from rote.problem import VARIANTS
from rote.train.recipe import ProbeSpec, PromptSpec
from rote.train.rows import Row, problem_row, prompt_text
from rote.train.tokens import end_tokens, prompt_ids

FOLDER: Final = "probe"
#: Prompts that are generated at once.
_BATCH: Final = 32


def probe_rows(spec: ProbeSpec) -> list[Row]:
    """One problem of each chosen template and variant, the same for the same spec.

    Only templates that offer every variant are chosen, so that accuracies are of the same templates.
    Raises UsageError for an unknown variant, or where no template offers all of them.
    """
    for variant in spec.variants:
        if variant not in VARIANTS:
            raise UsageError(f"probe.variants: unknown variant {variant!r}; known: {', '.join(VARIANTS)}")
    templates: Sequence[Template]
    if spec.source == "gsm8k":
        templates = list(gsm8k.load(spec.split, spec.path).templates.values())
    else:
        templates = list(open_source(spec.source).templates.values())
    # In the order of a hash: which ones are chosen must not depend on how many there are to choose from.
    ordered = sorted(templates, key=lambda t: digest("probe", spec.seed, t.id))
    chosen: list[Template] = []
    for template in ordered:
        if all(variant in template.variants for variant in spec.variants):
            chosen.append(template)
        if len(chosen) == spec.templates:
            break
    if not chosen:
        raise UsageError(f"probe: no template of {spec.source} offers all of {', '.join(spec.variants)}")
    return [
        problem_row(template.problem(variant, spec.seed, 0))
        for variant in spec.variants
        for template in chosen
    ]


class Probe:
    """The rows of a probe and what a model answers to them; responses go to ``probe/step-<n>.jsonl``."""

    def __init__(self, spec: ProbeSpec, prompt: PromptSpec, tokenizer: Any, folder: Path) -> None:
        self.rows = probe_rows(spec)
        self._spec, self._folder, self._tokenizer = spec, folder / FOLDER, tokenizer
        self._prompts = [
            prompt_ids(prompt_text(row, prompt, tokenizer), prompt, tokenizer) for row in self.rows
        ]
        self._ends = end_tokens(prompt, tokenizer)

    def __call__(self, step: int, model: Any) -> dict[str, float]:
        """Accuracy by variant, and ``drop``: the mean over variants of original minus variant, a fraction."""
        responses = generate(model, self._tokenizer, self._prompts, self._spec.max_new_tokens, self._ends)
        right = [is_correct(text, row.answer) for text, row in zip(responses, self.rows, strict=True)]
        self._folder.mkdir(parents=True, exist_ok=True)
        partial = self._folder / f"step-{step}.jsonl.partial"
        with partial.open("w", encoding="utf-8") as stream:
            for row, text, correct in zip(self.rows, responses, right, strict=True):
                record = {"id": row.id, "variant": row.variant, "gold": row.answer, "correct": correct}
                stream.write(json.dumps({**record, "response": text}, ensure_ascii=False) + "\n")
        partial.replace(self._folder / f"step-{step}.jsonl")
        return accuracies(self.rows, right)


def accuracies(rows: Sequence[Row], right: Sequence[bool]) -> dict[str, float]:
    """Share of right answers by variant, each a fraction, and ``drop`` where there are originals."""
    found: dict[str, float] = {}
    for variant in dict.fromkeys(row.variant for row in rows):
        marks = [mark for row, mark in zip(rows, right, strict=True) if row.variant == variant]
        found[variant] = sum(marks) / len(marks)
    others = [value for variant, value in found.items() if variant != "original"]
    if "original" in found and others:
        found["drop"] = found["original"] - sum(others) / len(others)
    return found


def generate(
    model: Any, tokenizer: Any, prompts: Sequence[Sequence[int]], most: int, ends: Sequence[int]
) -> list[str]:
    """Greedy responses to prompts of token ids, in their order. No random state is touched."""
    import torch

    responses = [""] * len(prompts)
    by_length = sorted(range(len(prompts)), key=lambda i: len(prompts[i]))
    with generating(model), torch.no_grad():
        for start in range(0, len(by_length), _BATCH):
            chosen = by_length[start : start + _BATCH]
            longest = max(len(prompts[i]) for i in chosen)
            padding = tokenizer.pad_token_id
            ids = [[*[padding] * (longest - len(prompts[i])), *prompts[i]] for i in chosen]
            mask = [[*[0] * (longest - len(prompts[i])), *[1] * len(prompts[i])] for i in chosen]
            out = model.generate(
                input_ids=torch.tensor(ids, device=model.device),
                attention_mask=torch.tensor(mask, device=model.device),
                do_sample=False,
                temperature=None,
                top_p=None,
                top_k=None,
                max_new_tokens=most,
                eos_token_id=list(ends),
                pad_token_id=padding,
            )
            for i, row in zip(chosen, out[:, longest:].tolist(), strict=True):
                stop = next((at for at, token in enumerate(row) if token in ends), len(row))
                responses[i] = tokenizer.decode(row[:stop], skip_special_tokens=True)
    return responses


@contextmanager
def generating(model: Any) -> Iterator[None]:
    """A model that is being trained, set to generate and back: mode, cache, limits, Unsloth's kernels."""
    was_training = model.training
    cache = model.config.use_cache
    settings = getattr(model, "generation_config", None)
    longest = getattr(settings, "max_length", None)
    checkpointing = bool(getattr(model, "is_gradient_checkpointing", False))
    unsloth = getattr(model, "for_inference", None) and getattr(model, "for_training", None)
    if unsloth:
        model.for_inference()
    elif checkpointing:
        model.gradient_checkpointing_disable()
    model.eval()
    model.config.use_cache = True
    if settings is not None:
        # Beside max_new_tokens it counts for nothing, and transformers says so at every batch. Passing
        # another configuration does not help: what it leaves open is filled in from the model's own.
        settings.max_length = None
    try:
        yield
    finally:
        model.config.use_cache = cache
        if settings is not None:
            settings.max_length = longest
        if unsloth:
            model.for_training()
        elif checkpointing:
            model.gradient_checkpointing_enable(gradient_checkpointing_kwargs={"use_reentrant": False})
        model.train(was_training)
