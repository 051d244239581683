"""The losses of PPO, summed over tokens.

Sources: Schulman et al., *Proximal policy optimization algorithms*, arXiv 1707.06347, equations 7 and 9;
the clipped value loss is that of the authors' own code (openai/baselines, ppo2). The estimate of the
divergence, (q/p − 1) − log(q/p), is at least 0 and without bias: Schulman, *Approximating KL divergence*.

Sums, not means: a batch is seen in several parts, and whoever adds them up divides by the tokens of the whole
batch, so that every token weighs the same however the parts fall.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeAlias

Tensor: TypeAlias = Any


@dataclass(frozen=True, slots=True)
class PolicySums:
    """Sums over the tokens of a mask: the loss (carries gradients), and what is logged of it."""

    loss: Tensor
    approx_kl: Tensor
    clipped_low: Tensor
    clipped_high: Tensor


def policy_sums(
    logps: Tensor, old_logps: Tensor, advantages: Tensor, mask: Tensor, clip: float
) -> PolicySums:
    """max(−A·ratio, −A·clip(ratio, 1 ± clip)), ratio = exp(logp − old logp); arguments are (B, T).

    A token counts as clipped where that stops its gradient: a ratio below the range with A < 0 (low),
    above it with A > 0 (high).
    """
    kept = mask.to(logps.dtype)
    log_ratio = (logps - old_logps) * kept
    ratio = log_ratio.exp()
    loss = (-advantages * ratio).maximum(-advantages * ratio.clamp(1 - clip, 1 + clip))
    ratio, log_ratio = ratio.detach(), log_ratio.detach()
    return PolicySums(
        loss=(loss * kept).sum(),
        approx_kl=((ratio - 1 - log_ratio) * kept).sum(),
        clipped_low=(((ratio < 1 - clip) & (advantages < 0)) * kept).sum(),
        clipped_high=(((ratio > 1 + clip) & (advantages > 0)) * kept).sum(),
    )


@dataclass(frozen=True, slots=True)
class ValueSums:
    """Sums over the tokens of a mask: the loss (carries gradients), and how many tokens it was clipped on."""

    loss: Tensor
    clipped: Tensor


def value_sums(values: Tensor, old_values: Tensor, returns: Tensor, mask: Tensor, clip: float) -> ValueSums:
    """½·max((V − R)², (V' − R)²) with V' = V kept within ``clip`` of its old value; arguments are (B, T)."""
    kept = mask.to(values.dtype)
    near = values.maximum(old_values - clip).minimum(old_values + clip)
    plain, clipped = (values - returns).square(), (near - returns).square()
    return ValueSums(
        loss=0.5 * (plain.maximum(clipped) * kept).sum(),
        clipped=((clipped > plain).detach() * kept).sum(),
    )


def divergence(logps: Tensor, ref_logps: Tensor) -> Tensor:
    """Estimate of KL(policy ‖ reference) of each token that the policy drew, at least 0; shapes alike."""
    log_ratio = ref_logps - logps
    return log_ratio.exp() - 1 - log_ratio
