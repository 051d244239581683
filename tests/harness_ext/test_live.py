"""``rote gate --live`` with planted models: random order, one model, an early stop, a log's prompts."""

from __future__ import annotations

from pathlib import Path

import pytest

from rote.cli import main
from rote.errors import UsageError
from rote.harness_ext.live import evaluate_in_batches, random_order
from rote.harness_ext.run import evaluate

NOISY = "behaviour=noisy,accuracy=0.8"
POLICY = """\
checks:
  - {variant: original, metric: accuracy, margin: 5, tier: critical}
  - {variant: noop, metric: drop, margin: 5, tier: supporting}
"""


def test_the_order_is_of_seed_and_names_only() -> None:
    names = [f"bank/t{i}" for i in range(50)]
    assert random_order(names, 0) == random_order(names[::-1], 0)
    assert sorted(random_order(names, 0)) == sorted(names)
    assert random_order(names, 0) != random_order(names, 1) != names


def test_batches_hold_whole_templates() -> None:
    wanted = ["bank/jam_jars", "bank/arcade_games", "bank/brake_repairs"]
    batches = list(
        evaluate_in_batches(
            "rote-planted", "behaviour=solver", ["bank_original", "bank_noop"], templates=wanted, size=2
        )
    )
    assert [(b.done, b.total) for b in batches] == [(2, 3), (3, 3)]
    for batch in batches:
        for lines in batch.samples.values():
            assert {r["doc"]["template_id"] for r in lines} == set(batch.templates)
        assert len(batch.samples["bank_original"]) == len(batch.templates)


def test_what_takes_long_is_done_once(monkeypatch: pytest.MonkeyPatch) -> None:
    import lm_eval.evaluator
    from lm_eval.tasks import TaskManager

    indexed: list[object] = []
    described: list[object] = []
    make = TaskManager.__init__

    def counted(self: TaskManager, *args: object, **kwargs: object) -> None:
        indexed.append(self)
        make(self, *args, **kwargs)

    def describe(results: dict[str, object]) -> None:
        described.append(results)
        results["pretty_env_info"] = "a machine"

    monkeypatch.setattr(TaskManager, "__init__", counted)
    monkeypatch.setattr(lm_eval.evaluator, "add_env_info", describe)
    wanted = ["bank/jam_jars", "bank/arcade_games", "bank/brake_repairs"]
    batches = list(
        evaluate_in_batches("rote-planted", "behaviour=solver", ["bank_original"], templates=wanted, size=1)
    )
    assert (len(batches), len(indexed), len(described)) == (3, 1, 1)
    assert {b.results["pretty_env_info"] for b in batches} == {"a machine"}
    assert lm_eval.evaluator.add_env_info is describe


def test_what_is_unknown_is_named() -> None:
    with pytest.raises(UsageError, match="no task 'bank_nope'"):
        next(evaluate_in_batches("rote-planted", "", ["bank_nope"], templates=["bank/jam_jars"], size=1))
    with pytest.raises(UsageError, match="bank/nowhere"):
        next(evaluate_in_batches("rote-planted", "", ["bank_original"], templates=["bank/nowhere"], size=1))
    with pytest.raises(UsageError, match="no model 'rote-plantd'"):
        next(evaluate_in_batches("rote-plantd", "", ["bank_original"], templates=["bank/jam_jars"], size=1))


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("live")
    (folder / "policy.yaml").write_text(POLICY)
    logs = str(folder / "logs")
    words = ["--tasks", "bank_original,bank_noop", "--output_path", logs]
    evaluate(["--model", "rote-planted", "--model_args", NOISY, *words])
    assert (
        main(["gate", "--baseline", str(folder / "base.json"), "--candidate", logs, "--update-baseline"]) == 0
    )
    return folder


@pytest.mark.slow
@pytest.mark.parametrize(
    ("arguments", "status", "early"),
    [
        (NOISY, 0, False),
        ("behaviour=noisy,accuracy=0.3", 1, True),
        ("behaviour=distractible,trap_rate=0.9", 1, True),
    ],
)
def test_planted_models(
    files: Path, capsys: pytest.CaptureFixture[str], arguments: str, status: int, early: bool
) -> None:
    common = [
        "gate",
        "--baseline",
        str(files / "base.json"),
        "--policy",
        str(files / "policy.yaml"),
        "--live",
    ]
    assert main([*common, "--model", "rote-planted", "--model_args", arguments, "--batch", "10"]) == status
    assert ("stopped early" in capsys.readouterr().out) == early


@pytest.mark.slow
def test_another_seed_is_refused(files: Path, capsys: pytest.CaptureFixture[str]) -> None:
    common = [
        "gate",
        "--baseline",
        str(files / "base.json"),
        "--policy",
        str(files / "policy.yaml"),
        "--live",
    ]
    more = ["--model", "rote-planted", "--model_args", NOISY, "--metadata", '{"rote": {"seed": 5}}']
    assert main([*common, *more]) == 3
    assert "lacks documents" in capsys.readouterr().err
    assert main([*common, "--model", "rote-planted", "--metadata", "{"]) == 3
    assert main(common) == 3
