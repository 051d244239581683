"""``rote judge``: a language model on what the grader cannot decide, after an audit."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

HELP = "let a model judge logged responses that have no answer, once it passes an audit"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "logs", nargs="*", type=Path, metavar="LOGS", help="folders or files of logs; none: audit only"
    )
    parser.add_argument("--model", required=True, metavar="NAME", help="the judge: any model of lm-eval")
    parser.add_argument("--model_args", default="", metavar="KEY=VALUE,…", help="its arguments")
    parser.add_argument(
        "--batch_size", metavar="N", help="its batch size, or auto (default: auto for vLLM, else 1)"
    )
    parser.add_argument("--device", metavar="DEVICE", help="its device")
    parser.add_argument("--chat", action="store_true", help="put prompts through its chat template")
    parser.add_argument(
        "--max-tokens", type=int, default=512, metavar="N", help="most tokens of a reply (default: 512)"
    )
    parser.add_argument(
        "--sample",
        type=int,
        default=50,
        metavar="N",
        help="responses whose reasoning is rated from 1 to 5 (default: 50)",
    )
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="of the sample (default: 0)")
    parser.add_argument("--force", action="store_true", help="use a judge that fails its audit")
    parser.add_argument("--out", type=Path, metavar="FILE.json", help="write everything here; a new file")


def run(args: argparse.Namespace) -> int:
    """Audit, judge, print; 1 when only an audit was asked for and the judge fails it."""
    import json

    from rote.errors import UsageError
    from rote.harness_ext.judge import audit, open_judge
    from rote.harness_ext.judge_logs import SCHEMA, judge_logs, lines
    from rote.logs.files import find_logs

    out: Path | None = args.out
    if out is not None and out.exists():
        raise UsageError(f"--out {out}: is there already; name a new file")
    samples = [(task, path) for path, task, _ in find_logs(args.logs)[1]] if args.logs else []
    size: str | None = args.batch_size
    ask = open_judge(
        args.model,
        args.model_args,
        batch_size=int(size) if size is not None and size.isdigit() else size,
        device=args.device,
        chat=args.chat,
        max_tokens=args.max_tokens,
    )
    checked = audit(ask)
    for line in checked.lines():
        print(line, flush=True)
    if samples:
        found = judge_logs(
            ask, samples, sample=args.sample, seed=args.seed, force=args.force, checked=checked
        )
        for line in lines(found):
            print(line)
    else:
        found = {"schema": SCHEMA, "audit": checked.as_dict()}
    if out is not None:
        found["judge"] = {"model": args.model, "model_args": args.model_args}
        try:
            out.parent.mkdir(parents=True, exist_ok=True)
            out.write_text(json.dumps(found, indent=2, ensure_ascii=True) + "\n", encoding="utf-8")
        except OSError as error:
            raise UsageError(f"--out {out}: cannot be written ({error.strerror})") from error
        print(out, file=sys.stderr)
    return int(bool(checked.failures) and not samples)
