"""What a policy learns from one round of rollouts."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, TypeAlias

from rote.errors import DataError
from rote.train.ppo.gae import advantages_and_returns, whitened
from rote.train.ppo.losses import policy_sums, value_sums
from rote.train.ppo.model import Policy, training
from rote.train.ppo.rollouts import Round
from rote.train.ppo.sequences import stable_order
from rote.train.recipe import PpoStage

Tensor: TypeAlias = Any

#: Means over all tokens that an update saw, in the order in which they are summed.
_SUMMED = (
    "policy_loss",
    "value_loss",
    "entropy",
    "approx_kl",
    "clip_ratio/low_mean",
    "clip_ratio/high_mean",
    "clip_ratio/value_mean",
)


@dataclass(frozen=True, slots=True)
class Targets:
    """What the round's tokens are to learn: advantages (whitened if asked) and returns, both (N, T)."""

    advantages: Tensor
    returns: Tensor


def targets_of(found: Round, stage: PpoStage) -> Targets:
    """Advantages and returns of a round, by the stage's settings."""
    mask = found.sequences.mask
    advantages, returns = advantages_and_returns(
        found.rewards, found.values, mask, gamma=stage.gamma, lam=stage.gae_lambda
    )
    return Targets(whitened(advantages, mask) if stage.whiten else advantages, returns)


def update(
    policy: Policy, optimizer: Any, schedule: Any, found: Round, targets: Targets, stage: PpoStage, step: int
) -> dict[str, float]:
    """All passes over a round; gives its losses and the like, as means over the tokens that were seen.

    The order of the responses depends on the stage's seed, the step and the pass alone.
    Raises DataError where a gradient is not finite: nothing sensible can follow.
    """
    import torch

    lengths = found.sequences.mask.sum(1).tolist()
    parameters = [p for group in optimizer.param_groups for p in group["params"]]
    sums = torch.zeros(len(_SUMMED), device=policy.model.device)
    norms: list[float] = []
    with training(policy.model):
        for epoch in range(stage.ppo_epochs):
            order = stable_order(stage.rollouts, stage.seed, "responses", step, epoch)
            for start in range(0, stage.rollouts, stage.batch_size):
                batch = order[start : start + stage.batch_size]
                sums += accumulate(policy, found, targets, stage, batch, sum(lengths[i] for i in batch))
                norm = float(torch.nn.utils.clip_grad_norm_(parameters, stage.max_grad_norm or math.inf))
                if not math.isfinite(norm):
                    raise DataError(
                        f"the norm of the gradient is {norm} at step {step}; "
                        "try a lower learning_rate, or dtype float32",
                        field="grad_norm",
                    )
                norms.append(norm)
                optimizer.step()
                schedule.step()
                optimizer.zero_grad(set_to_none=True)
    tokens = sum(lengths) * stage.ppo_epochs
    metrics = dict(zip(_SUMMED, (sums.double() / tokens).tolist(), strict=True))
    metrics["clip_ratio/region_mean"] = metrics["clip_ratio/low_mean"] + metrics["clip_ratio/high_mean"]
    metrics["grad_norm"] = sum(norms) / len(norms)
    return metrics


def accumulate(
    policy: Policy, found: Round, targets: Targets, stage: PpoStage, batch: list[int], tokens: int
) -> Tensor:
    """Add the gradients of a batch, in parts of ``mini_batch`` responses; gives the sums named in _SUMMED.

    Every loss is divided by the tokens of the whole batch, so its parts weigh as many tokens as they have.
    """
    import torch

    sums = torch.zeros(len(_SUMMED), device=policy.model.device)
    for start in range(0, len(batch), stage.mini_batch):
        rows = batch[start : start + stage.mini_batch]
        some = found.sequences.take(rows)
        width = some.mask.shape[1]
        old_logps, old_values, advantages, returns = (
            whole[rows][:, :width]
            for whole in (found.logps, found.values, targets.advantages, targets.returns)
        )
        scores = policy.score(some, entropy_gradient=stage.entropy_weight > 0)
        chosen = policy_sums(scores.logps, old_logps, advantages, some.mask, stage.clip)
        valued = value_sums(scores.values, old_values, returns, some.mask, stage.value_clip)
        entropy = scores.entropy.sum()
        loss = chosen.loss + stage.value_weight * valued.loss - stage.entropy_weight * entropy
        (loss / tokens).backward()
        sums += torch.stack(
            [
                chosen.loss,
                valued.loss,
                entropy,
                chosen.approx_kl,
                chosen.clipped_low,
                chosen.clipped_high,
                valued.clipped,
            ]
        ).detach()
    return sums
