"""The tasks on linear equations: settings, data, prompts, scores, and a whole run that reports can read."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from lm_eval.tasks import TaskManager

from rote import tasks_path
from rote.cli import main
from rote.errors import UsageError
from rote.harness_ext import linear
from rote.harness_ext.models.planted import PlantedLM
from rote.perturb.linear import prompts, shots
from rote.problem import Problem
from rote.reports.reader import read_logs

TASKS = ("linear_equations", "linear_equations_zeroshot")


@pytest.fixture(scope="module")
def tasks() -> dict[str, Any]:
    manager = TaskManager(
        include_path=str(tasks_path()),
        include_defaults=False,
        metadata={"rote": {"linear": {"n": 60}, "seed": 3}},
    )
    loaded: dict[str, Any] = dict(manager.load(list(TASKS))["tasks"])
    return loaded


# --- settings -----------------------------------------------------------------------------------------


def test_defaults() -> None:
    settings, seed = linear.parse_linear(None)
    assert (settings, seed) == (linear.LinearSettings(), 0)
    assert linear.parse_linear({"seed": 4, "variants": 2})[1] == 4


def test_settings_are_read() -> None:
    raw = {"linear": {"unknowns": [3, 2, 2], "difficulty": 4, "form": "words", "n": 7.0}, "seed": 2}
    settings, seed = linear.parse_linear(raw)
    assert settings == linear.LinearSettings((2, 3), (4,), "words", 7)
    assert seed == 2
    docs = linear.load_systems(rote=raw, pretrained="ignored")["test"]
    assert len(docs) == 7
    assert {(doc["form"], doc["difficulty"]) for doc in docs} == {("words", 4)}
    assert {doc["unknowns"] for doc in docs} == {2, 3}
    assert {doc["seed"] for doc in docs} == {2}


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        ([], "metadata key 'rote' must hold a mapping"),
        ({"linaer": {}}, "did you mean 'linear'?"),
        ({"sed": 1}, "did you mean 'seed'?"),
        ({"seed": -1}, "metadata rote.seed must be a whole number of at least 0, got -1"),
        ({"linear": 5}, "metadata rote.linear must hold a mapping"),
        ({"linear": {"unknown": [2]}}, "did you mean 'unknowns'?"),
        ({"linear": {"dificulty": 2}}, "did you mean 'difficulty'?"),
        (
            {"linear": {"unknowns": [0]}},
            "rote.linear.unknowns must be a list of numbers from 1 to 3, got [0]",
        ),
        ({"linear": {"unknowns": True}}, "rote.linear.unknowns must be a list of numbers"),
        ({"linear": {"unknowns": "2"}}, "rote.linear.unknowns must be a list of numbers"),
        ({"linear": {"unknowns": [[1]]}}, "rote.linear.unknowns must be a list of numbers"),
        ({"linear": {"unknowns": []}}, "rote.linear.unknowns must name at least one number"),
        ({"linear": {"difficulty": [6]}}, "rote.linear.difficulty must be a list of numbers from 1 to 5"),
        ({"linear": {"form": "prose"}}, "rote.linear.form must be one of equations, words, both"),
        ({"linear": {"n": 0}}, "rote.linear.n must be a whole number of at least 1, got 0"),
        ({"linear": {"n": 10**12}}, "would repeat a question"),
    ],
)
def test_bad_settings_are_named(raw: Any, message: str) -> None:
    with pytest.raises(UsageError, match=re.escape(message)):
        linear.parse_linear(raw)


# --- tasks --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", TASKS)
class TestTask:
    def test_states_what_decides_its_numbers(self, name: str, tasks: dict[str, Any]) -> None:
        config = tasks[name].config
        zeroshot = name.endswith("_zeroshot")
        assert config.num_fewshot == (0 if zeroshot else 8)
        assert config.generation_kwargs == {
            "until": ["<|endoftext|>"] if zeroshot else list(prompts.FORMAT.stop),
            "max_gen_toks": 2048,
            "do_sample": False,
            "temperature": 0.0,
        }
        assert [metric["metric"] for metric in config.metric_list] == list(linear.METRICS)
        assert len(tasks[name].eval_docs) == 60

    def test_gold_scores_full_marks(self, name: str, tasks: dict[str, Any]) -> None:
        task = tasks[name]
        for doc in task.eval_docs:
            for text in (doc["solution"], task.doc_to_target(doc)):
                assert task.process_results(doc, [text]) == {
                    "exact_match": 1,
                    "unknowns_right": 1,
                    "format_ok": 1,
                    "invalid": 0,
                }, doc["id"]
            assert not any(stop in task.doc_to_target(doc) for stop in task.config.generation_kwargs["until"])

    def test_nothing_scores_nothing(self, name: str, tasks: dict[str, Any]) -> None:
        task = tasks[name]
        for nothing in ("", None):
            scores = task.process_results(task.eval_docs[0], [nothing])
            assert scores == {"exact_match": 0, "unknowns_right": 0, "format_ok": 0, "invalid": 1}

    def test_prompt_holds_the_shots_and_the_problem(self, name: str, tasks: dict[str, Any]) -> None:
        task = tasks[name]
        task.set_fewshot_seed(1234)
        for doc in list(task.eval_docs)[:5]:
            context = task.fewshot_context(doc, task.config.num_fewshot)
            if name.endswith("_zeroshot"):
                assert context == prompts.question_text(doc["question"], zeroshot=True)
                continue
            parts = [
                f"{prompts.question_text(shot.question)} {prompts.target_text(shot.solution)}\n\n"
                for shot in shots()
            ]
            assert context == "".join(parts) + prompts.question_text(doc["question"])
            assert "<<" not in context

    def test_documents_are_problems(self, name: str, tasks: dict[str, Any]) -> None:
        docs = list(tasks[name].eval_docs)
        assert {Problem.from_doc(doc).source for doc in docs} == {"linear"}
        assert len({doc["template_id"] for doc in docs}) == len(docs)


def test_shots_are_never_tested(tasks: dict[str, Any]) -> None:
    def solutions(docs: Any) -> set[tuple[str, ...]]:
        return {tuple(sorted(doc["answers"].values())) for doc in docs}

    task = tasks["linear_equations"]
    assert solutions(task.fewshot_docs()).isdisjoint(solutions(task.eval_docs))


def test_partial_marks(tasks: dict[str, Any]) -> None:
    doc = {"answers": {"x": "3", "y": "-0.5"}}
    assert linear.score(doc, "#### y = -1/2, x = 4") == {
        "exact_match": 0,
        "unknowns_right": 0.5,
        "format_ok": 1,
        "invalid": 0,
    }
    assert linear.score(doc, "So y is -0.5 and x is 3.")["exact_match"] == 1
    assert linear.score(doc, "So y is -0.5 and x is 3.")["format_ok"] == 0
    assert linear.score(doc, "#### 3") == {
        "exact_match": 0,
        "unknowns_right": 0.0,
        "format_ok": 0,
        "invalid": 1,
    }


def test_planted_models(tasks: dict[str, Any]) -> None:
    docs = linear.load_systems(rote={"linear": {"n": 900}})["test"]

    def accuracy(lm: PlantedLM) -> float:
        return sum(linear.score(doc, lm.respond(doc))["exact_match"] for doc in docs) / len(docs)

    assert accuracy(PlantedLM("solver")) == 1
    assert abs(accuracy(PlantedLM("noisy", accuracy=0.7)) - 0.7) < 0.05
    assert accuracy(PlantedLM("noisy", accuracy=0)) == 0


def test_a_run_is_read_by_the_reports(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "logs"
    arguments = ["--model", "rote-planted", "--model_args", "behaviour=solver", "--tasks", ",".join(TASKS)]
    settings = ["--metadata", '{"rote": {"linear": {"n": 12, "unknowns": [2]}, "seed": 5}}']
    assert main(["eval", *arguments, *settings, "--output_path", str(out)]) == 0
    runs = read_logs(out)
    assert [(series.source, series.setting) for series in runs.series] == [
        ("linear", "zero-shot"),
        ("linear", "8-shot"),
    ]
    for series in runs.series:
        samples = [one for group in series.samples["original"].values() for one in group]
        assert len(samples) == 12
        assert all(one.correct and one.format_ok and not one.invalid for one in samples)
        assert {one.covariates["unknowns"] for one in samples} == {2.0}
    capsys.readouterr()
