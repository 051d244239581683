"""A folder of shards: whole files only, and a manifest that says what they are of.

A shard is written beside its place and then moved there, so what bears its name is whole. ``manifest.json``
is there from the start; once all shards are, it lists them with rows, bytes and SHA-256. A run that was
stopped, anywhere, is gone on with by the same command: shards that are there are not made again.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import secrets
import socket
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Any, Final

from rote.errors import DataError, UsageError
from rote.harness_ext import locks
from rote.harness_ext.generation.executors import Executor
from rote.harness_ext.generation.formats import FORMATS, rows_in, write_shard
from rote.harness_ext.generation.sequence import Instances, identity

SCHEMA: Final = "rote.sample/1"
MANIFEST: Final = "manifest.json"
_LOCK: Final = ".lock"

_SHARD: Final = re.compile(r"part-\d{5,}-of-\d{5,}\.(?:parquet|jsonl)")
_PARTIAL: Final = re.compile(rf"\.(?:{_SHARD.pattern}|manifest\.json)\.[0-9a-f]+\.partial")
#: How often another's lock is tried, and seconds between: workers outlive a killed driver by a moment.
_LOCK_TRIES: Final = 20
_LOCK_PAUSE: Final = 0.1


@dataclass(frozen=True, slots=True)
class Shard:
    """A file that is whole: its name, rows, bytes and SHA-256 (hex), and whether this run made it."""

    name: str
    rows: int
    bytes: int
    sha256: str
    made: bool


@dataclass(frozen=True, slots=True)
class Shards:
    """Work: one shard, made unless it is there; ``size`` rows each but for the last.

    ``run`` is what the folder's lock file says while this is done: a folder without it is not the one that
    the driver sees, or no longer its own.
    """

    instances: Instances
    folder: str
    format: str
    size: int
    run: str

    def name(self, number: int) -> str:
        """The file of a shard: ``part-00000-of-00012.parquet``."""
        return f"part-{number:05d}-of-{self.instances.shards(self.size):05d}{FORMATS[self.format]}"

    def prepare(self) -> None:
        """As :class:`~rote.harness_ext.generation.executors.Preparable` says."""
        numbers = range(self.instances.shards(self.size))
        if any(not Path(self.folder, self.name(number)).exists() for number in numbers):
            self.instances.prepare()

    def __call__(self, number: int) -> Shard:
        """Raises UsageError: the folder is not the driver's, or cannot be written to."""
        _check_folder(Path(self.folder), self.run)
        first, last = number * self.size, min((number + 1) * self.size, self.instances.count)
        path = Path(self.folder) / self.name(number)
        made = not (path.is_file() and rows_in(self.format, path) == last - first)
        if made:
            partial = _beside(path)
            try:
                write_shard(self.format, self.instances.rows(first, last), partial)
                _replace(partial, path)
            except OSError as error:
                raise UsageError(f"{path}: cannot be written ({error.strerror or error})") from error
            finally:
                partial.unlink(missing_ok=True)
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        return Shard(path.name, last - first, path.stat().st_size, digest, made)


def _say(line: str) -> None:
    print(f"rote sample: {line}", file=sys.stderr, flush=True)


def write_folder(
    instances: Instances,
    out: Path,
    executor: Executor,
    *,
    format: str,
    size: int,
    say: Callable[[str], None] = _say,
) -> Iterator[Shard]:
    """Make what is missing of a folder; gives each shard once it is whole, in order, and the manifest last.

    Where another process that writes there could not be noticed, ``say`` gets one line about it; it goes to
    stderr unless told otherwise.

    Raises UsageError: ``out`` holds something else or another set, is being written to by another process, or
    cannot be written to; DataError: its manifest cannot be read.
    """
    about = {**identity(instances), "format": format, "rows_per_shard": size}
    with _held(out, say) as run:
        work = Shards(instances, str(out.absolute()), format, size, run)
        known = _entered(out, about, work)
        done = []
        for shard in executor.map(work, range(instances.shards(size))):
            yield shard
            done.append({key: value for key, value in asdict(shard).items() if key != "made"})
        if known.get("shards") != done:
            _write_manifest(out, {"schema": SCHEMA, **about, "complete": True, "shards": done})


