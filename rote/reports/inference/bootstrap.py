"""Cluster bootstrap over templates: one matrix of weights, shared by all columns.

A column is one comparison (a model and a variant) with one difference a template. Resampling templates
gives each of them a count; the resampled means of all columns are one product of counts and columns. That
the counts are shared keeps what columns have in common, which comparisons between columns need.

Sources
-------
Efron (1987), "Better bootstrap confidence intervals", JASA 82 (BCa; acceleration by the jackknife).
DiCiccio & Efron (1996), "Bootstrap confidence intervals", Statistical Science 11, sections 2 and 6.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass
from threading import Lock
from typing import Final

import numpy as np
import numpy.typing as npt

from rote.errors import DataError
from rote.reports.statistics import LEVEL, Interval

FloatArray = npt.NDArray[np.float64]

#: Resamples of every bootstrap unless another number is asked for.
RESAMPLES: Final = 9_999
#: Seed of the weights: any number, but the same in every report.
SEED: Final = 20_260_101
#: Bytes that a chunk of the weights may take as float64.
CHUNK_BYTES: Final = 1 << 23
#: Bytes of weights kept for later calls: a matrix of 1,319 templates and 9,999 resamples takes 13 MB.
KEPT_BYTES: Final = 1 << 26
#: Resampled means nearer to the estimate than this are equal to it: sums in another order differ by rounding.
TIE: Final = 1e-12


@dataclass(frozen=True, slots=True)
class Bootstrap:
    """Outcome of :func:`bootstrap`: per column the mean, its standard error and two intervals.

    ``percentile`` and ``bca`` are None for a column whose differences are all equal: resampling it gives
    the same mean always, and certainty is never claimed from that.
    """

    estimate: float
    standard_error: float
    percentile: Interval | None
    bca: Interval | None


def weights(
    templates: int, resamples: int = RESAMPLES, seed: int = SEED, *, chunk_bytes: int = CHUNK_BYTES
) -> Iterator[FloatArray]:
    """Multinomial counts in chunks of shape (rows, templates); ``resamples`` rows in all.

    A row counts how often each template is drawn in ``templates`` draws with replacement. The stream
    does not depend on ``chunk_bytes``. Weights are a fact of the three numbers alone, so those last used are
    kept, up to ``KEPT_BYTES`` in all, at one byte a count.
    """
    if templates < 1 or resamples < 1:
        raise DataError(
            f"are {templates} and {resamples}; at least 1 is needed", field="templates, resamples"
        )
    rows = max(1, min(resamples, chunk_bytes // (8 * templates)))
    key = (templates, resamples, seed)
    kept = _KEPT.find(key)
    if kept is not None:
        yield from (kept[at : at + rows].astype(np.float64) for at in range(0, resamples, rows))
        return
    drawn = _drawn(templates, resamples, seed, rows)
    if templates * resamples > KEPT_BYTES:
        yield from (counts.astype(np.float64) for counts in drawn)
        return
    matrix = np.empty((resamples, templates), dtype=np.uint8)
    at, fits = 0, True
    for counts in drawn:
        fits = fits and int(counts.max()) <= np.iinfo(np.uint8).max
        if fits:
            matrix[at : at + len(counts)] = counts
        at += len(counts)
        yield counts.astype(np.float64)
    if fits:
        matrix.flags.writeable = False
        _KEPT.keep(key, matrix)


def _drawn(templates: int, resamples: int, seed: int, rows: int) -> Iterator[npt.NDArray[np.int64]]:
    """The counts, drawn anew, at most ``rows`` rows at a time."""
    # Philox' raw stream, not Generator.integers: NumPy may change the latter between versions.
    source = np.random.Philox(key=seed)
    offsets = (np.arange(rows, dtype=np.int64) * templates)[:, None]
    left = resamples
    while left:
        rows = min(rows, left)
        raw = source.random_raw(rows * templates)
        # 32 bits scaled to 0..templates-1: the bias is below templates / 2**32.
        drawn = ((raw >> np.uint64(32)) * np.uint64(templates)) >> np.uint64(32)
        places = drawn.astype(np.int64).reshape(rows, templates) + offsets[:rows]
        counts = np.bincount(places.ravel(), minlength=rows * templates)
        yield counts.reshape(rows, templates)
        left -= rows


class _Kept:
    """The matrices of weights last used, bounded in bytes; the one unused for longest goes first."""

    def __init__(self, most_bytes: int) -> None:
        self._most = most_bytes
        self._held: OrderedDict[tuple[int, int, int], npt.NDArray[np.uint8]] = OrderedDict()
        self._lock = Lock()

    def find(self, key: tuple[int, int, int]) -> npt.NDArray[np.uint8] | None:
        with self._lock:
            if key in self._held:
                self._held.move_to_end(key)
            return self._held.get(key)

    def keep(self, key: tuple[int, int, int], matrix: npt.NDArray[np.uint8]) -> None:
        with self._lock:
            self._held[key] = matrix
            self._held.move_to_end(key)
            while sum(held.nbytes for held in self._held.values()) > self._most:
                self._held.popitem(last=False)


_KEPT: Final = _Kept(KEPT_BYTES)


def resampled_means(columns: FloatArray, resamples: int = RESAMPLES, seed: int = SEED) -> FloatArray:
    """Means of all columns under shared weights: shape (G, C) -> (resamples, C).

    NaN says that a column lacks a template; its mean is over those that it has. A resample that drew none
    of them (possible for columns of very few templates) gives the column's own mean.
    """
    values = _columns(columns)
    present = ~np.isnan(values)
    filled = np.where(present, values, 0.0)
    complete = bool(present.all())
    own = filled.sum(axis=0) / present.sum(axis=0)
    means = np.empty((resamples, values.shape[1]))
    masks = present.astype(np.float64)
    at = 0
    for chunk in weights(values.shape[0], resamples, seed):
        sums = chunk @ filled
        if complete:
            block = sums / values.shape[0]
        else:
            drawn = chunk @ masks
            block = np.where(drawn > 0, sums / np.maximum(drawn, 1.0), own)
        means[at : at + len(chunk)] = block
        at += len(chunk)
    return means


def bootstrap(
    columns: npt.ArrayLike, level: float = LEVEL, resamples: int = RESAMPLES, seed: int = SEED
) -> list[Bootstrap]:
    """Percentile and BCa intervals of the mean of each column, shape (G, C) with NaN where one is missing.

    Needs 2 templates in every column. The acceleration is the jackknife's, which for a mean is
    sum((d - mean)**3) / (6 * sum((d - mean)**2)**1.5).
    """
    from scipy.special import ndtr, ndtri

    if not 0 < level < 1:
        raise DataError(f"is {level}; it must lie strictly between 0 and 1", field="level")
    values = _columns(columns)
    sizes = (~np.isnan(values)).sum(axis=0)
    estimates = np.nansum(values, axis=0) / sizes
    centred = np.where(np.isnan(values), 0.0, values - estimates)
    squares = (centred**2).sum(axis=0)
    errors = np.sqrt(squares / (sizes - 1) / sizes)
    varies = np.nanmax(values, axis=0) > np.nanmin(values, axis=0)

    means = np.sort(resampled_means(values, resamples, seed), axis=0)
    tails = np.array([(1 - level) / 2, (1 + level) / 2])
    result = []
    for c, estimate in enumerate(estimates.tolist()):
        if not varies[c] or squares[c] == 0:
            result.append(Bootstrap(estimate, 0.0, None, None))
            continue
        column = means[:, c]
        below = np.searchsorted(column, estimate - TIE, side="left")
        upto = np.searchsorted(column, estimate + TIE, side="right")
        bias = ndtri((below + upto) / 2 / resamples)
        acceleration = (centred[:, c] ** 3).sum() / (6 * squares[c] ** 1.5)
        z = bias + ndtri(tails)
        shifted = ndtr(bias + z / (1 - acceleration * z))
        result.append(
            Bootstrap(
                estimate,
                float(errors[c]),
                _interval(column, tails, level, "bootstrap percentile"),
                # With few, extreme templates all resampled means can lie on one side of the estimate.
                _interval(column, shifted, level, "BCa") if np.isfinite(shifted).all() else None,
            )
        )
    return result


def _interval(column: FloatArray, tails: FloatArray, level: float, method: str) -> Interval:
    """Quantiles of a sorted column, linear between order statistics (NumPy's default)."""
    at = np.clip(tails, 0.0, 1.0) * (column.size - 1)
    low, high = np.interp(at, np.arange(column.size), column).tolist()
    return Interval(low, high, level, method)


def _columns(columns: npt.ArrayLike) -> FloatArray:
    values = np.asarray(columns, dtype=np.float64)
    if values.ndim != 2 or values.shape[1] == 0:
        raise DataError("must have one row a template and one column a comparison", field="columns")
    if np.isinf(values).any():
        raise DataError(
            "holds an infinite value; every entry must be finite, or NaN where missing", field="columns"
        )
    few = (~np.isnan(values)).sum(axis=0)
    if (few < 2).any():
        raise DataError(f"has a column of {int(few.min())} templates; at least 2 are needed", field="columns")
    return values
