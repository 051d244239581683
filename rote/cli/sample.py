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
    parser.add_argument(
        "--noop",
        action="append",
        metavar="FACTOR=VALUE,…",
        help="of the variants with inert clauses only those that match, e.g. topic=off,magnitude=in_range; a "
        "factor that is named again may have the other value, too (factors: topic, role, magnitude, "
        "position, family)",
    )


def run(args: argparse.Namespace) -> int:
    """Print ``n`` instances, one JSON object a line; name what was passed over on stderr."""
    import json
    from itertools import islice

    from rote.errors import UsageError
    from rote.harness_ext.draws import by_reason, stream
    from rote.problem import VARIANTS

    if args.n < 0:
        raise UsageError(f"-n must be 0 or more, got {args.n}")
    if args.variant not in VARIANTS:
        raise UsageError(f"unknown variant {args.variant!r}; known: {', '.join(VARIANTS)}")
    selection = _selection(args)
    templates, prefix = _templates(args)
    if args.template is not None:
        name = args.template if "/" in args.template else f"{prefix}/{args.template}"
        templates = tuple(template for template in templates if template.id == name)
        if not templates:
            raise UsageError(f"no template {name!r} in source {prefix.split('/')[0]!r}")
    encode = json.JSONEncoder(ensure_ascii=False).encode
    skipped: dict[str, str] = {}
    printed = set()
    for problem in islice(stream(templates, args.variant, args.seed, selection, skipped), args.n):
        sys.stdout.write(encode(problem.to_doc()) + "\n")
        printed.add(problem.template_id)
    reasons = by_reason(skipped)
    if args.n and not printed:
        if args.template is not None:
            raise UsageError(f"{templates[0].id} has no {args.variant} to show: {reasons[0][0]}")
        told = "; ".join(f"{len(names):,}: {reason}" for reason, names in reasons)
        raise UsageError(
            f"no template of source {prefix.split('/')[0]!r} has {args.variant} to show ({told})"
        )
    if skipped:
        looked_at = len(skipped) + len(printed)
        print(f"rote sample: left out: {len(skipped):,} of {looked_at:,} templates", file=sys.stderr)
        for reason, names in reasons:
            print(f"rote sample: {reason}: {', '.join(names)}", file=sys.stderr)
    return 0


def _selection(args: argparse.Namespace) -> Any:
    """What ``--noop`` says, or None."""
    from rote.errors import UsageError
    from rote.perturb.noop import ATTACHED, Selection

    if args.noop is None:
        return None
    if args.variant not in ATTACHED:
        raise UsageError(f"--noop goes with --variant {', '.join(ATTACHED)}, got {args.variant!r}")
    chosen: dict[str, list[str]] = {}
    for part in ",".join(args.noop).split(","):
        factor, equals, value = part.strip().partition("=")
        if not (factor and equals and value):
            raise UsageError(f"--noop: {part!r} is not of the form factor=value, such as topic=off")
        chosen.setdefault(factor.strip(), []).append(value.strip())
    return Selection.parse(chosen, "--noop")


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
