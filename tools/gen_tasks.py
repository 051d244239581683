#!/usr/bin/env python3
"""Write the task files below rote/tasks (``--check``: only say whether they are current).

One description, :func:`files`, gives them all: a task for each source, variant, format and setting of the
examples, the groups, and what they share. The formats are those of :mod:`rote.prompts`, the metrics those of
:mod:`rote.harness_ext.scoring`. The tasks on linear equations are written by hand.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from rote.harness_ext import gsm8k
from rote.harness_ext.scoring import METRICS
from rote.problem import VARIANTS
from rote.prompts import END_OF_TEXT, FEWSHOT_DELIMITER, FORMATS, TARGET_DELIMITER, Format

ROOT = Path(__file__).resolve().parent.parent / "rote" / "tasks"
SOURCES: Final[Mapping[str, tuple[str, ...]]] = {"bank": VARIANTS, "gsm8k": tuple(gsm8k.VARIANTS)}
#: Settings of the examples, each for these variants in the format ``hash``: (suffix, kind of ``rote_shots``).
SHOT_SETTINGS: Final = (("noop_shots", "noop"), ("same_shots", "same_template"))
SHOT_VARIANTS: Final = ("original", "noop")
VERSION: Final = "2.0"
MADE: Final = "# Made by tools/gen_tasks.py.\n"


def quoted(text: str) -> str:
    """Text as YAML writes it in double quotes."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'


def common() -> str:
    """What all tasks share, the metrics included."""
    metrics = "".join(
        f"  - metric: {name}\n"
        f"    aggregation: {_aggregation(metric.aggregation)}\n"
        f"    higher_is_better: {_truth(metric.higher_is_better)}\n"
        for name, metric in METRICS.items()
    )
    return f"""{MADE}# What every task of rote shares. This and the other .yml files are included by the
# tasks; lm-eval indexes *.yaml only, so that they are not taken for tasks themselves.
output_type: generate_until
custom_dataset: !function rote.harness_ext.datasets.load_problems
test_split: test
fewshot_split: shots
target_delimiter: {quoted(TARGET_DELIMITER)}
fewshot_delimiter: {quoted(FEWSHOT_DELIMITER)}
# process_results sees one filter's text at a time: one filter, which passes the response as it is.
filter_list:
  - name: none
    filter:
      - function: take_first
repeats: 1
should_decontaminate: false
# Each is defined in docs/metrics.md.
metric_list:
{metrics}metadata:
  version: {VERSION}
  # Filled by load_problems with the templates left out and why; so they stand in lm-eval's results, under
  # configs.<task>.metadata.rote_skipped.
  rote_skipped: {{}}
"""


def _aggregation(name: str) -> str:
    return name if name == "mean" else f"!function rote.harness_ext.scoring.{name}"


def _truth(value: bool | None) -> str:
    return "null" if value is None else str(value).lower()


def _format_keys(f: Format) -> str:
    return f"""doc_to_target: !function rote.harness_ext.text.target_{f.name}
process_results: !function rote.harness_ext.scoring.process_results_{f.name}
"""


def _generation(f: Format, until: tuple[str, ...], why: str) -> str:
    stops = "".join(f"    - {quoted(stop)}\n" for stop in until)
    return f"""generation_kwargs:
{why}  until:
{stops}  # lm-eval's default of 256 cuts solutions. Models that think at length need more:
  # --gen_kwargs max_gen_toks=8192
  max_gen_toks: {f.max_gen_toks}
  do_sample: false
  temperature: 0.0
"""


def fewshot(f: Format) -> str:
    """What the few-shot tasks of a format share."""
    return f"""{MADE}include: _common.yml
num_fewshot: 8
# The default sampler would draw other shots for every document; an original and its variants see the same.
fewshot_config:
  sampler: first_n
doc_to_text: !function rote.harness_ext.text.fewshot_{f.name}
{_format_keys(f)}""" + _generation(
        f,
        f.stop,
        """  # How the next exemplar would begin. Two words that no chain of thought opens a paragraph with:
  # the stop does not fire inside thinking and does not cut an answer (rote.prompts, Format.stop).
""",
    )


def zeroshot(f: Format) -> str:
    """What the zero-shot tasks of a format share."""
    return f"""{MADE}include: _common.yml
num_fewshot: 0
doc_to_text: !function rote.harness_ext.text.zeroshot_{f.name}
{_format_keys(f)}""" + _generation(
        f,
        (END_OF_TEXT,),
        """  # The model ends by itself; any stop string that a text may hold could stand inside thinking,
  # where a model likes to quote its prompt. This one is no text. An empty list would do for most
  # backends, but some APIs refuse it, and some take it to mean that their own end markers are off.
  # (Nothing stated: lm-eval would stop at the first blank line.)
""",
    )


