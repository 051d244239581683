"""Several responses to a problem: the estimators, and through lm-eval with a model that varies."""

from __future__ import annotations

import itertools
import json
import math
import statistics
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from lm_eval.api.model import LM
from lm_eval.loggers import EvaluationTracker
from lm_eval.tasks import TaskManager

from rote import tasks_path
from rote.errors import UsageError
from rote.harness_ext import repeats, sweep
from rote.harness_ext.models import register
from rote.harness_ext.run import evaluate
from rote.reports import read_logs


class Cycle(LM):
    """Answers in turn right, wrong, nothing, right; counts what it is asked."""

    def __init__(self) -> None:
        super().__init__()
        self.calls: list[int] = []

    def generate_until(self, requests: list[Any], disable_tqdm: bool = False) -> list[str]:
        self.calls.append(len(requests))
        turn: dict[str, Iterator[int]] = {}
        said = []
        for request in requests:
            number = next(turn.setdefault(request.args[0], itertools.count()))
            said.append(
                ("#### " + request.doc["answer"], "#### 0.125", "Hm.", f"So. #### {request.doc['answer']}")[
                    number % 4
                ]
            )
        return said

    def loglikelihood(self, requests: list[Any], disable_tqdm: bool = False) -> Any:
        raise NotImplementedError

    loglikelihood_rolling = loglikelihood


@pytest.mark.parametrize("n", range(1, 8))
def test_pass_at_is_the_share_of_draws_with_a_right_one(n: int) -> None:
    for c in range(n + 1):
        for j in range(1, n + 1):
            draws = list(itertools.combinations([i < c for i in range(n)], j))
            assert repeats.pass_at(c, n, j) == pytest.approx(sum(map(any, draws)) / len(draws), abs=1e-12)


def test_pass_at_equals_the_published_product() -> None:
    # The numerically stable form that Chen et al. 2021 print in figure 3.
    for n, c, j in ((200, 3, 100), (64, 1, 8), (100, 99, 1)):
        published = 1.0 - math.prod(1.0 - j / i for i in range(n - c + 1, n + 1))
        assert repeats.pass_at(c, n, j) == pytest.approx(published, rel=1e-12)


@pytest.mark.parametrize(("c", "n", "j"), [(-1, 3, 1), (4, 3, 1), (1, 3, 0), (1, 3, 4)])
def test_pass_at_refuses_what_cannot_be(c: int, n: int, j: int) -> None:
    with pytest.raises(ValueError, match="pass@"):
        repeats.pass_at(c, n, j)


@pytest.mark.parametrize(
    ("votes", "right", "expected"),
    [
        ([4, 4, 5], [True, True, False], 1),
        ([5, 5, 4], [False, False, True], 0),
        ([4, 5], [True, False], 0.5),
        ([5, 4], [False, True], 0.5),
        ([4, 5, 6], [True, False, False], 1 / 3),
        ([None, None, 4], [False, False, True], 1),
        ([None, None], [False, False], 0),
    ],
)
def test_majority(votes: list[int | None], right: list[bool], expected: float) -> None:
    assert repeats.majority(votes, right) == pytest.approx(expected)


def test_votes_are_answers_and_not_texts() -> None:
    doc = {"answer": "1080"}
    assert repeats.vote_of(doc, "The answer is 1,080.") == repeats.vote_of(doc, "#### 1080")
    assert repeats.vote_of(doc, "Hm.") is None
    system = {"answers": {"x": "1", "y": "2"}}
    assert repeats.vote_of(system, "x = 1, y = 2") == repeats.vote_of(system, "y = 2\nx = 1") is not None
    assert repeats.vote_of(system, "Hm.") is None


def test_steps_and_spread() -> None:
    assert [repeats.steps(k) for k in (1, 2, 3, 8, 10)] == [
        (1,),
        (1, 2),
        (1, 2, 3),
        (1, 2, 4, 8),
        (1, 2, 4, 8, 10),
    ]
    samples = [[1, 0, 1], [1, 1, 0], [0, 0, 0], [1, 0, 1]]
    means = [0.75, 0.25, 0.5]
    assert repeats.run_means(samples) == means
    assert repeats.run_sd(samples) == pytest.approx(statistics.stdev(means))
    assert math.isnan(repeats.run_sd([[1], [0]]))


