"""``rote gate``: may this candidate replace the baseline?"""

from __future__ import annotations

import argparse
import json
import math
import os
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NoReturn

HELP = "may a candidate replace the baseline? exits 0 pass, 1 fail, 2 inconclusive, 3 or more error"

#: Seconds that logs are waited for where nobody says, and between two looks at them.
WAIT = 3600.0
LOOK = 10.0

#: An error of rote's own: never the status of a failed gate, which a traceback's 1 would be.
EXIT_INTERNAL = 4


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add this command's options."""
    parser.error = _refuse  # type: ignore[method-assign]
    parser.add_argument(
        "--baseline", type=Path, required=True, metavar="FILE", help="the committed baseline (JSON)"
    )
    parser.add_argument(
        "--candidate", type=Path, nargs="+", metavar="LOGS", help="lm-eval logs of the candidate"
    )
    parser.add_argument("--candidate-model", metavar="NAME", help="which model, where the logs hold several")
    parser.add_argument("--policy", type=Path, metavar="FILE", help="checks, margins and tiers (YAML)")
    parser.add_argument(
        "--update-baseline",
        action="store_true",
        help="write the candidate's answers to the baseline file, and decide nothing",
    )
    parser.add_argument("--junit", type=Path, metavar="FILE", help="write JUnit XML here")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the outcome as JSON here")
    parser.add_argument(
        "--markdown", type=Path, metavar="FILE", help="write a comment for a pull request here"
    )
    live = parser.add_argument_group("stopping early")
    live.add_argument(
        "--live",
        action="store_true",
        help="evaluate --model now, templates in random order, until the policy is decided; or, with "
        "--candidate, wait for logs that are being made",
    )
    live.add_argument(
        "--wait",
        type=float,
        metavar="SECONDS",
        help="with --candidate: at most so long, until its logs hold every document (default: 3600)",
    )
    live.add_argument("--model", metavar="NAME", help="lm-eval's model")
    live.add_argument("--model_args", default="", metavar="KEY=VALUE,…", help="its arguments")
    live.add_argument("--tasks", metavar="NAME,…", help="default: the baseline's tasks")
    live.add_argument("--metadata", metavar="JSON", help="of the tasks, as for rote eval")
    live.add_argument("--batch", type=int, default=25, metavar="N", help="templates at a time (default: 25)")
    live.add_argument("--order", type=int, default=0, metavar="SEED", help="of the random order (default: 0)")


def _refuse(message: str) -> NoReturn:
    """argparse would leave with 2, which here means "inconclusive"."""
    from rote.errors import UsageError

    raise UsageError(f"{message} (rote gate --help shows the options)")


def run(args: argparse.Namespace) -> int:
    """Decide and report; an error of any kind is reported as one and never as a decision."""
    from rote.errors import RoteError

    try:
        return _run(args)
    except RoteError as error:
        _write_error(args, str(error), error.exit_code)
        raise
    except (KeyboardInterrupt, BrokenPipeError):
        raise
    except Exception as error:
        traceback.print_exc()
        _write_error(args, f"{type(error).__name__}: {error}", EXIT_INTERNAL)
        return EXIT_INTERNAL


def _run(args: argparse.Namespace) -> int:
    from rote.errors import UsageError
    from rote.reports import read_logs
    from rote.reports.gate import decide, from_runs, read_baseline, render_baseline
    from rote.reports.gate.baseline import SCHEMA
    from rote.reports.writing import check_target, write_whole

    _check(args)
    if args.update_baseline:
        check_target(args.baseline, (f'"schema": "{SCHEMA.split("/")[0]}/'.encode(),))
        runs = read_logs(args.candidate)
        made = from_runs(runs, args.candidate_model)
        if all(
            item.outcome == "x"
            for s in made.series
            for v in s.variants.values()
            for items in v.templates.values()
            for item in items.values()
        ):
            raise UsageError(f"every answer of {made.model} is invalid: that is no baseline")
        write_whole(render_baseline(made), args.baseline)
        _warn(runs.warnings)
        print(f"{args.baseline}: baseline of {made.model} written")
        return 0
    policy = _policy(args.policy)
    baseline = read_baseline(args.baseline)
    if args.live:
        outcome = _wait(args, baseline, policy) if args.candidate else _live(args, baseline, policy)
    else:
        runs = read_logs(args.candidate)
        _warn(runs.warnings)
        outcome = decide(baseline, from_runs(runs, args.candidate_model), policy, warnings=runs.warnings)
    _write(args, outcome)
    return int(outcome.exit_code)


def _warn(warnings: Sequence[str]) -> None:
    from rote.reports.gate.render import warning_lines

    encoding = sys.stderr.encoding or "utf-8"
    for line in warning_lines(warnings):
        print(line.encode(encoding, "replace").decode(encoding), file=sys.stderr)


