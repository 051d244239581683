"""``rote sample``: print instances as JSON lines."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

#: Rows of a shard where nobody says: close to 20 MB of Parquet.
ROWS = 100_000

#: Rows that a worker hands over at a time where instances are printed.
CHUNK = 2000

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
        "-n",
        type=_whole,
        default=5,
        metavar="N",
        help="instances: one of each template in turn; may be written 10_000_000 (default: 5)",
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
    many = parser.add_argument_group("large sets")
    many.add_argument(
        "--workers",
        type=_workers,
        metavar="ray|processes|N",
        help="who makes them: Ray, one process a core, or N processes; the bytes are the same whoever does "
        "(default: 1, this process alone)",
    )
    many.add_argument(
        "--address",
        metavar="ADDRESS",
        help="of the Ray cluster (auto: the one around this process); without it --workers ray starts one on "
        "this machine",
    )
    many.add_argument(
        "--out",
        metavar="FOLDER",
        help="write shards and a manifest here instead of printing; the same command goes on where a run was "
        "stopped",
    )
    many.add_argument(
        "--format", metavar="NAME", help="of the shards: parquet or jsonl (default: parquet; with --out)"
    )
    many.add_argument(
        "--rows-per-shard",
        type=_whole,
        metavar="N",
        help=f"instances in each file (default: {ROWS:_}; with --out)",
    )


def _whole(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"must be a whole number, such as 10_000_000, got {text!r}"
        ) from None


def _workers(text: str) -> str | int:
    return text if text in ("ray", "processes") else _whole(text)


def run(args: argparse.Namespace) -> int:
    """Print or write ``n`` instances; name what was passed over on stderr."""
    from rote.harness_ext.generation.wanted import Wanted
    from rote.harness_ext.generation.workers import workers_of

    args.workers = workers_of(args.workers, args.address)
    _check(args)
    selection = _selection(args)
    wanted = Wanted(args.source, args.path, args.split, args.template, args.variant, args.seed)
    opened = wanted.open()
    for remark in opened.remarks:
        print(f"rote sample: {remark}", file=sys.stderr)
    if args.out is None and args.workers == 1:
        return _print_one_by_one(args, opened, selection)
    return _in_shards(args, wanted, opened)


def _check(args: argparse.Namespace) -> None:
    from rote.errors import UsageError
    from rote.harness_ext.generation.formats import check_format

    if args.n < 0:
        raise UsageError(f"-n must be 0 or more, got {args.n}")
    if args.out is None:
        for option, value in (("--format", args.format), ("--rows-per-shard", args.rows_per_shard)):
            if value is not None:
                raise UsageError(f"{option} goes with --out FOLDER; without it JSON lines are printed")
    else:
        check_format(args.format or "parquet")
        if args.rows_per_shard is not None and args.rows_per_shard < 1:
            raise UsageError(f"--rows-per-shard must be 1 or more, got {args.rows_per_shard}")
        if args.n < 1:
            raise UsageError(f"--out: -n must be 1 or more, got {args.n}")
    if args.noop is not None and (args.out is not None or args.workers != 1):
        raise UsageError(
            "--noop: which instances match is found one after another; it goes with one worker and without "
            "--out (print JSON lines into a file)"
        )


def _print_one_by_one(args: argparse.Namespace, opened: Any, selection: Any) -> int:
    from itertools import islice

    from rote.harness_ext.draws import stream
    from rote.harness_ext.generation.sequence import line

    skipped: dict[str, str] = {}
    printed = set()
    templates = tuple(opened.templates.values())
    for problem in islice(stream(templates, args.variant, args.seed, selection, skipped), args.n):
        sys.stdout.write(line(problem))
        printed.add(problem.template_id)
    _tell_skipped(args, opened, skipped, len(printed))
    return 0


def _in_shards(args: argparse.Namespace, wanted: Any, opened: Any) -> int:
    """The same instances, made by shards in one process or several."""
    from rote.harness_ext.generation.sequence import sequence_of
    from rote.harness_ext.generation.workers import executor_of

    def say(remark: str) -> None:
        print(f"rote sample: {remark}", file=sys.stderr, flush=True)

    skipped: dict[str, str] = {}
    instances = sequence_of(wanted, opened, args.n, skipped)
    if args.n and not instances.ids:
        _tell_skipped(args, opened, skipped, 0)
    with executor_of(args.workers, args.address, say) as executor:
        (_print_all if args.out is None else _write_all)(args, instances, executor)
    _tell_skipped(args, opened, skipped, len(instances.ids))
    return 0


def _print_all(args: argparse.Namespace, instances: Any, executor: Any) -> None:
    from rote.harness_ext.generation.progress import Progress
    from rote.harness_ext.generation.sequence import Lines

    with Progress(instances.count) as progress:
        for number, lines in enumerate(executor.map(Lines(instances, CHUNK), range(instances.shards(CHUNK)))):
            _put(lines)
            progress.add(min(CHUNK, instances.count - number * CHUNK))


def _write_all(args: argparse.Namespace, instances: Any, executor: Any) -> None:
    from rote.harness_ext.generation.folder import write_folder
    from rote.harness_ext.generation.progress import Progress

    made = there = 0
    out, size = Path(args.out), args.rows_per_shard or ROWS
    with Progress(instances.count) as progress:
        for shard in write_folder(instances, out, executor, format=args.format or "parquet", size=size):
            progress.add(shard.rows, made=shard.made)
            made, there = made + shard.made, there + (not shard.made)
    print(f"{out}: {instances.count:,} instances in {made + there:,} files ({there:,} were there)")


def _put(lines: bytes) -> None:
    """Write UTF-8 to stdout: as it is where stdout would make the same bytes of the text."""
    codec = (sys.stdout.encoding or "").lower().replace("-", "")
    buffer = getattr(sys.stdout, "buffer", None)
    if buffer is None or codec != "utf8" or os.linesep != "\n":
        sys.stdout.write(lines.decode("utf-8"))
        return
    sys.stdout.flush()
    buffer.write(lines)


def _tell_skipped(args: argparse.Namespace, opened: Any, skipped: Mapping[str, str], drawn: int) -> None:
    """Name the templates left out on stderr; UsageError where instances were asked for and there is none."""
    from rote.errors import UsageError
    from rote.harness_ext.draws import by_reason

    reasons = by_reason(skipped)
    if args.n and not drawn:
        if args.template is not None:
            [name] = opened.templates
            raise UsageError(f"{name} has no {args.variant} to show: {reasons[0][0]}")
        told = "; ".join(f"{len(names):,}: {reason}" for reason, names in reasons)
        raise UsageError(f"no template of source {opened.source!r} has {args.variant} to show ({told})")
    if skipped:
        print(
            f"rote sample: left out: {len(skipped):,} of {len(skipped) + drawn:,} templates", file=sys.stderr
        )
        for reason, names in reasons:
            print(f"rote sample: {reason}: {', '.join(names)}", file=sys.stderr)


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
