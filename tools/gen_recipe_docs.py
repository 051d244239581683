#!/usr/bin/env python3
"""Write docs/recipes.md from the schema and the shipped recipes (``--check``: only say if it is current)."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from rote.train.recipe import Recipe, read_recipe, shipped
from rote.train.recipe.describe import Line, parts

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "recipes.md"
FOLDER = "../rote/train/recipes"
HEAD = """# Recipes

*Written by `make docs` from the schema and the shipped recipes; a test fails when this page is not current.*

A recipe is one YAML file: a model, what it sees, and one or more stages that run in order. [The guide to
training](guide-training.md) shows how to use one. `rote train --fields` prints the fields below, `rote train
--recipes` the recipes. An unknown key is an error, at every level; the message names the nearest one.

A change on the command line is `key=value`, the key with dots, the value as in YAML: `model.path=my/model`,
`stages.grpo.rewards.format=0`, `stages.sft.data.sources.0.n=500`. A key that the whole recipe lacks is
one of the last stage of the algorithm that is trained: `rote train sft tiny learning_rate=1e-3`.
"""
SHIPPED = """## Shipped recipes

"The seeds" are the projects that rote grew out of. Comments in each file say which settings are theirs, which
are ours, and what differs.
"""


def cell(text: str) -> str:
    """Text for one cell of a Markdown table."""
    return " ".join(text.split()).replace("|", "\\|").replace("<", "&lt;")


def stages(recipe: Recipe) -> str:
    """``sft → grpo``; a stage that starts from the recipe's model is set off by a comma."""
    words: list[str] = []
    for name, stage in recipe.stages.items():
        joint = "" if not words else ", " if stage.start == "base" else " → "
        words.append(f"{joint}{name}")
    return "".join(words)


def shipped_table() -> str:
    rows = []
    for name, path in shipped().items():
        recipe = read_recipe(path)
        adapter = {"none": "all weights", "lora": "LoRA", "qlora": "QLoRA"}[recipe.adapter.kind]
        model = recipe.model.path if recipe.model.build is None else "built"
        link = f"[`{name}`]({FOLDER}/{name}.yaml)"
        rows.append(f"| {link} | {model}, {adapter} | {stages(recipe)} | {cell(recipe.about)} |")
    return "\n".join(["| recipe | model | stages | about |", "|---|---|---|---|", *rows])


def section(where: str, about: str, lines: list[Line]) -> str:
    title = f"`{where}`" if where else "The whole recipe"
    rows = [
        f"| `{line.key}` | {cell(line.allowed)} | {cell(line.default)} | {cell(line.meaning)} |"
        for line in lines
    ]
    return "\n".join(
        [f"### {title}", "", about, "", "| key | may be | default | meaning |", "|---|---|---|---|", *rows]
    )


def page() -> str:
    """The whole page."""
    fields = [section(*part) for part in parts()]
    return "\n\n".join([HEAD.strip(), SHIPPED.strip(), shipped_table(), "## Fields", *fields]) + "\n"


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Write docs/recipes.md from the schema of recipes.")
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
