"""The formats through lm-eval: a solver answers as asked and scores 1, and every metric is aggregated."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest

from rote.harness_ext.run import evaluate
from rote.harness_ext.scoring import CLUSTERED, METRICS
from rote.metrics import OPTIONAL
from rote.reports import build_report, read_logs

TASKS = (
    "bank_symbolic_tags",
    "bank_symbolic_tags_zeroshot",
    "bank_symbolic_boxed",
    "bank_symbolic_boxed_zeroshot",
    "bank_symbolic_instruct",
    "bank_symbolic",
    "bank_symbolic_zeroshot",
)


def run(folder: Path, tasks: str, behaviour: str, *words: str) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """The results of each task, and all logged samples."""
    model = ["--model", "rote-planted", "--model_args", f"behaviour={behaviour}"]
    evaluate(["--tasks", tasks, *model, "--output_path", str(folder), *words])
    [path] = folder.rglob("results_*.json")
    samples = [
        json.loads(line)
        for log in sorted(folder.rglob("samples_*.jsonl"))
        for line in log.read_text(encoding="utf-8").splitlines()
    ]
    return json.loads(path.read_text(encoding="utf-8"))["results"], samples


@pytest.mark.parametrize("words", [(), ("--apply_chat_template",)])
def test_a_solver_scores_one_in_every_format(tmp_path: Path, words: tuple[str, ...]) -> None:
    results, samples = run(tmp_path, ",".join(TASKS), "solver", "--limit", "12", *words)
    assert sorted(results) == sorted(TASKS)
    for task, found in results.items():
        assert {key.partition(",")[0] for key in found if ",none" in key and "_stderr" not in key} == set(
            METRICS
        )
        assert (found["exact_match,none"], found["format_ok,none"]) == (1, 1), task
        assert found[f"{CLUSTERED},none"] == 0
        assert found["step_consistency,none"] == 1
        assert math.isnan(found["confidence,none"])
        for key in (*OPTIONAL, CLUSTERED):
            assert found[f"{key}_stderr,none"] == "N/A"
    assert len(samples) == 12 * len(TASKS)
    for sample in samples:
        assert sample["metrics"] == list(METRICS)
        assert set(METRICS) <= set(sample)


def test_clustered_standard_error_and_a_report(tmp_path: Path) -> None:
    results, samples = run(
        tmp_path, "bank_original_tags,bank_numbers_tags", "noisy,accuracy=0.5", "--limit", "150"
    )
    found = results["bank_numbers_tags"]
    clusters: dict[str, list[int]] = {}
    for sample in samples:
        if sample["doc"]["variant"] == "numbers":
            clusters.setdefault(sample["doc"]["template_id"], []).append(sample["exact_match"])
    n = sum(map(len, clusters.values()))
    assert (n, len(clusters)) == (150, 100)
    mean = sum(map(sum, clusters.values())) / n
    squares = sum(sum(x - mean for x in own) ** 2 for own in clusters.values())
    assert found[f"{CLUSTERED},none"] == pytest.approx(math.sqrt(100 / 99 * squares) / n)
    assert found["exact_match_stderr,none"] == pytest.approx(math.sqrt(mean * (1 - mean) / (n - 1)))
    [series] = build_report(read_logs(tmp_path)).series
    assert [row.variant for row in series.variants] == ["numbers"]
