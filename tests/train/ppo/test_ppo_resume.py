"""Checkpoints: a resumed run is the uninterrupted one, and a killed write leaves the last whole one."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy
import pytest
import torch
from bandit import PROMPTS, Recorder, make_stage, small_model, with_lora, words_tokenizer

import rote.train.ppo.state as state
from rote.errors import DataError, UsageError
from rote.train.ppo import train_ppo
from rote.train.ppo.model import plain_model

TOKENIZER = words_tokenizer()
FIELDS: dict[str, Any] = {
    "max_completion": 4,
    "max_steps": 4,
    "schedule": "cosine",
    "warmup": 0.25,
    "weight_decay": 0.01,
    "entropy_weight": 0.01,
}


def noisy(rows: Any, texts: Any, finished: Any) -> Any:
    """A reward that draws from Python's and numpy's generators: their states are part of a run."""
    totals = [
        float("red" in text) + 0.1 * random.random() + 0.1 * float(numpy.random.rand()) for text in texts
    ]
    return {"noisy": totals}, totals


def run(
    model: Any,
    folder: Path,
    hooks: Recorder,
    *,
    bf16: bool = False,
    resume: Path | None = None,
    prompts: Any = PROMPTS,
    **fields: Any,
) -> dict[str, torch.Tensor]:
    """Train; gives all weights as they are then."""
    train_ppo(
        model,
        TOKENIZER,
        prompts,
        noisy,
        make_stage(**{**FIELDS, **fields}),
        max_prompt=8,
        folder=folder,
        resume=resume,
        hooks=hooks,
        bf16=bf16,
    )
    return {name: p.detach().clone() for name, p in model.named_parameters()}


def full() -> Any:
    return small_model(TOKENIZER, layers=2, tie=True)


def half() -> Any:
    return small_model(TOKENIZER).to(torch.bfloat16)


def lora() -> Any:
    return with_lora(small_model(TOKENIZER))


@pytest.mark.parametrize(("make", "bf16"), [(full, False), (half, False), (lora, False), (full, True)])
def test_a_resumed_run_is_the_uninterrupted_one_bit_for_bit(make: Any, bf16: bool, tmp_path: Path) -> None:
    whole = Recorder()
    expected = run(make(), tmp_path / "whole", whole, bf16=bf16)
    first = Recorder(save_at=(2,), stop_at=2)
    run(make(), tmp_path / "cut", first, bf16=bf16)
    assert sorted(first.lines) == [1, 2]
    assert first.folders == [tmp_path / "cut" / "checkpoint-2"]
    # Whatever happened in between does not matter.
    torch.manual_seed(99)
    random.seed(99)
    second = Recorder()
    found = run(make(), tmp_path / "cut", second, resume=first.folders[0], bf16=bf16)
    assert {**first.exact_lines(), **second.exact_lines()} == whole.exact_lines()
    assert found.keys() == expected.keys()
    for name, weight in expected.items():
        assert torch.equal(found[name], weight), name
    assert any(
        not torch.equal(weight, p) for weight, p in zip(found.values(), make().parameters(), strict=True)
    )


def test_saving_changes_nothing_and_a_run_is_repeatable(tmp_path: Path) -> None:
    plain, saving = Recorder(), Recorder(save_at=(1, 2, 3, 4))
    expected = run(full(), tmp_path, plain)
    found = run(full(), tmp_path, saving)
    assert plain.exact_lines() == saving.exact_lines()
    assert all(torch.equal(found[name], weight) for name, weight in expected.items())
    assert [folder.name for folder in saving.folders] == [f"checkpoint-{step}" for step in (1, 2, 3, 4)]
    # A finished run that is resumed has nothing left to do.
    again = Recorder()
    found = run(full(), tmp_path, again, resume=saving.folders[-1])
    assert not again.lines
    assert all(torch.equal(found[name], weight) for name, weight in expected.items())


def test_lora_trains_adapters_alone_and_is_saved_as_adapters(tmp_path: Path) -> None:
    model = lora()
    before = {name: p.detach().clone() for name, p in model.named_parameters()}
    hooks = Recorder(save_at=(4,))
    after = run(model, tmp_path, hooks)
    changed = {name for name in before if not torch.equal(before[name], after[name])}
    assert changed == {name for name in before if "lora_" in name}
    assert hooks.lines[1]["kl"] == 0
    assert hooks.lines[4]["kl"] > 0
    names = {path.name for path in hooks.folders[0].iterdir()}
    assert {"adapter_model.safetensors", "adapter_config.json"} <= names
    assert "model.safetensors" not in names


def test_a_checkpoint_is_a_model_that_transformers_loads(tmp_path: Path) -> None:
    from transformers import AutoModelForCausalLM, AutoTokenizer

    hooks = Recorder(save_at=(4,))
    weights = run(full(), tmp_path, hooks)
    loaded = AutoModelForCausalLM.from_pretrained(hooks.folders[0])
    assert all(torch.equal(weights[name], p) for name, p in loaded.named_parameters())
    assert AutoTokenizer.from_pretrained(hooks.folders[0]).get_vocab() == TOKENIZER.get_vocab()


def test_what_was_tuned_for_generation_is_still_there(tmp_path: Path) -> None:
    model = lora()
    own = plain_model(model).generation_config
    run(model, tmp_path, Recorder(), gradient_checkpointing=True, max_steps=1)
    assert plain_model(model).generation_config is own
    assert not any(getattr(module, "gradient_checkpointing", False) for module in model.modules())


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    hooks = Recorder(save_at=(1,), stop_at=1)
    run(full(), tmp_path_factory.mktemp("run"), hooks)
    return hooks.folders[0]


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"seed": 7}, "seed was 42 and is now 7"),
        ({"kl": 0.1}, r"kl was 0\.05 and is now 0\.1"),
        ({"max_steps": 5}, "max_steps was 4 and is now 5"),
        ({"prompts": PROMPTS[:3]}, "prompts was"),
    ],
)
def test_a_run_is_not_resumed_with_other_settings(
    fields: dict[str, Any], message: str, checkpoint: Path, tmp_path: Path
) -> None:
    with pytest.raises(UsageError, match=message):
        run(full(), tmp_path, Recorder(), resume=checkpoint, **fields)


def test_what_does_not_touch_learning_may_change(checkpoint: Path, tmp_path: Path) -> None:
    hooks = Recorder()
    run(full(), tmp_path, hooks, resume=checkpoint, log_every=3)
    assert sorted(hooks.lines) == [2, 3, 4]


def test_a_run_is_not_resumed_from_other_first_weights(checkpoint: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="first weights was"):
        run(small_model(TOKENIZER, 3, layers=2, tie=True), tmp_path, Recorder(), resume=checkpoint)


def copy(checkpoint: Path, folder: Path) -> Path:
    target = folder / checkpoint.name
    target.mkdir()
    for path in checkpoint.iterdir():
        (target / path.name).write_bytes(path.read_bytes())
    return target


def test_a_checkpoint_that_is_not_whole_is_refused(checkpoint: Path, tmp_path: Path) -> None:
    broken = copy(checkpoint, tmp_path)
    weights = broken / "model.safetensors"
    size = weights.stat().st_size
    weights.write_bytes(weights.read_bytes()[:-10])
    with pytest.raises(DataError, match=f"has {size - 10} bytes; {size} were written"):
        run(full(), tmp_path, Recorder(), resume=broken)
    weights.unlink()
    with pytest.raises(DataError, match="is missing"):
        state.read_state(broken)
    (broken / "ppo_state.json").write_text('{"version": 1, "st')
    with pytest.raises(DataError, match="cannot be read"):
        state.read_state(broken)
    (broken / "ppo_state.json").write_text(json.dumps({"version": 9, "bytes": {}}))
    with pytest.raises(DataError, match="is 9; this rote reads 1"):
        state.read_state(broken)
    (broken / "ppo_state.json").unlink()
    with pytest.raises(DataError, match="no whole checkpoint of a PPO run"):
        state.read_state(broken)


def full_disk(*_: Any) -> None:
    raise OSError(28, "No space left on device")


def test_a_disk_that_is_full_leaves_the_last_whole_checkpoint(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Filling(Recorder):
        def log(self, step: int, metrics: Mapping[str, float]) -> None:
            super().log(step, metrics)
            if step == 3:
                monkeypatch.setattr(torch, "save", full_disk)

    with pytest.raises(DataError, match=r"checkpoint-3: .*No space left on device"):
        run(full(), tmp_path, Filling(save_at=(2, 3)))
    assert [path.name for path in tmp_path.iterdir()] == ["checkpoint-2"]
    state.read_state(tmp_path / "checkpoint-2")


def test_a_step_that_is_written_again_takes_the_place_of_the_old(checkpoint: Path, tmp_path: Path) -> None:
    old = tmp_path / "checkpoint-2"
    old.mkdir()
    (old / "left-over").write_text("of an earlier run")
    hooks = Recorder(save_at=(2,), stop_at=2)
    run(full(), tmp_path, hooks, resume=checkpoint)
    assert [path.name for path in tmp_path.iterdir()] == ["checkpoint-2"]
    assert not (old / "left-over").exists()
    state.read_state(old)


KILLED = """
import os, signal, sys
from pathlib import Path
import torch
from bandit import Recorder
from test_ppo_resume import full, run