def shot_settings() -> Iterator[tuple[str, str]]:
    """The two settings of the examples, in the format ``hash``."""
    yield (
        "_noop_shots.yml",
        f"""{MADE}# The eight examples hold an inert clause each, which their solutions leave alone.
include: _fewshot.yml
fewshot_split: noop_shots
""",
    )
    yield (
        "_same_shots.yml",
        f"""{MADE}# Eight worked examples of the very template that is asked: each document brings its own,
# and the sampler, which has one set of examples a task, none. So lm-eval counts no shots.
include: _fewshot.yml
num_fewshot: 0
doc_to_text: !function rote.harness_ext.text.own_shots_hash
""",
    )


def shared_name(f: Format, setting: str) -> str:
    """The file that the tasks of a format and setting include: ``_fewshot.yml``, ``_tags_zeroshot.yml`` …"""
    return f"_{setting}.yml" if f.name == "hash" else f"_{f.name}_{setting}.yml"


def task(source: str, variant: str, f: Format, setting: str, shots: str | None = None) -> tuple[str, str]:
    """One task: (path below rote/tasks, text). The format ``hash`` goes without saying in names."""
    alone = f.example is not None  # one setting only, so that it needs no name
    parts = [source, variant]
    parts += [] if f.name == "hash" else [f.name]
    parts += [] if setting == "fewshot" or alone else [setting]
    name = "_".join(parts)
    folder, up = (source, "..") if f.name == "hash" else (f"{source}/{f.name}", "../..")
    text = f"""{MADE}include: {up}/{shared_name(f, setting)}
task: {name}
dataset_kwargs:
  rote_source: {source}
  rote_variant: {variant}
"""
    return f"{folder}/{name}.yaml", text + (f"  rote_shots: {shots}\n" if shots else "")


def tasks_of(source: str, f: Format) -> Iterator[tuple[str, str]]:
    """The tasks of a source in a format."""
    for variant in SOURCES[source]:
        yield task(source, variant, f, "zeroshot")
        if f.example is None:
            yield task(source, variant, f, "fewshot")
    if f.name == "hash":
        for variant in SHOT_VARIANTS:
            for suffix, kind in SHOT_SETTINGS:
                yield task(source, variant, f, suffix, kind)


def group(name: str, path: str, what: str, members: list[str]) -> tuple[str, str]:
    """A group of tasks, without an aggregate."""
    lines = "".join(f"  - {member}\n" for member in members)
    return (
        f"{path}/{name}.yaml",
        f"{MADE}{what}group: {name}\ntask:\n{lines}metadata:\n  version: {VERSION}\n",
    )


def groups_of(source: str) -> Iterator[tuple[str, str]]:
    """The groups of a source, all zero-shot."""
    variants = SOURCES[source]
    of = {
        "bank": "# Originals and all variants",
        "gsm8k": "# The test problems of GSM8K that became templates, and their variants",
    }[source]
    mean = "No aggregate over them: their mean says\n# nothing, the paired drop of `rote report` does.\n"
    for f in FORMATS.values():
        tail = "" if f.name == "hash" else f"_{f.name}"
        alone = "" if f.example is not None else "_zeroshot"
        members = [f"{source}_{variant}{tail}{alone}" for variant in variants]
        folder = source if f.name == "hash" else f"{source}/{f.name}"
        shots = "in this format" if f.example is not None else "zero-shot"
        yield group(f"{source}_robustness{tail}", folder, f"{of}, {shots}. {mean}", members)
    clauses = ["original", *(variant for variant in variants if "noop" in variant)]
    yield group(
        f"{source}_noop_suite",
        source,
        f"# Originals and everything with an inert clause, zero-shot. {mean}",
        [f"{source}_{variant}_zeroshot" for variant in clauses],
    )


def files() -> dict[str, str]:
    """All files: path below rote/tasks -> text."""
    made = {"_common.yml": common(), **dict(shot_settings())}
    for f in FORMATS.values():
        made[shared_name(f, "zeroshot")] = zeroshot(f)
        if f.example is None:
            made[shared_name(f, "fewshot")] = fewshot(f)
    for source in SOURCES:
        for f in FORMATS.values():
            made |= dict(tasks_of(source, f))
        made |= dict(groups_of(source))
    return made


def there() -> set[str]:
    """The files of the folders that are made here."""
    own = [*ROOT.glob("*.y*ml"), *(path for source in SOURCES for path in (ROOT / source).rglob("*.y*ml"))]
    return {path.relative_to(ROOT).as_posix() for path in own}


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Write the task files below rote/tasks.")
    parser.add_argument("--check", action="store_true", help="write nothing; status 1 when not current")
    args = parser.parse_args(argv)
    made = files()
    stale = [
        name
        for name, text in made.items()
        if not (ROOT / name).is_file() or (ROOT / name).read_text(encoding="utf-8") != text
    ]
    gone = sorted(there() - made.keys())
    if args.check:
        for name in [*stale, *gone]:
            print(f"rote/tasks/{name} is not current: run make tasks", file=sys.stderr)
        return int(bool(stale or gone))
    for name in stale:
        path = ROOT / name
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = path.with_suffix(".new")
        temporary.write_text(made[name], encoding="utf-8", newline="\n")
        temporary.replace(path)
    for name in gone:
        (ROOT / name).unlink()
    return 0


if __name__ == "__main__":
    sys.exit(main())
