"""``rote report``: lm-eval logs -> a report."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

HELP = "turn lm-eval logs into a report of paired drops"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "results",
        nargs="+",
        type=Path,
        metavar="RESULTS",
        help="folder of lm-eval logs (searched recursively), or single log files; several models are "
        "reported side by side",
    )
    parser.add_argument(
        "--out",
        type=Path,
        metavar="FILE",
        help="write the report here (.html, .md or .json); without it only the table is printed",
    )
    parser.add_argument(
        "--format", choices=("html", "md", "json"), help="format of --out (default: from its suffix)"
    )
    parser.add_argument(
        "--unpaired",
        action="store_true",
        help="report accuracies without a drop where originals or variants are missing altogether",
    )
    parser.add_argument(
        "--reference",
        action="append",
        default=[],
        metavar="MODEL",
        help="name of a model that cannot have seen the originals; drops on numbers are compared with its "
        "(may be given several times)",
    )
    parser.add_argument(
        "--price",
        type=float,
        metavar="PER_GPU_HOUR",
        help="price of a GPU hour in any unit, from which the cost of each model follows",
    )
    parser.add_argument(
        "--force", action="store_true", help="replace an existing FILE even if it is not a report of rote"
    )


def run(args: argparse.Namespace) -> int:
    from rote.errors import UsageError
    from rote.reports import build_report, read_logs, render_text, write_report
    from rote.reports.cost import check_price
    from rote.reports.output import check_target, format_of

    out: Path | None = args.out
    if out is None and args.format is not None:
        raise UsageError("--format says how to write --out FILE; name one")
    if out is not None:  # before minutes of reading
        format_of(out, args.format)
        check_target(out, force=args.force)
    check_price(args.price)
    report = build_report(
        read_logs(args.results), unpaired=args.unpaired, references=args.reference, price=args.price
    )
    encoding = sys.stdout.encoding or "utf-8"
    print(render_text(report).encode(encoding, "replace").decode(encoding), end="")
    if out is not None:
        print(f"\n{write_report(report, out, format=args.format, force=args.force)}")
    return 0
