"""How fast a model answers: time to first token, time per output token, throughput at a given concurrency.

Definitions, all in seconds as the one who asks sees them:

- *time to first token*: from the request to its first generated token;
- *time per output token*: (time of the last token − time of the first) / (tokens − 1), one value a request;
- *latency*: from the request to its last token;
- *throughput*: generated tokens, and requests, by the wall time of all requests together.

Percentiles are over requests, by linear interpolation. Warm-up rounds are run at each concurrency and thrown
away: the first ones compile, allocate and fill caches.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path
from typing import Any, Final, Protocol

from rote.errors import DataError, UsageError
from rote.harness_ext.models.telemetry import percentiles
from rote.harness_ext.settings import whole_number
from rote.perturb import load_source, sample
from rote.prompts import render

#: Of the JSON file.
SCHEMA: Final = 1


@dataclass(frozen=True, slots=True)
class Timing:
    """One request: seconds from its start to its first and last token, and the tokens generated."""

    first_token_s: float
    last_token_s: float
    tokens: int

    @property
    def per_token_s(self) -> float | None:
        """Seconds a token after the first; None for a single token."""
        return (self.last_token_s - self.first_token_s) / (self.tokens - 1) if self.tokens > 1 else None


class Backend(Protocol):
    """Something that answers prompts."""

    def describe(self) -> dict[str, Any]:
        """What was measured, and on what machine."""
        ...

    def run(self, prompts: Sequence[str], tokens: int, concurrency: int) -> list[Timing]:
        """Answer the prompts, ``concurrency`` at a time, in up to ``tokens`` tokens each."""
        ...


@dataclass(frozen=True, slots=True)
class Plan:
    """What is measured.

    Attributes
    ----------
    concurrency: how many requests are under way at once, one level each, at least 1.
    requests: measured at each level, at least as many as the highest concurrency; rounded up to whole
        rounds of ``concurrency``, so that no batch is smaller than the others.
    tokens: most tokens of an answer, at least 2.
    warmup: rounds of ``concurrency`` requests before each level, at least 0.
    """

    concurrency: tuple[int, ...] = (1,)
    requests: int = 16
    tokens: int = 64
    warmup: int = 1

    def __post_init__(self) -> None:
        """Raises UsageError naming the option, the value and what would be right."""
        if not self.concurrency:
            raise UsageError("--concurrency: name at least one, such as 1,4,16")
        for level in self.concurrency:
            whole_number(level, "--concurrency", 1)
        whole_number(self.requests, "--requests", 1)
        whole_number(self.tokens, "--tokens", 2)
        whole_number(self.warmup, "--warmup", 0)
        if self.requests < max(self.concurrency):
            raise UsageError(
                f"--requests {self.requests}: fewer than --concurrency {max(self.concurrency)}, which could "
                "never be reached"
            )


def parse_concurrency(text: str) -> tuple[int, ...]:
    """Levels from ``1,4,16``. Raises UsageError for anything but whole numbers of at least 1."""
    levels = []
    for part in text.split(","):
        if not part.strip().isdecimal() or int(part) < 1:
            raise UsageError(
                f"--concurrency must be whole numbers of at least 1, such as 1,4,16, got {text!r}"
            )
        levels.append(int(part))
    return tuple(dict.fromkeys(levels))


def read_prompts(file: Path) -> list[str]:
    """Prompts from JSON lines with the field ``prompt``. Raises DataError naming the line and the fault."""
    prompts = []
    try:
        lines = file.read_bytes().splitlines()
    except OSError as error:
        raise DataError(f"cannot be read: {error.strerror or error}", path=file) from None
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            record = json.loads(line.decode("utf-8"))
        except ValueError as error:
            raise DataError(f"is no JSON: {error}", path=file, line=number) from None
        prompt = record.get("prompt") if isinstance(record, dict) else None
        if not isinstance(prompt, str) or not prompt:
            raise DataError("must be text", path=file, line=number, field="prompt")
        prompts.append(prompt)
    if not prompts:
        raise DataError("holds no prompts", path=file)
    return prompts


def default_prompts(count: int) -> list[str]:
    """Zero-shot prompts of the bank's originals: up to ``count``, one of each template."""
    return [
        render(problem.question) for problem in islice(sample(load_source("bank"), "original", count), count)
    ]


