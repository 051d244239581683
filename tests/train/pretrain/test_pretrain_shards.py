"""Shards as batches of token ids, and the stream of them that other processes make."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections import Counter
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from mixtures import BRICKS, PLUMS, bank_part, folder_of, mixture_of, spec_of

pytest.importorskip("transformers", reason="needs rote[train]")

import numpy as np
from transformers import AutoTokenizer

from rote.errors import DataError
from rote.train.pretrain.parts import Placed
from rote.train.pretrain.shards import Batch, left_out, read_shard, write_shard
from rote.train.pretrain.stream import Place, Recipe, Stream, _tokenizer, cuts
from rote.train.pretrain.words import Words
from rote.train.recipe import MixtureSpec, PromptSpec
from rote.train.scratch import character_tokenizer
from rote.train.tokens import IGNORED, examples

PROMPT = PromptSpec()
ARITHMETIC = {"source": "arithmetic", "weight": 1.0}
#: About a third of the arithmetic rows, two thirds, and nearly all, in characters.
LENGTHS = (272, 280, 330)


@pytest.fixture(scope="module")
def tokenizer() -> Any:
    return character_tokenizer()


@pytest.fixture(scope="module")
def rows(tmp_path_factory: pytest.TempPathFactory) -> list[Placed]:
    own = folder_of(tmp_path_factory.mktemp("templates") / "own", PLUMS, BRICKS)
    drawn = mixture_of(ARITHMETIC, bank_part(own, "symbolic", weight=0.2), shard=240).shard(0)
    # Small sums come twice; here each row is known by its text.
    return list({placed.row.question: placed for placed in drawn}.values())


def written(path: Path, rows: list[Placed], tokenizer: Any, **fields: Any) -> list[Batch]:
    given: dict[str, Any] = {"lengths": LENGTHS, "batch_tokens": 2000, "order": b"1", **fields}
    write_shard(path, rows, Words(PROMPT, tokenizer), tokenizer.pad_token_id, **given)
    return list(read_shard(path))


def rows_in(batches: list[Batch]) -> list[tuple[int, ...]]:
    """Each row's tokens without its padding."""
    return [
        tuple(row[:end].tolist())
        for batch in batches
        for row, end in zip(batch.ids, batch.ends.tolist(), strict=True)
    ]


