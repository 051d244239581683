"""The loop of PPO: sample a round, learn from it, log, save."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

from rote.errors import DataError
from rote.train.optimizer import make_optimizer, make_schedule, updates_of
from rote.train.ppo.metrics import round_metrics
from rote.train.ppo.model import Reference, make_policy, make_reference
from rote.train.ppo.rollouts import RewardFunction, Sampling, make_sampling, prompt_ids, roll_out
from rote.train.ppo.sequences import prompt_rows
from rote.train.ppo.state import Counters, Run, load, save
from rote.train.ppo.update import targets_of, update
from rote.train.recipe import PpoStage

#: Fields of a stage that a resumed run may have changed: they do not touch what is learnt.
_FREE = {"data", "log_every", "checkpoints"}


class Hooks(Protocol):
    """What the caller does between rounds."""

    def log(self, step: int, metrics: Mapping[str, float]) -> None:
        """Take the metrics of a round; called after every one."""

    def step_done(self, step: int, model: Any) -> tuple[bool, bool]:
        """Say whether to write a checkpoint now, and whether to stop now (after the checkpoint)."""

    def saved(self, folder: Path) -> None:
        """Hear of a checkpoint that has been written whole."""


def train_ppo(
    model: Any,
    tokenizer: Any,
    prompts: Sequence[str] | Sequence[Sequence[int]],
    reward: RewardFunction,
    stage: PpoStage,
    *,
    max_prompt: int,
    folder: Path,
    resume: Path | None,
    hooks: Hooks,
    end_tokens: Sequence[int] | None = None,
    bf16: bool = False,
) -> None:
    """Train ``model`` in place, on the device where it is, for ``stage.max_steps`` rounds of rollouts.

    Parameters
    ----------
    model: transformers causal LM, plain or wrapped by peft, with the weights that the stage begins with, in
        float32 or bfloat16; also when a run is resumed, for they are what the KL penalty keeps it near to.
    prompts: whole prompts, as text or as token ids; ``reward`` is called with their row numbers, the texts of
        the responses and whether each came to its end, and gives the terms by name and the totals.
    max_prompt: longest prompt, in tokens; a longer one is an error, none is shortened.
    folder: where ``checkpoint-<step>`` folders are written, when ``hooks.step_done`` asks for one.
    resume: a checkpoint to go on from, bit for bit; None starts at step 1.
    end_tokens: tokens that end a response; None: every EOS that the tokenizer and the model's generation
        config name.
    bf16: calculate in bfloat16, with the weights as they are (float32 ones keep steps that bfloat16 loses).

    Raises UsageError for a model, tokenizer or setting that PPO cannot use, DataError for prompts, rewards or
    checkpoints that are not what they should be.
    """
    from transformers import set_seed

    if not prompts:
        raise DataError("is empty; PPO needs at least one prompt", field="prompts")
    ids = prompt_ids(prompts, tokenizer, max_prompt)
    sampling = make_sampling(
        model,
        tokenizer,
        max_new_tokens=stage.max_completion,
        temperature=stage.temperature,
        top_p=stage.top_p,
        end_tokens=end_tokens,
    )
    policy = make_policy(model, stage.temperature, bf16=bf16)
    reference = make_reference(policy) if stage.kl else None
    trained = [p for part in (model, policy.head) for p in part.parameters() if p.requires_grad]
    optimizer = make_optimizer(trained, stage)
    run = Run(
        policy=policy,
        tokenizer=tokenizer,
        optimizer=optimizer,
        schedule=make_schedule(optimizer, stage, updates_of(stage)),
        counters=Counters(),
        settings=_settings(stage, ids, sampling, reference) | {"bf16": bf16},
    )
    set_seed(stage.seed % 2**32)
    if resume is not None:
        load(run, resume)
    with _checkpointing_gradients(model, stage):
        while run.counters.step < stage.max_steps:
            metrics = _round(run, reference, ids, reward, stage, sampling)
            step = run.counters.step
            hooks.log(step, metrics)
            save_now, stop_now = hooks.step_done(step, model)
            if save_now:
                hooks.saved(save(run, folder))
            if stop_now:
                return


def _round(
    run: Run,
    reference: Reference | None,
    prompts: Sequence[Sequence[int]],
    reward: RewardFunction,
    stage: PpoStage,
    sampling: Sampling,
) -> dict[str, float]:
    """One round of rollouts and what is learnt from it; moves the counters on and gives the metrics."""
    began = time.perf_counter()
    counters = run.counters
    found = roll_out(
        run.policy,
        reference,
        run.tokenizer,
        prompts,
        prompt_rows(len(prompts), stage.seed, counters.step * stage.rollouts, stage.rollouts),
        reward,
        sampling,
        kl=stage.kl,
        generated_at_once=stage.batch_size,
        scored_at_once=stage.mini_batch,
    )
    targets = targets_of(found, stage)
    metrics = round_metrics(found, targets)
    counters.step += 1
    metrics |= update(run.policy, run.optimizer, run.schedule, found, targets, stage, counters.step)
    tokens = int(found.sequences.mask.sum())
    counters.tokens += tokens
    metrics["learning_rate"] = float(run.schedule.get_last_lr()[0])
    metrics["num_tokens"] = float(counters.tokens)
    metrics["epoch"] = counters.step * stage.rollouts / len(prompts)
    metrics["step_time"] = time.perf_counter() - began
    metrics["tokens_per_second"] = tokens / metrics["step_time"]
    return metrics


@contextmanager
def _checkpointing_gradients(model: Any, stage: PpoStage) -> Iterator[None]:
    if not stage.gradient_checkpointing:
        yield
        return
    model.gradient_checkpointing_enable({"use_reentrant": False})
    try:
        yield
    finally:
        model.gradient_checkpointing_disable()


def _settings(
    stage: PpoStage, prompts: Sequence[Sequence[int]], sampling: Sampling, reference: Reference | None
) -> dict[str, Any]:
    """What must not change when a run is resumed."""
    return {
        **stage.model_dump(mode="json", exclude=_FREE),
        "eos": list(sampling.eos),
        "prompts": hashlib.sha256(json.dumps([list(one) for one in prompts]).encode()).hexdigest(),
        "first weights": None if reference is None else reference.fingerprint(),
    }
