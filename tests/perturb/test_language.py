from __future__ import annotations

from fractions import Fraction

import pytest

from rote.errors import TemplateError
from rote.perturb import language
from rote.perturb.values import Person, Quantity, money_text

INES = Person("Inês", "female")
TUNDE = Person("Tunde", "male")


def integer(value: int) -> Quantity:
    return Quantity(Fraction(value), "integer")


@pytest.mark.parametrize(
    ("word", "many"),
    [("box", "boxes"), ("loaf", "loaves"), ("cherry", "cherries"), ("sheep", "sheep"), ("child", "children")],
)
def test_plural(word: str, many: str) -> None:
    assert language.plural(word) == many
    assert language.plural(word, integer(1)) == word
    assert language.count(integer(1), word) == f"1 {word}"
    assert language.count(integer(5), word) == f"5 {many}"


@pytest.mark.parametrize(
    ("thing", "text"),
    [
        ("pear", "a pear"),
        ("apple", "an apple"),
        ("hour", "an hour"),
        ("uniform", "a uniform"),
        (integer(8), "an 8"),
        (integer(11), "an 11"),
        (integer(18), "an 18"),
        (integer(80), "an 80"),
        (integer(12), "a 12"),
        (integer(110), "a 110"),
        (Quantity(Fraction(17, 2), "money"), "an $8.50"),
    ],
)
def test_article(thing: object, text: str) -> None:
    assert language.article(thing) == text


def test_pronouns_follow_the_person() -> None:
    row = [language.FILTERS[form] for form in ("he", "him", "his", "himself")]
    assert [form(INES) for form in row] == ["she", "her", "her", "herself"]
    assert [form(TUNDE) for form in row] == ["he", "him", "his", "himself"]
    assert language.possessive(INES) == "Inês's"
    assert language.possessive("neighbours") == "neighbours'"
    assert language.cap("she") == "She"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (Fraction(24), "twenty-four"),
        (Fraction(120), "one hundred twenty"),
        (Fraction(1, 2), "half"),
        (Fraction(1, 3), "one third"),
        (Fraction(3, 4), "three quarters"),
        (Fraction(5, 2), "two and a half"),
    ],
)
def test_words(value: Fraction, text: str) -> None:
    assert language.words(value) == text


def test_numbers_as_text() -> None:
    assert money_text(Fraction(9, 2)) == "$4.50"
    assert money_text(Fraction(4)) == "$4"
    with pytest.raises(ValueError, match="cents"):
        money_text(Fraction(1, 3))
    assert [language.ordinal(integer(n)) for n in (1, 2, 3, 4, 11, 12, 13, 21, 112)] == (
        ["1st", "2nd", "3rd", "4th", "11th", "12th", "13th", "21st", "112th"]
    )
    assert language.comma(integer(12500)) == "12,500"
    assert language.plain(Quantity(Fraction(9, 2), "money")) == "4.5"
    assert language.verb(integer(1), "is", "are") == "is"
    assert str(Quantity(Fraction(20), "percent")) == "20%"


def test_a_filter_says_what_it_takes() -> None:
    for name, value in (("plural", integer(3)), ("words", "three"), ("he", "Tunde")):
        with pytest.raises(TemplateError, match=name):
            language.FILTERS[name](value)
