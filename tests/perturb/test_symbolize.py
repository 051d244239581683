"""Which numbers of an item may change, and what is refused, rule by rule."""

from __future__ import annotations

import ast
from fractions import Fraction

import pytest
from gsm8k_items import ITEMS, REJECTED, Item, build, change, code, free, frozen, template

from rote.perturb.gsm8k import ItemTemplate
from rote.perturb.gsm8k.coverage import REASONS
from rote.perturb.gsm8k.symbolize import RejectedError, symbolize


def steps(item: ItemTemplate) -> list[str]:
    return [ast.unparse(node) for _, node, _ in item.graph.steps]


@pytest.mark.parametrize("name", ITEMS)
def test_every_item_is_a_template_that_reproduces_itself(name: str) -> None:
    item = template(name)
    problem = item.problem("original", 0, 0)
    assert problem.question == ITEMS[name].question
    assert problem.solution == ITEMS[name].solution
    assert item.numbers
    assert {*item.facts.free, *item.facts.frozen} == set(range(len(item.facts.mentions)))


# always reject ------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", REJECTED)
def test_what_cannot_be_trusted_is_rejected_with_its_reason(name: str) -> None:
    assert code(REJECTED[name]) == name
    assert name in REASONS


def test_a_solution_without_an_answer_is_rejected() -> None:
    with pytest.raises(RejectedError) as caught:
        symbolize("Ana has 5 pens and buys 7 pens.", "5 + 7 = <<5+7=12>>12")
    assert caught.value.code == "no_answer"


# always freeze ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "text", "why"),
    [
        ("half", "half", "half"),
        ("fifty", "50", "half or whole"),
        ("fraction", "2/3", "fraction"),
        ("twice", "twice", "multiplier"),
        ("ordinal", "3rd", "ordinal"),
        ("ordinal", "3", "an ordinal counts to it"),
        ("year", "1950", "year"),
        ("anaphora", "two", "anaphoric count"),
        ("terms", "Three", "may count the terms of a sum"),
        ("budget", "100", "not in the solution"),
        ("again", "6", "small and used again"),
    ],
)
def test_frozen_numbers_and_why(name: str, text: str, why: str) -> None:
    item = template(name)
    assert frozen(item)[text] == why
    assert text not in free(item)


def test_one_is_never_changed() -> None:
    item = build(
        Item(
            "Ana has 15 pens and 1 ruler and buys 8 pens. How many things has Ana?",
            "15 + 1 + 8 = <<15+1+8=24>>24\n#### 24",
        )
    )
    assert isinstance(item, ItemTemplate)
    assert frozen(item) == {"1": "one"}


def test_a_number_that_the_solution_does_not_use_stays_and_makes_tier_b() -> None:
    assert template("budget").tier == "B"
    assert template("plums").tier == "A"


def test_a_number_that_comes_twice_and_is_used_once_stays() -> None:
    item = template("half")
    assert free(item) == ["40"]
    assert frozen(item)["12"] == "stands twice"


# ties, versions, restated totals ----------------------------------------------------------------


def test_equal_numbers_in_one_place_each_change_alone() -> None:
    item = template("tied")
    assert [number.tie for number in item.numbers] == [0, 1]
    assert change(item, n0=8, n1=6) == 48
    assert change(item, n0=8) == 56


def test_a_number_said_again_changes_with_its_first() -> None:
    item = template("restated")
    ties = [number.tie for number in item.numbers]
    assert free(item) == ["48", "5", "48", "3"]
    assert ties[0] == ties[2]
    for index in range(10):
        question = item.problem("numbers", 0, index).question
        told = [int(w) for w in question.replace(",", " ").replace(".", " ").split() if w.isdigit()]
        assert told[0] == told[2]


def test_equal_numbers_of_unclear_roles_do_not_change_alone() -> None:
    # which 6 is multiplied and which is added cannot be told: together they are one function or frozen
    item = build(
        Item(
            "Things cost 6 and 6, and 40 people come. What is it?",
            "6 * 40 = <<6*40=240>>240\n240 + 6 = <<240+6=246>>246\n#### 246",
        )
    )
    assert isinstance(item, ItemTemplate)
    assert [number.tie for number in item.numbers] == [0, 0, 1]
    assert change(item, n0=7) == 7 * 40 + 7
    for number in item.numbers[:2]:
        assert item.answer({(number.start, number.end): Fraction(7)}) is None


