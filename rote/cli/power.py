"""``rote power``: how large a drop can be found, or how many templates that takes."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

HELP = "the smallest drop that can be found, or the templates that takes; templates against variants"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add this command's options."""
    parser.add_argument(
        "--pilot",
        type=Path,
        nargs="+",
        metavar="RESULTS",
        help="lm-eval logs of a pilot, in place of assumptions",
    )
    parser.add_argument("--model", metavar="NAME", help="which model of the pilot, where it holds several")
    parser.add_argument("--variant", default="numbers", help="which variant of the pilot")
    parser.add_argument("--accuracy", type=float, metavar="P", help="accuracy to assume, between 0 and 1")
    parser.add_argument(
        "--difficulty",
        type=float,
        metavar="SD",
        help="with --accuracy: how much templates differ, standard deviation of their logits "
        "(default: 2; 0: all alike, the hard case)",
    )
    parser.add_argument(
        "--tau",
        type=float,
        metavar="SD",
        help="with --accuracy: how much the drop differs from template to template (default: 0)",
    )
    parser.add_argument("--templates", type=int, metavar="G", help="templates that there are")
    parser.add_argument("--variants", type=int, default=3, metavar="K", help="variants of each template")
    parser.add_argument(
        "--drop", type=float, metavar="POINTS", help="say how many templates it takes to find this drop"
    )
    parser.add_argument(
        "--budget",
        type=int,
        metavar="N",
        help="say how to spend N problems, an original and K variants a template; --templates is the limit",
    )
    parser.add_argument("--power", type=float, default=0.8, help="chance that the drop is found")
    parser.add_argument("--level", type=float, default=0.95, help="confidence level of the interval")


def run(args: argparse.Namespace) -> int:
    """Print the answers to what was asked, one a line."""
    from rote.errors import UsageError
    from rote.reports.inference import power as p

    if args.drop is None and args.budget is None and args.templates is None:
        raise UsageError("nothing asked: give --templates G, --drop POINTS or --budget N")
    if args.variants < 1:
        raise UsageError(f"--variants must be at least 1, got {args.variants}")
    if not 0 < args.level < 1:
        raise UsageError(f"--level must lie strictly between 0 and 1, got {args.level:g}")
    if args.drop is not None and not 0 < args.drop <= 100:
        raise UsageError(f"--drop is in points, above 0 and at most 100; got {args.drop:g}")
    design, source = _design(args)
    alpha = 1 - args.level
    k = args.variants
    print(f"From {source}: Var(D) = {design.tau2 + design.original:.4f} + {design.variant:.4f} / K.")
    if args.templates is not None:
        error = p.standard_error(design, args.templates, k)
        drop = p.detectable(design, args.templates, k, power=args.power, alpha=alpha)
        print(
            f"{args.templates:,} templates, {k} variants each: standard error {100 * error:.2f} points; "
            f"a drop of {100 * drop:.1f} points is found {100 * args.power:g} times in 100."
        )
    if args.drop is not None:
        needed = p.templates_needed(design, args.drop / 100, k, power=args.power, alpha=alpha)
        many = "more than a million" if needed is None else f"{needed:,}"
        print(f"A drop of {args.drop:g} points takes {many} templates of {k} variants.")
    if args.budget is not None:
        most = p.MOST_TEMPLATES if args.templates is None else args.templates
        choices = p.best_choices(design, args.budget, most_templates=most, power=args.power, alpha=alpha)
        if not choices:
            raise UsageError(f"--budget {args.budget} pays for no 2 of at most {most:,} templates")
        print(f"With {args.budget:,} problems, best first:")
        print("  templates  variants  problems  drop found, points")
        shown = choices[:5] + [c for c in choices[5:] if c.k in (10, 50)]
        for c in shown:
            print(f"  {c.templates:>9,}  {c.k:>8}  {c.problems:>8,}  {100 * c.detectable:>18.1f}")
        best = choices[0]
        print(f"Spend on {best.templates:,} templates with {best.k} variants each.")
    return 0


def _design(args: argparse.Namespace) -> tuple[Any, str]:
    """The parts of the variance, and where they come from in words."""
    from rote.errors import UsageError
    from rote.reports.inference import power as p

    if (args.pilot is None) == (args.accuracy is None):
        raise UsageError("give either --pilot RESULTS or --accuracy P")
    if args.pilot is None:
        if args.model is not None:
            raise UsageError("--model names a model of --pilot; there is none")
        difficulty = p.DIFFICULTY if args.difficulty is None else args.difficulty
        tau = 0.0 if args.tau is None else args.tau
        return (
            p.assumed(args.accuracy, tau, difficulty),
            f"accuracy {args.accuracy:g}, templates differing by {difficulty:g} in logits, drops by {tau:g}",
        )
    if args.difficulty is not None or args.tau is not None:
        raise UsageError("--difficulty and --tau are assumptions; a --pilot tells them itself")
    from rote.reports import read_logs
    from rote.reports.inference.pilot import pilot_of

    name, originals, variants = pilot_of(read_logs(args.pilot), args.variant, args.model)
    return p.from_pilot(originals, variants), f"{len(originals):,} templates of {name}, {args.variant}"