def _check(args: argparse.Namespace) -> None:
    from rote.errors import UsageError

    if args.wait is not None and not (args.live and args.candidate):
        raise UsageError("--wait goes with --live and --candidate")
    if args.live and args.candidate:
        if args.model or args.tasks or args.model_args or args.metadata or args.update_baseline:
            raise UsageError(
                "--live waits for the logs of --candidate or evaluates --model: give one of them, without "
                "--update-baseline"
            )
        if args.wait is not None and not 0 <= args.wait < math.inf:
            raise UsageError(f"--wait must be 0 seconds or more, got {args.wait:g}")
    elif args.live:
        if args.update_baseline or args.candidate_model:
            raise UsageError(
                "--live evaluates the candidate itself: leave out --candidate-model and --update-baseline"
            )
        if not args.model:
            raise UsageError("--live needs --model, or --candidate with logs to wait for")
        if args.batch < 1:
            raise UsageError(f"--batch must be 1 or more, got {args.batch}")
    else:
        if not args.candidate:
            raise UsageError("--candidate LOGS is missing (or --live with --model)")
        if args.model or args.tasks or args.model_args or args.metadata:
            raise UsageError("--model, --model_args, --tasks and --metadata go with --live")
    if args.policy is None and not args.update_baseline:
        raise UsageError("--policy FILE is missing")


def _policy(path: Path) -> Any:
    import yaml

    from rote.errors import DataError
    from rote.reports.gate import parse_policy

    class Loader(yaml.SafeLoader):
        """Refuses a key that is there twice, of which YAML would keep the last."""

    def table(loader: Any, node: Any) -> Any:
        keys = [loader.construct_object(key) for key, _ in node.value]
        for key in keys:
            if keys.count(key) > 1:
                raise DataError("is there twice", path=path, field=str(key), line=node.start_mark.line + 1)
        return yaml.SafeLoader.construct_mapping(loader, node, deep=True)

    Loader.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, table)
    try:
        data = yaml.load(path.read_text(encoding="utf-8"), Loader)
    except OSError as error:
        raise DataError(f"cannot be read ({error.strerror})", path=path) from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise DataError(f"is no YAML: {error}", path=path) from error
    return parse_policy(data, str(path))


def _wait(args: argparse.Namespace, baseline: Any, policy: Any) -> Any:
    from rote.reports.gate import decide
    from rote.reports.gate.waiting import wait_for

    runs, candidate = wait_for(
        baseline,
        args.candidate,
        policy,
        model=args.candidate_model,
        seconds=WAIT if args.wait is None else args.wait,
        every=LOOK,
        say=lambda line: _warn([line]),
    )
    _warn(runs.warnings)
    return decide(baseline, candidate, policy, warnings=runs.warnings)


def _live(args: argparse.Namespace, baseline: Any, policy: Any) -> Any:
    from rote.errors import UsageError
    from rote.harness_ext.live import evaluate_in_batches
    from rote.reports.gate.live import LiveGate

    try:
        metadata = json.loads(args.metadata) if args.metadata else {}
    except ValueError as error:
        raise UsageError(f"--metadata is no JSON: {error}") from error
    if not isinstance(metadata, dict):
        raise UsageError(f"--metadata must be a JSON object, got {args.metadata!r}")
    gate = LiveGate(baseline, policy)
    tasks = [t.strip() for t in args.tasks.split(",") if t.strip()] if args.tasks else list(gate.tasks)
    for batch in evaluate_in_batches(
        args.model,
        args.model_args,
        tasks,
        templates=gate.templates,
        size=args.batch,
        order=args.order,
        metadata=metadata,
    ):
        gate.feed(batch.results, batch.samples)
        print(f"rote gate: {batch.done:,} of {batch.total:,} templates", file=sys.stderr, flush=True)
        if gate.decided:
            break
    return gate.outcome(f"{args.model} ({args.model_args})" if args.model_args else args.model)


def _write(args: argparse.Namespace, outcome: Any) -> None:
    from rote.reports.gate import render
    from rote.reports.writing import write_whole

    encoding = sys.stdout.encoding or "utf-8"
    print(render.render_text(outcome).encode(encoding, "replace").decode(encoding), end="")
    for path, make in (
        (args.junit, render.render_junit),
        (args.json, render.render_json),
        (args.markdown, render.render_markdown),
    ):
        if path is not None:
            write_whole(make(outcome), path)
    if summary := os.environ.get("GITHUB_STEP_SUMMARY"):
        with Path(summary).open("a", encoding="utf-8") as handle:
            handle.write(render.render_summary(outcome))
    if os.environ.get("GITHUB_ACTIONS") == "true":
        for line in render.workflow_commands(outcome):
            print(line)


def _write_error(args: argparse.Namespace, message: str, exit_code: int) -> None:
    """The same files, saying that no decision was made: a file of an earlier run must not be mistaken."""
    from rote.reports.compare.text import escape
    from rote.reports.gate import render
    from rote.reports.writing import write_whole

    told = f"## rote gate: ERROR\n\n{escape(message)}\n"
    for path, content in (
        (args.junit, render.error_junit(message)),
        (args.json, render.error_json(message, exit_code)),
        (args.markdown, f"{render.MARK}\n{told}"),
    ):
        if path is not None:
            write_whole(content, path)
    if summary := os.environ.get("GITHUB_STEP_SUMMARY"):
        with Path(summary).open("a", encoding="utf-8") as handle:
            handle.write(told)
    if os.environ.get("GITHUB_ACTIONS") == "true":
        print(render.error_annotation(message))
