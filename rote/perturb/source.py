"""Sources of templates: the bank that ships with rote, or a folder of a user's own."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

from rote.errors import TemplateError, UsageError
from rote.perturb.authored import load_template
from rote.perturb.template import Template
from rote.problem import VARIANTS, Problem

#: Sources by name; others are given as a folder.
SOURCES: Final = ("bank",)
_BANK: Final = Path(__file__).parent / "bank"


@dataclass(frozen=True, slots=True)
class Source:
    """A set of templates.

    ``templates`` by id, sorted; ``shots`` are worked examples for few-shot prompts, originals of
    templates that are never tested; ``content_hash`` (16 hex digits) changes with any file.
    """

    name: str
    templates: Mapping[str, Template]
    shots: tuple[Problem, ...]
    content_hash: str

    def template(self, template_id: str) -> Template:
        """The template of that id; UsageError if there is none."""
        try:
            return self.templates[template_id]
        except KeyError:
            raise UsageError(f"no template {template_id!r} in source {self.name!r}") from None


def load_source(name: str = "bank", path: str | Path | None = None) -> Source:
    """Load a source once a process.

    ``path`` names a folder of template files (``templates/*.yaml`` and ``shots/*.yaml``, or YAML files
    alone) in place of the bank's own; ``name`` is then what its documents call it.

    Raises UsageError for an unknown source, TemplateError for a bad file or an empty folder.
    """
    if path is None:
        if name not in SOURCES:
            raise UsageError(f"unknown source {name!r}; known: {', '.join(SOURCES)}")
        return _load(name, _BANK)
    return _load(name, Path(path).resolve())


@cache
def _load(name: str, folder: Path) -> Source:
    if not folder.is_dir():
        raise TemplateError("is not a folder of template files", path=folder)
    inner = folder / "templates"
    files = _files(inner if inner.is_dir() else folder)
    if not files:
        raise TemplateError("holds no *.yaml template", path=folder)
    shots = _files(folder / "shots")
    content = hashlib.sha256()
    for file in (*files, *shots, Path(__file__).with_name("names.tsv")):
        content.update(file.name.encode("utf-8") + b"\0" + file.read_bytes() + b"\0")
    templates = [load_template(file, name) for file in files]
    exemplars = [load_template(file, f"{name}-shots") for file in shots]
    return Source(
        name,
        {template.id: template for template in templates},
        tuple(exemplar.problem("original", 0, 0) for exemplar in exemplars),
        content.hexdigest()[:16],
    )


def _files(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.yaml"), key=lambda file: file.name)


def open_source(name_or_folder: str) -> Source:
    """A source by name, or by the folder that holds its templates (its name is then the folder's)."""
    if name_or_folder in SOURCES:
        return load_source(name_or_folder)
    folder = Path(name_or_folder)
    if not folder.is_dir():
        raise UsageError(
            f"unknown source {name_or_folder!r}: neither a folder nor one of {', '.join(SOURCES)}"
        )
    return load_source(folder.resolve().name, folder)


def template_files(wanted: Sequence[str] = ()) -> list[Path]:
    """Template files by path, folder or bank id; all of the bank's, shots included, when none is named."""
    files: list[Path] = []
    for name in wanted or (str(_BANK / "templates"), str(_BANK / "shots")):
        path = Path(name)
        if path.is_dir():
            inner = path / "templates"
            found = _files(inner if inner.is_dir() else path)
            if not found:
                raise TemplateError("holds no *.yaml template", path=path)
            files += found
            continue
        stem = name.removeprefix("bank/")
        places = (path, _BANK / "templates" / f"{stem}.yaml", _BANK / "shots" / f"{stem}.yaml")
        existing = [place for place in places if place.is_file()]
        if not existing:
            raise UsageError(f"no template {name!r}: neither a file, nor a folder, nor an id of the bank")
        files.append(existing[0])
    return list(dict.fromkeys(files))


def sample(
    source: Source | Iterable[Template],
    variant: str,
    n: int,
    seed: int = 0,
    *,
    only: Template | None = None,
) -> Iterator[Problem]:
    """``n`` instances of a variant: one of each template in turn, then the next index.

    ``source`` may be any templates, such as those of a GSM8K split; ``only`` keeps to one of them. Templates
    that do not offer the variant are left out. The original has one instance a template, so it yields at
    most that many. Raises UsageError for an unknown variant or one that nobody offers.
    """
    if variant not in VARIANTS:
        raise UsageError(f"unknown variant {variant!r}; known: {', '.join(VARIANTS)}")
    candidates: Iterable[Template]
    if only is not None:
        candidates = (only,)
    else:
        candidates = source.templates.values() if isinstance(source, Source) else source
    offering = [t for t in candidates if variant in t.variants]
    if not offering:
        among = f"of source {source.name!r} " if isinstance(source, Source) else ""
        raise UsageError(f"no template {among}has the variant {variant!r}")
    left = min(n, len(offering)) if variant == "original" else n
    index = 0
    while left > 0:
        for template in offering[:left]:
            yield template.problem(variant, seed, index)
        left -= len(offering)
        index += 1
