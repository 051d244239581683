"""Train and export one organism, in a process of its own: what ``train.py`` starts."""

from __future__ import annotations

import argparse
import shutil
import sys
from pathlib import Path

from plan import plan, read_families
from train import HERE, RECIPES, is_trained, write_planted

from rote.cli import main as rote


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("work", type=Path)
    parser.add_argument("folder", help="<organism>-s<seed>")
    parser.add_argument("--scale", type=float, default=1.0)
    parser.add_argument("--seeds", nargs="*", type=int, default=[0, 1, 2])
    parser.add_argument("--changes", nargs="*", default=[])
    args = parser.parse_args()
    organisms = plan(read_families(HERE / "families.tsv"), args.seeds)
    organism = next(one for one in organisms if one.folder == args.folder)
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
    sys.exit(main())
