"""Which templates are drawn from, as plain values with which any process opens the same ones."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from rote.errors import DataError, UsageError
from rote.perturb.source import SOURCES, Source, load_source, open_source
from rote.perturb.template import Template
from rote.problem import VARIANTS


@dataclass(frozen=True, slots=True)
class Opened:
    """Templates by id, in order. ``prefix`` stands before the last part of their ids.

    ``content_hash`` (16 hex digits) names their content; ``remarks`` are lines on what was left out.
    """

    templates: Mapping[str, Template]
    prefix: str
    content_hash: str
    remarks: tuple[str, ...] = ()

    @property
    def source(self) -> str:
        """The name of the source."""
        return self.prefix.split("/")[0]


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be drawn.

    Attributes
    ----------
    source: ``bank``, ``gsm8k``, ``apple``, or a folder of template files.
    path: where the files of a named source are; None: where it finds them itself.
    split: of GSM8K; None: ``test``.
    template: the id of the only template to draw from, with or without the source before it; None: all.
    variant: one of :data:`rote.problem.VARIANTS`.
    seed: of the draws.

    Raises UsageError: an unknown variant, a split without GSM8K, ``apple`` without a path.
    """

    source: str = "bank"
    path: str | None = None
    split: str | None = None
    template: str | None = None
    variant: str = "symbolic"
    seed: int = 0

    def __post_init__(self) -> None:
        if self.variant not in VARIANTS:
            raise UsageError(f"unknown variant {self.variant!r}; known: {', '.join(VARIANTS)}")
        if self.split is not None and self.source != "gsm8k":
            raise UsageError("--split goes with --source gsm8k")
        if self.source == "apple" and self.path is None:
            raise UsageError("--source apple needs --path: the folder of the JSON templates")

    def absolute(self) -> Wanted:
        """The same with absolute paths, for processes that stand in another folder."""
        from dataclasses import replace

        path = None if self.path is None else str(Path(self.path).expanduser().resolve())
        folder = self.source not in (*SOURCES, "gsm8k", "apple") and Path(self.source).is_dir()
        return replace(self, path=path, source=str(Path(self.source).resolve()) if folder else self.source)

    def open(self) -> Opened:
        """The templates. Raises what their sources raise, and UsageError for a template they do not have."""
        opened = _open(self)
        if self.template is None:
            return opened
        name = self.template if "/" in self.template else f"{opened.prefix}/{self.template}"
        if name not in opened.templates:
            raise UsageError(f"no template {name!r} in source {opened.source!r}")
        return Opened({name: opened.templates[name]}, opened.prefix, opened.content_hash, opened.remarks)


def _open(wanted: Wanted) -> Opened:
    if wanted.source == "gsm8k":
        from rote.perturb import gsm8k

        split = wanted.split or "test"
        items = gsm8k.load(split, wanted.path)
        by_id = {item.id: item for item in items.templates.values()}
        return Opened(by_id, f"gsm8k/{split}", items.content_hash)
    if wanted.source == "apple":
        from rote.perturb.apple import load_apple

        imported = load_apple(wanted.path or "")
        remarks = tuple(f"left out: {rejection}" for rejection in imported.rejections)
        return Opened(imported.templates, imported.name, imported.content_hash, remarks)
    source: Source = (
        open_source(wanted.source) if wanted.path is None else load_source(wanted.source, wanted.path)
    )
    return Opened(source.templates, source.name, source.content_hash)


@lru_cache(maxsize=1)
def opened_once(wanted: Wanted, content_hash: str) -> Mapping[str, Template]:
    """The templates as a worker keeps them from one stretch to the next.

    Raises DataError: they are not those of ``content_hash``, which whoever asked has seen.
    """
    opened = wanted.open()
    if opened.content_hash != content_hash:
        raise DataError(
            f"its templates changed while instances were made: {content_hash} at the start, "
            f"{opened.content_hash} now; start again",
            path=wanted.path,
            field=f"source {wanted.source}",
        )
    return opened.templates