def _entered(out: Path, about: Mapping[str, Any], work: Shards) -> Mapping[str, Any]:
    """Check that the folder is empty or of this very set, and mark it as such; returns its manifest."""
    path = out / MANIFEST
    names = sorted(entry.name for entry in out.iterdir() if entry.name != _LOCK)
    if MANIFEST not in names:
        foreign = [name for name in names if not _PARTIAL.fullmatch(name)]
        if foreign:
            raise UsageError(
                f"--out {out}: holds {foreign[0]!r} and no {MANIFEST} of rote sample; name a new folder"
            )
        known: dict[str, Any] = {"schema": SCHEMA, **about, "complete": False}
        _write_manifest(out, known)
    else:
        known = _read_manifest(path)
    for key, value in {"schema": SCHEMA, **about}.items():
        if known.get(key) != value:
            raise UsageError(
                f"--out {out}: holds another set: its {key} is {known.get(key)!r}, this one's {value!r}; "
                "name a new folder"
            )
    ours = {work.name(number) for number in range(work.instances.shards(work.size))}
    for name in names:
        if _PARTIAL.fullmatch(name):
            (out / name).unlink(missing_ok=True)
        elif name not in ours and name != MANIFEST:
            raise UsageError(f"--out {out}: holds {name!r}, which is no part of this set; name a new folder")
    return known


def _read_manifest(path: Path) -> dict[str, Any]:
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise DataError(f"cannot be read as JSON ({error})", path=path) from error
    if not isinstance(value, dict):
        raise DataError(f"is no table but a {type(value).__name__}", path=path)
    return value


def _write_manifest(out: Path, value: Mapping[str, Any]) -> None:
    partial = _beside(out / MANIFEST)
    try:
        partial.write_text(json.dumps(value, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
        _replace(partial, out / MANIFEST)
    except OSError as error:
        raise UsageError(f"--out {out}: cannot be written to ({error.strerror or error})") from error
    finally:
        partial.unlink(missing_ok=True)


def _replace(partial: Path, path: Path) -> None:
    """Move a file to its place once its bytes are on the disk: a name never stands for half a file."""
    with partial.open("rb+") as file:
        os.fsync(file.fileno())
    partial.replace(path)


def _beside(path: Path) -> Path:
    """Where a file is written before it has its name; two machines that write one file do not meet there."""
    return path.with_name(f".{path.name}.{secrets.token_hex(6)}.partial")


def _check_folder(folder: Path, run: str) -> None:
    """Raises UsageError: a worker sees another folder than the driver, or another driver has taken it."""
    try:
        found = (folder / _LOCK).read_text(encoding="ascii")
    except (OSError, ValueError):
        found = ""
    if found == run:
        return
    host = socket.gethostname()
    if found and (folder / MANIFEST).is_file():
        raise UsageError(
            f"--out {folder}: what worker {os.getpid()} on {host} sees there is of another run: another rote "
            "sample writes to it, or it is a folder of that machine alone; --out must be a folder that all "
            "machines share, under one path"
        )
    raise UsageError(
        f"--out {folder}: worker {os.getpid()} on {host} does not see it. Workers write the shards "
        "themselves: --out must be a folder that all machines share, under one path"
    )


@contextlib.contextmanager
def _held(out: Path, say: Callable[[str], None]) -> Iterator[str]:
    """While this lasts no other process of this machine writes to the folder, where the system can tell.

    Gives what the lock file says as long as it is this process's. A lock goes with the process that holds it
    and those copied from it, however they end.
    """
    run = secrets.token_hex(16)
    try:
        out.mkdir(parents=True, exist_ok=True)
        # Nothing of it is changed before it is this process's.
        file = (out / _LOCK).open("a", encoding="ascii")
    except OSError as error:
        raise UsageError(f"--out {out}: cannot be written to ({error.strerror or error})") from error
    with file:
        if (why := _lock(file, out)) is not None:
            # Workers see by what the file says that another has come, but only at their next shard.
            say(f"--out {out}: no lock here ({why}); see to it that no other rote sample writes there")
        try:
            file.truncate(0)
            file.write(run)
            file.flush()
            os.fsync(file.fileno())
        except OSError as error:
            raise UsageError(f"--out {out}: cannot be written to ({error.strerror or error})") from error
        yield run


def _lock(file: IO[str], out: Path) -> str | None:
    """As :func:`rote.harness_ext.locks.lock`, with patience.

    Raises UsageError: another process has the lock and keeps it.
    """
    for _ in range(_LOCK_TRIES):
        try:
            return locks.lock(file)
        except BlockingIOError:
            time.sleep(_LOCK_PAUSE)
    raise UsageError(f"--out {out}: another rote sample is writing to it")
