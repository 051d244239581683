"""Grading a JSON-lines file: one record in, one verdict out, in order."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TypedDict

from rote.answers.grader import grade
from rote.errors import DataError


class Verdict(TypedDict):
    """What is printed for one record; ``value`` is canonical text (``18``, ``5/3``, ``3:30``) or None."""

    value: str | None
    correct: bool
    stage: str | None
    reason: str | None


class _Literal(str):
    """The digits of a JSON number: a gold of 0.1 is a tenth, and a long integer is no crash."""


def grade_lines(lines: Iterable[bytes], path: str | Path) -> Iterator[Verdict]:
    """Grade records ``{"response": …, "gold": …}``, one a line, other fields ignored.

    ``gold`` is a string ("72", "$1,080", "5/3", "3:30") or a JSON number, which is read exactly.
    Raises DataError, naming ``path`` and the line, at the first line that is not such a record; the
    verdicts of the lines before it have been given by then.
    """
    for number, line in enumerate(lines, start=1):
        record = _record(line, path, number)
        response, gold = record.get("response"), record.get("gold")
        for field in ("response", "gold"):
            if field not in record:
                raise DataError("the field is missing", path=path, line=number, field=field)
        if not isinstance(response, str) or isinstance(response, _Literal):
            message = f"expected a string, got {_shown(response)}"
            raise DataError(message, path=path, line=number, field="response")
        if not isinstance(gold, str):
            message = f"expected a string or a number, got {_shown(gold)}"
            raise DataError(message, path=path, line=number, field="gold")
        try:
            verdict = grade(response, gold)
        except ValueError as error:
            raise DataError(str(error), path=path, line=number, field="gold") from None
        found = verdict.extraction
        yield Verdict(value=found.text, correct=verdict.correct, stage=found.stage, reason=found.reason)


def _record(line: bytes, path: str | Path, number: int) -> dict[str, object]:
    try:
        text = line.decode("utf-8-sig" if number == 1 else "utf-8")
        record = json.loads(text, parse_float=_Literal, parse_int=_Literal)
    except UnicodeDecodeError as error:
        raise DataError(f"not UTF-8: {error}", path=path, line=number) from None
    except (ValueError, RecursionError) as error:
        detail = f"{error.msg} at column {error.colno}" if isinstance(error, json.JSONDecodeError) else error
        what = "an empty line" if not line.strip() else f"not JSON: {detail}"
        raise DataError(f'{what} (right: {{"response": …, "gold": …}})', path=path, line=number) from None
    if not isinstance(record, dict):
        raise DataError(f"expected an object, got {_shown(record)}", path=path, line=number)
    return record


def _shown(value: object) -> str:
    text = str(value) if isinstance(value, _Literal) else json.dumps(value)
    return text if len(text) <= 60 else text[:57] + "…"
