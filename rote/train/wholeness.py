"""Whether a folder holds a whole checkpoint: read from the files' own headers, without torch.

A process that is killed, or a disk that fills, leaves files that are missing, empty or cut off. Each is found
here by name, before minutes are spent on loading the rest.
"""

from __future__ import annotations

import json
import math
import zipfile
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any, Final

from rote.errors import DataError

ADAPTER_CONFIG: Final = "adapter_config.json"
ADAPTER_WEIGHTS: Final = "adapter_model.safetensors"
CONFIG: Final = "config.json"
WEIGHTS: Final = "model.safetensors"
INDEX: Final = "model.safetensors.index.json"

#: Weights that are pickles: loading one runs what is in it.
_PICKLES: Final = {
    ADAPTER_WEIGHTS: "adapter_model.bin",
    WEIGHTS: "pytorch_model.bin",
    INDEX: "pytorch_model.bin.index.json",
}
#: Kinds of file that are never empty where they are whole.
_NEVER_EMPTY: Final = (".json", ".safetensors", ".bin", ".pt", ".pth", ".model", ".jinja")
_TORCH: Final = (".pt", ".pth")
#: A header longer than this is refused, as safetensors itself does.
_LONGEST_HEADER: Final = 100_000_000
#: Bytes of one number, by safetensors' names of types; other types are not measured.
_WIDTHS: Final = {
    "BOOL": 1, "U8": 1, "I8": 1, "F8_E4M3": 1, "F8_E5M2": 1, "F16": 2, "BF16": 2, "I16": 2, "U16": 2,
    "F32": 4, "I32": 4, "U32": 4, "F64": 8, "I64": 8, "U64": 8,
}  # fmt: skip


def is_adapter(folder: Path) -> bool:
    """Whether a folder holds a peft adapter, and not a full model."""
    return (folder / ADAPTER_CONFIG).is_file()


def weight_files(folder: Path) -> list[Path]:
    """The safetensors files of a checkpoint, sorted by name; of a sharded one those that its index names."""
    if is_adapter(folder):
        return [folder / ADAPTER_WEIGHTS]
    if (folder / WEIGHTS).is_file() or not (folder / INDEX).is_file():
        return [folder / WEIGHTS]  # transformers reads this one where both are there
    return sorted({folder / name for name in _weight_map(folder / INDEX).values()})


def check_whole(folder: Path, *, needs: Collection[str] = ()) -> None:
    """Raise unless the folder holds a whole full model or a whole adapter.

    Parameters
    ----------
    needs: names of further files that must be there, such as ``optimizer.pt`` for a run that goes on.

    Raises
    ------
    DataError: names the file that is missing, empty or cut off, and what it should hold.
    """
    if not folder.is_dir():
        raise DataError(
            "is no folder" if folder.exists() else "no such folder; a checkpoint is one", path=folder
        )
    for name in sorted(needs):
        if not (folder / name).is_file():
            raise DataError("is missing: the checkpoint is not whole", path=folder / name)
    for path in sorted(folder.iterdir()):
        if path.is_file():
            _check_file(path)
    if is_adapter(folder):
        _need(folder, ADAPTER_WEIGHTS, "the adapter's weights")
        _some_tensors(folder / ADAPTER_WEIGHTS)
        return
    if not (folder / CONFIG).is_file():
        raise DataError(
            f"holds neither {CONFIG} (a full model) nor {ADAPTER_CONFIG} (an adapter): it is no checkpoint, "
            "or one that is not whole",
            path=folder,
        )
    if (folder / WEIGHTS).is_file():
        _some_tensors(folder / WEIGHTS)
    elif (folder / INDEX).is_file():
        _check_shards(folder)
    else:
        _need(folder, WEIGHTS, f"the weights (or {INDEX} and the files that it names)")


