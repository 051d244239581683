"""The baseline of a gate: what a run answered, item by item, with hashes of what it was asked.

One item is ``seed/index=<outcome><document>.<prompt>``: outcome 1 right, 0 wrong, x invalid (counts as
wrong); six hexadecimal digits of the document's hash (question and gold answer), four of lm-eval's hash of
the prompt (absent where the log has none). What a log says of the settings of each task is kept as one hash
for each field, under four headings; see :data:`FIELDS`. The grader itself is not in a log: its changes are
seen through the task's version and the text of its ``process_results``.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from rote.errors import DataError, LogError
from rote.logs.files import read_results
from rote.problem import VARIANTS
from rote.reports import fields
from rote.reports.compare.match import only_model
from rote.reports.records import Runs, Sample, Series

SCHEMA: Final = "rote.baseline/1"

#: What is hashed of a task, by heading: keys of its config, and of the run.
FIELDS: Final[Mapping[str, tuple[str, ...]]] = {
    "prompts": (
        "description", "doc_to_text", "fewshot_delimiter", "target_delimiter", "gen_prefix", "fewshot_config",
        "use_prompt", "num_fewshot", "system_instruction", "chat_template", "fewshot_as_multiturn",
    ),
    "format": ("doc_to_target", "answer_format"),
    "grader": ("version", "process_results", "filter_list", "output_type"),
    "decoding": ("generation_kwargs", "gen_kwargs", "repeats"),
}  # fmt: skip

_ITEM: Final = re.compile(r"(\d+)/(\d+)=([01x])([0-9a-f]{6})(?:\.([0-9a-f]{4}))?")
_NAME: Final = re.compile(r"def (\w+)\(|<function (\w+)")


@dataclass(frozen=True, slots=True)
class Item:
    """One answered document: ``outcome`` is "1", "0" or "x"; ``prompt`` is None where the log has no hash."""

    outcome: str
    document: str
    prompt: str | None


#: (seed, index) -> item
Items = Mapping[tuple[int, int], Item]


@dataclass(frozen=True, slots=True)
class Variant:
    """A variant of a series: its tasks, the hashes of their settings (heading -> field -> hash) and the
    items of each template."""

    tasks: tuple[str, ...]
    settings: Mapping[str, Mapping[str, str]]
    templates: Mapping[str, Items]


@dataclass(frozen=True, slots=True)
class Answered:
    """A series: everything that a model answered of one source in one setting.

    ``setting`` is the reader's: shots, and kind of examples, format and prompt where they are special.
    """

    source: str
    setting: str
    shots: int | None
    filter: str
    variants: Mapping[str, Variant]

    @property
    def label(self) -> str:
        """ "bank, 8-shot"."""
        return f"{self.source}, {self.setting}" + ("" if self.filter == "none" else f", filter {self.filter}")

    @property
    def key(self) -> tuple[str, str, str]:
        """What the same series of another run has, too."""
        return self.source, self.setting, self.filter


@dataclass(frozen=True, slots=True)
class Baseline:
    """What one model answered; the candidate of a gate has the same form."""

    model: str
    arguments: tuple[tuple[str, str], ...]
    series: tuple[Answered, ...]


def from_runs(runs: Runs, model: str | None = None) -> Baseline:
    """The items of one model's logs. Raises UsageError where several models are there and none is named."""
    chosen = only_model(runs, model, "--candidate-model")
    return Baseline(chosen[0].model.name, chosen[0].model.arguments, tuple(_answered(s) for s in chosen))


def _answered(series: Series) -> Answered:
    results = [read_results(Path(p)) for p in series.results_files]
    variants = {
        v: Variant(
            series.tasks[v],
            settings_of(results, series.tasks[v]),
            {t: items_of(samples, t) for t, samples in series.samples[v].items()},
        )
        for v in VARIANTS
        if v in series.samples
    }
    return Answered(series.source, series.setting, series.shots, series.filter, variants)


def items_of(samples: Sequence[Sample], template: str) -> dict[tuple[int, int], Item]:
    """The items of one template and variant. Raises LogError: a document that is there twice."""
    items: dict[tuple[int, int], Item] = {}
    for s in samples:
        if (s.seed, s.index) in items:
            raise LogError(
                f"template {fields.one_line(template, 80)}, {s.variant}: seed {s.seed}, index {s.index} "
                "is there twice: two runs are mixed up",
                path=s.where.path,
                line=s.where.line,
            )
        outcome = "1" if s.correct else "x" if s.invalid else "0"
        prompt = None if s.prompt_hash is None else _short(s.prompt_hash, 4)
        items[s.seed, s.index] = Item(outcome, s.document_digest.hex()[:6], prompt)
    return items


