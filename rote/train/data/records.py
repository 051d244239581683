"""Files of a user's own: rows with a worked solution, and reasoning traces in s1K's shape."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, NamedTuple

from rote.answers import extract
from rote.errors import DataError, MissingExtraError
from rote.rational import format_number, parse_number
from rote.train.rows import Row

#: Files that are read from a folder.
_SUFFIXES: Final = (".jsonl", ".parquet")


class Trace(NamedTuple):
    """Where a row keeps what a teacher thought, and what it then wrote."""

    thinking: str
    attempt: str


#: s1K has the first (the thinking a list of texts), s1K-1.1 the others. The first right one is taken.
TRACES: Final = (
    Trace("thinking_trajectories", "attempt"),
    Trace("deepseek_thinking_trajectory", "deepseek_attempt"),
    Trace("gemini_thinking_trajectory", "gemini_attempt"),
)

#: Reasons for which a trace is left out.
NO_NUMBER: Final = "trace: its solution gives no one number as the answer"
NO_THINKING: Final = "trace: it has no thinking"
WRONG: Final = "trace: no attempt of the teacher's comes to the answer"
TAGGED: Final = "trace: its thinking holds a <think> or </think> tag"


@dataclass(frozen=True, slots=True)
class Record:
    """One record of a file: ``line`` counts from 1 (in a parquet file, rows)."""

    path: Path
    name: str
    line: int
    value: Mapping[str, Any]

    def text(self, field: str) -> str:
        """The text of a field. Raises DataError when it is missing, empty or no text."""
        value = self.value.get(field)
        if isinstance(value, str) and value.strip():
            return value
        told = f"got {value!r:.80}" if field in self.value else f"it has {', '.join(sorted(self.value))}"
        raise DataError(
            f"expected a text that is not empty, {told}", path=self.path, line=self.line, field=field
        )

    @property
    def id(self) -> str:
        return f"{self.name}/{self.line}"


def read_records(path: str) -> list[Record]:
    """The records of a file (``*.jsonl``, ``*.parquet``), or of all such files of a folder by name.

    A record's name is the file's with a hash of its content, so that it is the same wherever the file lies.

    Raises DataError for a missing or unreadable file, a folder without any, a line that is no JSON object,
    and a file without records.
    """
    place = Path(path).expanduser()
    files = [place]
    if place.is_dir():
        files = sorted(
            (file for suffix in _SUFFIXES for file in place.glob(f"*{suffix}")), key=lambda f: f.name
        )
        if not files:
            raise DataError(f"holds no {' or '.join('*' + s for s in _SUFFIXES)} file", path=place)
    elif not place.exists():
        raise DataError("no such file or folder", path=place)
    elif place.suffix not in _SUFFIXES:
        raise DataError(f"is no {' or '.join('*' + s for s in _SUFFIXES)} file", path=place)
    records = [record for file in files for record in _read(file)]
    if not records:
        raise DataError("holds no rows", path=place)
    return records


def _read(file: Path) -> Iterator[Record]:
    try:
        content = file.read_bytes()
    except OSError as error:
        raise DataError(f"cannot be read ({error.strerror})", path=file) from None
    name = f"{file.stem}-{hashlib.sha256(content).hexdigest()[:8]}"
    values = _parquet(file) if file.suffix == ".parquet" else _lines(file, content)
    for line, value in values:
        if not isinstance(value, dict):
            raise DataError(f"expected an object, got {type(value).__name__}", path=file, line=line)
        yield Record(file, name, line, value)


def _lines(file: Path, content: bytes) -> Iterator[tuple[int, Any]]:
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise DataError(f"not UTF-8 text: {error}", path=file) from None
    # not splitlines(): a text may hold other characters that it takes for the end of a line
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        try:
            yield number, json.loads(line)
        except json.JSONDecodeError as error:
            raise DataError(f"not a JSON object: {error}", path=file, line=number) from None


def _parquet(file: Path) -> Iterator[tuple[int, Any]]:
    try:
        import datasets
    except ImportError:
        raise MissingExtraError("datasets", "train") from None
    try:
        table = datasets.Dataset.from_parquet(str(file))
    except (OSError, ValueError, datasets.exceptions.DatasetsError) as error:
        told = " ".join(str(error).split())[:200]
        raise DataError(f"is not a parquet file: {told}", path=file) from None
    yield from enumerate((dict(row) for row in table), 1)


def jsonl_row(record: Record) -> Row:
    """A row of ``question`` and ``solution``, or ``question`` and ``answer``, ending in ``#### <number>``.

    A ``solution`` without such a line needs the number in ``answer``, and gets the line. Raises DataError.
    """
    question = record.text("question")
    if "solution" not in record.value:
        if "answer" not in record.value:
            told = ", ".join(sorted(record.value)) or "nothing"
            raise DataError(
                f"expected 'question' with 'solution' or 'answer'; it has {told}",
                path=record.path,
                line=record.line,
                field="solution",
            )
        solution, gold = _with_answer(record, "answer")
    elif "####" in record.text("solution") or "answer" not in record.value:
        solution, gold = _with_answer(record, "solution")
    else:
        gold = _number(record, "answer", str(record.value["answer"]))
        solution = f"{record.text('solution').rstrip()}\n#### {gold}"
    return Row(
        id=f"jsonl/{record.id}",
        source="jsonl",
        template_id=f"jsonl/{record.id}",
        variant="original",
        question=question,
        solution=solution,
        answer=gold,
    )


def _with_answer(record: Record, field: str) -> tuple[str, str]:
    solution = record.text(field)
    _, mark, answer = solution.rpartition("####")
    if not mark:
        raise DataError(
            f"expected a last line '#### <number>', got ...{solution[-60:]!r}",
            path=record.path,
            line=record.line,
            field=field,
        )
    return solution, _number(record, field, answer)


def _number(record: Record, field: str, text: str) -> str:
    try:
        return format_number(parse_number(text.strip().replace(",", "").removeprefix("$")))
    except ValueError:
        raise DataError(
            f"expected a number such as 18, 2.5 or 5/3 as the answer, got {text.strip()!r:.80}",
            path=record.path,
            line=record.line,
            field=field,
        ) from None


def trace_row(record: Record) -> Row | str:
    """A reasoning trace as a row, or the reason why it is none.

    Its answer is the number that ``solution`` commits to. What is trained on is the thinking and attempt
    of a teacher who came to that answer. A number that merely closes a solution counts as its answer only
    where an attempt marks the same number as its own.

    Raises DataError where ``question``, ``solution`` or every pair of thinking and attempt is missing.
    """
    question, solution = record.text("question"), record.text("solution")
    pairs = [pair for pair in TRACES if pair.thinking in record.value]
    if not pairs:
        raise DataError(
            f"expected one of {', '.join(pair.thinking for pair in TRACES)}; "
            f"it has {', '.join(sorted(record.value))}",
            path=record.path,
            line=record.line,
            field=TRACES[0].thinking,
        )
    found = extract(solution)
    if found.quantity is None or found.quantity.kind != "number":
        return NO_NUMBER
    thinking, attempt, reason = _right(record, pairs, str(found.quantity))
    if reason:
        return reason
    return Row(
        id=f"traces/{record.id}",
        source="traces",
        template_id=f"traces/{record.id}",
        variant="original",
        question=question,
        solution=f"{attempt}\n#### {found.quantity}",
        answer=str(found.quantity),
        thinking=thinking,
    )


def _right(record: Record, pairs: Sequence[Trace], gold: str) -> tuple[str, str, str]:
    """Thinking and attempt of the first teacher who is right; else the reason why there is none."""
    reason = NO_THINKING
    for pair in pairs:
        thinking = _thinking(record, pair.thinking)
        if not thinking:
            continue
        if "<think>" in thinking or "</think>" in thinking:
            reason = TAGGED
            continue
        if pair.attempt not in record.value:
            raise DataError(
                f"is missing beside {pair.thinking}; it has {', '.join(sorted(record.value))}",
                path=record.path,
                line=record.line,
                field=pair.attempt,
            )
        attempt = record.value[pair.attempt]
        said = extract(attempt) if isinstance(attempt, str) else None
        if said is not None and said.stage != "trailing" and said.text == gold:
            return thinking, str(attempt).strip(), ""
        reason = WRONG
    return "", "", reason


def _thinking(record: Record, field: str) -> str:
    """A text, or the texts of a list with a blank line between them; empty for null."""
    value = record.value[field]
    parts = value if isinstance(value, list) else [] if value is None else [value]
    if not all(isinstance(part, str) for part in parts):
        raise DataError(
            f"expected a text or a list of texts, got {value!r:.80}",
            path=record.path,
            line=record.line,
            field=field,
        )
    return "\n\n".join(part.strip() for part in parts if part.strip())
