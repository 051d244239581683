"""The loop: a batch, a step, a line of the log now and then, a checkpoint when the monitor wants one."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

from rote.errors import DataError
from rote.train.monitor import Monitor
from rote.train.optimizer import make_optimizer, make_schedule
from rote.train.ppo.state import check_settings
from rote.train.pretrain.forward import make_loss
from rote.train.pretrain.shards import Batch
from rote.train.pretrain.stream import Place, Recipe, Stream
from rote.train.random_states import random_states, set_random_states
from rote.train.recipe import PretrainStage
from rote.train.saving import write_checkpoint

_STATE: Final = "pretrain_state.json"
_OPTIMIZER: Final = "optimizer.pt"
_SCHEDULE: Final = "scheduler.pt"
_RANDOM: Final = "rng_state.pth"
#: Fields of a stage that a resumed run may have changed: they do not touch what is learnt.
_FREE: Final = {"log_every", "checkpoints", "data", "compiled"}


@dataclass(slots=True)
class Mean:
    """A mean of scalar tensors that is taken to the CPU only when it is asked for."""

    sum: Any = 0.0
    count: int = 0

    def add(self, value: Any) -> None:
        """One value more."""
        self.sum = self.sum + value
        self.count += 1

    def take(self) -> float:
        """The mean of what was added since the last time."""
        mean = float(self.sum) / self.count
        self.sum, self.count = 0.0, 0
        return mean


@dataclass(slots=True)
class Progress:
    """How far a run is.

    ``tokens`` and ``padded``: those of the rows, and those that were computed; ``rows``: by part of the
    mixture; ``place``: the next batch of the stream; ``losses``: those since the last line of the log.
    """

    step: int = 0
    tokens: int = 0
    padded: int = 0
    rows: Counter[int] = field(default_factory=Counter)
    place: Place = field(default_factory=Place)
    losses: Mean = field(default_factory=Mean)


def pretrain(
    model: Any,
    tokenizer: Any,
    stage: PretrainStage,
    recipe: Recipe,
    *,
    content_hash: str,
    folder: Path,
    resume: Path | None,
    monitor: Monitor,
    bf16: bool,
) -> Progress:
    """Train ``model`` in place, on the device where it is, for ``stage.max_steps`` steps or until stopped.

    Parameters
    ----------
    recipe: what the stream is made of; ``content_hash`` its hash, which a resumed run must have, too.
    folder: where ``checkpoint-<step>`` folders are written, when the monitor asks for one.
    resume: a checkpoint to go on from; None starts at step 1.
    bf16: calculate in bfloat16, with the weights as they are.

    Raises DataError and UsageError as the checkpoint, the mixture and the model do.
    """
    import torch

    compiled = stage.compiled == "yes" or (stage.compiled == "auto" and model.device.type == "cuda")
    loss_of = make_loss(model, compiled=compiled)
    trained = [p for p in model.parameters() if p.requires_grad]
    optimizer = make_optimizer(trained, stage, (0.9, stage.beta2))
    schedule = make_schedule(optimizer, stage, stage.max_steps)
    settings = {**stage.model_dump(mode="json", exclude=_FREE), "data": content_hash, "bf16": bf16}
    run = _Run(model, tokenizer, optimizer, schedule, Progress(), settings)
    torch.manual_seed(stage.seed)
    if resume is not None:
        _load(run, resume)
    torch.set_float32_matmul_precision("high")
    model.train()
    at = run.progress
    with Stream(recipe, at.place) as stream:
        for batch in stream:
            if at.step >= stage.max_steps:
                break
            with torch.autocast(model.device.type, torch.bfloat16) if bf16 else nullcontext():
                loss = loss_of(*_moved(batch, model.device))
            loss.backward()
            norm = torch.nn.utils.clip_grad_norm_(trained, stage.max_grad_norm or float("inf"))
            optimizer.step()
            schedule.step()
            optimizer.zero_grad(set_to_none=True)
            at.step += 1
            at.tokens += int(batch.ends.sum())
            at.padded += batch.ids.size
            at.rows.update(batch.parts.tolist())
            at.losses.add(loss.detach())
            if at.step % stage.log_every == 0 or at.step == stage.max_steps:
                monitor.log(
                    at.step,
                    {
                        "loss": at.losses.take(),
                        "grad_norm": float(norm),
                        "learning_rate": float(schedule.get_last_lr()[0]),
                        "num_tokens": at.tokens,
                    },
                )
            save, stop = monitor.step_done(at.step, model)
            if save:
                monitor.saved(write_checkpoint(folder, at.step, lambda new: _save(run, new)))
            if stop:
                break
    return at


def _moved(batch: Batch, device: Any) -> tuple[Any, Any, Any]:
    import numpy
    import torch

    arrays = (batch.ids.astype(numpy.int32), batch.starts, batch.ends)
    tensors = [torch.from_numpy(array) for array in arrays]
    if device.type == "cuda":
        tensors = [tensor.pin_memory().to(device, non_blocking=True) for tensor in tensors]
    ids, starts, ends = tensors
    return ids.long(), starts, ends


@dataclass(frozen=True, slots=True)
class _Run:
    """What a checkpoint keeps."""

    model: Any
    tokenizer: Any
    optimizer: Any
    schedule: Any
    progress: Progress
    settings: Mapping[str, Any]


def _save(run: _Run, new: Path) -> None:
    import torch

    run.model.save_pretrained(new)
    run.tokenizer.save_pretrained(new)
    torch.save(run.optimizer.state_dict(), new / _OPTIMIZER)
    torch.save(run.schedule.state_dict(), new / _SCHEDULE)
    torch.save(random_states(), new / _RANDOM)
    at = run.progress
    state = {
        "step": at.step,
        "tokens": at.tokens,
        "padded": at.padded,
        "rows": {str(part): count for part, count in sorted(at.rows.items())},
        "place": asdict(at.place),
        "losses": {"sum": float(at.losses.sum), "count": at.losses.count},
        "settings": run.settings,
    }
    (new / _STATE).write_text(json.dumps(state, indent=2, sort_keys=True) + "\n", encoding="utf-8")


def _load(run: _Run, checkpoint: Path) -> None:
    import torch

    path = checkpoint / _STATE
    try:
        state = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise DataError(
            f"cannot be read ({error}); this is no checkpoint of a pretraining", path=path
        ) from None
    check_settings(state["settings"], run.settings, checkpoint)
    saved = type(run.model).from_pretrained(checkpoint, dtype=run.model.dtype)
    run.model.load_state_dict(saved.state_dict())
    run.optimizer.load_state_dict(torch.load(checkpoint / _OPTIMIZER, map_location="cpu", weights_only=True))
    run.schedule.load_state_dict(torch.load(checkpoint / _SCHEDULE, weights_only=True))
    set_random_states(torch.load(checkpoint / _RANDOM, map_location="cpu", weights_only=True))
    at = run.progress
    at.step, at.tokens, at.padded = state["step"], state["tokens"], state["padded"]
    at.rows.update({int(part): count for part, count in state["rows"].items()})
    at.place = Place(**state["place"])
    at.losses.sum, at.losses.count = state["losses"]["sum"], state["losses"]["count"]
