"""Word problems whose equations are those of a story: counts, ages, rates, speeds, mixtures.

Each story has a maker of its own: the story decides the shape of the equations, and that everything counted
or measured is positive.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Final

from rote.perturb import names as people
from rote.perturb.linear.draws import Digits, Maker
from rote.perturb.linear.levels import rationals
from rote.perturb.linear.system import Equation, Number, System, equation, plain

#: People of the stories, in the order of the table.
PEOPLE: Final = tuple(person.name for person in people.people("any"))

#: What a story says of a system: the system, its letters and the digits of its words; None where it refuses.
Tell = Callable[[System, Sequence[str], Digits], str | None]


@dataclass(frozen=True, slots=True)
class Story:
    """A way to put systems of one shape into words.

    ``makers`` by difficulty; ``sizes`` of the digits that ``tell`` takes for names and things.
    """

    name: str
    unknowns: int
    makers: dict[int, Maker]
    sizes: tuple[int, ...]
    tell: Tell


def count(number: Number, one: str, many: str) -> str:
    """``1 ticket``, ``3 tickets``, ``1/2 litre``, ``3/2 litres``."""
    return f"{number} {one if number <= 1 else many}"


def litres(number: Number) -> str:
    """``1/2 litre``, ``3 litres``."""
    return count(number, "litre", "litres")


def listed(parts: Sequence[str]) -> str:
    """``a``, ``a and b``, ``a, b and c``."""
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"


def asked(letters: Sequence[str], meanings: Sequence[str], unit: str = "") -> str:
    """What the letters stand for, and the question."""
    said = listed(
        [
            f"{letter} be {what}" if not at else f"{letter} {what}"
            for at, (letter, what) in enumerate(zip(letters, meanings, strict=True))
        ]
    )
    return f"Let {said}{unit}. Find {listed(letters)}."


def _distinct(digits: Digits) -> bool:
    return len(set(digits)) == len(digits)


# --- one unknown -------------------------------------------------------------------------------------

_HIRED: Final = (
    "rowing boat",
    "bicycle",
    "canoe",
    "tandem",
    "pair of skis",
    "tent",
    "sewing machine",
    "drill",
)


def _hire(digits: Digits, solution: tuple[Number, ...]) -> System | None:
    rate, fee = digits[1] + 3, digits[2] + 5
    return System((Equation((rate,), fee, (0,), rate * solution[0] + fee),), solution)


def _tell_hire(system: System, letters: Sequence[str], digits: Digits) -> str | None:
    (made,), who, thing = system.equations, PEOPLE[digits[0]], _HIRED[digits[1]]
    return (
        f"{who} hires a {thing} for a whole number of hours. The hire costs ${made.left_constant} to begin "
        f"with and ${made.left[0]} for every hour, and {who} pays ${made.right_constant}. "
        + asked(letters, ["the number of hours"])
    )


def _savers(largest: int) -> Callable[[Digits, tuple[Number, ...]], System | None]:
    def system(digits: Digits, solution: tuple[Number, ...]) -> System | None:
        slow, more, start = digits[1] + 2, digits[2] + 1, digits[3] + 5
        other = start + more * int(solution[0])
        if other > largest:
            return None
        return System((Equation((slow + more,), start, (slow,), other),), solution)

    return system


def _tell_savers(system: System, letters: Sequence[str], digits: Digits) -> str | None:
    if not _distinct(digits):
        return None
    (made,), (one, other) = system.equations, (PEOPLE[d] for d in digits)
    return (
        f"{one} has ${made.left_constant} and saves ${made.left[0]} a week. {other} has "
        f"${made.right_constant} and saves ${made.right[0]} a week. After some weeks they have the same. "
        + asked(letters, ["the number of weeks until then"])
    )


_SAVED: Final = tuple(range(2, 41))
_HOURS: Final = tuple(range(1, 31))
_MINUTES: Final = tuple(v for v in rationals(1, 20, 1, 2, 3, 4) if v.denominator != 1)
_RATES: Final = {4: tuple(range(1, 13)), 5: tuple(v for v in rationals(0, 6, 1, 2, 4) if v > 0)}


def _tanks(rates: Sequence[Number]) -> Callable[[Digits, tuple[Number, ...]], System | None]:
    def system(digits: Digits, solution: tuple[Number, ...]) -> System | None:
        out, into, full = rates[digits[1]], rates[digits[2]], digits[3] + 20
        start = plain(full - (out + into) * solution[0])
        if start <= 0 or start.denominator > 12:
            return None
        return System((Equation((-out,), full, (into,), start),), solution)

    return system


def _tell_tanks(system: System, letters: Sequence[str], digits: Digits) -> str | None:
    (made,) = system.equations
    out, into = -made.left[0], made.right[0]
    place = ("farm", "brewery", "school", "hospital", "dairy", "garden centre")[digits[0]]
    return (
        f"A {place} has two water tanks. The upper tank holds {litres(made.left_constant)} and loses "
        f"{litres(out)} a minute. The lower tank holds {litres(made.right_constant)} and gains "
        f"{litres(into)} a minute. "
        "At some moment both hold the same amount. " + asked(letters, ["the number of minutes until then"])
    )


def _one(values: Sequence[Number]) -> Callable[[Digits], tuple[Number, ...]]:
    return lambda digits: (values[digits[0]],)


# --- two unknowns ------------------------------------------------------------------------------------


def _two(low: int, high: int) -> tuple[tuple[int, int], Callable[[Digits], tuple[Number, ...]]]:
    size = high - low + 1
    return (size, size), lambda digits: (digits[0] + low, digits[1] + low)


def _pair(firsts: Sequence[Number], seconds: Sequence[Number]) -> Callable[[Digits], tuple[Number, ...]]:
    return lambda digits: (firsts[digits[0]], seconds[digits[1]])


def _mixed(pairs: Sequence[tuple[int, int]]) -> Callable[[Digits, tuple[Number, ...]], System | None]:
    def system(digits: Digits, solution: tuple[Number, ...]) -> System | None:
        first, second = pairs[digits[2]]
        x, y = solution
        return System((equation((1, 1), x + y), equation((first, second), first * x + second * y)), solution)

    return system


_SEATS: Final = tuple((a, b) for a in range(2, 13) for b in range(2, 13) if a < b)
_STAMPS: Final = tuple((a, b) for a in range(5, 96, 5) for b in range(5, 96, 5) if a < b)
_HALLS: Final = (
    "village hall",
    "canteen",
    "marquee",
    "restaurant",
    "school hall",
    "tea room",
    "library café",
)


def _tell_tables(system: System, letters: Sequence[str], digits: Digits) -> str | None:
    together, seats = system.equations
    small, large = seats.left
    return (
        f"{PEOPLE[digits[1]]} sets up a {_HALLS[digits[0]]} with {together.right_constant} tables. Some are "
        f"small and seat {small} people, the others are large and seat {large}. There is room for exactly "
        f"{seats.right_constant} people. "
        + asked(letters, ["the number of small tables", "the number of large tables"])
    )


def _tell_stamps(system: System, letters: Sequence[str], digits: Digits) -> str | None:
    together, worth = system.equations
    cheap, dear = worth.left
    return (
        f"{PEOPLE[digits[0]]} sends {together.right_constant} letters and puts one stamp on each. Some of "
        f"the stamps cost {cheap} cents and the others {dear} cents. Together the stamps cost "
        f"{worth.right_constant} cents. "
        + asked(letters, [f"the number of {cheap}-cent stamps", f"the number of {dear}-cent stamps"])
    )


def _ages(digits: Digits) -> tuple[Number, ...]:
    younger = digits[0] + 2
    return ((digits[1] + 1) * younger + digits[2] + 1, younger)


def _ages_system(later: bool) -> Callable[[Digits, tuple[Number, ...]], System | None]:
    def system(digits: Digits, solution: tuple[Number, ...]) -> System | None:
        older, younger = solution
        times, more = digits[1] + 1, digits[2] + 1
        years = digits[3] + 2 if later else 0
        if older > 90 or (later and times == 1):
            return None
        return System(
            (
                Equation((1, 0), 0, (0, times), more),
                Equation((1, 1), 2 * years, (0, 0), older + younger + 2 * years),
            ),
            solution,
        )

    return system


def _times(number: Number) -> str:
    return {2: "twice", 3: "three times", 4: "four times", 5: "five times"}[int(number)]


def _tell_ages(system: System, letters: Sequence[str], digits: Digits) -> str | None:
    if not _distinct(digits):
        return None
    one, other = (PEOPLE[d] for d in digits)
    compare, both = system.equations
    more = count(compare.right_constant, "year", "years")
    than = f"{other} is now" if compare.right[1] == 1 else f"{_times(compare.right[1])} the age of {other}"
    first = (
        f"{one} is {more} older than {than}."
        if compare.right[1] > 1
        else f"{one} is {more} older than {other}."
    )
    years = both.left_constant
    when = f"In {plain(Fraction(years, 2))} years" if years else "Today"
    told = "will add up to" if years else "add up to"
    return f"{first} {when} their two ages {told} {both.right_constant} years. " + asked(
        letters, [f"the age of {one} today", f"the age of {other} today"], ", both in years"
    )


def _boat(digits: Digits, solution: tuple[Number, ...]) -> System | None:
    speed, current = solution
    down, up = digits[2] + 1, digits[3] + 1
    way, back = plain(down * (speed + current)), plain(up * (speed - current))
    if speed <= current or max(way.denominator, back.denominator) > 4:
        return None
    return System((equation((down, down), way), equation((up, -up), back)), solution)


def _slow_boat(digits: Digits, solution: tuple[Number, ...]) -> System | None:
    return _boat(digits, solution) if any(v.denominator != 1 for v in solution) else None


_STEERED: Final = ("motor boat", "river steamer", "barge", "ferry", "launch", "tug")


def _tell_boat(system: System, letters: Sequence[str], digits: Digits) -> str | None:
    down, up = system.equations
    return (
        f"{PEOPLE[digits[1]]} takes a {_STEERED[digits[0]]} along a river whose current is steady. With the "
        f"current the boat covers {count(down.right_constant, 'kilometre', 'kilometres')} in "
        f"{count(down.left[0], 'hour', 'hours')}, and against the current "
        f"{count(up.right_constant, 'kilometre', 'kilometres')} in {count(up.left[0], 'hour', 'hours')}. "
        + asked(
            letters,
            ["the speed of the boat in still water", "the speed of the current"],
            ", both in kilometres an hour",
        )
    )


#: Shares in percent: of the weak juice, of the strong one, of the mixture.
_PERCENTS: Final = tuple(
    (weak, strong, mixed)
    for weak in range(5, 95, 5)
    for strong in range(weak + 10, 100, 5)
    for mixed in range(weak + 5, strong, 5)
)
_DRINKS: Final = (
    ("apple drink", "apple juice"),
    ("grape drink", "grape juice"),
    ("cherry drink", "cherry juice"),
    ("cleaning fluid", "vinegar"),
    ("salt solution", "salt"),
    ("sugar solution", "sugar"),
)


def _mixture_solution(digits: Digits) -> tuple[Number, ...]:
    (weak, strong, mixed), whole = _PERCENTS[digits[0]], digits[1] + 2
    return (
        plain(Fraction(whole * (strong - mixed), strong - weak)),
        plain(Fraction(whole * (mixed - weak), strong - weak)),
    )


def _mixture(digits: Digits, solution: tuple[Number, ...]) -> System | None:
    (weak, strong, mixed), whole = _PERCENTS[digits[0]], digits[1] + 2
    if all(v.denominator == 1 for v in solution):
        return None
    shares = (plain(Fraction(weak, 100)), plain(Fraction(strong, 100)))
    return System((equation((1, 1), whole), equation(shares, plain(Fraction(mixed * whole, 100)))), solution)


def _tell_mixture(system: System, letters: Sequence[str], digits: Digits) -> str | None:
    drink, part = _DRINKS[digits[0]]
    whole = system.equations[0].right_constant
    weak, strong = (plain(Fraction(100) * v) for v in system.equations[1].left)
    mixed = plain(Fraction(100) * system.equations[1].right_constant / whole)
    return (
        f"{PEOPLE[digits[1]]} mixes {drink} that is {weak} percent {part} with {drink} that is {strong} "
        f"percent {part}. The result is {litres(whole)} of {drink} that is {mixed} percent {part}. "
        + asked(
            letters,
            [f"the amount of the {weak} percent {drink}", f"the amount of the {strong} percent {drink}"],
            ", both in litres",
        )
    )


# --- three unknowns ----------------------------------------------------------------------------------


def _siblings(digits: Digits) -> tuple[Number, ...]:
    youngest = digits[0] + 2
    return (youngest + digits[1] + 1, youngest, (digits[2] + 2) * youngest)


def _siblings_system(later: bool) -> Callable[[Digits, tuple[Number, ...]], System | None]:
    def system(digits: Digits, solution: tuple[Number, ...]) -> System | None:
        years = digits[3] + 2 if later else 0
        if max(solution) > 90 or solution[0] == solution[2]:
            return None
        return System(
            (
                Equation((1, 0, 0), 0, (0, 1, 0), digits[1] + 1),
                Equation((0, 0, 1), 0, (0, digits[2] + 2, 0), 0),
                Equation((1, 1, 1), 3 * years, (0, 0, 0), sum(map(int, solution)) + 3 * years),
            ),
            solution,
        )

    return system


def _tell_siblings(system: System, letters: Sequence[str], digits: Digits) -> str | None:
    if not _distinct(digits):
        return None
    one, other, third = (PEOPLE[d] for d in digits)
    compare, times, total = system.equations
    years = total.left_constant
    when = f"In {plain(Fraction(years, 3))} years" if years else "Today"
    told = "will add up to" if years else "add up to"
    return (
        f"{one} is {count(compare.right_constant, 'year', 'years')} older than {other}. {third} is "
        f"{_times(times.right[1])} as old as {other}. {when} their three ages {told} "
        f"{total.right_constant} years. "
        + asked(letters, [f"the age of {who} today" for who in (one, other, third)], ", all in years")
    )


_WHO: Final = len(PEOPLE)
_SMALL, _small = _two(2, 25)
_LARGE, _large = _two(8, 60)
_SPEEDS: Final = tuple(range(4, 41))
_CURRENTS: Final = tuple(range(1, 13))
_FINE_SPEEDS: Final = rationals(3, 30, 1, 2, 3, 4)
_FINE_CURRENTS: Final = rationals(1, 6, 1, 2, 3, 4)

#: The stories with a maker of their own.
STORIES: Final = (
    Story(
        "hire", 1, {1: Maker((len(_HOURS), 18, 36), _one(_HOURS), _hire, 1)}, (_WHO, len(_HIRED)), _tell_hire
    ),
    Story(
        "savers",
        1,
        {
            2: Maker((len(_SAVED), 9, 6, 40), _one(_SAVED), _savers(160), 1),
            3: Maker((len(_SAVED), 38, 24, 90), _one(_SAVED), _savers(950), 1),
        },
        (_WHO, _WHO),
        _tell_savers,
    ),
    Story(
        "tanks",
        1,
        {
            level: Maker((len(_MINUTES), len(rates), len(rates), 180), _one(_MINUTES), _tanks(rates), 1)
            for level, rates in _RATES.items()
        },
        (6,),
        _tell_tanks,
    ),
    Story(
        "tables",
        2,
        {
            2: Maker((*_SMALL, len(_SEATS)), _small, _mixed(_SEATS), 2),
            3: Maker((*_LARGE, len(_SEATS)), _large, _mixed(_SEATS), 2),
        },
        (len(_HALLS), _WHO),
        _tell_tables,
    ),
    Story(
        "stamps", 2, {3: Maker((*_LARGE, len(_STAMPS)), _large, _mixed(_STAMPS), 2)}, (_WHO,), _tell_stamps
    ),
    Story(
        "ages",
        2,
        {
            2: Maker((40, 1, 30), _ages, _ages_system(False), 3),
            3: Maker((40, 5, 25, 14), _ages, _ages_system(True), 3),
        },
        (_WHO, _WHO),
        _tell_ages,
    ),
    Story(
        "river",
        2,
        {
            3: Maker((len(_SPEEDS), len(_CURRENTS), 9, 9), _pair(_SPEEDS, _CURRENTS), _boat, 2),
            4: Maker(
                (len(_FINE_SPEEDS), len(_FINE_CURRENTS), 12, 12),
                _pair(_FINE_SPEEDS, _FINE_CURRENTS),
                _slow_boat,
                2,
            ),
        },
        (len(_STEERED), _WHO),
        _tell_boat,
    ),
    Story(
        "mixture",
        2,
        {5: Maker((len(_PERCENTS), 89), _mixture_solution, _mixture, 2)},
        (len(_DRINKS), _WHO),
        _tell_mixture,
    ),
    Story(
        "siblings",
        3,
        {
            2: Maker((30, 20, 2), _siblings, _siblings_system(False), 3),
            3: Maker((30, 20, 4, 14), _siblings, _siblings_system(True), 3),
        },
        (_WHO, _WHO, _WHO),
        _tell_siblings,
    ),
)
