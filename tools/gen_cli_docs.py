#!/usr/bin/env python3
"""Write docs/cli.md from the commands' own parsers (``--check``: only say whether it is current).

The page is made from the parsers' options and not from ``--help``, whose layout differs between versions
of Python.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from rote.cli import COMMANDS, command_parser

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "cli.md"
HEAD = """# The command line

*Written by `make docs` from the commands themselves; a test fails when this page is not current.*

`rote --help` lists the commands, `rote <command> --help` the options of one, `rote --version` prints the
version. `python -m rote` is the same program.

Exit status: 0 success; 1 what a command says of it; 2 a command line that cannot be read; 3 an error that
the message on stderr explains; 130 interrupted; 141 the reader of the output has gone.
"""


def cell(text: str) -> str:
    """Text for one cell of a Markdown table."""
    return " ".join(text.split()).replace("|", "\\|").replace("<", "&lt;")


def spelling(action: argparse.Action) -> str:
    """How an argument is written: ``--seed N``, ``FILE …``."""
    metavar = action.metavar
    if isinstance(metavar, tuple):
        metavar = " ".join(metavar)
    if action.choices is not None and metavar is None:
        metavar = "{" + ",".join(str(choice) for choice in action.choices) + "}"
    if metavar is None:
        metavar = action.dest.upper() if action.option_strings else action.dest
    value = "" if action.nargs == 0 else metavar
    if action.nargs in ("*", "+", argparse.REMAINDER) and not value.endswith("…"):
        value += " …"
    if action.nargs == "?" and action.option_strings:
        value = f"[{value}]"
    names = ", ".join(f"`{name} {value}`" if value else f"`{name}`" for name in action.option_strings)
    return names or f"`{value}`"


def meaning(action: argparse.Action, prog: str) -> str:
    """The help of an argument, with what argparse would fill in."""
    known = {**vars(action), "prog": prog}
    if isinstance(known.get("type"), type):
        known["type"] = known["type"].__name__
    text = (action.help or "") % known
    plain = action.default not in (None, False, argparse.SUPPRESS, [], "") and "default" not in text
    if plain and action.nargs != 0:
        text += f" (default: {action.default})"
    return text + (" **required**" if action.required and action.option_strings else "")


def section(name: str) -> str:
    parser = command_parser(name)
    actions = [
        action for action in parser._actions if action.help is not argparse.SUPPRESS and action.dest != "help"
    ]
    lines = [f"## rote {name}", "", (parser.description or "").strip(), ""]
    if actions:
        lines += ["| argument | meaning |", "|---|---|"]
        lines += [
            f"| {spelling(action).replace('|', chr(92) + '|')} | {cell(meaning(action, parser.prog))} |"
            for action in actions
        ]
    if parser.epilog:
        lines += ["", parser.epilog.strip()]
    return "\n".join(lines).rstrip() + "\n"


def page() -> str:
    """The whole page."""
    table = "\n".join(f"| [`rote {name}`](#rote-{name}) | {cell(line)} |" for name, line in COMMANDS.items())
    parts = [HEAD, f"| command | what it does |\n|---|---|\n{table}\n", *(section(name) for name in COMMANDS)]
    return "\n".join(parts)


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Write docs/cli.md from the commands' parsers.")
    parser.add_argument("--check", action="store_true", help="write nothing; status 1 when not current")
    args = parser.parse_args(argv)
    text = page()
    current = PAGE.exists() and PAGE.read_text(encoding="utf-8") == text
    if args.check and not current:
        print(f"{PAGE.relative_to(ROOT)} is not current: run make docs", file=sys.stderr)
        return 1
    if not current:
        temporary = PAGE.with_suffix(".md.new")
        temporary.write_text(text, encoding="utf-8", newline="\n")
        temporary.replace(PAGE)
    return 0


if __name__ == "__main__":
    sys.exit(main())
