"""How much memory a stage takes on one device, before it is run.

What a layer keeps for the backward pass is counted tensor by tensor, as Korthikanti et al. 2022 (Reducing
Activation Recomputation in Large Transformer Models, arXiv 2205.05198, section 4) count theirs, for the
layers that are trained here: no dropout, gated feed-forward layers, RMS norms computed in 32 bits, grouped
keys and values. With eager attention the term in the square of the length comes on top; other kernels do
without it. Per token and layer, with w bytes a number and the sizes h (hidden), a·d (queries), k·d (keys),
f (feed-forward)::

    norms · (4h + w·h)  +  w · (2h + 2·a·d + 2·k·d + 4f)

Logits are counted as TRL 1.14 and our PPO hold them. Tests compare all of it with what torch allocates.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from rote.errors import DataError, SourceUnavailableError
from rote.train.hub import first_sentence
from rote.train.recipe import (
    AdapterSpec,
    AnyStage,
    GroupStage,
    ModelSpec,
    PpoStage,
    PretrainStage,
    Recipe,
    SftStage,
    Stage,
)

_GIB: Final = 2**30
_WIDTH: Final = {"auto": 2, "bfloat16": 2, "float16": 2, "float32": 4}
#: Error of the whole, either way: kernels' work space, fragments, and layers that differ from the formula.
MARGIN: Final = 0.25
#: CUDA's context and its libraries, in GiB.
_CONTEXT: Final = 0.6
#: Bytes a number of an nf4 weight with double quantisation (arXiv 2305.14314: 0.127 bits for the constants).
_NF4: Final = (4 + 0.127) / 8
#: Tokens a chunk of TRL's SFT loss, of which one is held at a time, and bytes a token of it and a word of the
#: vocabulary.
_CHUNK: Final = 256
_SFT_LOGITS: Final = 17
#: Bytes a token and word of the vocabulary at the peak of a loss on whole logits, by width of the weights.
_GROUP_LOGITS: Final = {2: 10, 4: 16}
_PPO_LOGITS: Final = {2: 18, 4: 20}
_ENTROPY_GRADIENT: Final = 3
#: Bytes a response and word of the vocabulary while a token is drawn: logits in 32 bits, sorted, summed.
_SAMPLING: Final = 20


@dataclass(frozen=True, slots=True)
class ModelFacts:
    """What memory depends on, of a model.

    Attributes
    ----------
    parameters: all of them, tied ones once.
    linear: of them those in linear layers other than the output layer (what 4-bit loading quantises).
    layers, hidden, feed_forward, vocabulary: sizes; of experts ``feed_forward`` is that of those in use.
    queries, keys: width of all query heads, and of all key heads (values have the same).
    heads: attention heads.
    norms: norms of width ``hidden`` in one layer; ``head_norms``: whether queries and keys have norms, too.
    adapted: sum of inputs and outputs of the linear layers, by the last part of their names.
    inputs: sum of inputs alone, likewise.
    """

    parameters: int
    linear: int
    layers: int
    hidden: int
    feed_forward: int
    vocabulary: int
    queries: int
    keys: int
    heads: int
    norms: int
    head_norms: bool
    adapted: Mapping[str, int]
    inputs: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Share:
    """One part of the memory. ``phase``: ``always``, or the phase in which alone it is held."""

    name: str
    gib: float
    phase: str = "always"


@dataclass(frozen=True, slots=True)
class Estimate:
    """The memory of one stage on one device, in GiB.

    Attributes
    ----------
    parts: what takes it; phases follow each other, so that the largest one counts.
    vllm: share of the device that vLLM keeps for itself, 0 to 1.
    margin: relative error, either way.
    facts, recipe, stage: what it was made from.
    """

    parts: tuple[Share, ...]
    vllm: float
    margin: float
    facts: ModelFacts
    recipe: Recipe
    stage: AnyStage

    @property
    def gib(self) -> float:
        """The peak, without vLLM's share."""
        return sum(part.gib for part in self.parts if part.phase == "always") + max(self.phases.values())

    @property
    def phases(self) -> dict[str, float]:
        """GiB on top of what is always held, by phase."""
        found = {"step": 0.0}
        for part in self.parts:
            if part.phase != "always":
                found[part.phase] = found.get(part.phase, 0.0) + part.gib
        return found

    def text(self) -> str:
        """One line: the peak with its margin, and the parts from the largest."""
        largest = max(self.phases, key=lambda phase: self.phases[phase])
        held = [part for part in self.parts if part.phase in ("always", largest) and part.gib >= 0.005]
        told = ", ".join(f"{p.name} {p.gib:.2f}" for p in sorted(held, key=lambda p: -p.gib))
        vllm = f", and vLLM's {self.vllm:.0%} of the GPU" if self.vllm else ""
        return f"about {self.gib:.2f} GiB ± {self.margin:.0%}{vllm}; at the peak ({largest}): {told}"


