"""``rote eval``: lm-eval's command line with our tasks, models and defaults."""

from __future__ import annotations

import json
import logging
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import lm_eval
import lm_eval.tasks
import pytest
import yaml

from rote import tasks_path
from rote.cli import main
from rote.errors import MissingExtraError, UsageError
from rote.harness_ext.datasets import load_problems
from rote.harness_ext.git import commit_hash
from rote.harness_ext.models import MODELS, register
from rote.harness_ext.run import evaluate, own_tasks, task_managers
from rote.reports import build_report, read_logs

SOLVER = ["--model", "rote-planted", "--model_args", "behaviour=solver"]


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def logs(folder: Path) -> tuple[dict[str, Any], dict[str, list[dict[str, Any]]]]:
    """The one results file below ``folder`` and the samples of each task."""
    [results] = folder.rglob("results_*.json")
    samples = {
        path.name.removeprefix("samples_").rpartition("_")[0]: [
            json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()
        ]
        for path in folder.rglob("samples_*.jsonl")
    }
    return json.loads(results.read_text(encoding="utf-8")), samples


def test_samples_are_logged_to_results_by_default(tmp_path: Path) -> None:
    evaluate(["--tasks", "bank_original,bank_noop_zeroshot", *SOLVER, "--limit", "2"])
    results, samples = logs(tmp_path / "results")
    assert (tmp_path / "results" / "planted-solver").is_dir()
    assert results["config"]["model"] == "rote-planted"
    assert results["config"]["model_args"] == {"behaviour": "solver", "model": "planted-solver"}
    assert results["config"]["planted"] == {"behaviour": "solver", "seed": 0}
    assert sorted(samples) == ["bank_noop_zeroshot", "bank_original"]
    for lines in samples.values():
        assert [line["exact_match"] for line in lines] == [1, 1]
        assert [line["trapped"] for line in lines] == [0, 0]
    assert [line["doc"]["template_id"] for line in samples["bank_original"]] == [
        line["doc"]["template_id"] for line in samples["bank_noop_zeroshot"]
    ]


def test_run_may_be_said_and_metadata_reach_the_tasks(tmp_path: Path) -> None:
    metadata = json.dumps({"rote": {"seed": 6, "variants": 2}})
    words = ["run", "--tasks", "bank_symbolic_zeroshot", *SOLVER, "--metadata", metadata, "-o", "out"]
    evaluate(words)
    _, samples = logs(tmp_path / "out")
    docs = [line["doc"] for line in samples["bank_symbolic_zeroshot"]]
    assert {(doc["seed"], doc["index"]) for doc in docs} == {(6, 0), (6, 1)}
    assert not (tmp_path / "results").exists()


def test_templates_left_out_stand_in_the_results(tmp_path: Path) -> None:
    chosen: dict[str, Any] = {"rote": {"noop": {"family": "library_year"}, "variants": 1}}
    words = ["--tasks", "bank_noop_zeroshot,bank_original_zeroshot", *SOLVER, "--limit", "1"]
    evaluate([*words, "--metadata", json.dumps(chosen)])
    results, _ = logs(tmp_path / "results")
    metadata = {task: config["metadata"] for task, config in results["configs"].items()}
    assert metadata["bank_noop_zeroshot"]["rote"] == chosen["rote"]
    expected: dict[str, Any] = {}
    load_problems(rote_source="bank", rote_variant="noop", rote_skipped=expected, **chosen)
    assert metadata["bank_noop_zeroshot"]["rote_skipped"] == expected
    assert expected["count"] == len(expected["templates"]) > 0
    nothing = {"count": 0, "of": 100, "reasons": {}, "templates": {}}
    assert metadata["bank_original_zeroshot"]["rote_skipped"] == nothing


