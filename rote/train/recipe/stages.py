"""The stages of a recipe: each algorithm with its own fields, and those that all share."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Discriminator, Field, field_validator, model_validator

from rote.train.recipe.base import AtLeastZero, Count, CountOrZero, Part, Positive, Share
from rote.train.recipe.data import DataSpec
from rote.train.recipe.mixture import MixtureSpec
from rote.train.recipe.rewards import RewardSpec

ALGORITHMS = ("pretrain", "sft", "grpo", "rloo", "ppo")


class CheckpointSpec(Part):
    """When a checkpoint is written, and how many are kept. One is written at the end, too."""

    every_steps: CountOrZero = Field(
        default=0, description="optimiser steps between checkpoints; 0: by time alone"
    )
    every_minutes: AtLeastZero = Field(
        default=30.0, description="minutes between checkpoints; 0: by steps alone"
    )
    keep: Count = Field(default=2, description="whole checkpoints that are kept, the newest")


class Stage(Part):
    """What all algorithms share."""

    start: Literal["previous", "base"] = Field(
        default="previous",
        description="weights to begin with: those of the stage before, or the recipe's model",
    )
    data: DataSpec | MixtureSpec
    seed: int = Field(default=42, description="of everything random in this stage")
    learning_rate: Positive = Field(description="peak learning rate")
    schedule: Literal["constant", "linear", "cosine", "cosine_with_min_lr"] = Field(
        default="cosine", description="how the learning rate goes down"
    )
    min_learning_rate: AtLeastZero = Field(
        default=0.0, description="last learning rate of cosine_with_min_lr"
    )
    warmup: Share = Field(
        default=0.0, description="share of the steps in which the learning rate goes up from 0"
    )
    optimizer: str = Field(
        default="adamw_torch", description="transformers' name: adamw_torch, adamw_8bit (GPU, bitsandbytes) …"
    )
    weight_decay: AtLeastZero = Field(
        default=0.0, description="decoupled weight decay, per unit of learning rate"
    )
    max_grad_norm: AtLeastZero = Field(default=1.0, description="gradients are clipped to this norm; 0: not")
    gradient_checkpointing: bool = Field(
        default=False, description="compute activations twice to hold fewer of them"
    )
    log_every: Count = Field(default=10, description="optimiser steps between lines of the log")
    checkpoints: CheckpointSpec = CheckpointSpec()

    @model_validator(mode="after")
    def _floor_below_peak(self) -> Stage:
        if self.min_learning_rate > self.learning_rate:
            raise ValueError(
                f"min_learning_rate is {self.min_learning_rate:g}, above learning_rate {self.learning_rate:g}"
            )
        if self.min_learning_rate and self.schedule != "cosine_with_min_lr":
            raise ValueError("min_learning_rate goes with schedule: cosine_with_min_lr")
        return self


class PretrainStage(Stage):
    """Many steps on a stream of rows that need never repeat, in a plain compiled loop; all weights.

    For small models from nothing; the loss is on the solution alone.
    """

    algorithm: Literal["pretrain"]
    data: MixtureSpec
    max_steps: Count = Field(description="optimiser steps")
    batch_tokens: Count = Field(default=131072, description="tokens a step, padding included")
    lengths: tuple[Count, ...] = Field(
        default=(256, 320),
        min_length=1,
        description="rows are padded to the least of these that holds them, in tokens; longer ones are left "
        "out; a step has rows of one length",
    )
    beta2: float = Field(default=0.95, gt=0, lt=1, description="decay of AdamW's second moment")
    compiled: Literal["auto", "yes", "no"] = Field(
        default="auto", description="torch.compile of each layer; auto: on a GPU"
    )

    @field_validator("lengths")
    @classmethod
    def _ascending(cls, value: tuple[int, ...]) -> tuple[int, ...]:
        if list(value) != sorted(set(value)):
            raise ValueError("must ascend, each length once")
        return value

    @model_validator(mode="after")
    def _no_checkpointing(self) -> PretrainStage:
        if self.gradient_checkpointing:
            raise ValueError(
                "gradient_checkpointing is true; the plain loop of pretrain has none: leave it out"
            )
        return self

    @model_validator(mode="after")
    def _a_row_fits(self) -> PretrainStage:
        if self.batch_tokens < self.lengths[-1]:
            raise ValueError(
                f"batch_tokens is {self.batch_tokens}, below the longest row ({self.lengths[-1]} tokens)"
            )
        return self


class FineTuning(Stage):
    """What all algorithms share that train on a fixed set of rows."""

    data: DataSpec


class SftStage(FineTuning):
    """Supervised fine-tuning on worked solutions; the loss is on the solution alone."""

    algorithm: Literal["sft"]
    epochs: Positive = Field(default=1.0, description="passes over the rows")
    max_steps: CountOrZero = Field(default=0, description="optimiser steps; 0: as many as the epochs take")
    batch_size: Count = Field(default=8, description="rows a device holds at once")
    accumulation: Count = Field(
        default=1, description="batches a step; effective batch = batch_size × accumulation"
    )


class Rollouts(FineTuning):
    """What algorithms share that sample responses and reward them."""

    rewards: RewardSpec = RewardSpec()
    max_completion: Count = Field(default=256, description="longest response, in tokens")
    temperature: Positive = Field(default=1.0, description="of sampling")
    top_p: float = Field(default=1.0, gt=0, le=1, description="nucleus of sampling, a share of probability")
    max_steps: Count = Field(default=100, description="optimiser steps (PPO: rounds of rollouts)")


class GroupStage(Rollouts):
    """GRPO and RLOO: several responses a prompt, each measured against the others."""

    generations: int = Field(default=8, ge=2, description="responses a prompt")
    batch_size: Count = Field(default=8, description="responses a device holds at once in training")
    accumulation: Count = Field(default=1, description="batches a step")
    steps_per_generation: Count = Field(
        default=1,
        description="optimiser steps between two rounds of generation; checkpoints fall on their multiples",
    )
    iterations: Count = Field(default=1, description="passes over each round of responses")
    beta: AtLeastZero = Field(
        default=0.0, description="weight of the KL divergence from the stage's first weights"
    )
    epsilon: Positive = Field(default=0.2, description="clip range of the probability ratio")
    vllm: bool = Field(default=False, description="generate with vLLM inside the training process (GPU)")
    vllm_memory: Share = Field(default=0.3, description="share of the GPU's memory that vLLM may take")

    @property
    def steps_a_round(self) -> int:
        """Optimiser steps from one generation to the next."""
        return self.steps_per_generation * self.iterations

    @model_validator(mode="after")
    def _whole_groups(self) -> GroupStage:
        responses = self.batch_size * self.accumulation * self.steps_per_generation
        if responses % self.generations:
            raise ValueError(
                f"batch_size × accumulation × steps_per_generation is {responses}; "
                f"it must be a multiple of generations ({self.generations})"
            )
        every, round_ = self.checkpoints.every_steps, self.steps_a_round
        if self.max_steps % round_:
            raise ValueError(
                f"max_steps is {self.max_steps}; it must be a multiple of steps_per_generation × iterations "
                f"({round_}), so that the last responses are used up and the last checkpoint is written"
            )
        if every % round_:
            raise ValueError(
                f"checkpoints.every_steps is {every}; it must be a multiple of steps_per_generation × "
                f"iterations ({round_}): a run resumes exactly only between two generations"
            )
        return self


class GrpoStage(GroupStage):
    """Group-relative policy optimisation (arXiv 2402.03300), by TRL."""

    algorithm: Literal["grpo"]
    scale_rewards: Literal["group", "batch", "none"] = Field(
        default="group",
        description="the standard deviation that divides a reward's distance from its group's mean",
    )
    loss: Literal["grpo", "bnpo", "dr_grpo", "dapo"] = Field(
        default="dapo", description="how token losses are averaged, by TRL's names"
    )
    mask_truncated: bool = Field(
        default=False,
        description="leave responses that were cut off out of the loss; needs turns that end with EOS",
    )


class RlooStage(GroupStage):
    """REINFORCE leave-one-out (arXiv 2402.14740), by TRL."""

    algorithm: Literal["rloo"]
    beta: AtLeastZero = Field(
        default=0.05, description="weight of the KL divergence from the stage's first weights"
    )


class PpoStage(Rollouts):
    """Proximal policy optimisation (arXiv 1707.06347) with a value head and GAE (arXiv 1506.02438)."""

    algorithm: Literal["ppo"]
    rollouts: Count = Field(default=64, description="responses a round")
    batch_size: Count = Field(default=32, description="responses an optimiser step")
    mini_batch: Count = Field(
        default=8, description="responses a device holds at once; gradients add up to batch_size"
    )
    ppo_epochs: Count = Field(default=2, description="passes over each round of responses")
    kl: AtLeastZero = Field(default=0.05, description="weight of the KL penalty a token, inside the reward")
    value_weight: AtLeastZero = Field(default=0.1, description="weight of the value loss")
    entropy_weight: AtLeastZero = Field(default=0.0, description="weight of the entropy bonus")
    clip: Positive = Field(default=0.2, description="clip range of the probability ratio")
    value_clip: Positive = Field(default=0.2, description="clip range of the values")
    gae_lambda: Share = Field(default=0.95, description="decay of the advantage estimate")
    gamma: Share = Field(default=1.0, description="discount a token")
    whiten: bool = Field(
        default=True, description="scale advantages to mean 0 and standard deviation 1 a round"
    )

    @model_validator(mode="after")
    def _whole_batches(self) -> PpoStage:
        for small, large in (("batch_size", "rollouts"), ("mini_batch", "batch_size")):
            a, b = getattr(self, small), getattr(self, large)
            if b % a:
                raise ValueError(f"{large} is {b}; it must be a multiple of {small} ({a})")
        return self


AnyStage = Annotated[PretrainStage | SftStage | GrpoStage | RlooStage | PpoStage, Discriminator("algorithm")]
