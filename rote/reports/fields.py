"""Single values of lm-eval logs, read strictly: what each may look like and what it then means."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from typing import Any, Final

from rote.logs.words import one_line as one_line
from rote.logs.words import showable as showable

# Not every "token" is one: add_bos_token, prefix_token_id and tokenizer say what the model reads.
_SECRET: Final = re.compile(
    r"(?:hf_|hub_|api_|access_|auth_|use_auth_|bearer_)?token"
    r"|(?:.*_)?(?:secret|passwd|password|api_?key|access_?key|credentials?|authorization)(?:_.*)?",
    re.IGNORECASE,
)
_USER_IN_URL: Final = re.compile(r"//[^/@\s]{1,500}@")
_ADDRESS: Final = re.compile(r" at 0x[0-9a-fA-F]+")

#: Arguments that cannot change which model answers: they change only where and how fast it runs.
_MACHINE_ARGUMENTS: Final = frozenset(
    {
        "batch_size", "max_batch_size", "device", "device_map", "parallelize", "max_memory_per_gpu",
        "max_cpu_memory", "offload_folder", "tensor_parallel_size", "data_parallel_size",
        "gpu_memory_utilization", "swap_space", "num_concurrent", "max_retries", "timeout",
        "trust_remote_code", "telemetry",
    }
)  # fmt: skip

#: Where lm-eval itself looks for a model's name in its arguments, in its order.
_NAME_ARGUMENTS: Final = ("peft", "delta", "pretrained", "model", "path", "engine")

#: What a task's config says about the prompt and the decoding, beside the number of shots.
_PROMPT_KEYS: Final = (
    "description", "doc_to_text", "fewshot_delimiter", "target_delimiter", "gen_prefix",
    "fewshot_config", "generation_kwargs", "use_prompt",
)  # fmt: skip
_RUN_KEYS: Final = ("system_instruction", "chat_template", "fewshot_as_multiturn")


def digest(text: str) -> bytes:
    """Eight bytes that tell two texts apart."""
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest()


# --- configs ---------------------------------------------------------------------------------------


def _plain(value: Any) -> Any:
    """A config value without what differs between two processes: addresses in a function's repr."""
    if isinstance(value, str):
        return _ADDRESS.sub("", value)
    if isinstance(value, Mapping):
        return {str(k): _plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(v) for v in value]
    return value


def canonical(value: Any) -> str:
    """JSON with sorted keys: equal for equal values."""
    return json.dumps(_plain(value), sort_keys=True, ensure_ascii=True, default=str)


def prompt_settings(results: Mapping[str, Any], task: str) -> dict[str, str]:
    """What decides the prompt and the decoding of ``task`` in a results file, each value canonical."""
    config = results.get("configs", {}).get(task) or {}
    settings = {key: canonical(config.get(key)) for key in _PROMPT_KEYS if config.get(key) is not None}
    settings |= {
        key: canonical(results[key]) for key in _RUN_KEYS if results.get(key) not in (None, False, "")
    }
    gen_kwargs = (results.get("config") or {}).get("gen_kwargs")
    if gen_kwargs:
        settings["gen_kwargs"] = canonical(gen_kwargs)
    return settings


def shots_of(results: Mapping[str, Any], task: str) -> int | None:
    """Number of few-shot examples of ``task``: its config, else the table of shots, else its name."""
    config = results.get("configs", {}).get(task) or {}
    for value in (config.get("num_fewshot"), (results.get("n-shot") or {}).get(task)):
        if isinstance(value, int) and not isinstance(value, bool):
            return value
    return 0 if task.endswith("_zeroshot") else None


def parse_arguments(model_args: Any) -> dict[str, str]:
    """lm-eval's ``model_args``, text ("a=b,c=d") or mapping, -> sorted mapping of text to text."""
    pairs: Iterable[tuple[str, Any]]
    if isinstance(model_args, Mapping):
        pairs = ((str(k), v) for k, v in model_args.items())
    elif isinstance(model_args, str):
        pairs = ((k.strip(), v.strip()) for k, _, v in (p.partition("=") for p in model_args.split(",")) if k)
    else:
        pairs = ()
    return {k: v if isinstance(v, str) else canonical(v) for k, v in sorted(pairs)}


def identify(results: Mapping[str, Any]) -> tuple[str, str, str, tuple[tuple[str, str], ...]]:
    """(key, name, backend, arguments to show) of the model of a results file.

    The folder's name and ``model_name`` are not used: without a name among the arguments lm-eval
    makes up a random one for each run.
    """
    config = results.get("config") or {}
    backend = str(config.get("model") or results.get("model_source") or "unknown")
    arguments = parse_arguments(config.get("model_args"))
    telling = {
        k: _USER_IN_URL.sub("//", v)
        for k, v in arguments.items()
        if k not in _MACHINE_ARGUMENTS and not _SECRET.fullmatch(k)
    }
    weights = {
        k: str(config[k])
        for k in ("model_sha", "model_revision", "model_dtype", "peft_sha", "delta_sha")
        if config.get(k)
    }
    key = hashlib.sha256(canonical([backend, telling, weights]).encode("ascii")).hexdigest()[:16]
    name = next((telling[k] for k in _NAME_ARGUMENTS if telling.get(k)), None)
    if name is None:
        own = ", ".join(f"{k}={v}" for k, v in telling.items())
        name = f"{backend} ({own})" if own else backend
    shown = tuple((one_line(k), one_line(v)) for k, v in (telling | weights).items())
    return key, one_line(name), one_line(backend), shown
