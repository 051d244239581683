"""Tokens, finish reasons and times: with each response, in order, in the file and in the sums."""

from __future__ import annotations

import itertools
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("torch", reason="needs rote[hf]")

from lm_eval.api.model import CachingLM
from tiny_lm import chain_model, requests, word_tokenizer

from rote.errors import UsageError
from rote.harness_ext.models.budget import BudgetLM
from rote.harness_ext.models.generation import Generation, Response, generation_of
from rote.harness_ext.models.hf import RoteHFLM
from rote.harness_ext.models.telemetry import Telemetry, percentiles

#: ``p`` ends at a stop word, ``q`` at the end of text, ``r`` never.
LINES = ("p a b STOP c", "q d <eos>", "r s t r", "short m n </think> answer 7 <eos>")
KWARGS = {"until": ["STOP"], "max_gen_toks": 6}


def words() -> Any:
    return word_tokenizer([*dict.fromkeys(" ".join(LINES).replace("<eos>", "").split())])


def model(tokenizer: Any) -> Any:
    return chain_model(tokenizer, dict(pair for line in LINES for pair in itertools.pairwise(line.split())))


@pytest.fixture(scope="module")
def parts() -> tuple[Any, Any]:
    tokenizer = words()
    return tokenizer, model(tokenizer)


def hf(parts: tuple[Any, Any], **arguments: Any) -> RoteHFLM:
    return RoteHFLM(pretrained=parts[1], tokenizer=parts[0], device="cpu", **{"batch_size": 2, **arguments})


def test_facts_of_each_response_in_the_order_of_the_requests(parts: tuple[Any, Any]) -> None:
    lm = hf(parts)
    found = lm.generate_until(requests(["r", "p", "a a q", "p"], KWARGS), disable_tqdm=True)
    assert found == ["s t r s t r", "a b ", "d", "a b "]
    facts = [response.generation for response in found]
    assert [(f.prompt_tokens, f.tokens, f.finish, f.stop) for f in facts] == [
        (1, 6, "length", None),
        (1, 3, "stop", "STOP"),
        (3, 2, "stop", "<eos>"),
        (1, 3, "stop", "STOP"),
    ]
    assert all(0 < f.first_token_s <= f.seconds for f in facts)
    assert all(f.batch == 2 for f in facts)


def test_equal_prompts_with_other_arguments_are_told_apart(parts: tuple[Any, Any]) -> None:
    asked = [KWARGS, {**KWARGS, "max_gen_toks": 2}, {**KWARGS, "until": ["b"]}, KWARGS]
    found = hf(parts).generate_until(requests(["p"] * 4, asked), disable_tqdm=True)
    assert [(str(r), r.generation.tokens) for r in found] == [("a b ", 3), ("a b", 2), ("a ", 2), ("a b ", 3)]


def test_a_line_for_each_response_and_repeat(parts: tuple[Any, Any], tmp_path: Path) -> None:
    file = tmp_path / "telemetry.jsonl"
    lm = hf(parts, telemetry=str(file))
    one, two = requests(["p", "r"], KWARGS)
    lm.generate_until([one, one, two, two], disable_tqdm=True)  # as lm-eval repeats
    lines = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
    places = [(line["task"], line["doc_id"], line["id"], line["repeat"]) for line in lines]
    assert places == [("task", i, f"doc/{i}", repeat) for i in (0, 1) for repeat in (0, 1)]
    assert [line["finish"] for line in lines] == ["stop", "stop", "length", "length"]
    lm.generate_until([one], disable_tqdm=True)
    assert len(file.read_text(encoding="utf-8").splitlines()) == 5  # appended, nothing written over


def test_sums_stand_with_the_model(parts: tuple[Any, Any]) -> None:
    lm = hf(parts)
    lm.generate_until(requests(["p", "r", "q"], KWARGS), disable_tqdm=True)
    found = lm.get_model_info()["telemetry"]
    assert found["responses"] == 3
    assert found["tokens"]["total"] == 3 + 6 + 2
    assert found["finish"] == {"length": 1, "stop": 2}
    assert found["seconds"]["p50"] <= found["seconds"]["p95"]
    json.dumps(found)
    assert "model_num_parameters" in lm.get_model_info()


def test_a_cache_keeps_the_facts(parts: tuple[Any, Any], tmp_path: Path) -> None:
    asked = requests(["p", "r"], {**KWARGS, "do_sample": False})
    first = CachingLM(hf(parts), str(tmp_path / "cache.db")).generate_until(asked)
    lm = hf(parts)
    again = CachingLM(lm, str(tmp_path / "cache.db")).generate_until(asked)
    assert again == first
    assert [generation_of(r) for r in again] == [generation_of(r) for r in first]
    assert lm.steps == 0


def test_percentiles_interpolate() -> None:
    # numpy.percentile([1, 2, 4, 8], [50, 95]) == [3.0, 7.4]
    assert percentiles([8, 1, 4, 2]) == {"p50": 3.0, "p95": 7.4}
    assert percentiles([5]) == {"p50": 5, "p95": 5}


def test_what_is_not_told_is_left_out() -> None:
    telemetry = Telemetry()
    telemetry.add(requests(["p"], KWARGS), ["plain text"])
    assert telemetry.summary() == {"responses": 1}
    assert Generation().to_json() == {}
    assert generation_of("plain") is None
    assert Response("x", Generation(seconds=1 / 3)).generation.to_json() == {"seconds": 0.333333}


