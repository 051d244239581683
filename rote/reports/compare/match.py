"""Which series of two runs belong together, and which documents they share."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from rote.errors import LogError, UsageError
from rote.logs.files import read_results
from rote.reports import fields
from rote.reports.records import Runs, Sample, Series

#: template, variant, seed, index
Key = tuple[str, str, int, int]


@dataclass(frozen=True, slots=True)
class Document:
    """One document answered by both runs."""

    before: Sample
    after: Sample


def only_model(runs: Runs, wanted: str | None, option: str) -> tuple[Series, ...]:
    """The series of one model: the one named, or the only one. Raises UsageError."""
    names = sorted({s.model.name for s in runs.series})
    if wanted is None:
        if len(names) > 1:
            raise UsageError(f"the logs hold {len(names)} models; choose with {option}: {', '.join(names)}")
        return runs.series
    found = tuple(s for s in runs.series if s.model.name == wanted)
    if not found:
        raise UsageError(f"{option}: no model {wanted!r}; the logs hold {', '.join(names)}")
    return found


def match(before: Sequence[Series], after: Sequence[Series]) -> tuple[list[tuple[Series, Series]], list[str]]:
    """Pairs of series of one source, and warnings.

    First those with the same setting and filter; what is left of a source is paired when it is one on each
    side, so that zero-shot can stand against few-shot. Raises LogError when nothing can be paired.
    """
    pairs: list[tuple[Series, Series]] = []
    left, right = list(before), list(after)
    for a in before:
        for b in list(right):
            if (a.source, a.setting, a.filter) == (b.source, b.setting, b.filter):
                pairs.append((a, b))
                left.remove(a)
                right.remove(b)
                break
    for a in list(left):
        own = [s for s in left if s.source == a.source]
        theirs = [s for s in right if s.source == a.source]
        if len(own) == len(theirs) == 1:
            pairs.append((a, theirs[0]))
            left.remove(a)
            right.remove(theirs[0])
    if not pairs:
        raise LogError(
            "the two runs have no source and setting in common: "
            f"{_told(before)} against {_told(after)}; evaluate both on the same tasks",
            path=before[0].results_files[0],
        )
    warnings = [
        f"only in the {side} run: {_told([s])}."
        for side, rest in (("first", left), ("second", right))
        for s in rest
    ]
    return pairs, warnings


def _told(series: Iterable[Series]) -> str:
    return "; ".join(f"{s.source}, {s.setting}, filter {s.filter}" for s in series)


def documents_of(series: Series) -> dict[Key, Sample]:
    """Every sample of a series by its document."""
    found: dict[Key, Sample] = {}
    for variant, templates in series.samples.items():
        for template, samples in templates.items():
            for s in samples:
                key = (template, variant, s.seed, s.index)
                other = found.setdefault(key, s)
                if other is not s:
                    raise LogError(
                        f"template {fields.one_line(template, 80)}, {variant}, seed {s.seed}, index {s.index}"
                        f" is there twice, as {other.id!r} and {s.id!r}: two runs are mixed up",
                        path=s.where.path,
                        line=s.where.line,
                    )
    return found


def shared(before: Series, after: Series) -> tuple[dict[Key, Document], list[str]]:
    """The documents of both, in order, and warnings about the others. Raises LogError: none, or one whose
    question or answer differs."""
    a, b = documents_of(before), documents_of(after)
    both = sorted(a.keys() & b.keys())
    if not both:
        raise LogError(
            f"no document of {before.source} was answered by both runs "
            f"({len(a):,} and {len(b):,} documents): were they made with the same seed and templates?",
            path=after.results_files[0],
        )
    for key in both:
        if a[key].document_digest != b[key].document_digest:
            raise LogError(
                f"document {fields.one_line(repr(b[key].id), 80)} has another question or answer than at "
                f"{a[key].where.path}:{a[key].where.line}: the runs used two versions of the templates",
                path=b[key].where.path,
                line=b[key].where.line,
            )
    warnings = []
    for side, mine in (("first", a), ("second", b)):
        lone = sorted(mine.keys() - set(both))
        if lone:
            by = _by_variant(lone)
            warnings.append(
                f"{before.source}: {len(lone):,} documents only in the {side} run are left out ({by})."
            )
    return {key: Document(a[key], b[key]) for key in both}, warnings


def _by_variant(keys: Iterable[Key]) -> str:
    counts: dict[str, int] = {}
    for _, variant, _, _ in keys:
        counts[variant] = counts.get(variant, 0) + 1
    return ", ".join(f"{variant} {number:,}" for variant, number in counts.items())


def differences(before: Series, after: Series) -> tuple[str, ...]:
    """What the runs have set otherwise: model, arguments, shots, filter, prompts. One sentence each."""
    said = []
    if before.model.backend != after.model.backend:
        said.append(f"backend: {before.model.backend} → {after.model.backend}")
    said += _changed(dict(before.model.arguments), dict(after.model.arguments))
    if before.setting != after.setting:
        said.append(f"setting: {before.setting} → {after.setting}")
    if before.filter != after.filter:
        said.append(f"filter: {before.filter} → {after.filter}")
    said += _changed(_prompt(before), _prompt(after))
    return tuple(said) or ("nothing that the logs show",)


def _changed(before: Mapping[str, str], after: Mapping[str, str]) -> list[str]:
    def shown(settings: Mapping[str, str], key: str) -> str:
        return fields.one_line(settings[key], 60) if key in settings else "unset"

    keys = sorted(k for k in {*before, *after} if before.get(k) != after.get(k))
    return [f"{fields.one_line(k, 40)}: {shown(before, k)} → {shown(after, k)}" for k in keys]


def _prompt(series: Series) -> dict[str, str]:
    """The prompt settings of a series: the reader has seen to it that its tasks agree."""
    path = Path(series.results_files[0])
    results = read_results(path)
    tasks = {task for own in series.tasks.values() for task in own}
    for task in sorted(tasks & set(results.get("configs") or {})):
        return fields.prompt_settings(results, task)
    return {}