def test_batches_hold_each_row_once_with_its_mask(rows: list[Placed], tokenizer: Any, tmp_path: Path) -> None:
    batches = written(tmp_path / "s.npz", rows, tokenizer)
    made = examples([placed.row for placed in rows], PROMPT, tokenizer)
    by_ids = {tuple(one.input_ids): (one, placed.part) for one, placed in zip(made, rows, strict=True)}
    assert len(by_ids) == len(rows)
    seen = rows_in(batches)
    assert len(set(seen)) == len(seen)
    for batch in batches:
        length = batch.ids.shape[1]
        assert batch.ids.dtype == np.uint16
        assert batch.ids.shape[0] == 2000 // length
        for row, start, end, part in zip(batch.ids, batch.starts, batch.ends, batch.parts, strict=True):
            one, of = by_ids[tuple(row[:end].tolist())]
            assert part == of
            labels = [IGNORED] * start + row[start:end].tolist()
            assert labels == one.labels
            assert set(row[end:].tolist()) <= {tokenizer.pad_token_id}
            # Padded to the least length that holds it.
            assert length == min(each for each in LENGTHS if each >= end)
    too_long, left = left_out(tmp_path / "s.npz")
    assert too_long == sum(len(one.input_ids) > LENGTHS[-1] for one in made)
    assert too_long > 0
    assert too_long + left + len(seen) == len(rows)
    by_length = Counter(
        next(length for length in LENGTHS if length >= len(one.input_ids))
        for one in made
        if len(one.input_ids) <= LENGTHS[-1]
    )
    assert len(by_length) == 3
    assert left == sum(count % (2000 // length) for length, count in by_length.items())


def test_lengths_are_mixed_by_the_order_alone(rows: list[Placed], tokenizer: Any, tmp_path: Path) -> None:
    def order(name: str, key: bytes) -> list[bytes]:
        return [batch.ids.tobytes() for batch in written(tmp_path / name, rows, tokenizer, order=key)]

    first = order("a", b"1")
    assert order("b", b"1") == first
    other = order("c", b"2")
    assert other != first
    assert sorted(other) == sorted(first)


def test_a_shard_is_read_from_any_batch_on(rows: list[Placed], tokenizer: Any, tmp_path: Path) -> None:
    path = tmp_path / "s.npz"
    batches = written(path, rows, tokenizer)
    assert len(batches) > 10
    for first in (0, 3, len(batches) - 1, len(batches)):
        rest = list(read_shard(path, first))
        assert [batch.ids.tobytes() for batch in rest] == [batch.ids.tobytes() for batch in batches[first:]]


def test_ids_above_two_bytes_stay_what_they_are(rows: list[Placed], tokenizer: Any, tmp_path: Path) -> None:
    class Large(Words):
        def examples(self, rows: Any) -> Any:
            made = super().examples(rows)
            made[0].input_ids[-1] = 70_001
            return made

    write_shard(
        tmp_path / "s.npz",
        rows[:6],
        Large(PROMPT, tokenizer),
        0,
        lengths=(500,),
        batch_tokens=500,
        order=b"1",
    )
    batches = list(read_shard(tmp_path / "s.npz"))
    assert max(int(batch.ids.max()) for batch in batches) == 70_001


def test_rows_that_are_all_too_long_leave_a_shard_without_batches(
    rows: list[Placed], tokenizer: Any, tmp_path: Path
) -> None:
    assert written(tmp_path / "s.npz", rows, tokenizer, lengths=(16,)) == []
    assert left_out(tmp_path / "s.npz") == (len(rows), 0)


# --- the stream ---------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, tokenizer: Any) -> str:
    folder = tmp_path_factory.mktemp("tokenizer")
    tokenizer.save_pretrained(folder)
    return str(folder)


def recipe_of(folder: str, workers: int = 1, **data: Any) -> Recipe:
    spec: MixtureSpec = spec_of(ARITHMETIC, **{"shard": 60, "workers": workers, **data})
    return Recipe(spec, PROMPT, 3, folder, LENGTHS, 1500, (), known(folder))


@cache
def known(folder: str) -> str:
    return cuts(AutoTokenizer.from_pretrained(folder))


def taken(recipe: Recipe, place: Place, count: int) -> tuple[list[bytes], list[tuple[int, int]]]:
    """Some batches, and the place after each."""
    found, places = [], []
    with Stream(recipe, place) as stream:
        for batch in stream:
            found.append(b"".join(one.tobytes() for one in (batch.ids, batch.starts, batch.ends)))
            places.append((stream.place.shard, stream.place.batch))
            if len(found) == count:
                break
    return found, places


@pytest.mark.slow
def test_the_stream_is_the_same_however_many_make_it_and_wherever_it_begins(folder: str) -> None:
    whole, places = taken(recipe_of(folder), Place(), 50)
    assert places[-1][0] >= 2
    # Whichever way its processes open the tokenizer.
    assert taken(replace(recipe_of(folder, 3), cuts=""), Place(), 50) == (whole, places)
    middle = next(at for at, (shard, batch) in enumerate(places) if shard == 1 and batch == 4)
    again, later = taken(recipe_of(folder), Place(*places[middle]), 10)
    assert again == whole[middle + 1 : middle + 11]
    assert later == places[middle + 1 : middle + 11]
    # At the end of a shard, too.
    last = max(at for at, (shard, _) in enumerate(places) if shard == 0)
    assert taken(recipe_of(folder), Place(*places[last]), 3)[0] == whole[last + 1 : last + 4]


def test_a_tokenizer_that_is_not_the_one_meant_is_opened_as_what_it_is(
    folder: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe, opened = recipe_of(folder), []
    real = AutoTokenizer.from_pretrained
    monkeypatch.setattr(AutoTokenizer, "from_pretrained", lambda place: opened.append(place) or real(place))
    quick = _tokenizer(recipe)
    assert opened == []
    for other in ("", "0" * 32):
        assert cuts(_tokenizer(replace(recipe, cuts=other))) == cuts(quick) == recipe.cuts
    assert opened == [folder, folder]


def test_a_shard_that_fills_no_batch_is_an_error(folder: str, tmp_path: Path) -> None:
    with (
        pytest.raises(DataError, match=r"data\.shard: is 3 rows, which fill no batch: .*5 of 272 tokens"),
        Stream(recipe_of(folder, shard=3), Place(), tmp_path) as stream,
    ):
        next(iter(stream))
    assert list(tmp_path.iterdir()) == []


def test_what_a_process_raises_is_told_as_it_is(folder: str, tmp_path: Path) -> None:
    with (
        pytest.raises(DataError, match=r"^data\.parts: no row is left of a shard after filtering$"),
        Stream(recipe_of(folder, below=0.5), Place(), tmp_path) as stream,
    ):
        next(iter(stream))


@pytest.mark.slow
def test_a_process_that_is_killed_is_an_error_that_says_so(folder: str, tmp_path: Path) -> None:
    with Stream(recipe_of(folder), Place(), tmp_path) as stream:
        next(iter(stream))
        for process in stream._pool._processes:
            os.kill(process, signal.SIGKILL)
        with pytest.raises(
            DataError, match=r"^data\.workers: a process that makes shards ended without a word"
        ):
            for _ in stream:
                pass
    assert list(tmp_path.iterdir()) == []


_KILLED = """
import os, signal, sys
sys.path.insert(0, sys.argv[3])
from pathlib import Path
from test_pretrain_shards import recipe_of
from rote.train.pretrain.stream import Place, Stream

if __name__ == "__main__":
    stream = Stream(recipe_of(sys.argv[1]), Place(), Path(sys.argv[2]))
    next(iter(stream))
    print(*stream._pool._processes, flush=True)
    os.kill(os.getpid(), signal.SIGKILL)
"""


def gone(process: int) -> bool:
    try:
        state = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return True
    return state == "Z"


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc").is_dir(), reason="looks into /proc")
def test_no_process_and_no_file_outlives_a_run_that_is_killed(folder: str, tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(_KILLED)
    shards = tmp_path / "shards"
    shards.mkdir()
    ended = subprocess.run(
        [sys.executable, script, folder, shards, Path(__file__).parent],
        capture_output=True,
        text=True,
        timeout=120,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    assert ended.returncode == -signal.SIGKILL, ended.stderr
    processes = [int(word) for word in ended.stdout.split()]
    assert processes
    for _ in range(300):
        if all(map(gone, processes)) and not list(shards.iterdir()):
            return
        time.sleep(0.1)
    raise AssertionError([process for process in processes if not gone(process)])
