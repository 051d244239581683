"""``rote compare``: two runs against each other, document by document."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

HELP = "compare two runs, paired on documents: changes, flips, errors, format"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add this command's options."""
    parser.add_argument("before", type=Path, metavar="A", help="lm-eval logs of the first run")
    parser.add_argument("after", type=Path, metavar="B", help="lm-eval logs of the second run")
    parser.add_argument(
        "--before-model", metavar="NAME", help="which model of A, where its logs hold several"
    )
    parser.add_argument("--after-model", metavar="NAME", help="which model of B, likewise")
    parser.add_argument(
        "--out", type=Path, metavar="FILE", help="write the comparison here, too (.html, .md or .json)"
    )
    parser.add_argument(
        "--flips", type=int, default=20, metavar="N", help="flips to show with their texts (default: 20)"
    )
    parser.add_argument("--force", action="store_true", help="replace FILE even if rote did not write it")


def run(args: argparse.Namespace) -> int:
    """Print the comparison, and write it where asked."""
    from rote.errors import UsageError
    from rote.reports import read_logs
    from rote.reports.compare import build_comparison
    from rote.reports.compare.output import check_target, write_comparison
    from rote.reports.compare.text import render_text
    from rote.reports.writing import format_of

    if args.flips < 0:
        raise UsageError(f"--flips must be 0 or more, got {args.flips}")
    out: Path | None = args.out
    if out is not None:  # before minutes of reading
        format_of(out)
        check_target(out, force=args.force)
    comparison = build_comparison(
        read_logs(args.before),
        read_logs(args.after),
        before_model=args.before_model,
        after_model=args.after_model,
        flips=args.flips,
    )
    encoding = sys.stdout.encoding or "utf-8"
    print(render_text(comparison, flips=args.flips).encode(encoding, "replace").decode(encoding), end="")
    if out is not None:
        print(f"\n{write_comparison(comparison, out, force=args.force)}")
    return 0
