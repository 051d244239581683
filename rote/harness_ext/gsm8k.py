"""GSM8K, read from the hub or from local files, as :class:`rote.problem.Problem`.

The data set is Cobbe et al. 2021, "Training Verifiers to Solve Math Word Problems"; none of its text is
part of rote.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from itertools import islice
from pathlib import Path
from typing import Any, Final

from rote.errors import SourceUnavailableError
from rote.perturb.gsm8k.records import HOW_TO_GO_LOCAL, file_records, local_folder, to_problem
from rote.problem import Problem

HUB_NAME: Final = "openai/gsm8k"
HUB_CONFIG: Final = "main"

def read_split(split: str, folder: Path | None = None, first: int | None = None) -> tuple[Problem, ...]:
    """The problems of ``split`` ("train" or "test") in published order, all or the ``first`` ones.

    ``folder`` wins over the environment's ``ROTE_GSM8K``, and that over the hub. The ``template_id`` of
    line i (from 0) is ``gsm8k/<split>/<i>``.

    Raises
    ------
    SourceUnavailableError: no such folder or file, or the hub cannot be reached.
    DataError: a line that is not GSM8K's (names the file and line).
    """
    return _read(split, local_folder(folder), first)


@lru_cache(maxsize=8)
def _read(split: str, folder: Path | None, first: int | None) -> tuple[Problem, ...]:
    if folder is None:
        where, records = f"{HUB_NAME} {split}", _hub_records(split, first)
    else:
        path = folder / f"{split}.jsonl"
        where, records = str(path), file_records(path)
    return tuple(
        to_problem(record, split, number - 1, where, number) for number, record in islice(records, first)
    )


def _hub_records(split: str, first: int | None) -> Iterable[tuple[int, Any]]:
    import datasets

    wanted = split if first is None else f"{split}[:{first}]"
    try:
        loaded = datasets.load_dataset(HUB_NAME, HUB_CONFIG, split=wanted)
    # The hub's client has no common base for "offline", "no route", "no such host" and "gateway says no",
    # and what it raises changes between versions: whatever it is, the data did not come.
    except Exception as error:
        raise SourceUnavailableError(
            f"GSM8K: {HUB_NAME} could not be loaded from the hub "
            f"({type(error).__name__}: {error}); {HOW_TO_GO_LOCAL}"
        ) from error
    return enumerate(loaded, 1)
