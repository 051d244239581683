"""Word problems for systems of any shape: number riddles, and baskets of things with one price each."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final

from rote.perturb.linear.draws import Digits, maker
from rote.perturb.linear.levels import DIFFICULTIES, UNKNOWNS, Level, rationals
from rote.perturb.linear.stories import PEOPLE, Story, asked, count, listed
from rote.perturb.linear.system import Equation, Number, System, size, text_of

# --- riddles -----------------------------------------------------------------------------------------

_ORDINALS: Final = {
    1: ("the number",),
    2: ("the first number", "the second number"),
    3: ("the first number", "the second number", "the third number"),
}
_NUMBERS: Final = {1: "a number", 2: "two numbers", 3: "three numbers"}


def _term(value: Number, what: str) -> str:
    return what if value == 1 else f"{text_of(value)} times {what}"


def _spoken(coefficients: Sequence[Number], constant: Number, things: Sequence[str]) -> str:
    """``3 times the first number minus 2 times the second number plus 4``."""
    said = ""
    for value, what in zip(coefficients, things, strict=True):
        if not value:
            continue
        if not said:
            said = _term(value, what)
        else:
            said += f" {'plus' if value > 0 else 'minus'} {_term(size(value), what)}"
    if not said:
        return text_of(constant)
    return said + _spoken_constant(constant)


def _spoken_constant(constant: Number) -> str:
    if not constant:
        return ""
    return f" {'plus' if constant > 0 else 'minus'} {text_of(size(constant))}"


def _statement(made: Equation, things: Sequence[str]) -> str:
    if made.bracket is not None:
        return _instruction(made, things)
    left = _spoken(made.left, made.left_constant, things)
    right = _spoken(made.right, made.right_constant, things)
    joined = "is the same as" if any(made.right) else "is"
    said = f"{left} {joined} {right}."
    return said[0].upper() + said[1:]


def _instruction(made: Equation, things: Sequence[str]) -> str:
    """A bracket step by step: read out in one breath it could be taken for something else."""
    factor, shift, rest = made.bracket or (1, 0, 0)
    first = (
        f"Add {text_of(shift)} to {things[0]}, multiply the sum by"
        if shift > 0
        else f"Subtract {text_of(-shift)} from {things[0]}, multiply the difference by"
    )
    then = f"{'add' if rest > 0 else 'subtract'} {text_of(size(rest))}"
    right = _spoken(made.right, made.right_constant, things)
    return f"{first} {text_of(factor)} and then {then}: the result is the same as {right}."


def _tell_riddle(system: System, letters: Sequence[str], digits: Digits) -> str | None:
    things = _ORDINALS[len(letters)]
    statements = " ".join(_statement(made, things) for made in system.equations)
    return f"{PEOPLE[digits[0]]} thinks of {_NUMBERS[len(letters)]}. {statements} " + asked(letters, things)


# --- baskets -----------------------------------------------------------------------------------------


def _positive(low: int, high: int) -> tuple[Number, ...]:
    return tuple(range(low, high + 1))


def _level(
    coefficients: tuple[Number, ...],
    solutions: tuple[Number, ...],
    shape: str,
    largest: int,
    *,
    rational: bool = False,
) -> Level:
    return Level(
        coefficients=dict.fromkeys(UNKNOWNS, coefficients),
        solutions=dict.fromkeys(UNKNOWNS, solutions),
        shape=shape,
        both_sides=False,
        rational_solution=rational,
        largest=largest,
    )


#: Levels of systems in which nothing is negative.
_COUNTS: Final[Mapping[int, Level]] = {
    1: _level(_positive(1, 6), _positive(2, 25), "triangular", 400),
    2: _level(_positive(1, 6), _positive(2, 30), "sparse", 600),
    3: _level(_positive(1, 12), _positive(3, 45), "full", 1500),
    4: _level(_positive(1, 7), rationals(1, 12, 1, 2, 3, 4), "full", 600, rational=True),
    5: _level(
        tuple(v for v in rationals(0, 4, 1, 2, 3, 4) if v > 0),
        tuple(v for v in rationals(0, 4, 1, 2, 3, 4) if v > 0),
        "full",
        999,
        rational=True,
    ),
}


@dataclass(frozen=True, slots=True)
class Basket:
    """Things that cost, weigh, hold or measure something each, and sums over some of them.

    ``items`` are (one, many) in the order of the unknowns; ``opening`` may name ``{who}`` and ``{place}``;
    ``rows`` are templates for the equations in order, with ``{list}`` and either ``{total}`` or ``{amount}``,
    the total with its unit; ``meaning`` is what a letter stands for, with ``{one}``.
    """

    name: str
    items: tuple[tuple[str, str], ...]
    opening: str
    rows: tuple[str, str, str]
    meaning: str
    unit: str
    places: tuple[str, ...] = ("",)
    levels: tuple[int, ...] = (1, 2, 3)
    unknowns: tuple[int, ...] = (2, 3)


def _article(word: str) -> str:
    return f"an {word}" if word[0] in "aeiou" or word.startswith("hour") else f"a {word}"


def _tell_basket(basket: Basket, system: System, letters: Sequence[str], digits: Digits) -> str | None:
    items = basket.items[: len(letters)]
    told = [basket.opening.format(who=PEOPLE[digits[0]], place=basket.places[digits[1]])]
    for row, made in zip(basket.rows, system.equations, strict=False):
        parts = [count(n, *item) for n, item in zip(made.left, items, strict=True) if n]
        total = made.right_constant
        amount = count(total, basket.unit.removesuffix("s"), basket.unit)
        told.append(row.format(list=listed(parts), total=text_of(total), amount=amount))
    meanings = [basket.meaning.format(one=_article(one)) for one, _ in items]
    unit = f", {'both' if len(letters) == 2 else 'all'} in {basket.unit}"
    return " ".join([*told, asked(letters, meanings, unit)])


_TOGETHER: Final = "{list} weigh {amount} together."
_HOLD: Final = "{list} hold {amount} together."

BASKETS: Final = (
    Basket(
        name="tickets",
        items=(
            ("adult ticket", "adult tickets"),
            ("child ticket", "child tickets"),
            ("senior ticket", "senior tickets"),
        ),
        opening="{who} sells tickets at the {place}. Tickets of the same kind have the same price.",
        rows=(
            "A first group pays ${total} for {list}.",
            "A second group pays ${total} for {list}.",
            "A third group pays ${total} for {list}.",
        ),
        meaning="the price of {one}",
        unit="dollars",
        places=("zoo", "museum", "funfair", "circus", "theatre", "open-air pool", "planetarium", "ice rink"),
    ),
    Basket(
        name="wages",
        items=(
            ("hour at the till", "hours at the till"),
            ("hour in the kitchen", "hours in the kitchen"),
            ("hour in the garden", "hours in the garden"),
        ),
        opening="{who} works at a {place}, where each kind of work has its own hourly wage.",
        rows=(
            "The first week brings ${total} for {list}.",
            "The second week brings ${total} for {list}.",
            "The third week brings ${total} for {list}.",
        ),
        meaning="the wage for {one}",
        unit="dollars",
        places=("guest house", "castle", "boarding school", "country inn", "manor", "camp site"),
    ),
    Basket(
        name="tiles",
        items=(("red tile", "red tiles"), ("blue tile", "blue tiles"), ("white tile", "white tiles")),
        opening="{who} lays tiles end to end in a {place}. Tiles of the same colour are equally long.",
        rows=("A row of {list} measures {amount}.",) * 3,
        meaning="the length of {one}",
        unit="centimetres",
        places=("hallway", "bathroom", "kitchen", "porch", "stairwell", "winter garden"),
    ),
    Basket(
        name="crates",
        items=(("red crate", "red crates"), ("blue crate", "blue crates"), ("green crate", "green crates")),
        opening="{who} weighs crates at a {place}. Crates of the same colour have the same weight.",
        rows=(_TOGETHER,) * 3,
        meaning="the weight of {one}",
        unit="kilograms",
        places=("depot", "post office", "harbour", "railway station", "warehouse"),
        levels=(1, 2, 3, 4),
    ),
    Basket(
        name="jugs",
        items=(("glass jug", "glass jugs"), ("tin jug", "tin jugs"), ("clay jug", "clay jugs")),
        opening="{who} fills jugs at a {place}. Jugs of the same kind hold the same amount.",
        rows=(_HOLD,) * 3,
        meaning="the capacity of {one}",
        unit="litres",
        places=("well", "spring", "pump", "mill pond", "fountain"),
        levels=(1, 2, 3, 4),
    ),
    Basket(
        name="rods",
        items=(
            ("metre of iron rod", "metres of iron rod"),
            ("metre of copper rod", "metres of copper rod"),
            ("metre of brass rod", "metres of brass rod"),
        ),
        opening="{who} weighs metal rods in a {place}.",
        rows=(_TOGETHER,) * 3,
        meaning="the weight of {one}",
        unit="kilograms",
        places=("laboratory", "workshop", "forge", "classroom", "factory"),
        levels=(5,),
    ),
    Basket(
        name="battens",
        items=(
            ("metre of oak batten", "metres of oak batten"),
            ("metre of pine batten", "metres of pine batten"),
            ("metre of ash batten", "metres of ash batten"),
        ),
        opening="{who} weighs wooden battens in a {place}.",
        rows=(_TOGETHER,) * 3,
        meaning="the weight of {one}",
        unit="kilograms",
        places=("sawmill", "boatyard", "timber yard", "joiner's shop", "barn"),
        levels=(5,),
    ),
)


def _basket_story(basket: Basket, unknowns: int) -> Story:
    tell: Callable[[System, Sequence[str], Digits], str | None] = partial(_tell_basket, basket)
    return Story(
        basket.name,
        unknowns,
        {level: maker(unknowns, level, _COUNTS) for level in basket.levels},
        (len(PEOPLE), len(basket.places)),
        tell,
    )


#: Number riddles exist for every level: their systems are those that stand in symbols, read out.
RIDDLES: Final = tuple(
    Story(
        "riddle",
        unknowns,
        {level: maker(unknowns, level) for level in DIFFICULTIES},
        (len(PEOPLE),),
        _tell_riddle,
    )
    for unknowns in UNKNOWNS
)

BASKET_STORIES: Final = tuple(
    _basket_story(basket, unknowns) for basket in BASKETS for unknowns in basket.unknowns
)
