"""Models round a real vllm, on a GPU: what it tells, budget forcing, an evaluation."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from test_budget import WORDS, follows, run, spaced
from tiny_lm import chain_model, requests, word_tokenizer

from rote.harness_ext.models.budget import BudgetLM
from rote.harness_ext.models.hf import RoteHFLM
from rote.harness_ext.run import evaluate

pytestmark = pytest.mark.gpu

#: One of the head sizes that attention kernels know.
WIDTH = 64
#: A second engine beside the first.
ENGINE = "dtype=bfloat16,max_model_len=512,gpu_memory_utilization=0.3,enforce_eager=True"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("model")
    tokenizer = word_tokenizer(WORDS)
    chain_model(tokenizer, follows() | {"<unk>": "a"}, width=WIDTH).save_pretrained(path)
    # apart: beside the model's config transformers takes it for a tokenizer of the model's own kind
    tokenizer.save_pretrained(path / "tokenizer")
    return path


@pytest.fixture(scope="module")
def hf(folder: Path) -> RoteHFLM:
    tokenizer = str(folder / "tokenizer")
    return RoteHFLM(
        pretrained=str(folder), tokenizer=tokenizer, dtype="bfloat16", device="cuda", batch_size=4
    )


@pytest.fixture(scope="module")
def vllm(folder: Path) -> Any:
    from rote.harness_ext.models.vllm import RoteVLLM

    return RoteVLLM(
        pretrained=str(folder),
        tokenizer=str(folder / "tokenizer"),
        dtype="bfloat16",
        max_model_len=256,
        gpu_memory_utilization=0.2,
        enforce_eager=True,
        disable_log_stats=False,
    )


@pytest.mark.parametrize("until", ["c", "n", "never"])
def test_vllm_tells_what_hf_tells(vllm: Any, hf: RoteHFLM, until: str) -> None:
    asked = requests(["long", "short", "silent", "Wait"], {"until": [until], "max_gen_toks": 6})
    theirs, ours = vllm.generate_until(asked), hf.generate_until(asked)
    # vllm writes a blank before the first of this tokenizer's words
    assert [spaced(text) for text in theirs] == [spaced(text) for text in ours]
    for one, other in zip(theirs, ours, strict=True):
        told, expected = one.generation, other.generation
        assert (told.finish, told.stop, told.tokens) == (expected.finish, expected.stop, expected.tokens)
        assert told.prompt_tokens == expected.prompt_tokens
        assert told.batch == 4
        assert 0 < told.first_token_s <= told.seconds


@pytest.mark.parametrize(("budget", "wait"), [(0, 0), (3, 0), (5, 1), (20, 2)])
def test_budget_forcing_round_vllm(vllm: Any, hf: RoteHFLM, budget: int, wait: int) -> None:
    prompts = ["long", "short", "silent"]
    theirs, ours = (
        run(BudgetLM(lm, max_thinking=budget, wait=wait, think_start=""), prompts) for lm in (vllm, hf)
    )
    assert [thinking for _, thinking in theirs] == [thinking for _, thinking in ours]
    assert [text.replace(" ", "") for text, _ in theirs] == [text.replace(" ", "") for text, _ in ours]
    assert all(thinking.tokens <= budget for _, thinking in theirs)


def test_an_evaluation_from_the_command_line(vllm: Any, folder: Path, tmp_path: Path) -> None:
    del vllm  # one engine a process: this one is made anew by lm-eval
    evaluate(
        [
            *("--model", "rote-vllm", "--tasks", "bank_noop_zeroshot,bank_noop_control_zeroshot"),
            *("--model_args", f"pretrained={folder},tokenizer={folder / 'tokenizer'},{ENGINE}"),
            *("--limit", "4", "--gen_kwargs", "max_gen_toks=64", "--output_path", str(tmp_path)),
        ]
    )
    samples = sorted(tmp_path.rglob("samples_bank_noop_zeroshot_*.jsonl"))
    rows = [json.loads(line) for line in samples[0].read_text(encoding="utf-8").splitlines()]
    assert len(rows) == 4
    assert all(row["tokens"] > 0 for row in rows)
