"""The numbers of a question: what each is, where it stands, how it is written back."""

from __future__ import annotations

import re
import time
from fractions import Fraction
from itertools import pairwise

import pytest
from gsm8k_items import ITEMS

from rote.perturb.gsm8k.domains import domain, style_of
from rote.perturb.gsm8k.mentions import Mention, find_mentions, read_words


def one(question: str) -> Mention:
    found = find_mentions(question)
    assert len(found) == 1, found
    return found[0]


@pytest.mark.parametrize(
    ("question", "text", "value", "kind"),
    [
        ("She has 25 plums.", "25", "25", "integer"),
        ("She has 12,500 plums.", "12,500", "12500", "integer"),
        ("It weighs 2.5 pounds.", "2.5", "5/2", "decimal"),
        ("It weighs .5 pounds.", ".5", "1/2", "decimal"),
        ("It costs $80.", "80", "80", "money"),
        ("It costs $1,080.50.", "1,080.50", "2161/2", "money"),
        ("It is 15% off.", "15", "15", "percent"),
        ("It is 15 percent off.", "15", "15", "percent"),
        ("It is twenty percent off.", "twenty", "20", "percent"),
        ("She eats 2/3 of it.", "2/3", "2/3", "fraction"),
        ("It takes 2 1/2 cups.", "2 1/2", "5/2", "fraction"),
        ("She eats two-thirds of it.", "two-thirds", "2/3", "fraction"),
        ("She eats a quarter of it.", "a quarter", "1/4", "fraction"),
        ("She eats half of it.", "half", "1/2", "fraction"),
        ("He ran twice as far.", "twice", "2", "multiplier"),
        ("He ran triple that.", "triple", "3", "multiplier"),
        ("It begins at 7:45.", "7:45", "465", "clock"),
        ("It begins at 9 a.m. sharp.", "9", "9", "clock"),
        ("It was built in 1950.", "1950", "1950", "year"),
        ("It is on the 3rd floor.", "3rd", "3", "ordinal"),
        ("He buys a dozen eggs.", "dozen", "12", "group"),
        ("He buys a pair of skis.", "pair", "2", "group"),
        ("Forty-two geese fly by.", "Forty-two", "42", "integer"),
        ("A 25kg sack falls.", "25", "25", "integer"),
    ],
)
def test_kind_value_and_span(question: str, text: str, value: str, kind: str) -> None:
    mention = one(question)
    assert (mention.text, mention.value, mention.kind) == (text, Fraction(value), kind)
    assert question[mention.start : mention.end] == mention.text


def test_a_thousand_after_its_digits_is_one_number_and_stays() -> None:
    mention = one("The town has 3 thousand people.")
    assert (mention.text, mention.value, mention.fixed) == ("3", 3000, "scale word")


def test_hundreds_in_words_are_one_number() -> None:
    mention = one("Two hundred and five geese fly by.")
    assert (mention.text, mention.value) == ("Two hundred and five", 205)
    assert one("Two hundred geese fly by.").value == 200


def test_a_ratio_is_two_numbers_that_stay() -> None:
    found = find_mentions("They share in the ratio 3:5.")
    assert [(m.value, m.fixed) for m in found] == [(3, "ratio"), (5, "ratio")]


@pytest.mark.parametrize("question", ["It was the second day.", "Someone did it once.", "She is often late."])
def test_words_that_count_nothing(question: str) -> None:
    assert [m for m in find_mentions(question) if m.fixed is None] == []


def test_a_year_needs_words_that_date() -> None:
    assert one("The hall was full in 1985.").kind == "year"
    assert one("The hall holds 1985 chairs.").kind == "integer"
    assert one("They chose from 1985 chairs.").kind == "integer"


@pytest.mark.parametrize(
    ("text", "value"),
    [("seven", 7), ("forty-two", 42), ("forty two", 42), ("a hundred", 100), ("two hundred and five", 205)],
)
def test_number_words(text: str, value: int) -> None:
    assert read_words(text) == value


@pytest.mark.parametrize(
    ("question", "value", "written"),
    [
        ("She has 25 plums.", "31", "31"),
        ("She has 12,500 plums.", "9300", "9,300"),
        ("She has 12500 plums.", "13000", "13000"),
        ("She has 1250 plums.", "1300", "1300"),
        ("It costs $1.25.", "2", "2.00"),
        ("It costs $1.25.", "3/2", "1.50"),
        ("It costs $80.", "95", "95"),
        ("It weighs .5 pounds.", "3/4", ".75"),
        ("Forty-two geese fly by.", "31", "Thirty-one"),
        ("There are forty two geese.", "31", "thirty one"),
        ("There are eight geese.", "9", "nine"),
        ("It is 15% off.", "20", "20"),
    ],
)
def test_another_number_is_written_the_same_way(question: str, value: str, written: str) -> None:
    assert style_of(one(question))(Fraction(value)) == written


def test_spans_do_not_overlap_and_are_in_order() -> None:
    for item in ITEMS.values():
        found = find_mentions(item.question)
        assert all(a.end <= b.start for a, b in pairwise(found))
        for mention in found:
            assert item.question[mention.start : mention.end] == mention.text


def test_domains_keep_digits_and_round_numbers() -> None:
    for question, digits, step in (
        ("She has 25 plums.", 2, 1),
        ("She has 12,500 plums.", 5, 100),
        ("She has 600 plums.", 3, 10),
        ("It is 15% off.", 2, 5),
    ):
        mention = one(question)
        values = domain(mention, question)
        assert mention.value in values
        assert len(values) > 2
        assert {len(str(v)) for v in values} == {digits}
        assert all(v % step == 0 for v in values)


@pytest.mark.parametrize(
    ("question", "cap"),
    [
        ("The pump runs 14 hours a day.", 16),
        ("The lamp burns 20 hours.", 24),
        ("He swims 5 days a week.", 7),
        ("The walk takes 45 minutes.", 59),
        ("He is 70 years old.", 99),
        ("It loses 80% of it.", 99),
    ],
)
def test_the_world_caps_domains(question: str, cap: int) -> None:
    values = domain(one(question), question)
    assert max(values) <= cap
    assert len(values) > 1
    assert max(domain(one(question), question, wide=True)) <= cap


def test_an_article_before_a_number_stays_right() -> None:
    for question, vowel in (("It is an 11 foot pole.", True), ("It is a 12 foot pole.", False)):
        values = domain(one(question), question)
        assert one(question).value in values
        for value in values:
            assert bool(re.match(r"8|11$|18$", str(value))) == vowel


def test_a_percentage_never_becomes_a_half_or_a_whole() -> None:
    for question in ("It is 45% wool.", "It is 60% wool.", "It is 95% wool."):
        assert not {50, 100} & set(domain(one(question), question))


@pytest.mark.parametrize("text", ["1,234,", "7:7:", "1/", "a hundred and ", "two and a ", "$ ", "1 1 ", ". "])
def test_a_hostile_question_is_read_in_time(text: str) -> None:
    start = time.process_time()
    find_mentions((text * 8_000)[:8_000])
    assert time.process_time() - start < 2
