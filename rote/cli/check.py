"""``rote check``: lint templates."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

HELP = "lint templates: every gold re-derived, every draw possible, the English right"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add this command's options."""
    parser.add_argument(
        "templates",
        nargs="*",
        metavar="TEMPLATE",
        help="template files, folders of them, or ids of the bank (default: the whole bank)",
    )
    parser.add_argument(
        "--draws", type=int, default=1000, metavar="N", help="instances of each variant (default: 1000)"
    )
    parser.add_argument("--jobs", type=int, default=None, metavar="N", help="processes (default: one a core)")
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of lines")


def run(args: argparse.Namespace) -> int:
    """Print what is wrong, where; 1 when anything is."""
    from rote.errors import UsageError
    from rote.perturb.check import Checked, check_files
    from rote.perturb.source import template_files

    for option in ("draws", "jobs"):
        value = getattr(args, option)
        if value is not None and value < 1:
            raise UsageError(f"--{option} must be 1 or more, got {value}")
    files = template_files(args.templates)
    show = sys.stderr.isatty() and not args.json
    count = 0

    def progress(done: Checked) -> None:
        nonlocal count
        count += 1
        if show:
            print(f"\r\x1b[K{count}/{len(files)} {done.template}", end="", file=sys.stderr, flush=True)

    summary = check_files([Path(f) for f in files], draws=args.draws, jobs=args.jobs, progress=progress)
    if show:
        print("\r\x1b[K", end="", file=sys.stderr)
    if args.json:
        findings = [
            {"template": f.template, "instance": f.instance, "rule": f.rule, "message": f.message}
            for f in summary.findings
        ]
        record = {
            "templates": summary.templates,
            "instances": summary.instances,
            "findings": findings,
            "ks": summary.magnitude_distance,
        }
        print(json.dumps(record, ensure_ascii=False, indent=2))
    else:
        for finding in summary.findings:
            print(finding)
        verdict = _counted(len(summary.findings), "finding") if summary.findings else "nothing wrong"
        distance = (
            ""
            if summary.magnitude_distance is None
            else f", K-S distance of integers {summary.magnitude_distance:.3f}"
        )
        counts = f"{_counted(summary.templates, 'template')}, {_counted(summary.instances, 'instance')}"
        print(f"{counts}{distance}: {verdict}")
    return 1 if summary.findings else 0


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"
