"""Stock ``lm_eval``, a real (tiny, random) model and nothing of our command line."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from rote import prompts, tasks_path
from rote.harness_ext.scoring import METRICS
from rote.perturb import load_source
from rote.problem import Problem

TASKS = ("bank_original", "bank_symbolic", "bank_noop", "bank_noop_zeroshot")
FLAGS = {"exact_match", "format_ok", "invalid", "trapped"}
CHAT = "{% for m in messages %}<{{ m.role }}>{{ m.content }}{% endfor %}<assistant>"


@pytest.fixture(scope="module")
def tiny_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two layers of noise and a byte-level tokenizer of our own text."""
    pytest.importorskip("torch", reason="needs the hf extra: pip install 'rote[hf]'")
    transformers = pytest.importorskip("transformers", reason="needs the hf extra: pip install 'rote[hf]'")
    tokenizers = pytest.importorskip("tokenizers")
    texts = [shot.question + "\n" + shot.solution for shot in load_source("bank").shots]
    tokenizer = tokenizers.ByteLevelBPETokenizer()
    tokenizer.train_from_iterator(texts, vocab_size=600, special_tokens=["<eos>"], show_progress=False)
    fast = transformers.PreTrainedTokenizerFast(
        tokenizer_object=tokenizer._tokenizer, eos_token="<eos>", pad_token="<eos>", chat_template=CHAT
    )
    config = transformers.Qwen2Config(
        vocab_size=len(fast),
        hidden_size=16,
        intermediate_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        num_key_value_heads=2,
        max_position_embeddings=8192,
        eos_token_id=fast.eos_token_id,
        pad_token_id=fast.eos_token_id,
    )
    transformers.set_seed(0)
    folder = tmp_path_factory.mktemp("tiny")
    transformers.Qwen2ForCausalLM(config).save_pretrained(folder)
    fast.save_pretrained(folder)
    return folder


def run_lm_eval(model: Path, out: Path, *words: str) -> dict[str, list[dict[str, Any]]]:
    """Samples of each task from ``python -m lm_eval run``, in the order of the log."""
    command = [sys.executable, "-m", "lm_eval", "run", "--model", "hf"]
    command += ["--model_args", f"pretrained={model}", "--device", "cpu", "--batch_size", "4"]
    command += ["--include_path", str(tasks_path()), "--tasks", ",".join(TASKS), "--limit", "2"]
    command += ["--gen_kwargs", "max_gen_toks=6", "--log_samples", "--output_path", str(out), *words]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    assert done.returncode == 0, done.stderr[-4000:]
    return {
        path.name.removeprefix("samples_").rpartition("_")[0]: [
            json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()
        ]
        for path in out.rglob("samples_*.jsonl")
    }


@pytest.mark.slow
def test_stock_lm_eval_runs_our_tasks(tiny_model: Path, tmp_path: Path) -> None:
    metadata = json.dumps({"rote": {"seed": 3, "variants": 2}})
    samples = run_lm_eval(tiny_model, tmp_path, "--metadata", metadata)
    assert sorted(samples) == sorted(TASKS)
    source = load_source("bank")
    for task, lines in samples.items():
        assert len(lines) == 2
        shots = () if task.endswith("_zeroshot") else source.shots
        for line in lines:
            doc = line["doc"]
            problem = Problem.from_doc(doc)
            seed = 0 if problem.variant == "original" else 3
            drawn = source.templates[problem.template_id].problem(problem.variant, seed, 0)
            assert doc == drawn.to_doc(), "the log holds the whole document, unchanged"
            arguments = line["arguments"]["gen_args_0"]
            assert arguments["arg_0"] == prompts.render(problem.question, shots)
            assert arguments["arg_1"]["max_gen_toks"] == 6
            assert line["metrics"] == list(METRICS)
            assert all(line[metric] in (0, 1) for metric in FLAGS)
            assert line["exact_match_clustered_se"] == [doc["template_id"], line["exact_match"]]
    ids = [[line["doc"]["template_id"] for line in samples[task]] for task in TASKS]
    assert ids == [ids[0]] * len(TASKS), "--limit keeps originals and variants paired"


@pytest.mark.slow
def test_chat_template(tiny_model: Path, tmp_path: Path) -> None:
    samples = run_lm_eval(tiny_model, tmp_path, "--apply_chat_template")
    for task, lines in samples.items():
        shots = () if task.endswith("_zeroshot") else load_source("bank").shots
        for line in lines:
            turns = prompts.messages(line["doc"]["question"], shots)
            expected = "".join(f"<{turn['role']}>{turn['content']}" for turn in turns) + "<assistant>"
            assert line["arguments"]["gen_args_0"]["arg_0"] == expected
