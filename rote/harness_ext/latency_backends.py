"""What ``rote latency`` can time: a transformers model in this process, and an OpenAI-like server."""

from __future__ import annotations

import http.client
import json
import os
import ssl
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import Any, Final
from urllib.parse import urlsplit, urlunsplit

from rote.errors import DataError, MissingExtraError, UsageError
from rote.harness_ext.latency import Timing
from rote.harness_ext.machine import describe_machine, describe_torch

DTYPES: Final = ("auto", "float32", "float16", "bfloat16")

#: Longest excerpt of a server's reply in a message, in characters.
_EXCERPT: Final = 300


class _Clock:
    """A streamer of transformers that notes when each step's tokens are there.

    ``generate`` hands over the prompt first, then each step's tokens, already on the host.
    """

    def __init__(self) -> None:
        self.times: list[float] = []

    def put(self, value: Any) -> None:
        self.times.append(time.perf_counter())

    def end(self) -> None:
        """Nothing is left to do."""


class HFBackend:
    """A causal language model of transformers in this process.

    Concurrency is the size of a batch. Every row generates exactly the tokens asked for: the end of text is
    held off, so that rows of one batch are alike and runs can be compared.

    Parameters
    ----------
    name: a model's name on the hub or its folder.
    device: torch's device; None: cuda where there is one, else cpu.
    dtype: one of :data:`DTYPES`.
    chat: whether prompts go through the tokenizer's chat template.

    Raises
    ------
    MissingExtraError: no torch, no transformers.
    UsageError: a model that cannot be loaded, a device that is not there, no chat template.
    """

    def __init__(
        self, name: str, device: str | None = None, dtype: str = "auto", *, chat: bool = False
    ) -> None:
        try:
            import torch
            from transformers import AutoModelForCausalLM, AutoTokenizer
        except ImportError as error:
            raise MissingExtraError(error.name or "transformers", "hf") from error
        if dtype not in DTYPES:
            raise UsageError(f"--dtype must be one of {', '.join(DTYPES)}, got {dtype!r}")
        tokenizers: Any = AutoTokenizer
        models: Any = AutoModelForCausalLM
        self.name = name
        self.device = device or ("cuda" if torch.cuda.is_available() else "cpu")
        self.chat = chat
        try:
            self.tokenizer = tokenizers.from_pretrained(name, padding_side="left")
            self.model = models.from_pretrained(name, dtype=dtype).eval()
        except (OSError, ValueError, KeyError) as error:
            said = str(error).strip().splitlines() or [type(error).__name__]
            raise UsageError(f"--model {name}: cannot be loaded: {said[0]}") from error
        try:
            self.model.to(self.device)
        except (RuntimeError, AssertionError) as error:
            raise UsageError(f"--device {self.device}: {str(error).splitlines()[0]}") from error
        if chat and not getattr(self.tokenizer, "chat_template", None):
            raise UsageError(f"--chat: the tokenizer of {name} has no chat template")
        if self.tokenizer.pad_token_id is None:
            if self.tokenizer.eos_token_id is None:
                raise UsageError(
                    f"--model {name}: its tokenizer has neither a padding nor an end-of-text token"
                )
            self.tokenizer.pad_token = self.tokenizer.eos_token

    def describe(self) -> dict[str, Any]:
        """Model, its type and size, device and machine."""
        return {
            "model": self.name,
            "kind": "hf",
            "dtype": str(self.model.dtype).removeprefix("torch."),
            "parameters": self.model.num_parameters(),
            "machine": {**describe_machine(), **describe_torch(self.device)},
        }

    def run(self, prompts: Sequence[str], tokens: int, concurrency: int) -> list[Timing]:
        """Batches of ``concurrency`` prompts, one after the other."""
        return [
            timing
            for begin in range(0, len(prompts), concurrency)
            for timing in self._batch(prompts[begin : begin + concurrency], tokens)
        ]

    def _batch(self, prompts: Sequence[str], tokens: int) -> list[Timing]:
        import torch

        clock = _Clock()
        began = time.perf_counter()
        inputs = self._encode(list(prompts))
        room = getattr(self.model.config, "max_position_embeddings", None)
        if room is not None and inputs["input_ids"].shape[1] + tokens > room:
            raise UsageError(
                f"--tokens {tokens}: with a prompt of {inputs['input_ids'].shape[1]} tokens that is more "
                f"than the {room} that {self.name} can hold"
            )
        with torch.inference_mode():
            self.model.generate(
                **inputs,
                min_new_tokens=tokens,
                max_new_tokens=tokens,
                do_sample=False,
                pad_token_id=self.tokenizer.pad_token_id,
                streamer=clock,
            )
        _, first, *rest = clock.times
        last = rest[-1] if rest else first
        return [Timing(first - began, last - began, len(clock.times) - 1) for _ in prompts]

    def _encode(self, prompts: list[str]) -> Any:
        if self.chat:
            prompts = [
                self.tokenizer.apply_chat_template(
                    [{"role": "user", "content": prompt}], tokenize=False, add_generation_prompt=True
                )
                for prompt in prompts
            ]
        # A chat template writes its special tokens itself.
        encoded = self.tokenizer(prompts, padding=True, return_tensors="pt", add_special_tokens=not self.chat)
        kept = {key: encoded[key] for key in ("input_ids", "attention_mask")}
        return {key: value.to(self.device) for key, value in kept.items()}


