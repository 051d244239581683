"""Per-sample metrics as lm-eval's tasks return them, and their aggregations."""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np
import pytest

from rote.harness_ext import scoring
from rote.harness_ext.models.generation import Generation, Response
from rote.harness_ext.scoring import CLUSTERED, METRICS, clustered_se, mean_present, score
from rote.metrics import LABELS, NUMBERS, OPTIONAL
from rote.prompts import FORMATS, target_text
from rote.reports.statistics import t_interval

FLAGS = ("exact_match", "format_ok", "invalid", "trapped")
DOC: dict[str, Any] = {
    "template_id": "bank/figs",
    "question": "Two boxes hold 9 figs each, and 5 pears. How many figs are there?",
    "solution": "There are 2 * 9 = <<2*9=18>>18 figs.\n#### 18",
    "answer": "18",
    "traps": [{"value": "23", "how": "answer + 5"}, {"value": "7.5", "how": "half"}],
    "noop": [{"number": "5"}, {"number": None}],
}


@pytest.mark.parametrize(
    ("response", "expected"),
    [
        ("2 * 9 = 18\n#### 18", (1, 1, 0, 0)),
        ("The answer is 18.", (1, 0, 0, 0)),
        ("#### 18.0", (1, 1, 0, 0)),
        ("18 + 5 = 23\n#### 23", (0, 1, 0, 1)),
        ("The answer is 7.50", (0, 0, 0, 1)),
        ("#### 19", (0, 1, 0, 0)),
        ("", (0, 0, 1, 0)),
        ("I do not know.", (0, 0, 1, 0)),
        ("18 or 23", (0, 0, 1, 0)),
    ],
)
def test_what_reports_read(response: str, expected: tuple[int, ...]) -> None:
    found = score(DOC, response)
    assert tuple(found[key] for key in FLAGS) == expected
    assert all(type(found[key]) is int for key in FLAGS)


@pytest.mark.parametrize("response", ["", "2 * 9 = 18\n#### 18", "<think>", "no number", "1 = 2 " * 9])
def test_every_key_for_every_response_and_no_text(response: str) -> None:
    found = score(DOC, response)
    assert tuple(found) == tuple(METRICS) == (*NUMBERS, CLUSTERED)
    assert not set(LABELS) & set(found)
    for key in NUMBERS:
        assert isinstance(found[key], (int, float)) or (found[key] is None and key in OPTIONAL), key
        assert METRICS[key].aggregation == ("mean_present" if key in OPTIONAL else "mean")
    assert found[CLUSTERED] == ["bank/figs", found["exact_match"]]
    assert json.loads(json.dumps(found, allow_nan=False)) == found


def test_the_documents_own_facts_are_used() -> None:
    assert score(DOC, "18 + 5 = 23\n#### 23")["error_distractor"] == 1
    assert score(DOC, "2 * 9 = 18\n18 + 5 = 24\n#### 24")["error_distractor"] == 1, "5 is an inert number"
    assert score({**DOC, "noop": []}, "2 * 9 = 18\n18 + 5 = 24\n#### 24")["error_distractor"] == 0
    assert score(DOC, "7 * 9 = 63\n#### 63")["grounded"] == 0.5


def test_a_trap_that_equals_the_gold_is_no_trap() -> None:
    doc = {**DOC, "traps": [{"value": "18", "how": "by accident"}]}
    assert score(doc, "#### 18")["trapped"] == 0


def test_the_facts_of_a_generation_are_used() -> None:
    plain = score(DOC, "2 * 9 = 18 figs")
    assert (plain["tokens"], plain["truncated"]) == (None, 0)
    cut = score(DOC, Response("2 * 9 = 18 figs", Generation(tokens=7, finish="length")))
    assert (cut["tokens"], cut["truncated"]) == (7, 1)
    # By its look alone this one would count as cut off.
    ended = score(DOC, Response("So there are the", Generation(finish="stop")))
    assert (ended["tokens"], ended["truncated"], ended["invalid_no_number"]) == (None, 0, 1)
    assert score(DOC, "So there are the")["truncated"] == 1


@pytest.mark.parametrize("name", FORMATS)
def test_one_process_results_a_format(name: str) -> None:
    process = getattr(scoring, f"process_results_{name}")
    found = process(DOC, [target_text(DOC["solution"], name)])
    assert tuple(found[key] for key in FLAGS) == (1, 1, 0, 0)
    for other in FORMATS:
        written = target_text(DOC["solution"], other)
        alike = written == target_text(DOC["solution"], name)
        assert (process(DOC, [written])["exact_match"], process(DOC, [written])["format_ok"]) == (
            1,
            int(alike),
        )
    # What an API backend passes for a response without content.
    nothing: Any = None
    assert tuple(process(DOC, [nothing])[key] for key in FLAGS) == (0, 0, 1, 0)
    assert process(DOC, [nothing])["invalid_empty"] == 1


def test_mean_of_what_is_there() -> None:
    assert mean_present([1.0, None, 0.5]) == 0.75
    assert math.isnan(mean_present([None, None]))


class TestClusteredStandardError:
    def test_equal_clusters_give_the_reports_formula(self) -> None:
        rng = np.random.default_rng(5)
        x = rng.integers(0, 2, size=(40, 3))
        pairs = [(f"t{g}", int(value)) for g, row in enumerate(x) for value in row]
        expected = x.mean(axis=1).std(ddof=1) / math.sqrt(40)
        assert clustered_se(pairs) == pytest.approx(expected, rel=1e-12)
        assert clustered_se(pairs[::-1]) == pytest.approx(expected, rel=1e-12)
        half = t_interval(x.mean(axis=1) - 0.5, level=0.95)
        assert clustered_se(pairs) * 2.022691 == pytest.approx((half.high - half.low) / 2, rel=1e-5)

    def test_clusters_of_one_give_the_ordinary_one(self) -> None:
        values = [1, 0, 0, 1, 1, 0, 1]
        pairs = [(str(i), value) for i, value in enumerate(values)]
        assert clustered_se(pairs) == pytest.approx(np.std(values, ddof=1) / math.sqrt(7))

    def test_unequal_clusters_by_hand(self) -> None:
        # mean 1/2; residual sums 1/2, 1/2 and -1; 3/2 * (1/4 + 1/4 + 1) = 9/4; sqrt(9/4) / 4
        pairs = [("a", 1), ("b", 1), ("c", 0), ("c", 0)]
        assert clustered_se(pairs) == pytest.approx(0.375)

    def test_repeated_answers_are_no_more_information(self) -> None:
        once = [("a", 1), ("b", 0), ("c", 1)]
        assert clustered_se(once * 5) == pytest.approx(clustered_se(once))

    @pytest.mark.parametrize("pairs", [[], [("a", 1)], [("a", 1), ("a", 0)]])
    def test_one_template_says_nothing(self, pairs: list[tuple[str, int]]) -> None:
        assert math.isnan(clustered_se(pairs))