def test_templates_left_out_stand_in_what_lm_eval_itself_returns() -> None:
    register()
    chosen: dict[str, Any] = {"rote": {"noop": {"topic": "off", "position": "before_question"}}}
    manager = lm_eval.tasks.TaskManager(
        include_path=str(tasks_path()), include_defaults=False, metadata=chosen
    )
    results = lm_eval.simple_evaluate(
        model="rote-planted", tasks=["bank_noop_suite"], task_manager=manager, limit=1
    )
    skipped = {
        task: config["metadata"]["rote_skipped"]["count"] for task, config in results["configs"].items()
    }
    for task, count in skipped.items():
        variant = task.removeprefix("bank_").removesuffix("_zeroshot")
        expected: dict[str, Any] = {}
        load_problems(rote_source="bank", rote_variant=variant, rote_skipped=expected, **chosen)
        assert count == expected["count"]
    assert skipped["bank_original_zeroshot"] == 0
    assert skipped["bank_noop_zeroshot"] > 0


def test_each_document_with_examples_of_its_own(tmp_path: Path) -> None:
    evaluate(["--tasks", "bank_original_same_shots,bank_noop_same_shots", *SOLVER, "--limit", "3"])
    results, samples = logs(tmp_path / "results")
    assert set(results["n-shot"].values()) == {0}
    for lines in samples.values():
        for line in lines:
            prompt = line["arguments"]["gen_args_0"]["arg_0"]
            shown = [shot["question"] for shot in line["doc"]["shots"]]
            assert all(f"Word problem: {question}\n" in prompt for question in shown)
            assert prompt.count("Word problem: ") == len(shown) + 1 == 9
            assert prompt.endswith(f"Word problem: {line['doc']['question']}\nWorked solution:")
            assert line["exact_match"] == 1
    report = build_report(read_logs(tmp_path / "results"))
    assert [row.variant for row in report.series[0].variants] == ["noop"]


def test_chat_template_and_glob(tmp_path: Path) -> None:
    evaluate(["--tasks", "bank_n[au]m*[er]s", *SOLVER, "--limit", "1", "--apply_chat_template"])
    _, samples = logs(tmp_path / "results")
    assert sorted(samples) == ["bank_names", "bank_numbers"]
    prompt = samples["bank_names"][0]["arguments"]["gen_args_0"]["arg_0"]
    assert prompt.startswith("[user]\nWord problem: ")
    assert prompt.endswith("Worked solution:\n[assistant]\n")


