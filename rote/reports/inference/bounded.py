"""One-sided bounds of a mean of bounded values that hold where few values differ from 0.

The t interval errs on one side when what little changes changes one way: of 100 templates of which 2 in 100
lose an answer, 13 in 100 samples show no loss at all. The exact answer for losses of 0 and 1 is Clopper &
Pearson's, which is to count one more loss than was seen. Gaffke's test carries that over to any values: given
x_1 .. x_n and one more, b, as bad as can be, the p-value of "the mean is at least m" is

    P(E_1 (x_1 - m) + ... + E_n (x_n - m) + E (b - m) > 0),   all E independent and exponential,

the chance that a mean with random (Dirichlet) weights reaches m. With 0 and 1 it is Clopper & Pearson's.

As bad as can be is too bad where a template has several draws and none ever lost all. So b is the size of a
change as it matters for skewness, sum |x|**3 / sum x**2: this moves the bound by about what the Edgeworth
expansion asks for where all changes go one way (Hall 1992), and by more elsewhere; for differences of 0 and 1
it is 1, nothing lost. What it does not see are losses of a size that no template had. So the bound is never
nearer to the mean than it would be were a share of the templates, all unseen, to lose one whole answer, the
rule of three:

    bound >= mean + (1 - mean) (1 - alpha**(1 / n)).

Sources
-------
Gaffke (2005), "Three test statistics for a nonparametric one-sided hypothesis on the mean of a nonnegative
    variable", Mathematical Methods of Statistics 14. That it keeps its level for all n is a conjecture.
Learned-Miller & Thomas (2019), "A new confidence interval for the mean of a bounded random variable",
    arXiv:1905.06208 (the same bound, and simulations).
Clopper & Pearson (1934), "The use of confidence or fiducial limits", Biometrika 26.
Hall (1992), "On the removal of skewness by transformation", JRSS B 54.
Hanley & Lippman-Hand (1983), "If nothing goes wrong, is everything all right?", JAMA 249 (rule of three).
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from rote.errors import DataError
from rote.reports.statistics import FloatArray, FloatValues

#: Where the inversion integral is summed: sinh spacing, so that tails which fall slowly are reached as well.
_NODES: Final = np.linspace(0.0, 7.0, 141)
#: Values nearer than this are one value.
_DECIMALS: Final = 12
_HALVINGS: Final = 60


def p_below(values: FloatValues, bound: float, reach: float) -> float:
    """P-value of the claim that the mean of which ``values`` are a sample lies below ``bound``.

    ``values`` lie in [-reach, reach], at least 2; 1 is a whole answer. The p-value is 1 where their mean is
    at the bound or above.
    """
    distinct, counts = _tally(values, reach)
    return float(tails(distinct, counts, bound)[0])


def p_above(values: FloatValues, bound: float, reach: float) -> float:
    """As :func:`p_below`, for the claim that it lies above."""
    return p_below(-np.asarray(values, dtype=np.float64), -bound, reach)


def upper_bound(values: FloatValues, alpha: float, reach: float) -> float:
    """The least bound below which the mean lies with p-value ``alpha``, in (0, 1/2); at most ``reach``."""
    from scipy.optimize import brentq

    if not 0 < alpha < 0.5:
        raise DataError(f"is {alpha}; it must lie strictly between 0 and 1/2", field="alpha")
    distinct, counts = _tally(values, reach)
    mean = float(counts[0] @ distinct) / float(counts.sum())
    low, high = mean, float(reach)
    if high - low < 1e-12:
        return high

    def above(bound: float) -> float:
        return float(tails(distinct, counts, bound)[0]) - alpha

    return float(brentq(above, low, high, xtol=1e-10))


def lower_bound(values: FloatValues, alpha: float, reach: float) -> float:
    """As :func:`upper_bound`, from below."""
    return -upper_bound(-np.asarray(values, dtype=np.float64), alpha, reach)


def tails(values: FloatArray, counts: npt.NDArray[np.generic], bound: float) -> FloatArray:
    """:func:`p_below` of many samples at once: distinct values (V,), counts (R, V) -> (R,)."""
    often = np.asarray(counts, dtype=np.float64)
    size = often.sum(axis=1)
    mean = often @ values / size
    squares = often @ values**2
    typical = np.where(squares > 0, often @ np.abs(values) ** 3 / np.where(squares > 0, squares, 1.0), 1.0)
    # The share of unseen templates that would have to lose an answer for the mean to reach the bound.
    unseen = np.clip((bound - mean) / np.maximum(1 - mean, 1e-300), 0.0, 1.0)
    p: FloatArray = np.maximum((1 - unseen) ** size, _dirichlet_tail(values, often, typical, bound))
    return np.where(mean >= bound, 1.0, np.minimum(p, 1.0))


def _dirichlet_tail(values: FloatArray, counts: FloatArray, extra: FloatArray, bound: float) -> FloatArray:
    """P(sum E_i (x_i - bound) + E (extra - bound) > 0), by inversion of the Laplace transform.

    The path of integration runs through the saddle point, so that small p-values are as exact as large ones.
    """
    rows = len(counts)
    c = np.concatenate([np.broadcast_to(values - bound, (rows, values.size)), extra[:, None] - bound], axis=1)
    n = np.concatenate([counts, np.ones((rows, 1))], axis=1)
    largest = np.where(n > 0, c, -np.inf).max(axis=1)
    smallest = np.where(n > 0, c, np.inf).min(axis=1)
    p = np.where(largest > 0, 1.0, 0.0)
    mixed = (largest > 0) & (smallest < 0)
    if mixed.any():
        c = np.where(n > 0, c, 0.0)
        p[mixed] = _inverted(c[mixed], n[mixed], largest[mixed])
    return p


def _inverted(c: FloatArray, n: FloatArray, largest: FloatArray) -> FloatArray:
    low, high = 1e-12 / largest, (1 - 1e-12) / largest
    for _ in range(_HALVINGS):
        s = (low + high) / 2
        beyond = (n * c / (1 - s[:, None] * c)).sum(axis=1) > 1 / s
        low, high = np.where(beyond, low, s), np.where(beyond, s, high)
    s = (low + high) / 2
    curvature = (n * (c / (1 - s[:, None] * c)) ** 2).sum(axis=1) + 1 / s**2
    scale = 1 / np.sqrt(curvature)[:, None]
    z = s[:, None] + 1j * np.sinh(_NODES) * scale
    logs = -np.log(z)
    for v in range(c.shape[1]):
        logs -= n[:, v : v + 1] * np.log(1 - z * c[:, v : v + 1])
    weights = np.cosh(_NODES) * (_NODES[1] - _NODES[0])
    weights[0] /= 2
    p: FloatArray = (np.exp(logs).real * weights * scale).sum(axis=1) / np.pi
    return np.clip(p, 0.0, 1.0)


def _tally(values: FloatValues, reach: float) -> tuple[FloatArray, npt.NDArray[np.int64]]:
    array = np.asarray(values, dtype=np.float64)
    if array.ndim != 1 or array.size < 2:
        raise DataError("must be one-dimensional, with at least 2 entries", field="values")
    bad = ~(np.abs(array) <= reach + 1e-9)  # also true for NaN
    if bad.any():
        raise DataError(f"holds {array[bad][0]}; every entry must lie in ±{reach:g}", field="values")
    distinct, counts = np.unique(np.clip(np.round(array, _DECIMALS), -reach, reach), return_counts=True)
    return distinct, counts[None, :].astype(np.int64)
