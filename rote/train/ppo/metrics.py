"""What is logged of a round; named as TRL's trainers do, where they log the same."""

from __future__ import annotations

import statistics
from collections.abc import Sequence

from rote.train.ppo.gae import explained_variance
from rote.train.ppo.losses import divergence
from rote.train.ppo.rollouts import Round
from rote.train.ppo.update import Targets


def round_metrics(found: Round, targets: Targets) -> dict[str, float]:
    """Rewards, divergence, values and lengths of a round, before the policy has learnt from it.

    Lengths are in tokens, the EOS included. ``kl`` is a mean over tokens, as GRPO logs it; ``objective/kl``
    the mean over responses of the sum that the reward is charged, in nats, both left out without a reference.
    """
    metrics = {"reward": statistics.fmean(found.totals), "reward_std": _spread(found.totals)}
    for name, values in found.terms.items():
        metrics[f"rewards/{name}/mean"] = statistics.fmean(values)
        metrics[f"rewards/{name}/std"] = _spread(values)
    mask = found.sequences.mask
    if found.ref_logps is not None:
        tokens = mask.sum()
        metrics["kl"] = float((divergence(found.logps, found.ref_logps) * mask).sum() / tokens)
        metrics["objective/kl"] = float(((found.logps - found.ref_logps) * mask).sum(1).mean())
    metrics["value/mean"] = float(found.values[mask].mean())
    metrics["value/explained_variance"] = explained_variance(found.values, targets.returns, mask)
    lengths = [float(length) for length in mask.sum(1).tolist()]
    ended = [length for length, end in zip(lengths, found.finished, strict=True) if end]
    metrics["completions/mean_length"] = statistics.fmean(lengths)
    metrics["completions/min_length"] = min(lengths)
    metrics["completions/max_length"] = max(lengths)
    metrics["completions/mean_terminated_length"] = statistics.fmean(ended) if ended else 0.0
    metrics["completions/clipped_ratio"] = 1 - len(ended) / len(lengths)
    return metrics


def _spread(values: Sequence[float]) -> float:
    return statistics.stdev(values) if len(values) > 1 else 0.0
