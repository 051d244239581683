"""A stage's fields as the trainer's arguments, and how many steps a stage has."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from runs import recipe_of, stage_of

pytest.importorskip("torch", reason="needs rote[train]")

from rote.train.arguments import trainer_arguments
from rote.train.recipe import SftStage, check_recipe
from rote.train.sft import steps_of


def stage(**fields: Any) -> SftStage:
    found = check_recipe(recipe_of({"s": stage_of("sft", Path("sums.jsonl"), **fields)})).stages["s"]
    assert isinstance(found, SftStage)
    return found


def arguments(steps: int = 50, **fields: Any) -> dict[str, Any]:
    return trainer_arguments(stage(**fields), Path("out"), steps=steps, bf16=True)


def test_the_whole_stage_is_scheduled_and_the_monitor_alone_saves() -> None:
    found = arguments(warmup=0.1, schedule="linear", seed=7)
    assert (found["max_steps"], found["warmup_steps"], found["lr_scheduler_type"]) == (50, 5, "linear")
    assert found["save_strategy"] == "no"
    assert (found["seed"], found["data_seed"]) == (7, 7)
    assert found["report_to"] == "none"
    assert "lr_scheduler_kwargs" not in found


def test_a_floor_of_the_learning_rate() -> None:
    found = arguments(schedule="cosine_with_min_lr", min_learning_rate=1e-4)
    assert found["lr_scheduler_kwargs"] == {"min_lr": 1e-4}


def test_checkpointing_of_gradients_is_not_reentrant() -> None:
    assert arguments(gradient_checkpointing=True)["gradient_checkpointing_kwargs"] == {"use_reentrant": False}


@pytest.mark.parametrize(
    ("fields", "rows", "steps"),
    [
        ({"max_steps": 0, "batch_size": 8, "epochs": 1}, 64, 8),
        ({"max_steps": 0, "batch_size": 8, "epochs": 2, "accumulation": 2}, 100, 14),
        ({"max_steps": 0, "batch_size": 8, "epochs": 0.5}, 64, 4),
        ({"max_steps": 0, "batch_size": 8, "epochs": 0.01}, 8, 1),
        ({"max_steps": 3, "batch_size": 8, "epochs": 9}, 1000, 3),
    ],
)
def test_steps_are_counted_as_the_trainer_counts_them(fields: dict[str, Any], rows: int, steps: int) -> None:
    assert steps_of(stage(**fields), rows) == steps
