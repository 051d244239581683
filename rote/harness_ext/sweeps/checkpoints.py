"""Which models a plan means, whether a folder is a whole checkpoint, and which weights it holds."""

from __future__ import annotations

import glob
import hashlib
import json
import re
import struct
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from rote.errors import DataError, SourceUnavailableError
from rote.harness_ext.sweeps.plan import ModelSpec, Plan

#: Files of training that no evaluation reads, and notes.
_PASSED_OVER: Final = re.compile(
    r"optimizer.*|scheduler.*|rng_state.*|scaler.*|trainer_state\.json|training_args\.bin|.*\.md|\..*"
)
_BLOCK: Final = 1 << 22


@dataclass(frozen=True, slots=True)
class Model:
    """One model of a plan: its name, which is the folder of its results, and where it is.

    ``at`` is its place in the plan's list; ``place`` a folder, an id of the hub, or None for a planted one.
    """

    name: str
    at: int
    spec: ModelSpec
    place: str | None


def models_of(plan: Plan, path: Path | None = None, *, settled: float = 0.0) -> list[Model]:
    """All models of a plan, in its order; those of a watched folder as they are now, whole ones only.

    ``settled`` are the seconds that nothing in such a checkpoint has changed for: files without a length of
    their own, such as a tokenizer's, may be the last to be written.

    Raises DataError: a pattern that matches no folder, a folder that is not there, two models of one name.
    """
    found: list[Model] = []
    for at, spec in enumerate(plan.models):
        found.extend(_models(at, spec, path, settled))
    owners: dict[str, Model] = {}
    for model in found:
        # Some file systems take two names that differ in capitals for one.
        other = owners.setdefault(model.name.casefold(), model)
        if other is not model:
            raise DataError(
                f"{model.place or model.spec.backend} would write the folder {model.name!r}, as "
                f"models.{other.at} ({other.place or other.spec.backend}) does: give one another name",
                path=path,
                field=f"models.{model.at}.name",
            )
    return found


def _models(at: int, spec: ModelSpec, path: Path | None, settled: float) -> Iterator[Model]:
    if spec.hub is not None:
        yield Model(spec.name or _as_name(spec.hub.replace("/", "__")), at, spec, spec.hub)
    elif spec.path is not None:
        folder = Path(spec.path).expanduser().absolute()
        if not folder.is_dir():
            raise DataError(f"no folder {spec.path!r}", path=path, field=f"models.{at}.path")
        yield Model(spec.name or _as_name(folder.name), at, spec, str(folder))
    elif spec.glob is not None:
        pattern = Path(spec.glob).expanduser().absolute()
        fixed = _fixed_part(pattern)
        folders = sorted(item for item in fixed.glob(str(pattern.relative_to(fixed))) if item.is_dir())
        if not folders:
            raise DataError(f"{spec.glob!r} matches no folder", path=path, field=f"models.{at}.glob")
        for folder in folders:
            yield Model(_below(spec.name, folder, fixed), at, spec, str(folder))
    elif spec.watch is not None:
        root = Path(spec.watch).expanduser().absolute()
        if not root.is_dir():
            raise DataError(f"no folder {spec.watch!r} to watch", path=path, field=f"models.{at}.watch")
        for folder in sorted(item for item in root.iterdir() if item.is_dir() and item.name[0] != "."):
            if lacking(folder) is None and time.time() - _changed(folder) >= settled:
                yield Model(_below(spec.name, folder, root), at, spec, str(folder))
    else:
        assert spec.name is not None  # the schema sees to it
        yield Model(spec.name, at, spec, None)


def _changed(folder: Path) -> float:
    """When anything in a folder was last changed, in seconds since 1970; 0 where it is empty."""
    return max((file.stat().st_mtime for file in folder.iterdir()), default=0.0)


def _fixed_part(pattern: Path) -> Path:
    parts = pattern.parts
    ends = [i for i, part in enumerate(parts) if glob.has_magic(part)]
    return Path(*parts[: ends[0] if ends else len(parts) - 1])


def _below(prefix: str | None, folder: Path, fixed: Path) -> str:
    own = "-".join(folder.relative_to(fixed).parts)
    return _as_name(own if prefix is None else f"{prefix}-{own}")


def _as_name(text: str) -> str:
    return re.sub(r"[^A-Za-z0-9._+=-]", "-", text).lstrip("._+=-")[:120] or "model"


