"""Seeds × shots × tasks in one run: the same logs as separate runs, one batch, one model."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from test_repeats import Cycle, manager

from rote.errors import UsageError
from rote.harness_ext import sweep
from rote.harness_ext.run import evaluate
from rote.reports import build_report, read_logs

NOISY = ["--model", "rote-planted", "--model_args", "behaviour=noisy,accuracy=0.6"]


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def logged(folder: Path) -> dict[tuple[str, int | None, int], tuple[dict[str, Any], list[dict[str, Any]]]]:
    """(task, seed of its settings, shots) -> its config and its samples, of all logs below a folder."""
    found = {}
    for path in folder.rglob("results_*.json"):
        results = json.loads(path.read_text(encoding="utf-8"))
        time = path.stem.removeprefix("results_")
        for task, config in results["configs"].items():
            samples = path.with_name(f"samples_{task}_{time}.jsonl").read_text(encoding="utf-8")
            key = (task, config["metadata"].get("rote", {}).get("seed"), config["num_fewshot"])
            assert key not in found
            found[key] = (results, [json.loads(line) for line in samples.splitlines()])
    return found


def test_logs_are_those_of_separate_runs(tmp_path: Path) -> None:
    tasks = "bank_original,bank_symbolic,bank_noop_zeroshot"
    evaluate([*NOISY, "--tasks", tasks, "--limit", "4", "--seeds", "0,3", "-o", "one"])
    for seed in (0, 3):
        metadata = json.dumps({"rote": {"seed": seed}})
        evaluate([*NOISY, "--tasks", tasks, "--limit", "4", "--metadata", metadata, "-o", f"apart/{seed}"])
    one, apart = logged(tmp_path / "one"), logged(tmp_path / "apart")
    assert set(one) == set(apart)
    assert len(one) == 6
    for key, (results, samples) in apart.items():
        task = key[0]
        assert one[key][1] == samples
        assert one[key][0]["results"][task] == pytest.approx(results["results"][task], nan_ok=True)
        assert one[key][0]["task_hashes"][task] == results["task_hashes"][task]
        for table in ("versions", "n-shot", "n-samples", "higher_is_better"):
            assert one[key][0][table][task] == results[table][task]
        config, other = one[key][0]["configs"][task], results["configs"][task]
        assert {k: v for k, v in config.items() if k != "metadata"} == {
            k: v for k, v in other.items() if k != "metadata"
        }


def test_one_batch_and_originals_once(tmp_path: Path) -> None:
    from lm_eval.loggers import EvaluationTracker

    model = Cycle()
    found = sweep.run(
        sweep.Plan(seeds=(0, 1, 2), shots=(2, 4)),
        ["bank_original", "bank_symbolic", "bank_noop_zeroshot"],
        manager=manager,
        tracker=EvaluationTracker(output_path=str(tmp_path / "out")),
        model=model,
        limit=5,
    )
    # Originals under each number of shots, symbolic under each seed and number, noop under each seed.
    assert model.calls == [5 * (2 + 6 + 3)]
    assert [(part["sweep"]["seed"], part["sweep"]["shots"]) for part in found] == [
        (seed, shots) for seed in (0, 1, 2) for shots in (2, 4)
    ]
    assert set(found[0]["results"]) == {"bank_original", "bank_symbolic", "bank_noop_zeroshot"}
    assert set(found[1]["results"]) == {"bank_original", "bank_symbolic"}
    assert found[2]["sweep"]["asked_as"]["bank_original"] == "bank_original@seed0@shots2"
    prompts = {
        (seed, shots): samples[0]["arguments"]["gen_args_0"]["arg_0"].count("Word problem:")
        for (task, seed, shots), (_, samples) in logged(tmp_path / "out").items()
        if task == "bank_symbolic"
    }
    assert prompts == {(seed, shots): shots + 1 for seed in (0, 1, 2) for shots in (2, 4)}


def test_reports_read_a_sweep(tmp_path: Path) -> None:
    evaluate([*NOISY, "--tasks", "bank_original,bank_symbolic", "--limit", "20", "--seeds", "0,1"])
    report = build_report(read_logs(tmp_path / "results"))
    assert [row.variant for row in report.series[0].variants] == ["symbolic"]


def test_zero_and_few_shot_side_by_side(tmp_path: Path) -> None:
    names = ["bank_original", "bank_original_zeroshot", "bank_noop", "bank_noop_zeroshot"]
    evaluate([*NOISY, "--tasks", ",".join(names), "--limit", "20"])
    found = logged(tmp_path / "results")
    assert set(found) == {(name, None, 0 if name.endswith("zeroshot") else 8) for name in names}
    report = build_report(read_logs(tmp_path / "results"))
    assert sorted(series.shots for series in read_logs(tmp_path / "results").series) == [0, 8]
    assert len(report.series) == 2


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--seeds", "0,x"], r"--seeds must be whole numbers of at least 0, such as 1,2, got '0,x'"),
        (["--seeds", "1,1"], "--seeds names a number twice"),
        (["--seeds", ""], "--seeds must be"),
        (["--shots", "0"], "--shots must be whole numbers of at least 1.*_zeroshot"),
        (["--shots", "9"], "--shots 9: rote's tasks have 8 exemplars"),
        (["--repeats", "2,3"], "--repeats must be one whole number"),
        (["--repeats", "0"], "--repeats must be"),
        (["--seeds"], "expected one argument"),
        (["--shots", "2", "--num_fewshot", "3"], "--shots and --num_fewshot contradict"),
        (["--seeds", "1", "--metadata", '{"rote": {"seed": 2}}'], "contradict each other"),
        (["--seeds", "1", "--wandb_args", "project=x"], "--wandb_args does not go with"),
    ],
)
def test_what_cannot_be_is_refused(words: list[str], told: str) -> None:
    with pytest.raises(UsageError, match=told):
        evaluate([*NOISY, "--tasks", "bank_original", "--limit", "1", *words])


def test_shots_need_a_few_shot_task() -> None:
    with pytest.raises(UsageError, match="all these tasks are zero-shot"):
        sweep.build(sweep.Plan(shots=(2,)), ["bank_original_zeroshot"], {}, manager)


def test_other_words_are_left_to_lm_eval() -> None:
    words = ["--seed", "3", "--tasks", "a", "--seeds=1,2", "-b", "4", "--model_args", "x=-1"]
    plan, others = sweep.parse_options(words)
    assert plan == sweep.Plan(seeds=(1, 2))
    assert others == ["--seed", "3", "--tasks", "a", "-b", "4", "--model_args", "x=-1"]
