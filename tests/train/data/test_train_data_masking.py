"""Questions as masked words: what a variant changes leaves no trace in them."""

from __future__ import annotations

import pytest

from rote.train.data.masking import masked_words, runs_of


def test_numbers_names_and_pronouns_are_masked_and_punctuation_is_gone() -> None:
    assert masked_words("Ana's 3 dogs ate $1,080.50 of food; she paid twenty-five percent!") == (
        *(
            "<name>",
            "<number>",
            "dogs",
            "ate",
            "<number>",
            "of",
            "food",
            "<he>",
            "paid",
            "<number>",
            "percent",
        ),
    )


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Emeka buys 12 pens.", "Birgit buys three hundred pens."),
        ("He sold 1/2 of his 40 figs.", "She sold 2 1/2 of her 7 figs."),
        ("It took Ana’s aunt 7:30 hours.", "It took Emeka's aunt eight hours."),
        ("We met Zzyvor at 5. Zzyvor left.", "We met Qwimble at 6. Qwimble left."),
    ],
)
def test_what_a_variant_changes_leaves_no_trace(one: str, other: str) -> None:
    assert masked_words(one) == masked_words(other)
    assert "<name>" in masked_words(one) or "<he>" in masked_words(one)


def test_a_capital_at_the_start_of_a_sentence_is_no_name() -> None:
    assert masked_words("Boxes weigh 3 kilos. Crates weigh 5 kilos. I lift all.")[:2] == ("boxes", "weigh")
    assert "crates" in masked_words("Boxes weigh 3 kilos. Crates weigh 5 kilos.")
    assert "i" in masked_words("Today I lift 3 boxes.")


def test_runs() -> None:
    assert runs_of(("a", "b", "c", "d"), 3) == {("a", "b", "c"), ("b", "c", "d")}
    assert runs_of(("a", "b"), 3) == {("a", "b")}
    assert runs_of((), 3) == frozenset()
