"""A betting e-process for the mean of a finite population, seen in random order without replacement.

The population is the changes of N templates, D_i in [-1, 1] (candidate minus baseline). A gambler starts
with 1 and bets before each draw that the mean is above (or below) a bound m. If the mean of all N is at the
bound or on its other side, the wealth is a nonnegative supermartingale, so that by Ville's inequality it
ever reaches 1/alpha with probability at most alpha: one may look after every draw and stop at will.

Without replacement, what the remaining templates average under the bound is known from what was seen::

    m_t = (N m - sum of the first t - 1) / (N - t + 1)
    K_t = prod (1 + lambda (D_t - m_t))          for "above" (lambda >= 0; minus for "below")

The wealth is an equal mixture over a grid of stakes lambda, each cut to what cannot lose more than all
(a mixture of nonnegative supermartingales is one), which needs no tuning to the size of the change.

Sources
-------
Ville (1939), Étude critique de la notion de collectif.
Waudby-Smith & Ramdas (2020), "Confidence sequences for sampling without replacement", NeurIPS 33 (m_t).
Waudby-Smith & Ramdas (2024), "Estimating means of bounded random variables by betting", JRSS B 86(1)
    (section 5 without replacement; the mixture over stakes is their hedged capital, and grid Kelly).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Final, Literal

import numpy as np
import numpy.typing as npt

from rote.errors import DataError
from rote.reports.statistics import FloatArray, FloatValues

Side = Literal["above", "below"]

#: Stakes of the mixture, per unit of D: small for small changes, and up to nearly all for large ones.
STAKES: Final = (0.1, 0.2, 0.35, 0.6)
#: A stake never puts more than this share of the wealth at risk of a single draw.
MOST: Final = 0.95


@dataclass(slots=True)
class EProcess:
    """Evidence that the mean of ``size`` values in [-1, 1] is above (or below) ``bound``.

    ``wealth`` is what the gambler has after the values seen; ``p_value`` is 1 over the most that it ever
    was (at most 1), valid at any time. When what was seen leaves no way for the mean to be on the other side
    of the bound, both are certain: infinite and 0.
    """

    size: int
    bound: float
    side: Side
    seen: int = 0
    total: float = 0.0
    best: float = 1.0
    certain: bool = False
    _logs: FloatArray = field(default_factory=lambda: np.zeros(len(STAKES)))

    def __post_init__(self) -> None:
        if self.size < 1:
            raise DataError(f"is {self.size}; at least 1 value is needed", field="size")
        if not -1 < self.bound < 1:
            raise DataError(f"is {self.bound}; it must lie strictly between -1 and 1", field="bound")

    def update(self, value: float) -> None:
        """See one more value. Raises DataError: outside [-1, 1] or NaN, or more values than ``size``."""
        if not -1 <= value <= 1:
            raise DataError(f"is {value}; it must lie in [-1, 1]", field="value")
        if self.seen == self.size:
            raise DataError(f"all {self.size} values have been seen")
        sign = 1.0 if self.side == "above" else -1.0
        rest = self.size - self.seen
        # Everything in the direction "above": mirrored for "below".
        x, bound = sign * value, (self.size * sign * self.bound - sign * self.total) / rest
        self.seen += 1
        self.total += value
        if not self.certain and -1 <= bound <= 1:
            # The worst draw is -1: a stake may not lose more than MOST on it. At bound -1 nothing is lost.
            cap = MOST / (1 + bound) if bound > -1 else math.inf
            self._logs += np.log1p(np.minimum(np.asarray(STAKES), cap) * (x - bound))
            self.best = max(self.best, self.wealth)
        if self._decided(sign):
            self.certain = True

    def _decided(self, sign: float) -> bool:
        """Whether even the worst rest leaves the mean beyond the bound (by more than rounding)."""
        worst = sign * self.total - (self.size - self.seen)
        return worst - self.size * sign * self.bound > 1e-9 * self.size

    @property
    def wealth(self) -> float:
        """The gambler's wealth now; the e-value at this time."""
        if self.certain:
            return math.inf
        top = float(self._logs.max())
        # Far beyond any threshold an exact figure says nothing and would overflow.
        return math.exp(min(700.0, top + math.log(float(np.exp(self._logs - top).mean()))))

    @property
    def p_value(self) -> float:
        """An anytime-valid p-value."""
        return 0.0 if self.certain else 1 / self.best


def run_many(values: FloatValues, bound: float, side: Side, alpha: float) -> npt.NDArray[np.int64]:
    """When :class:`EProcess` first reaches 1/alpha, for many orders at once: shape (runs, N) -> (runs,).

    Counts of values seen; N + 1 where it never does. For simulations.
    """
    sign = 1.0 if side == "above" else -1.0
    x = sign * np.asarray(values, dtype=np.float64)
    runs, size = x.shape
    before = np.concatenate([np.zeros((runs, 1)), np.cumsum(x, axis=1)[:, :-1]], axis=1)
    rest = size - np.arange(size)
    bounds = (size * sign * bound - before) / rest
    live = (bounds >= -1) & (bounds <= 1)
    with np.errstate(divide="ignore"):
        caps = np.where(bounds > -1, MOST / np.maximum(1 + bounds, 1e-300), np.inf)
    logs = np.stack(
        [
            np.cumsum(
                np.where(live, np.log1p(np.where(live, np.minimum(s, caps) * (x - bounds), 0)), 0), axis=1
            )
            for s in STAKES
        ]
    )
    top = logs.max(axis=0)
    wealth = top + np.log(np.exp(logs - top).mean(axis=0))
    worst = before + x - (rest - 1)
    hit = (wealth >= -math.log(alpha)) | (worst - size * sign * bound > 1e-9 * size)
    stopped: npt.NDArray[np.int64] = np.where(hit.any(axis=1), hit.argmax(axis=1) + 1, size + 1)
    return stopped