def test_config_file_is_honoured(tmp_path: Path) -> None:
    config = {
        "tasks": ["bank_original_zeroshot"],
        "model": "rote-planted",
        "model_args": {"behaviour": "noisy", "accuracy": 0},
        "log_samples": False,
        "output_path": "elsewhere",
        "limit": 3,
    }
    (tmp_path / "c.yaml").write_text(yaml.safe_dump(config), encoding="utf-8")
    evaluate(["--config", "c.yaml"])
    results, samples = logs(tmp_path / "elsewhere")
    assert samples == {}
    assert results["results"]["bank_original_zeroshot"]["exact_match,none"] == 0


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--tasks", "bank_noop", *SOLVER, "--cache_requests"], r"--cache_requests is refused: .*--metadata"),
        (["--tasks", "bank_noop", *SOLVER, "--cache_requests", "refresh"], "--cache_requests is refused"),
        (["--tasks", "bank_nop", *SOLVER], r"no task 'bank_nop'; did you mean 'bank_noop'\?"),
        (["--tasks", "bank_zzz*", *SOLVER], r"no task 'bank_zzz\*'"),
        (SOLVER, r"--tasks: name at least one task"),
        (
            ["--tasks", "bank_noop_suit", *SOLVER],
            r"no task 'bank_noop_suit'; did you mean 'bank_noop_suite'\?",
        ),
        (["--tasks", "bank_noop", *SOLVER, "--metadata", '{"rote": {"noop": {"topic": "of"}}}'], "'off'"),
        (["--tasks", "bank_noop", *SOLVER, "--metadata", '{"rote": {"templates": "gone"}}'], "is no folder"),
        (["--tasks", "bank_noop", *SOLVER, "--num_fewshot", "9"], r"--num_fewshot 9: .* 8 exemplars"),
        (
            ["--tasks", "bank_robustness,bank_p1_zeroshot", *SOLVER],
            r"--tasks: Duplicate task 'bank_p1_zeroshot'",
        ),
        (["--tasks", "bank_noop", "--model", "rote-plantd"], r"'rote-plantd'; did you mean 'rote-planted'\?"),
        (["--tasks", "bank_noop", *SOLVER, "--config", "none.yaml"], r"--config: Config file not found"),
        (["--tasks", "bank_noop", *SOLVER, "--limit", "2", "--samples", '{"a": [1]}'], "--limit must be"),
        (["--tasks", "bank_noop", *SOLVER, "--metadata", '{"rote": {"sede": 1}}'], "did you mean 'seed'"),
        (["--tasks", "bank_noop", *SOLVER[:2], "-a", "behavior=solver"], "did you mean 'behaviour'"),
    ],
)
def test_bad_arguments_are_named(words: list[str], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        evaluate(words)


def test_a_missing_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    from lm_eval.api.registry import model_registry

    def get(name: str) -> None:
        raise ModuleNotFoundError("No module named 'torch'", name="torch")

    monkeypatch.setattr(model_registry, "get", get)
    with pytest.raises(MissingExtraError, match=r"torch is needed .* pip install 'rote\[hf\]'"):
        evaluate(["--tasks", "bank_noop", "--model", "hf"])


def test_a_package_that_models_behind_an_api_need_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    import rote.harness_ext.run as run

    monkeypatch.setattr(run, "find_spec", lambda name: None if name == "tenacity" else object())
    wanted = r"^tenacity is needed .* pip install 'rote\[api\]' \(or 'lm_eval\[api\]'\)$"
    for name in ("local-chat-completions", "local-completions", "openai-completions"):
        with pytest.raises(MissingExtraError, match=wanted):
            evaluate(["--tasks", "bank_noop", "--model", name])
    monkeypatch.setattr(run, "find_spec", lambda name: None)
    run.check_model("rote-planted")


def test_what_lm_eval_says_of_a_missing_package_is_a_message(monkeypatch: pytest.MonkeyPatch) -> None:
    from lm_eval._cli.run import Run

    raised = ModuleNotFoundError("package `abc` is not installed")

    def execute(args: Any) -> None:
        raise raised

    monkeypatch.setattr(Run, "_execute", staticmethod(execute))
    with pytest.raises(UsageError, match="package `abc` is not installed"):
        evaluate(["--tasks", "bank_noop", *SOLVER])
    raised.name = "abc"
    with pytest.raises(ModuleNotFoundError, match="package `abc`"):
        evaluate(["--tasks", "bank_noop", *SOLVER])


def test_git_says_nothing_outside_a_repository(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    import lm_eval.evaluator

    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    stock = lm_eval.evaluator.get_git_commit_hash
    evaluate(["--tasks", "bank_original_zeroshot", *SOLVER, "--limit", "1"])
    assert "fatal" not in capfd.readouterr().err
    assert logs(tmp_path / "results")[0]["git_hash"] is None
    assert lm_eval.evaluator.get_git_commit_hash is stock


def test_commit_is_the_one_that_lm_eval_finds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from lm_eval.loggers.utils import get_git_commit_hash

    if shutil.which("git") is None:
        pytest.skip("needs git")
    who = ["-c", "user.name=a", "-c", "user.email=a@b.c", "-c", "commit.gpgsign=false"]
    subprocess.run(["git", "init", "--quiet"], check=True)
    subprocess.run(["git", *who, "commit", "--quiet", "--allow-empty", "-m", "first"], check=True)
    assert commit_hash() == get_git_commit_hash()
    assert commit_hash()
    monkeypatch.setenv("PATH", str(tmp_path))
    assert commit_hash() == get_git_commit_hash()
    assert commit_hash()


@pytest.mark.slow
def test_a_task_that_nobody_has_is_named() -> None:
    with pytest.raises(UsageError, match="--tasks: Tasks not found: no_such_task"):
        evaluate(["--tasks", "no_such_task", *SOLVER])


def test_refused_arguments_leave_nothing_behind(tmp_path: Path) -> None:
    with pytest.raises(UsageError):
        evaluate(["--tasks", "bank_nop", *SOLVER])
    assert list(tmp_path.iterdir()) == []


def test_output_that_cannot_be_written_is_said_before_the_evaluation(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(UsageError, match=r"--output_path file/out: no folder"):
        evaluate(["--tasks", "bank_noop", *SOLVER, "--output_path", "file/out"])


def test_command_line_prints_the_message_alone(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["eval", "--tasks", "bank_nop", *SOLVER]) == 3
    assert capsys.readouterr().err.startswith("rote eval: error: --tasks: no task 'bank_nop'; did you mean")


def test_help_is_lm_evals_with_a_preface(capsys: pytest.CaptureFixture[str]) -> None:
    for words in (["eval", "--help"], ["eval"], ["eval", "run", "-h"]):
        assert main(words) == 0
        out = capsys.readouterr().out
        assert out.startswith("rote eval takes everything that `lm_eval run` takes")
        assert "--apply_chat_template" in out


def test_listing_knows_our_tasks(capsys: pytest.CaptureFixture[str]) -> None:
    with task_managers(include_defaults=False):
        assert set(lm_eval.tasks.TaskManager().all_tasks) == own_tasks()


@pytest.mark.parametrize(
    ("tasks", "indexed"),
    [
        ("bank_original_zeroshot", False),
        ("bank_*_zeroshot", False),
        ("bank_robustness", False),
        ("bank_noop_suite,gsm8k_noop_suite,gsm8k_noop_same_shots", False),
        ("bank_original_zeroshot,gsm8k", True),
        ("*gsm8k*", True),
    ],
)
def test_builtin_tasks_are_indexed_only_when_asked_for(
    tasks: str, indexed: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    from lm_eval._cli.run import Run

    asked: list[bool] = []

    class Spy(lm_eval.tasks.TaskManager):
        def __init__(self, verbosity: Any, include_path: Any, include_defaults: bool, metadata: Any) -> None:
            asked.append(include_defaults)
            super().__init__(verbosity, include_path, False, metadata)

    def execute(args: Any) -> None:
        lm_eval.tasks.TaskManager(include_path=None, metadata={})

    monkeypatch.setattr(Run, "_execute", staticmethod(execute))
    stock = lm_eval.tasks.TaskManager
    with monkeypatch.context() as patch:
        import rote.harness_ext.run as run

        ours = own_tasks()
        patch.setattr(run, "own_tasks", lambda include_path=None: ours)
        patch.setattr(lm_eval.tasks, "TaskManager", Spy)
        evaluate(["--tasks", tasks, *SOLVER])
    assert asked == [indexed]
    assert lm_eval.tasks.TaskManager is stock


def test_a_users_tasks_are_found_beside_ours(tmp_path: Path) -> None:
    mine = {
        "task": "bank_of_mine",
        "include": str(Path(own_file("bank_original_zeroshot"))),
    }
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "t.yaml").write_text(yaml.safe_dump(mine), encoding="utf-8")
    with task_managers(include_defaults=False):
        manager = lm_eval.tasks.TaskManager(include_path=str(tmp_path / "mine"))
    assert set(manager.all_tasks) == own_tasks() | {"bank_of_mine"}


def own_file(task: str) -> str:
    with task_managers(include_defaults=False):
        return str(lm_eval.tasks.TaskManager().task_index[task].yaml_path)


def test_registering_keeps_the_builtin_models() -> None:
    code = (
        "from rote.harness_ext.models import register; register(); register();"
        "from lm_eval.api.registry import model_registry as r; print('hf' in r, 'rote-planted' in r);"
        "print(r.get('rote-planted').__name__)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["True", "True", "PlantedLM"]
    register()
    from lm_eval.api.registry import model_registry

    assert all(name in model_registry for name in MODELS)


def test_hint_about_metadata_is_silenced_only_while_running(caplog: pytest.LogCaptureFixture) -> None:
    logger = logging.getLogger("lm_eval.api.task")
    before = list(logger.filters)
    with task_managers(include_defaults=False):
        assert len(logger.filters) == len(before) + 1
        record = logger.makeRecord(logger.name, 30, "f", 1, "other warning", (), None)
        assert all(f(record) if callable(f) else f.filter(record) for f in logger.filters)
    assert logger.filters == before
