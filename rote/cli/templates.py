"""``rote templates``: what became of GSM8K's items, and one of them in full."""

from __future__ import annotations

import argparse
import sys
from typing import Any

HELP = "GSM8K as templates: coverage by tier and reason, or one item in full"

#: Columns of running text.
WIDTH = 100


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add this command's options."""
    parser.add_argument("what", choices=("gsm8k", "show"), help="gsm8k: coverage of a split; show: one item")
    parser.add_argument("id", nargs="?", metavar="ID", help="with show: the item, e.g. gsm8k/test/17")
    parser.add_argument(
        "--split",
        metavar="SPLIT",
        help="test, train, test_socratic or train_socratic (default: test; show takes it from the id)",
    )
    parser.add_argument(
        "--path",
        metavar="FOLDER",
        help="folder of GSM8K's .jsonl files (default: the environment's ROTE_GSM8K)",
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of a table")


def run(args: argparse.Namespace) -> int:
    """Print the coverage of a split, or an item."""
    import json

    from rote.errors import UsageError
    from rote.perturb.gsm8k import load
    from rote.perturb.gsm8k.coverage import coverage, find, split_of
    from rote.perturb.gsm8k.describe import coverage_record, item_record

    record: dict[str, Any]
    if args.what == "gsm8k":
        if args.id is not None:
            raise UsageError(
                f"coverage is of a whole split: use 'rote templates show {args.id}' for one item"
            )
        record = coverage_record(coverage(load(args.split or "test", args.path)))
        text = _coverage_text(record)
    else:
        if args.id is None:
            raise UsageError("show needs the id of an item, e.g. gsm8k/test/17")
        name = split_of(args.id)
        if args.split not in (None, name):
            raise UsageError(f"--split {args.split} contradicts the id {args.id!r}")
        split = load(name, args.path)
        record = item_record(split, find(split, args.id))
        text = _item_text(record)
    sys.stdout.write((json.dumps(record, ensure_ascii=False, indent=2) if args.json else text) + "\n")
    return 0


def _coverage_text(record: dict[str, Any]) -> str:
    from rote.perturb.gsm8k.coverage import REASONS, TIERS

    items, accepted = record["items"], record["accepted"]
    share = 100 * accepted / items if items else 0.0
    lines = [
        f"gsm8k {record['split']}: {items:,} items, {accepted:,} templates ({share:.1f} %), "
        f"{record['reviewed']:,} of them reviewed",
        "",
        "templates by tier",
        *_table([(f"{count:>6,}", tier, TIERS[tier]) for tier, count in record["by_tier"].items()]),
    ]
    if record["rejected"]:
        lines += ["", f"no templates: {items - accepted:,}, by reason"]
        lines += _table([(f"{count:>6,}", code, REASONS[code]) for code, count in record["rejected"].items()])
    if record["ks"] is not None:
        lines += ["", f"whole numbers, published against drawn: K-S distance {record['ks']:.3f}"]
    return "\n".join(lines)


def _item_text(record: dict[str, Any]) -> str:
    from rote.perturb.gsm8k.coverage import TIERS

    head = f"{record['id']}: " + (
        f"template, tier {record['tier']}: {TIERS[record['tier']]}"
        if record["status"] == "template"
        else f"no template ({record['reason']}): {record['meaning']}"
    )
    lines = [head, "", "question", *_wrapped(record["question"])]
    lines += ["", "solution", *_wrapped(record["solution"])]
    if record["status"] != "template":
        return "\n".join(lines)
    lines += ["", "numbers", *_table(_number_rows(record["mentions"]))]
    lines += ["", "names", *_table(_name_rows(record["names"]))]
    steps: list[tuple[str, ...]] = [
        (s["name"], "=", s["expression"], "=", s["value"], s["kind"]) for s in record["steps"]
    ]
    lines += ["", "graph", *_table(steps)]
    lines += ["", "constraints", *(f"  {text}" for text in record["constraints"])]
    for draw in record["draws"]:
        told = ", ".join(f"{name} = {value}" for name, value in draw["values"].items())
        lines += ["", draw["id"], *_wrapped(told), *_wrapped(draw["question"])]
        lines += _wrapped(f"answer {draw['answer']}")
    return "\n".join(lines)


def _number_rows(mentions: list[dict[str, Any]]) -> list[tuple[str, ...]]:
    rows: list[tuple[str, ...]] = []
    for m in mentions:
        if m["variable"] is None:
            told = f"frozen: {m['frozen']}"
        else:
            told = f"{m['low']} to {m['high']}, {m['values']} values"
            others = [o for o in mentions if o["variable"] == m["variable"] and o is not m]
            if others:
                told += ", tied with " + ", ".join(_place(o) for o in others)
        rows.append((m["variable"] or "-", _place(m), m["text"], m["value"], m["kind"], told))
    return rows


def _place(mention: dict[str, Any]) -> str:
    start, end = mention["span"]
    return f"{start}-{end}"


def _name_rows(names: list[dict[str, Any]]) -> list[tuple[str, ...]]:
    if not names:
        return [("none may change",)]
    return [
        (f"p{i}", p["name"], p["gender"] or "any", " ".join(f"{a}-{b}" for a, b in p["spans"]))
        for i, p in enumerate(names)
    ]


def _table(rows: list[tuple[str, ...]]) -> list[str]:
    if not rows:
        return ["  none"]
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    return [
        ("  " + "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True))).rstrip()
        for row in rows
    ]


def _wrapped(text: str) -> list[str]:
    import textwrap

    return [
        line
        for part in text.split("\n")
        for line in textwrap.wrap(part, WIDTH, initial_indent="  ", subsequent_indent="  ") or [""]
    ]
