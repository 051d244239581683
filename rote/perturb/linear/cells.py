"""Cells: one kind of problem at one level, and the order in which its instances come.

A cell's draws are numbered: solution, coefficients, letters and words are the digits of a position. Index i
of a seed looks at positions of its own in a keyed order of them all (:mod:`rote.perturb.keys`) and takes the
first that the split and the constraints accept. No position is anybody else's, and two accepted positions
never read alike: so no question comes twice below the cell's capacity.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache, lru_cache
from typing import Final, NamedTuple

from rote.errors import UnsatisfiableError, UsageError
from rote.perturb import keys
from rote.perturb.linear import splits
from rote.perturb.linear.draws import Digits, Maker, maker
from rote.perturb.linear.levels import DIFFICULTIES, UNKNOWNS
from rote.perturb.linear.stories import STORIES, Story, listed
from rote.perturb.linear.system import System
from rote.perturb.linear.wordings import BASKET_STORIES, RIDDLES

FORMS: Final = ("equations", "words")

#: Letters that are neither words, nor numbers, nor units that a solution is likely to use.
LETTERS: Final = {
    1: (("x",), ("y",), ("z",), ("n",), ("p",), ("k",), ("w",), ("u",)),
    2: (("x", "y"), ("p", "q"), ("u", "v"), ("n", "k"), ("y", "z"), ("w", "z")),
    3: (("x", "y", "z"), ("p", "q", "r"), ("u", "v", "w"), ("k", "n", "p")),
}

#: Positions that belong to one index. Where a cell accepts one position in twenty, all of them fail once in
#: 10**22 indices.
_SHARE_BITS: Final = 10
#: Spaces up to this size are searched whole.
_SMALL: Final = 1 << 18


class Drawn(NamedTuple):
    """An instance before it is worked out: its question, letters and system."""

    question: str
    letters: tuple[str, ...]
    system: System


@dataclass(frozen=True, slots=True)
class Cell:
    """One kind of problem at one level of difficulty.

    ``id`` is ``<kind>-<unknowns>-<difficulty>``; ``story`` is None for systems in symbols.
    """

    id: str
    unknowns: int
    difficulty: int
    form: str
    maker: Maker
    story: Story | None
    _small: dict[str, tuple[int, ...]] = field(default_factory=dict, compare=False, repr=False)
    _sizes: tuple[int, ...] = ()

    @property
    def space(self) -> int:
        """How many positions there are, accepted or not."""
        return math.prod(self._sizes)

    @property
    def bits(self) -> int:
        """Bits of a position."""
        return (self.space - 1).bit_length()

    def capacity(self, split: str) -> int:
        """How many indices give different questions."""
        if self.space <= _SMALL:
            return len(self._accepted(split))
        return 1 << (self.bits - _SHARE_BITS)

    def draw(self, split: str, seed: int, index: int) -> Drawn:
        """The instance of that split, seed and index: a function of these alone.

        Raises UsageError for an unknown split and an index outside [0, capacity).
        """
        capacity = self.capacity(splits.check_split(split))
        if not 0 <= index < capacity:
            raise UsageError(
                f"linear/{self.id}: index must be from 0 to {capacity - 1:,} (the split {split!r} has "
                f"{capacity:,} different questions of this kind), got {index}"
            )
        bits = self.bits
        if self.space <= _SMALL:
            accepted = self._accepted(split)
            own = max(1, (len(accepted) - 1).bit_length())
            key = _key(own, self.id, split, seed)
            x = keys.permute(index, own, key)
            while x >= len(accepted):
                x = keys.permute(x, own, key)
            drawn = self.at(accepted[x], split)
            if drawn is not None:
                return drawn
        key = _key(bits, self.id, split, seed)
        for turn in range(1 << _SHARE_BITS):
            position = keys.permute(turn * capacity + index, bits, key)
            if position < self.space:
                drawn = self.at(position, split)
                if drawn is not None:
                    return drawn
        raise UnsatisfiableError(
            f"linear/{self.id}: no draw of split {split!r} at seed {seed}, index {index}"
        )

    def at(self, position: int, split: str) -> Drawn | None:
        """What stands at a position; None where it is of another split or refused."""
        sizes, lead = self._sizes, self.maker.lead
        digits = []
        for size in sizes[:lead]:
            position, digit = divmod(position, size)
            digits.append(digit)
        solution = self.maker.solution(digits)
        if splits.class_of(solution) not in splits.SPLITS[split]:
            return None
        for size in sizes[lead:]:
            position, digit = divmod(position, size)
            digits.append(digit)
        made = len(self.maker.sizes)
        system = self.maker.system(digits[:made], solution)
        if system is None:
            return None
        letters = LETTERS[self.unknowns][digits[made]]
        question = self._question(system, letters, digits[made + 1 :])
        return None if question is None else Drawn(question, letters, system)

    def _question(self, system: System, letters: Sequence[str], digits: Digits) -> str | None:
        if self.story is not None:
            return self.story.tell(system, letters, digits)
        written = [made.text(letters) for made in system.equations]
        if len(letters) == 1:
            return f"Solve the equation {written[0]} for {letters[0]}."
        return "\n".join([f"Solve this system of equations for {listed(letters)}.", *written])

    def _accepted(self, split: str) -> tuple[int, ...]:
        if split not in self._small:
            self._small[split] = tuple(x for x in range(self.space) if self.at(x, split) is not None)
        return self._small[split]


@lru_cache(maxsize=1024)
def _key(bits: int, cell: str, split: str, seed: int) -> keys.Key:
    return keys.make_key(bits, "linear", cell, split, seed)


def _cell(kind: str, unknowns: int, difficulty: int, made: Maker, story: Story | None) -> Cell:
    words = story.sizes if story is not None else ()
    return Cell(
        f"{kind}-{unknowns}-{difficulty}",
        unknowns,
        difficulty,
        FORMS[story is not None],
        made,
        story,
        _sizes=(*made.sizes, len(LETTERS[unknowns]), *words),
    )


@cache
def cells() -> tuple[Cell, ...]:
    """All cells, in order of unknowns, difficulty and form."""
    symbols = [
        _cell("equations", unknowns, level, maker(unknowns, level), None)
        for unknowns in UNKNOWNS
        for level in DIFFICULTIES
    ]
    told = [
        _cell(story.name, story.unknowns, level, made, story)
        for story in (*STORIES, *BASKET_STORIES, *RIDDLES)
        for level, made in story.makers.items()
    ]
    return tuple(
        sorted((*symbols, *told), key=lambda c: (c.unknowns, c.difficulty, FORMS.index(c.form), c.id))
    )


@cache
def find(unknowns: int, difficulty: int, form: str) -> tuple[Cell, ...]:
    """The cells of so many unknowns, that level and that form; at least one."""
    return tuple(
        cell
        for cell in cells()
        if (cell.unknowns, cell.difficulty, cell.form) == (unknowns, difficulty, form)
    )
