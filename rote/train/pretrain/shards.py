"""A shard of rows as batches of token ids, in a file that a process writes and another reads."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

from rote.perturb.keys import digest
from rote.train.pretrain.parts import Placed
from rote.train.pretrain.words import Words
from rote.train.tokens import IGNORED


@dataclass(frozen=True, slots=True)
class Batch:
    """Rows of one length.

    Attributes
    ----------
    ids: array (rows, length), padded on the right; uint16, or int32 of a vocabulary that is larger.
    starts, ends: int32 arrays (rows,): the tokens from ``starts`` to before ``ends`` are predicted.
    parts: int32 array (rows,): the part of the mixture that each row is of.
    """

    ids: Any
    starts: Any
    ends: Any
    parts: Any


def write_shard(
    path: Path,
    rows: Sequence[Placed],
    words: Words,
    padding: int,
    *,
    lengths: Sequence[int],
    batch_tokens: int,
    order: bytes,
) -> None:
    """Write the batches of a shard; rows that are too long, and those that fill no batch, are left out.

    ``order`` decides the order of the batches.
    """
    import numpy

    by_length: dict[int, list[tuple[list[int], int, int]]] = {length: [] for length in lengths}
    too_long = 0
    for placed, made in zip(rows, words.examples([placed.row for placed in rows]), strict=True):
        size = len(made.input_ids)
        length = next((one for one in lengths if one >= size), None)
        if length is None:
            too_long += 1
            continue
        by_length[length].append((made.input_ids, made.labels.count(IGNORED), placed.part))
    arrays: dict[str, Any] = {}
    batches: list[tuple[int, int]] = []
    left = 0
    for length, found in by_length.items():
        size = batch_tokens // length
        whole = len(found) // size
        left += len(found) - whole * size
        kept = found[: whole * size]
        sizes = numpy.array([len(row) for row, _, _ in kept], numpy.int32)
        flat = numpy.fromiter(chain.from_iterable(row for row, _, _ in kept), numpy.int32, int(sizes.sum()))
        kind = numpy.uint16 if max(int(flat.max(initial=0)), padding) < 2**16 else numpy.int32
        ids = numpy.full((whole * size, length), padding, dtype=kind)
        ids[numpy.arange(length) < sizes[:, None]] = flat
        arrays[f"ids{length}"] = ids.reshape(whole, size, length)
        arrays[f"starts{length}"] = numpy.array([s for _, s, _ in kept], numpy.int32).reshape(whole, size)
        arrays[f"ends{length}"] = sizes.reshape(whole, size)
        arrays[f"parts{length}"] = numpy.array([p for _, _, p in kept], numpy.int32).reshape(whole, size)
        batches += [(length, i) for i in range(whole)]
    random.Random(digest("batches", order.hex())).shuffle(batches)
    arrays["batches"] = numpy.array(batches, numpy.int32).reshape(len(batches), 2)
    arrays["left"] = numpy.array([too_long, left], numpy.int64)
    partial = path.with_name(path.name + ".partial")
    with partial.open("wb") as stream:
        numpy.savez(stream, **arrays)
    partial.rename(path)


def read_shard(path: Path, first: int = 0) -> Iterator[Batch]:
    """The batches of a shard from ``first`` on, in their order."""
    import numpy

    with numpy.load(path) as arrays:
        order = arrays["batches"]
        held = {name: arrays[name] for name in arrays.files if name not in ("batches", "left")}
    for length, i in order[first:].tolist():
        yield Batch(*(held[f"{name}{length}"][i] for name in ("ids", "starts", "ends", "parts")))


def left_out(path: Path) -> tuple[int, int]:
    """Rows of a shard that were too long, and rows that filled no batch."""
    import numpy

    with numpy.load(path) as arrays:
        too_long, left = arrays["left"].tolist()
    return int(too_long), int(left)
