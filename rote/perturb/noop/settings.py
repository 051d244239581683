"""Where a story plays, and whether it is one of everyday life."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Final

from rote.errors import DataError
from rote.perturb.noop.nouns import class_of
from rote.perturb.noop.tagging import Token
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


#: Words that say where only as the last of a compound: a school, but no school bus.
_PLACES: Final = frozenset(
    "shop store supermarket mall boutique bookstore pharmacy bakery deli outlet school kitchen office "
    "farm barn garden greenhouse airport hotel".split()
)
_NO_WORKPLACE: Final = frozenset(("post", "box", "ticket", "booking"))


def settings_of(tokens: Sequence[Token]) -> frozenset[str]:
    """The settings of a story of these tokens: one strong cue or two weak ones each.

    A cue is a noun's lemma, ``to-`` and a verb's, or ``goods-for-money``.
    """
    words: set[str] = set()
    for i, token in enumerate(tokens):
        compound = i + 1 < len(tokens) and tokens[i + 1].tag.startswith("NN")
        if token.lemma == "office" and i and tokens[i - 1].lower in _NO_WORKPLACE:
            continue
        if token.tag.startswith(("NN", "NP")) and not (compound and token.lemma in _PLACES):
            words.add(token.lemma)
        elif token.tag.startswith("VV"):
            words.add(f"to-{token.lemma}")
    goods = any(class_of(token.lower) in ("food", "object") for token in tokens)
    if goods and any(token.text == "$" for token in tokens):
        words.add("goods-for-money")
    return frozenset(
        setting
        for setting, points in _cues().items()
        if sum(p for word, p in points.items() if word in words) >= _ENOUGH
    )


_STRANGE: Final = frozenset(
    "dragon knight wizard alien spaceship kingdom zombie vampire elf goblin troll ogre mermaid dwarf "
    "gladiator medieval mars jupiter saturn martian galaxy astronaut spacecraft asteroid colonist colony "
    "viking samurai ninja werewolf ghost wand potion sorcerer emperor pharaoh hobbit demon goddess "
    "bigfoot godzilla titan caveman mammoth yeti leprechaun genie centaur cyborg android battle cannon "
    "sword villain prisoner jail prison plague virus infected murder corpse graveyard pirate santa".split()
)
#: Kings and planets, but no king-size bed.
_STRANGE_TEXT: Final = re.compile(
    r"\b(?:King|Queen|Prince|Princess) [A-Z]|\b(?:[Tt]he|[Aa]n?|old|two) (?:king|queen|prince|princess)s?\b"
    r"(?![ -](?:sized?|beds?|cabs?|sets?|cabins?|mattress|crabs?)\b)|\b[A-Za-z]+ planets?\b"
)
#: Puzzles about bare numbers and figures.
_BARE: Final = frozenset(
    "digit polygon hexagon pentagon octagon polynomial equation variable prime arithmetic geometric "
    "sequence whatchamacallit thingamabob whirligig".split()
)
_BARE_TEXT: Final = re.compile(
    r"\b(?:sum|product|difference|ratio) of (?:two|three|the|\d+) (?:consecutive )?numbers\b"
    r"|(?<!nearest )(?<!whole )\bintegers?\b|\bconsecutive\b|\b(?:two|three) numbers\b"
    r"|\ba number\b.{0,40}\b(?:multiplied|divided|added|subtracted)\b"
    r"|^(?:what is|find|calculate|evaluate|if) (?:the )?\d|\b1[0-8]\d\d (?:AD|BC)\b|\bB\.?C\.?\b"
    r"|^\S+ (?:rectangle|triangle|square|circle|cube|trapezoid|rhombus|cylinder|parallelogram)\b",
    re.IGNORECASE,
)


def is_modern(question: str, tokens: Sequence[Token]) -> bool:
    """Whether the story is of the everyday world of today, with somebody or something in it."""
    words = {word for token in tokens for word in (token.lemma, token.lower)}
    return not (words & (_STRANGE | _BARE) or _STRANGE_TEXT.search(question) or _BARE_TEXT.search(question))
