"""``rote latency``: how fast a model answers."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

HELP = "measure a model's time to first token, time per token and throughput"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--model",
        required=True,
        metavar="NAME",
        help="a transformers model (name or folder), or the name under which the server has it",
    )
    parser.add_argument(
        "--base-url",
        metavar="URL",
        help="an OpenAI-like server that streams, such as http://localhost:8000/v1; without it the model "
        "runs in this process",
    )
    parser.add_argument(
        "--concurrency",
        default="1",
        metavar="N,…",
        help="requests under way at once, one measurement each; the size of a batch in this process "
        "(default: 1)",
    )
    parser.add_argument(
        "--requests",
        type=int,
        default=16,
        metavar="N",
        help="requests measured at each concurrency, rounded up to whole rounds (default: 16)",
    )
    parser.add_argument(
        "--tokens",
        type=int,
        default=64,
        metavar="N",
        help="tokens of an answer; exactly as many in this process, at most from a server (default: 64)",
    )
    parser.add_argument(
        "--warmup", type=int, default=1, metavar="N", help="rounds thrown away before each level (default: 1)"
    )
    parser.add_argument(
        "--prompts",
        type=Path,
        metavar="FILE.jsonl",
        help="prompts, one JSON object a line with the field 'prompt' (default: problems of the bank)",
    )
    parser.add_argument("--chat", action="store_true", help="as chat: the chat template, or chat completions")
    parser.add_argument(
        "--device", metavar="DEVICE", help="of this process (default: cuda where there is one)"
    )
    parser.add_argument("--dtype", default="auto", help="auto, float32, float16 or bfloat16 (default: auto)")
    parser.add_argument(
        "--timeout",
        type=float,
        default=300,
        metavar="S",
        help="seconds without a word from the server (default: 300)",
    )
    parser.add_argument("--out", type=Path, metavar="FILE.json", help="write everything measured here")


def run(args: argparse.Namespace) -> int:
    """Measure, print the table, write the file."""
    import json

    from rote.errors import UsageError
    from rote.harness_ext.latency import (
        Backend,
        Plan,
        default_prompts,
        measure,
        parse_concurrency,
        read_prompts,
        table,
    )
    from rote.harness_ext.latency_backends import HFBackend, HTTPBackend

    plan = Plan(parse_concurrency(args.concurrency), args.requests, args.tokens, args.warmup)
    if not 0 < args.timeout < float("inf"):
        raise UsageError(f"--timeout must be a number of seconds above 0, got {args.timeout:g}")
    if args.base_url is not None and (args.device is not None or args.dtype != "auto"):
        raise UsageError(
            "--device and --dtype are of a model in this process; with --base-url the server decides"
        )
    out: Path | None = args.out
    if out is not None and (out.is_dir() or not out.parent.is_dir()):
        raise UsageError(f"--out {out}: name a file in a folder that is there")
    prompts = default_prompts(args.requests) if args.prompts is None else read_prompts(args.prompts)
    backend: Backend
    if args.base_url is None:
        backend = HFBackend(args.model, args.device, args.dtype, chat=args.chat)
    else:
        backend = HTTPBackend(args.base_url, args.model, chat=args.chat, timeout_s=args.timeout)
    found = measure(backend, prompts, plan, lambda line: print(line, file=sys.stderr, flush=True))
    print(table(found))
    if out is not None:
        out.write_text(json.dumps(found, ensure_ascii=False, indent=1) + "\n", encoding="utf-8", newline="\n")
        print(f"\n{out}")
    return 0
