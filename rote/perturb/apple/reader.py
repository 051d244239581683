"""Files of the GSM-Symbolic format to sheets: the sections of one template, still as text.

A folder of ``*.json`` (one record each, or a list of them), one such file, or a ``*.jsonl``.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from rote.errors import DataError, SourceUnavailableError

#: Bytes of one file, and characters of one field, that are read at most.
MAX_FILE: Final = 1 << 24
MAX_FIELD: Final = 1 << 16

_KEYS: Final = ("question", "answer", "question_annotated", "answer_annotated")
_SECTION: Final = re.compile(r"^[ \t]*#(init|conditions?|answer)[ \t]*[:=]?", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Sheet:
    """One template as text.

    ``question`` and ``answer`` are the published problem; ``text`` the annotated question without its
    sections; ``init`` and ``conditions`` their lines; ``result`` what stands behind ``#answer``;
    ``solution`` the annotated answer.
    """

    template_id: str
    path: Path
    question: str
    answer: str
    text: str
    init: tuple[str, ...]
    conditions: tuple[str, ...]
    result: str
    solution: str


def files_of(path: Path) -> list[Path]:
    """The files of a folder in order of name, or the file itself. SourceUnavailableError for neither."""
    if path.is_dir():
        found = sorted(
            (f for f in path.iterdir() if f.suffix in (".json", ".jsonl") and f.is_file()),
            key=lambda f: f.name,
        )
        if not found:
            raise SourceUnavailableError(f"{path}: holds no *.json template")
        return found
    if not path.is_file():
        raise SourceUnavailableError(f"{path}: neither a folder nor a file of GSM-Symbolic templates")
    return [path]


def records_of(file: Path) -> Iterator[tuple[int | None, Any]]:
    """The records of a file with their lines (None where the file is one JSON value).

    A line that is not JSON comes as the DataError that says so, for the caller to raise or to keep.
    """
    try:
        if file.stat().st_size > MAX_FILE:
            yield None, DataError(f"{file.stat().st_size} bytes; at most {MAX_FILE}", path=file)
            return
        text = file.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        yield None, DataError(f"cannot be read as UTF-8 text ({error})", path=file)
        return
    if file.suffix == ".jsonl":
        for number, line in enumerate(text.splitlines(), start=1):
            if line.strip():
                yield number, _json(line, file, number)
        return
    whole = _json(text, file, None)
    if isinstance(whole, list):
        for number, record in enumerate(whole, start=1):
            yield number, record
    else:
        yield None, whole


def _json(text: str, file: Path, line: int | None) -> Any:
    try:
        return json.loads(text)
    except RecursionError:
        return DataError("is nested too deeply to be JSON of this format", path=file, line=line)
    except ValueError as error:
        return DataError(f"is not JSON ({error})", path=file, line=line)


def sheet_of(record: Any, file: Path, line: int | None, source: str) -> Sheet:
    """The sheet of a record. DataError naming file and field for one that is not of the format."""
    if isinstance(record, DataError):
        raise record
    if not isinstance(record, Mapping):
        raise DataError(f"expected an object, got {type(record).__name__}", path=file, line=line)
    for key in _KEYS:
        if key not in record:
            raise DataError(
                f"is missing; an object of this format has {', '.join(_KEYS)}",
                path=file,
                line=line,
                field=key,
            )
        if not isinstance(record[key], str) or not record[key].strip():
            raise DataError(f"expected a text, got {record[key]!r:.60}", path=file, line=line, field=key)
        if len(record[key]) > MAX_FIELD:
            raise DataError(
                f"{len(record[key])} characters; at most {MAX_FIELD}", path=file, line=line, field=key
            )
    text, sections = _sections(record["question_annotated"], file, line)
    return Sheet(
        f"{source}/{_identity(record, file, line)}",
        file,
        record["question"].strip(),
        record["answer"].strip(),
        text,
        _lines(sections["init"]),
        _lines(sections.get("conditions", "")),
        sections["answer"].strip(),
        record["answer_annotated"].strip(),
    )


def _identity(record: Mapping[str, Any], file: Path, line: int | None) -> str:
    if "id_orig" not in record:
        return file.stem if line is None else f"{file.stem}-{line}"
    value = record["id_orig"]
    plain = isinstance(value, int) and not isinstance(value, bool)
    if not plain and not (isinstance(value, str) and re.fullmatch(r"[\w.-]{1,64}", value)):
        raise DataError(
            f"expected a number or a short name, got {value!r:.60}", path=file, line=line, field="id_orig"
        )
    return str(value)


def _sections(annotated: str, file: Path, line: int | None) -> tuple[str, dict[str, str]]:
    """The annotated question cut at its ``#…`` lines. ``#answer =`` counts as ``#answer:``."""
    field = "question_annotated"
    marks = list(_SECTION.finditer(annotated))
    sections: dict[str, str] = {}
    for i, mark in enumerate(marks):
        name = "conditions" if mark[1].startswith("condition") else mark[1]
        if name in sections:
            raise DataError(f"has two sections #{name}", path=file, line=line, field=field)
        end = marks[i + 1].start() if i + 1 < len(marks) else len(annotated)
        sections[name] = annotated[mark.end() : end]
    for name in ("init", "answer"):
        if not sections.get(name, "").strip():
            raise DataError(f"has no section #{name}:", path=file, line=line, field=field)
    text = annotated[: marks[0].start()].strip()
    if not text:
        raise DataError("has no text before its sections", path=file, line=line, field=field)
    return text, sections


def _lines(section: str) -> tuple[str, ...]:
    """The entries of a section, without the dash that leads each; an open bracket continues one."""
    entries: list[str] = []
    for line in section.splitlines():
        text = line.strip()
        if entries and sum(map(entries[-1].count, "([")) > sum(map(entries[-1].count, ")]")):
            entries[-1] += f" {text}"
        else:
            entries.append(text.removeprefix("-").strip())
    return tuple(entry for entry in entries if entry)
