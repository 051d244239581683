"""Loops count, literal and templated; long honest chains do not."""

from __future__ import annotations

import pytest

from rote.metrics.looping import read_novelty

HONEST_DAYS = "\n".join(
    f"On day {n} she picks {3 * n} figs, so there are {3 * n} + {n} = {4 * n} figs." for n in range(1, 13)
)
SYLLABLES = ("ba", "ke", "lo", "mu", "ri", "sa", "te", "vo", "zu", "ni", "da")


def word(number: int) -> str:
    """A made-up word, another for each number below eleven cubed."""
    return SYLLABLES[number % 11] + SYLLABLES[number // 11 % 11] + SYLLABLES[number // 121 % 11]


#: Two thousand words in sentences that share their beginning, as chains of thought do.
PROSE = " ".join(
    f"So now we look at {word(3 * n)} {word(5 * n + 1)} and {word(7 * n + 2)}: {n} {word(11 * n)} left."
    for n in range(170)
)


@pytest.mark.parametrize(
    ("text", "looping"),
    [
        ("", False),
        ("2 + 2 = 4", False),
        (HONEST_DAYS, False),
        (PROSE, False),
        ("Let me check that again, then. " * 30, True),
        (PROSE + " So the answer is nine, I think. " * 20, True),
        (" So the answer is nine, I think. " * 20 + PROSE, True),
        ("\n".join(f"Step {n}: add 1 to {n} to get {n + 1}." for n in range(100)), True),
        ("ha" * 500, True),
        ("数えると三つになります、" * 60, True),
    ],
)
def test_looping(text: str, looping: bool) -> None:
    assert read_novelty(text).looping is looping


def test_least_novelty() -> None:
    assert read_novelty("one two three").least is None
    assert read_novelty("a b c d e f g h i").least == 1.0
    assert read_novelty("a b c d e f g h " * 2).least == pytest.approx(8 / 9)
    assert read_novelty("a b c d e f g h " * 40).least == 0.0
