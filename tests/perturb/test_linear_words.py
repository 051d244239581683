"""Word problems say what their equations say: their text alone is read, set up and solved again.

The readers below know the sentences and nothing of the code that wrote them.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from fractions import Fraction

import pytest

from rote.perturb.linear import instance
from rote.perturb.linear.cells import cells
from rote.perturb.linear.system import gauss

Rows = tuple[list[list[Fraction]], list[Fraction]]
NUMBER = r"-?\d+(?:/\d+)?"
TIMES = {"twice": 2, "three times": 3, "four times": 4, "five times": 5}
BASKETS = {
    "tickets": ("adult ticket", "child ticket", "senior ticket"),
    "wages": ("at the till", "in the kitchen", "in the garden"),
    "tiles": ("red tile", "blue tile", "white tile"),
    "crates": ("red crate", "blue crate", "green crate"),
    "jugs": ("glass jug", "tin jug", "clay jug"),
    "rods": ("of iron rod", "of copper rod", "of brass rod"),
    "battens": ("of oak batten", "of pine batten", "of ash batten"),
}
ORDINALS = ("the first number", "the second number", "the third number")


def numbers(text: str) -> list[Fraction]:
    return [Fraction(found) for found in re.findall(NUMBER, text)]


def story(question: str) -> str:
    """The text before the letters are explained."""
    return question.partition(" Let ")[0]


def read_basket(question: str, things: tuple[str, ...]) -> Rows:
    rows: list[list[Fraction]] = []
    totals: list[Fraction] = []
    for sentence in story(question).split(". "):
        found = re.findall(rf"({NUMBER}) (?:hours? |metres? )?({'|'.join(things)})", sentence)
        if not found:
            continue
        row = [Fraction(0)] * 3
        for number, thing in found:
            row[things.index(thing)] += Fraction(number)
        money = re.findall(rf"\$({NUMBER})", sentence)
        measured = re.findall(
            rf"(?:weigh|hold|measures) ({NUMBER}) (?:kilograms?|litres?|centimetres?)", sentence
        )
        [total] = money or measured
        rows.append(row)
        totals.append(Fraction(total))
    size = len(rows)
    assert all(not any(row[size:]) for row in rows)
    return [row[:size] for row in rows], totals


def spoken(side: str, things: tuple[str, ...]) -> tuple[list[Fraction], Fraction]:
    """``3 times the first number minus the second number plus 4`` as coefficients and a number."""
    row, rest = [Fraction(0)] * len(things), Fraction(0)
    signed = re.sub(r" (plus|minus) ", r"|\1 ", f"plus {side.strip()}")
    for part in signed.split("|"):
        word, _, term = part.partition(" ")
        sign = 1 if word == "plus" else -1
        matched = re.fullmatch(rf"(?:({NUMBER}) times )?({'|'.join(things)})", term, re.IGNORECASE)
        if matched is None:
            rest += sign * Fraction(term)
        else:
            row[things.index(matched[2].lower())] += sign * Fraction(matched[1] or 1)
    return row, rest


def read_riddle(question: str) -> Rows:
    text = story(question)
    things = ("the number",) if "thinks of a number" in text else ORDINALS
    rows, totals = [], []
    for sentence in text.removesuffix(".").split(". ")[1:]:
        left, right = re.split(r": the result is the same as | is the same as | is ", sentence)
        row, rest = spoken(right, things)
        steps = re.fullmatch(
            rf"(Add|Subtract) ({NUMBER}) (?:to|from) the number, multiply the (?:sum|difference) by "
            rf"({NUMBER}) and then (add|subtract) ({NUMBER})",
            left,
        )
        if steps is not None:
            shift = Fraction(steps[2]) * (1 if steps[1] == "Add" else -1)
            end = Fraction(steps[5]) * (1 if steps[4] == "add" else -1)
            lead, start = [Fraction(steps[3])], Fraction(steps[3]) * shift + end
        else:
            lead, start = spoken(left, things)
        rows.append([a - b for a, b in zip(lead, row, strict=True)])
        totals.append(rest - start)
    size = len(rows)
    assert all(not any(row[size:]) for row in rows)
    return [row[:size] for row in rows], totals


def read_hire(question: str) -> Rows:
    fee, rate, paid = numbers(story(question))
    return [[rate]], [paid - fee]


def read_savers(question: str) -> Rows:
    has, saves, other_has, other_saves = numbers(story(question))
    return [[saves - other_saves]], [other_has - has]


def read_tanks(question: str) -> Rows:
    upper, loses, lower, gains = numbers(story(question))
    return [[loses + gains]], [upper - lower]


def read_tables(question: str) -> Rows:
    together, small, large, seats = numbers(story(question))
    return [[Fraction(1), Fraction(1)], [small, large]], [together, seats]


def read_ages(question: str) -> Rows:
    text = story(question)
    matched = re.match(rf"(\w[\w'’-]*) is ({NUMBER}) years? older than (.*?)\. ", text)
    assert matched is not None
    factor = next((n for word, n in TIMES.items() if matched[3].startswith(f"{word} the age of ")), 1)
    years = re.search(rf"In ({NUMBER}) years", text)
    later = Fraction(years[1]) if years else Fraction(0)
    total = numbers(text)[-1]
    one = Fraction(1)
    return [[one, Fraction(-factor)], [one, one]], [Fraction(matched[2]), total - 2 * later]


def read_siblings(question: str) -> Rows:
    text = story(question)
    more = numbers(text)[0]
    word = re.search(r" is (twice|three times|four times|five times) as old as ", text)
    assert word is not None
    years = re.search(rf"In ({NUMBER}) years", text)
    later = Fraction(years[1]) if years else Fraction(0)
    one, none = Fraction(1), Fraction(0)
    rows = [[one, -one, none], [none, Fraction(-TIMES[word[1]]), one], [one, one, one]]
    return rows, [more, none, numbers(text)[-1] - 3 * later]


def read_river(question: str) -> Rows:
    way, hours, back, more_hours = numbers(story(question))
    return [[hours, hours], [more_hours, -more_hours]], [way, back]


def read_mixture(question: str) -> Rows:
    weak, strong, whole, mixed = numbers(story(question))
    return [[Fraction(1), Fraction(1)], [weak, strong]], [whole, mixed * whole]


READERS: dict[str, Callable[[str], Rows]] = {
    "riddle": read_riddle,
    "hire": read_hire,
    "savers": read_savers,
    "tanks": read_tanks,
    "tables": read_tables,
    "stamps": read_tables,
    "ages": read_ages,
    "siblings": read_siblings,
    "river": read_river,
    "mixture": read_mixture,
    **{
        kind: lambda question, things=things: read_basket(question, things)
        for kind, things in BASKETS.items()
    },
}
WORDS = [cell.id for cell in cells() if cell.form == "words"]


@pytest.mark.parametrize("cell", WORDS)
@pytest.mark.parametrize("split", ["train", "test"])
def test_the_text_alone_gives_the_answers(cell: str, split: str) -> None:
    read = READERS[cell.partition("-")[0]]
    for index in range(40):
        made = instance(cell, split, 17, index)
        rows, totals = read(made.question)
        assert gauss(rows, totals) == tuple(made.answers.values()), made.question


@pytest.mark.parametrize("cell", WORDS)
def test_the_letters_come_in_the_order_of_the_answers(cell: str) -> None:
    for index in range(10):
        made = instance(cell, "test", 5, index)
        letters = list(made.answers)
        asked = "".join(letters) if len(letters) == 1 else ", ".join(letters[:-1]) + f" and {letters[-1]}"
        assert made.question.endswith(f" Find {asked}.")
        explained = made.question.partition(" Let ")[2]
        places = [re.search(rf"\b{letter} (?:be )?the ", explained) for letter in letters]
        assert all(place is not None for place in places)
        starts = [place.start() for place in places if place is not None]
        assert starts == sorted(starts)


def test_units_are_singular_or_plural() -> None:
    for cell in WORDS:
        for index in range(60):
            question = instance(cell, "train", 23, index).question
            for number, word in re.findall(
                rf"({NUMBER}) (kilograms?|litres?|hours?|metres?|kilometres?|weeks?|years?|tickets?)\b",
                question,
            ):
                plural = word.endswith("s")
                assert plural == (Fraction(number) > 1), question
