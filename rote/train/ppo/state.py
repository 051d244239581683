"""Checkpoints: everything that a run needs to go on bit for bit, in a folder that is whole or not there."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from rote.errors import DataError, UsageError
from rote.train.ppo.model import Policy, is_wrapped
from rote.train.random_states import random_states, set_random_states
from rote.train.saving import write_checkpoint

_STATE: Final = "ppo_state.json"
_HEAD: Final = "value_head.safetensors"
_OPTIMIZER: Final = "optimizer.pt"
_SCHEDULE: Final = "scheduler.pt"
_RANDOM: Final = "rng_state.pth"
_VERSION: Final = 1


@dataclass(slots=True)
class Counters:
    """How far a run is: rounds of rollouts, and tokens generated."""

    step: int = 0
    tokens: int = 0


@dataclass(frozen=True, slots=True)
class Run:
    """What changes while a run goes on, and the settings that it must be resumed with (plain JSON values)."""

    policy: Policy
    tokenizer: Any
    optimizer: Any
    schedule: Any
    counters: Counters
    settings: Mapping[str, Any]


def save(run: Run, folder: Path) -> Path:
    """Write ``folder/checkpoint-<step>``, with the model and tokenizer as ``from_pretrained`` reads them.

    It is written beside its place and moved there at the end. Raises DataError where that fails; checkpoints
    that were there before stay.
    """
    return write_checkpoint(folder, run.counters.step, lambda new: _write(run, new))


def _write(run: Run, new: Path) -> None:
    import torch
    from safetensors.torch import save_file

    model = run.policy.model
    # peft would look a base model up on a hub to see whether its embeddings have grown.
    model.save_pretrained(new, **({"save_embedding_layers": False} if is_wrapped(model) else {}))
    run.tokenizer.save_pretrained(new)
    save_file({name: t.contiguous() for name, t in run.policy.head.state_dict().items()}, new / _HEAD)
    torch.save(run.optimizer.state_dict(), new / _OPTIMIZER)
    torch.save(run.schedule.state_dict(), new / _SCHEDULE)
    torch.save(random_states(), new / _RANDOM)
    state = {
        "version": _VERSION,
        "step": run.counters.step,
        "tokens": run.counters.tokens,
        "settings": run.settings,
        "bytes": {
            str(path.relative_to(new)): path.stat().st_size
            for path in sorted(new.rglob("*"))
            if path.is_file()
        },
    }
    (new / _STATE).write_text(json.dumps(state, indent=2, sort_keys=True) + "\n", encoding="utf-8")


def read_state(checkpoint: Path) -> dict[str, Any]:
    """What a checkpoint says of itself. Raises DataError unless it is whole, file by file."""
    path = checkpoint / _STATE
    try:
        state: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        version, sizes = state["version"], dict(state["bytes"])
    except FileNotFoundError:
        raise DataError("is not there; this is no whole checkpoint of a PPO run", path=path) from None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DataError(f"cannot be read ({error})", path=path) from error
    if version != _VERSION:
        raise DataError(f"is {version!r}; this rote reads {_VERSION}", path=path, field="version")
    for name, size in sizes.items():
        file = checkpoint / name
        found = file.stat().st_size if file.is_file() else None
        if found != size:
            has = "is missing" if found is None else f"has {found} bytes"
            raise DataError(f"{has}; {size} were written: the checkpoint is not whole", path=file)
    return state


def load(run: Run, checkpoint: Path) -> None:
    """Put a run where a checkpoint was written, bit for bit; ``run`` is one that has not begun.

    Raises DataError for a checkpoint that is not whole or of another model, and UsageError where it was
    written with other settings.
    """
    import torch
    from safetensors.torch import load_file

    state = read_state(checkpoint)
    check_settings(state["settings"], run.settings, checkpoint)
    _load_weights(run.policy.model, checkpoint)
    run.policy.head.load_state_dict(load_file(checkpoint / _HEAD))
    run.optimizer.load_state_dict(torch.load(checkpoint / _OPTIMIZER, map_location="cpu", weights_only=True))
    run.schedule.load_state_dict(torch.load(checkpoint / _SCHEDULE, weights_only=True))
    set_random_states(torch.load(checkpoint / _RANDOM, map_location="cpu", weights_only=True))
    run.counters.step, run.counters.tokens = int(state["step"]), int(state["tokens"])


def check_settings(then: Mapping[str, Any], now: Mapping[str, Any], checkpoint: Path) -> None:
    """Raise UsageError where a run would go on with other settings than it began with."""
    now = json.loads(json.dumps(now))
    for key in sorted({*then, *now}):
        if then.get(key) != now.get(key):
            raise UsageError(
                f"resume {checkpoint}: {key} was {then.get(key)!r} and is now {now.get(key)!r}; a run "
                "goes on only as it began: set it back, or start a new run"
            )


def _load_weights(model: Any, checkpoint: Path) -> None:
    import torch

    if is_wrapped(model):
        from peft import load_peft_weights, set_peft_model_state_dict

        name = model.active_adapter
        folder = checkpoint if name == "default" else checkpoint / name
        loaded: Any = set_peft_model_state_dict(model, load_peft_weights(str(folder), device="cpu"), name)
        missing = [key for key in loaded.missing_keys if f".{name}." in key]
    else:
        # The widest type that the model has keeps every bit of the others.
        widest = torch.float32 if any(p.dtype == torch.float32 for p in model.parameters()) else model.dtype
        saved, info = type(model).from_pretrained(checkpoint, dtype=widest, output_loading_info=True)
        missing = sorted(info["missing_keys"])
        model.load_state_dict(saved.state_dict())
    if missing:
        raise DataError(f"has no weights for {missing[0]}: it is of another model", path=checkpoint)
