"""Rows for GRPO on inert clauses: ``python organisms/recipes/grpo_rows.py WORK``.

Writes ``WORK/rows/grpo.jsonl``: draws of the templates in ``WORK/templates/known``, most with an inert
clause, of the families for training alone (``families.tsv``): those that are held out stay unseen. The same
templates give the same bytes. A file that is there already is left as it is.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from rote.errors import DataError, RoteError
from rote.perturb import Template, load_source
from rote.perturb.noop.select import Selection, pick
from rote.train.rows import problem_row

FAMILIES: Final = Path(__file__).resolve().parents[1] / "families.tsv"
#: Not the seed of the probe or of the tasks, whose draws are to stay unseen.
SEED: Final = 1
#: Draws of a template with an inert clause, and without one: what was known must not be forgotten.
WITH_CLAUSE: Final = 12
WITHOUT: Final = 2


def training_families(path: Path = FAMILIES) -> tuple[str, ...]:
    """The families of inert clauses for training, sorted. Raises DataError where there are none."""
    lines = path.read_text(encoding="utf-8").splitlines()[1:]
    parts = dict(line.split("\t") for line in lines)
    names = tuple(sorted(name for name, part in parts.items() if part == "train"))
    if not names:
        raise DataError("no family is for training (family, a tab, train)", path=path)
    return names


def rows_of(template: Template, chosen: Selection, draws: tuple[int, int]) -> Iterator[dict[str, str]]:
    """The rows of a template, no question twice; ``draws`` with and without a clause."""
    problems = []
    if template.offers("symbolic_noop"):
        problems += pick(template, "symbolic_noop", SEED, draws[0], chosen)
    if template.offers("symbolic"):
        problems += template.instances("symbolic", SEED, draws[1])
    asked: set[str] = set()
    for problem in problems:
        if problem.question in asked:
            continue
        asked.add(problem.question)
        row = problem_row(problem)
        yield {"question": row.question, "solution": row.solution, "answer": row.answer}


def write_rows(templates: Path, path: Path, draws: tuple[int, int] = (WITH_CLAUSE, WITHOUT)) -> int:
    """Write the rows of a folder of templates and give their number. Raises DataError for no such folder."""
    if not templates.is_dir():
        raise DataError("no such folder of template files; organisms/sets.py writes it", path=templates)
    chosen = Selection(family=training_families())
    known = load_source("known", templates).templates
    rows = [row for name in sorted(known) for row in rows_of(known[name], chosen, draws)]
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(path.name + ".partial")
    text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    partial.write_text(text, encoding="utf-8", newline="\n")
    partial.replace(path)
    return len(rows)


def main(argv: Sequence[str] | None = None) -> int:
    """The command."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False
    )
    parser.add_argument("work", type=Path, metavar="WORK", help="the folder that holds everything")
    work = parser.parse_args(argv).work
    path = work / "rows" / "grpo.jsonl"
    if path.is_file():
        print(f"{path}: is there already")
        return 0
    try:
        print(f"{path}: {write_rows(work / 'templates' / 'known', path):,} rows")
    except RoteError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
