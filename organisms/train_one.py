"""Train and export one organism, in a process of its own: what ``train.py`` starts."""

from __future__ import annotations

import argparse
import shutil
import signal
import sys
from pathlib import Path

from plan import SEEDS, plan
from sets import family_names
from train import RECIPES, is_trained, write_planted

from rote.cli import main as rote


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("work", type=Path, metavar="WORK", help="the folder that holds everything")
    parser.add_argument("folder", help="<organism>-s<seed>")
    parser.add_argument("--scale", type=float, default=1.0)
    parser.add_argument("--seeds", nargs="*", type=int, default=list(SEEDS))
    parser.add_argument("--changes", nargs="*", default=[])
    args = parser.parse_args()
    organisms = {one.folder: one for one in plan(family_names("train"), args.seeds)}
    if args.folder not in organisms:
        parser.error(f"no organism of the plan is named {args.folder}: {', '.join(sorted(organisms))}")
    organism = organisms[args.folder]
    run = args.work / "runs" / organism.folder
    if not is_trained(args.work, organism.folder):
        resume = ["--resume"] if (run / "manifest.json").is_file() else []
        recipe = str(RECIPES / f"{organism.recipe}.yaml")
        changes = [*organism.arguments(args.scale), *args.changes]
        status = rote(["train", "pretrain", recipe, *changes, "--out", str(run), *resume])
        if status or not is_trained(args.work, organism.folder):
            return status or 1
    target = args.work / "models" / organism.folder
    shutil.rmtree(target, ignore_errors=True)
    status = rote(["export", str(run / "pretrain" / "final"), str(target)])
    if not status:
        write_planted(args.work, organism)
    return status


if __name__ == "__main__":
    # An export that is ended takes its unfinished folder away; training has a handler of its own.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    sys.exit(main())
