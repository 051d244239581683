"""The sets of templates that organisms are trained on and asked: ``python organisms/sets.py WORK``.

Writes ``WORK/templates/`` with a folder of template files for each set, and ``sets.json``, their ids:

- ``known``: the templates that models may be trained on (``train`` in ``rote/organisms/split.tsv``);
- ``unseen``: those that no model is trained on (``held_out``);
- ``small``: those of ``known`` of which there is a draw whose question and solution hold no number of 100 or
  more. Such a draw is their original here, so that their other draws are harder by the size of the numbers.

The same templates give the same bytes. The folder appears whole; one that is there already is compared, and
refused if it holds anything else.
"""

from __future__ import annotations

import argparse
import json
import re
import shutil
import sys
from collections import defaultdict
from collections.abc import Mapping, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Final

from rote.errors import DataError, RoteError
from rote.perturb.authored import AuthoredTemplate, load_template
from rote.perturb.keys import digest
from rote.perturb.noop.family import Family, families
from rote.perturb.values import Quantity
from rote.problem import Problem
from rote.rational import format_number

HERE: Final = Path(__file__).resolve().parent
#: These come with the package: ``rote demo`` asks some of them.
SHIPPED: Final = HERE.parent / "rote" / "organisms"
TEMPLATES: Final = SHIPPED / "templates"
SPLIT: Final = SHIPPED / "split.tsv"
FAMILIES: Final = HERE / "families.tsv"
PARTS: Final = ("train", "held_out")
SETS: Final = ("known", "unseen", "small")
#: Numbers of the set ``small`` are below this.
BOUND: Final = 100
#: Seed of the draws among which the small originals are looked for, and how many are looked at.
SEED: Final = 0
DRAWS: Final = 2000
#: Of the first 1,000, the one under which the fewest known templates are left with fewer than five different
#: ``noop`` or ``noop_control`` instances of either part's families. No model had a say in it.
FAMILY_SALT: Final = 171

#: The part before the point of a written number.
_WHOLE: Final = re.compile(r"(\d[\d,]*)(?:\.\d+)?")


def read_parts(path: Path, column: str) -> dict[str, str]:
    """A table ``<column> TAB part``: the part (``train`` or ``held_out``) of each name, in the file's order.

    Raises DataError naming the line that is not so, or that names something twice.
    """
    lines = path.read_text(encoding="utf-8").splitlines()
    if not lines or lines[0] != f"{column}\tpart":
        raise DataError(f"the first line must be {column!r}, a tab and 'part'", path=path, line=1)
    parts: dict[str, str] = {}
    for number, line in enumerate(lines[1:], start=2):
        cells = line.split("\t")
        if len(cells) != 2 or cells[1] not in PARTS or cells[0] in parts:
            raise DataError(
                f"expected a new name, a tab and {' or '.join(PARTS)}; got {line!r}", path=path, line=number
            )
        parts[cells[0]] = cells[1]
    return parts


def template_ids(part: str) -> tuple[str, ...]:
    """Ids of the templates of a part, sorted."""
    return tuple(sorted(name for name, its in read_parts(SPLIT, "template").items() if its == part))


def family_names(part: str) -> tuple[str, ...]:
    """The families of inert clauses of a part, sorted."""
    return tuple(sorted(name for name, its in read_parts(FAMILIES, "family").items() if its == part))


def held_out_families() -> tuple[str, ...]:
    """What ``families.tsv`` holds out: of each kind of clause the third with the smallest hash, sorted.

    Kinds are: about the story's own things; about none of them, and of a person of the story, of another, of
    nobody. So both parts have all kinds.
    """
    kinds: dict[str, list[str]] = defaultdict(list)
    for name, family in families().items():
        kinds[_kind(family)].append(name)
    held: list[str] = []
    for names in kinds.values():
        names.sort(key=lambda name: digest("organisms", "families", FAMILY_SALT, name))
        held += names[: round(len(names) / 3)]
    return tuple(sorted(held))


def _kind(family: Family) -> str:
    return "in" if family.topic == "in" else family.role


def is_small(template: AuthoredTemplate, problem: Problem) -> bool:
    """Whether every number of an instance is below :data:`BOUND`: written, drawn or computed."""
    if problem.answer >= BOUND or any(
        int(found[1].replace(",", "")) >= BOUND
        for found in _WHOLE.finditer(f"{problem.question} {problem.solution}")
    ):
        return False
    plan, values = template.values(problem.variant, problem.seed, problem.index)
    drawn = {name: value.value for name, value in values.items() if isinstance(value, Quantity)}
    return all(number < BOUND for number in plan.solve(drawn).values())


