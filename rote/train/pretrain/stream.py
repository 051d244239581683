"""Shards made ahead by other processes and read in order."""

from __future__ import annotations

import contextlib
import hashlib
import multiprocessing
import os
import shutil
import signal
import tempfile
import threading
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from rote.errors import DataError
from rote.perturb.keys import digest
from rote.train.pretrain.parts import Mixture
from rote.train.pretrain.shards import Batch, left_out, read_shard, write_shard
from rote.train.pretrain.words import Words
from rote.train.recipe import MixtureSpec, PromptSpec

#: Shards that each process may be ahead.
_AHEAD: Final = 2


@dataclass(frozen=True, slots=True)
class Recipe:
    """All that a process must know to make a shard.

    ``tokenizer``: its folder; ``left_out``: ids of templates that are not drawn from; ``cuts``: what
    :func:`cuts` says of the tokenizer, where it is known.
    """

    data: MixtureSpec
    prompt: PromptSpec
    seed: int
    tokenizer: str
    lengths: tuple[int, ...]
    batch_tokens: int
    left_out: tuple[str, ...]
    cuts: str = ""


@dataclass(slots=True)
class Place:
    """Where a stream stands: the shard, and how many of its batches have been taken.

    ``too_long`` and ``left`` count the rows of the shards before it that were left out, as
    :func:`rote.train.pretrain.shards.left_out` has it.
    """

    shard: int = 0
    batch: int = 0
    too_long: int = 0
    left: int = 0


class Stream:
    """Batches without end, from a place on; ``place`` is that of the next one.

    A context: on leaving it the processes end and their files go.
    """

    def __init__(self, recipe: Recipe, place: Place, folder: Path | None = None) -> None:
        self.place = place
        self._recipe = recipe
        self._folder = Path(tempfile.mkdtemp(prefix="rote-shards-", dir=folder))
        # spawn: a process that has a GPU open must not be forked.
        self._pool = ProcessPoolExecutor(
            recipe.data.workers, multiprocessing.get_context("spawn"), _open, (recipe, str(self._folder))
        )
        self._asked: deque[Future[str]] = deque()
        self._next = place.shard

    def __enter__(self) -> Stream:
        return self

    def __exit__(self, *_: object) -> None:
        self._pool.shutdown(wait=True, cancel_futures=True)
        shutil.rmtree(self._folder, ignore_errors=True)

    def __iter__(self) -> Iterator[Batch]:
        while True:
            while len(self._asked) < _AHEAD * self._recipe.data.workers:
                self._asked.append(self._pool.submit(_make, self._next, str(self._folder)))
                self._next += 1
            try:
                path = Path(self._asked.popleft().result())
            except BrokenProcessPool as error:
                raise DataError(
                    "a process that makes shards ended without a word: what it printed stands above; where "
                    f"nothing does, memory may have run out (it is one of {self._recipe.data.workers})",
                    field="data.workers",
                ) from error
            too_long, left = left_out(path)
            empty = True
            for batch in read_shard(path, self.place.batch):
                self.place.batch += 1
                empty = False
                yield batch
            path.unlink()
            if empty and self.place.batch == 0:
                raise DataError(_no_batch(self._recipe, too_long), field="data.shard")
            self.place.shard, self.place.batch = self.place.shard + 1, 0
            self.place.too_long, self.place.left = self.place.too_long + too_long, self.place.left + left


def _no_batch(recipe: Recipe, too_long: int) -> str:
    sizes = ", ".join(f"{recipe.batch_tokens // n:,} of {n} tokens" for n in recipe.lengths)
    longer = f" ({too_long:,} rows of this shard are longer than {recipe.lengths[-1]})" if too_long else ""
    return (
        f"is {recipe.data.shard:,} rows, which fill no batch: a batch takes {sizes}{longer}; raise it, or "
        "lower batch_tokens"
    )


class _Worker:
    """What a process keeps between shards."""

    recipe: Recipe
    mixture: Mixture
    words: Words
    padding: int


def _open(recipe: Recipe, folder: str) -> None:
    # Of the terminal's Ctrl-C, which every process hears, the run itself makes a checkpoint and an end.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, args=(folder,), daemon=True).start()
    os.environ["TOKENIZERS_PARALLELISM"] = "false"
    _Worker.recipe = recipe
    _Worker.mixture = Mixture(recipe.data, recipe.seed)
    _Worker.mixture.leave_out(recipe.left_out)
    tokenizer = _tokenizer(recipe)
    _Worker.words, _Worker.padding = Words(recipe.prompt, tokenizer), int(tokenizer.pad_token_id)


def cuts(tokenizer: Any) -> str:
    """A hash of all that decides how a tokenizer cuts a text; empty for one that is written in Python."""
    backend = getattr(tokenizer, "backend_tokenizer", None)
    return "" if backend is None else hashlib.blake2b(backend.to_str().encode(), digest_size=16).hexdigest()


def _tokenizer(recipe: Recipe) -> Any:
    if recipe.cuts:
        # It is imported in a third of AutoTokenizer's time, and serves as well where it cuts alike.
        from transformers import PreTrainedTokenizerFast

        with contextlib.suppress(OSError, ValueError):
            found = PreTrainedTokenizerFast.from_pretrained(recipe.tokenizer)
            if cuts(found) == recipe.cuts:
                return found
    from transformers import AutoTokenizer

    return AutoTokenizer.from_pretrained(recipe.tokenizer)


def _end_with_parent(folder: str) -> None:
    """A run that is killed leaves nobody who would end its processes and remove their files."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        shutil.rmtree(folder, ignore_errors=True)
        os._exit(1)


def _make(shard: int, folder: str) -> str:
    path = Path(folder) / f"shard-{shard}.npz"
    recipe = _Worker.recipe
    write_shard(
        path,
        _Worker.mixture.shard(shard),
        _Worker.words,
        _Worker.padding,
        lengths=recipe.lengths,
        batch_tokens=recipe.batch_tokens,
        order=digest("order", recipe.seed, shard),
    )
    return str(path)
