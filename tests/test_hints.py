"""Hints at the word that was meant."""

from __future__ import annotations

from rote.hints import hint

KNOWN = ("seed", "variants", "topic")


def test_names_the_nearest() -> None:
    assert hint("sede", KNOWN) == "; did you mean 'seed'?"
    assert hint("topik", KNOWN, "; known: …") == "; did you mean 'topic'?"


def test_says_otherwise_where_none_is_near() -> None:
    assert hint("banana", KNOWN) == ""
    assert hint("banana", KNOWN, "; known: seed, variants, topic") == "; known: seed, variants, topic"
    assert hint("seed", ()) == ""


def test_a_lower_cutoff_finds_more() -> None:
    assert hint("sd", ["seeds"]) == ""
    assert hint("sd", ["seeds"], cutoff=0.5) == "; did you mean 'seeds'?"


def test_the_same_word_whatever_the_order_of_a_set() -> None:
    assert {hint("abx", words) for words in (["aba", "abb", "abc"], ["abc", "abb", "aba"])} == {
        "; did you mean 'abc'?"
    }
