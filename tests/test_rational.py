"""Exact numbers: the machine form and the human form."""

from __future__ import annotations

from fractions import Fraction

import pytest

from rote.rational import MAX_TEXT, Quantity, format_number, parse_number, read_items, read_quantity


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (Fraction(18), "18"),
        (Fraction(0), "0"),
        (Fraction(-5, 2), "-2.5"),
        (Fraction(1, 8), "0.125"),
        (Fraction(-1, 100), "-0.01"),
        (Fraction(5, 3), "5/3"),
        (Fraction(-1, 7), "-1/7"),
        (Fraction(10**30, 4), "25" + "0" * 28),
    ],
)
def test_canonical_text_and_back(value: Fraction, text: str) -> None:
    assert format_number(value) == text
    assert parse_number(text) == value


def test_ints_are_formatted_too() -> None:
    assert format_number(1080) == "1080"


@pytest.mark.parametrize(
    "value", [Fraction(10**5000 + 7), Fraction(-(10**5000) - 1, 3), Fraction(1, 2**9000)]
)
def test_numbers_beyond_pythons_digit_limit_make_the_round_trip(value: Fraction) -> None:
    assert parse_number(format_number(value)) == value


@pytest.mark.parametrize(
    "text",
    ["", " 5", "5 ", "1e3", "1_000", "1,000", "$5", "half", "5/0", "5/", "--5", "nan", "0x10", "٣", "."],
)
def test_machine_form_is_strict(text: str) -> None:
    with pytest.raises(ValueError, match=r"not a plain number|denominator of zero"):
        parse_number(text)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("$1,080", "1080"),
        ("half", "0.5"),
        ("2 1/2", "2.5"),
        ("2\u00a01/2", "2.5"),
        ("20%", "20"),
        ("-5/2", "-2.5"),
        ("18 dollars", "18"),
        ("1,23,456", "123456"),
        ("1.234.567", "1234567"),
        ("70\u2009000", "70000"),
        ("1.2 x 10^3", "1200"),
        ("10^{-2}", "0.01"),
        ("5E-2", "0.05"),
        ("\\frac{1}{2}", "0.5"),
        ("-\\dfrac{5}{3}", "-5/3"),
        ("¾", "0.75"),
        ("twenty-one", "21"),
        ("one thousand two hundred thirty-four", "1234"),
        ("two hundred million five", "200000005"),
        ("a hundred and one", "101"),
        ("three and a half", "3.5"),
        ("two-thirds", "2/3"),
        ("half a dozen", "6"),
        ("3.5k", "3500"),
        ("$2bn", "2000000000"),
        ("5 km", "5"),
        ("१२", "12"),
    ],
)
def test_human_form(text: str, value: str) -> None:
    assert str(read_quantity(text)) == value


@pytest.mark.parametrize(
    "text",
    ["", "clips", "18 or 20", "3,5", "1,1,1", "5/0", "2^10", "1e999999999", "$" + "9" * 500, "18-20"],
)
def test_human_form_refuses_what_is_not_one_number(text: str) -> None:
    with pytest.raises(ValueError, match="not one number"):
        read_quantity(text)


@pytest.mark.parametrize(
    "words",
    ["twenty-third", "two two", "hundred", "and five", "zero five", "three-bedroom", "HALF.TWO", "half two"],
)
def test_words_that_are_no_number(words: str) -> None:
    assert [item for item in read_items(words) if item.type == "quantity" and item.text == words] == []


@pytest.mark.parametrize(
    ("text", "quantity"),
    [
        ("3:30", Quantity(Fraction(210), "time")),
        ("03:30 PM", Quantity(Fraction(210), "time", "pm")),
        ("3 p.m.", Quantity(Fraction(3), "number", "pm")),
        ("25%", Quantity(Fraction(25), "percent")),
        ("1:00:30", Quantity(Fraction(121, 2), "time")),
    ],
)
def test_kinds(text: str, quantity: Quantity) -> None:
    assert read_quantity(text) == quantity


def test_text_of_a_time() -> None:
    assert str(read_quantity("03:05")) == "3:05"
    assert str(read_quantity("1:00:30")) == "1:00:30"


@pytest.mark.parametrize(
    ("one", "other", "equal"),
    [
        ("3:30", "3:30 PM", True),
        ("15:30", "3:30 PM", True),
        ("15:30", "3:30", False),
        ("3:30 AM", "3:30 PM", False),
        ("12:15 AM", "0:15", True),
        ("12:15 PM", "12:15", True),
        ("3:30", "210", False),
        ("3:00", "180", False),
        ("6:00 PM", "6", True),
        ("6:00", "6", False),
        ("3 PM", "3:00 PM", True),
        ("3 PM", "15:00", True),
        ("3 PM", "3 AM", False),
        ("3 PM", "3", True),
        ("25%", "25", True),
        ("25%", "0.25", False),
        ("2.50", "5/2", True),
        ("0.333", "1/3", False),
    ],
)
def test_equality_is_exact_and_symmetric(one: str, other: str, equal: bool) -> None:
    first, second = read_quantity(one), read_quantity(other)
    assert first.equals(second) is equal
    assert second.equals(first) is equal


def test_a_number_is_never_cut_in_two_by_the_limit() -> None:
    text = "a " * (MAX_TEXT // 2 - 2) + "123456"
    assert [item.text for item in read_items(text) if item.type == "quantity"] == []
