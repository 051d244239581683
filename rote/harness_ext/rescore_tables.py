"""The tables of metrics that rescored logs are put into."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from rote.harness_ext import repeats, scoring
from rote.metrics import LABELS, mean_present


def aggregate(columns: Mapping[str, Sequence[Any]]) -> dict[str, Any]:
    """``metric,none`` and ``metric_stderr,none`` of each metric that is a number, as in lm-eval's results.

    Means leave out what is absent (None). The standard error is that of a mean, sd / √n, and ``N/A`` where
    lm-eval has none: below two values, and for every other aggregation than its own mean.
    """
    table: dict[str, Any] = {}
    for key, values in columns.items():
        if key in LABELS:
            continue
        declared = scoring.METRICS.get(key)
        if key in repeats.LISTS:
            table[f"{key},none"] = repeats.aggregation_of(key)(values)
            table[f"{key}_stderr,none"] = "N/A"
        elif declared is not None and declared.aggregation != "mean":
            table[f"{key},none"] = getattr(scoring, declared.aggregation)(values)
            table[f"{key}_stderr,none"] = "N/A"
        else:
            there = [value for value in values if value is not None]
            table[f"{key},none"] = mean_present(there)
            table[f"{key}_stderr,none"] = _stderr(there)
    return table


def _stderr(values: Sequence[float]) -> float | str:
    n = len(values)
    if n < 2:
        return "N/A"
    middle = math.fsum(values) / n
    return math.sqrt(math.fsum((value - middle) ** 2 for value in values) / (n - 1) / n)


def higher_is_better(key: str) -> bool | None:
    """Whether more of a metric is better; None where neither is."""
    declared = scoring.METRICS.get(key)
    if declared is not None:
        return declared.higher_is_better
    return repeats.HIGHER.get(key, key != "invalid")


def facts(table: Mapping[str, Any]) -> dict[str, Any]:
    """What a task's table of results holds beside metrics."""
    return {key: value for key, value in table.items() if "," not in key}