# roles -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("discount", ["n0 * (n1 / 100)", "n0 - s0"]),
        ("discount_left", ["n0 * (1 - n1 / 100)"]),
        ("increase", ["n0 * (1 + n1 / 100)"]),
        ("share", ["n0 * n1 / 100", "n0 - s0"]),
        ("percents", ["n1 + n2", "100 - s0", "n0 * s1 / 100"]),
        ("fraction", ["n0 * 2 / 3", "n0 - s0", "s1 + n1"]),
        ("week", ["n0 * 7", "s0 * n1"]),
        ("linear", ["(n0 - n1) / (1 + 1)"]),
        ("spoken", ["n0 - n1", "s0 + n2"]),
        ("aside", ["n0 * n1", "s0 + n2"]),
        ("implicit", ["n0 + (n0 + n1) + n2"]),
    ],
)
def test_the_graph(name: str, expected: list[str]) -> None:
    assert steps(template(name)) == expected


@pytest.mark.parametrize(
    ("name", "changes", "answer"),
    [
        ("discount", {"n0": 60, "n1": 20}, 48),
        ("discount_left", {"n0": 300, "n1": 20}, 240),
        ("increase", {"n0": 500, "n1": 30}, 650),
        ("share", {"n0": 80, "n1": 25}, 60),
        ("percents", {"n0": 600, "n1": 25, "n2": 45}, 180),
        ("cents", {"n0": "1.50", "n1": "2.25", "n2": 4, "n3": 8}, 24),
        ("commas", {"n0": 11_100, "n1": 9_900}, 21_000),
        ("words", {"n0": 20, "n1": 9, "n2": 30}, 150),
        ("week", {"n0": 8, "n1": 3}, 168),
        ("linear", {"n0": 90, "n1": 20}, 35),
        ("implicit", {"n0": 10, "n1": 7, "n2": 20}, 47),
        ("aside", {"n0": 10, "n1": 30, "n2": 50}, 350),
    ],
)
def test_answers_by_hand(name: str, changes: dict[str, int | str], answer: int) -> None:
    assert change(template(name), **changes) == answer


def test_an_unwritten_step_and_an_aside_are_tier_c() -> None:
    assert template("implicit").tier == "C"
    assert template("aside").tier == "C"


# constraints on a draw --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "changes", "why"),
    [
        ("plums", {"n2": 400}, "a negative quantity"),
        ("plums", {"n2": 350}, "nothing left"),
        ("fish", {"n1": 26}, "less than nothing between two that were more"),
        ("share", {"n1": 37}, "a broken number of singers"),
        ("discount", {"n0": 1, "n1": 15}, "below one dollar where it was above"),
        ("swapped", {"n0": 8, "n3": 12}, "more eaten than there were"),
        ("swapped", {"n1": 20, "n2": 31}, "the order of two numbers of figs turned round"),
        ("percents", {"n1": 60, "n2": 45}, "parts of more than a whole"),
        ("budget", {"n2": 45}, "a cost beyond the budget"),
        ("commas", {"n0": 400_000}, "more than eight times the answer"),
        ("terms", {"n1": 35}, "an average that is no whole number"),
    ],
)
def test_another_story_is_declined(name: str, changes: dict[str, int], why: str) -> None:
    item = template(name)
    original: dict[str, Fraction | int | str] = {f"n{n.tie}": n.value for n in item.numbers}
    assert change(item, **{**original, **changes}) is None, why


def test_draws_keep_the_kind_of_story() -> None:
    for name in ITEMS:
        item = template(name)
        original = item.problem("original", 0, 0).answer
        for index in range(15):
            plan, values = item.values("numbers", 0, index)
            assert plan.refusal(values) is None
            problem = item.problem("numbers", 0, index)
            assert problem.answer != original
            assert original / 8 <= problem.answer <= 8 * original
            assert (problem.answer > 1) == (original > 1)
            if original.denominator == 1 and name != "cents":
                assert problem.answer.denominator == 1


def test_names_in_words_keep_their_words() -> None:
    item = template("words")
    for index in range(10):
        question = item.problem("numbers", 0, index).question
        assert question[0].isupper()
        assert not any(character.isdigit() for character in question)


def test_an_article_agrees_with_the_number_drawn() -> None:
    item = template("article")
    for index in range(10):
        assert " an 8 foot" in item.problem("numbers", 0, index).question
