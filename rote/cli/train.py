"""``rote train``: a recipe to a checkpoint."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

HELP = "train by a recipe: pretraining, SFT, GRPO, RLOO or PPO, rewarded by the grader that evaluates"

# Those of rote.train.recipe.stages, once more: --help must work without pydantic.
_ALGORITHMS = ("pretrain", "sft", "grpo", "rloo", "ppo")
_TRACKERS = ("wandb", "trackio", "tensorboard")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add this command's options."""
    parser.add_argument(
        "algorithm",
        nargs="?",
        choices=_ALGORITHMS,
        help="run the recipe's stages up to the last one of this algorithm",
    )
    parser.add_argument("recipe", nargs="?", metavar="RECIPE", help="a shipped recipe's name, or a YAML file")
    parser.add_argument(
        "changes",
        nargs="*",
        metavar="key=value",
        help="changes to the recipe, with dots (model.path=…); a short key is one of the algorithm's stage "
        "(learning_rate=1e-6)",
    )
    parser.add_argument(
        "--out", type=Path, metavar="FOLDER", help="folder of the run (default: runs/<name of the recipe>)"
    )
    parser.add_argument("--resume", action="store_true", help="go on with the run that is in the folder")
    parser.add_argument(
        "--dry-run",
        action="store_true",
        help="say what would be done: rows, tokens, steps, memory; "
        "status 3 where it cannot run, 0 where it only needs a GPU that this machine lacks",
    )
    parser.add_argument(
        "--then-eval",
        action="store_true",
        help="export, evaluate before and after, and write the paired report",
    )
    parser.add_argument(
        "--grid",
        action="append",
        default=[],
        metavar="KEY=V,V",
        help="run every combination of these values, each in a folder of its own, and compare them",
    )
    parser.add_argument(
        "--track",
        action="append",
        default=[],
        choices=_TRACKERS,
        help="report to an experiment tracker, too (sft, grpo, rloo)",
    )
    parser.add_argument("--recipes", action="store_true", help="list the recipes that come with rote")
    parser.add_argument("--fields", action="store_true", help="list every field of a recipe with its unit")
    parser.add_argument("--one-stage", action="store_true", help=argparse.SUPPRESS)


def run(args: argparse.Namespace) -> int:
    """0 done; 3 an error; 130 stopped by a signal, to be gone on with by ``--resume``."""
    from rote.errors import UsageError

    if args.recipes or args.fields:
        return _tell(args)
    if args.algorithm is None or args.recipe is None:
        raise UsageError(
            "name an algorithm and a recipe, such as: rote train sft tiny (rote train --recipes lists them)"
        )
    for flag in ("dry_run", "then_eval", "one_stage"):
        if args.grid and getattr(args, flag):
            raise UsageError(f"--grid does not go with --{flag.replace('_', '-')}; give one of the two")
    from rote.train.recipe import find_recipe, read_recipe

    path = find_recipe(args.recipe)
    recipe = read_recipe(path, args.changes, args.algorithm)
    out = args.out if args.out is not None else Path("runs") / recipe.name
    if args.algorithm in ("pretrain", "ppo") and args.track:
        raise UsageError(
            f"--track goes with sft, grpo and rloo; {args.algorithm} writes log.jsonl and curves.png"
        )
    if args.grid:
        return _grid(args, out)
    if args.dry_run:
        from rote.train.dry_run import plan, text

        plans = plan(recipe, args.algorithm)
        print(text(recipe, plans))
        return 3 if any(each.faults for each in plans) else 0
    if recipe.model.engine == "unsloth" and not args.one_stage and len(recipe.until(args.algorithm)) > 1:
        return _stage_by_stage(args, out, len(recipe.until(args.algorithm)))
    from rote.train.pipeline import train

    outcome = train(
        recipe,
        args.algorithm,
        out,
        resume=args.resume,
        trackers=tuple(args.track),
        one_stage=args.one_stage,
    )
    if outcome.stopped:
        print(f"rote train: stopped; go on with --resume --out {out}", file=sys.stderr)
        return 130
    print(f"{outcome.final}")
    return _then_eval(recipe, outcome.base, outcome.final, out) if args.then_eval else 0


def _tell(args: argparse.Namespace) -> int:
    from rote.train.recipe import shipped
    from rote.train.recipe.describe import fields_text, recipes_text

    print(recipes_text(shipped()) if args.recipes else fields_text())
    return 0


def _tracking(trackers: list[str]) -> list[str]:
    return [word for tracker in trackers for word in ("--track", tracker)]


def _stage_by_stage(args: argparse.Namespace, out: Path, stages: int) -> int:
    """Each stage in a process of its own: Unsloth changes what it has loaded for good."""
    from rote.train.children import STOPPED, run_child

    for number in range(stages):
        line = [sys.executable, "-m", "rote", "train", args.algorithm, args.recipe, *args.changes]
        line += [*_tracking(args.track), "--out", str(out), "--one-stage"]
        if number or args.resume:
            line.append("--resume")
        ended = run_child(line)
        if ended.status or ended.stopped:
            return ended.status or STOPPED
    if args.then_eval:
        from rote.train.pipeline import final_of
        from rote.train.recipe import find_recipe, read_recipe

        recipe = read_recipe(find_recipe(args.recipe), args.changes, args.algorithm)
        base, final = final_of(recipe, args.algorithm, out)
        return _then_eval(recipe, base, final, out)
    return 0


def _then_eval(recipe: object, base: str, final: Path | None, out: Path) -> int:
    from typing import cast

    from rote.train.recipe import Recipe
    from rote.train.then_eval import clear, commands, export_command, run_all

    known = cast(Recipe, recipe)
    exported = out / "export"
    clear(out / "eval")
    evaluations = commands(known, base, str(exported), out / "eval")
    run_all([export_command(known, cast(Path, final), exported), *evaluations])
    print(f"{out / 'eval' / 'compare.html'}")
    return 0


def _grid(args: argparse.Namespace, out: Path) -> int:
    from rote.train.children import STOPPED
    from rote.train.grid import run_grid

    rows, stopped = run_grid(args.algorithm, args.recipe, args.changes, args.grid, out, _tracking(args.track))
    print(f"{out / 'grid.csv'}\n{out / 'grid.png'}")
    if stopped:
        print("rote train: stopped; the same command goes on with the grid", file=sys.stderr)
        return STOPPED
    return 3 if any(row["status"] for row in rows) else 0
