"""Budget forcing: round a real model that writes its end-of-thinking token, and round one that is served."""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("torch", reason="needs rote[hf]")

from lm_eval.api.model import LM
from tiny_lm import chain_model, requests, word_tokenizer

from rote.cli import main
from rote.errors import MissingExtraError, UsageError
from rote.harness_ext import scoring
from rote.harness_ext.models.budget import BudgetLM
from rote.harness_ext.models.generation import Generation, Response, Thinking, generation_of
from rote.harness_ext.models.hf import RoteHFLM
from rote.harness_ext.models.inner import told

#: Prompts end in ``short`` (thinks for 3 words), ``long`` (never ends) or ``silent`` (ends the whole text).
LINES = (
    "short a b c </think> answer 7 <eos>",
    "long m n m",
    "silent s <eos>",
    "Wait d e </think>",
    "<think> a",
)
WORDS = [*dict.fromkeys(" ".join(LINES).replace("<eos>", "").split()), "Stop"]


def follows() -> dict[str, str]:
    return {a: b for line in LINES for a, b in itertools.pairwise(line.split())}


@pytest.fixture(scope="module")
def hf() -> RoteHFLM:
    tokenizer = word_tokenizer(WORDS)
    return RoteHFLM(
        pretrained=chain_model(tokenizer, follows()), tokenizer=tokenizer, batch_size=4, device="cpu"
    )


def spaced(text: str) -> str:
    """The text with one blank between words and round tags; how they are joined is the tokenizer's affair."""
    return " ".join(re.sub(r"(</?think>|the end)", r" \1 ", text).split())


class Served(LM):
    """The same words without torch, as a server has them: text in, text out, and no word of why it ended."""

    max_gen_toks = 32

    def __init__(self, *, gives_stop_back: bool = False) -> None:
        super().__init__()
        self.tokenizer = "words"
        self.gives_stop_back = gives_stop_back
        self.calls: list[int] = []

    def tok_encode(self, text: str, add_special_tokens: bool | None = None) -> list[int]:
        return [WORDS.index(word) if word in WORDS else -1 for word in text.split()]

    def generate_until(self, requests: list[Any], disable_tqdm: bool = False) -> list[str]:
        self.calls.append(len(requests))
        return [self.one(*request.args) for request in requests]

    def one(self, prompt: str, kwargs: dict[str, Any]) -> str:
        chain, word, words = follows(), spaced(prompt).split()[-1], []
        while len(words) < kwargs["max_gen_toks"]:
            word = chain.get(word, "<eos>")
            if word == "<eos>" or (word in kwargs["until"] and not self.gives_stop_back):
                break
            words.append(word)
            if word in kwargs["until"]:
                break
        return " " + " ".join(words) + " " if words else " "

    def loglikelihood(self, requests: Any) -> Any:
        raise NotImplementedError

    loglikelihood_rolling = loglikelihood


Maker = Callable[..., BudgetLM]


@pytest.fixture(params=["hf", "served"])
def make(request: pytest.FixtureRequest, hf: RoteHFLM) -> Maker:
    """Budget forcing round either model; nothing is written before the thinking, blanks part the words."""
    inner = hf if request.param == "hf" else Served()
    return lambda **settings: BudgetLM(
        inner,
        **{"think_start": "", "think_end": "</think>", "wait_text": " Wait ", **settings},
    )


def run(lm: BudgetLM, prompts: list[str], **kwargs: Any) -> list[tuple[str, Thinking]]:
    found = lm.generate_until(requests(prompts, {"until": ["never"], "max_gen_toks": 32, **kwargs}))
    return [(spaced(text), text.generation.thinking) for text in found]


def test_thinking_is_cut_at_the_budget_and_the_end_is_forced(make: Maker) -> None:
    found = run(make(max_thinking=5), ["long", "short", "silent"])
    assert [text for text, _ in found] == [
        "m n m n m </think> answer 7",
        "a b c </think> answer 7",
        "s </think> answer 7",
    ]
    assert [thinking.tokens for _, thinking in found] == [5, 3, 1]
    # Text alone does not tell an end of text from an end of thinking.
    assert [thinking.ended for _, thinking in found] in (
        ["budget", "model", "eos"],
        ["budget", "model", "model"],
    )


