"""GSM8K's files and records: lines of JSON with a question and a worked answer.

The data set is Cobbe et al. 2021, "Training Verifiers to Solve Math Word Problems"; none of its text is
part of rote.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any, Final

from rote.errors import DataError, SourceUnavailableError
from rote.problem import Problem

ENV: Final = "ROTE_GSM8K"

#: The data set on the hub, and its configurations: short solutions, or solutions as questions and answers.
HUB_NAME: Final = "openai/gsm8k"
HUB_CONFIG: Final = "main"
HUB_SOCRATIC: Final = "socratic"

_NUMBER = re.compile(r"[0-9][0-9,]*(?:\.[0-9]+)?")
_ANSWER = re.compile(r"-?[0-9][0-9,]*(?:\.[0-9]+)?")
_ANNOTATION = re.compile(r"<<([^<>=\n]*)=[^<>\n]*>>")

#: What to do where the data cannot be had.
HOW_TO_GO_LOCAL: Final = (
    "put its train.jsonl and test.jsonl into a folder and name the folder with "
    f'{ENV}=/path or --metadata \'{{"rote": {{"gsm8k": "/path"}}}}\''
)


def local_folder(path: str | Path | None = None) -> Path | None:
    """The folder of local files: ``path``, else the environment's ``ROTE_GSM8K``, else None."""
    if path is not None:
        return Path(path).expanduser()
    return Path(os.environ[ENV]).expanduser() if os.environ.get(ENV) else None


def file_records(path: Path) -> Iterator[tuple[int, Any]]:
    """The records of a JSON-lines file with their 1-based line numbers.

    Raises SourceUnavailableError when it cannot be read, DataError for a line that is no JSON.
    """
    try:
        stream = path.open(encoding="utf-8")
    except OSError as error:
        raise SourceUnavailableError(
            f"GSM8K: cannot read {path} ({error.strerror}); {HOW_TO_GO_LOCAL}"
        ) from error
    with stream:
        try:
            for number, line in enumerate(stream, 1):
                try:
                    yield number, json.loads(line)
                except json.JSONDecodeError as error:
                    raise DataError(f"not a JSON object: {error}", path=path, line=number) from error
        except UnicodeDecodeError as error:
            raise DataError(f"not UTF-8 text: {error}", path=path) from error


def to_problem(record: Any, split: str, index: int, path: str, line: int) -> Problem:
    """One GSM8K record (``question``, ``answer`` ending in ``#### <number>``) as a problem.

    ``path`` and ``line`` say where it stood, for the errors. Raises DataError.
    """
    if not isinstance(record, dict):
        raise DataError(f"expected an object, got {type(record).__name__}", path=path, line=line)
    for field in ("question", "answer"):
        if not isinstance(record.get(field), str) or not record[field].strip():
            raise DataError(
                f"expected a text that is not empty, got {record.get(field)!r:.80}",
                path=path,
                line=line,
                field=field,
            )
    question, solution = record["question"], record["answer"]
    before, mark, after = solution.rpartition("####")
    if not mark or "####" in before or not _ANSWER.fullmatch(after.strip()):
        raise DataError(
            f"expected one '#### <number>' at the end, got ...{solution[-60:]!r}",
            path=path,
            line=line,
            field="answer",
        )
    answer = Fraction(after.strip().replace(",", ""))
    template_id = f"gsm8k/{split}/{index}"
    return Problem(
        id=f"{template_id}/original",
        source="gsm8k",
        template_id=template_id,
        original_id=f"{template_id}/original",
        variant="original",
        seed=0,
        index=0,
        question=question,
        solution=solution,
        answer=answer,
        covariates=_covariates(question, solution, answer),
    )


def _covariates(question: str, solution: str, answer: Fraction) -> dict[str, int | float]:
    """The facts of :class:`Problem`'s ``covariates``, as far as the published text gives them.

    ``largest_number`` is missing without a number in digits, ``operations`` (operators inside the
    calculator annotations) without annotations.
    """
    facts: dict[str, int | float] = {}
    numbers = [Fraction(text.replace(",", "")) for text in _NUMBER.findall(question)]
    if numbers:
        largest = max(numbers)
        facts["largest_number"] = int(largest) if largest.denominator == 1 else float(largest)
    facts["answer_digits"] = len(str(abs(int(answer))))
    annotations = _ANNOTATION.findall(solution)
    if annotations:
        # A leading sign is no operation.
        facts["operations"] = sum(
            sum(character in "+-*/" for character in text.strip()[1:]) for text in annotations
        )
    facts["characters"] = len(question)
    return facts
