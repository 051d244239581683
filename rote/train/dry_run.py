"""What a run would do, without doing it: rows, tokens, steps, memory."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from rote.errors import RoteError
from rote.train.memory import Estimate, estimate, facts_of, fits
from rote.train.recipe import AnyStage, GroupStage, PpoStage, Recipe, SftStage, Stage
from rote.train.scratch import make_tokenizer
from rote.train.sft import steps_of
from rote.train.stage_run import rows_of
from rote.train.tokens import Fitting, fit_examples, fit_prompts


@dataclass(frozen=True, slots=True)
class Plan:
    """One stage as it would run.

    Attributes
    ----------
    rows: rows by source; ``left_out``: how many, by reason.
    fitting: lengths in tokens; None where the tokenizer cannot be had here, with ``notes`` saying why.
    steps: optimiser steps (PPO: rounds).
    generated: tokens generated at most, 0 for SFT.
    memory: what it takes, or None likewise.
    faults: why it cannot run here.
    """

    name: str
    algorithm: str
    rows: dict[str, int]
    left_out: dict[str, int]
    fitting: Fitting | None
    steps: int
    trained: int
    generated: int
    memory: Estimate | None
    notes: tuple[str, ...] = ()
    faults: tuple[str, ...] = field(default=())


def plan(recipe: Recipe, algorithm: str) -> list[Plan]:
    """The stages that ``rote train <algorithm>`` would run.

    Raises what the data raises (a missing file, nothing left after filtering).
    """
    tokenizer, why = _tokenizer(recipe)
    return [_plan(recipe, name, stage, tokenizer, why) for name, stage in recipe.until(algorithm).items()]


def _tokenizer(recipe: Recipe) -> tuple[Any, str]:
    if recipe.model.build is not None:
        first = next(iter(recipe.stages.values()))
        rows = rows_of(first.data).rows if recipe.model.build.vocabulary else ()
        return make_tokenizer(recipe.model.build, recipe.prompt, rows), ""
    from transformers import AutoTokenizer

    try:
        return AutoTokenizer.from_pretrained(recipe.model.path, revision=recipe.model.revision), ""
    except (OSError, ValueError) as error:
        told = " ".join(str(error).split())[:160]
        return None, f"tokens are not counted: the tokenizer of {recipe.model.path} cannot be loaded ({told})"


def _plan(recipe: Recipe, name: str, stage: AnyStage, tokenizer: Any, why: str) -> Plan:
    built = rows_of(stage.data)
    notes = [why] if why else []
    faults: list[str] = []
    fitting = None
    most = recipe.model.max_length - int(getattr(stage, "max_completion", 0))
    if tokenizer is not None:
        fit = fit_examples if isinstance(stage, SftStage) else fit_prompts
        fitting = fit(built.rows, recipe.prompt, tokenizer, most=most)[1]
        if fitting.too_long and stage.data.too_long == "error":
            faults.append(f"{fitting.too_long:,} rows are longer than {most} tokens, and too_long is error")
    rows = len(built.rows) if fitting is None else len(fitting.kept)
    steps, trained, generated = _amounts(recipe, stage, rows, fitting)
    memory = None
    try:
        memory = estimate(facts_of(recipe.model), recipe, stage)
        available = _gpu_gib()
        if available is None:
            notes.append("no GPU here: whether the memory suffices was not compared")
        elif (problem := fits(memory, available)) is not None:
            faults.append(problem)
    except RoteError as error:
        notes.append(f"memory is not estimated: {error}")
    return Plan(
        name=name,
        algorithm=str(getattr(stage, "algorithm", "")),
        rows=dict(built.counts),
        left_out=dict(built.left_out),
        fitting=fitting,
        steps=steps,
        trained=trained,
        generated=generated,
        memory=memory,
        notes=tuple(notes),
        faults=tuple(faults),
    )


def _amounts(recipe: Recipe, stage: Stage, rows: int, fitting: Fitting | None) -> tuple[int, int, int]:
    """Steps, rows or responses that are trained on, tokens that are generated at most."""
    if isinstance(stage, SftStage):
        steps = steps_of(stage, rows)
        return steps, steps * stage.batch_size * stage.accumulation, 0
    if isinstance(stage, GroupStage):
        responses = stage.max_steps * stage.batch_size * stage.accumulation
        fresh = responses // stage.iterations
        return stage.max_steps, responses, fresh * stage.max_completion
    assert isinstance(stage, PpoStage)
    responses = stage.max_steps * stage.rollouts
    return stage.max_steps, responses * stage.ppo_epochs, responses * stage.max_completion


def _gpu_gib() -> float | None:
    import torch

    if not torch.cuda.is_available():
        return None
    return float(torch.cuda.get_device_properties(0).total_memory) / 2**30


def text(recipe: Recipe, plans: list[Plan]) -> str:
    """The plan in words, for the terminal."""
    model = recipe.model
    lines = [
        f"{recipe.name}: {recipe.about.strip()}",
        "",
        f"model      {model.path}"
        + (f" @ {model.revision}" if model.revision else "")
        + f" ({model.engine}, {model.dtype}{', 4 bit' if model.load_in_4bit else ''})",
        f"adapter    {recipe.adapter.kind}"
        + ("" if recipe.adapter.kind == "none" else f", r {recipe.adapter.r}, alpha {recipe.adapter.alpha}"),
        f"prompt     {recipe.prompt.format}, zero-shot" + (", chat template" if recipe.prompt.chat else ""),
    ]
    for each in plans:
        lines += ["", f"{each.name} ({each.algorithm})"]
        told = ", ".join(f"{n:,} {source}" for source, n in each.rows.items())
        lines.append(f"  rows       {told}")
        if each.left_out:
            lines.append("  left out   " + ", ".join(f"{n:,} {why}" for why, n in each.left_out.items() if n))
        if each.fitting is not None:
            f = each.fitting
            lines.append(
                f"  tokens     {f.tokens:,} a pass; the longest row has {f.longest:,}"
                + (f"; {f.too_long:,} rows are too long and left out" if f.too_long else "")
            )
        what = "rows" if each.algorithm == "sft" else "responses"
        lines.append(f"  steps      {each.steps:,}, on {each.trained:,} {what}")
        if each.generated:
            lines.append(f"  generated  at most {each.generated:,} tokens")
        if each.memory is not None:
            lines.append("  memory     " + each.memory.text())
        lines += [f"  note: {note}" for note in each.notes]
        lines += [f"  CANNOT RUN: {fault}" for fault in each.faults]
    return "\n".join(lines)
