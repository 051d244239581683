"""What a run was made of: versions, seeds, hashes, prompt, hours. Written beside its checkpoints."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from rote import __version__
from rote.errors import DataError, UsageError
from rote.train.recipe import Recipe, check_recipe
from rote.train.wholeness import read_json as read_json  # read beside what is written here

FILE: Final = "manifest.json"


def recipe_hash(recipe: Recipe) -> str:
    """16 hex digits over everything that the recipe says."""
    text = json.dumps(recipe.model_dump(mode="json"), sort_keys=True)
    return hashlib.sha256(text.encode("utf-8")).hexdigest()[:16]


def weights_hash(folder: Path) -> str | None:
    """16 hex digits over a folder's config and safetensors files; None where there are none.

    The same wherever the folder lies: an adapter's config counts without the path of its base.
    """
    files = sorted(
        [*folder.glob("*.safetensors"), *folder.glob("config.json"), *folder.glob("adapter_config.json")]
    )
    if not files:
        return None
    whole = hashlib.sha256()
    for path in files:
        whole.update(path.name.encode() + b"\0")
        if path.name == "adapter_config.json":
            whole.update(_adapter_config(path))
            continue
        with path.open("rb") as stream:
            while block := stream.read(1 << 20):
                whole.update(block)
    return whole.hexdigest()[:16]


def _adapter_config(path: Path) -> bytes:
    """An adapter's config as text that says the same on every machine and in every process."""
    config = read_json(path)
    config.pop("base_model_name_or_path", None)
    for key, value in config.items():
        if isinstance(value, list):
            config[key] = sorted(value, key=str)  # peft writes sets, in the order of a random hash
    return json.dumps(config, sort_keys=True).encode()


def write_json(path: Path, record: Mapping[str, Any]) -> None:
    """A JSON file, whole or not at all."""
    write_text(path, json.dumps(record, indent=1, ensure_ascii=False) + "\n")


def write_text(path: Path, text: str) -> None:
    """A text file, whole or not at all."""
    partial = path.with_name(path.name + ".partial")
    partial.write_text(text, encoding="utf-8")
    partial.replace(path)


def begin(out: Path, recipe: Recipe, versions: Mapping[str, str]) -> dict[str, Any]:
    """A new run's manifest, written; its stages are filled in as they end."""
    record = {
        "rote": __version__,
        "name": recipe.name,
        "recipe_hash": recipe_hash(recipe),
        "recipe": recipe.model_dump(mode="json"),
        "versions": dict(versions),
        "prompt": None,
        "base": None,
        "stages": {},
    }
    write_json(out / FILE, record)
    return record


def check_same(
    record: Mapping[str, Any], recipe: Recipe, versions: Mapping[str, str], path: Path
) -> list[str]:
    """Whether a run may be gone on with; gives the packages whose versions have changed since.

    Raises UsageError naming the first field of the recipe that differs from the run's, DataError for a
    record that is of no run.
    """
    for key in ("recipe", "versions", "stages"):
        if not isinstance(record.get(key), dict):
            found = (
                f"has no table {key!r}" if key not in record else f"must be a table, got {record[key]!r:.80}"
            )
            raise DataError(f"{found}: it is no manifest of rote train", path=path, field=key)
    then, now = _flat(_as_now(record["recipe"])), _flat(recipe.model_dump(mode="json"))
    for key in sorted(then.keys() | now.keys()):
        if then.get(key) != now.get(key) and not key.startswith(("evaluation.", "export.")):
            raise UsageError(
                f"{path}: the run was made with {key} = {then.get(key)!r}, and the recipe now says "
                f"{now.get(key)!r}; go on with the same recipe, or begin another run with another --out"
            )
    return [
        f"{package} {record['versions'].get(package)} → {version}"
        for package, version in versions.items()
        if record["versions"].get(package) != version
    ]


def _as_now(recipe: dict[str, Any]) -> dict[str, Any]:
    """An earlier run's recipe, with fields that there are only since then at their defaults."""
    try:
        return check_recipe(recipe).model_dump(mode="json")
    except DataError:
        return recipe  # with a field that there is no more: the comparison names it


def _flat(value: Any, prefix: str = "") -> dict[str, Any]:
    if isinstance(value, dict):
        items: Any = value.items()
    elif isinstance(value, list):
        items = enumerate(value)
    else:
        return {prefix: value}
    found: dict[str, Any] = {}
    for key, inner in items:
        found |= _flat(inner, f"{prefix}.{key}" if prefix else str(key))
    return found


class Meter:
    """Wall time, GPUs and their energy between two moments, as far as the machine tells."""

    def __init__(self) -> None:
        self._began = time.monotonic()
        self._energy = _energy()

    def read(self) -> dict[str, Any]:
        """``seconds``; with GPUs also ``gpus``, ``gpu``, ``gpu_hours``, peak memory in GiB, energy in Wh."""
        import torch

        seconds = time.monotonic() - self._began
        found: dict[str, Any] = {"seconds": round(seconds, 1)}
        if torch.cuda.is_available():
            count = torch.cuda.device_count()
            found |= {
                "gpu": torch.cuda.get_device_name(),
                "gpus": count,
                "gpu_hours": round(seconds * count / 3600, 4),
                "peak_memory_gib": round(torch.cuda.max_memory_allocated() / 2**30, 3),
            }
        energy = _energy()
        if energy is not None and self._energy is not None:
            found["energy_wh"] = round((energy - self._energy) / 3600, 2)
        return found


def _energy() -> float | None:
    """Joules that the first GPU has used since its driver was loaded; None where nobody says."""
    try:
        import pynvml

        pynvml.nvmlInit()
        return float(pynvml.nvmlDeviceGetTotalEnergyConsumption(pynvml.nvmlDeviceGetHandleByIndex(0))) / 1000
    except Exception:  # not installed, no driver, not supported by the card: each is a reason not to tell
        return None
