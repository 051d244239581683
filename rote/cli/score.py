"""``rote score``: score logged responses anew, without a model."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

HELP = "score logged responses anew, without a model; writes logs of the same shape"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "logs",
        nargs="+",
        type=Path,
        metavar="LOGS",
        help="folders or files that lm_eval 0.4.5 to 0.4.13 wrote, with samples",
    )
    parser.add_argument(
        "--out", type=Path, required=True, metavar="DIR", help="new or empty folder for the logs to write"
    )
    parser.add_argument(
        "--format", metavar="NAME", help="format of the answers (default: each task's own, else hash)"
    )
    parser.add_argument(
        "--tasks", default="", metavar="PATTERN,…", help="score these tasks only and leave the others out"
    )
    parser.add_argument("--jobs", type=int, default=1, metavar="N", help="processes (default: 1)")


def run(args: argparse.Namespace) -> int:
    """Score and write; prints each task's accuracy before and after."""
    from tqdm import tqdm

    from rote.harness_ext.rescore import Log, rescore
    from rote.logs.files import find_runs, read_results

    logs = [
        Log(found.results, read_results(found.results), tuple((task, path) for path, task in found.samples))
        for found in find_runs(args.logs)
    ]
    patterns = [word.strip() for word in args.tasks.split(",") if word.strip()]
    with tqdm(unit=" samples", disable=None) as bar:

        def progress(done: int, total: int) -> None:
            bar.total = total
            bar.update(done - bar.n)

        done = rescore(logs, args.out, format=args.format, tasks=patterns, jobs=args.jobs, progress=progress)
    for remark in done.remarks:
        print(f"rote score: {remark}", file=sys.stderr)
    for task, metric, before, after in done.tables:
        print(f"{task} {metric}: {_shown(before)} -> {_shown(after)}")
    print(f"{done.documents:,} documents scored; logs in {args.out}")
    return 0


def _shown(value: object) -> str:
    """A former or new value: a number, several of different filters, or none."""
    if isinstance(value, list):
        return " | ".join(map(_shown, value))
    return f"{value:.4f}" if isinstance(value, (int, float)) else "–"