def lacking(folder: Path) -> str | None:
    """What a checkpoint's folder lacks or holds in pieces; None when it is whole.

    Files of safetensors state their own length: a copy that is under way is told from one that is done.
    """
    config = folder / "config.json"
    if not config.is_file():
        if (folder / "adapter_config.json").is_file():
            return "is an adapter without its base model; `rote export` merges the two"
        return "config.json is not there"
    if _mapping(config) is None:
        return "config.json is no JSON mapping"
    for index in sorted(folder.glob("*.index.json")):
        table = (_mapping(index) or {}).get("weight_map")
        if not isinstance(table, Mapping):
            return f"{index.name} has no table weight_map"
        for name in sorted({str(name) for name in table.values()}):
            if not (folder / name).is_file():
                return f"{name} is not there, which {index.name} names"
    tensors = sorted(folder.glob("*.safetensors"))
    for file in tensors:
        if (fault := _safetensors_fault(file)) is not None:
            return f"{file.name} {fault}"
    if not tensors and not [file for file in folder.glob("pytorch_model*.bin") if file.stat().st_size]:
        return "no weights are there (*.safetensors, pytorch_model*.bin)"
    return None


def _mapping(path: Path) -> dict[str, Any] | None:
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return value if isinstance(value, dict) else None


def _safetensors_fault(path: Path) -> str | None:
    """What is wrong with the head or the length of a file of tensors; its numbers are not read."""
    with path.open("rb") as handle:
        size = path.stat().st_size
        head = handle.read(8)
        length = struct.unpack("<Q", head)[0] if len(head) == 8 else size
        if 8 + length > size:
            return f"ends in its head ({size} bytes)"
        try:
            table = json.loads(handle.read(length))
            ends = [entry["data_offsets"][1] for name, entry in table.items() if name != "__metadata__"]
        except (ValueError, TypeError, KeyError, AttributeError, IndexError):
            return "has a head that cannot be read"
    wanted = 8 + length + max(ends, default=0)
    return None if size == wanted else f"is {size} bytes long and should be {wanted}"


def identity(model: Model, cache: Path | None = None) -> dict[str, Any]:
    """What tells a model's weights from any others: a hash of its files, or the commit of the hub.

    ``cache`` is a file that keeps hashes by path, size and time of files, so that they are read once.

    Raises DataError for a folder that is no whole checkpoint, SourceUnavailableError where the hub gives
    no commit.
    """
    if model.place is None:
        return {"planted": True}
    if model.spec.hub is not None:
        return {"hub": model.place, "commit": _commit(model.place, model.spec.revision)}
    folder = Path(model.place)
    if (fault := lacking(folder)) is not None:
        raise DataError(f"broken checkpoint: {fault}", path=folder)
    return {"weights": _hash_of(folder, cache)}


def _hash_of(folder: Path, cache: Path | None) -> str:
    files = sorted(
        file for file in folder.iterdir() if file.is_file() and not _PASSED_OVER.fullmatch(file.name)
    )
    facts = [[file.name, file.stat().st_size, file.stat().st_mtime_ns] for file in files]
    seen = hashlib.sha256(json.dumps([str(folder), facts]).encode()).hexdigest()
    known = (_mapping(cache) or {}) if cache is not None else {}
    if isinstance(known.get(seen), str):
        return str(known[seen])
    digest = hashlib.sha256()
    for file in files:
        digest.update(f"{file.name}\0{file.stat().st_size}\0".encode())
        with file.open("rb") as handle:
            while block := handle.read(_BLOCK):
                digest.update(block)
    if cache is not None:
        cache.parent.mkdir(parents=True, exist_ok=True)
        new = cache.with_name(f"{cache.name}.new")
        new.write_text(json.dumps({**known, seen: digest.hexdigest()}), encoding="utf-8")
        new.replace(cache)
    return digest.hexdigest()


def _commit(name: str, revision: str | None) -> str:
    """The commit that a revision of a model of the hub means now, or meant when it was last downloaded."""
    from huggingface_hub import HfApi, constants, try_to_load_from_cache

    if revision is not None and re.fullmatch(r"[0-9a-f]{40}", revision):
        return revision
    reason = "the hub's client is set offline"
    if not constants.HF_HUB_OFFLINE:
        try:
            found = HfApi().model_info(name, revision=revision, timeout=30).sha
            if found:
                return found
        except Exception as error:  # the client's errors are many: none of them may end a sweep
            reason = f"{type(error).__name__}: {' '.join(str(error).split())[:200]}"
    kept = try_to_load_from_cache(name, "config.json", revision=revision or "main")
    if isinstance(kept, str):
        return Path(kept).parent.name
    raise SourceUnavailableError(f"{name}, revision {revision or 'main'}: the hub gives no commit ({reason})")