@pytest.mark.parametrize(
    ("k", "kwargs", "told"),
    [
        (2, {}, "needs a temperature above 0"),
        (2, {"temperature": 0}, "needs a temperature above 0"),
        (2, {"temperature": "hot"}, "got 'hot'"),
        (2, {"temperature": 0.7, "do_sample": False}, "switches sampling off"),
        (5000, {"temperature": 0.7}, "from 1 to 1024, got 5000"),
    ],
)
def test_arguments_under_which_repeats_would_be_one_are_refused(
    k: int, kwargs: dict[str, Any], told: str
) -> None:
    with pytest.raises(UsageError, match=told):
        repeats.check(k, kwargs)


def test_sampling_is_switched_on() -> None:
    assert repeats.check(2, {"temperature": 0.7}) == {"temperature": 0.7, "do_sample": True}
    assert repeats.check(1, {}) == {}


def manager(metadata: dict[str, Any]) -> TaskManager:
    return TaskManager(include_path=str(tasks_path()), include_defaults=False, metadata=metadata)


@pytest.mark.parametrize("task", ["bank_original_zeroshot", "linear_equations_zeroshot"])
def test_every_repeat_reaches_the_scores(tmp_path: Path, task: str) -> None:
    names = {"linear": {"n": 3, "unknowns": [1]}} if task.startswith("linear") else {}
    (found,) = sweep.run(
        sweep.Plan(repeats=4),
        [task],
        manager=manager,
        tracker=EvaluationTracker(output_path=str(tmp_path)),
        metadata={"rote": names},
        model=Cycle(),
        limit=3,
    )
    (path,) = tmp_path.rglob("samples_*.jsonl")
    for line in map(json.loads, path.read_text(encoding="utf-8").splitlines()):
        assert len(line["resps"][0]) == len(line["filtered_resps"][0]) == 4
        assert line["exact_match"] == line["runs"][0]
        if task.startswith("bank"):
            assert line["runs"] == [1, 0, 0, 1]
            assert (line["pass@1"], line["pass@4"], line["maj@4"], line["distinct"]) == (0.5, 1, 1, 1)
    if task.startswith("bank"):
        table = found["results"][task]
        assert table["runs,none"] == [1, 0, 0, 1]
        assert table["runs_sd,none"] == pytest.approx(statistics.stdev([1, 0, 0, 1]))
        assert table["pass@2,none"] == pytest.approx(1 - 1 / 6)
        assert table["pass@1_stderr,none"] == 0
        assert found["configs"][task]["repeats"] == 4
        (series,) = read_logs(tmp_path).series
        assert all(s.correct for group in series.samples["original"].values() for s in group)


def test_tasks_of_others_are_refused() -> None:
    inline = {
        "task": "own_task",
        "custom_dataset": lambda **_: {"test": sweep_docs()},
        "test_split": "test",
        "doc_to_text": "{{q}}",
        "doc_to_target": "{{a}}",
        "output_type": "generate_until",
        "generation_kwargs": {"until": ["\n"]},
        "metric_list": [{"metric": "exact_match", "aggregation": "mean", "higher_is_better": True}],
    }
    with pytest.raises(UsageError, match="own_task is no task of rote"):
        sweep.build(sweep.Plan(repeats=2), [inline], {}, manager)


def sweep_docs() -> Any:
    import datasets

    return datasets.Dataset.from_list([{"q": "One fig?", "a": "1"}])


def test_command_prints_the_spread_and_warns_of_equal_repeats(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    register()
    words = ["--model", "rote-planted", "--model_args", "behaviour=solver", "--limit", "2", "--repeats", "3"]
    evaluate([*words, "--tasks", "bank_original,bank_original_zeroshot", "--gen_kwargs", "temperature=0.8"])
    printed = capsys.readouterr().out
    for task in ("bank_original", "bank_original_zeroshot"):
        assert f"{task}: 1.000 ± 0.000 over 3 runs, pass@3 1.000, maj@3 1.000" in printed
        assert f"{task}: warning: all 3 responses to each problem are the same" in printed
    with pytest.raises(UsageError, match="needs a temperature"):
        evaluate([*words, "--tasks", "bank_original"])
