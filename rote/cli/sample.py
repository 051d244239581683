"""``rote sample``: print instances as JSON lines."""

from __future__ import annotations

import argparse
import sys

HELP = "print instances of templates as JSON lines"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add this command's options."""
    from rote.problem import VARIANTS

    parser.add_argument(
        "--source",
        default="bank",
        metavar="NAME|FOLDER",
        help="bank, or a folder of template files (default: bank)",
    )
    parser.add_argument(
        "--variant", default="symbolic", metavar="VARIANT", help=f"{', '.join(VARIANTS)} (default: symbolic)"
    )
    parser.add_argument(
        "-n", type=int, default=5, metavar="N", help="instances: one of each template in turn (default: 5)"
    )
    parser.add_argument(
        "--seed", type=int, default=0, metavar="SEED", help="another seed, other draws (default: 0)"
    )
    parser.add_argument("--template", metavar="ID", help="of this template only, e.g. jam_jars")


def run(args: argparse.Namespace) -> int:
    """Print ``n`` instances, one JSON object a line."""
    import json

    from rote.errors import UsageError
    from rote.perturb.source import open_source, sample

    if args.n < 0:
        raise UsageError(f"-n must be 0 or more, got {args.n}")
    source = open_source(args.source)
    only = None
    if args.template is not None:
        name = args.template if "/" in args.template else f"{source.name}/{args.template}"
        only = source.template(name)
    encode = json.JSONEncoder(ensure_ascii=False).encode
    for problem in sample(source, args.variant, args.n, args.seed, only=only):
        sys.stdout.write(encode(problem.to_doc()) + "\n")
    return 0
