"""The reward of a recipe: weights of named terms."""

from __future__ import annotations

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
    "seeds",
    "random",
)


class RewardSpec(Part):
    """Weights of the terms; 0 leaves a term out of the reward and in the logs (an ablation)."""

    correctness: AtLeastZero = Field(default=1.0, description="1 when the grader reads the gold, else 0")
    format: Share = Field(
        default=0.1,
        description="1 when the response ends as asked and commits to one answer; at most 0.2 of the sum",
    )
    trace: Share = Field(default=0.0, description="shape of the chain of thought, 0 to 1")
    process: Share = Field(
        default=0.0,
        description="share of grounded equations that hold, 0 to 1, when the last leads to the answer",
    )
    confidence: Share = Field(default=0.0, description="proper score of the stated confidence, -1 to 1")
    consistency: Share = Field(
        default=0.0,
        description="share of siblings of the template in the batch that are right, for a right answer",
    )
    inertness: Share = Field(default=0.0, description="-1 for the answer of an inert clause's trap, else 0")
    seeds: AtLeastZero = Field(
        default=0.0, description="0.6 correctness + 0.25 trace + 0.15 confidence, -0.15 to 1"
    )
    random: AtLeastZero = Field(
        default=0.0, description="a coin by the hash of prompt and response: a control"
    )
    control: bool = Field(
        default=False,
        description="a control (random or format alone): the rules that keep rewards honest do not hold",
    )

    @property
    def weights(self) -> dict[str, float]:
        """Weight by term, in the order of ``TERMS``."""
        return {name: float(getattr(self, name)) for name in TERMS}

    @model_validator(mode="after")
    def _honest(self) -> RewardSpec:
        total = sum(self.weights.values())
        if total == 0:
            raise ValueError("all weights are 0; a reward that is constant trains nothing")
        if self.control:
            return self
        if self.random:
            raise ValueError(f"random is {self.random:g}; it goes with control: true")
        truth = self.correctness + 0.6 * self.seeds
        if truth == 0:
            raise ValueError("correctness and seeds are 0; a reward without truth goes with control: true")
        if self.format > 0.2 * total:
            raise ValueError(f"format is {self.format:g}, more than 0.2 of the sum of weights ({total:g})")
        # A right answer may lose, and a wrong one gain, at most so much by the other terms together.
        side = self.format + self.trace + self.process + self.confidence + self.inertness + 0.25 * self.seeds
        side += 0.15 * self.seeds
        if side >= truth:
            raise ValueError(
                f"the other terms can make up {side:g}, as much as correctness ({truth:g}): "
                "a wrong answer could earn more than a right one"
            )
        return self
