"""Recipes of two stages: what the second one begins with, what is done twice and what is not."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from runs import Server, recipe_of, stage_of, write_recipe

from rote.train.manifest import weights_hash
from rote.train.monitor import read_log

pytestmark = pytest.mark.slow

LORA = {"kind": "lora", "r": 4, "alpha": 8, "targets": ["q_proj", "v_proj"]}


@pytest.mark.parametrize("adapter", [None, LORA])
@pytest.mark.parametrize("algorithm", ["grpo", "rloo", "ppo"])
def test_the_second_stage_begins_with_what_the_first_left(
    algorithm: str, adapter: dict[str, object] | None, server: Server, rows: Path, tmp_path: Path
) -> None:
    stages = {
        "first": stage_of("sft", rows, max_steps=2, learning_rate=1e-2),
        # So little is learnt that the weights stay where they were.
        "second": stage_of(algorithm, rows, max_steps=1, learning_rate=1e-12),
    }
    raw = recipe_of(stages, **({} if adapter is None else {"adapter": adapter}))
    recipe = write_recipe(tmp_path / "r.yaml", raw)
    out = tmp_path / "out"
    ended = server.run("train", "sft", recipe, "--out", out)
    assert (ended.status, ended.printed.strip().splitlines()[-1]) == (0, str(out / "first" / "final"))
    assert not (out / "second").exists()
    before = weights_hash(out / "first" / "final")
    ended = server.run("train", algorithm, recipe, "--out", out, "--resume")
    assert ended.status == 0, ended.printed
    assert weights_hash(out / "first" / "final") == before
    manifest = json.loads((out / "manifest.json").read_text())
    assert list(manifest["stages"]) == ["first", "second"]
    assert manifest["stages"]["second"]["start"] == str(out / "first" / "final")
    assert [line["step"] for line in read_log(out / "first")] == [1, 2]

    from safetensors.torch import load_file

    name = "model.safetensors" if adapter is None else "adapter_model.safetensors"
    left, gone_on = (load_file(out / stage / "final" / name) for stage in ("first", "second"))
    assert left.keys() == gone_on.keys()
    for key in left:
        assert float((left[key] - gone_on[key]).abs().max()) < 1e-6, key
    if adapter is not None:
        # What was learnt is more than rounding: an adapter begins with zeros.
        assert any(float(left[key].abs().max()) > 1e-3 for key in left if "lora_B" in key)
        assert not (out / "second" / "final" / "ref").exists()
