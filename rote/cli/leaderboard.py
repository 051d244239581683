"""``rote leaderboard``: lm-eval logs of many models -> a static site; or check a folder of logs for it."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

HELP = "build a static leaderboard from lm-eval logs, or check a submission"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    commands = parser.add_subparsers(
        dest="action", required=True, metavar="build|check", help="what to do; each has its own --help"
    )
    parser.epilog = (
        "`rote leaderboard build LOGS … --out FOLDER [--samples N] [--price P] [--skip-broken]` writes the "
        "site. "
        "`rote leaderboard check FOLDER [--against SITE]` exits 1 and lists every reason if it refuses."
    )
    build = commands.add_parser(
        "build", help="logs of any number of models -> a static site", allow_abbrev=False
    )
    build.add_argument(
        "logs", nargs="+", type=Path, metavar="LOGS", help="folder of lm-eval logs, searched recursively"
    )
    build.add_argument(
        "--out", type=Path, required=True, metavar="FOLDER", help="the site's folder, for example site"
    )
    build.add_argument(
        "--samples",
        type=int,
        default=40,
        metavar="N",
        help="pairs of texts that a page offers for each model and variant, flips first (default: 40)",
    )
    build.add_argument(
        "--price",
        type=float,
        metavar="PER_GPU_HOUR",
        help="price of a GPU hour in any unit, from which the cost of each model follows",
    )
    build.add_argument(
        "--skip-broken",
        action="store_true",
        help="leave out runs whose logs cannot be read, half-written ones say, and name them on stderr and "
        "on the page",
    )
    check = commands.add_parser(
        "check",
        help="may this folder of logs join? exits 1 and lists every reason if not",
        allow_abbrev=False,
    )
    check.add_argument("folder", type=Path, metavar="FOLDER", help="the submission: a folder of lm-eval logs")
    check.add_argument(
        "--against",
        type=Path,
        metavar="SITE",
        help="a leaderboard's folder or board.json: task versions and documents must be its own",
    )


def run(args: argparse.Namespace) -> int:
    return _check(args) if args.action == "check" else _build(args)


def _build(args: argparse.Namespace) -> int:
    from rote.reports.cost import check_price
    from rote.reports.leaderboard import build_board, write_site
    from rote.reports.leaderboard.site import check_target
    from rote.reports.reader import read_logs

    check_target(args.out)  # before minutes of reading
    check_price(args.price)
    runs = read_logs(args.logs, skip_broken=args.skip_broken)
    for warning in runs.warnings:
        if warning.startswith("Left out: "):
            encoding = sys.stderr.encoding or "utf-8"
            told = f"rote leaderboard: {warning}".encode(encoding, "replace").decode(encoding)
            print(told, file=sys.stderr)
    board = build_board(runs, price=args.price)
    index = write_site(board, args.out, samples=args.samples, downloads={"board.parquet": _parquet})
    print(f"{len(board.rows)} rows, {len(board.variants)} variants\n{index}")
    return 0


def _check(args: argparse.Namespace) -> int:
    from rote.reports.leaderboard import check_submission

    checked = check_submission(args.folder, against=args.against)
    if checked.reasons:
        print(f"refused, {len(checked.reasons)} reasons:" if len(checked.reasons) > 1 else "refused:")
        print("\n".join(f"- {reason}" for reason in checked.reasons))
        return 1
    print(f"accepted: {', '.join(checked.models)}; {checked.documents:,} answers")
    return 0


def _parquet(records: list[dict[str, Any]]) -> bytes:
    """pyarrow comes with `datasets`; the reports themselves do without it."""
    import importlib
    import io

    arrow = importlib.import_module("pyarrow")
    parquet = importlib.import_module("pyarrow.parquet")
    buffer = io.BytesIO()
    parquet.write_table(arrow.Table.from_pylist(records), buffer, compression="zstd")
    return buffer.getvalue()
