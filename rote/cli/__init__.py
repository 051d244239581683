"""The command line: ``rote <command> …``.

Each command is a module of this package with ``HELP`` (one line), ``add_arguments(parser)`` and
``run(args) -> exit status``. The table below repeats their help so that ``rote --help`` imports none of
them (a test compares the two); a command's module is imported when it is the one asked for.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib
import os
import sys
from collections.abc import Sequence
from typing import Protocol, cast

from rote import __version__
from rote.errors import RoteError
from rote.hints import hint

COMMANDS: dict[str, str] = {
    "check": "lint templates: every gold re-derived, every draw possible, the English right",
    "sample": "print instances of templates as JSON lines",
    "templates": "GSM8K as templates: coverage by tier and reason, or one item in full",
    "extract": "grade responses: one JSON line for each line of a JSON-lines file",
    "eval": "evaluate a model: lm_eval with rote's tasks and models, samples logged",
    "sweep": "evaluate many models by a plan, here or on Ray; go on where it was stopped",
    "score": "score logged responses anew, without a model; writes logs of the same shape",
    "judge": "let a model judge logged responses that have no answer, once it passes an audit",
    "latency": "measure a model's time to first token, time per token and throughput",
    "export": "write a checkpoint as a model that lm-eval loads: merged, checked, with a card",
    "report": "turn lm-eval logs into a report of paired drops",
    "power": "the smallest drop that can be found, or the templates that takes; templates against variants",
    "compare": "compare two runs, paired on documents: changes, flips, errors, format",
    "gate": "may a candidate replace the baseline? exits 0 pass, 1 fail, 2 inconclusive, 3 or more error",
    "leaderboard": "build a static leaderboard from lm-eval logs, or check a submission",
    "train": "train by a recipe: pretraining, SFT, GRPO, RLOO or PPO, rewarded by the grader that evaluates",
    "demo": "evaluate two small transformers that come with rote and show what the instrument finds",
}

#: Commands whose last argument is a list that may stand before and after options.
INTERMIXED = frozenset({"train"})

EXIT_USAGE = 2
EXIT_INTERRUPTED = 130  # 128 + SIGINT, as shells report it
EXIT_BROKEN_PIPE = 141  # 128 + SIGPIPE


class Command(Protocol):
    """What a command's module offers."""

    HELP: str

    def add_arguments(self, parser: argparse.ArgumentParser) -> None: ...

    def run(self, args: argparse.Namespace) -> int: ...


def load(name: str) -> Command:
    """Import the module of a command that stands in ``COMMANDS``."""
    return cast(Command, importlib.import_module(f"rote.cli.{name}"))


def command_parser(name: str) -> argparse.ArgumentParser:
    """The complete parser of one command."""
    command = load(name)
    # No abbreviations: a prefix that works today becomes ambiguous with tomorrow's option.
    parser = argparse.ArgumentParser(prog=f"rote {name}", description=command.HELP, allow_abbrev=False)
    command.add_arguments(parser)
    return parser


def top_parser() -> argparse.ArgumentParser:
    """The parser of what stands before the command."""
    listing = "\n".join(f"  {name:<9} {line}" for name, line in COMMANDS.items())
    parser = argparse.ArgumentParser(
        prog="rote",
        usage="rote [-h] [--version] <command> …",
        description="Is it reasoning, or rote? Robustness of language models on maths word problems.",
        epilog=f"commands:\n{listing}\n\nrote <command> --help shows the options of a command.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"rote {__version__}")
    return parser


def unknown_command(name: str) -> str:
    """The message for a word that is no command, with the nearest command when one is near."""
    near = hint(name, COMMANDS, f" (there are: {', '.join(COMMANDS)})")
    return f"no command {name!r}{near}"


def run_command(name: str, argv: Sequence[str]) -> int:
    """Parse and run one command; errors raised on purpose become a message and an exit status."""
    try:
        parser = command_parser(name)
        # argparse reads a list of words after options only so; what takes all words unread must not be.
        parse = parser.parse_intermixed_args if name in INTERMIXED else parser.parse_args
        args = parse(argv)
        status = load(name).run(args)
        sys.stdout.flush()  # here, so that a closed pipe is met inside this try
    except RoteError as error:
        print(f"rote {name}: error: {error}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        print(f"rote {name}: interrupted", file=sys.stderr)
        return EXIT_INTERRUPTED
    except BrokenPipeError:
        # The reader (head, say) has left. Python would complain once more when it flushes at exit.
        with contextlib.suppress(OSError, ValueError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return EXIT_BROKEN_PIPE
    return status


def main(argv: Sequence[str] | None = None) -> int:
    """Run ``rote`` with these arguments (those of the process when None); returns the exit status.

    0 success; 1 what a command says of it (``rote check`` found something wrong); 2 a command line that
    cannot be read; 3 an error that the message on stderr explains; 130 interrupted; 141 closed pipe.
    """
    words = list(sys.argv[1:] if argv is None else argv)
    try:
        if not words:
            top_parser().print_help(sys.stderr)
            return EXIT_USAGE
        if words[0].startswith("-"):
            top_parser().parse_args(words)
            return EXIT_USAGE  # not reached: -h and --version leave, everything else is an error
        if words[0] not in COMMANDS:
            print(f"rote: error: {unknown_command(words[0])}", file=sys.stderr)
            return EXIT_USAGE
        return run_command(words[0], words[1:])
    except SystemExit as stop:  # argparse leaves by itself, after --help and after a bad command line
        if stop.code is None or isinstance(stop.code, int):
            return stop.code or 0
        print(stop.code, file=sys.stderr)  # what Python itself does with sys.exit("message")
        return 1