class HTTPBackend:
    """An OpenAI-like server that streams, such as ``vllm serve``.

    Each request has a connection of its own, opened before the clock starts. Tokens are what the server's
    ``usage`` says, else the pieces it streams. The key in ``OPENAI_API_KEY`` is sent where there is one.

    Parameters
    ----------
    url: up to ``/v1``, or the whole address of the endpoint.
    model: the name under which the server has it.
    chat: chat completions in place of completions.
    timeout_s: most seconds without any word from the server.

    Raises
    ------
    UsageError: an address that is none.
    """

    def __init__(self, url: str, model: str, *, chat: bool = False, timeout_s: float = 300.0) -> None:
        parts = urlsplit(url)
        try:
            usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
        except ValueError:
            usable = False
        if not usable:
            raise UsageError(f"--base-url must be an address such as http://localhost:8000/v1, got {url!r}")
        endpoint = "/chat/completions" if chat else "/completions"
        path = parts.path.rstrip("/")
        self.path = path if path.endswith("/completions") else path + endpoint
        self.parts = parts
        self.model = model
        self.chat = self.path.endswith("/chat/completions")
        self.timeout_s = timeout_s
        host = parts.hostname or ""
        self.shown = urlunsplit(
            (parts.scheme, host if parts.port is None else f"{host}:{parts.port}", self.path, "", "")
        )
        self.counted_by: set[str] = set()

    def describe(self) -> dict[str, Any]:
        """Model and address; the machine is the one that asks."""
        return {
            "model": self.model,
            "kind": "server",
            "url": self.shown,
            "tokens_counted_by": "+".join(sorted(self.counted_by)),
            "machine": {"role": "the machine that asks", **describe_machine()},
        }

    def run(self, prompts: Sequence[str], tokens: int, concurrency: int) -> list[Timing]:
        """``concurrency`` threads, each with one request under way."""
        with ThreadPoolExecutor(concurrency) as pool:
            futures = [pool.submit(self._one, prompt, tokens) for prompt in prompts]
            try:
                return [future.result() for future in futures]
            except BaseException:
                pool.shutdown(wait=False, cancel_futures=True)
                raise

    def _connection(self) -> http.client.HTTPConnection:
        host = self.parts.hostname or ""
        if self.parts.scheme == "https":
            context = ssl.create_default_context()
            return http.client.HTTPSConnection(host, self.parts.port, timeout=self.timeout_s, context=context)
        return http.client.HTTPConnection(host, self.parts.port, timeout=self.timeout_s)

    def _one(self, prompt: str, tokens: int) -> Timing:
        asked = {"messages": [{"role": "user", "content": prompt}]} if self.chat else {"prompt": prompt}
        body = json.dumps(
            {
                "model": self.model,
                **asked,
                "max_tokens": tokens,
                "temperature": 0,
                "stream": True,
                "stream_options": {"include_usage": True},
            }
        )
        headers = {"Content-Type": "application/json", "Accept": "text/event-stream"}
        key = os.environ.get("OPENAI_API_KEY")
        if key:
            headers["Authorization"] = f"Bearer {key}"
        try:
            with closing(self._connection()) as connection:
                connection.connect()
                began = time.perf_counter()
                connection.request("POST", self.path, body.encode("utf-8"), headers)
                with closing(connection.getresponse()) as reply:
                    if reply.status != 200:
                        said = reply.read(_EXCERPT).decode("utf-8", "replace")
                        raise UsageError(f"{self.shown}: status {reply.status}: {' '.join(said.split())}")
                    return self._read(reply, began)
        except TimeoutError:
            raise UsageError(f"{self.shown}: no word for {self.timeout_s:g} s (--timeout)") from None
        except (OSError, http.client.HTTPException) as error:
            raise UsageError(f"{self.shown}: cannot be reached: {error}") from error

    def _read(self, reply: http.client.HTTPResponse, began: float) -> Timing:
        first = last = None
        pieces, counted = 0, None
        for event in self._events(reply):
            usage = event.get("usage")
            if isinstance(usage, dict) and isinstance(usage.get("completion_tokens"), int):
                counted = usage["completion_tokens"]
            if any(map(_said, event.get("choices") or ())):
                last = time.perf_counter() - began
                first = last if first is None else first
                pieces += 1
        if first is None or last is None:
            raise DataError("the server streamed no token", path=self.shown)
        self.counted_by.add("pieces" if counted is None else "usage")
        return Timing(first, last, pieces if counted is None else counted)

    def _events(self, reply: http.client.HTTPResponse) -> Iterator[dict[str, Any]]:
        """The JSON objects of a stream of server-sent events."""
        for line in reply:
            text = line.strip()
            if not text.startswith(b"data:"):
                if text.startswith(b"{"):
                    said = text[:_EXCERPT].decode("utf-8", "replace")
                    raise DataError(f"the server does not stream: {said}", path=self.shown)
                continue
            data = text.removeprefix(b"data:").strip()
            if data == b"[DONE]":
                return
            try:
                event = json.loads(data)
            except ValueError:
                said = data[:_EXCERPT].decode("utf-8", "replace")
                raise DataError(f"an event that is no JSON: {said}", path=self.shown) from None
            if isinstance(event, dict) and "error" in event:
                raise UsageError(f"{self.shown}: {str(event['error'])[:_EXCERPT]}")
            if isinstance(event, dict):
                yield event


def _said(choice: Any) -> bool:
    """Whether a streamed choice brings any text, thinking included."""
    delta = choice.get("delta") or {}
    return bool(
        choice.get("text") or delta.get("content") or delta.get("reasoning_content") or delta.get("reasoning")
    )