def facts_of(model: ModelSpec, *, local: bool = False) -> ModelFacts:
    """Count a model's parts from its configuration, on torch's meta device: no weights are read.

    ``local``: the hub is not asked, only its cache.

    Raises SourceUnavailableError where the configuration cannot be had, DataError for what is no language
    model of known shape.
    """
    import torch
    from transformers import AutoConfig, AutoModelForCausalLM

    if model.build is not None:
        tiny = model.build
        config: Any = AutoConfig.for_model(
            "qwen2",
            vocab_size=tiny.vocabulary or 128,
            hidden_size=tiny.hidden,
            intermediate_size=tiny.feed_forward,
            num_hidden_layers=tiny.layers,
            num_attention_heads=tiny.heads,
            num_key_value_heads=tiny.heads,
            max_position_embeddings=tiny.positions,
            tie_word_embeddings=tiny.tie_embeddings,
        )
    else:
        try:
            config = AutoConfig.from_pretrained(model.path, revision=model.revision, local_files_only=local)
        except (OSError, ValueError) as error:
            raise SourceUnavailableError(
                f"the configuration of {model.path} cannot be loaded ({first_sentence(error)})"
            ) from None
    try:
        with torch.device("meta"):
            return facts_of_module(AutoModelForCausalLM.from_config(config), config.get_text_config())
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise DataError(
            f"{model.path}: is no causal language model whose sizes are known ({first_sentence(error)})",
            field="model.path",
        ) from None


def facts_of_module(module: Any, config: Any) -> ModelFacts:
    """The same of a model in memory and its (text) configuration."""
    import torch

    head = module.get_output_embeddings()
    adapted: dict[str, int] = {}
    inputs: dict[str, int] = {}
    linear = 0
    for name, part in module.named_modules():
        if isinstance(part, torch.nn.Linear) and part is not head:
            last = name.rsplit(".", 1)[-1]
            adapted[last] = adapted.get(last, 0) + part.in_features + part.out_features
            inputs[last] = inputs.get(last, 0) + part.in_features
            linear += part.weight.numel()
    layers, hidden, heads = config.num_hidden_layers, config.hidden_size, config.num_attention_heads
    width = getattr(config, "head_dim", None) or hidden // heads
    norms = [part for name, part in module.named_modules() if "norm" in type(part).__name__.lower()]
    wide = sum(tuple(part.weight.shape) == (hidden,) for part in norms if hasattr(part, "weight"))
    feed_forward = getattr(config, "intermediate_size", None) or 4 * hidden
    experts = getattr(config, "num_experts_per_tok", None)
    if experts:
        feed_forward = experts * (getattr(config, "moe_intermediate_size", None) or feed_forward)
    return ModelFacts(
        parameters=sum(tensor.numel() for tensor in module.parameters()),
        linear=linear,
        layers=layers,
        hidden=hidden,
        feed_forward=feed_forward,
        vocabulary=config.vocab_size,
        queries=heads * width,
        keys=(getattr(config, "num_key_value_heads", None) or heads) * width,
        heads=heads,
        norms=max(1, round(wide / layers)),
        head_norms=len(norms) - wide >= 2 * layers,
        adapted=adapted,
        inputs=inputs,
    )


def adapter_parameters(facts: ModelFacts, adapter: AdapterSpec) -> int:
    """Weights of a LoRA adapter: r · (inputs + outputs) of every layer that it is on."""
    return adapter.r * sum(facts.adapted.get(target, 0) for target in adapter.targets)


