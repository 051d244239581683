"""Is the original still answered better when difficulty is taken into account? A conditional logit.

Within a template g with n_g instances (the original and its variants),

    logit P(right) = alpha_g + theta * [is the original] + beta . covariates,

and conditioning on how many of the n_g were right removes alpha_g exactly:

    L_g = exp(sum over the right ones of x_i . b) / sum over all subsets S of that size of exp(sum over S).

The sum is an elementary symmetric polynomial, found with its first two derivatives by the usual recursion,
so the likelihood is exact for any n_g. Where one of the instances was right it is a plain softmax.

Sources
-------
Chamberlain (1980), "Analysis of covariance with qualitative data", Review of Economic Studies 47.
Gail, Lubin & Rubinstein (1981), "Likelihood calculations for matched case-control studies and survival
    studies with tied death times", Biometrika 68 (the recursion).
Albert & Anderson (1984), "On the existence of maximum likelihood estimates in logistic regression models",
    Biometrika 71 (separation: the likelihood has a finite supremum that no coefficients reach).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from rote.errors import DataError

FloatArray = npt.NDArray[np.float64]

#: Newton stops when a step can no longer raise the log-likelihood by more than this.
TOLERANCE: Final = 1e-14
STEPS: Final = 200
#: A coefficient beyond this, in standard deviations of its column, is on its way to infinity.
INFINITE: Final = 12.0


@dataclass(frozen=True, slots=True)
class Fit:
    """Maximum of the conditional likelihood: coefficients and standard errors of shape (p,).

    Where ``separated`` is true a coefficient has no finite estimate; ``log_likelihood`` is then the
    supremum to about 1e-4, and coefficients and errors mean nothing.
    """

    coefficients: tuple[float, ...]
    errors: tuple[float, ...]
    log_likelihood: float
    separated: bool


@dataclass(frozen=True, slots=True)
class Adjusted:
    """Outcome of :func:`adjusted_test`.

    ``log_odds`` is theta, None where it is infinite; ``p`` is one-sided, from the signed root of the
    likelihood ratio against theta = 0. ``covariates`` names those in the model; ``informative`` counts the
    templates with both right and wrong answers.
    """

    log_odds: float | None
    error: float | None
    p: float
    covariates: tuple[str, ...]
    informative: int


@dataclass(frozen=True, slots=True)
class _Strata:
    """Informative strata of equal padded size: x (S, n, p) with zeros, present (S, n), y (S, n), m (S,)."""

    x: FloatArray
    present: npt.NDArray[np.bool_]
    y: FloatArray
    m: npt.NDArray[np.int64]


def fit(y: npt.ArrayLike, x: npt.ArrayLike, strata: Sequence[int] | npt.NDArray[np.int64]) -> Fit:
    """Fit by Newton's method with halved steps.

    ``y`` (N,) of 0 and 1, ``x`` (N, p) finite, ``strata`` (N,) whole numbers. Strata of one outcome say
    nothing and are left out; DataError where none is left or the columns are collinear within strata.
    """
    data, scale = _prepare(
        np.asarray(y, dtype=np.float64), np.asarray(x, dtype=np.float64), np.asarray(strata)
    )
    p = data.x.shape[2]
    beta = np.zeros(p)
    value, gradient, hessian = _likelihood(data, beta)
    converged = False
    for _ in range(STEPS):
        # A ridge that vanishes against the curvature keeps steps finite where the likelihood flattens out.
        step = np.linalg.solve(hessian + 1e-9 * np.eye(p), gradient)
        step *= min(1.0, 5.0 / max(float(np.abs(step).max()), 1e-300))
        gain = float(gradient @ step)
        if gain < TOLERANCE:
            converged = True
            break
        while True:
            new = _likelihood(data, beta + step)
            if new[0] >= value or float(np.abs(step).max()) < 1e-12:
                break
            step = step / 2
        beta = beta + step
        value, gradient, hessian = new
        if float(np.abs(beta).max()) > 4 * INFINITE:
            break
    separated = not converged or float(np.abs(beta).max()) > INFINITE
    with np.errstate(all="ignore"):
        variances = np.diag(np.linalg.pinv(hessian))
    errors = np.sqrt(np.maximum(variances, 0.0)) / scale
    return Fit(tuple((beta / scale).tolist()), tuple(errors.tolist()), value, separated)


def adjusted_test(
    correct: Sequence[bool],
    original: Sequence[bool],
    covariates: Mapping[str, Sequence[float]],
    strata: Sequence[int],
) -> Adjusted:
    """One-sided test of theta = 0 against theta > 0, adjusted for ``covariates`` (name to N values).

    Covariates that do not vary within any informative template are left out: the draws match the
    originals in them. DataError where no template is informative, or where the covariates tell originals and
    variants apart entirely, so that nothing could be told from difficulty.
    """
    from scipy.special import ndtr

    y = np.asarray(correct, dtype=np.float64)
    groups = np.asarray(strata)
    informative = _informative(y, groups)
    if not informative.any():
        raise DataError("no template has both right and wrong answers")
    names, columns = [], []
    kept: list[FloatArray] = []
    special = _within(np.asarray(original, dtype=np.float64)[informative], groups[informative])
    for name, values in covariates.items():
        column = np.asarray(values, dtype=np.float64)
        inner = _within(column[informative], groups[informative])
        if _independent([*kept, inner]):
            kept.append(inner)
            names.append(name)
            columns.append(column)
    if not _independent([special]):
        raise DataError("no informative template has an original")
    if not _independent([*kept, special]):
        raise DataError("difficulty tells originals and variants apart entirely")
    full = fit(y, np.column_stack([np.asarray(original, dtype=np.float64), *columns]), groups)
    if columns:
        null = fit(y, np.column_stack(columns), groups).log_likelihood
    else:
        data, _ = _prepare(y, np.asarray(original, dtype=np.float64)[:, None], groups)
        null = _likelihood(data, np.zeros(1))[0]
    theta = full.coefficients[0]
    root = math.copysign(math.sqrt(max(0.0, 2 * (full.log_likelihood - null))), theta)
    finite = not full.separated
    return Adjusted(
        theta if finite else None,
        full.errors[0] if finite else None,
        float(ndtr(-root)),
        tuple(names),
        len(np.unique(groups[informative])),
    )


def _informative(y: FloatArray, strata: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_]:
    """Which rows lie in a stratum with both outcomes."""
    _, codes = np.unique(strata, return_inverse=True)
    size = np.bincount(codes)
    right = np.bincount(codes, weights=y)
    speaks: npt.NDArray[np.bool_] = ((right > 0) & (right < size))[codes]
    return speaks


def _within(column: FloatArray, strata: npt.NDArray[np.int64]) -> FloatArray:
    """Deviations from the stratum's mean."""
    _, codes = np.unique(strata, return_inverse=True)
    means = np.bincount(codes, weights=column) / np.bincount(codes)
    deviations: FloatArray = column - means[codes]
    return deviations


