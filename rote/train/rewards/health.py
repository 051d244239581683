"""Whether a run's rewards can teach anything: alarms from what TRL and PPO log. Pure; no torch.

Each alarm is raised once, when its cause has lasted for a window of logged steps.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

_CORRECTNESS: Final = "rewards/correctness/mean"
_FORMAT: Final = "rewards/format/mean"
_ZERO_SPREAD: Final = "frac_reward_zero_std"
_CLIPPED: Final = ("completions/clipped_ratio", "clipped_ratio")
_REWARD: Final = "reward"
_REWARD_STD: Final = "reward_std"
_KL: Final = "kl"


@dataclass(frozen=True, slots=True)
class Alarm:
    """Something that keeps a run from learning what it should.

    Attributes
    ----------
    name: ``cold_start``, ``zero_spread``, ``clipped``, ``format_only``, ``collapse``, ``constant``, ``kl`` or
        ``not_finite``.
    step: at which it was raised.
    value: the number that raised it.
    message: what was seen and what to do, in one or two sentences.
    """

    name: str
    step: int
    value: float
    message: str


class Health:
    """Watches the metrics of one run.

    Parameters
    ----------
    window: logged steps over which a cause must last; 1 or more.
    cold: logged steps with hardly a right answer that make a cold start.
    hardly: mean share of right answers, 0 to 1, up to which that is so.
    zero_spread: mean share of groups without spread, 0 to 1, from which on there is an alarm.
    clipped: mean share of responses that were cut off, 0 to 1.
    rise: by how much format must have risen while correctness did not.
    fall: share of its best mean correctness that a run must lose to have collapsed.
    kl: divergence from the reference, in nats a token, above which the policy has left it.
    """

    def __init__(
        self,
        *,
        window: int = 10,
        cold: int = 20,
        hardly: float = 0.02,
        zero_spread: float = 0.8,
        clipped: float = 0.3,
        rise: float = 0.2,
        fall: float = 0.5,
        kl: float = 2.0,
    ) -> None:
        self._window, self._cold, self._hardly = max(1, window), max(1, cold), hardly
        self._limits = {"zero_spread": zero_spread, "clipped": clipped, "kl": kl}
        self._rise, self._fall = rise, fall
        self._recent: dict[str, deque[float]] = {}
        self._first: dict[str, float] = {}
        self._best = 0.0
        self._logged = 0
        self._right = 0.0
        self._raised: set[str] = set()

    def update(self, step: int, metrics: Mapping[str, float]) -> list[Alarm]:
        """Take in what one step logged, keys as TRL names them; the alarms that it raises, mostly none.

        Keys that are missing are not judged. Raises nothing.
        """
        found: list[Alarm | None] = []
        reward = metrics.get(_REWARD)
        if reward is not None and not math.isfinite(reward):
            found.append(
                self._alarm(
                    "not_finite", step, reward, f"the reward is {reward}; the run cannot learn from it."
                )
            )
        values = {key: value for key, value in metrics.items() if math.isfinite(value)}
        self._remember(values)
        # A cold start explains that no group has spread and that nothing changes: it is named, they are not.
        cold = self._cold_start(step, values)
        found.append(cold)
        if "cold_start" not in self._raised or self._is_warm():
            found += [self._zero_spread(step), self._constant(step)]
        found += [self._clipped(step), self._kl(step), self._format_only(step), self._collapse(step)]
        return [alarm for alarm in found if alarm is not None]

    def _remember(self, values: Mapping[str, float]) -> None:
        clipped = next((key for key in _CLIPPED if key in values), None)
        watched = {key: values[key] for key in _PLAIN if key in values}
        if clipped is not None:
            watched["clipped"] = values[clipped]
        for key, value in watched.items():
            self._recent.setdefault(key, deque(maxlen=self._window)).append(value)
            mean = self._mean(key)
            if mean is not None:
                self._first.setdefault(key, mean)

    def _mean(self, key: str) -> float | None:
        """Mean of the last window; None before it is full."""
        recent = self._recent.get(key, ())
        return math.fsum(recent) / len(recent) if len(recent) == self._window else None

    def _alarm(self, name: str, step: int, value: float, message: str) -> Alarm | None:
        if name in self._raised:
            return None
        self._raised.add(name)
        return Alarm(name, step, value, message)

    def _cold_start(self, step: int, values: Mapping[str, float]) -> Alarm | None:
        right = values.get(_CORRECTNESS)
        if right is None:
            return None
        self._logged += 1
        self._right += right
        if self._is_warm() or self._logged < self._cold:
            return None
        share = self._right / self._logged
        marked = self._mean(_FORMAT)
        advice = (
            "the format is hardly ever kept, so train it with SFT first, or give `format` a weight: it pays "
            "half for an answer in another mark"
            if marked is not None and marked < 0.5
            else "take easier data, more generations a prompt, or SFT on worked solutions first"
        )
        return self._alarm(
            "cold_start",
            step,
            share,
            f"cold start: {share:.1%} of the answers were right in the first {self._logged} logged steps, "
            f"and a reward that hardly ever comes teaches nothing; {advice}.",
        )

    def _is_warm(self) -> bool:
        """Whether the answers since the beginning are right more often than hardly ever."""
        return self._right > self._hardly * self._logged

    def _zero_spread(self, step: int) -> Alarm | None:
        share = self._mean(_ZERO_SPREAD)
        if share is None or share < self._limits["zero_spread"]:
            return None
        right = self._mean(_CORRECTNESS)
        advice = "take harder data" if right is not None and right > 0.5 else "take easier data"
        return self._alarm(
            "zero_spread",
            step,
            share,
            f"{share:.0%} of groups earn one and the same reward, so they teach nothing; {advice}, more "
            "generations a prompt, or a higher temperature.",
        )

    def _constant(self, step: int) -> Alarm | None:
        spread = self._mean(_REWARD_STD)
        if spread is None or spread > 1e-9 or self._mean(_ZERO_SPREAD) is not None:
            return None
        return self._alarm(
            "constant",
            step,
            spread,
            f"the reward was the same for every response of {self._window} logged steps; a constant reward "
            "trains nothing.",
        )

    def _clipped(self, step: int) -> Alarm | None:
        share = self._mean("clipped")
        if share is None or share < self._limits["clipped"]:
            return None
        return self._alarm(
            "clipped",
            step,
            share,
            f"{share:.0%} of responses are cut off and earn no correctness; raise max_completion, weigh "
            "`length`, or teach the model to end with SFT.",
        )

    def _kl(self, step: int) -> Alarm | None:
        divergence = self._mean(_KL)
        if divergence is None or divergence < self._limits["kl"]:
            return None
        return self._alarm(
            "kl",
            step,
            divergence,
            f"the policy is {divergence:.3g} nats a token from its reference; lower the learning rate or "
            "raise the weight of the KL divergence.",
        )

    def _format_only(self, step: int) -> Alarm | None:
        kept, right = self._mean(_FORMAT), self._mean(_CORRECTNESS)
        if kept is None or right is None:
            return None
        risen = kept - self._first[_FORMAT]
        if risen < self._rise or right - self._first[_CORRECTNESS] > risen / 10:
            return None
        return self._alarm(
            "format_only",
            step,
            risen,
            f"format has risen by {risen:.2f} while correctness stands at {right:.2f}: the model learns the "
            "dress, not the sums; lower the weight of `format`, or train the format with SFT.",
        )

    def _collapse(self, step: int) -> Alarm | None:
        right = self._mean(_CORRECTNESS)
        if right is None:
            return None
        self._best = max(self._best, right)
        if self._best < 0.05 or right > self._best * (1 - self._fall):
            return None
        return self._alarm(
            "collapse",
            step,
            right,
            f"correctness has fallen from {self._best:.2f} to {right:.2f}; go back to an earlier checkpoint "
            "with a lower learning rate or more KL.",
        )


_PLAIN: Final = (_CORRECTNESS, _FORMAT, _ZERO_SPREAD, _REWARD_STD, _KL)
