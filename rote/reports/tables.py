"""The table of a results file against the samples beside it: the accuracy that it states must be theirs.

lm-eval writes both from the same scores. Where they differ, a file was edited, cut, or taken from another
run, and nobody can say which of the two is meant: that is an error. What cannot be compared (no such metric
in the table, no number) is told as a warning.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from rote.errors import LogError
from rote.reports.fields import one_line

#: The metric that every task of rote has, a mean over documents.
METRIC: Final = "exact_match"

#: Differences up to the first are rounding of sums; a table rounded to 3 decimals is off by up to the second.
_EXACT: Final = 1e-6
_ROUNDED: Final = 5e-4

_NUMPY: Final = re.compile(r"(?:np|numpy)\.\w{1,20}\((.{1,60})\)")


@dataclass(slots=True)
class Tally:
    """Scores of one task under one filter, as they are read."""

    lines: int = 0
    right: int = 0
    first_right: int = 0
    ids: set[str] = field(default_factory=set)

    def add(self, document: str, right: bool) -> None:
        """One line; a document may stand in several."""
        self.lines += 1
        self.right += right
        if document not in self.ids:
            self.ids.add(document)
            self.first_right += right

    @property
    def means(self) -> tuple[float, float]:
        """Mean over lines, and over documents, each at its first line."""
        return self.right / self.lines, self.first_right / len(self.ids)


def check(
    path: Path, task: str, results: Mapping[str, Any], tallies: Mapping[str, Tally], samples: Path
) -> list[str]:
    """Compare the table of ``task`` in the results file ``path`` with ``samples``, by filter; warnings.

    Raises LogError, naming file, task, metric and both values, where they contradict each other.
    """
    table = results["results"].get(task)
    if not isinstance(table, dict):
        return [f"{path}: holds no results of {task}, which its samples could be compared with."]
    if not _is_mean(results["configs"].get(task) or {}):
        return []
    warnings = []
    for name, tally in sorted(tallies.items()):
        key = _key(table, name, alone=len(tallies) == 1)
        if key is None:
            warnings.append(
                f"{path}: its table of {task} has no {METRIC} under the filter {one_line(name, 60)}; "
                "what the samples say could not be compared with it."
            )
            continue
        stated = _number(table[key])
        if stated is None:
            warnings.append(
                f"{path}: its table of {task} says {one_line(repr(table[key]), 40)} for {key}, which is no "
                "number; what the samples say could not be compared with it."
            )
        elif all(abs(stated - mean) > _tolerance(stated) for mean in tally.means):
            raise _contradiction(path, task, results, key, stated, tally, samples)
    return warnings


def _contradiction(
    path: Path,
    task: str,
    results: Mapping[str, Any],
    key: str,
    stated: float,
    tally: Tally,
    samples: Path,
) -> LogError:
    count = (results["n-samples"].get(task) or {}).get("effective")
    of = f" of {count:,} documents" if isinstance(count, int) and not isinstance(count, bool) else ""
    return LogError(
        f"says {stated:.6g}{of} for task {task}, while the mean of its samples is {tally.means[0]:.6g} "
        f"({len(tally.ids):,} documents in {samples.name}): one of the two files was edited or cut, "
        "or they are of two runs",
        path=path,
        field=f"results.{task}.{key}",
    )


def _is_mean(config: Mapping[str, Any]) -> bool:
    """Whether the task averages the metric over documents, as far as its config tells."""
    listed = config.get("metric_list")
    for entry in listed if isinstance(listed, list) else ():
        if isinstance(entry, dict) and entry.get("metric") == METRIC:
            return "mean" in str(entry.get("aggregation", "mean"))
    return True


def _key(table: Mapping[str, Any], name: str, *, alone: bool) -> str | None:
    """Where the table has the metric: under its filter, or under the only one where a log names none."""
    if (exact := f"{METRIC},{name}") in table:
        return exact
    others = [key for key in table if key.startswith(f"{METRIC},")]
    if alone and name == "none" and len(others) == 1:
        return others[0]
    return METRIC if alone and not others and METRIC in table else None


def _number(value: Any) -> float | None:
    """A stated value as a finite number; versions differ in whether NumPy's stand as text."""
    if isinstance(value, str):
        match = _NUMPY.fullmatch(value.strip())
        value = match[1] if match else value
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None


def _tolerance(stated: float) -> float:
    """Half a unit of the last decimal that is stated, within ``_EXACT`` and ``_ROUNDED``."""
    decimals = len(repr(stated).partition(".")[2])
    return min(_ROUNDED, max(_EXACT, 0.5 * 10.0**-decimals))
