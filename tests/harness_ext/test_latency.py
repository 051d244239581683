"""``rote latency``: times of a real model and of a server whose times are known."""

from __future__ import annotations

import itertools
import json
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from rote.cli import command_parser, load, main
from rote.errors import DataError, UsageError
from rote.harness_ext.latency import (
    Plan,
    Timing,
    default_prompts,
    measure,
    parse_concurrency,
    read_prompts,
    summarise,
    table,
)
from rote.harness_ext.latency_backends import HFBackend, HTTPBackend

FIRST_S, EACH_S = 0.05, 0.02


class Server(ThreadingHTTPServer):
    """Streams words: the first after ``FIRST_S``, each further one after ``EACH_S``."""

    daemon_threads = True
    request_queue_size = 64

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.usage = True
        self.reply: tuple[int, str, str] | None = None
        self.lock = threading.Lock()
        self.now = self.most = 0
        self.asked: list[dict[str, Any]] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/v1"


class Handler(BaseHTTPRequestHandler):
    server: Server

    def log_message(self, format: str, *args: Any) -> None:
        pass

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        server = self.server
        with server.lock:
            server.now += 1
            server.most = max(server.most, server.now)
            server.asked.append({"path": self.path, "key": self.headers.get("Authorization"), **body})
        try:
            self._answer(body)
        finally:
            with server.lock:
                server.now -= 1

    def _answer(self, body: dict[str, Any]) -> None:
        if self.server.reply is not None:
            status, kind, text = self.server.reply
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.end_headers()
            self.wfile.write(text.encode())
            return
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.end_headers()
        chat = self.path.endswith("/chat/completions")
        if chat:
            self._event({"choices": [{"index": 0, "delta": {"role": "assistant"}}]})
        for number in range(body["max_tokens"]):
            time.sleep(EACH_S if number else FIRST_S)
            said = {"delta": {"content": "word "}} if chat else {"text": "word "}
            self._event({"choices": [{"index": 0, **said}]})
        if self.server.usage:
            self._event({"choices": [], "usage": {"completion_tokens": body["max_tokens"] + 1}})
        self.wfile.write(b"data: [DONE]\n\n")

    def _event(self, event: dict[str, Any]) -> None:
        self.wfile.write(b"data: " + json.dumps(event).encode() + b"\n\n")
        self.wfile.flush()


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    with Server() as found:
        thread = threading.Thread(target=found.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield found
        found.shutdown()
        thread.join()


@pytest.mark.parametrize("chat", [False, True])
def test_times_of_a_server(server: Server, chat: bool) -> None:
    backend = HTTPBackend(server.url, "words", chat=chat)
    found = measure(backend, ["one", "two"], Plan((1, 3), requests=3, tokens=5, warmup=1))
    assert len(server.asked) == 1 + 3 + 3 + 3  # warm-up rounds are as wide as their level
    assert {body["path"] for body in server.asked} == {"/v1/chat/completions" if chat else "/v1/completions"}
    assert server.most == 3
    for level in found["levels"]:
        assert FIRST_S <= level["first_token_s"]["p50"] < FIRST_S + 0.25
        # five pieces, and six tokens by the server's own count
        assert EACH_S * 4 / 5 <= level["per_token_s"]["p50"] < EACH_S + 0.1
        assert level["tokens"] == 18
        assert level["latency_s"]["p50"] >= FIRST_S + 4 * EACH_S
    one, three = found["levels"]
    assert three["tokens_per_s"] > 1.5 * one["tokens_per_s"]
    assert found["backend"]["tokens_counted_by"] == "usage"
    assert found["backend"]["machine"]["role"] == "the machine that asks"


def test_a_server_without_usage_is_counted_by_pieces(server: Server) -> None:
    server.usage = False
    backend = HTTPBackend(server.url + "/completions", "words")
    [timing] = backend.run(["x"], 3, 1)
    assert timing.tokens == 3
    assert backend.describe()["tokens_counted_by"] == "pieces"


def test_the_key_is_sent_and_never_shown(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sesame")
    backend = HTTPBackend(server.url.replace("//", "//user:sesame@"), "words")
    backend.run(["x"], 2, 1)
    assert server.asked[0]["key"] == "Bearer sesame"
    assert "sesame" not in json.dumps(backend.describe())


@pytest.mark.parametrize(
    ("reply", "message"),
    [
        ((404, "application/json", '{"error": "no model words"}'), r"status 404: .*no model words"),
        ((200, "application/json", '{"choices": [{"text": "x"}]}'), r"does not stream: .*choices"),
        ((200, "text/event-stream", "data: {no\n\n"), r"an event that is no JSON: \{no"),
        ((200, "text/event-stream", "data: [DONE]\n\n"), r"streamed no token"),
        ((200, "text/event-stream", 'data: {"error": {"message": "out of memory"}}\n\n'), r"out of memory"),
    ],
)
def test_bad_replies_are_named(server: Server, reply: tuple[int, str, str], message: str) -> None:
    server.reply = reply
    with pytest.raises((UsageError, DataError), match=message) as caught:
        HTTPBackend(server.url, "words").run(["x"] * 4, 2, 2)
    assert server.url in str(caught.value)


def test_a_server_that_is_not_there_or_silent_is_named(server: Server) -> None:
    with pytest.raises(UsageError, match=r"http://127\.0\.0\.1:9/v1/completions: cannot be reached"):
        HTTPBackend("http://127.0.0.1:9/v1", "words").run(["x"], 2, 1)
    with pytest.raises(UsageError, match=r"no word for 0\.01 s \(--timeout\)"):
        HTTPBackend(server.url, "words", timeout_s=0.01).run(["x"], 2, 1)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model on disk that would end after one word, were it let."""
    pytest.importorskip("torch", reason="needs rote[hf]")
    from tiny_lm import chain_model, word_tokenizer

    path = tmp_path_factory.mktemp("model")
    tokenizer = word_tokenizer(["a", "b"])
    tokenizer.save_pretrained(path)
    chain_model(tokenizer, dict(itertools.pairwise(["a", "b"]))).save_pretrained(path)
    return path


def test_times_of_a_model(folder: Path) -> None:
    found = measure(HFBackend(str(folder), "cpu"), ["a", "a b", "b"], Plan((1, 2), requests=3, tokens=7))
    assert [level["tokens"] for level in found["levels"]] == [21, 28]  # whole rounds; no end of text
    for level in found["levels"]:
        assert 0 < level["first_token_s"]["p50"] < level["latency_s"]["p50"]
        assert level["per_token_s"]["p50"] > 0
    machine = found["backend"]["machine"]
    assert {"cpu", "cores", "torch", "transformers", "device", "python"} <= set(machine)
    json.dumps(found)


def test_from_the_command_line(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    prompts = tmp_path / "prompts.jsonl"
    prompts.write_text('{"prompt": "a b"}\n\n{"prompt": "b"}\n', encoding="utf-8")
    out = tmp_path / "latency.json"
    words = ["latency", "--model", str(folder), "--device", "cpu", "--concurrency", "1,2", "--requests", "2"]
    assert main([*words, "--tokens", "3", "--prompts", str(prompts), "--out", str(out)]) == 0
    printed = capsys.readouterr()
    assert "first token" in printed.out
    assert f"model {folder}" in printed.out
    assert "concurrency 2: 2 requests" in printed.err
    found = json.loads(out.read_text(encoding="utf-8"))
    assert [level["concurrency"] for level in found["levels"]] == [1, 2]
    assert found["plan"] == {"concurrency": [1, 2], "requests": 2, "tokens": 3, "warmup": 1}


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (
            ["--concurrency", "0"],
            r"--concurrency must be whole numbers of at least 1, such as 1,4,16, got '0'",
        ),
        (["--concurrency", "2,x"], r"--concurrency must be .* got '2,x'"),
        (["--concurrency", "32"], r"--requests 16: fewer than --concurrency 32"),
        (["--requests", "0"], r"--requests must be a whole number of at least 1, got 0"),
        (["--tokens", "1"], r"--tokens must be a whole number of at least 2, got 1"),
        (["--warmup", "-1"], r"--warmup must be a whole number of at least 0, got -1"),
        (["--timeout", "0"], r"--timeout must be a number of seconds above 0, got 0"),
        (["--timeout", "nan"], r"--timeout must be .* got nan"),
        (["--base-url", "localhost:8000"], r"--base-url must be an address such as http://.* got 'localhost"),
        (["--base-url", "http://h:port/"], r"--base-url must be an address"),
        (
            ["--base-url", "http://h", "--dtype", "float16"],
            r"--device and --dtype are of a model in this process",
        ),
        (["--prompts", "nowhere.jsonl"], r"nowhere\.jsonl: cannot be read"),
        (
            ["--out", "no/such/folder.json"],
            r"--out no/such/folder\.json: name a file in a folder that is there",
        ),
    ],
)
def test_bad_options_are_named(words: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["latency", "--model", "words", *words]) == 3
    assert capsys.readouterr().err.startswith("rote latency: error: ")
    args = command_parser("latency").parse_args(["--model", "words", *words])
    with pytest.raises((UsageError, DataError), match=message):
        load("latency").run(args)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"dtype": "int3"}, r"--dtype must be one of auto, float32, float16, bfloat16, got 'int3'"),
        ({"device": "abacus"}, r"--device abacus: "),
        ({"chat": True}, r"--chat: the tokenizer of .* has no chat template"),
    ],
)
def test_bad_models_are_named(folder: Path, arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        HFBackend(str(folder), **arguments)


def test_a_model_that_is_not_there_is_named(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"--model .*nowhere: cannot be loaded"):
        HFBackend(str(tmp_path / "nowhere"))
    with pytest.raises(
        UsageError, match=r"--tokens 600: with a prompt of 1 tokens that is more than the 512"
    ):
        HFBackend(str(folder), "cpu").run(["a"], 600, 1)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", r"holds no prompts"),
        ('{"prompt": "a"}\n{no\n', r"p\.jsonl:2: is no JSON"),
        ('{"prompt": ""}\n', r"p\.jsonl:1 \[prompt\]: must be text"),
        ('["prompt"]\n', r"p\.jsonl:1 \[prompt\]: must be text"),
        ('{"prompt": "\udcff"}\n', r"p\.jsonl:1: is no JSON"),
    ],
)
def test_bad_prompts_are_named(tmp_path: Path, text: str, message: str) -> None:
    file = tmp_path / "p.jsonl"
    file.write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(DataError, match=message):
        read_prompts(file)


def test_numbers_of_a_level() -> None:
    found = summarise([Timing(0.1, 1.1, 11), Timing(0.3, 0.3, 1)], 2, wall_s=2.0)
    assert found["first_token_s"] == {"p50": 0.2, "p95": 0.29}
    assert found["per_token_s"] == {"p50": 0.1, "p95": 0.1}  # a single token has no time between tokens
    assert (found["tokens_per_s"], found["requests_per_s"]) == (6.0, 1.0)
    nothing = summarise([Timing(0.3, 0.3, 1)], 1, wall_s=1.0)
    assert nothing["per_token_s"] is None
    machine = {"cpu": "c"}
    whole = {"backend": {"model": "m", "machine": machine}, "plan": {"requests": 1, "tokens": 2, "warmup": 0}}
    assert "—" in table({**whole, "levels": [nothing]})


def test_levels_and_default_prompts() -> None:
    assert parse_concurrency("1, 4,1") == (1, 4)
    prompts = default_prompts(3)
    assert len(set(prompts)) == 3
    assert all("Word problem:" in prompt for prompt in prompts)
