"""GSM8K's published items, from local files or the hub, for training and to compare with."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

from rote.errors import DataError, MissingExtraError, SourceUnavailableError
from rote.perturb.gsm8k import Split, load
from rote.perturb.gsm8k.records import (
    ENV,
    HUB_CONFIG,
    HUB_NAME,
    HUB_SOCRATIC,
    file_records,
    local_folder,
    to_problem,
)
from rote.problem import Problem
from rote.train.hub import first_sentence, quiet

#: Configuration and split on the hub of each split of ours.
_HUB: Final = {
    "train": (HUB_CONFIG, "train"),
    "test": (HUB_CONFIG, "test"),
    "train_socratic": (HUB_SOCRATIC, "train"),
    "test_socratic": (HUB_SOCRATIC, "test"),
}


#: The field of a recipe that names the folder, for messages.
_FIELD: Final = "data.sources.<n>.path"


def published(split: str, path: str | None = None, *, field: str = _FIELD) -> tuple[Problem, ...]:
    """The published problems of a split in their order.

    ``path`` is the folder of ``<split>.jsonl`` or that file; without it ``ROTE_GSM8K`` names the folder, and
    without that they come from the hub. ``field`` is where a recipe has the path, for messages.

    Raises SourceUnavailableError where they cannot be had, DataError naming file and line of what is not
    GSM8K's, and for an unknown split.
    """
    _check(split)
    return _published(split, _file(split, path, field), field)


def symbolized(split: str, path: str | None = None) -> Split:
    """The same as templates and rejections; errors as :func:`published`."""
    _check(split)
    file = _file(split, path, _FIELD)
    if file is None:
        return load(split, records=hub_records(split))
    return load(split, path=file)


def _check(split: str) -> None:
    if split not in _HUB:
        raise DataError(f"unknown split {split!r} of GSM8K; known: {', '.join(_HUB)}", field="split")


def _file(split: str, path: str | None, field: str) -> Path | None:
    """The file of a split, once it can be read; None where no place is named."""
    place = local_folder(path)
    if place is None:
        return None
    file = place / f"{split}.jsonl" if place.is_dir() or not place.suffix else place
    try:
        file.open("rb").close()
    except OSError as error:
        raise _unavailable(f"cannot read {file} ({error.strerror})", split, field) from None
    return file.resolve()


def _unavailable(what: str, split: str, field: str) -> SourceUnavailableError:
    return SourceUnavailableError(
        f"GSM8K: {what}; put {split}.jsonl into a folder and name the folder with {ENV}=/path in the "
        f"environment, or the folder or the file with {field} in the recipe"
    )


@lru_cache(maxsize=4)
def _published(split: str, file: Path | None, field: str) -> tuple[Problem, ...]:
    records = hub_records(split, field=field) if file is None else file_records(file)
    where = f"{HUB_NAME} {split}" if file is None else str(file)
    return tuple(to_problem(record, split, number - 1, where, number) for number, record in records)


def hub_records(split: str, *, field: str = _FIELD) -> Iterable[tuple[int, Any]]:
    """The records of a split on the hub, numbered from 1. Raises SourceUnavailableError."""
    config, name = _HUB[split]
    try:
        import datasets
    except ImportError:
        raise MissingExtraError("datasets", "train") from None
    try:
        with quiet():
            loaded = datasets.load_dataset(HUB_NAME, config, split=name)
    # The hub's client has no common base for "offline", "no route", "no such host" and "gateway says no",
    # and what it raises changes between versions: whatever it is, the data did not come.
    except Exception as error:
        told = f"{type(error).__name__}: {first_sentence(error)}"
        raise _unavailable(f"{HUB_NAME} could not be loaded from the hub ({told})", split, field) from error
    return enumerate(loaded, 1)