def test_a_model_that_tells_is_counted_exactly(hf: RoteHFLM) -> None:
    found = run(BudgetLM(hf, max_thinking=5, think_start=""), ["long", "short", "silent"])
    assert [thinking for _, thinking in found] == [
        Thinking(5, 3, 0, "budget"),  # the answer's end of text counts
        Thinking(3, 3, 0, "model"),
        Thinking(1, 3, 0, "eos"),
    ]


def test_wait_is_written_where_thinking_ends_early(make: Maker) -> None:
    [(text, thinking), (endless, cut)] = run(make(max_thinking=20, wait=2), ["short", "long"])
    assert text == "a b c Wait d e Wait d e </think> answer 7"
    assert (thinking.tokens, thinking.waits, thinking.ended) == (9, 2, "model")
    assert endless.split().count("m") + endless.split().count("n") == 20
    assert (cut.tokens, cut.waits, cut.ended) == (20, 0, "budget")


@pytest.mark.parametrize(
    ("budget", "text", "tokens", "waits"),
    [
        (3, "a b c </think> answer 7", 3, 0),
        (4, "a b c </think> answer 7", 3, 0),  # "Wait" alone would fill what is left
        (5, "a b c Wait d </think> answer 7", 5, 1),
        (6, "a b c Wait d e </think> answer 7", 6, 1),
        (8, "a b c Wait d e Wait d </think> answer 7", 8, 2),
    ],
)
def test_waiting_never_exceeds_the_budget(
    make: Maker, budget: int, text: str, tokens: int, waits: int
) -> None:
    [(found, thinking)] = run(make(max_thinking=budget, wait=9), ["short"])
    assert (found, thinking.tokens, thinking.waits) == (text, tokens, waits)
    assert thinking.tokens <= budget


def test_no_thinking_at_all(make: Maker) -> None:
    [(text, thinking)] = run(make(max_thinking=0), ["long"])
    assert text == "</think> answer 7"
    assert (thinking.tokens, thinking.ended) == (0, "none")


def test_the_answer_has_the_rest_and_the_tasks_stop_strings(make: Maker) -> None:
    lm = make(max_thinking=3)
    [(text, _)] = run(lm, ["short"], max_gen_toks=4)
    assert text == "a b c </think> answer"
    assert lm.telemetry[-1].finish == "length"
    [(text, _)] = run(make(max_thinking=3, max_answer=2), ["short"], max_gen_toks=1)
    assert text == "a b c </think> answer 7"
    # "b" ends an answer, and no thought.
    [(text, _)] = run(lm, ["short"], until=["b", "7"])
    assert text == "a b c </think> answer"


def test_only_the_answer_if_so_asked(make: Maker) -> None:
    lm = make(max_thinking=3, answer_only=True)
    [(text, thinking)] = run(lm, ["short"])
    assert (text, thinking.tokens) == ("answer 7", 3)


def test_thinking_is_opened_unless_the_prompt_does(hf: RoteHFLM) -> None:
    lm = BudgetLM(hf, max_thinking=6, think_start=" <think> ", wait_text=" Wait ")
    opened, already = run(lm, ["short", "short <think>"])
    assert opened[0] == "<think> a b c </think> answer 7"
    assert already[0] == "a b c </think> answer 7"


def test_a_server_that_gives_the_stop_string_back() -> None:
    lm = BudgetLM(Served(gives_stop_back=True), max_thinking=9, wait=1, think_start="", wait_text=" Wait ")
    [(text, thinking)] = run(lm, ["short"])
    assert text == "a b c Wait d e </think> answer 7"
    assert (thinking.tokens, thinking.ended) == (6, "model")


def test_each_round_is_one_batch() -> None:
    served = Served()
    lm = BudgetLM(served, max_thinking=9, wait=1, think_start="", wait_text=" Wait ")
    run(lm, ["short", "long", "short", "short"])
    assert served.calls == [4, 3, 4]


