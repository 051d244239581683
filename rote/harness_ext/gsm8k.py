"""GSM8K for the tasks, from the hub or from local files: the published problems and their templates.

The data set is Cobbe et al. 2021, "Training Verifiers to Solve Math Word Problems"; none of its text is
part of rote.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from functools import lru_cache
from itertools import count, islice
from pathlib import Path
from typing import Any, Final

from rote.errors import DataError, SourceUnavailableError
from rote.harness_ext.draws import Drawn
from rote.perturb.gsm8k import Mismatch, Split, load
from rote.perturb.gsm8k.records import (
    HOW_TO_GO_LOCAL,
    HUB_CONFIG,
    HUB_NAME,
    file_records,
    local_folder,
    to_problem,
)
from rote.problem import VARIANTS as ALL_VARIANTS
from rote.problem import Problem

#: What GSM8K's templates offer, originals included. To add a clause that counts takes an author.
VARIANTS: Final = tuple(variant for variant in ALL_VARIANTS if variant not in ("p1", "p2"))

#: Training problems read at a time in search of examples.
_BLOCK: Final = 16

#: Where this process last found the problems of a split.
_last: dict[str, Path | None] = {}


def read_split(split: str, folder: Path | None = None, first: int | None = None) -> tuple[Problem, ...]:
    """The problems of ``split`` ("train" or "test") in published order, all or the ``first`` ones.

    ``folder`` wins over the environment's ``ROTE_GSM8K``, and that over the hub. The ``template_id`` of
    line i (from 0) is ``gsm8k/<split>/<i>``.

    Raises
    ------
    SourceUnavailableError: no such folder or file, or the hub cannot be reached.
    DataError: a line that is not GSM8K's (names the file and line).
    """
    place = local_folder(folder)
    problems = _read(split, place, first)
    _last[split] = place
    return problems


def symbolize(split: str, folder: Path | None = None, mismatch: Mismatch = "error") -> Split:
    """``split`` as templates and rejections, by line; once a process for each place.

    ``folder`` as for :func:`read_split`, ``mismatch`` as for :func:`rote.perturb.gsm8k.load`, and the
    errors of both; besides, DataError when not one problem
    became a template (the counts of the reasons are in the message).
    """
    place = local_folder(folder)
    symbolized = _symbolize(split, place, mismatch)
    if not symbolized.templates:
        raise DataError(
            f"GSM8K: none of the {len(symbolized):,} problems of {place or HUB_NAME}, {split}, became a "
            f"template ({_reasons(symbolized)})"
        )
    _last[split] = place
    return symbolized


def original(template_id: str) -> Problem | None:
    """The published problem that a template was made of; None when there is no such line.

    It is looked up where this process last read the split, so that a document of the tasks finds its own
    original; a process that has read none asks ``ROTE_GSM8K`` or the hub. Errors as :func:`read_split`.
    """
    source, _, rest = template_id.partition("/")
    split, _, line = rest.partition("/")
    if source != "gsm8k" or split not in ("train", "test") or not (line.isascii() and line.isdigit()):
        return None
    problems = _read(split, _last[split], None) if split in _last else read_split(split)
    return problems[int(line)] if int(line) < len(problems) else None


def inert_shots(wanted: int, folder: Path | None = None, mismatch: Mismatch = "error") -> tuple[Problem, ...]:
    """The first ``wanted`` training problems to which inert clauses attach, each with one.

    Only as much of the split is read as that takes. ``folder``, ``mismatch`` and errors as for
    :func:`symbolize`; DataError where the split has fewer.
    """
    place = local_folder(folder)
    shots = _inert_shots(wanted, place, mismatch)
    if len(shots) < wanted:
        raise DataError(
            f"GSM8K: inert clauses attach to {len(shots)} problems of {place or HUB_NAME}, train; "
            f"{wanted} are shown"
        )
    return shots


def account(symbolized: Split, drawn: Drawn, asked: int) -> str:
    """One line on what a task tests and what it leaves out, for the log.

    ``asked``: instances wanted of each template; of an original there is one.
    """
    templated, published = len(symbolized.templates), len(symbolized)
    parts = [
        f"gsm8k {symbolized.name}, {drawn.variant}: {templated:,} of {published:,} problems are templates"
    ]
    if symbolized.rejections:
        parts.append(f"{len(symbolized.rejections):,} rejected ({_reasons(symbolized)})")
    if len(drawn.instances) < templated:
        parts.append(f"{len(drawn.instances):,} of the templates tested")
    if drawn.variant != "original" and drawn.scarce(asked):
        parts.append(f"{drawn.scarce(asked):,} with fewer than {asked:,} different instances")
    parts.append(f"{sum(map(len, drawn.instances.values())):,} documents")
    return "; ".join(parts)


def _reasons(symbolized: Split) -> str:
    counts = Counter(rejection.code for rejection in symbolized.rejections.values())
    return ", ".join(
        f"{code} {count:,}" for code, count in sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    )


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


@lru_cache(maxsize=2)
def _symbolize(split: str, folder: Path | None, mismatch: Mismatch) -> Split:
    if folder is None:
        return load(split, records=_hub_records(split, None), mismatch=mismatch)
    return load(split, path=folder, mismatch=mismatch)


@lru_cache(maxsize=2)
def _inert_shots(wanted: int, folder: Path | None, mismatch: Mismatch) -> tuple[Problem, ...]:
    shots: list[Problem] = []
    for block in _blocks(folder):
        for template in load("train", records=block, mismatch=mismatch).templates.values():
            if template.offers("noop"):
                shots.append(template.problem("noop", 0, 0))
        if len(shots) >= wanted:
            break
    return tuple(shots[:wanted])


def _blocks(folder: Path | None) -> Iterator[list[tuple[int, Any]]]:
    """The numbered training records, some at a time."""
    local = file_records(folder / "train.jsonl") if folder is not None else None
    for start in count(0, _BLOCK):
        block = list(islice(local, _BLOCK)) if local else list(_hub_records("train", start + _BLOCK, start))
        if block:
            yield block
        if len(block) < _BLOCK:
            return


def _hub_records(split: str, stop: int | None, start: int = 0) -> Iterable[tuple[int, Any]]:
    import datasets

    wanted = split if stop is None else f"{split}[{start or ''}:{stop}]"
    try:
        loaded = datasets.load_dataset(HUB_NAME, HUB_CONFIG, split=wanted)
    # The hub's client has no common base for "offline", "no route", "no such host" and "gateway says no",
    # and what it raises changes between versions: whatever it is, the data did not come.
    except Exception as error:
        raise SourceUnavailableError(
            f"GSM8K: {HUB_NAME} could not be loaded from the hub "
            f"({type(error).__name__}: {error}); {HOW_TO_GO_LOCAL}"
        ) from error
    return enumerate(loaded, start + 1)
