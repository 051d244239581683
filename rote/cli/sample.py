"""``rote sample``: print instances as JSON lines."""

from __future__ import annotations

import argparse
import sys
from typing import Any

HELP = "print instances of templates as JSON lines"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add this command's options."""
    from rote.problem import VARIANTS

    parser.add_argument(
        "--source",
        default="bank",
        metavar="NAME|FOLDER",
        help="bank, gsm8k, apple (GSM-Symbolic's JSON format), or a folder of template files (default: bank)",
    )
    parser.add_argument(
        "--path",
        metavar="FOLDER",
        help="where the source's files are: GSM8K's *.jsonl, or the JSON templates of --source apple",
    )
    parser.add_argument(
        "--split",
        metavar="SPLIT",
        help="of GSM8K: test, train, test_socratic, train_socratic (default: test)",
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
    parser.add_argument(
        "--template", metavar="ID", help="of this template only, e.g. jam_jars, or gsm8k/test/17"
    )


def run(args: argparse.Namespace) -> int:
    """Print ``n`` instances, one JSON object a line."""
    import json

    from rote.errors import UsageError
    from rote.perturb.source import sample

    if args.n < 0:
        raise UsageError(f"-n must be 0 or more, got {args.n}")
    templates, prefix = _templates(args)
    only = None
    if args.template is not None:
        name = args.template if "/" in args.template else f"{prefix}/{args.template}"
        only = next((template for template in templates if template.id == name), None)
        if only is None:
            raise UsageError(f"no template {name!r} in source {prefix.split('/')[0]!r}")
    encode = json.JSONEncoder(ensure_ascii=False).encode
    for problem in sample(templates, args.variant, args.n, args.seed, only=only):
        sys.stdout.write(encode(problem.to_doc()) + "\n")
    return 0


def _templates(args: argparse.Namespace) -> tuple[tuple[Any, ...], str]:
    """The templates that the options name, and what stands before the last part of their ids."""
    from rote.errors import UsageError
    from rote.perturb.source import load_source, open_source

    if args.source == "gsm8k":
        from rote.perturb import gsm8k

        split = args.split or "test"
        items = gsm8k.load(split, args.path)
        return tuple(items.templates.values()), f"gsm8k/{split}"
    if args.split is not None:
        raise UsageError("--split goes with --source gsm8k")
    if args.source == "apple":
        from rote.perturb.apple import load_apple

        if args.path is None:
            raise UsageError("--source apple needs --path: the folder of the JSON templates")
        imported = load_apple(args.path)
        for rejection in imported.rejections:
            print(f"rote sample: left out: {rejection}", file=sys.stderr)
        return tuple(imported.templates.values()), imported.name
    source = open_source(args.source) if args.path is None else load_source(args.source, args.path)
    return tuple(source.templates.values()), source.name