def layer_bytes(facts: ModelFacts, width: int, length: int, *, eager: bool) -> float:
    """What one layer keeps of one token for the backward pass, in bytes; see the head of this file."""
    norms = facts.norms * (4 + width) * facts.hidden
    if facts.head_norms:
        norms += (4 + width) * (facts.queries + facts.keys)
    rest = width * (2 * facts.hidden + 2 * facts.queries + 2 * facts.keys + 4 * facts.feed_forward)
    if eager:  # the softmax in 32 bits and its copy, and keys and values repeated for every query head
        rest += facts.heads * length * (4 if width == 4 else 4 + width)
        rest += 2 * (facts.queries - facts.keys) * width
    return norms + rest


def _kept(facts: ModelFacts, recipe: Recipe, stage: Stage, tokens: int) -> tuple[float, float]:
    """What a batch keeps up to the backward pass, and what is computed anew in it at a time, in bytes."""
    width, length = _WIDTH[recipe.model.dtype], recipe.model.max_length
    layer = layer_bytes(facts, width, length, eager=recipe.model.attention == "eager")
    if recipe.adapter.kind != "none":
        # Frozen norms keep no product; adapters in 32 bits keep each its own copy of its input.
        layer -= facts.norms * width * facts.hidden
        copy = 0 if width == 4 else 4 if isinstance(stage, PpoStage) else width
        layer += copy * sum(facts.inputs.get(t, 0) for t in recipe.adapter.targets) / facts.layers
    if stage.gradient_checkpointing:
        return tokens * facts.layers * width * facts.hidden, tokens * layer
    return tokens * facts.layers * layer, 0.0


def estimate(facts: ModelFacts, recipe: Recipe, stage: AnyStage) -> Estimate:
    """What a stage takes at its peak, with sequences of ``model.max_length`` tokens throughout."""
    width, model, adapter = _WIDTH[recipe.model.dtype], recipe.model, recipe.adapter
    lora = adapter.kind != "none"
    trained = adapter_parameters(facts, adapter) if lora else facts.parameters
    trained_width = 4 if lora else width  # peft keeps adapters in 32 bits
    parts = [Share("context", _CONTEXT)]

    def add(name: str, size: float, phase: str = "always") -> None:
        parts.append(Share(name, size / _GIB, phase))

    if model.load_in_4bit:
        # peft's preparation puts all that is not quantised into 32 bits; Unsloth leaves it in 16.
        other = facts.parameters - facts.linear
        add("weights", facts.linear * _NF4 + other * (4 if model.engine == "hf" else 2))
    else:
        add("weights", facts.parameters * width)
    if lora:
        add("adapter", trained * trained_width)
    add("gradients", trained * trained_width)
    add("optimizer", trained * _optimizer_bytes(stage.optimizer, trained_width))
    if "fused" not in stage.optimizer and "8bit" not in stage.optimizer:
        add("optimizer's work", trained * trained_width, "update")
    length = model.max_length
    if isinstance(stage, SftStage):
        rows = stage.batch_size
        add("logits", facts.vocabulary * _SFT_LOGITS * _CHUNK, "step")
    elif isinstance(stage, PretrainStage):
        length = stage.lengths[-1]
        rows = stage.batch_tokens // length
        add("logits", facts.vocabulary * _GROUP_LOGITS[width] * rows * length, "step")
    elif isinstance(stage, GroupStage):
        rows = stage.batch_size
        add("logits", facts.vocabulary * _GROUP_LOGITS[width] * rows * stage.max_completion, "step")
        if stage.beta and not lora:
            add("reference", facts.parameters * width)
    else:
        rows = stage.mini_batch
        each = _PPO_LOGITS[width] + (_ENTROPY_GRADIENT if stage.entropy_weight else 0)
        add("logits", facts.vocabulary * each * rows * stage.max_completion, "step")
        add("value head", facts.hidden * 16)
        if not lora:
            add("reference", trained * trained_width)
    kept, anew = _kept(facts, recipe, stage, rows * length)
    add("activations", kept, "step")
    # A layer is computed anew when the logits are gone: what is larger counts.
    add(
        "layer computed anew",
        max(0.0, anew - next(share.gib for share in parts if share.name == "logits") * _GIB),
        "step",
    )
    vllm = stage.vllm_memory if isinstance(stage, GroupStage) and stage.vllm else 0.0
    responses = _generated_at_once(stage)
    if responses and not vllm:
        add("KV cache", responses * length * facts.layers * 2 * facts.keys * width, "generation")
        add("sampling", responses * facts.vocabulary * _SAMPLING, "generation")
    return Estimate(tuple(parts), vllm, MARGIN, facts, recipe, stage)