class Killed(Recorder):
    def log(self, step, metrics):
        super().log(step, metrics)
        if step == 3:
            torch.save = lambda *_: os.kill(os.getpid(), signal.SIGKILL)

run(full(), Path(sys.argv[1]), Killed(save_at=(2, 3)))
"""


@pytest.mark.skipif(os.name == "nt", reason="has no SIGKILL")
def test_a_run_killed_in_the_middle_of_a_write_goes_on_from_the_last_whole_checkpoint(
    tmp_path: Path,
) -> None:
    done = subprocess.run(
        [sys.executable, "-c", KILLED, str(tmp_path / "run")],
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parent), "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == -signal.SIGKILL, done.stderr
    left = sorted(path.name for path in (tmp_path / "run").iterdir())
    assert len(left) == 2
    assert left[0].startswith(".checkpoint-"), "what was being written"
    assert left[1] == "checkpoint-2"

    whole = Recorder()
    expected = run(full(), tmp_path / "whole", whole)
    rest = Recorder(save_at=(4,))
    found = run(full(), tmp_path / "run", rest, resume=tmp_path / "run" / "checkpoint-2")
    assert rest.exact_lines() == {step: whole.exact_lines()[step] for step in (3, 4)}
    assert all(torch.equal(found[name], weight) for name, weight in expected.items())
    assert sorted(path.name for path in (tmp_path / "run").iterdir()) == ["checkpoint-2", "checkpoint-4"]
