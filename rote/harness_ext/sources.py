"""Where the templates and the worked examples of the ``bank_…`` tasks come from."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Final

import rote.perturb
from rote.errors import DataError, UsageError
from rote.perturb import Source, load_source
from rote.problem import Problem

#: Names of sources that a folder of a user's own cannot have: its documents would pass for theirs.
_TAKEN: Final = ("bank", "gsm8k", "apple")

_BANK: Final = Path(rote.perturb.__file__).parent / "bank"

_log = logging.getLogger("lm_eval.rote")

#: Where this process found the sources that are no part of rote, by name.
_opened: dict[str, Source] = {}


def open_templates(folder: Path | None) -> Source:
    """The bank, or the templates of a user's own in its place; the source is then named as the folder.

    Raises UsageError for a folder that is not there or is named like a source of rote, TemplateError for a
    bad file or for none.
    """
    if folder is None:
        return load_source("bank")
    place = folder.resolve()
    if not place.is_dir():
        raise UsageError(f"metadata rote.templates: {folder} is no folder")
    if place.name in _TAKEN:
        raise UsageError(
            f"metadata rote.templates: {folder} would give a source of the name {place.name!r}, which is "
            "taken; rename the folder"
        )
    source = load_source(place.name, place)
    _opened[source.name] = source
    return source


def original(source: str, template_id: str) -> Problem | None:
    """The original of a template of the bank or of a folder that this process has opened, if there is one."""
    known = load_source("bank") if source == "bank" else _opened.get(source)
    template = known.templates.get(template_id) if known is not None else None
    return template.problem("original", 0, 0) if template is not None else None


def shots_of(folder: Path | None, count: int) -> tuple[Problem, ...]:
    """``count`` worked examples: those of the folder's own ``shots``, the bank's where it has no such folder.

    Raises DataError where ``shots`` holds fewer.
    """
    place = _shots_folder(folder)
    shots = load_source("bank").shots if place == _BANK / "shots" else open_templates(folder).shots
    if folder is not None and place == _BANK / "shots":
        _log.info("%s has no folder shots: the worked examples are the bank's", folder)
    return _enough(shots, count, place)


def inert_shots_of(folder: Path | None, count: int) -> tuple[Problem, ...]:
    """As :func:`shots_of`, each with an inert clause; the first of the templates that have any, by name."""
    place = _shots_folder(folder)
    name = "bank" if folder is None or place == _BANK / "shots" else folder.resolve().name
    templates = load_source(f"{name}-shots", place).templates.values()
    shots = tuple(template.problem("noop", 0, 0) for template in templates if template.offers("noop"))
    return _enough(shots, count, place, "that have inert clauses")


def _shots_folder(folder: Path | None) -> Path:
    """The folder of the templates that are shown and never tested."""
    own = folder.resolve() / "shots" if folder is not None else None
    return own if own is not None and own.is_dir() else _BANK / "shots"


def _enough(shots: tuple[Problem, ...], count: int, place: Path, which: str = "") -> tuple[Problem, ...]:
    if len(shots) < count:
        told = f"worked examples {which}".rstrip()
        raise DataError(f"holds {len(shots)} {told}; {count} are shown", path=place)
    return shots[:count]