def _optimizer_bytes(name: str, width: int) -> float:
    """Bytes of state a trained number. Names not known here are taken for AdamW."""
    if "8bit" in name:
        return 2 * (1 + 4 / 256)  # a scale of 32 bits for every block of 256
    if name.startswith(("sgd", "adafactor")):
        return width if name.startswith("sgd") else 0.1 * width
    if "lion" in name:
        return width
    return 2 * width  # torch keeps both moments in the type of the weights


def _generated_at_once(stage: AnyStage) -> int:
    if isinstance(stage, GroupStage):
        return stage.batch_size * stage.accumulation * stage.steps_per_generation
    return stage.batch_size if isinstance(stage, PpoStage) else 0


def fits(found: Estimate, available_gib: float) -> str | None:
    """None where the estimate fits into the device; else by how much it does not, and what helps most."""
    free = available_gib * (1 - found.vllm)
    if found.gib <= free:
        return None
    changes = sorted(_changes(found), key=lambda change: change[1])[:3]
    helps = "; ".join(f"{name} ({gib:.1f} GiB in all)" for name, gib in changes if gib < 0.99 * found.gib)
    kept = f" after vLLM's {found.vllm:.0%}" if found.vllm else ""
    return (
        f"needs about {found.gib:.1f} GiB (± {found.margin:.0%}) and the device has {free:.1f} GiB{kept}: "
        f"{found.gib - free:.1f} GiB too few. "
        + (f"What helps most: {helps}" if helps else "No setting helps: take a smaller model")
    )


def _changes(found: Estimate) -> list[tuple[str, float]]:
    """Settings that may need less, as the command line writes them, each with the GiB that it leads to."""
    recipe, stage = found.recipe, found.stage
    tried: list[tuple[str, Recipe, AnyStage]] = []

    def of_stage(**update: Any) -> None:
        told = " ".join(f"{key}={str(value).lower()}" for key, value in update.items())
        tried.append((told, recipe, stage.model_copy(update=update)))

    def of_recipe(told: str, *, model: Mapping[str, Any] | None = None, kind: str | None = None) -> None:
        changed = recipe.model_copy(
            update={
                "model": recipe.model.model_copy(update=dict(model or {})),
                "adapter": recipe.adapter.model_copy(update={"kind": kind or recipe.adapter.kind}),
            }
        )
        tried.append((told, changed, stage))

    if isinstance(stage, PretrainStage):
        of_stage(batch_tokens=max(stage.lengths[-1], stage.batch_tokens // 2))
        return [(told, estimate(found.facts, changed, part).gib) for told, changed, part in tried]
    if not stage.gradient_checkpointing:
        of_stage(gradient_checkpointing=True)
    if isinstance(stage, PpoStage):
        if stage.mini_batch > 1:
            of_stage(mini_batch=stage.mini_batch // 2)
    elif stage.batch_size > 1:
        # An even batch can be halved and a step still see as many rows.
        twice = {} if stage.batch_size % 2 else {"accumulation": stage.accumulation * 2}
        of_stage(batch_size=stage.batch_size // 2, **twice)
    if "8bit" not in stage.optimizer:
        of_stage(optimizer="adamw_8bit")
    if not isinstance(stage, SftStage) and stage.max_completion > 32:
        of_stage(max_completion=stage.max_completion // 2)
    if recipe.adapter.kind == "none":
        of_recipe("adapter.kind=lora", kind="lora")
    if recipe.adapter.kind != "qlora":
        of_recipe("adapter.kind=qlora model.load_in_4bit=true", model={"load_in_4bit": True}, kind="qlora")
    if recipe.model.dtype == "float32":
        of_recipe("model.dtype=bfloat16", model={"dtype": "bfloat16"})
    if recipe.model.attention == "eager":
        of_recipe("model.attention=sdpa", model={"attention": "sdpa"})
    shorter = recipe.model.max_length // 2
    if shorter > int(getattr(stage, "max_completion", 16)):
        of_recipe(f"model.max_length={shorter}", model={"max_length": shorter})
    return [(told, estimate(found.facts, changed, part).gib) for told, changed, part in tried]
