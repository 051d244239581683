"""Samples of many files -> series: what belongs together, what is kept apart, what contradicts itself."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from rote.errors import LogError
from rote.reports import fields
from rote.reports.cost import RunCost
from rote.reports.records import Model, Runs, Sample, Series
from rote.reports.settings import Setting


class Key(NamedTuple):
    """What the samples of a group share; ``prompt`` holds all prompt settings, canonical.

    ``seeds`` are those of sampled responses, None of greedy ones.
    """

    model: str
    setting: Setting
    filter: str
    source: str
    prompt: str
    seeds: str | None


@dataclass(slots=True)
class Group:
    """Samples under one key, by document, as they are read."""

    prompt: dict[str, str]
    samples: dict[str, Sample] = field(default_factory=dict)
    tasks: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    results_files: set[str] = field(default_factory=set)


@dataclass(slots=True)
class State:
    """What has been read so far."""

    groups: dict[Key, Group] = field(default_factory=dict)
    models: dict[str, Model] = field(default_factory=dict)
    files: list[str] = field(default_factory=list)
    versions: set[str] = field(default_factory=set)
    warnings: list[str] = field(default_factory=list)
    foreign: list[tuple[str, str]] = field(default_factory=list)
    costs: list[RunCost] = field(default_factory=list)


@dataclass(slots=True)
class Doubles:
    """How many samples of a file were known before, and how those differed that are not refused."""

    count: int = 0
    reworded: int = 0
    other_prompt: int = 0

    def add(self, known: Sample, again: Sample, *, named_filter: bool) -> None:
        """Two records of one document under one setting must agree in question and scores.

        Raises LogError where they do not: nobody can say which of the two is meant.
        """

        def refusal(message: str) -> LogError:
            return LogError(message, path=again.where.path, line=again.where.line)

        there = f"{known.where.path}:{known.where.line}"
        name = fields.one_line(repr(again.id), 80)
        if known.document_digest != again.document_digest:
            raise refusal(
                f"document {name} has another question or answer than at {there}: "
                "the runs used two versions of the templates; report them separately"
            )
        scores = (known.correct, known.invalid, known.trapped, known.runs)
        if scores != (again.correct, again.invalid, again.trapped, again.runs):
            hint = (
                "two runs are mixed up (an appended file, or one model run twice); report them separately"
                if named_filter
                else "two runs are mixed up, or several filters whose names lm-eval before 0.4.7 did not log"
            )
            raise refusal(f"document {name} is scored differently at {there}: {hint}")
        self.count += 1
        self.reworded += known.response_digest != again.response_digest
        # Chat templates write today's date into the prompt: another hash is not yet another prompt.
        self.other_prompt += None not in (known.prompt_hash, again.prompt_hash) and (
            known.prompt_hash != again.prompt_hash
        )

    def warning(self, path: object) -> str:
        differing = [
            f"{number} {what}"
            for number, what in (
                (self.reworded, "with another wording"),
                (self.other_prompt, "asked with another prompt, as lm-eval's prompt_hash tells"),
            )
            if number
        ]
        how = f" ({'; '.join(differing)})" if differing else ""
        return (
            f"{path}: {self.count} of its documents were read before under the same setting, with the same "
            f"scores{how}; each counts once."
        )


def finish(state: State) -> Runs:
    """Put the groups together, in order. Raises LogError where an original lacks comparable variants."""
    models = _distinct_names(state.models)
    _join_seeds(state)
    prompts = _prompts(state, models)
    warnings = list(state.warnings)
    filters: dict[tuple[str, Setting, str], set[str]] = defaultdict(set)
    for key in state.groups:
        filters[key.model, key.setting, key.source].add(key.filter)
    for (model, _, source), names in filters.items():
        if len(names) > 1:
            warnings.append(
                f"{models[model].name}, {source}: scored under the filters {', '.join(sorted(names))}; "
                "each is reported on its own."
            )
    ignored = sorted({task for task, _ in state.foreign})
    if ignored:
        warnings.append(f"Tasks without `template_id`, not made by rote, are left out: {', '.join(ignored)}.")
    series = [_series(models[key.model], key, group, *prompts[key]) for key, group in state.groups.items()]
    series.sort(key=_order)
    return Runs(
        tuple(series),
        tuple(state.files),
        tuple(sorted(state.versions)),
        tuple(fields.showable(w) for w in warnings),
        tuple(ignored),
        tuple(state.costs),
    )


def _order(s: Series) -> tuple[str, int, str, str, str, str, str, str]:
    shots = -1 if s.shots is None else s.shots
    return s.model.name, shots, s.examples, s.format, s.prompt, s.filter, s.source, s.model.key


def _has(group: Group) -> tuple[bool, bool]:
    """Whether a group has originals, and variants."""
    return "original" in group.tasks, bool(set(group.tasks) - {"original"})


def _join_seeds(state: State) -> None:
    """Runs apart in nothing but the seeds of sampling are runs of their own, where each has what all have.

    Else they are one run in several goes, and are joined. Raises LogError where these contradict each other.
    """
    alike: dict[Key, list[Key]] = defaultdict(list)
    for key in state.groups:
        alike[key._replace(seeds=None)].append(key)
    for keys in alike.values():
        groups = [state.groups[key] for key in keys]
        if len({_has(group) for group in groups}) == 1:
            continue
        whole = groups[0]
        for key, group in zip(keys[1:], groups[1:], strict=True):
            doubles = Doubles()
            for name, sample in group.samples.items():
                known = whole.samples.setdefault(name, sample)
                if known is not sample:
                    doubles.add(known, sample, named_filter=True)
            for variant, tasks in group.tasks.items():
                whole.tasks[variant] |= tasks
            whole.results_files |= group.results_files
            del state.groups[key]


# --- prompts ---------------------------------------------------------------------------------------


def _prompts(state: State, models: dict[str, Model]) -> dict[Key, tuple[str, str]]:
    """What tells the prompt of each group apart from those of the same setting; empty where there is one.

    Once with the seeds of sampling, once without.

    Several runs of a model, each with its originals and variants, are several series. Where one run has what
    the other lacks, they cannot be told from a run that changed its prompt in between, which is refused.
    """
    alike: dict[tuple[str, Setting, str, str], list[Key]] = defaultdict(list)
    for key in state.groups:
        alike[key.model, key.setting, key.filter, key.source].append(key)
    told: dict[Key, tuple[str, str]] = {}
    for keys in alike.values():
        groups = [state.groups[key] for key in keys]
        if len({_has(g) for g in groups}) > 1:
            _refuse_prompts(models[keys[0].model].name, groups)
        for key in keys:
            differ = _differing(groups)
            but_seeds = [name for name in differ if name != "seeds"]
            told[key] = (_difference(state.groups[key], differ), _difference(state.groups[key], but_seeds))
    return told


def _differing(groups: Sequence[Group]) -> list[str]:
    names = sorted({name for group in groups for name in group.prompt})
    return [name for name in names if len({group.prompt.get(name) for group in groups}) > 1]


def _difference(group: Group, names: Sequence[str]) -> str:
    shown = [
        f"{name} {fields.one_line(group.prompt.get(name, 'unset'), 40)}"
        + (
            f" ({fields.digest(group.prompt[name]).hex()[:6]})"
            if len(group.prompt.get(name, "")) > 40
            else ""
        )
        for name in names
    ]
    return ", ".join(shown)


def _refuse_prompts(model: str, groups: Sequence[Group]) -> None:
    first = groups[0]
    second = next(
        g for g in groups if ("original" in g.tasks) != ("original" in first.tasks) or g is not first
    )
    task, other = (min(min(tasks) for tasks in g.tasks.values()) for g in (first, second))
    path, other_path = min(first.results_files), min(second.results_files)

    def short(group: Group, name: str) -> str:
        return fields.one_line(group.prompt.get(name, "unset"), 60)

    differ = _differing([first, second])
    shown = "; ".join(f"{name}: {short(first, name)} against {short(second, name)}" for name in differ)
    raise LogError(
        f"{model}: task {other} was run with another prompt than task {task} of {path} ({shown}); "
        "an original and its variants are comparable only under one prompt: run both alike, "
        "or report the runs separately",
        path=other_path,
    )


# --- models and series -----------------------------------------------------------------------------


def _distinct_names(models: dict[str, Model]) -> dict[str, Model]:
    """Models whose names coincide get the arguments that tell them apart added."""
    by_name: dict[str, list[Model]] = defaultdict(list)
    for model in models.values():
        by_name[model.name].append(model)
    renamed: dict[str, Model] = {}
    taken: set[str] = set()
    for name, same in sorted(by_name.items()):
        shared = set.intersection(*(set(m.arguments) for m in same))
        for number, model in enumerate(sorted(same, key=lambda m: m.key), start=1):
            own = ", ".join(f"{k}={v}" for k, v in model.arguments if (k, v) not in shared)
            if len(same) > 1:
                tag = fields.one_line(own or model.backend, 60)
                model = replace(model, name=f"{name} [{tag}]")
                if model.name in taken:
                    model = replace(model, name=f"{model.name} #{number}")
            taken.add(model.name)
            renamed[model.key] = model
    return renamed


def _series(model: Model, key: Key, group: Group, prompt: str, run_of: str) -> Series:
    table: dict[str, dict[str, list[Sample]]] = defaultdict(lambda: defaultdict(list))
    for sample in group.samples.values():
        found = table[sample.variant][sample.template_id]
        if found and sample.variant == "original":
            raise LogError(
                f"template {fields.one_line(repr(sample.template_id), 80)} has a second original; "
                f"the first is at {found[0].where.path}:{found[0].where.line}",
                path=sample.where.path,
                line=sample.where.line,
            )
        found.append(sample)
    return Series(
        model=model,
        shots=key.setting.shots,
        filter=fields.one_line(key.filter, 60),
        source=fields.one_line(key.source, 60),
        samples={
            variant: {
                template: tuple(sorted(members, key=lambda s: (s.seed, s.index, s.id)))
                for template, members in sorted(templates.items())
            }
            for variant, templates in sorted(table.items())
        },
        tasks={variant: tuple(sorted(tasks)) for variant, tasks in sorted(group.tasks.items())},
        results_files=tuple(sorted(group.results_files)),
        format=key.setting.format,
        examples=key.setting.examples,
        prompt=prompt,
        seeds=key.seeds,
        run_of=run_of,
    )
