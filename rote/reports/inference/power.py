"""How large a drop can be found, and how many templates that takes.

    Var(drop) = [tau**2 + E p_o (1 - p_o) + E p_v (1 - p_v) / k] / G

with G templates, k variants each, p_o and p_v a template's own chances on original and variant, and tau the
standard deviation over templates of p_o - p_v. A drop delta is found with power 1 - beta where
delta = (z(1 - alpha / 2) + z(1 - beta)) * sqrt(Var); the adjusted t interval of the report
is a little wider, by 1 / (G + 1)**2 in the variance, which is added.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from rote.errors import DataError

#: Spread of difficulty assumed without pilot data: standard deviation of the templates' logits.
DIFFICULTY: Final = 2.0
#: More templates than this are "out of reach".
MOST_TEMPLATES: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class Design:
    """Parts of the variance of one template's difference, each at least 0.

    ``tau2``: variance over templates of p_o - p_v; ``original``: E p_o (1 - p_o); ``variant``:
    E p_v (1 - p_v).
    """

    tau2: float
    original: float
    variant: float

    def variance(self, k: int) -> float:
        """Variance of D_g with k variants."""
        return self.tau2 + self.original + self.variant / k


@dataclass(frozen=True, slots=True)
class Choice:
    """A way to spend a budget: templates, variants each, problems asked, and the drop that is then found."""

    templates: int
    k: int
    problems: int
    detectable: float


def assumed(accuracy: float, tau: float = 0.0, difficulty: float = DIFFICULTY) -> Design:
    """The parts from assumptions: templates' logits are normal with spread ``difficulty``.

    ``accuracy`` in (0, 1), their mean chance; ``tau`` in [0, 1]; ``difficulty`` 0 says that all templates are
    equally hard, the hard case. Originals and variants are taken to be equally difficult.
    """
    if not 0 < accuracy < 1:
        raise DataError(f"is {accuracy}; it must lie strictly between 0 and 1", field="accuracy")
    if not 0 <= tau <= 1:
        raise DataError(f"is {tau}; it must lie in [0, 1]", field="tau")
    if not 0 <= difficulty <= 10:
        raise DataError(f"is {difficulty}; it must lie in [0, 10]", field="difficulty")
    from scipy.optimize import brentq
    from scipy.special import expit

    nodes, weights = np.polynomial.hermite_e.hermegauss(61)
    weights = weights / weights.sum()
    centre = brentq(lambda c: float(weights @ expit(c + difficulty * nodes)) - accuracy, -60, 60)
    p = expit(centre + difficulty * nodes)
    noise = float(weights @ (p * (1 - p)))
    return Design(tau**2, noise, noise)


def from_pilot(originals: Sequence[float], variants: Sequence[Sequence[bool]]) -> Design:
    """The parts from a pilot's paired templates, at least 10, of which 2 have several draws.

    What originals and templates' drops contribute cannot be told apart from one answer to an original, and
    need not be: their sum is Var(D) less the draws' noise, and stands in ``original``.
    """
    if len(originals) != len(variants) or len(originals) < 10:
        raise DataError(
            f"has {len(originals)} paired templates; at least 10 are needed to tell a spread", field="pilot"
        )
    several = [row for row in variants if len(row) > 1]
    if len(several) < 2:
        raise DataError("has one draw a template; 2 are needed to tell their noise", field="pilot")
    within = float(np.mean([sum(r) * (len(r) - sum(r)) / (len(r) * (len(r) - 1)) for r in several]))
    d = np.array([o - sum(r) / len(r) for o, r in zip(originals, variants, strict=True)])
    noise = within * float(np.mean([1 / len(r) for r in variants]))
    # One template's weight of spread at least, as the adjusted t has it: a pilot without any is no proof.
    rest = max(float(d.var(ddof=1)) - noise, 1 / len(d))
    return Design(0.0, rest, within)


def standard_error(design: Design, templates: int, k: int) -> float:
    """Standard error of the drop as the report's interval has it."""
    _check(templates, k)
    return math.sqrt(design.variance(k) / templates + 1 / (templates + 1) ** 2)


def detectable(design: Design, templates: int, k: int, *, power: float = 0.8, alpha: float = 0.05) -> float:
    """The smallest true drop found with ``power`` by a two-sided interval of level 1 - alpha; at most 1."""
    return min(1.0, _multiple(power, alpha) * standard_error(design, templates, k))


def templates_needed(
    design: Design, drop: float, k: int, *, power: float = 0.8, alpha: float = 0.05
) -> int | None:
    """The fewest templates for which ``drop`` is detectable; None above a million."""
    if not 0 < drop <= 1:
        raise DataError(f"is {drop}; it must lie in (0, 1]", field="drop")
    low, high = 1, MOST_TEMPLATES
    factor = _multiple(power, alpha)
    if factor * standard_error(design, high, k) > drop:
        return None
    while low < high:
        middle = (low + high) // 2
        if factor * standard_error(design, middle, k) <= drop:
            high = middle
        else:
            low = middle + 1
    return max(low, 2)


def best_choices(
    design: Design,
    budget: int,
    *,
    most_templates: int = MOST_TEMPLATES,
    power: float = 0.8,
    alpha: float = 0.05,
    most_variants: int = 50,
) -> list[Choice]:
    """Ways to spend ``budget`` problems, G templates at a cost of 1 + k each, for every k; the best first.

    A tie goes to fewer problems. ``most_templates`` is how many there are (a bank has 100).
    """
    if budget < 4:
        raise DataError(f"is {budget}; 4 problems are the least (2 templates of 1 variant)", field="budget")
    found = []
    for k in range(1, most_variants + 1):
        templates = min(budget // (1 + k), most_templates)
        if templates >= 2:
            drop = detectable(design, templates, k, power=power, alpha=alpha)
            found.append(Choice(templates, k, templates * (1 + k), drop))
    return sorted(found, key=lambda c: (round(c.detectable, 6), c.problems))


def _multiple(power: float, alpha: float) -> float:
    from scipy.special import ndtri

    for name, value in (("power", power), ("alpha", alpha)):
        if not 0 < value < 1:
            raise DataError(f"is {value}; it must lie strictly between 0 and 1", field=name)
    return max(0.0, float(ndtri(1 - alpha / 2) + ndtri(power)))


def _check(templates: int, k: int) -> None:
    for name, value in (("templates", templates), ("k", k)):
        if value < 1:
            raise DataError(f"is {value}; at least 1 is needed", field=name)
