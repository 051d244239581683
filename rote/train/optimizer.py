"""The optimiser of rote's own loops and its schedule, by the names that transformers has for them."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any, Final

from rote.errors import MissingExtraError, UsageError
from rote.train.recipe import PpoStage, Stage

#: Names that bitsandbytes provides: its class, and whether the state may leave the GPU.
_EIGHT_BIT: Final = {
    "adamw_8bit": False,
    "adamw_bnb_8bit": False,
    "paged_adamw_8bit": True,
}
_TORCH: Final = ("adamw_torch", "adamw_torch_fused")
OPTIMIZERS: Final = (*_TORCH, *_EIGHT_BIT)


def make_optimizer(parameters: Iterable[Any], stage: Stage, betas: tuple[float, float] = (0.9, 0.999)) -> Any:
    """The stage's optimiser; biases and norms (one dimension) are not decayed, as transformers has it.

    Raises UsageError for a name that is not one of OPTIMIZERS, or for 8 bits without a GPU.
    """
    import torch

    every = list(parameters)
    groups = [
        {"params": [p for p in every if p.ndim > 1], "weight_decay": stage.weight_decay},
        {"params": [p for p in every if p.ndim <= 1], "weight_decay": 0.0},
    ]
    groups = [group for group in groups if group["params"]]
    name = stage.optimizer
    if name in _TORCH:
        return torch.optim.AdamW(
            groups, lr=stage.learning_rate, betas=betas, fused=name == "adamw_torch_fused"
        )
    if name not in _EIGHT_BIT:
        raise UsageError(f"optimizer {name!r}: this algorithm has {', '.join(OPTIMIZERS)}")
    if any(p.device.type != "cuda" for p in every):
        raise UsageError(f"optimizer {name!r}: needs a GPU; on another device use adamw_torch")
    try:
        from bitsandbytes.optim import AdamW8bit
    except ImportError as error:
        raise MissingExtraError("bitsandbytes", "train") from error
    return AdamW8bit(groups, lr=stage.learning_rate, betas=betas, is_paged=_EIGHT_BIT[name])


def updates_of(stage: PpoStage) -> int:
    """Optimiser steps of a whole stage."""
    return stage.max_steps * stage.ppo_epochs * (stage.rollouts // stage.batch_size)


def make_schedule(optimizer: Any, stage: Stage, total: int) -> Any:
    """The stage's learning rate over ``total`` optimiser steps; warm-up is rounded up to whole ones."""
    from transformers import get_scheduler

    warmup = math.ceil(stage.warmup * total)
    name = "constant_with_warmup" if stage.schedule == "constant" and warmup else stage.schedule
    least = {"min_lr": stage.min_learning_rate} if name == "cosine_with_min_lr" else None
    return get_scheduler(
        name,
        optimizer,
        num_warmup_steps=warmup,
        num_training_steps=total,
        scheduler_specific_kwargs=least,
    )
