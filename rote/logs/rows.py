"""The lines of a samples file, one at a time, and the fields that every reader of them needs.

Read here, whatever version or backend wrote it:

- a byte order mark, blank lines, ``NaN`` and ``Infinity`` as Python's ``json`` writes them;
- a last line that was cut off; a line longer than :data:`MOST_BYTES`; a line that is not UTF-8, whose odd
  bytes are kept (``surrogateescape``) and told, for the caller to refuse or to note;
- ``resps``: a list for each request, with one text a repeat; older writers leave the inner list out, and a
  backend that gave nothing (an API's null content) stands there as null, an empty response;
- ``filter``: logged from 0.4.7 on.

A file is read forward and no more than one line is held. Files written onto twice are not told here: that
takes the lines together, as their hash does (:class:`TaskHash`).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from rote.errors import LogError
from rote.logs.words import as_found

#: Longest line read, in bytes: a thousand responses of 100 kB. What is longer is no sample.
MOST_BYTES: Final = 128 * 1024 * 1024

#: What lm-eval makes its hash of a task from.
HASHES: Final = ("doc_hash", "prompt_hash", "target_hash")

_BYTE_ORDER_MARK: Final = "\N{ZERO WIDTH NO-BREAK SPACE}"


class Fault(ValueError):
    """Why a line is not what it should be: the field, empty where it is the whole line, and a message."""

    def __init__(self, field: str, message: str) -> None:
        self.field, self.message = field, message
        super().__init__(f"[{field}]: {message}" if field else message)

    def at(self, path: str | Path, line: int) -> LogError:
        """The error that names the line, too."""
        return LogError(self.message, path=path, line=line, field=self.field or None)


def read_lines(path: Path) -> Iterator[tuple[int, int, bytes]]:
    """Number from 1, offset in bytes and bytes of each line that is not blank.

    Raises LogError on a line of more than :data:`MOST_BYTES`, OSError.
    """
    offset = number = 0
    most = MOST_BYTES
    with path.open("rb") as handle:
        while raw := handle.readline(most + 1):
            number += 1
            if len(raw) > most:
                raise LogError(
                    f"is longer than {most:,} bytes: is it a samples file, a line for each sample?",
                    path=path,
                    line=number,
                )
            if raw.strip():
                yield number, offset, raw
            offset += len(raw)


def read_record(raw: bytes) -> tuple[dict[str, Any], bool]:
    """The table that a line holds, and whether the line was UTF-8. Raises Fault for what is no JSON table."""
    try:
        text, clean = raw.decode("utf-8"), True
    except UnicodeDecodeError:
        text, clean = raw.decode("utf-8", "surrogateescape"), False
    try:
        record = json.loads(text.removeprefix(_BYTE_ORDER_MARK))
    except (ValueError, RecursionError) as error:
        # Without its line end it is the last line, and a writer was stopped in the middle of it.
        cut = not raw.endswith(b"\n")
        what = "the file is cut off in the middle of this line" if cut else "is not valid JSON"
        raise Fault("", f"{what} ({type(error).__name__})") from None
    if not isinstance(record, dict):
        raise Fault("", "is no sample of lm-eval: it is no table")
    return record, clean


def doc_of(record: Mapping[str, Any]) -> dict[str, Any]:
    """The document of a sample, as it was logged. Raises Fault: missing, no table."""
    doc = record.get("doc")
    if isinstance(doc, dict):
        return doc
    raise Fault("doc", "is missing" if "doc" not in record else f"is {as_found(doc)}; it must be a table")


def responses_of(record: Mapping[str, Any]) -> list[str]:
    """The texts that the model gave for the one request of a sample, one a repeat: a new list, never empty.

    Raises Fault: missing, empty, no text, several requests (a task of log-likelihoods has one a choice).
    """
    resps = record.get("resps")
    if isinstance(resps, list) and len(resps) == 1:
        texts = resps[0] if isinstance(resps[0], list) else resps
        if texts and all(text is None or isinstance(text, str) for text in texts):
            return ["" if text is None else text for text in texts]
    if "resps" not in record:
        raise Fault("resps", "is missing")
    raise Fault("resps", f"is {as_found(resps)}; it must be a list of lists of text, one for one request")


def filter_of(record: Mapping[str, Any]) -> str | None:
    """The filter's name; None before lm-eval 0.4.7, which does not log it. Raises Fault: no text."""
    name = record.get("filter")
    if name is None or isinstance(name, str):
        return name
    raise Fault("filter", f"is {as_found(name)}; it must be text")


def hashes_of(record: Mapping[str, Any]) -> str | None:
    """What a sample adds to its task's hash: its own hashes, joined; None where one is missing."""
    hashes = [record.get(name) for name in HASHES]
    return "".join(map(str, hashes)) if all(isinstance(value, str) for value in hashes) else None


class TaskHash:
    """lm-eval's hash of a task's samples, over the lines of its file in their order."""

    def __init__(self) -> None:
        self._hasher = hashlib.sha256()
        self._lines = 0
        self._whole = True

    def add(self, hashes: str | None) -> None:
        """The next line's (:func:`hashes_of`); None leaves the task without a hash."""
        self._lines += 1
        if hashes is None:
            self._whole = False
        else:
            self._hasher.update(hashes.encode("utf-8", "surrogatepass"))

    def hexdigest(self) -> str | None:
        """64 hexadecimal digits; None without lines, or where a line has no hashes."""
        return self._hasher.hexdigest() if self._whole and self._lines else None
