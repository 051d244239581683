"""One-sided bounds against Clopper & Pearson, the definition by chance, and the rule of three."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import beta, binom

from rote.errors import DataError
from rote.reports.inference.bounded import lower_bound, p_above, p_below, tails, upper_bound


@pytest.mark.parametrize(("size", "lost"), [(100, 0), (100, 3), (30, 7), (400, 8), (2, 1), (1319, 60)])
def test_losses_of_one_answer_are_clopper_and_pearsons(size: int, lost: int) -> None:
    values = [1.0] * lost + [0.0] * (size - lost)
    for alpha in (0.001, 0.05, 0.3):
        exact = beta.ppf(1 - alpha, lost + 1, size - lost)
        assert upper_bound(values, alpha, 1) == pytest.approx(exact, abs=1e-8)
    bound = (lost / size + 1) / 2
    assert p_below(values, bound, 1) == pytest.approx(binom.cdf(lost, size, bound), rel=1e-6, abs=1e-12)


def test_any_values_are_as_the_definition_says() -> None:
    values = np.repeat([-1.0, -0.2, 0.0, 0.4, 1.0], [3, 20, 60, 10, 2])
    extra = (np.abs(values) ** 3).sum() / (values**2).sum()
    rng = np.random.default_rng(5)
    drawn = rng.exponential(size=(40_000, values.size)) @ (values - 0.06)
    drawn += rng.exponential(size=40_000) * (extra - 0.06)
    share = (drawn > 0).mean()
    assert p_below(values, 0.06, 1) == pytest.approx(share, abs=4 * (share * (1 - share) / 40_000) ** 0.5)


def test_a_bound_is_never_nearer_than_templates_unseen() -> None:
    # Small changes only: the mean is known well, but not that no template loses all.
    values = np.tile([0.02, -0.02], 50)
    assert upper_bound(values, 0.05, 1) == pytest.approx(1 - 0.05 ** (1 / 100), abs=1e-8)
    assert upper_bound(np.zeros(100), 0.05, 2) == pytest.approx(1 - 0.05 ** (1 / 100), abs=1e-8)


def test_bounds_and_p_values_agree_and_mirror() -> None:
    values = np.random.default_rng(1).binomial(5, 0.7, 200) / 5 - 0.65
    for alpha in (0.01, 0.05, 0.2):
        low, high = lower_bound(values, alpha, 1), upper_bound(values, alpha, 1)
        assert low < values.mean() < high
        assert p_below(values, high, 1) == pytest.approx(alpha, rel=1e-5)
        assert p_above(values, low, 1) == pytest.approx(alpha, rel=1e-5)
        assert lower_bound(-values, alpha, 1) == -high


def test_with_many_templates_it_is_nearly_the_t_bound() -> None:
    values = np.random.default_rng(2).binomial(5, 0.7, 5000) / 5 - 0.7
    error = values.std(ddof=1) / 5000**0.5
    assert upper_bound(values, 0.05, 1) == pytest.approx(values.mean() + 1.645 * error, abs=0.1 * error)


def test_where_the_mean_is_beyond_nothing_is_claimed() -> None:
    assert p_below([0.0, 0.5], 0.25, 1) == 1
    assert p_below([1.0, 1.0], 0.5, 1) == 1
    assert p_below([1.5, 2.0], 1.9, 2) < 1 == p_below([1.5, 2.0], 1.7, 2)
    assert upper_bound([1.0, 1.0], 0.05, 1) == 1


def test_many_at_once_are_each_alone() -> None:
    distinct = np.array([-1.0, 0.0, 1.0])
    counts = np.array([[0, 100, 0], [3, 90, 7], [0, 0, 100], [40, 60, 0]])
    alone = [p_below(np.repeat(distinct, row), 0.1, 1) for row in counts]
    assert tails(distinct, counts, 0.1) == pytest.approx(alone, rel=1e-9)


@pytest.mark.parametrize(
    ("values", "message"), [([0.0], "at least 2"), ([0.0, 1.5], "±1"), ([0.0, float("nan")], "±1")]
)
def test_bad_values(values: list[float], message: str) -> None:
    with pytest.raises(DataError, match=message):
        p_below(values, 0.1, 1)
    with pytest.raises(DataError, match="alpha"):
        upper_bound([0.0, 1.0], 0.5, 1)


def test_upper_bound_is_that_of_r() -> None:
    # R: binom.test(682, 925)$conf.int[2], the example of its help page (Conover 1971, p. 97).
    values = np.repeat([1.0, 0.0], [682, 243])
    assert upper_bound(values, 0.025, 1) == pytest.approx(0.7654066, abs=5e-8)
