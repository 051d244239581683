"""Generalised advantage estimation over the tokens of responses.

Source: Schulman et al., *High-dimensional continuous control using generalized advantage estimation*,
arXiv 1506.02438, equation 16. With delta_t = r_t + gamma·V_{t+1} − V_t,

    A_t = delta_t + gamma·lam·A_{t+1} = sum over k of (gamma·lam)^k · delta_{t+k},    R_t = A_t + V_t.

A response ends the episode: V and A are 0 after its last token, and also after one that was cut off.
"""

from __future__ import annotations

from typing import Any, TypeAlias

Tensor: TypeAlias = Any

#: Added to a variance before it divides: advantages that are all alike become 0, not noise.
_SMALL = 1e-8


def advantages_and_returns(
    rewards: Tensor, values: Tensor, mask: Tensor, *, gamma: float, lam: float
) -> tuple[Tensor, Tensor]:
    """Advantages and returns of each token, both (B, T) and 0 where the mask is.

    ``rewards`` and ``values`` are (B, T); ``mask`` (B, T) is true on the tokens of each response, which
    begin in column 0 and have no gap. ``gamma`` and ``lam`` are discounts a token, 0 to 1.
    """
    kept = mask.to(values.dtype)
    # Padding holds neither value nor reward: the sum begins afresh at the last token of each row.
    values, rewards = values * kept, rewards * kept
    advantages = values.new_zeros(values.shape)
    next_value = next_advantage = values.new_zeros(values.shape[0])
    for t in reversed(range(values.shape[1])):
        delta = rewards[:, t] + gamma * next_value - values[:, t]
        next_advantage = (delta + gamma * lam * next_advantage) * kept[:, t]
        next_value = values[:, t]
        advantages[:, t] = next_advantage
    return advantages, advantages + values


def whitened(values: Tensor, mask: Tensor) -> Tensor:
    """Values at mean 0 and standard deviation 1 over the tokens of the mask, 0 elsewhere; shapes (B, T)."""
    kept = mask.to(values.dtype)
    count = kept.sum()
    centred = (values - (values * kept).sum() / count) * kept
    return centred * (centred.square().sum() / count + _SMALL).rsqrt()


def explained_variance(values: Tensor, returns: Tensor, mask: Tensor) -> float:
    """1 − Var(R − V) / Var(R) over the tokens of the mask, at most 1; 0 where the returns are all alike."""
    picked = mask.bool()
    spread = returns[picked].double().var(correction=0)
    if not spread > 0:
        return 0.0
    return float(1 - (returns - values)[picked].double().var(correction=0) / spread)
