"""The bootstrap of a report: columns that may cover different templates."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from rote.reports.inference.bootstrap import bootstrap
from rote.reports.statistics import Interval


def bca_intervals(
    columns: Mapping[str, Mapping[str, float]], level: float, resamples: int = 9_999
) -> dict[str, Interval | None]:
    """The BCa interval of each column {template: difference}; None where there is none.

    Columns of the same templates share one matrix of weights. Others get their own, of their own size:
    how many templates a column has is a fact of the design, not of chance. Needs 2 templates a column.
    """
    groups: dict[tuple[str, ...], list[str]] = {}
    for name, values in columns.items():
        groups.setdefault(tuple(sorted(values)), []).append(name)
    found: dict[str, Interval | None] = {}
    for templates, names in groups.items():
        matrix = np.array([[columns[name][t] for name in names] for t in templates])
        for name, result in zip(names, bootstrap(matrix, level, resamples), strict=True):
            found[name] = result.bca
    return found
