"""``rote extract``: grade responses, one JSON line for each line of a JSON-lines file."""

from __future__ import annotations

import argparse
import sys
from contextlib import nullcontext
from pathlib import Path

HELP = "grade responses: one JSON line for each line of a JSON-lines file"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The file to read."""
    parser.add_argument(
        "file",
        metavar="FILE.jsonl",
        help="one JSON object a line, with the fields 'response' and 'gold'; - reads standard input",
    )


def run(args: argparse.Namespace) -> int:
    """Print value, correct, stage and reason of each response; returns 0."""
    import json

    from rote.answers import grade_lines
    from rote.errors import DataError

    name: str = args.file
    try:
        with nullcontext(sys.stdin.buffer) if name == "-" else Path(name).open("rb") as lines:
            for verdict in grade_lines(lines, "<stdin>" if name == "-" else name):
                print(json.dumps(verdict))
    except BrokenPipeError:
        raise
    except OSError as error:
        raise DataError(f"cannot be read: {error.strerror or error}", path=name) from None
    return 0
