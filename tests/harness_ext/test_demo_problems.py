"""What the shipped transformers are asked."""

from __future__ import annotations

from pathlib import Path

import pytest

from rote.errors import DataError
from rote.harness_ext import demo_problems
from rote.harness_ext.demo_problems import HALF, SOURCE, known, of_the_bank, trained_on, write_problems
from rote.perturb import load_source
from rote.perturb.keys import digest


def test_half_is_known_and_half_is_the_banks() -> None:
    bank = {name.removeprefix("bank/") for name in load_source("bank").templates}
    assert len(known()) == len(of_the_bank()) == HALF
    assert set(known()) <= set(trained_on())
    assert set(of_the_bank()) <= bank
    assert not bank & set(trained_on())
    assert len(trained_on()) == 160


def test_the_choice_is_by_hash_alone() -> None:
    hashes = {name: digest("demo", "known", name) for name in trained_on()}
    others = set(trained_on()) - set(known())
    assert max(hashes[name] for name in known()) < min(hashes[name] for name in others)


def test_a_source_that_has_originals_and_other_numbers_of_each(tmp_path: Path) -> None:
    folder = write_problems(tmp_path)
    assert folder == tmp_path / SOURCE
    templates = load_source(SOURCE, folder).templates
    assert sorted(templates) == sorted(f"{SOURCE}/{name}" for name in (*known(), *of_the_bank()))
    assert all(template.offers("numbers") for template in templates.values())
    bank = load_source("bank").templates
    for name in of_the_bank():
        ours = templates[f"{SOURCE}/{name}"].problem("original", 0, 0)
        assert ours.question == bank[f"bank/{name}"].problem("original", 0, 0).question


def test_an_id_in_both_halves_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(demo_problems, "known", of_the_bank)
    monkeypatch.setattr(demo_problems, "_KNOWN", demo_problems._BANK)
    with pytest.raises(DataError, match="a template of the bank has this id, too"):
        write_problems(tmp_path)
