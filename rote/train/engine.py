"""From a recipe's model to a model and a tokenizer in memory, by transformers and peft or by Unsloth.

Unsloth rewrites transformers and TRL as it is imported, so it comes first, in a process of its own:
:func:`prepare` is called before anything else of a run.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rote.errors import DataError, UsageError
from rote.train.hub import WAY_OUT, first_sentence
from rote.train.recipe import AdapterSpec, ModelSpec
from rote.train.versions import BARE_PINS, PINS, UNSLOTH_PINS, check_versions


@dataclass(frozen=True, slots=True)
class Loaded:
    """A model that is ready to train.

    ``base`` is where its 16-bit weights lie (a folder or hub id), for references and merging.
    """

    model: Any
    tokenizer: Any
    base: str
    is_adapter: bool


def needs_gpu(spec: ModelSpec) -> tuple[str, str] | None:
    """What of a model needs a CUDA GPU, and what does without one; None where nothing needs one."""
    if spec.engine == "unsloth":
        return "model.engine is unsloth", "model.engine=hf (transformers, peft and TRL on any device)"
    if spec.load_in_4bit:
        return "model.load_in_4bit is true", "adapter.kind=lora model.load_in_4bit=false"
    return None


def prepare(spec: ModelSpec, *, vllm: bool = False, bare: bool = False) -> dict[str, str]:
    """Check that the engine can work here, import it, and give the versions of its packages.

    ``vllm``: whether a stage generates with it; ``bare``: all of them pretrain, which takes torch and
    transformers alone.

    Raises UsageError (no GPU for what needs one; versions that do not work together) and MissingExtraError.
    """
    versions = check_versions(BARE_PINS if bare else PINS)
    import torch

    needs = needs_gpu(spec) or (("vllm is true", "vllm=false") if vllm else None)
    if needs is not None and not torch.cuda.is_available():
        what, instead = needs
        raise UsageError(f"{what}, which needs a CUDA GPU, and there is none here; use {instead}")
    if torch.cuda.device_count() > 1 or int(os.environ.get("WORLD_SIZE", "1")) > 1:
        # Wrapped for several GPUs, batches and epochs would be other ones than the recipe says.
        raise UsageError(
            f"rote train works on one GPU in one process, and {torch.cuda.device_count()} GPUs are visible "
            f"(WORLD_SIZE {os.environ.get('WORLD_SIZE', '1')}); set CUDA_VISIBLE_DEVICES=0"
        )
    if spec.engine == "unsloth":
        versions |= check_versions(UNSLOTH_PINS)
        # Without it unsloth asks the hub for models that lie in a folder.
        if Path(spec.path).is_dir():
            os.environ.setdefault("HF_HUB_OFFLINE", "1")
        import unsloth  # noqa: F401
    from transformers.utils import logging

    # Bars of files read and written, a line each where there is no terminal: the monitor shows progress.
    logging.disable_progress_bar()
    return versions


def torch_dtype(spec: ModelSpec) -> Any:
    """The dtype of the weights; ``auto`` is bfloat16 on a GPU that has it, else float32."""
    import torch

    if spec.dtype != "auto":
        return getattr(torch, spec.dtype)
    has = torch.cuda.is_available() and torch.cuda.is_bf16_supported()
    return torch.bfloat16 if has else torch.float32


def load(
    spec: ModelSpec,
    adapter: AdapterSpec,
    *,
    start: Path | None,
    seed: int,
    vllm_memory: float | None = None,
    gradient_checkpointing: bool = False,
) -> Loaded:
    """Load the model of a stage, with its adapter on it.

    Parameters
    ----------
    start: the folder that the stage before left, a whole model or an adapter; None: the recipe's own model.
    vllm_memory: share of the GPU for vLLM inside the process (Unsloth), or None.

    Raises DataError for a model that cannot be loaded.
    """
    if spec.engine == "unsloth":
        return _load_unsloth(spec, adapter, start, seed, vllm_memory, gradient_checkpointing)
    import torch

    torch.manual_seed(seed)
    from_adapter = start is not None and (start / "adapter_config.json").is_file()
    base = spec.path if start is None or from_adapter else str(start)
    model, tokenizer = _from_pretrained(base, spec.revision if base == spec.path else None, spec)
    if torch.cuda.is_available() and not spec.load_in_4bit:
        model = model.to("cuda")
    model.config.use_cache = not gradient_checkpointing
    if adapter.kind == "none":
        return Loaded(model, tokenizer, base, False)
    import peft

    if spec.load_in_4bit:
        model = peft.prepare_model_for_kbit_training(
            model,
            use_gradient_checkpointing=gradient_checkpointing,
            gradient_checkpointing_kwargs={"use_reentrant": False},
        )
    if from_adapter:
        return Loaded(
            peft.PeftModel.from_pretrained(model, str(start), is_trainable=True), tokenizer, base, True
        )
    _check_targets(model, adapter)
    config = peft.LoraConfig(
        r=adapter.r,
        lora_alpha=adapter.alpha,
        lora_dropout=adapter.dropout,
        target_modules=list(adapter.targets),
        task_type="CAUSAL_LM",
    )
    return Loaded(peft.get_peft_model(model, config), tokenizer, base, True)


def _from_pretrained(path: str, revision: str | None, spec: ModelSpec) -> tuple[Any, Any]:
    import transformers

    extra: dict[str, Any] = {"dtype": torch_dtype(spec)}
    if spec.attention != "auto":
        extra["attn_implementation"] = spec.attention
    if spec.load_in_4bit:
        extra["quantization_config"] = _nf4(spec)
        extra["device_map"] = {"": 0}
    try:
        tokenizer = transformers.AutoTokenizer.from_pretrained(path, revision=revision)
        model = transformers.AutoModelForCausalLM.from_pretrained(path, revision=revision, **extra)
    except (OSError, ValueError) as error:
        raise _not_loaded(path, error) from None
    return model, with_padding(tokenizer)


def _not_loaded(path: str, error: Exception) -> DataError:
    way_out = "" if Path(path).is_dir() else f"; without the hub, {WAY_OUT}"
    return DataError(
        f"the model {path!r} cannot be loaded: {first_sentence(error)}{way_out}", field="model.path"
    )


def _nf4(spec: ModelSpec) -> Any:
    import transformers

    return transformers.BitsAndBytesConfig(
        load_in_4bit=True,
        bnb_4bit_quant_type="nf4",
        bnb_4bit_compute_dtype=torch_dtype(spec),
        bnb_4bit_use_double_quant=True,
    )


def _load_unsloth(
    spec: ModelSpec,
    adapter: AdapterSpec,
    start: Path | None,
    seed: int,
    vllm_memory: float | None,
    gradient_checkpointing: bool,
) -> Loaded:
    from unsloth import FastLanguageModel

    path = spec.path if start is None else str(start)
    extra: dict[str, Any] = {}
    if vllm_memory is not None:
        extra = {"fast_inference": True, "gpu_memory_utilization": vllm_memory, "max_lora_rank": adapter.r}
    try:
        model, tokenizer = FastLanguageModel.from_pretrained(
            model_name=path,
            revision=spec.revision if start is None else None,
            max_seq_length=spec.max_length,
            dtype=torch_dtype(spec),
            load_in_4bit=spec.load_in_4bit,
            full_finetuning=adapter.kind == "none",
            **extra,
        )
    except (OSError, ValueError) as error:
        raise _not_loaded(path, error) from None
    from_adapter = start is not None and (start / "adapter_config.json").is_file()
    if adapter.kind != "none" and not from_adapter:
        model = FastLanguageModel.get_peft_model(
            model,
            r=adapter.r,
            lora_alpha=adapter.alpha,
            lora_dropout=adapter.dropout,
            target_modules=list(adapter.targets),
            use_gradient_checkpointing="unsloth" if gradient_checkpointing else False,
            random_state=seed,
        )
    return Loaded(model, with_padding(tokenizer), spec.path if from_adapter else path, adapter.kind != "none")


def _check_targets(model: Any, adapter: AdapterSpec) -> None:
    there = {name.rsplit(".", 1)[-1] for name, _ in model.named_modules()}
    missing = [name for name in adapter.targets if name not in there]
    if missing:
        linear = sorted(
            {n.rsplit(".", 1)[-1] for n, m in model.named_modules() if "Linear" in type(m).__name__}
        )
        raise DataError(
            f"the model has no layers named {', '.join(missing)}; its linear layers are {', '.join(linear)}",
            field="adapter.targets",
        )


def with_padding(tokenizer: Any) -> Any:
    """The tokenizer with a padding token that is not its end of text, or an error.

    Padding with the end of text would teach a model never to end. One of the tokenizer's own reserved
    tokens serves where there is one.
    """
    if tokenizer.pad_token_id is not None and tokenizer.pad_token_id != tokenizer.eos_token_id:
        return tokenizer
    vocabulary = tokenizer.get_vocab()
    for name in ("<|finetune_right_pad_id|>", "<pad>", "<|endoftext|>", "<unk>", "[PAD]", "<|fim_pad|>"):
        if name in vocabulary and vocabulary[name] != tokenizer.eos_token_id:
            tokenizer.pad_token = name
            return tokenizer
    raise DataError(
        f"the tokenizer has no padding token beside its end of text ({tokenizer.eos_token!r}), "
        "and no reserved token that could serve; give it one and save it with the model",
        field="model.path",
    )
