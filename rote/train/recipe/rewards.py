"""The reward of a recipe: weights of named terms."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from pydantic import Field, model_validator

from rote.train.recipe.base import AtLeastZero, Part, Share

#: Names of the terms, in the order of logs.
TERMS = (
    "correctness",
    "format",
    "trace",
    "process",
    "confidence",
    "consistency",
    "inertness",
    "length",
    "seeds",
    "random",
)

#: Format may make up at most this share of the largest reward.
_MOST_FORMAT: Final = 0.2
#: Weights are sums of decimals; a margin below this is none.
_LEAST_MARGIN: Final = 1e-6


class RewardSpec(Part):
    """Weights of the terms; 0 leaves a term out of the reward and in the logs (an ablation)."""

    correctness: AtLeastZero = Field(
        default=1.0, description="1 when the response ends in exactly one answer and that is the gold, else 0"
    )
    format: Share = Field(
        default=0.1,
        description=(
            "1 for one answer as the prompt asks for it, 0.5 for one in another mark (tag, box, ####), "
            "else 0; at most 0.2 of the largest reward"
        ),
    )
    trace: Share = Field(
        default=0.0, description="shape of the chain of thought, 0 to 1; 0 without an answer"
    )
    process: Share = Field(
        default=0.0,
        description="share of grounded equations that hold, 0 to 1, when the last one gives the answer",
    )
    confidence: Share = Field(
        default=0.0,
        description="proper score of the stated confidence: 0 to 1 when right, -1 to 0 when wrong",
    )
    consistency: Share = Field(
        default=0.0,
        description="share of siblings of the template in the batch that are right, for a right answer",
    )
    inertness: Share = Field(default=0.0, description="-1 for the answer of an inert clause's trap, else 0")
    length: Share = Field(
        default=0.0,
        description="0 up to 300 words or 5 times the row's own solution, then down to -1 at twice as many",
    )
    seeds: AtLeastZero = Field(
        default=0.0, description="0.6 correctness + 0.25 trace + 0.15 confidence, -0.15 to 1"
    )
    random: AtLeastZero = Field(
        default=0.0, description="a coin by the hash of question and response, 0 or 1: a control"
    )
    control: bool = Field(
        default=False,
        description="a control (random or format alone): the rules that keep rewards honest do not hold",
    )

    @property
    def weights(self) -> dict[str, float]:
        """Weight by term, in the order of ``TERMS``."""
        return {name: float(getattr(self, name)) for name in TERMS}

    @property
    def largest(self) -> float:
        """The largest reward that a response can earn: inertness and length only take away."""
        return sum(weight for name, weight in self.weights.items() if name not in ("inertness", "length"))

    @property
    def margin(self) -> float:
        """By how much the worst right answer lies above the best wrong one; at most 0 where it may not.

        A right answer has no less than correctness, 0.6 of seeds, and may lose length. A wrong one has no
        more than format, trace, process and the trace in seeds: its confidence is at most 0, its
        consistency is 0. A coin may take from the one and give to the other.
        """
        worst_right = self.correctness + 0.6 * self.seeds - self.length
        best_wrong = self.format + self.trace + self.process + 0.25 * self.seeds + self.random
        return worst_right - best_wrong

    @model_validator(mode="after")
    def _honest(self) -> RewardSpec:
        if sum(self.weights.values()) == 0:
            raise ValueError("all weights are 0; a reward that is constant trains nothing")
        if self.control:
            return self
        if self.random:
            raise ValueError(f"random is {self.random:g}; it goes with control: true")
        truth = self.correctness + 0.6 * self.seeds
        if truth == 0:
            raise ValueError("correctness and seeds are 0; a reward without truth goes with control: true")
        if self.format > _MOST_FORMAT * self.largest + _LEAST_MARGIN:
            raise ValueError(
                f"format is {self.format:g}, more than {_MOST_FORMAT:g} of the largest reward "
                f"({self.largest:g})"
            )
        if self.margin < _LEAST_MARGIN:
            side = truth - self.margin
            raise ValueError(
                f"format, trace, process, length and the trace in seeds can make up {side:g}, as much as "
                f"correctness (with 0.6 of seeds: {truth:g}): a wrong answer could earn more than a right one"
            )
        return self


#: Weights to offer by name: see docs/rewards.md. The last two are controls.
PRESETS: Final[Mapping[str, RewardSpec]] = MappingProxyType(
    {
        "default": RewardSpec(),
        "seeds": RewardSpec(correctness=0, format=0, seeds=1),
        "steps": RewardSpec(format=0.1, process=0.3, length=0.1),
        "calibrated": RewardSpec(format=0.1, confidence=0.5),
        "robust": RewardSpec(format=0.1, consistency=0.2, inertness=0.2),
        "random_control": RewardSpec(correctness=0, format=0, random=1, control=True),
        "format_control": RewardSpec(correctness=0, format=1, control=True),
    }
)