def _independent(columns: list[FloatArray]) -> bool:
    """Whether the last column adds something to those before it."""
    last = columns[-1]
    length = float(np.linalg.norm(last))
    if length < 1e-9:
        return False
    if len(columns) == 1:
        return True
    basis = np.column_stack(columns[:-1])
    rest = last - basis @ np.linalg.lstsq(basis, last, rcond=None)[0]
    return float(np.linalg.norm(rest)) > 1e-6 * length


def _prepare(y: FloatArray, x: FloatArray, strata: npt.NDArray[np.int64]) -> tuple[_Strata, FloatArray]:
    if x.ndim != 2 or y.shape != x.shape[:1] or strata.shape != y.shape:
        raise DataError("y and strata must have one entry, and x one row, an answer")
    if not np.isin(y, (0.0, 1.0)).all() or not np.isfinite(x).all():
        raise DataError("y must be 0 or 1 and x finite")
    rows = _informative(y, strata)
    if not rows.any():
        raise DataError("no stratum has both outcomes", field="y")
    y, x, strata = y[rows], x[rows], strata[rows]
    inner = np.column_stack([_within(x[:, j], strata) for j in range(x.shape[1])])
    for j in range(x.shape[1]):
        if not _independent([inner[:, i] for i in range(j + 1)]):
            raise DataError(f"column {j} does not vary within strata beside those before it", field="x")
    scale = inner.std(axis=0)
    order = np.argsort(strata, kind="stable")
    _, codes, size = np.unique(strata[order], return_inverse=True, return_counts=True)
    first = np.cumsum(size) - size
    place = np.arange(y.size) - first[codes]
    shape = (size.size, int(size.max()))
    padded, present, outcome = np.zeros((*shape, x.shape[1])), np.zeros(shape, dtype=bool), np.zeros(shape)
    padded[codes, place] = (inner / scale)[order]
    present[codes, place] = True
    outcome[codes, place] = y[order]
    return _Strata(padded, present, outcome, outcome.sum(axis=1).astype(np.int64)), scale


def _likelihood(data: _Strata, beta: FloatArray) -> tuple[float, FloatArray, FloatArray]:
    """Log-likelihood, gradient (p,), and minus the Hessian (p, p)."""
    strata, size, p = data.x.shape
    most = int(data.m.max())
    scores = data.x @ beta
    top = np.where(data.present, scores, -np.inf).max(axis=1, keepdims=True)
    factors = np.where(data.present, np.exp(scores - top), 0.0)
    # e[:, s]: sum over subsets of s instances so far; d and h its derivatives, all over exp(log_scale).
    e, d, h = (
        np.zeros((strata, most + 1)),
        np.zeros((strata, most + 1, p)),
        np.zeros((strata, most + 1, p, p)),
    )
    e[:, 0] = 1.0
    log_scale = np.zeros(strata)
    for i in range(size):
        w, v = factors[:, i], data.x[:, i]
        wv = w[:, None] * v
        cross = d[:, :-1, :, None] * wv[:, None, None, :]
        h[:, 1:] += (
            w[:, None, None, None] * h[:, :-1]
            + cross
            + cross.transpose(0, 1, 3, 2)
            + e[:, :-1, None, None] * (wv[:, :, None] * v[:, None, :])[:, None]
        )
        d[:, 1:] += w[:, None, None] * d[:, :-1] + e[:, :-1, None] * wv[:, None, :]
        e[:, 1:] += w[:, None] * e[:, :-1]
        biggest = e.max(axis=1)
        if biggest.max() > 1e100:
            e /= biggest[:, None]
            d /= biggest[:, None, None]
            h /= biggest[:, None, None, None]
            log_scale += np.log(biggest)
    rows = np.arange(strata)
    total, slope, bend = e[rows, data.m], d[rows, data.m], h[rows, data.m]
    # Factors so far apart that the subsets' sum underflows: the step is refused by its likelihood.
    if not (total > 0).all():
        return -math.inf, np.zeros(p), np.eye(p)
    mean = slope / total[:, None]
    second = bend / total[:, None, None]
    right = (scores * data.y).sum(axis=1) - top[:, 0] * data.m
    value = float((right - np.log(total) - log_scale).sum())
    gradient = (data.x * data.y[:, :, None]).sum(axis=(0, 1)) - mean.sum(axis=0)
    information = (second - mean[:, :, None] * mean[:, None, :]).sum(axis=0)
    return value, gradient, information
