"""All templates of a folder or file of the GSM-Symbolic format, and what was refused and why."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from rote.errors import DataError, TemplateError
from rote.perturb.apple import lists
from rote.perturb.apple.reader import Sheet, files_of, records_of, sheet_of
from rote.perturb.apple.refusal import RefusedError, Rejection
from rote.perturb.apple.template import AppleTemplate
from rote.perturb.source import Source


@dataclass(frozen=True, slots=True)
class Imported:
    """What came of a folder: ``templates`` by id in the order of the files, ``rejections`` with reasons.

    ``content_hash`` (16 hex digits) names the files and the lists that stand in for unpublished ones.
    """

    name: str
    templates: Mapping[str, AppleTemplate]
    rejections: tuple[Rejection, ...]
    content_hash: str

    def source(self) -> Source:
        """The templates as a source to sample from; it has no worked examples of its own."""
        return Source(self.name, self.templates, (), self.content_hash)


def load_apple(path: str | Path, *, source: str = "apple", skip_malformed: bool = False) -> Imported:
    """Read the templates of a folder of ``*.json`` files, of one such file or of a ``*.jsonl``.

    A folder with a folder ``symbolic`` in it is read from there, and its folders ``p1`` and ``p2`` give the
    variants of these names.

    A template that contradicts itself or steps outside the grammar becomes a rejection. A record that is
    not of the format at all is an error, unless ``skip_malformed`` makes it a rejection as well.

    Raises
    ------
    SourceUnavailableError: neither a folder with such files nor a file.
    DataError: a file that is not JSON, or a record without the keys and sections of the format.
    TemplateError: not one template could be taken over.
    """
    place = Path(path).expanduser().resolve()
    base = place / "symbolic"
    done = _Import(source, skip_malformed)
    for sheet in done.sheets(base if base.is_dir() else place):
        done.take(sheet)
    if base.is_dir():
        for variant in ("p1", "p2"):
            if (place / variant).is_dir():
                for sheet in done.sheets(place / variant, variant):
                    done.extend(variant, sheet)
    if not done.templates:
        told = "; ".join(str(rejection) for rejection in done.rejections[:3]) or "no record"
        raise TemplateError(f"no template could be taken over: {told}", path=place)
    return Imported(source, done.templates, tuple(done.rejections), done.content.hexdigest()[:16])


class _Import:
    """What has been read so far."""

    def __init__(self, source: str, skip_malformed: bool) -> None:
        self.source = source
        self.skip_malformed = skip_malformed
        self.templates: dict[str, AppleTemplate] = {}
        self.rejections: list[Rejection] = []
        self.content = hashlib.sha256(lists.content_hash().encode("ascii"))

    def sheets(self, place: Path, part: str = "") -> Iterator[Sheet]:
        """The sheets of a folder or file; records that are none are raised or put down."""
        for file in files_of(place):
            for line, record in records_of(file):
                kept = (part, file.name, line, None if isinstance(record, DataError) else record)
                self.content.update(repr(kept).encode("utf-8", "surrogatepass"))
                try:
                    yield sheet_of(record, file, line, self.source)
                except DataError as error:
                    if not self.skip_malformed:
                        raise
                    name = file.stem if line is None else f"{file.stem}-{line}"
                    self.rejections.append(
                        Rejection(f"{self.source}/{name}", "malformed", str(error), file, error.field)
                    )

    def take(self, sheet: Sheet) -> None:
        """A template, or a rejection."""
        try:
            if sheet.template_id in self.templates:
                raise RefusedError("duplicate_id", "an earlier record has this id", field="id_orig")
            self.templates[sheet.template_id] = AppleTemplate(sheet, self.source)
        except RefusedError as error:
            self._refuse(sheet.template_id, sheet, error)

    def extend(self, variant: str, sheet: Sheet) -> None:
        """A further variant of the template of that id, or a rejection."""
        try:
            template = self.templates.get(sheet.template_id)
            if template is None:
                raise RefusedError("no_base", "its template in symbolic/ is missing or was refused")
            if variant in template.variants:
                raise RefusedError("duplicate_id", "an earlier record has this id", field="id_orig")
            template.extend(variant, sheet)
        except RefusedError as error:
            self._refuse(f"{sheet.template_id}/{variant}", sheet, error)

    def _refuse(self, name: str, sheet: Sheet, error: RefusedError) -> None:
        self.rejections.append(Rejection(name, error.code, error.message, sheet.path, error.field))
