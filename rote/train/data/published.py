"""GSM8K's published items, from local files or the hub, for training and to compare with."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

from rote.errors import DataError, MissingExtraError, SourceUnavailableError
from rote.perturb.gsm8k import Split, load
from rote.perturb.gsm8k.records import (
    HOW_TO_GO_LOCAL,
    HUB_CONFIG,
    HUB_NAME,
    HUB_SOCRATIC,
    file_records,
    local_folder,
    to_problem,
)
from rote.problem import Problem

#: Configuration and split on the hub of each split of ours.
_HUB: Final = {
    "train": (HUB_CONFIG, "train"),
    "test": (HUB_CONFIG, "test"),
    "train_socratic": (HUB_SOCRATIC, "train"),
    "test_socratic": (HUB_SOCRATIC, "test"),
}


def published(split: str, path: str | None = None) -> tuple[Problem, ...]:
    """The published problems of a split in their order.

    ``path`` is the folder of ``<split>.jsonl`` or that file; without it ``ROTE_GSM8K`` names the folder, and
    without that they come from the hub.

    Raises SourceUnavailableError where they cannot be had, DataError naming file and line of what is not
    GSM8K's, and for an unknown split.
    """
    _check(split)
    place = local_folder(path)
    return _published(split, None if place is None else _file(place, split).resolve())


def symbolized(split: str, path: str | None = None) -> Split:
    """The same as templates and rejections; errors as :func:`published`."""
    _check(split)
    place = local_folder(path)
    if place is None:
        return load(split, records=hub_records(split))
    return load(split, path=_file(place, split))


def _check(split: str) -> None:
    if split not in _HUB:
        raise DataError(f"unknown split {split!r} of GSM8K; known: {', '.join(_HUB)}", field="split")


def _file(place: Path, split: str) -> Path:
    return place / f"{split}.jsonl" if place.is_dir() or not place.suffix else place


@lru_cache(maxsize=4)
def _published(split: str, file: Path | None) -> tuple[Problem, ...]:
    records = hub_records(split) if file is None else file_records(file)
    where = f"{HUB_NAME} {split}" if file is None else str(file)
    return tuple(to_problem(record, split, number - 1, where, number) for number, record in records)


def hub_records(split: str) -> Iterable[tuple[int, Any]]:
    """The records of a split on the hub, numbered from 1. Raises SourceUnavailableError."""
    config, name = _HUB[split]
    try:
        import datasets
    except ImportError:
        raise MissingExtraError("datasets", "train") from None
    try:
        loaded = datasets.load_dataset(HUB_NAME, config, split=name)
    # The hub's client has no common base for "offline", "no route", "no such host" and "gateway says no",
    # and what it raises changes between versions: whatever it is, the data did not come.
    except Exception as error:
        raise SourceUnavailableError(
            f"GSM8K: {HUB_NAME} could not be loaded from the hub "
            f"({type(error).__name__}: {error}); {HOW_TO_GO_LOCAL}"
        ) from error
    return enumerate(loaded, 1)