@pytest.mark.parametrize("file", ["no/such/folder.jsonl", "."])
def test_a_file_that_cannot_be_written_is_named_before_anything_runs(file: str) -> None:
    with pytest.raises(UsageError, match="telemetry"):
        Telemetry(file)


USERS_OF_VLLM = ("lm_eval.models.vllm_causallms", "rote.harness_ext.models.vllm")

#: As much of vllm as lm-eval 0.4.13 touches: https://docs.vllm.ai, LLM.generate and RequestOutput.
FAKE_VLLM = {
    "vllm/__init__.py": """
import types
from transformers import AutoModelForCausalLM, PreTrainedTokenizerFast

class SamplingParams:
    def __init__(self, **kwargs):
        self.__dict__.update(kwargs)

class TokensPrompt(dict):
    pass

class LLM:
    def __init__(self, model, **kwargs):
        self.model = AutoModelForCausalLM.from_pretrained(model)
        self.tokenizer = PreTrainedTokenizerFast.from_pretrained(model)
        self.stats = not kwargs.get("disable_log_stats", True)
        self.llm_engine = types.SimpleNamespace(model_config=types.SimpleNamespace(max_model_len=128))

    def generate(self, prompts, sampling_params, use_tqdm, lora_request):
        return [self.one(p["prompt_token_ids"], s) for p, s in zip(prompts, sampling_params)]

    def one(self, prompt, params):
        import torch
        ids, reason, by = [], "length", None
        while len(ids) < params.max_tokens:
            ids.append(int(self.model(torch.tensor([prompt + ids])).logits[0, -1].argmax()))
            text = self.tokenizer.decode(ids, skip_special_tokens=False)
            found = [stop for stop in params.stop if stop in text]
            if ids[-1] == self.tokenizer.eos_token_id:
                text, reason = self.tokenizer.decode(ids[:-1]), "stop"
                break
            if found:
                text, reason, by = text.partition(found[0])[0], "stop", found[0]
                break
        times = types.SimpleNamespace(first_token_latency=0.5, first_token_ts=10.0, last_token_ts=12.0)
        out = types.SimpleNamespace(text=text, token_ids=ids, finish_reason=reason, stop_reason=by)
        return types.SimpleNamespace(
            prompt_token_ids=prompt, outputs=[out], metrics=times if self.stats else None
        )
""",
    "vllm/lora/__init__.py": "",
    "vllm/lora/request.py": "class LoRARequest: pass",
    "vllm/renderers/__init__.py": "",
    "vllm/renderers/hf.py": "def resolve_chat_template(**kwargs): return None",
    "vllm/tokenizers.py": """
from transformers import PreTrainedTokenizerFast

def get_tokenizer(name, tokenizer_mode, trust_remote_code, revision):
    return PreTrainedTokenizerFast.from_pretrained(name)
""",
    "vllm-0.11.0.dist-info/METADATA": "Metadata-Version: 2.1\nName: vllm\nVersion: 0.11.0\n",
}


@pytest.fixture(scope="module")
def vllm_folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A stand-in for vllm on the path, gone again afterwards; the folder of a model that it serves."""
    import lm_eval.models  # noqa: F401
    from lm_eval.api.registry import model_registry

    folder = tmp_path_factory.mktemp("vllm")
    for name, text in FAKE_VLLM.items():
        path = folder / "site" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    tokenizer = words()
    tokenizer.save_pretrained(folder / "model")
    model(tokenizer).save_pretrained(folder / "model")
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(folder / "site"))
        patch.setattr(model_registry, "_objs", dict(model_registry._objs))
        yield folder / "model"
    for name in list(sys.modules):
        if name.split(".")[0] == "vllm" or name in USERS_OF_VLLM:
            del sys.modules[name]


@pytest.mark.parametrize("stats", [False, True])
def test_vllm_at_the_seam(vllm_folder: Path, stats: bool) -> None:
    from rote.harness_ext.models.vllm import RoteVLLM

    lm = RoteVLLM(str(vllm_folder), disable_log_stats=not stats)
    found = lm.generate_until(requests(["r", "p", "q", "p"], KWARGS), disable_tqdm=True)
    assert found == ["s t r s t r", "a b ", "d", "a b "]
    facts = [r.generation for r in found]
    assert [(f.prompt_tokens, f.tokens, f.finish, f.stop) for f in facts] == [
        (1, 6, "length", None),
        (1, 3, "stop", "STOP"),
        (1, 2, "stop", "<eos>"),
        (1, 3, "stop", "STOP"),
    ]
    if stats:
        assert {(f.first_token_s, f.seconds) for f in facts} == {(0.5, 2.5)}
    else:
        assert all(f.first_token_s is None and f.seconds > 0 for f in facts)
    assert lm.get_model_info()["telemetry"]["finish"] == {"length": 1, "stop": 3}


def test_budget_round_vllm(vllm_folder: Path) -> None:
    lm = BudgetLM("vllm", max_thinking=3, think_start="", pretrained=str(vllm_folder), enable_thinking=True)
    assert type(lm.inner).__name__ == "RoteVLLM"
    assert lm.inner.enable_thinking is True
    early, late = lm.generate_until(requests(["short", "r"], {"until": ["STOP"], "max_gen_toks": 9}))
    assert early.split("</think>")[0].split() == ["m", "n"]
    assert late.split("</think>")[0].split() == ["s", "t", "r"]
    assert [r.generation.thinking.ended for r in (early, late)] == ["model", "budget"]
    assert [r.generation.thinking.tokens for r in (early, late)] == [2, 3]
