"""Which originals and variants are compared: what must be there, what is told, how series are called."""

from __future__ import annotations

from collections.abc import Sequence

from rote.errors import LogError
from rote.reports.fields import one_line
from rote.reports.records import Series


def labels(series: Sequence[Series]) -> list[str]:
    """Short and distinct: the model's name, and of setting, source and filter what varies."""
    several = [a for a in ("setting", "source", "filter") if len({getattr(s, a) for s in series}) > 1]
    labels: list[str] = []
    for s in series:
        label = one_line(s.model.name, 60) + "".join(f" · {getattr(s, a)}" for a in several)
        # Long names may coincide once their middle is cut out.
        copies = sum(other == label or other.startswith(f"{label} #") for other in labels)
        labels.append(f"{label} #{copies + 1}" if copies else label)
    return labels


def few(names: Sequence[str], limit: int = 3) -> str:
    """The first names, and how many more there are."""
    shown = ", ".join(one_line(n, 80) for n in names[:limit])
    return shown if len(names) <= limit else f"{shown} and {len(names) - limit} more"


def paired(series: Series, variant: str) -> list[str]:
    """The templates of a variant that have an original, in order."""
    originals = series.samples.get("original", {})
    return [t for t in series.samples[variant] if t in originals]


def require_pairs(all_series: Sequence[Series]) -> None:
    """Every (model, setting) must have a template with an original and a variant; else a LogError."""
    for series in all_series:
        peers = [s for s in all_series if s.model.key == series.model.key]
        alike = [s for s in peers if s.shots == series.shots and s.filter == series.filter]
        if any(paired(s, v) for s in alike for v in s.samples if v != "original"):
            continue
        have = ", ".join(t for s in alike for tasks in s.tasks.values() for t in tasks)
        present = {v for s in alike for v in s.samples}
        who = f"{series.model.name} ({series.setting})"
        elsewhere = sorted(
            {
                f"{t} ({s.setting}, filter {s.filter})"
                for s in peers
                if s not in alike
                for v, tasks in s.tasks.items()
                if (v == "original") != ("original" in present) or present > {"original"}
                for t in tasks
            }
        )
        hint = (
            f" Found only under another setting, which does not compare: {few(elsewhere)}."
            if elsewhere
            else ""
        )
        way_out = " Or pass --unpaired to report accuracies without a drop."
        if present == {"original"}:
            what = f"has originals ({have}) but no variants: evaluate variants in the same setting."
        elif "original" not in present:
            what = f"has variants ({have}) but no originals: evaluate the originals in the same setting."
        else:
            first = few(list(series.samples.get("original", {})))
            other = few([t for v, ts in series.samples.items() if v != "original" for t in ts])
            what = (
                f"has originals and variants ({have}) of different templates "
                f"(originals: {first or 'none'}; variants: {other or 'none'}): "
                "evaluate both on the same ones."
            )
        raise LogError(f"{who} {what}{hint}{way_out}", path=series.results_files[0])


def warnings_of(series: Series) -> list[str]:
    """What the reader should know of the pairs of one series."""
    warnings = []
    originals = series.samples.get("original", {})
    for variant, templates in series.samples.items():
        if variant == "original":
            if len(series.samples) == 1:
                warnings.append("originals only; there is no variant to compare with.")
            continue
        orphans = [t for t in templates if t not in originals]
        if orphans:
            warnings.append(
                f"{variant}: {len(orphans)} of {len(templates)} templates have no original "
                f"({few(orphans)}); they count in the accuracy, not in the drop."
            )
        lacking = [t for t in originals if t not in templates]
        if lacking and variant not in ("p1", "p2"):  # not every template has these clauses
            warnings.append(
                f"{variant}: {len(lacking)} of {len(originals)} originals have no such variant "
                f"({few(lacking)}); they are left out of its drop."
            )
        counts = sorted({len(s) for s in templates.values()})
        if len(counts) > 1:
            warnings.append(
                f"{variant}: between {counts[0]} and {counts[-1]} instances a template; "
                "templates weigh the same."
            )
    return warnings
