"""``rote export``: a checkpoint -> a folder that lm-eval loads."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

HELP = "write a checkpoint as a model that lm-eval loads: merged, checked, with a card"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "checkpoint", type=Path, metavar="CKPT", help="folder of a full model, or of a peft adapter"
    )
    parser.add_argument(
        "out", type=Path, metavar="DIR", help="folder to make; nothing is left there when a check fails"
    )
    parser.add_argument(
        "--dtype",
        choices=("bfloat16", "float16", "float32"),
        default="bfloat16",
        help="of the exported weights; an adapter's base is loaded in it (default: bfloat16)",
    )
    parser.add_argument(
        "--base",
        metavar="MODEL",
        help="folder or hub id with the base's 16-bit weights (default: as the adapter or the run's manifest "
        "says)",
    )
    parser.add_argument(
        "--report",
        type=Path,
        metavar="DIR",
        help="report.json of rote report, or a folder that holds it: its table goes into the card",
    )
    parser.add_argument(
        "--max-shard-gib",
        type=float,
        default=4.0,
        metavar="GIB",
        help="largest file of weights, in GiB (default: 4)",
    )
    parser.add_argument(
        "--push-to-hub", metavar="REPO", help="send the export to the Hugging Face hub, such as team/model"
    )
    parser.add_argument(
        "--public", action="store_true", help="with --push-to-hub: anybody may read it (default: private)"
    )
    parser.add_argument("--force", action="store_true", help="replace an earlier export in DIR")


def run(args: argparse.Namespace) -> int:
    from rote.errors import UsageError
    from rote.train.export import check_push, export, push

    if args.public and args.push_to_hub is None:
        raise UsageError("--public goes with --push-to-hub")
    if args.push_to_hub is not None:
        check_push(args.push_to_hub)  # before minutes of work
    done = export(
        args.checkpoint,
        args.out,
        dtype=args.dtype,
        base=args.base,
        report=args.report,
        max_shard_gib=args.max_shard_gib,
        force=args.force,
        tell=lambda line: print(line, file=sys.stderr, flush=True),
    )
    print(done.folder)
    if args.push_to_hub is not None:
        print(push(done.folder, args.push_to_hub, public=args.public))
    return 0