def measure(
    backend: Backend, prompts: Sequence[str], plan: Plan, progress: Callable[[str], None] = lambda line: None
) -> dict[str, Any]:
    """Measure every level of the plan. Prompts are used in turn, over and over.

    Returns what the JSON file holds: ``schema``, ``backend`` (model and machine), ``plan``, ``levels``.
    """
    levels = []
    for level in plan.concurrency:
        for number in range(plan.warmup):
            progress(f"concurrency {level}: warm-up {number + 1} of {plan.warmup}")
            backend.run(_in_turn(prompts, level), plan.tokens, level)
        asked = _in_turn(prompts, -(-plan.requests // level) * level)
        progress(f"concurrency {level}: {len(asked)} requests")
        began = time.perf_counter()
        timings = backend.run(asked, plan.tokens, level)
        levels.append(summarise(timings, level, time.perf_counter() - began))
    return {"schema": SCHEMA, "backend": backend.describe(), "plan": asdict(plan), "levels": levels}


def _in_turn(prompts: Sequence[str], count: int) -> list[str]:
    return [prompts[number % len(prompts)] for number in range(count)]


def summarise(timings: Sequence[Timing], concurrency: int, wall_s: float) -> dict[str, Any]:
    """One level's numbers; seconds and tokens a second."""
    tokens = sum(timing.tokens for timing in timings)
    per_token = [t.per_token_s for t in timings if t.per_token_s is not None]
    return {
        "concurrency": concurrency,
        "requests": len(timings),
        "tokens": tokens,
        "wall_s": round(wall_s, 6),
        "first_token_s": percentiles([t.first_token_s for t in timings]),
        "per_token_s": percentiles(per_token) if per_token else None,
        "latency_s": percentiles([t.last_token_s for t in timings]),
        "tokens_per_s": round(tokens / wall_s, 3),
        "requests_per_s": round(len(timings) / wall_s, 3),
        "samples": [{key: round(value, 6) for key, value in asdict(t).items()} for t in timings],
    }


def table(found: dict[str, Any]) -> str:
    """The levels as a table, times in milliseconds, under two lines on the model and the machine."""

    def line(words: dict[str, Any]) -> str:
        return ", ".join(f"{key} {value}" for key, value in words.items() if value not in (None, "", []))

    def times(level: dict[str, Any], key: str) -> str:
        value = level[key]
        return (
            f"{'—':>10}{'—':>10}"
            if value is None
            else f"{value['p50'] * 1e3:10.2f}{value['p95'] * 1e3:10.2f}"
        )

    backend = dict(found["backend"])
    machine = backend.pop("machine")
    plan = found["plan"]
    lines = [
        line(backend),
        line(machine),
        f"at least {plan['requests']} requests of up to {plan['tokens']} tokens at each level, after "
        f"{plan['warmup']} warm-up round{'' if plan['warmup'] == 1 else 's'}; milliseconds",
        "",
        f"{'':12}{'first token':>20}{'per token':>20}{'latency':>20}{'throughput':>22}",
        f"{'concurrency':12}" + f"{'p50':>10}{'p95':>10}" * 3 + f"{'tokens/s':>12}{'req/s':>10}",
    ]
    for level in found["levels"]:
        cells = "".join(times(level, key) for key in ("first_token_s", "per_token_s", "latency_s"))
        lines.append(
            f"{level['concurrency']:<12}{cells}{level['tokens_per_s']:12.1f}{level['requests_per_s']:10.2f}"
        )
    return "\n".join(lines)
