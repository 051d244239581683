"""GRPO and RLOO by TRL, rewarded by the project's own terms."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from rote.train.arguments import trainer_arguments
from rote.train.engine import Loaded
from rote.train.monitor import Monitor, trainer_callback
from rote.train.recipe import GrpoStage, RlooStage
from rote.train.saving import guard_saves
from rote.train.sft import quiet


def train_groups(
    loaded: Loaded,
    prompts: Sequence[Any],
    rewards: tuple[Sequence[Callable[..., Any]], Sequence[float]],
    stage: GrpoStage | RlooStage,
    *,
    folder: Path,
    monitor: Monitor,
    resume: Path | None,
    bf16: bool,
    end_tokens: Sequence[int],
    max_length: int,
    trackers: tuple[str, ...] = (),
) -> Any:
    """Train to the end or until the monitor stops it; gives the trained model.

    Parameters
    ----------
    prompts: plain texts, or chat messages where the recipe's prompt is a chat; row i of the data.
    rewards: TRL's reward functions and their weights; they are given the column ``row``.
    """
    from datasets import Dataset

    rows = Dataset.from_dict({"prompt": list(prompts), "row": list(range(len(prompts)))})
    functions, weights = rewards
    shared: dict[str, Any] = {
        **trainer_arguments(
            stage, folder, steps=stage.max_steps, bf16=bf16, trackers=trackers, run_name=folder.name
        ),
        "per_device_train_batch_size": stage.batch_size,
        "gradient_accumulation_steps": stage.accumulation,
        # TRL counts batches of the backward pass; the recipe counts optimiser steps.
        "steps_per_generation": stage.accumulation * stage.steps_per_generation,
        "num_generations": stage.generations,
        "num_iterations": stage.iterations,
        "max_completion_length": stage.max_completion,
        "temperature": stage.temperature,
        "top_p": stage.top_p,
        "beta": stage.beta,
        "epsilon": stage.epsilon,
        "reward_weights": list(weights),
        "remove_unused_columns": False,
        # The rows are shuffled already, and siblings must stay together.
        "shuffle_dataset": False,
        "disable_dropout": True,
    }
    if set(end_tokens) != {loaded.tokenizer.eos_token_id}:
        key = "stop_token_ids" if stage.vllm else "eos_token_id"
        shared["generation_kwargs"] = {key: list(end_tokens)}
    if stage.vllm:
        shared |= {
            "use_vllm": True,
            "vllm_mode": "colocate",
            "vllm_gpu_memory_utilization": stage.vllm_memory,
            "vllm_max_model_length": max_length,
        }
    trainer = _trainer(stage, shared, loaded, list(functions), rows, monitor)
    quiet(trainer)
    guard_saves(trainer, folder)
    if resume is not None and "ref" in getattr(trainer.model, "peft_config", {}):
        _load_adapter(trainer.model, resume)
    trainer.train(resume_from_checkpoint=None if resume is None else str(resume))
    return trainer.model


def _load_adapter(model: Any, checkpoint: Path) -> None:
    """Put a checkpoint's adapter on the model.

    Where TRL keeps a copy of the first weights (``ref``), transformers restores that copy alone, and the
    adapter that is trained would begin anew.
    """
    from peft import load_peft_weights, set_peft_model_state_dict

    set_peft_model_state_dict(model, load_peft_weights(str(checkpoint), device="cpu"), "default")


def _trainer(
    stage: GrpoStage | RlooStage,
    shared: dict[str, Any],
    loaded: Loaded,
    functions: list[Callable[..., Any]],
    rows: Any,
    monitor: Monitor,
) -> Any:
    import trl

    given: dict[str, Any] = {
        "model": loaded.model,
        "reward_funcs": functions,
        "train_dataset": rows,
        "processing_class": loaded.tokenizer,
        "callbacks": [trainer_callback(monitor)],
    }
    if stage.algorithm == "rloo":
        return trl.RLOOTrainer(args=trl.RLOOConfig(**shared), **given)
    own: dict[str, Any] = {
        "scale_rewards": stage.scale_rewards,
        "loss_type": stage.loss,
        "mask_truncated_completions": stage.mask_truncated,
    }
    return trl.GRPOTrainer(args=trl.GRPOConfig(**shared, **own), **given)
