"""The model of a recipe, its adapter, the prompt that it sees, and what becomes of it in the end."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, field_validator, model_validator

from rote.prompts import FORMATS
from rote.train.recipe.base import AtLeastZero, Count, CountOrZero, Part, Share

#: Linear layers of attention and feed-forward in Llama, Qwen, Gemma and Mistral.
LINEAR_LAYERS = ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")


class TinyModel(Part):
    """A Qwen2 of random weights, built instead of loaded: for tests, and for training from scratch."""

    hidden: Count = Field(default=64, description="width, in units; a multiple of `heads`")
    layers: Count = Field(default=2, description="transformer blocks")
    heads: Count = Field(default=4, description="attention heads (as many for keys and values)")
    feed_forward: Count = Field(default=128, description="width of the feed-forward layers, in units")
    positions: Count = Field(default=1024, description="longest sequence, in tokens")
    vocabulary: CountOrZero = Field(
        default=0,
        description="tokens of a byte-level BPE with single digits, learned from the first stage's rows; "
        "0: a token a character",
    )
    tokenizer: str | None = Field(
        default=None, description="folder of a tokenizer to take instead, so that several models share it"
    )
    tie_embeddings: bool = Field(default=True, description="one matrix for input and output embeddings")

    @property
    def learns_tokenizer(self) -> bool:
        """Whether a vocabulary is learned from rows."""
        return bool(self.vocabulary) and self.tokenizer is None

    @model_validator(mode="after")
    def _heads_divide(self) -> TinyModel:
        if self.tokenizer is not None and self.vocabulary:
            raise ValueError(
                f"vocabulary is {self.vocabulary} and tokenizer is {self.tokenizer!r}, which has its own; "
                "leave one of them out"
            )
        if 0 < self.vocabulary < 300:
            raise ValueError(
                f"vocabulary is {self.vocabulary}; it must be 0, or at least 300 (256 are bytes)"
            )
        if self.hidden % (2 * self.heads):
            raise ValueError(
                f"hidden is {self.hidden}; it must be a multiple of 2 × heads = {2 * self.heads}"
            )
        return self


class ModelSpec(Part):
    """Which model is trained, and what trains it."""

    path: str = Field(description="hub id or folder; with `build`, a name for the model that is built")
    revision: str | None = Field(
        default=None, description="branch, tag or commit of a hub id; null: its default"
    )
    engine: Literal["hf", "unsloth"] = Field(
        default="hf", description="hf: transformers + peft + TRL, on any device; unsloth: needs a GPU"
    )
    dtype: Literal["auto", "bfloat16", "float16", "float32"] = Field(
        default="auto", description="of the weights; auto: bfloat16 where the device has it, else float32"
    )
    load_in_4bit: bool = Field(
        default=False, description="quantise the frozen weights to nf4 (GPU, with `adapter.kind: qlora`)"
    )
    max_length: int = Field(default=1024, ge=16, description="longest prompt plus completion, in tokens")
    attention: Literal["auto", "sdpa", "eager", "flash_attention_2"] = Field(
        default="auto", description="attention kernels, with `engine: hf`; auto: what transformers chooses"
    )
    build: TinyModel | None = Field(
        default=None,
        description="build a small Qwen2 of random weights and a tokenizer for it",
    )


class AdapterSpec(Part):
    """Which weights are trained."""

    kind: Literal["none", "lora", "qlora"] = Field(
        default="none",
        description="none: all weights; lora: low-rank adapters; qlora: the same on 4-bit weights",
    )
    r: Count = Field(default=16, description="rank of the adapters")
    alpha: Count = Field(
        default=32, description="scale of the adapters: their output is multiplied by alpha / r"
    )
    dropout: Share = Field(default=0.0, description="dropout before the adapters, 0 to 1")
    targets: tuple[str, ...] = Field(
        default=LINEAR_LAYERS, description="names of the layers that get adapters"
    )


class PromptSpec(Part):
    """How a problem is put to the model: the same bytes in training and in evaluation, always zero-shot."""

    format: str = Field(default="hash", description="hash, boxed, tags or instruct: as in the tasks' names")
    chat: bool = Field(
        default=False,
        description="apply the tokenizer's chat template, as lm_eval --apply_chat_template does",
    )
    system: str | None = Field(
        default=None,
        description="system text of a chat prompt; opens the user turn where the template has no such role",
    )

    @field_validator("format")
    @classmethod
    def _known(cls, value: str) -> str:
        if value not in FORMATS:
            raise ValueError(f"is {value!r}; known: {', '.join(FORMATS)}")
        return value

    @model_validator(mode="after")
    def _system_is_chat(self) -> PromptSpec:
        if self.system is not None and not self.chat:
            raise ValueError("system is given; it goes with chat: true")
        return self


class ProbeSpec(Part):
    """A fixed set of problems that is generated and graded while training goes on."""

    every_steps: int = Field(
        default=0, ge=0, description="optimiser steps between probes; 0: none (the end is probed then, too)"
    )
    source: str = Field(default="bank", description="bank, gsm8k, or a folder of template files")
    path: str | None = Field(
        default=None, description="folder of GSM8K's files, for `source: gsm8k`; null: as `rote eval`"
    )
    split: Literal["train", "test"] = Field(default="test", description="split of `source: gsm8k`")
    variants: tuple[str, ...] = Field(
        default=("original", "numbers", "noop"), description="variants of the probe; drops need `original`"
    )
    templates: Count = Field(
        default=16, description="templates in the probe; each gives one problem a variant"
    )
    max_new_tokens: Count = Field(default=256, description="longest response, in tokens")
    seed: int = Field(default=0, description="which templates and draws")


class EvaluationSpec(Part):
    """What is evaluated before and after with `--then-eval`."""

    tasks: tuple[str, ...] = Field(
        default=(), description="lm-eval tasks; none: the bank's zero-shot ones in the recipe's format"
    )
    limit: Count | None = Field(default=None, description="problems a task; null: all")
    backend: Literal["hf", "vllm"] = Field(default="hf", description="what generates: rote-hf or rote-vllm")
    batch_size: Count = Field(default=16, description="prompts at once, for `backend: hf`")
    seed: int = Field(default=0, description="seed of the draws")
    max_new_tokens: Count | None = Field(
        default=None, description="longest response, in tokens; null: the task's own"
    )


class ExportSpec(Part):
    """The folder that `lm_eval --model vllm` loads."""

    dtype: Literal["bfloat16", "float16", "float32"] = Field(
        default="bfloat16", description="of the exported weights"
    )
    max_shard_gib: AtLeastZero = Field(default=4.0, gt=0, description="largest file of weights, in GiB")
