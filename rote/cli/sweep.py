"""``rote sweep``: many models × task sets × seeds × formats by a plan, here or on Ray."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from rote.errors import UsageError

HELP = "evaluate many models by a plan, here or on Ray; go on where it was stopped"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.epilog = (
        "Exit status: 0 when all logs of the plan are there, 1 when a job failed. What is there is not run "
        "again: a plan can be stopped at any point and started anew."
    )
    parser.add_argument(
        "plan", type=Path, metavar="PLAN.yaml", help="models, tasks, seeds, formats, and where results go"
    )
    parser.add_argument("--dry-run", action="store_true", help="print the jobs as a table and run none")
    parser.add_argument(
        "--ray", action="store_true", help="run jobs on a Ray of this machine, as many at once as have room"
    )
    parser.add_argument(
        "--address",
        metavar="ADDRESS",
        help="run jobs on this Ray cluster (auto: the one around this process)",
    )
    parser.add_argument(
        "--once", action="store_true", help="look at watched folders once, not until interrupted"
    )
    parser.add_argument(
        "--poll",
        type=float,
        default=30.0,
        metavar="SECONDS",
        help="between two looks at watched folders (default: 30)",
    )


def run(args: argparse.Namespace) -> int:
    """Run the plan; prints the table of what became of its jobs."""
    from tqdm import tqdm

    from rote.harness_ext.sweeps import drive
    from rote.harness_ext.sweeps.reading import read_plan
    from rote.harness_ext.sweeps.table import FAILED, ending

    if not args.poll > 0:
        raise UsageError(f"--poll must be above 0 seconds, got {args.poll:g}")

    def say(line: str) -> None:
        tqdm.write(f"rote sweep: {line}", file=sys.stderr)

    sweep = drive.prepare(read_plan(args.plan), args.plan, say)
    if args.dry_run:
        print("\n".join(drive.dry_run(sweep)))
        return 0
    settings = drive.Settings(
        ray=args.ray or args.address is not None,
        address=args.address,
        once=args.once,
        poll=args.poll,
        lines=not sys.stderr.isatty(),
    )
    try:
        with tqdm(total=0, unit=" jobs", disable=None) as bar:
            drive.run(sweep, settings, bar)
    finally:
        if sweep.rows:
            print("\n".join(ending(list(sweep.rows.values()))))
            print(f"logs: {sweep.store.url}", flush=True)
    return 1 if any(row.state == FAILED for row in sweep.rows.values()) else 0
