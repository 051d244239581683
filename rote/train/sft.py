"""Supervised fine-tuning by TRL: rows are tokenised here, so that the prompt is masked to the token."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rote.train.arguments import trainer_arguments
from rote.train.engine import Loaded
from rote.train.monitor import Monitor, trainer_callback
from rote.train.recipe import SftStage
from rote.train.saving import guard_saves
from rote.train.tokens import Example


def steps_of(stage: SftStage, rows: int) -> int:
    """Optimiser steps of the whole stage."""
    if stage.max_steps:
        return stage.max_steps
    batches = math.ceil(rows / stage.batch_size)
    return max(1, math.ceil(stage.epochs * math.ceil(batches / stage.accumulation)))


def train_sft(
    loaded: Loaded,
    examples: Sequence[Example],
    stage: SftStage,
    *,
    folder: Path,
    steps: int,
    max_length: int,
    monitor: Monitor,
    resume: Path | None,
    bf16: bool,
    trackers: tuple[str, ...] = (),
) -> Any:
    """Train to the end or until the monitor stops it; gives the trained model."""
    from datasets import Dataset
    from trl import SFTConfig, SFTTrainer

    rows = Dataset.from_dict(
        {"input_ids": [e.input_ids for e in examples], "labels": [e.labels for e in examples]}
    )
    config = SFTConfig(
        **trainer_arguments(stage, folder, steps=steps, bf16=bf16, trackers=trackers, run_name=folder.name),
        per_device_train_batch_size=stage.batch_size,
        gradient_accumulation_steps=stage.accumulation,
        max_length=max_length,
        dataset_kwargs={"skip_prepare_dataset": True},
    )
    trainer = SFTTrainer(
        model=loaded.model,
        args=config,
        train_dataset=rows,
        processing_class=loaded.tokenizer,
        callbacks=[trainer_callback(monitor)],
    )
    quiet(trainer)
    guard_saves(trainer, folder)
    trainer.add_callback(_counting_on(trainer))
    trainer.train(resume_from_checkpoint=None if resume is None else str(resume))
    return trainer.model


def _counting_on(trainer: Any) -> Any:
    """TRL counts the tokens of a process; a run that is gone on with counts on from its checkpoint."""
    from transformers import TrainerCallback

    class Counting(TrainerCallback):
        def on_train_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
            trainer._total_train_tokens = state.num_input_tokens_seen

        def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
            state.num_input_tokens_seen = trainer._total_train_tokens

    return Counting()


def quiet(trainer: Any) -> None:
    """Take away the printing of raw logs, which the monitor shows, and TRL's own model card."""
    from transformers import PrinterCallback

    trainer.remove_callback(PrinterCallback)
    trainer.create_model_card = lambda *_, **__: None
