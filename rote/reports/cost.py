"""What evaluations cost: tokens, GPU seconds and, given a price, money; only from what logs hold.

Where each number comes from:

- tokens and responses: ``config.telemetry`` of a results file, which ``rote-hf``, ``rote-vllm`` and
  ``rote-budget`` write; those that came out of lm-eval's cache were not generated and are not among them;
- seconds: those of the attempt in the mark of ``rote sweep`` beside the log (``sweep-<key>.json``), else
  lm-eval's ``total_evaluation_time_seconds``, loading the model included;
- GPUs: those of the mark, else what the model's arguments say (for vLLM the product of its parallel sizes).

GPU seconds are GPUs times seconds: what was held, busy or not. Money is GPU seconds / 3600 times the price of
a GPU hour. One process may write several logs (a sweep over seeds): it is counted once.
"""

from __future__ import annotations

import json
import math
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from rote.errors import UsageError
from rote.reports.fields import one_line, parse_arguments

_HF: Final = ("hf", "hf-auto", "huggingface", "hf-multimodal", "hf-mistral3")
_VLLM: Final = ("vllm", "vllm-vlm")
_PARALLEL: Final = ("tensor_parallel_size", "pipeline_parallel_size", "data_parallel_size")
_CUDA: Final = re.compile(r"^Is CUDA available: (True|False)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class RunCost:
    """What one results file tells. ``process`` is alike for the logs of one process.

    ``seconds`` are wall time, ``responses`` those that were measured; None where the log does not tell.
    ``no_gpus`` says why ``gpus`` is None.
    """

    model: str
    process: str
    seconds: float | None
    gpus: int | None
    no_gpus: str
    responses: int | None
    prompt_tokens: int | None
    tokens: int | None


@dataclass(frozen=True, slots=True)
class ModelCost:
    """The sums of one model over its ``runs`` (processes); None where not every one of them tells.

    ``seconds`` and ``gpu_seconds`` in seconds, ``money`` in the unit of the price; ``reasons`` say what is
    not told and why.
    """

    model: str
    runs: int
    responses: int | None
    prompt_tokens: int | None
    tokens: int | None
    seconds: float | None
    gpu_seconds: float | None
    money: float | None
    reasons: tuple[str, ...]

    @property
    def tokens_per_gpu_second(self) -> float | None:
        """Generated tokens for each GPU second held."""
        return self.tokens / self.gpu_seconds if self.tokens is not None and self.gpu_seconds else None


def check_price(price: float | None) -> None:
    """Raises UsageError: a price of a GPU hour that is not a number above 0."""
    if price is not None and not (math.isfinite(price) and price > 0):
        raise UsageError(f"--price must be a number above 0, the price of one GPU hour, got {price:g}")


def read_cost(results: Mapping[str, Any], path: Path, model: str) -> RunCost:
    """What a results file, and a mark beside it, tell of the cost; ``model`` is the model's key."""
    config = results["config"]
    telemetry = config.get("telemetry")
    told: Mapping[str, Any] = telemetry if isinstance(telemetry, dict) else {}
    run = _mark_beside(path)
    seconds = _number(run.get("seconds"))
    gpus, why = _gpus(config, results.get("pretty_env_info"))
    if (marked := _count(run.get("gpus"))) is not None:
        gpus, why = (marked, "") if marked else (None, "the sweep gave it no GPU")
    return RunCost(
        model=model,
        process=json.dumps([results.get("date", str(path)), told], sort_keys=True, default=str),
        seconds=_number(results.get("total_evaluation_time_seconds")) if seconds is None else seconds,
        gpus=gpus,
        no_gpus=why,
        responses=_count(told.get("responses")),
        prompt_tokens=_total(told.get("prompt_tokens")),
        tokens=_total(told.get("tokens")),
    )


def model_costs(
    costs: Iterable[RunCost], names: Mapping[str, str], price: float | None = None
) -> tuple[ModelCost, ...]:
    """Sums by model, in the order of ``names`` (model's key to its name); others are left out.

    Raises UsageError: as :func:`check_price`.
    """
    check_price(price)
    processes: dict[str, dict[str, RunCost]] = defaultdict(dict)
    for cost in costs:
        known = processes[cost.model].setdefault(cost.process, cost)
        # logs of one process are written one after another: the last has the whole time
        if (cost.seconds or 0) > (known.seconds or 0):
            processes[cost.model][cost.process] = cost
    return tuple(
        _summed(name, list(processes[key].values()), price) for key, name in names.items() if processes[key]
    )


def _summed(name: str, runs: Sequence[RunCost], price: float | None) -> ModelCost:
    gpu_seconds = [None if r.seconds is None or r.gpus is None else r.seconds * r.gpus for r in runs]
    reasons = []
    silent = sum(r.tokens is None for r in runs)
    if silent:
        reasons.append(
            f"{_of(silent, runs)} no tokens: its model does not measure them (rote-hf, rote-vllm and "
            "rote-budget do)"
        )
    for why in dict.fromkeys(r.no_gpus for r in runs if r.gpus is None):
        reasons.append(f"{_of(sum(r.gpus is None and r.no_gpus == why for r in runs), runs)} no GPUs: {why}")
    if timeless := sum(r.seconds is None for r in runs):
        reasons.append(f"{_of(timeless, runs)} no seconds: the log has no total_evaluation_time_seconds")
    held = _sum(gpu_seconds)
    return ModelCost(
        model=name,
        runs=len(runs),
        responses=_sum([r.responses for r in runs]),
        prompt_tokens=_sum([r.prompt_tokens for r in runs]),
        tokens=_sum([r.tokens for r in runs]),
        seconds=_sum([r.seconds for r in runs]),
        gpu_seconds=held,
        money=None if held is None or price is None else held / 3600 * price,
        reasons=tuple(reasons),
    )


def _of(count: int, runs: Sequence[RunCost]) -> str:
    return "tells" if len(runs) == 1 else f"{count} of {len(runs)} runs tell"


def _sum(values: Sequence[Any]) -> Any:
    """The sum where all are there."""
    known = [value for value in values if value is not None]
    return sum(known) if len(known) == len(values) else None


# --- what a log tells ------------------------------------------------------------------------------


def _gpus(config: Mapping[str, Any], environment: Any) -> tuple[int | None, str]:
    """How many GPUs a run held, or None and why that is not known."""
    arguments = parse_arguments(config.get("model_args"))
    backend = str(config.get("model") or "unknown")
    if backend == "rote-budget":
        backend = arguments.get("model", "hf")
    backend = backend.removeprefix("rote-")
    if backend == "planted":
        return None, "a planted model needs none"
    if backend in _VLLM:
        sizes = [_size(arguments.get(name, "1")) for name in _PARALLEL]
        known = [size for size in sizes if size is not None]
        return (
            (math.prod(known), "")
            if len(known) == len(sizes)
            else (None, "a parallel size is no whole number above 0")
        )
    if backend not in _HF:
        return None, f"{one_line(backend, 40)} answers elsewhere"
    if arguments.get("parallelize", "").lower() == "true" or "device_map" in arguments:
        return None, "the model was spread over GPUs that the log does not count"
    device = config.get("device") or arguments.get("device")
    if device is None:
        # lm-eval takes a GPU where PyTorch sees one
        found = _CUDA.search(environment) if isinstance(environment, str) else None
        if found is None:
            return None, "the log names no device"
        device = "cuda" if found[1] == "True" else "cpu"
    kind = str(device).partition(":")[0]
    return (1, "") if kind == "cuda" else (None, f"it ran on the device {one_line(kind, 40)}")


def _size(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and int(text) > 0 else None


def _mark_beside(path: Path) -> Mapping[str, Any]:
    """What ``rote sweep`` noted of the attempt that wrote this log; empty where it did not."""
    for folder in (path.parent, path.parent.parent):
        for mark in sorted(folder.glob("sweep-*.json")):
            try:
                value = json.loads(mark.read_text(encoding="utf-8"))
            except (OSError, ValueError):
                continue  # not a log: it decides no accuracy
            run = value.get("run") if isinstance(value, dict) else None
            if isinstance(run, dict):
                return run
    return {}


def _number(value: Any) -> float | None:
    """Seconds; lm-eval writes them as text."""
    if isinstance(value, bool) or not isinstance(value, (str, int, float)):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) and number >= 0 else None


def _count(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None


def _total(value: Any) -> int | None:
    return _count(value.get("total")) if isinstance(value, dict) else None