def settings_of(results: Sequence[Mapping[str, Any]], tasks: Sequence[str]) -> dict[str, dict[str, str]]:
    """Hashes of what the results files say of ``tasks``, by heading and field; "-" where they are silent.

    A field in which the files or tasks differ has the hash of all its values.
    """
    values: dict[tuple[str, str], set[str]] = {}
    for table in results:
        for task in tasks:
            config = (table.get("configs") or {}).get(task)
            if not isinstance(config, Mapping):
                continue
            known = {
                **config,
                "version": (table.get("versions") or {}).get(task),
                "answer_format": _function_name(config.get("process_results")),
                "gen_kwargs": (table.get("config") or {}).get("gen_kwargs") or None,
                **{
                    k: table.get(k) or None
                    for k in ("system_instruction", "chat_template", "fewshot_as_multiturn")
                },
            }
            for heading, names in FIELDS.items():
                for name in names:
                    values.setdefault((heading, name), set()).add(fields.canonical(known.get(name)))
    return {
        heading: {
            name: "-" if found in (set(), {"null"}) else _short("\n".join(sorted(found)), 12)
            for name in names
            for found in [values.get((heading, name), set())]
        }
        for heading, names in FIELDS.items()
    }


def _function_name(text: Any) -> str | None:
    match = _NAME.search(text) if isinstance(text, str) else None
    return None if match is None else match[1] or match[2]


def _short(text: str, digits: int) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:digits]


# --- the file --------------------------------------------------------------------------------------


def render_baseline(baseline: Baseline) -> str:
    """The file: JSON, one line a template, the same bytes for the same content."""
    from rote import __version__

    head = {
        "schema": SCHEMA,
        "rote_version": __version__,
        "model": baseline.model,
        "arguments": [list(pair) for pair in baseline.arguments],
    }
    series = []
    for s in baseline.series:
        variants = []
        for name, v in s.variants.items():
            lines = ",\n".join(
                f"{json.dumps(t, ensure_ascii=False)}:{json.dumps(_items_text(items))}"
                for t, items in sorted(v.templates.items())
            )
            facts = json.dumps({"tasks": list(v.tasks), "settings": v.settings}, ensure_ascii=False)
            variants.append(f'{json.dumps(name)}:{{{facts[1:-1]}, "templates":{{\n{lines}\n}}}}')
        own = json.dumps(
            {"source": s.source, "setting": s.setting, "shots": s.shots, "filter": s.filter},
            ensure_ascii=False,
        )
        series.append(f'{{{own[1:-1]}, "variants":{{\n' + ",\n".join(variants) + "\n}}")
    return f'{json.dumps(head, ensure_ascii=False)[:-1]}, "series":[\n' + ",\n".join(series) + "\n]}\n"


def _items_text(items: Items) -> str:
    return " ".join(
        f"{seed}/{index}={i.outcome}{i.document}" + ("" if i.prompt is None else f".{i.prompt}")
        for (seed, index), i in sorted(items.items())
    )


def read_baseline(path: Path) -> Baseline:
    """Read a baseline file. Raises DataError that names the file and what is wrong in it."""
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise DataError(
            f"cannot be read ({error.strerror}); make it with --update-baseline", path=path
        ) from error
    except UnicodeDecodeError as error:
        raise DataError("is not UTF-8 text", path=path) from error
    return parse_baseline(text, path)


def parse_baseline(text: str, path: str | Path = "baseline") -> Baseline:
    """The baseline in the text of a file; DataError as :func:`read_baseline`."""
    try:
        data = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise DataError(f"is not valid JSON ({error}): cut off?", path=path) from None
    if not isinstance(data, dict) or data.get("schema") != SCHEMA:
        found = data.get("schema") if isinstance(data, dict) else None
        raise DataError(f"is {found!r}; it must be {SCHEMA!r}", path=path, field="schema")
    try:
        series = tuple(_parse_series(s, path) for s in data["series"])
        arguments = tuple((str(k), str(v)) for k, v in data["arguments"])
        model = data["model"]
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise DataError(
            f"is no baseline that rote wrote ({type(error).__name__}: {error}); make it anew", path=path
        ) from None
    if not series or not isinstance(model, str):
        raise DataError("holds no series of answers", path=path, field="series")
    return Baseline(model, arguments, series)


def _parse_series(data: Mapping[str, Any], path: str | Path) -> Answered:
    variants = {}
    for name, v in data["variants"].items():
        if name not in VARIANTS:
            raise DataError(f"is no variant; known are {', '.join(VARIANTS)}", path=path, field=name)
        templates = {}
        for template, text in v["templates"].items():
            items = {}
            for word in text.split(" "):
                match = _ITEM.fullmatch(word)
                if match is None or (int(match[1]), int(match[2])) in items:
                    raise DataError(
                        f"{fields.one_line(word, 40)!r} is no item, or there twice", path=path, field=template
                    )
                items[int(match[1]), int(match[2])] = Item(match[3], match[4], match[5])
            templates[template] = items
        settings = {h: {str(k): str(x) for k, x in v["settings"][h].items()} for h in FIELDS}
        variants[name] = Variant(tuple(v["tasks"]), settings, templates)
    return Answered(data["source"], data["setting"], data["shots"], data["filter"], variants)
