"""The conditional logit, the placebo, the null distribution and the difference in differences."""

from __future__ import annotations

import itertools
import json
import math
from pathlib import Path

import numpy as np
import pytest

from rote.errors import DataError
from rote.reports.inference.checks import difference_in_differences
from rote.reports.inference.conditional import adjusted_test, fit
from rote.reports.inference.exchangeability import null_distribution, placebo
from rote.reports.inference.multiple import benjamini_hochberg, holm
from rote.reports.statistics import exchangeability_test

GOLDEN = json.loads((Path(__file__).parent / "conditional_logit.json").read_text(encoding="utf-8"))


def made(templates: int, k: int, state: int) -> tuple[list[float], list[list[float]], list[int]]:
    """Answers of templates by the recipe of the golden file: no generator that may change."""
    y, x, strata = [], [], []

    def uniform() -> float:
        nonlocal state
        state = (state * 1103515245 + 12345) % 2**31
        return (state // 65536 % 1000) / 1000

    for template in range(templates):
        centre = 4 * uniform() - 2
        for i in range(k + 1):
            special, z, w = float(i == 0), round(3 * uniform(), 3), float(int(4 * uniform()))
            p = 1 / (1 + math.exp(-(centre + 0.8 * special - 0.5 * z + 0.1 * w)))
            y.append(float(uniform() < p))
            x.append([special, z, w])
            strata.append(template)
    return y, x, strata


@pytest.mark.parametrize("case", GOLDEN["cases"], ids=lambda c: f"{c['templates']}x{c['k']}")
def test_fit_is_statsmodels(case: dict) -> None:
    ours = fit(*made(case["templates"], case["k"], case["state"]))
    assert ours.coefficients == pytest.approx(case["coefficients"], abs=1e-6)
    assert ours.errors == pytest.approx(case["errors"], rel=1e-5)
    assert ours.log_likelihood == pytest.approx(case["log_likelihood"], abs=1e-8)
    assert not ours.separated


def test_likelihood_by_enumeration() -> None:
    y, x, strata = made(6, 3, 5)
    ours = fit(y, [row[:2] for row in x], strata)
    beta = np.array(ours.coefficients)
    total = 0.0
    for g in range(6):
        rows = [i for i, s in enumerate(strata) if s == g]
        scores = [float(np.array(x[i][:2]) @ beta) for i in rows]
        right = [j for j, i in enumerate(rows) if y[i]]
        subsets = itertools.combinations(range(len(rows)), len(right))
        total += sum(scores[j] for j in right) - math.log(
            sum(math.exp(sum(scores[j] for j in s)) for s in subsets)
        )
    assert ours.log_likelihood == pytest.approx(total, abs=1e-10)


def test_one_pair_a_template_without_covariates_is_mcnemars_odds_ratio() -> None:
    # 9 lost, 3 won: theta = log(9 / 3), standard error sqrt(1/9 + 1/3).
    y, special, strata = [], [], []
    for g in range(12):
        y += [True, False] if g < 9 else [False, True]
        special += [True, False]
        strata += [g, g]
    ours = adjusted_test(y, special, {"constant": [1.0] * 24}, strata)
    assert ours.covariates == ()
    assert ours.log_odds == pytest.approx(math.log(3))
    assert ours.error == pytest.approx(math.sqrt(1 / 9 + 1 / 3))
    # 2 * (log-likelihood at 9/12 less that at 1/2), one-sided
    root = math.sqrt(2 * (9 * math.log(0.75) + 3 * math.log(0.25) - 12 * math.log(0.5)))
    assert ours.p == pytest.approx(0.5 * math.erfc(root / math.sqrt(2)))


def test_separation_has_a_p_value_and_no_estimate() -> None:
    rng = np.random.default_rng(0)
    strata = np.repeat(np.arange(20), 4)
    special = np.tile([True, False, False, False], 20)
    ours = adjusted_test(
        special.tolist(), special.tolist(), {"size": rng.normal(size=80).tolist()}, strata.tolist()
    )
    assert ours.log_odds is None
    # All the likelihood that there is: 20 templates of 4, of which the covariate explains a little.
    assert ours.p < 1e-9


def test_many_instances_do_not_overflow() -> None:
    y, x, strata = made(3, 1500, 1)
    assert math.isfinite(fit(y, [row[:2] for row in x], strata).log_likelihood)


def test_difficulty_that_tells_all_is_refused() -> None:
    special = [True, False, False] * 10
    y = [True, False, True] * 10
    strata = [i // 3 for i in range(30)]
    with pytest.raises(DataError, match="apart entirely"):
        adjusted_test(y, special, {"size": [0.0 if s else 1.0 for s in special]}, strata)
    with pytest.raises(DataError, match="both right and wrong"):
        adjusted_test([True] * 30, special, {}, strata)


def test_null_distribution() -> None:
    null = null_distribution([1, 1, 0, 0], [3, 1, 1, 0], [3, 3, 1, 2])
    # One template all right, one never; of the others p = 2/4 and 1/2.
    assert null.first == 1
    assert null.pmf == pytest.approx((0.25, 0.5, 0.25))


def test_placebo_leaves_the_original_out_and_counts_its_tests() -> None:
    outcomes = [[True, False, False]] * 12
    made = placebo(outcomes)
    assert made is not None
    assert len(made.tests) == 3
    first = exchangeability_test([1.0] * 12, [0.0] * 12, [2.0] * 12)
    assert made.tests[0] == first
    assert made.p == pytest.approx(3 * first.p_mid)
    assert placebo([[True], [False]]) is None
    with pytest.raises(DataError, match="without instances"):
        placebo([[]])


def test_difference_in_differences() -> None:
    model = {f"t{i}": 1.0 if i < 30 else 0.0 for i in range(50)}
    same = difference_in_differences(model, [model])
    assert same.estimate == 0
    assert same.interval.low < 0 < same.interval.high
    none = difference_in_differences(model, [dict.fromkeys(model, 0.0), {"t1": 1.0, "t2": -1.0, "t40": 0.0}])
    assert none.templates == 3
    assert none.estimate == pytest.approx((0.5 + 1.5 + 0.0) / 3)
    with pytest.raises(DataError, match="0 templates are shared"):
        difference_in_differences(model, [{}])


def test_holm_and_benjamini_hochberg_by_hand() -> None:
    p = [0.01, 0.04, 0.03, 0.005]
    assert holm(p) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert benjamini_hochberg(p) == pytest.approx([0.02, 0.04, 0.04, 0.02])
    assert holm([]) == []
    with pytest.raises(DataError, match="nan"):
        holm([math.nan])
