from __future__ import annotations

import pytest

from rote.perturb import english
from rote.perturb.values import Person

INES, TUNDE = Person("Inês", "female"), Person("Tunde", "male")


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("He buys 1 pears.", "plural after 1"),
        ("It takes 1 minutes to boil.", "plural after 1"),
        ("She eats a apple.", "article"),
        ("She eats an pear.", "article"),
        ("It is a 8 km walk.", "article"),
        ("It is a 11 km walk.", "article"),
        ("It is an 12 km walk.", "article"),
        ("He pays a $80 fee.", "article"),
        ("They walk to the the shop.", "word twice"),
        ("They  walk.", "spacing"),
        ("They walk .", "spacing"),
        ("They walk. she sings.", "sentence begins in lower case"),
        ("They have {{ n }} bags.", "left over"),
    ],
)
def test_slips_are_found(text: str, rule: str) -> None:
    assert any(slip.startswith(rule) for slip in english.slips(text)), list(english.slips(text))


@pytest.mark.parametrize(
    "text",
    [
        "He buys 1 pear and 21 plums for $1 less.",
        "She waits an hour for a bus, a unit and a European coin.",
        "It is an 8 km walk, an 18 km ride and an 80 km drive; a 12 km swim is a 110 m dash.",
        "1 bus and 1 glass of milk. In 1 of the boxes there are pears.",
        "She had had enough, and that that was so is known.",
        "The price rose by $1.50. 3 of the shops closed.",
    ],
)
def test_right_english_passes(text: str) -> None:
    assert list(english.slips(text)) == []


@pytest.mark.parametrize(
    "text",
    [
        "She works 25 hours a day.",
        "They train 8 days a week.",
        "He saves 120% of it.",
        "She is 140 years old.",
    ],
)
def test_what_the_world_does_not_allow(text: str) -> None:
    assert list(english.implausible(text))


def test_pronouns_need_a_person() -> None:
    assert list(english.stray_pronouns("He pays.", [INES]))
    assert list(english.stray_pronouns("Tunde gives her a pear.", [TUNDE]))
    assert not list(english.stray_pronouns("He gives her a pear.", [INES, TUNDE]))
    assert not list(english.stray_pronouns("There she is, at the theatre.", [INES]))
