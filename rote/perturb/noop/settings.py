"""Where a story plays, and whether it is one of everyday life."""

from __future__ import annotations

import re
from collections.abc import Set as AbstractSet
from functools import cache
from pathlib import Path
from typing import Final

from rote.errors import DataError
from rote.perturb.noop.words import SETTINGS

_TABLE: Final = Path(__file__).with_name("settings.tsv")
#: Points that words must bring together for a setting.
_ENOUGH: Final = 2


@cache
def _cues() -> dict[str, dict[str, int]]:
    """Points by setting and word. Raises DataError naming the line that is not ``setting, points, words``."""
    cues: dict[str, dict[str, int]] = {setting: {} for setting in SETTINGS}
    for line, row in enumerate(_TABLE.read_text(encoding="utf-8").splitlines(), start=1):
        if not row or row.startswith("#"):
            continue
        cells = row.split("\t")
        if len(cells) != 3 or cells[0] not in SETTINGS or cells[1] not in ("1", "2"):
            raise DataError(f"expected setting, 1 or 2, words; got {row!r}", path=_TABLE, line=line)
        for word in cells[2].split():
            if word in cues[cells[0]]:
                raise DataError(f"{word!r} stands twice for {cells[0]}", path=_TABLE, line=line)
            cues[cells[0]][word] = int(cells[1])
    return cues


def settings_of(lemmas: AbstractSet[str]) -> frozenset[str]:
    """The settings of a story with these lemmas: one strong cue or two weak ones each."""
    return frozenset(
        setting
        for setting, points in _cues().items()
        if sum(p for word, p in points.items() if word in lemmas) >= _ENOUGH
    )


_STRANGE: Final = frozenset(
    "dragon king queen prince princess knight castle wizard witch magic magical magician alien spaceship "
    "kingdom zombie pirate vampire unicorn fairy elf goblin troll ogre mermaid giant dwarf gladiator "
    "medieval dinosaur robot superhero superman planet mars jupiter saturn martian galaxy astronaut "
    "spacecraft asteroid moon colonist colony viking samurai ninja werewolf ghost monster wand potion "
    "spell sorcerer emperor pharaoh hobbit demon god goddess angel santa minion bigfoot godzilla pokemon "
    "digimon titan warrior tribe caveman mammoth yeti leprechaun genie centaur cyborg android army "
    "soldier battle war cannon sword shield villain hero heroine prisoner jail prison plague virus "
    "infected murder corpse graveyard".split()
)
#: Puzzles about bare numbers and figures.
_BARE: Final = frozenset(
    "integer digit polygon hexagon pentagon octagon polynomial equation variable remainder multiple prime "
    "arithmetic geometric sequence whatchamacallit thingamabob whirligig".split()
)
_BARE_TEXT: Final = re.compile(
    r"\b(?:sum|product|difference|ratio) of (?:two|three|the|\d+) (?:consecutive )?numbers\b"
    r"|\bconsecutive\b|\b(?:two|three) numbers\b"
    r"|\ba number\b.{0,40}\b(?:multiplied|divided|added|subtracted)\b"
    r"|^(?:what is|find|calculate|evaluate|if) (?:the )?\d|\b1[0-8]\d\d (?:AD|BC)\b|\bB\.?C\.?\b"
    r"|^\S+ (?:rectangle|triangle|square|circle|cube|trapezoid|rhombus|cylinder|parallelogram)\b",
    re.IGNORECASE,
)


def is_modern(question: str, lemmas: AbstractSet[str]) -> bool:
    """Whether the story is of the everyday world of today, with somebody or something in it."""
    return not (lemmas & (_STRANGE | _BARE) or _BARE_TEXT.search(question))
