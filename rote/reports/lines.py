"""Lines of a samples file as a report needs them: read by :mod:`rote.logs.rows`, scores made alike.

What is put into the shape that lm-eval 0.4.13 writes:

- ``filter`` is not logged before 0.4.7: a task's filters are then told by the order of a document's lines
  (:func:`filter_names`);
- NumPy's values stand as text in some logs, ``np.float64(1.0)`` and the like.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from rote.errors import LogError
from rote.logs import rows
from rote.reports.fields import one_line
from rote.reports.records import Where

#: Metrics of rote that are kept of a sample, where they are logged and are numbers.
METRICS: Final = ("agreement", "looping", "truncated", "step_consistency", "grounded", "unknowns_right")

#: 0/1 metrics that :func:`rote.reports.samples.parse_sample` reads.
FLAGS: Final = ("exact_match", "format_ok", "invalid", "trapped")

#: Numbers beyond are not kept: no measure is as large, and whole ones may be too large for a float.
_LARGEST: Final = 1e300

_NUMPY: Final = re.compile(r"(?:np|numpy)\.(?:\w{1,20}\((.{1,60})\)|(True|False)_)")

#: Kinds of mistakes and of invalid answers are logged as numbers, one key each.
_ERROR: Final = "error_"


def read_lines(path: Path) -> Iterator[tuple[Where, dict[str, Any]]]:
    """The samples of a file, blank lines left out. Raises LogError, naming the line, on what is none."""
    name = str(path)
    for number, offset, raw in rows.read_lines(path):
        where = Where(name, number, offset)
        yield where, parse_line(raw, where)


def parse_line(raw: bytes, where: Where) -> dict[str, Any]:
    """One line -> a sample with a table ``doc``, in the newest shape. Raises LogError on anything else."""
    try:
        record, clean = rows.read_record(raw)
        if not clean:
            raise rows.Fault("", "is not UTF-8 (`rote score` writes logs that keep its bytes in escapes)")
        doc = rows.doc_of(record)
    except rows.Fault as fault:
        raise fault.at(where.path, where.line) from None
    _modernise(record, doc)
    return record


def _modernise(record: dict[str, Any], doc: Mapping[str, Any]) -> None:
    for name in FLAGS:
        value = record.get(name)
        if isinstance(value, str) and (match := _NUMPY.fullmatch(value.strip())):
            record[name] = match[1] or match[2]
    covariates = doc.get("covariates")
    if isinstance(covariates, dict):
        for name in [k for k, v in covariates.items() if type(v) is int and not -_LARGEST < v < _LARGEST]:
            del covariates[name]


def filter_names(config: Mapping[str, Any]) -> tuple[str, ...]:
    """The names of a task's filters, in the order in which lm-eval goes through them; empty when not told."""
    listed = config.get("filter_list")
    names = [f.get("name") for f in listed if isinstance(f, dict)] if isinstance(listed, list) else []
    return tuple(n for n in names if isinstance(n, str)) if all(isinstance(n, str) for n in names) else ()


def metrics_of(record: Mapping[str, Any]) -> tuple[tuple[str, float], ...]:
    """Those of :data:`METRICS` that the sample has as finite numbers; what does not apply is left out."""
    found = []
    for name in METRICS:
        value = record.get(name)
        # The comparison leaves out NaN as well.
        if isinstance(value, (int, float)) and -_LARGEST < value < _LARGEST:
            found.append((name, float(value)))
    return tuple(found)


def error_of(record: Mapping[str, Any]) -> str | None:
    """The class of the mistake that the log names (its ``error_<class>`` is 1); None where it names none."""
    for key, value in record.items():
        if key.startswith(_ERROR) and value in (1, "1", "1.0"):
            return sys.intern(one_line(key.removeprefix(_ERROR), 40))
    return None


def runs_of(record: Mapping[str, Any], where: Where) -> tuple[bool, ...]:
    """Whether each of several responses was right, as ``rote eval --repeats`` logs it under ``runs``.

    Empty where a single score stands for them all. Raises LogError where the list is no list of 0 and 1, as
    long as there are responses, whose first is ``exact_match``; Fault where there are no such responses.
    """
    runs = record.get("runs")
    if runs is None:
        return ()
    count = len(rows.responses_of(record))
    sound = isinstance(runs, list) and all(isinstance(r, (int, float)) and r in (0, 1) for r in runs)
    if not sound or len(runs) != count:
        raise LogError(
            f"is {one_line(repr(runs), 60)}; it must be a list of 0 and 1, one for each of {count} responses",
            path=where.path,
            line=where.line,
            field="runs",
        )
    return tuple(bool(r) for r in runs)
