"""Models of a checkpoint and of its base in memory, whole and on the device that is there."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

from rote.errors import DataError
from rote.train.export.origin import Origin

#: Files of which one at least is in a folder that holds a tokenizer.
_TOKENIZER = ("tokenizer.json", "tokenizer.model", "tokenizer_config.json", "vocab.json")


def device() -> str:
    import torch

    return "cuda" if torch.cuda.is_available() else "cpu"


def load_model(folder: Path, dtype: str) -> Any:
    """A full model, for reading; ``dtype`` as torch names it, or ``auto`` for that of the files.

    Raises DataError where its weights are not those of its configuration.
    """
    from transformers import AutoModelForCausalLM

    try:
        loaded: Any = AutoModelForCausalLM.from_pretrained(
            folder, dtype=dtype, output_loading_info=True, local_files_only=True
        )
    except (OSError, ValueError, RuntimeError, KeyError) as error:
        told = " ".join(str(error).split())[:300]
        raise DataError(f"cannot be loaded as a language model: {told}", path=folder) from None
    model, info = loaded
    lost = sorted(info["missing_keys"])
    if lost:
        raise DataError(
            f"lacks {len(lost)} tensors that its configuration asks for (such as {lost[0]})", path=folder
        )
    return model.eval().to(device())


def load_tokenizer(origin: Origin) -> Any:
    """The checkpoint's tokenizer, or its base's, with the chat template of the one that has it.

    Raises DataError where neither folder has a tokenizer, or where it cannot be loaded.
    """
    from transformers import AutoTokenizer

    folders = [origin.checkpoint] + ([origin.base] if origin.base is not None else [])
    there = [folder for folder in folders if any((folder / name).is_file() for name in _TOKENIZER)]
    if not there:
        raise DataError(
            "holds no tokenizer, and neither does its base: save it beside the weights",
            path=origin.checkpoint,
        )
    loaded = []
    for folder in there:
        try:
            loaded.append(AutoTokenizer.from_pretrained(folder, local_files_only=True))
        except (OSError, ValueError, KeyError) as error:
            told = " ".join(str(error).split())[:300]
            raise DataError(f"its tokenizer cannot be loaded: {told}", path=folder) from None
    tokenizer = loaded[0]
    if tokenizer.chat_template is None:
        tokenizer.chat_template = next((t.chat_template for t in loaded if t.chat_template), None)
    return tokenizer


def with_adapter(model: Any, origin: Origin) -> Any:
    """The base with the adapter on it. Raises DataError where the two do not fit."""
    from peft import PeftModel

    with warnings.catch_warnings():
        warnings.filterwarnings("error", message="Found missing adapter keys")
        try:
            adapted = PeftModel.from_pretrained(model, str(origin.checkpoint), is_trainable=False)
        except (OSError, ValueError, RuntimeError, KeyError, UserWarning) as error:
            told = " ".join(str(error).split())[:300]
            raise DataError(
                f"the adapter does not fit its base {origin.base_name}: {told}", path=origin.checkpoint
            ) from None
    return adapted.eval()


def merged(adapted: Any, origin: Origin) -> Any:
    """The base with the adapter folded into its weights. Raises DataError where the sum is no number."""
    try:
        model = adapted.merge_and_unload(safe_merge=True)
    except ValueError as error:
        raise DataError(f"cannot be merged: {' '.join(str(error).split())}", path=origin.checkpoint) from None
    return model.eval()


def adapted_tensors(adapted: Any) -> int:
    """How many tensors of the base an adapter writes to."""
    return sum(
        hasattr(module, "base_layer") or type(module).__name__ == "ModulesToSaveWrapper"
        for module in adapted.modules()
    )


def check_sizes(model: Any, tokenizer: Any, checkpoint: Path) -> None:
    """Raise DataError where the tokenizer has ids that the model has no embedding for."""
    rows = int(model.get_input_embeddings().weight.shape[0])
    highest = max(tokenizer.get_vocab().values(), default=-1)
    if highest >= rows:
        raise DataError(
            f"the tokenizer has the id {highest:,} and the model embeds {rows:,}: they are not of one model",
            path=checkpoint,
        )