def test_what_a_server_says_goes_before_the_tokenizer() -> None:
    class Api(Served):
        def parse_generations(self, outputs: Any, **kwargs: Any) -> list[str | None]:
            return [choice["text"] for choice in outputs["choices"]]

    body = {
        "choices": [{"index": 0, "text": "x", "finish_reason": "stop", "stop_reason": "</think>"}],
        "usage": {"prompt_tokens": 3, "completion_tokens": 5},
    }
    [text] = told(Api()).parse_generations(outputs=body)
    assert text == "x"
    assert text.generation == Generation(prompt_tokens=3, tokens=5, finish="stop", stop="</think>")
    nothing = {"choices": [{"index": 0, "text": None, "finish_reason": "content_filter"}]}
    assert told(Api()).parse_generations(outputs=nothing) == [None]


def test_a_model_that_says_nothing_and_has_no_tokenizer_is_refused() -> None:
    mute = Served()
    mute.tokenizer = None  # type: ignore[assignment]
    with pytest.raises(UsageError, match="neither says how many tokens it generates nor has a tokenizer"):
        run(BudgetLM(mute, max_thinking=4), ["short"])


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({}, r"say how many tokens the model may think for: max_thinking=1024"),
        ({"max_thinking": -1}, r"max_thinking must be a whole number of at least 0, got -1"),
        ({"max_thinking": "many"}, r"max_thinking must be .* got 'many'"),
        ({"max_thinking": 4, "wait": -1}, r"wait must be a whole number of at least 0, got -1"),
        ({"max_thinking": 4, "max_answer": 0}, r"max_answer must be a whole number of at least 1, got 0"),
        (
            {"max_thinking": 0, "wait": 1},
            r"wait=1 needs thinking to go on with, and max_thinking=0 allows none",
        ),
        ({"max_thinking": 4, "wait": 1, "wait_text": ""}, r"wait=1 needs a wait_text"),
        ({"max_thinking": 4, "think_end": ""}, r"think_end must name the token"),
        ({"max_thinking": 4, "think_end": 7}, r"think_end must be text, got 7"),
        (
            {"max_thinking": 4, "wait_text": "x </think>"},
            r"wait_text='x </think>' holds think_end='</think>'",
        ),
        ({"max_thinking": 4, "as_text": "yes"}, r"as_text must be true or false, got 'yes'"),
        ({"max_thinking": 4, "think_end": "</thought>"}, r"tokenizer of RoteHFLM has no token '</thought>'"),
        ({"max_thinking": 512}, r"max_thinking=512 does not fit into the 512 tokens"),
        ({"max_thinking": 4, "pretrained": "x"}, r"arguments for a model that is already made: pretrained"),
        ({"max_thinking": 4, "telemetry": "no/such/file"}, r"telemetry=no/such/file: there is no folder"),
    ],
)
def test_bad_settings_are_named(hf: RoteHFLM, settings: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        BudgetLM(hf, **settings)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"model": "hff"}, r"unknown model for rote-budget: 'hff'; did you mean 'hf'"),
        ({"model": "rote-planted"}, r"model=rote-planted cannot think"),
        ({"model": "rote-budget"}, r"model=rote-budget cannot think"),
        ({"model": "hf", "max_thinkng": 3}, r"'max_thinkng'; did you mean 'max_thinking'"),
        ({"model": "hf", "think_end_token": "</t>"}, r"write think_end=</t> instead"),
        ({"model": "local-completions", "flavour": 1}, r"unknown argument of rote-budget with model=local"),
    ],
)
def test_bad_arguments_for_the_inner_model_are_named(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        BudgetLM(max_thinking=4, **arguments)


@pytest.mark.parametrize(("model", "package"), [("vllm", "vllm"), ("hf", "torch")])
def test_a_package_that_is_missing_is_named(
    model: str, package: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing(name: str) -> Any:
        raise ModuleNotFoundError(f"No module named {package!r}", name=package)

    monkeypatch.setattr("lm_eval.api.registry.get_model", missing)
    with pytest.raises(MissingExtraError, match=f"{package} is needed .* pip install 'rote"):
        BudgetLM(model, max_thinking=4, pretrained="x")


def test_budgets_that_contradict_the_task_are_named(make: Maker) -> None:
    with pytest.raises(UsageError, match=r"task task: max_thinking=8 leaves nothing of max_gen_toks=8"):
        run(make(max_thinking=8), ["short"], max_gen_toks=8)


def test_a_budget_that_leaves_no_room_for_any_prompt_is_named(hf: RoteHFLM) -> None:
    with pytest.raises(UsageError, match=r"no prompt fits: max_thinking=400, an answer of 112 and the short"):
        run(BudgetLM(hf, max_thinking=400), ["long", "short"], max_gen_toks=512)


def test_prompts_that_cannot_be_gone_on_with_are_named(hf: RoteHFLM) -> None:
    lm = BudgetLM(hf, max_thinking=4)
    with pytest.raises(UsageError, match=r"the prompt already ends with '</think>'"):
        run(lm, ["short <think> </think>"])
    chat: Any = [[{"role": "user", "content": "short"}]]
    with pytest.raises(UsageError, match=r"a chat behind an API"):
        run(lm, chat)
    with pytest.raises(UsageError, match=r"serves generate_until tasks only"):
        lm.loglikelihood([])


def test_text_for_an_end_is_allowed_when_asked_for() -> None:
    tokenizer = word_tokenizer([*WORDS, "the", "end"])
    links = follows() | {"c": "the", "the": "end", "end": "answer"}
    inner = RoteHFLM(pretrained=chain_model(tokenizer, links), tokenizer=tokenizer, device="cpu")
    with pytest.raises(UsageError, match="has no token 'the end'"):
        BudgetLM(inner, max_thinking=9, think_end="the end")
    lm = BudgetLM(inner, max_thinking=9, think_start="", think_end="the end", as_text=True)
    [(text, thinking)] = run(lm, ["short"])
    assert text == "a b c the end answer 7"
    assert (thinking.tokens, thinking.ended) == (3, "model")


def test_responses_are_text_to_everybody_else(hf: RoteHFLM) -> None:
    import pickle

    lm = BudgetLM(hf, max_thinking=5, think_start="")
    [response] = lm.generate_until(requests(["short"], {"until": [], "max_gen_toks": 9}))
    assert isinstance(response, Response)
    again = pickle.loads(pickle.dumps(response))
    assert (again, again.generation) == (response, response.generation)
    assert json.loads(json.dumps([response])) == [str(response)]


@pytest.mark.slow
def test_rote_eval_round_a_model_on_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """From the command line: the logs hold the block, the results the counts, the file a line each.

    Scoring sees the facts: what a response ends with reaches ``process_results`` through lm-eval's filters.
    """
    monkeypatch.chdir(tmp_path)
    finishes = []

    def spy(doc: Any, results: list[str]) -> dict[str, int]:
        finishes.append(generation_of(results[0]).finish)
        return process(doc, results)

    process = scoring.process_results_hash
    monkeypatch.setattr(scoring, "process_results_hash", spy)
    tokenizer = word_tokenizer(WORDS)
    chain_model(tokenizer, follows() | {"<unk>": "a"}).save_pretrained("model")
    tokenizer.save_pretrained("model")
    arguments = (
        "model=hf,pretrained=model,max_thinking=2,max_length=4096,telemetry=counts.jsonl,dtype=float32"
    )
    words = ["--model", "rote-budget", "--model_args", arguments, "--tasks", "bank_original_zeroshot"]
    assert main(["eval", *words, "--limit", "3", "--batch_size", "3", "--device", "cpu"]) == 0
    [results] = (tmp_path / "results").rglob("results_*.json")
    config = json.loads(results.read_text(encoding="utf-8"))["config"]
    assert config["budget"]["max_thinking"] == 2
    assert config["telemetry"]["thinking"]["ended"] == {"budget": 3}
    [samples] = (tmp_path / "results").rglob("samples_*.jsonl")
    lines = [json.loads(line) for line in samples.read_text(encoding="utf-8").splitlines()]
    assert all(line["resps"][0][0].startswith("<think>") for line in lines)
    counts = [json.loads(line) for line in Path("counts.jsonl").read_text(encoding="utf-8").splitlines()]
    assert [line["id"] for line in counts] == [line["doc"]["id"] for line in lines]
    assert [line["doc_id"] for line in counts] == [0, 1, 2]
    assert all(line["thinking"]["tokens"] == 2 for line in counts)
    assert finishes == [line["finish"] for line in counts] == ["stop"] * 3
