"""What a run would do, without doing it: rows, tokens, steps, memory."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from rote.errors import RoteError
from rote.train.data.build import CONTAMINATED
from rote.train.engine import needs_gpu
from rote.train.hub import WAY_OUT, first_sentence, quiet, reachable
from rote.train.memory import Estimate, ModelFacts, estimate, facts_of, fits
from rote.train.pretrain import compared
from rote.train.recipe import AnyStage, GroupStage, PpoStage, PretrainStage, Recipe, SftStage, Stage
from rote.train.rows import Row
from rote.train.scratch import make_tokenizer
from rote.train.sft import steps_of
from rote.train.stage_run import rows_of, vocabulary_rows
from rote.train.tokens import Fitting, fit_examples, fit_prompts

#: Reasons for leaving rows out that have a line each.
_REASONS: Final = 5


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
    elsewhere: why it cannot run on this machine, and may on one with a GPU.
    faults: why it cannot run as it is.
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
    elsewhere: tuple[str, ...] = ()
    faults: tuple[str, ...] = field(default=())


def plan(recipe: Recipe, algorithm: str) -> list[Plan]:
    """The stages that ``rote train <algorithm>`` would run.

    Raises what the data raises (a missing file, nothing left after filtering).
    """
    stages = recipe.until(algorithm)
    with quiet():
        known = _known(recipe)
        return [_plan(recipe, name, stage, known) for name, stage in stages.items()]


@dataclass(frozen=True, slots=True)
class _Known:
    """What can be known of the model here; ``notes`` say what cannot, and why."""

    tokenizer: Any
    facts: ModelFacts | None
    notes: tuple[str, ...]


def _known(recipe: Recipe) -> _Known:
    """Tokenizer and sizes of the model, for all stages at once: the hub is asked once."""
    model = recipe.model
    notes = []
    local = model.build is None and not Path(model.path).is_dir() and not reachable()
    tokenizer = facts = None
    try:
        tokenizer = _tokenizer(recipe, local)
    except (OSError, ValueError) as error:
        told = first_sentence(error)
        notes.append(f"tokens are not counted: the tokenizer of {model.path} cannot be loaded ({told})")
    try:
        facts = facts_of(model, local=local)
    except RoteError as error:
        notes.append(f"memory is not estimated: {error}")
    if local and notes:
        notes.append(f"the hub cannot be asked, and its cache does not hold the model: {WAY_OUT}")
    elif local:
        notes.append("the hub cannot be asked: its cache is read; HF_HUB_OFFLINE=1 spares a run the attempts")
    return _Known(tokenizer, facts, tuple(notes))


def _tokenizer(recipe: Recipe, local: bool) -> Any:
    model = recipe.model
    if model.build is not None:
        first = next(iter(recipe.stages.values()))
        rows = vocabulary_rows(first) if model.build.learns_tokenizer else ()
        return make_tokenizer(model.build, recipe.prompt, rows)
    from transformers import AutoTokenizer

    return AutoTokenizer.from_pretrained(model.path, revision=model.revision, local_files_only=local)


def _plan(recipe: Recipe, name: str, stage: AnyStage, known: _Known) -> Plan:
    counts, left_out, drawn = _rows_of(stage)
    notes = list(known.notes)
    faults: list[str] = []
    fitting = None
    streamed = isinstance(stage, PretrainStage)
    most = recipe.model.max_length - int(getattr(stage, "max_completion", 0))
    if isinstance(stage, PretrainStage):
        most = stage.lengths[-1]
        notes.append(
            "rows and tokens are those of the first shard; the stream goes on as long as it is trained on"
        )
    if known.tokenizer is not None:
        fit = fit_examples if streamed or isinstance(stage, SftStage) else fit_prompts
        fitting = fit(drawn, recipe.prompt, known.tokenizer, most=most)[1]
        if fitting.too_long and getattr(stage.data, "too_long", "drop") == "error":
            faults.append(f"{fitting.too_long:,} rows are longer than {most} tokens, and too_long is error")
    rows = len(drawn) if fitting is None else len(fitting.kept)
    steps, trained, generated = _amounts(recipe, stage, rows, fitting)
    memory = None if known.facts is None else estimate(known.facts, recipe, stage)
    available = _gpu_gib()
    if memory is not None and available is None:
        notes.append("no GPU here: whether the memory suffices was not compared")
    elif memory is not None and available is not None and (problem := fits(memory, available)) is not None:
        faults.append(problem)
    return Plan(
        name=name,
        algorithm=str(getattr(stage, "algorithm", "")),
        rows=counts,
        left_out=left_out,
        fitting=fitting,
        steps=steps,
        trained=trained,
        generated=generated,
        memory=memory,
        notes=tuple(notes),
        elsewhere=_elsewhere(recipe, stage) if available is None else (),
        faults=tuple(faults),
    )


def _rows_of(stage: AnyStage) -> tuple[dict[str, int], dict[str, int], Sequence[Row]]:
    """Rows by source, rows left out by reason, and the rows; of a stream those of its first shard."""
    if not isinstance(stage, PretrainStage):
        built = rows_of(stage.data)
        return dict(built.counts), dict(built.left_out), built.rows
    mixture, certificate = compared(stage)
    drawn = [placed.row for placed in mixture.shard(0)]
    left_out = {CONTAMINATED: len(certificate.out)} if certificate.out else {}
    return dict(Counter(row.source for row in drawn)), left_out, drawn


def _elsewhere(recipe: Recipe, stage: AnyStage) -> tuple[str, ...]:
    """What of a stage a machine without a GPU cannot do."""
    needs = needs_gpu(recipe.model)
    if needs is not None:
        return (f"{needs[0]}, which needs a CUDA GPU, none here; without one: {needs[1]}",)
    if getattr(stage, "vllm", False):
        return ("vllm is true, which needs a CUDA GPU, none here; without one: vllm=false",)
    return ()


def _amounts(recipe: Recipe, stage: Stage, rows: int, fitting: Fitting | None) -> tuple[int, int, int]:
    """Steps, rows or responses that are trained on, tokens that are generated at most."""
    if isinstance(stage, PretrainStage):
        return stage.max_steps, stage.max_steps * (stage.batch_tokens // stage.lengths[-1]), 0
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
        lines += _left_out(each.left_out)
        if each.fitting is not None:
            f = each.fitting
            lines.append(
                f"  tokens     {f.tokens:,} a pass; the longest row has {f.longest:,}"
                + (f"; {f.too_long:,} rows are too long and left out" if f.too_long else "")
            )
        what = "rows" if each.algorithm in ("pretrain", "sft") else "responses"
        lines.append(f"  steps      {each.steps:,}, on {each.trained:,} {what}")
        if each.generated:
            lines.append(f"  generated  at most {each.generated:,} tokens")
        if each.memory is not None:
            lines.append("  memory     " + each.memory.text())
        lines += [f"  CANNOT RUN HERE: {why}" for why in each.elsewhere]
        lines += [f"  CANNOT RUN: {fault}" for fault in each.faults]
    notes = dict.fromkeys(note for each in plans for note in each.notes)
    lines += ["", *(f"note: {note}" for note in notes)] if notes else []
    return "\n".join(lines)


def _left_out(reasons: Mapping[str, int]) -> list[str]:
    """A line for each of the reasons that most rows were left out for, and one for the others."""
    ordered = sorted(((n, why) for why, n in reasons.items() if n), key=lambda item: (-item[0], item[1]))
    lines = [f"{_rows(n)}: {why}" for n, why in ordered[:_REASONS]]
    others = [n for n, _ in ordered[_REASONS:]]
    if others:
        lines.append(f"and {len(others)} more reason{'' if len(others) == 1 else 's'} ({_rows(sum(others))})")
    return [("  left out   " if at == 0 else " " * 13) + line for at, line in enumerate(lines)]


def _rows(n: int) -> str:
    return f"{n:,} row" + ("" if n == 1 else "s")
