"""The problems of ``rote demo``: half of templates that both models learned to solve, half of the bank's.

So a model that solves is right on about half of them whatever the numbers, and a drop is looked for and not
found. On the bank alone, of which it learned nothing, it would have nothing to lose.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Final

import rote.perturb
from rote.errors import DataError
from rote.perturb.keys import digest

#: What documents call their source: the folder's name.
SOURCE: Final = "known_and_bank"
#: Templates of each half.
HALF: Final = 50

_ORGANISMS: Final = Path(rote.__file__).parent / "organisms"
_KNOWN: Final = _ORGANISMS / "templates"
_SPLIT: Final = _ORGANISMS / "split.tsv"
_BANK: Final = Path(rote.perturb.__file__).parent / "bank" / "templates"


def trained_on() -> tuple[str, ...]:
    """Ids of the templates outside the bank that the shipped models learned from, sorted."""
    rows = (line.split("\t") for line in _SPLIT.read_text(encoding="utf-8").splitlines()[1:])
    return tuple(sorted(name for name, part in rows if part == "train"))


def known() -> tuple[str, ...]:
    """Ids of the half that the models learned from, sorted: those with the smallest hashes."""
    return _smallest("known", trained_on())


def of_the_bank() -> tuple[str, ...]:
    """Ids of the half that is the bank's, sorted, likewise; without ``bank/`` before them."""
    return _smallest("bank", (path.stem for path in _BANK.glob("*.yaml")))


def _smallest(name: str, ids: Iterable[str]) -> tuple[str, ...]:
    # By hash, so that no result has a say in the choice.
    return tuple(sorted(sorted(ids, key=lambda each: digest("demo", name, each))[:HALF]))


def write_problems(where: Path) -> Path:
    """Copy both halves into a new folder below ``where``, as files of templates; returns that folder.

    Raises DataError when a template of either half has the id of one of the other.
    """
    folder = where / SOURCE
    folder.mkdir(parents=True)
    for place, ids in ((_KNOWN, known()), (_BANK, of_the_bank())):
        for name in ids:
            target = folder / f"{name}.yaml"
            if target.exists():
                raise DataError("a template of the bank has this id, too", path=place / target.name)
            shutil.copyfile(place / target.name, target)
    return folder
