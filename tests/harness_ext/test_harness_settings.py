"""What stands under the metadata key ``rote``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from rote.errors import UsageError
from rote.harness_ext.settings import Settings, parse_settings
from rote.perturb.noop import FACTORS, Selection, family_names


def test_nothing_said_means_defaults() -> None:
    defaults = Settings(seed=0, variants=3, gsm8k=None, gsm8k_items="templated", noop=None, templates=None)
    assert parse_settings(None) == parse_settings({}) == defaults


def test_everything_said() -> None:
    said = {"seed": 7, "variants": 5, "gsm8k": "/data", "gsm8k_items": "all"}
    assert parse_settings(said) == Settings(7, 5, Path("/data"), "all")
    chosen = {"noop": {"topic": "off", "magnitude": ["in_range", "out_of_range"]}, "templates": "~/mine"}
    assert parse_settings(chosen) == Settings(
        noop=Selection(topic=("off",), magnitude=("in_range", "out_of_range")),
        templates=Path("~/mine").expanduser(),
    )
    assert parse_settings({"noop": None, "templates": None}) == Settings()
    # For the tasks on linear equations, which may run beside others.
    assert parse_settings({"linear": {"n": 5}}) == Settings()
    # Some writers of JSON have one kind of number.
    assert parse_settings({"seed": 7.0, "variants": 5.0}) == Settings(7, 5)


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        ({"sede": 1}, r"unknown key under metadata 'rote': 'sede'; did you mean 'seed'\?"),
        ({"variant": 5}, r"did you mean 'variants'\?"),
        ({"gsm8k_mismatch": "drop"}, r"gsm8k_mismatch must be error or skip, got 'drop'"),
        (
            {"zzz": 1},
            r"'zzz' \(known: seed, variants, gsm8k, gsm8k_items, gsm8k_mismatch, noop, templates, linear\)",
        ),
        ({"seed": -1}, r"metadata rote\.seed must be a whole number of at least 0, got -1"),
        ({"seed": "1"}, r"rote\.seed .* got '1'"),
        ({"seed": True}, r"rote\.seed .* got True"),
        ({"seed": 1.5}, r"rote\.seed .* got 1\.5"),
        ({"variants": 0}, r"rote\.variants must be a whole number of at least 1, got 0"),
        ({"variants": None}, r"rote\.variants .* got None"),
        ({"gsm8k": 3}, r"rote\.gsm8k must be the path of a folder, got 3"),
        ({"gsm8k": ""}, r"rote\.gsm8k must be the path of a folder, got ''"),
        ({"gsm8k_items": "some"}, r"rote\.gsm8k_items must be templated or all, got 'some'"),
        ({"gsm8k_items": ["all"]}, r"rote\.gsm8k_items must be templated or all, got \['all'\]"),
        ({"gsm8k_item": "all"}, r"did you mean 'gsm8k_items'\?"),
        ({"templates": 3}, r"rote\.templates must be the path of a folder, got 3"),
        ({"noop": "off"}, r"metadata rote\.noop must be a mapping such as .*, got 'off'"),
        ({"noop": {"topik": "off"}}, r"factor of metadata rote\.noop: 'topik'; did you mean 'topic'\?"),
        ({"noop": {"topic": "of"}}, r"metadata rote\.noop\.topic: 'of'; did you mean 'off'\?"),
        ({"noop": {"role": []}}, r"metadata rote\.noop\.role names no value; known: "),
        ({"noop": {"family": "goldfisch"}}, r"metadata rote\.noop\.family: 'goldfisch'.*known: "),
        ([1], r"'rote' must hold a mapping .* got \[1\]"),
        ("seed=1", r"'rote' must hold a mapping .* got 'seed=1'"),
    ],
)
def test_bad_values_are_named(raw: Any, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        parse_settings(raw)


def test_every_family_and_every_place_and_size_can_be_chosen() -> None:
    known = {factor: FACTORS[factor] for factor in ("magnitude", "position")}
    for factor, values in {**known, "family": family_names()}.items():
        for value in values:
            chosen = parse_settings({"noop": {factor: value}}).noop
            assert chosen is not None
            assert getattr(chosen, factor) == (value,)


def test_a_choice_that_no_family_offers() -> None:
    with pytest.raises(UsageError, match=r"rote\.noop: no family offers topic=in, family=library_year"):
        parse_settings({"noop": {"topic": "in", "family": "library_year"}})