def small_text(path: Path) -> str | None:
    """The content of a template's file with a small original: its own, or the first such draw of its numbers.

    None where none of :data:`DRAWS` draws is small. Names stay as they are.
    """
    template = load_template(path)
    text = path.read_text(encoding="utf-8")
    if is_small(template, template.problem("original", 0, 0)):
        return text
    if any(min(number.values()) >= BOUND for number in template.spec.numbers.values()):
        return None
    for index in range(min(DRAWS, template.capacity("numbers"))):
        problem = template.problem("numbers", SEED, index)
        if is_small(template, problem):
            _, values = template.values("numbers", SEED, index)
            drawn = {name: value.value for name, value in values.items() if isinstance(value, Quantity)}
            return _with_original(text, path, drawn, problem.answer)
    return None


def _with_original(text: str, path: Path, numbers: Mapping[str, Fraction], answer: Fraction) -> str:
    """The file with these numbers as ``original`` and this answer as ``expect``.

    Raises DataError where a number is not written on one line of its own.
    """
    head, mark, rest = text.partition("\nnumbers:\n")
    for name, value in numbers.items():
        rest, found = re.subn(
            rf"^(  {name}: \{{.*\boriginal: )[^,}}]+",
            # \g: a digit right behind \1 would be read as part of the group's number
            rf"\g<1>{_yaml_number(value)}",
            rest,
            count=1,
            flags=re.MULTILINE,
        )
        if not found:
            raise DataError(f"numbers.{name} is not on one line with its original", path=path)
    rest, found = re.subn(
        r"^expect: .*$", f"expect: {_yaml_number(answer)}", rest, count=1, flags=re.MULTILINE
    )
    if not found:
        raise DataError("expect is not on a line of its own", path=path)
    return head + mark + rest


def _yaml_number(value: Fraction) -> str:
    """``26.6``; a quoted ``"1/3"`` where there are no such decimals."""
    text = format_number(value)
    return text if "/" not in text else f'"{text}"'


def build_sets() -> dict[str, dict[str, str]]:
    """The content of each template file, by set and id. Raises TemplateError for a file that is unsound."""
    known, unseen = template_ids("train"), template_ids("held_out")
    texts = {name: _path(name).read_text(encoding="utf-8") for name in (*known, *unseen)}
    small = {name: text for name in known if (text := small_text(_path(name))) is not None}
    return {
        "known": {name: texts[name] for name in known},
        "unseen": {name: texts[name] for name in unseen},
        "small": small,
    }


def _path(name: str) -> Path:
    return TEMPLATES / f"{name}.yaml"


def write_sets(work: Path) -> dict[str, list[str]]:
    """Write ``templates`` below ``work``; the ids of each set.

    Raises DataError when the folder is there with another content, or a written template is not the draw that
    it should be.
    """
    sets = build_sets()
    ids = {name: sorted(files) for name, files in sets.items()}
    wanted = {f"{name}/{each}.yaml": text for name, files in sets.items() for each, text in files.items()}
    wanted["sets.json"] = json.dumps(ids, indent=1) + "\n"
    target = work / "templates"
    if target.exists():
        found = {path.relative_to(target).as_posix() for path in target.rglob("*") if path.is_file()}
        other = sorted(found ^ set(wanted)) or [
            name for name, text in wanted.items() if (target / name).read_text(encoding="utf-8") != text
        ]
        if other:
            raise DataError(f"holds other templates ({other[0]}); remove the folder first", path=target)
        return ids
    partial = target.with_name("templates.partial")
    shutil.rmtree(partial, ignore_errors=True)
    for name, text in wanted.items():
        path = partial / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8", newline="\n")
    for path in sorted((partial / "small").glob("*.yaml")):
        template = load_template(path)
        if not is_small(template, template.problem("original", 0, 0)):
            raise DataError(f"its original holds a number of {BOUND} or more", path=path)
    partial.rename(target)
    return ids


def main(argv: Sequence[str] | None = None) -> int:
    """The command."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False
    )
    parser.add_argument("work", type=Path, metavar="WORK", help="the folder that holds everything")
    arguments = parser.parse_args(argv)
    try:
        ids = write_sets(arguments.work)
    except RoteError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    for name in SETS:
        print(f"{name}: {len(ids[name])} templates")
    return 0


if __name__ == "__main__":
    sys.exit(main())
