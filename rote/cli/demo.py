"""``rote demo``: planted models, evaluated and reported."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

HELP = "evaluate four planted models and show what the instrument finds"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--out",
        type=Path,
        default=Path("demo-out"),
        metavar="FOLDER",
        help="folder for the logs and report.html (default: demo-out)",
    )
    parser.add_argument("--force", action="store_true", help="replace an earlier demonstration in FOLDER")


def run(args: argparse.Namespace) -> int:
    from rote.harness_ext.demo import REPORT, RESULTS, evaluate_planted, replaced_folder
    from rote.reports import build_report, read_logs, render_text, write_report

    out: Path = args.out
    with replaced_folder(out, force=args.force) as folder:
        evaluate_planted(folder / RESULTS, lambda line: print(line, file=sys.stderr, flush=True))
    report = build_report(read_logs(out / RESULTS))
    encoding = sys.stdout.encoding or "utf-8"
    print(render_text(report).encode(encoding, "replace").decode(encoding), end="")
    print(f"\n{write_report(report, out / REPORT)}")
    return 0
