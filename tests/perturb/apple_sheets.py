"""Templates of our own in the GSM-Symbolic format, each with some of the format's quirks."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any


def record(
    question: str, init: str, conditions: str | None, answer: str, solution: str, gold: str, **more: Any
) -> dict[str, Any]:
    """A record; ``init`` and ``conditions`` hold a line each, without their dashes."""
    annotated = f"{question}\n\n#init:\n" + "\n".join(f"- {line}" for line in init.strip().splitlines())
    if conditions is not None:
        annotated += "\n\n#conditions:\n" + "\n".join(f"- {line}" for line in conditions.strip().splitlines())
    return {
        "question": "As published?",
        "answer": f"As published.\n#### {gold}",
        "id_orig": 1,
        "id_shuffled": 0,
        "question_annotated": f"{annotated}\n\n{answer}",
        "answer_annotated": solution,
        **more,
    }


#: The plain case: spaces in a slot, two word lists, a range with a step.
LAMPS = record(
    "{who, Benita} hangs {n,12} {thing,lamp}s in each of {rooms, 4} rooms. {who,Benita} had {have,20}. "
    "How many {thing,lamp}s must she buy?",
    """who = sample(names_female)
thing = sample(["lamp", "bell", "flag"])
$n = range(10, 61, 5)
$rooms=range(3, 9)
$have = range(2, 30)""",
    "n * rooms > have",
    "#answer: n * rooms - have",
    "{who} needs {n} * {rooms} = <<{n}*{rooms}={n*rooms}>>{n*rooms} {thing}s.\n"
    "She must buy {n*rooms} - {have} = <<{n*rooms}-{have}={n*rooms-have}>>{n*rooms-have}.\n"
    "#### {n*rooms-have}",
    "28",
)

#: ``#answer =``, no conditions, numbers written in words, several people at once.
RIDES = record(
    "{a,Ortrud} and {b,Balthasar} take {rides,five} rides at {cur,$}{fare,2} each on {d1,Monday} and "
    "{d2,Tuesday}. How much do they pay?",
    """a, b = sample(names, 2)
d1, d2 = sample_sequential(weekdays, 2)
cur = sample(currencies_sym)
$rides = numbers_within(3, 9)
$fare = fix_floats(list(np.arange(1.5, 6, 0.5)))""",
    None,
    "#answer = 2 * 2 * rides * fare",
    "On {d1} and {d2}: 2 * 2 * {rides} * {fare} = {4*rides*fare}\n#### {4 * rides * fare}",
    "40",
)

#: A pair of word and number, a list given several times over, a chain of comparisons, a membership.
TILES = record(
    "{who,Siegbert} lays a {shape,six-sided} tile with {k,2} dots at each corner. How many dots?",
    """who=sample(names_male)
$shape = sample([("six-sided", 6), ("eight-sided", 8), ("4-sided", 4), ("square", 4)] * 3)
$k = range(1, 8)""",
    """1 < k <= 7
 k not in [5, 6] and not divides(k, 7) or k == 99""",
    "#answer: shape * k",
    "{shape} * {k} = <<{shape}*{k}={shape*k}>>{shape*k}\n#### {shape * k}",
    "12",
)

#: A number that an equation determines, and one that nothing but an equation declares.
MARBLES = record(
    "{who,Ottilie} has {x,31} red, {y,8} blue and {z,9} clear marbles, and some green ones: {total,62} in "
    "all. How many are green?",
    """who = sample(names_female)
$x = range(20, 40)
$y = range(5, 15)
$z = range(5, 15)
$total = range(60, 120)
$green = range(4, 50)""",
    """x + y + z + green == total
spare == total - green""",
    "#answer: green",
    "The others are {x} + {y} + {z} = <<{x}+{y}+{z}={spare}>>{spare}.\n#### {green}",
    "14",
)

#: Fractions, a slice of a list, ``fraction + list`` sums, rounding, a conditional word.
CIDER = record(
    "{frac,half} of the {n,80} bottles hold {drink,cider}; {part,1/4} of these are sold at {cur,$}{p,2.74}, "
    "rounded to a whole price. What do they bring in?",
    """drink = sample(["cider", "juice"])
cur = sample(currencies_sym)
$frac = sample(fraction_alnum[:2] + fractions)
$part = sample(fraction_nums[:4])
$n = range(40, 200, 20)
$p = np.arange(1.25, 4, 0.25)""",
    """is_int(n * frac)
is_int(n * frac * part) and n * frac * part >= 1""",
    "#answer: {int(n * frac * part) * round(p)}",
    "{frac} of {n} is {int(n*frac)}; {Fraction(int(n*frac*part), n)} of all are sold.\n"
    "The price goes {'up' if round(p) > p else 'down'} from {p} to {round(p)}.\n"
    "#### {round(p) * int(n*frac*part)}",
    "30",
)

#: Values that belong together, and one that follows from another.
CRATES = record(
    "A {box,crate} holds {each,12} {fruit,plum}s. How many are in {n,3} of them and {more,6} loose ones?",
    """box, $each = sample([("crate", 12), ("tray", 20), ("sack", 45)])
fruit = sample(fruits)
$n = range(2, 30)
$more = n * 2""",
    None,
    "#answer: each * n + more",
    "{n} * {each} = {n*each}\n#### {n * each + more}",
    "42",
)

#: A clause more than :data:`LAMPS`, under the same published problem, as GSM-P1 has them.
LAMPS_P1 = record(
    "{who, Benita} hangs {n,12} {thing,lamp}s in each of {rooms, 4} rooms. {who,Benita} had {have,20} and "
    "finds {found,0} more. How many {thing,lamp}s must she buy?",
    """who = sample(names_female)
thing = sample(["lamp", "bell", "flag"])
$n = range(10, 61, 5)
$rooms = range(3, 9)
$have = range(2, 30)
$found = range(2, 10)""",
    "n * rooms > have + found",
    "#answer: n * rooms - have - found",
    "{who} must buy {n*rooms} - {have} - {found}.\n#### {n*rooms-have-found}",
    "28",
)

GOOD = {
    "lamps": LAMPS,
    "rides": RIDES,
    "tiles": TILES,
    "marbles": MARBLES,
    "cider": CIDER,
    "crates": CRATES,
}


def write(folder: Path, records: dict[str, dict[str, Any]]) -> Path:
    """A folder of one file a record; each takes its file's name as its id."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, one in records.items():
        text = json.dumps({**one, "id_orig": name}, ensure_ascii=False)
        (folder / f"{name}.json").write_text(text, encoding="utf-8")
    return folder


def changed(base: dict[str, Any], **swaps: tuple[str, str]) -> dict[str, Any]:
    """A record with one piece of text replaced in each named field."""
    new = dict(base)
    for field, (old, fresh) in swaps.items():
        if old not in new[field]:
            raise ValueError(f"{old!r} is not in {field}")
        new[field] = new[field].replace(old, fresh)
    return new
