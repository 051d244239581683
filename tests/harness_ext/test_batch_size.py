"""vLLM gets all prompts at once where nobody gives a batch size: ``eval``, ``gate``, ``judge``, ``sweep``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import lm_eval
import pytest
import yaml
from lm_eval._cli.harness import HarnessCLI
from lm_eval.api import registry

from rote.harness_ext import run
from rote.harness_ext.judge import open_judge
from rote.harness_ext.live import evaluate_in_batches
from rote.harness_ext.models import default_batch_size
from rote.harness_ext.sweeps import child
from rote.harness_ext.sweeps.jobs import Job, Unit


class Made(Exception):
    """A model was asked for, with these arguments."""

    def __init__(self, arguments: dict[str, Any]) -> None:
        self.arguments = arguments


class Recorder:
    @classmethod
    def create_from_arg_string(cls, arguments: str, more: dict[str, Any]) -> None:
        raise Made({"said": arguments, **more})


@pytest.fixture(autouse=True)
def _any_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Models need not be installed: none is loaded here."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(run, "check_model", lambda name: None)
    monkeypatch.setattr(registry, "get_model", lambda name: Recorder)


@pytest.mark.parametrize(
    ("model", "arguments", "size"),
    [
        ("vllm", None, "auto"),
        ("rote-vllm", {}, "auto"),
        ("rote-budget", {"model": "vllm"}, "auto"),
        ("rote-budget", {"model": "hf"}, 1),
        ("rote-budget", None, 1),
        ("hf", {"model": "vllm"}, 1),
    ],
)
def test_of_a_model(model: str, arguments: dict[str, Any] | None, size: int | str) -> None:
    assert default_batch_size(model, arguments) == size


@pytest.mark.parametrize(
    ("words", "size"),
    [
        (["--model", "vllm"], "auto"),
        (["--model", "rote-budget", "--model_args", "model=vllm,thinking=8"], "auto"),
        (["--model", "vllm", "--batch_size", "4"], "4"),
        (["--model", "hf"], None),
        (["--config", "vllm.yaml"], "auto"),
        (["--config", "sized.yaml"], None),
    ],
)
def test_of_an_evaluation(words: list[str], size: str | None, tmp_path: Path) -> None:
    common = {"model": "vllm", "tasks": ["bank_original"]}
    (tmp_path / "vllm.yaml").write_text(yaml.safe_dump(common), encoding="utf-8")
    (tmp_path / "sized.yaml").write_text(yaml.safe_dump({**common, "batch_size": 8}), encoding="utf-8")
    asked = ["run", *words, *([] if words[0] == "--config" else ["--tasks", "bank_original"])]
    args = HarnessCLI()._parser.parse_args(asked)
    run.prepare(args)
    assert getattr(args, "batch_size", None) == size


@pytest.mark.parametrize(
    ("model", "arguments", "size"),
    [
        ("vllm", "pretrained=x", "auto"),
        ("rote-budget", "model=vllm,pretrained=x", "auto"),
        ("vllm", "pretrained=x,batch_size=4", None),
        ("hf", "pretrained=x", None),
    ],
)
def test_of_a_live_gate(model: str, arguments: str, size: str | None) -> None:
    with pytest.raises(Made) as made:
        next(evaluate_in_batches(model, arguments, ["bank_original"], templates=["bank/jam_jars"], size=1))
    assert made.value.arguments == {"said": arguments, **({} if size is None else {"batch_size": size})}


@pytest.mark.parametrize(("given", "size"), [(None, "auto"), (3, 3)])
def test_of_a_judge(given: int | None, size: int | str) -> None:
    with pytest.raises(Made) as made:
        open_judge("vllm", "pretrained=x", batch_size=given)
    assert made.value.arguments["batch_size"] == size


@pytest.mark.parametrize(
    ("lm", "given", "arguments", "expected"),
    [
        ("vllm", None, {}, ("auto", "cuda:0")),
        ("vllm", 2, {}, (2, "cuda:0")),
        ("hf", None, {}, (1, "cuda:0")),
        # lm-eval would hand the device over a second time, and that is an error.
        ("hf", None, {"device": "cpu"}, (1, None)),
    ],
)
def test_of_a_job(
    lm: str,
    given: int | None,
    arguments: dict[str, Any],
    expected: tuple[Any, Any],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: dict[str, Any] = {}
    monkeypatch.setattr(lm_eval, "simple_evaluate", asked.update)
    unit = Unit("core.hash.seed0", 0, ("bank_original_zeroshot",), "key", {})
    child.evaluate(Job("job", "job", lm, arguments, (unit,), batch_size=given), tmp_path)
    assert (asked["batch_size"], asked["device"]) == expected
