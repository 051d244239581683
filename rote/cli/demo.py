"""``rote demo``: models whose behaviour is known, evaluated and reported."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

HELP = "evaluate two small transformers that come with rote and show what the instrument finds"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--out",
        type=Path,
        default=Path("demo-out"),
        metavar="FOLDER",
        help="folder for the logs and report.html (default: demo-out)",
    )
    parser.add_argument("--force", action="store_true", help="replace an earlier demonstration in FOLDER")
    parser.add_argument(
        "--planted",
        action="store_true",
        help="evaluate four planted models instead, which compute their answers and need no torch",
    )


def run(args: argparse.Namespace) -> int:
    from rote.harness_ext.demo import RESULTS, replaced_folder

    closing: list[str] = []
    if args.planted:
        from rote.harness_ext.demo import evaluate_planted

        with replaced_folder(args.out, force=args.force) as folder:
            evaluate_planted(folder / RESULTS, _progress)
    else:
        from rote.harness_ext.demo_organisms import ABOUT, check_backend, evaluate_organisms, shipped

        organisms = shipped()
        check_backend()
        with replaced_folder(args.out, force=args.force) as folder:
            evaluate_organisms(organisms, folder, _progress)
        closing += ["What was planted", "", ABOUT]
        for organism in organisms:
            closing += [f"{organism.label} {organism.planted}.", f"  {organism.card}"]
    _show(args.out, closing)
    return 0


def _progress(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def _show(out: Path, closing: list[str]) -> None:
    """The table, the verdicts, the closing lines, and the path of the report, which is written here."""
    from rote.harness_ext.demo import REPORT, RESULTS
    from rote.reports import build_report, read_logs, render_text, write_report

    report = build_report(read_logs(out / RESULTS))
    text = render_text(report) + "".join(f"{line}\n" for line in (["", *closing] if closing else []))
    encoding = sys.stdout.encoding or "utf-8"
    print(text.encode(encoding, "replace").decode(encoding), end="")
    print(f"\n{write_report(report, out / REPORT)}")
