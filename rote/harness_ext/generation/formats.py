"""How a shard is written: JSON lines, or Parquet with a column for each field of an instance."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Iterator, Mapping
from importlib.util import find_spec
from itertools import islice
from pathlib import Path
from typing import Any, Final

from rote.errors import DataError, UsageError
from rote.harness_ext.generation.sequence import line
from rote.problem import Problem

#: Formats by name, with the suffix of their files.
FORMATS: Final = {"parquet": ".parquet", "jsonl": ".jsonl"}

#: Rows that are made into columns at a time: what bounds the memory of one worker.
_GROUP: Final = 8192

#: The fields of an inert clause's factors and of the covariates, which Parquet must know beforehand.
_FACTORS: Final = ("topic", "role", "magnitude", "position")
_COVARIATES: Final = ("largest_number", "answer_digits", "operations", "characters")


def check_format(name: str) -> None:
    """Raises UsageError: an unknown format, or one whose library is not installed."""
    if name not in FORMATS:
        raise UsageError(f"unknown format {name!r}; known are {', '.join(FORMATS)}")
    if name == "parquet" and find_spec("pyarrow") is None:
        raise UsageError(
            "--format parquet needs pyarrow, which is not installed: pip install pyarrow (or --format jsonl)"
        )


def write_shard(name: str, problems: Iterable[Problem], path: Path) -> int:
    """Write instances in one of the formats; returns how many. The same instances give the same bytes."""
    return (_write_parquet if name == "parquet" else _write_lines)(problems, path)


def rows_in(name: str, path: Path) -> int | None:
    """How many rows a shard holds; None where it is cut off or of another format."""
    if name == "parquet":
        import pyarrow
        from pyarrow import parquet

        try:
            return int(parquet.read_metadata(path).num_rows)
        except (pyarrow.ArrowException, OSError):
            return None
    with path.open("rb") as file:
        count, last = 0, b"\n"
        while block := file.read(1 << 20):
            count, last = count + block.count(b"\n"), block[-1:]
    return count if last == b"\n" else None


def _write_lines(problems: Iterable[Problem], path: Path) -> int:
    count = 0
    with path.open("w", encoding="utf-8", newline="\n") as file:
        for problem in problems:
            file.write(line(problem))
            count += 1
    return count


def _write_parquet(problems: Iterable[Problem], path: Path) -> int:
    import pyarrow
    from pyarrow import parquet

    count = 0
    schema = parquet_schema()
    with parquet.ParquetWriter(path, schema, compression="zstd") as writer:
        for group in _groups(problems):
            rows = [_checked(problem) for problem in group]
            writer.write_table(pyarrow.Table.from_pylist(rows, schema=schema))
            count += len(rows)
    return count


def _groups(problems: Iterable[Problem]) -> Iterator[list[Problem]]:
    left = iter(problems)
    while group := list(islice(left, _GROUP)):
        yield group


@functools.cache
def parquet_schema() -> Any:
    """The columns: those of :meth:`rote.problem.Problem.to_doc`; answers stay text, which is exact.

    ``covariates.largest_number`` is a floating-point number, as some are amounts of money.
    """
    import pyarrow as pa

    text, whole = pa.string(), pa.int64()
    clause = pa.struct(
        [
            ("family", text),
            ("factors", pa.struct([(name, text) for name in _FACTORS])),
            ("number", text),
            ("span", pa.list_(whole)),
            ("proof", pa.list_(text)),
        ]
    )
    names = ("id", "source", "template_id", "original_id", "variant")
    return pa.schema(
        [
            *((name, text) for name in names),
            ("seed", whole),
            ("index", whole),
            *((name, text) for name in ("question", "solution", "answer")),
            ("traps", pa.list_(pa.struct([("value", text), ("how", text)]))),
            ("noop", pa.list_(clause)),
            (
                "covariates",
                pa.struct(
                    [(name, pa.float64() if name == "largest_number" else whole) for name in _COVARIATES]
                ),
            ),
        ]
    )


def _checked(problem: Problem) -> dict[str, Any]:
    """The record; pyarrow would leave out a key that the schema lacks without a word."""
    doc = problem.to_doc()
    _known(problem, "covariates", doc["covariates"], _COVARIATES)
    for clause in doc["noop"]:
        _known(problem, "noop.factors", clause["factors"], _FACTORS)
    return doc


def _known(problem: Problem, field: str, found: Mapping[str, Any], known: tuple[str, ...]) -> None:
    if extra := sorted(found.keys() - set(known)):
        raise DataError(
            f"has {extra[0]!r}, for which --format parquet has no column; use --format jsonl",
            field=f"{problem.id} {field}",
        )
