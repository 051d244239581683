"""The logs of organisms as archives that are small enough to be carried."""

from __future__ import annotations

import lzma
import tarfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import BinaryIO, Final

from rote.errors import DataError

#: Bytes of an archive, at most.
PACKED: Final = 15 * 1024 * 1024
#: The samples of two models differ in the responses alone, so a dictionary that reaches from one model's
#: file to the next one's pays. Measured on planted models: 35 MB of logs become 1.8 MB, and each further
#: model adds 0.1 MB; the highest preset saves 5 % in five times the time.
_XZ: Final = ({"id": lzma.FILTER_LZMA2, "preset": 6, "dict_size": 64 << 20},)


def pack(work: Path, names: Sequence[str], target: Path) -> list[tuple[Path, tuple[str, ...]]]:
    """Write the logs of models into ``logs-<n>.tar.xz`` below ``target``; each file with what it holds.

    Unpacked in one folder they are a WORK again: logs, what was printed, and ``planted.json``. The same logs
    give the same bytes. Raises DataError when the logs of one model do not fit into a file.
    """
    target.mkdir(parents=True, exist_ok=True)
    for path in target.glob("logs-*.tar.xz"):
        path.unlink()
    packed = []
    for number, (part, held) in enumerate(_parts(work, tuple(names), target / "packing.partial"), start=1):
        path = target / f"logs-{number:02d}.tar.xz"
        part.rename(path)
        packed.append((path, held))
    return packed


def _parts(work: Path, names: tuple[str, ...], partial: Path) -> Iterator[tuple[Path, tuple[str, ...]]]:
    """Archives that are small enough, halving the models until they are; each is to be moved away at once."""
    with partial.open("wb") as out:
        fits = _write_archive(work, names, out)
    if fits:
        yield partial, names
        return
    if len(names) == 1:
        raise DataError(f"the logs of {names[0]} take more than {PACKED:,} bytes packed", path=work / "logs")
    half = (len(names) + 1) // 2
    yield from _parts(work, names[:half], partial)
    yield from _parts(work, names[half:], partial)


def _write_archive(work: Path, names: Sequence[str], out: BinaryIO) -> bool:
    """Whether the archive is small enough; where not, writing has stopped."""
    folders = [work / "logs" / name for name in names]
    files = [path for folder in folders for path in folder.rglob("*") if path.is_file()]
    beside = [Path("logs", f"{name}.txt") for name in names]
    beside += [Path("models", name, "planted.json") for name in names]
    files += [work / path for path in beside if (work / path).is_file()]
    # Task by task, so that samples of the same documents stand within reach of one another.
    files.sort(key=lambda path: (path.name, path.as_posix()))
    with lzma.LZMAFile(out, "wb", filters=_XZ) as packed, tarfile.open(fileobj=packed, mode="w") as archive:
        for path in files:
            archive.add(path, path.relative_to(work).as_posix(), filter=_anonymous)
            if out.tell() > PACKED:
                return False
    return out.tell() <= PACKED


def _anonymous(member: tarfile.TarInfo) -> tarfile.TarInfo:
    member.mtime = member.uid = member.gid = 0
    member.uname = member.gname = ""
    member.mode = 0o644
    return member
