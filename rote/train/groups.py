"""GRPO and RLOO by TRL, rewarded by the project's own terms."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from typing import Any

from rote.errors import UsageError
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
    end_tokens: ids that end a response, the tokenizer's end of text among them.

    Raises UsageError for ``mask_truncated`` where a response ends with another token than the end of text.
    """
    from datasets import Dataset

    _check_mask(stage, loaded.tokenizer, end_tokens)
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
    if set(end_tokens) != {loaded.tokenizer.eos_token_id}:
        _end_turns(trainer, frozenset(end_tokens))
    quiet(trainer)
    guard_saves(trainer, folder)
    if resume is not None and "ref" in getattr(trainer.model, "peft_config", {}):
        _load_adapter(trainer.model, resume)
    trainer.train(resume_from_checkpoint=None if resume is None else str(resume))
    return trainer.model


def _check_mask(stage: GrpoStage | RlooStage, tokenizer: Any, ends: Sequence[int]) -> None:
    """Raise where TRL would leave every response that ended out of the loss."""
    others = sorted(set(ends) - {tokenizer.eos_token_id, tokenizer.pad_token_id})
    if others and getattr(stage, "mask_truncated", False):
        names = ", ".join(map(repr, tokenizer.convert_ids_to_tokens(others)))
        raise UsageError(
            f"mask_truncated is true, and the chat template ends a response with {names}, not with the "
            f"tokenizer's end of text ({tokenizer.eos_token!r}): TRL takes such a response for one that was "
            "cut off, and would leave it out of the loss; say mask_truncated: false"
        )


def _end_turns(trainer: Any, ends: frozenset[int]) -> None:
    """Let a response end with any of ``ends``.

    TRL knows the tokenizer's end of text alone. After another end it keeps the padding as part of the
    response, and logs the response as cut off.
    """
    import torch

    generate_turn, generate = trainer._generate_single_turn, trainer._generate

    def turn(*args: Any, **kwargs: Any) -> Any:
        found = generate_turn(*args, **kwargs)
        if not isinstance(found, tuple):  # RLOO's has no log probabilities
            return [until_end(ids, ends) for ids in found]
        every, logprobs = found
        kept = [until_end(ids, ends) for ids in every]
        if logprobs is not None:
            logprobs = [of[: len(ids)] for of, ids in zip(logprobs, kept, strict=True)]
        return kept, logprobs

    def whole(*args: Any, **kwargs: Any) -> Any:
        metrics = trainer._metrics["train" if trainer.model.training else "eval"]
        found = generate(*args, **kwargs)
        every, device = found[1], trainer.accelerator.device
        cut_off = torch.tensor([not ids or ids[-1] not in ends for ids in every], device=device)
        lengths = torch.tensor([len(ids) for ids in every], device=device)
        cut_off, lengths = trainer.accelerator.gather(cut_off), trainer.accelerator.gather(lengths)
        ended = lengths[~cut_off].float()
        if not len(ended):
            ended = torch.zeros(1, device=device)  # what TRL logs where none has ended
        metrics["completions/clipped_ratio"][-1] = cut_off.float().mean().item()
        for name in ("mean", "min", "max"):
            metrics[f"completions/{name}_terminated_length"][-1] = getattr(ended, name)().item()
        return found

    trainer._generate_single_turn, trainer._generate = turn, whole


def until_end(ids: Sequence[int], ends: Collection[int]) -> list[int]:
    """A response up to its first end token, that one included; the whole of one without."""
    stop = next((at for at, token in enumerate(ids) if token in ends), len(ids))
    return list(ids[: stop + 1])


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
