"""A stage's fields as the arguments of transformers' Trainer, which TRL's trainers share."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from rote.train.recipe import Stage


def trainer_arguments(
    stage: Stage, folder: Path, *, steps: int, bf16: bool, trackers: tuple[str, ...] = (), run_name: str = ""
) -> dict[str, Any]:
    """What all of TRL's configurations take.

    ``steps`` is the whole stage's. Nothing is saved by the Trainer's own rules: the monitor decides.
    """
    import torch

    on_gpu = torch.cuda.is_available()
    arguments: dict[str, Any] = {
        "output_dir": str(folder),
        "max_steps": steps,
        "learning_rate": stage.learning_rate,
        "lr_scheduler_type": stage.schedule,
        "warmup_steps": round(stage.warmup * steps),
        "optim": stage.optimizer,
        "weight_decay": stage.weight_decay,
        "max_grad_norm": stage.max_grad_norm,
        "gradient_checkpointing": stage.gradient_checkpointing,
        "logging_steps": stage.log_every,
        "logging_nan_inf_filter": False,
        "save_strategy": "no",
        "seed": stage.seed,
        "data_seed": stage.seed,
        "bf16": on_gpu and bf16,
        "fp16": False,
        "use_cpu": not on_gpu,
        "disable_tqdm": True,
        "report_to": list(trackers) or "none",
        "run_name": run_name,
        "dataloader_pin_memory": on_gpu,
    }
    if stage.gradient_checkpointing:
        arguments["gradient_checkpointing_kwargs"] = {"use_reentrant": False}
    if stage.schedule == "cosine_with_min_lr":
        arguments["lr_scheduler_kwargs"] = {"min_lr": stage.min_learning_rate}
    return arguments