def read_header(path: Path) -> dict[str, Any]:
    """The tensors of a safetensors file: ``dtype``, ``shape`` and ``data_offsets`` by name.

    Raises DataError where the file is shorter or longer than its header says, or the header cannot be read.
    """
    size = path.stat().st_size
    with path.open("rb") as handle:
        first = handle.read(8)
        length = int.from_bytes(first, "little")
        if len(first) < 8 or length > min(size - 8, _LONGEST_HEADER):
            raise DataError(f"is cut off or no safetensors file: its header does not fit in {size:,} bytes",
                            path=path)  # fmt: skip
        text = handle.read(length)
    try:
        header = json.loads(text.decode("utf-8"))
        tensors = {name: entry for name, entry in header.items() if name != "__metadata__"}
        ends = [_end(name, entry, path) for name, entry in tensors.items()]
    except (ValueError, AttributeError, KeyError, TypeError):
        raise DataError("is no safetensors file: its header cannot be read", path=path) from None
    expected = 8 + length + max(ends, default=0)
    if size != expected:
        what = "is cut off" if size < expected else "is longer than it should be"
        raise DataError(
            f"{what}: it has {size:,} bytes, its header tells of {expected:,}; copy or save it again",
            path=path,
        )
    return tensors


def _end(name: str, entry: Mapping[str, Any], path: Path) -> int:
    """Where a tensor's bytes end, once its length is what its shape needs."""
    start, end = (int(number) for number in entry["data_offsets"])
    width = _WIDTHS.get(entry["dtype"])
    if width is not None and end - start != width * math.prod(entry["shape"]):
        raise DataError(
            f"has {end - start:,} bytes; shape {entry['shape']} of {entry['dtype']} needs "
            f"{width * math.prod(entry['shape']):,}",
            path=path,
            field=name,
        )
    return end


def _check_file(path: Path) -> None:
    if path.suffix not in _NEVER_EMPTY:
        return
    if path.stat().st_size == 0:
        raise DataError("is empty (0 bytes): the checkpoint is not whole; copy or save it again", path=path)
    if path.suffix == ".json":
        read_any_json(path)
    elif path.suffix == ".safetensors":
        read_header(path)
    elif path.suffix in _TORCH and not zipfile.is_zipfile(path):  # the directory of a zip file is at its end
        raise DataError(
            f"is cut off or no file of torch.save ({path.stat().st_size:,} bytes); copy or save it again",
            path=path,
        )


def read_json(path: Path) -> dict[str, Any]:
    """A JSON object from a file. Raises DataError naming the file where it holds none."""
    content = read_any_json(path)
    if not isinstance(content, dict):
        raise DataError(f"must hold an object, got {type(content).__name__}", path=path)
    return content


def read_any_json(path: Path) -> Any:
    """What a JSON file holds. Raises DataError where it cannot be read."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise DataError(f"cannot be read ({error.strerror})", path=path) from None
    except (ValueError, RecursionError) as error:
        raise DataError(f"is cut off or no JSON ({error})", path=path) from None


def _need(folder: Path, name: str, what: str) -> None:
    path = folder / name
    if path.is_file():
        return
    pickle = _PICKLES.get(name)
    if pickle is not None and (folder / pickle).is_file():
        raise DataError(
            f"is a pickle, and only {name} is read: save the weights as safetensors (save_pretrained does)",
            path=folder / pickle,
        )
    raise DataError(f"is missing: {what}; the checkpoint is not whole", path=path)


def _some_tensors(path: Path) -> None:
    if not read_header(path):
        raise DataError("holds no tensor at all", path=path)


def _weight_map(index: Path) -> dict[str, str]:
    """Tensor to file name. Raises DataError where the index holds none, or names a file elsewhere."""
    names = read_json(index).get("weight_map")
    if not isinstance(names, dict) or not names:
        raise DataError("has no table of tensors and their files", path=index, field="weight_map")
    for tensor, name in names.items():
        if not isinstance(name, str) or Path(name).name != name:
            raise DataError(f"tensor {tensor} is in {name!r}, which is no file name", path=index)
    return names


def _check_shards(folder: Path) -> None:
    index = folder / INDEX
    names = _weight_map(index)
    files = sorted(set(names.values()))
    missing = [name for name in files if not (folder / name).is_file()]
    if missing:
        raise DataError(
            f"is missing: {INDEX} names {len(files)} files of weights, {len(missing)} of which "
            f"{'is' if len(missing) == 1 else 'are'} not there ({', '.join(missing[:4])}"
            f"{' …' if len(missing) > 4 else ''})",
            path=folder / missing[0],
        )
    for name in files:
        there = read_header(folder / name)
        lost = sorted(tensor for tensor, file in names.items() if file == name and tensor not in there)
        if lost:
            raise DataError(
                f"lacks {len(lost)} of the tensors that {INDEX} looks for in it (such as {lost[0]}): "
                "it belongs to another checkpoint",
                path=folder / name,
            )
