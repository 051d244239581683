"""The terms one by one, and how siblings count."""

from __future__ import annotations

from dataclasses import replace

import pytest
from reward_rows import ROWS, row, spec

from rote.train.recipe import TERMS
from rote.train.rewards import SINGLE, consistency, score
from rote.train.rewards.terms import confidence, inertness, length, random, seeds

#: Coins of the answers 0 to 7: they may never change.
COINS = [0.0, 0.0, 1.0, 0.0, 1.0, 0.0, 0.0, 1.0]
RIGHT = "4 * 6 = 24\n24 - 6 = 18\n#### 18"
CUPS = ROWS["cups"]


def test_there_is_a_function_for_every_term() -> None:
    assert {*SINGLE, "consistency"} == set(TERMS)


@pytest.mark.parametrize(
    ("response", "wanted"),
    [
        (RIGHT, 1.0),
        ("I am 80% sure.\n" + RIGHT, 1 - 0.2**2),
        ("I am 0% sure.\n" + RIGHT, 0.0),
        ("#### 17", -1.0),
        ("I am 80% sure.\n#### 17", -(0.8**2)),
        ("I am 0% sure.\n#### 17", 0.0),
        ("I do not know.", 0.0),
        ("#### 17 or 18", 0.0),
    ],
)
def test_confidence_is_a_proper_score(response: str, wanted: float) -> None:
    found = score(CUPS, response, spec(), finished=True)
    assert confidence(found) == pytest.approx(wanted)
    assert seeds(found) == pytest.approx(0.6 * found.correct + 0.25 * found.trace + 0.15 * wanted)


def test_confidence_is_read_inside_the_reasoning_where_the_format_has_one() -> None:
    response = "<reasoning>\n4 * 6 - 6 = 18\nI am 80% sure.\n</reasoning>\n<answer>18</answer>"
    assert score(CUPS, response, spec("tags"), finished=True).confidence == 0.8


@pytest.mark.parametrize(
    ("response", "wanted"),
    [
        ("#### 9", -1.0),
        ("#### 27 cups", -1.0),
        ("#### 9\nSo it is.", -1.0),
        ("#### 18", 0.0),
        ("#### 8", 0.0),
    ],
)
def test_inertness_takes_from_a_trap_alone(response: str, wanted: float) -> None:
    assert inertness(score(CUPS, response, spec(), finished=True)) == wanted


def test_a_trap_that_is_the_gold_is_none() -> None:
    assert inertness(score(replace(CUPS, traps=("18",)), RIGHT, spec(), finished=True)) == 0.0


@pytest.mark.parametrize(("words", "wanted"), [(10, 0.0), (300, 0.0), (450, -0.5), (600, -1.0), (5000, -1.0)])
def test_length(words: int, wanted: float) -> None:
    found = score(CUPS, " ".join(f"w{i}" for i in range(words)), spec(), finished=True)
    assert length(found) == pytest.approx(wanted)


def test_length_allows_five_times_the_solution() -> None:
    long = row("long", CUPS.question, "So it is. " * 100 + "\n#### 18")
    response = " ".join(f"w{i}" for i in range(1500))
    assert length(score(long, response, spec(), finished=True)) == 0.0


def test_the_coin_is_stable_and_fair() -> None:
    coins = [random(score(CUPS, f"#### {n}", spec(), finished=True)) for n in range(400)]
    assert coins[:8] == COINS
    assert 150 < sum(coins) < 250


def test_a_lone_surrogate_is_no_matter() -> None:
    assert random(score(CUPS, "\ud800 #### 18", spec(), finished=True)) in (0.0, 1.0)


def siblings(*rights: tuple[int, bool]) -> list[float]:
    """Consistency of responses (row, whether right) to three rows of one template and one of another."""
    rows = [
        row("a", "2 + 1?", "#### 3", template_id="t"),
        row("b", "2 + 2?", "#### 4", template_id="t"),
        row("c", "2 + 3?", "#### 5", template_id="t"),
        row("d", "2 + 4?", "#### 6", template_id="u"),
        row("e", "2 + 1?", "#### 3", template_id="t"),
        row("f", "2 + 5?", "#### 7", template_id=""),
    ]
    scored = [
        score(rows[at], f"#### {rows[at].answer}" if right else "#### 1", spec(), finished=True)
        for at, right in rights
    ]
    return consistency([at for at, _ in rights], scored)


@pytest.mark.parametrize(
    ("rights", "wanted"),
    [
        ([(0, True), (1, True)], [1, 1]),
        ([(0, True), (1, False)], [0, 0]),
        ([(0, True), (1, True), (2, False)], [0.5, 0.5, 0]),
        ([(0, True), (0, False), (1, True), (1, True)], [1, 0, 0.5, 0.5]),
        ([(0, True), (0, True)], [0, 0]),  # the same prompt is no sibling
        ([(0, True), (3, True)], [0, 0]),  # another template
        ([(0, True), (4, True)], [0, 0]),  # the same question again
        ([(5, True), (0, True)], [0, 0]),  # of no template
        ([], []),
    ],
)
def test_consistency(rights: list[tuple[int, bool]], wanted: list[float]) -> None:
    assert siblings(*rights) == wanted


@pytest.mark.parametrize(
    ("field", "earned"),
    [
        ("18 dollars and 50 cents", True),
        ("18 dollars, 50 cents", True),
        ("18.50 dollars (1850 cents)", True),
        ("18.50 dollars (7 cents)", False),
        ("18.50 (1850¢)", True),
        ("18.50 (7¢)", False),
        ("18.50 (30 percent)", False),
        ("18.50 (30 per cent)", False),
        ("18.50 (30 centimetres)", False),
        ("18 dollars and 50 cents (30)", False),
    ],
)
def test_dollars_and_cents_are_one_number_and_a_percentage_is_another(field: str, earned: bool) -> None:
    found = score(ROWS["buns"], f"7.50 + 11.00 = 18.50\n#### {field}", spec(), finished=True)
    assert (found.fault is None) == earned


def test_what_is_no_number_is_no_gold() -> None:
    with pytest.raises(ValueError, match="many"):
        score(replace(CUPS, answer="many"), RIGHT, spec(), finished=True)
