"""Models round a real vllm, on a GPU: what it tells, budget forcing, an evaluation."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from test_budget import WORDS, follows, run, spaced
from tiny_lm import chain_model, requests, word_tokenizer

from rote.harness_ext.models.budget import BudgetLM
from rote.harness_ext.run import evaluate

pytestmark = pytest.mark.gpu

#: One of the head sizes that attention kernels know.
WIDTH = 64


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("model")
    tokenizer = word_tokenizer(WORDS)
    chain_model(tokenizer, follows() | {"<unk>": "a"}, width=WIDTH).save_pretrained(path)
    tokenizer.save_pretrained(path)
    return path


@pytest.fixture(scope="module")
def vllm(folder: Path) -> Any:
    from rote.harness_ext.models.vllm import RoteVLLM

    return RoteVLLM(
        pretrained=str(folder),
        dtype="bfloat16",
        max_model_len=256,
        gpu_memory_utilization=0.2,
        enforce_eager=True,
        disable_log_stats=False,
    )


def test_what_vllm_tells(vllm: Any) -> None:
    found = vllm.generate_until(requests(["long", "short", "silent"], {"until": ["c"], "max_gen_toks": 6}))
    assert [spaced(text) for text in found] == ["m n m n m n", "a b", "s"]
    facts = [text.generation for text in found]
    assert [fact.finish for fact in facts] == ["length", "stop", "stop"]
    assert [fact.tokens for fact in facts] == [6, 3, 2]
    assert [fact.stop for fact in facts] == [None, "c", "<eos>"]
    assert all(fact.prompt_tokens == 1 and fact.batch == 3 for fact in facts)
    assert all(fact.seconds > 0 for fact in facts)


def test_budget_forcing_round_vllm(vllm: Any) -> None:
    found = run(BudgetLM(vllm, max_thinking=5, think_start=""), ["long", "short", "silent"])
    assert [text for text, _ in found] == [
        "m n m n m </think> answer 7",
        "a b c </think> answer 7",
        "s </think> answer 7",
    ]
    assert [thinking.tokens for _, thinking in found] == [5, 3, 1]
    assert [thinking.ended for _, thinking in found] == ["budget", "model", "eos"]
    [(text, thinking)] = run(BudgetLM(vllm, max_thinking=20, wait=2, think_start=""), ["short"])
    assert text == "a b c Wait d e Wait d e </think> answer 7"
    assert (thinking.tokens, thinking.waits) == (9, 2)


def test_an_evaluation_from_the_command_line(vllm: Any, folder: Path, tmp_path: Path) -> None:
    del vllm  # one engine a process: this one is made anew by lm-eval
    evaluate(
        [
            *("--model", "rote-vllm", "--tasks", "bank_noop_zeroshot,bank_noop_control_zeroshot"),
            *("--model_args", f"pretrained={folder},dtype=bfloat16,max_model_len=2048"),
            *("--limit", "4", "--output_path", str(tmp_path)),
        ]
    )
    samples = sorted(tmp_path.rglob("samples_bank_noop_zeroshot_*.jsonl"))
    rows = [json.loads(line) for line in samples[0].read_text(encoding="utf-8").splitlines()]
    assert len(rows) == 4
    assert all(row["tokens"] > 0 for row in rows)
