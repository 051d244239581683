"""GSM8K, read from the hub or from local files, as :class:`rote.problem.Problem`.

The data set is Cobbe et al. 2021, "Training Verifiers to Solve Math Word Problems"; none of its text is
part of rote.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable, Iterator
from fractions import Fraction
from functools import lru_cache
from itertools import islice
from pathlib import Path
from typing import Any, Final

from rote.errors import DataError, SourceUnavailableError
from rote.problem import Problem

HUB_NAME: Final = "openai/gsm8k"
HUB_CONFIG: Final = "main"
ENV: Final = "ROTE_GSM8K"

_NUMBER = re.compile(r"[0-9][0-9,]*(?:\.[0-9]+)?")
_ANSWER = re.compile(r"-?[0-9][0-9,]*(?:\.[0-9]+)?")
_ANNOTATION = re.compile(r"<<([^<>=\n]*)=[^<>\n]*>>")

_HOW_TO_GO_LOCAL = (
    "put its train.jsonl and test.jsonl into a folder and name the folder with "
    f'{ENV}=/path or --metadata \'{{"rote": {{"gsm8k": "/path"}}}}\''
)


def read_split(split: str, folder: Path | None = None, first: int | None = None) -> tuple[Problem, ...]:
    """The problems of ``split`` ("train" or "test") in published order, all or the ``first`` ones.

    ``folder`` wins over the environment's ``ROTE_GSM8K``, and that over the hub. The ``template_id`` of
    line i (from 0) is ``gsm8k/<split>/<i>``.

    Raises
    ------
    SourceUnavailableError: no such folder or file, or the hub cannot be reached.
    DataError: a line that is not GSM8K's (names the file and line).
    """
    if folder is None and os.environ.get(ENV):
        folder = Path(os.environ[ENV]).expanduser()
    return _read(split, folder, first)


@lru_cache(maxsize=8)
def _read(split: str, folder: Path | None, first: int | None) -> tuple[Problem, ...]:
    if folder is None:
        where, records = f"{HUB_NAME} {split}", _hub_records(split, first)
    else:
        path = folder / f"{split}.jsonl"
        where, records = str(path), _file_records(path)
    return tuple(
        to_problem(record, split, number - 1, where, number) for number, record in islice(records, first)
    )


def _file_records(path: Path) -> Iterator[tuple[int, Any]]:
    try:
        stream = path.open(encoding="utf-8")
    except OSError as error:
        raise SourceUnavailableError(
            f"GSM8K: cannot read {path} ({error.strerror}); {_HOW_TO_GO_LOCAL}"
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


def _hub_records(split: str, first: int | None) -> Iterable[tuple[int, Any]]:
    import datasets

    wanted = split if first is None else f"{split}[:{first}]"
    try:
        loaded = datasets.load_dataset(HUB_NAME, HUB_CONFIG, split=wanted)
    # The hub's client has no common base for "offline", "no route", "no such host" and "gateway says no",
    # and what it raises changes between versions: whatever it is, the data did not come.
    except Exception as error:
        raise SourceUnavailableError(
            f"GSM8K: {HUB_NAME} could not be loaded from the hub "
            f"({type(error).__name__}: {error}); {_HOW_TO_GO_LOCAL}"
        ) from error
    return enumerate(loaded, 1)


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
