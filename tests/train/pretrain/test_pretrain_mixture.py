"""The rows of a mixture: functions of recipe, seed and shard; none twice; none that is to be left out."""

from __future__ import annotations

import json
import re
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from mixtures import PLUMS, SOME, bank_part, folder_of, mixture_of, rows_of, spec_of

from rote.errors import DataError
from rote.perturb import load_source
from rote.perturb.noop import family_names
from rote.train.pretrain import Mixture
from rote.train.pretrain.parts import decontaminated
from rote.train.recipe import DecontaminationSpec

ARITHMETIC = {"source": "arithmetic", "weight": 1.0}
LINEAR = {"source": "linear", "weight": 0.5}


def test_a_shard_is_the_same_whenever_it_is_asked_for(some: Path) -> None:
    parts = (
        bank_part(some, "symbolic", "symbolic_noop"),
        bank_part(some, "original", repeats=0.5),
        ARITHMETIC,
        LINEAR,
    )
    made = mixture_of(*parts)
    forward = [made.shard(index) for index in range(4)]
    other = mixture_of(*parts)
    assert [other.shard(index) for index in (3, 1, 2, 0)] == [forward[index] for index in (3, 1, 2, 0)]
    assert other.shard(2) == forward[2]
    assert len({json.dumps([one.row.id for one in shard]) for shard in forward}) == 4
    assert mixture_of(*parts, seed=4).shard(0) != forward[0]


def test_rows_are_mixed_and_as_many_as_their_weights_say(some: Path) -> None:
    made = mixture_of(bank_part(some, "symbolic", weight=2), ARITHMETIC, LINEAR, shard=700)
    parts = [placed.part for placed in made.shard(1)]
    counts = Counter(parts)
    assert counts[1] == 200
    assert counts[2] == 100
    assert abs(counts[0] - 400) <= len(SOME)
    assert len(set(parts[:30])) == 3


def test_no_row_comes_twice_while_a_template_has_draws_left(some: Path) -> None:
    made = mixture_of(bank_part(some, "symbolic", "symbolic_noop"), ARITHMETIC, LINEAR, shard=200)
    rows = rows_of(made, *range(4))
    assert len(rows) > 700
    assert len({row.id for row in rows}) == len(rows)
    drawn = [row.question for row in rows if row.source != "arithmetic"]
    assert len(set(drawn)) == len(drawn)


def test_draws_go_on_from_shard_to_shard(own: Path) -> None:
    rows = rows_of(mixture_of(bank_part(own, "symbolic"), shard=20), 0, 1, 2)
    drawn = Counter((row.template_id, int(row.id.rpartition("/")[2])) for row in rows)
    assert set(drawn.values()) == {1}
    assert {index for _, index in drawn} == set(range(30))


def numbers_of(template_id: str, solution: str) -> tuple[str, ...]:
    return (template_id.rsplit("/", 1)[-1], *re.findall(r"\d+(?:[.,]\d+)*", solution))


def test_excluded_problems_are_left_out_and_no_others(own: Path) -> None:
    part = bank_part(own, "symbolic")
    plain = rows_of(mixture_of(part, shard=4000), 0)
    # Draws of another seed; two templates have few enough that they meet.
    exclude = [{"path": str(own), "variants": ["numbers", "original"], "draws": 5, "seed": 0}]
    asked = {
        numbers_of(problem.template_id, problem.solution)
        for template in load_source("own", own).templates.values()
        for variant in ("numbers", "original")
        for problem in template.instances(variant, 0, 5)
    }
    kept = rows_of(mixture_of(part, shard=4000, exclude=exclude), 0)
    met = [row for row in plain if numbers_of(row.template_id, row.solution) in asked]
    assert met
    assert Counter(row.question for row in kept) == Counter(row.question for row in plain if row not in met)


@pytest.mark.parametrize("variant", ["names", "noop", "noop_control"])
def test_an_original_with_other_names_or_a_clause_gives_its_numbers_away(some: Path, variant: str) -> None:
    exclude = [{"path": str(some), "variants": ["original"]}]
    assert rows_of(mixture_of(bank_part(some, variant)), 0)
    with pytest.raises(DataError, match="no row is left of a shard after filtering"):
        rows_of(mixture_of(bank_part(some, variant), exclude=exclude), 0)


def test_excluded_inert_clauses_are_those_that_the_evaluation_attaches(some: Path) -> None:
    families = sorted(
        {
            noop.family
            for template in load_source("some", some).templates.values()
            for problem in template.instances("noop", 0, 6)
            for noop in problem.noop
        }
        & set(family_names())
    )
    chosen = {"family": families[:2]}
    made = mixture_of(
        bank_part(some, "noop"),
        exclude=[{"path": str(some), "variants": ["noop"], "draws": 2, "noop": chosen}],
    )
    assert 0 < len(made.excluded) <= 2 * len(SOME)


def test_below_leaves_out_large_numbers_wherever_they_stand(own: Path) -> None:
    part = bank_part(own, "symbolic")
    kept = rows_of(mixture_of(part, shard=200, below=100), 0)
    plain = rows_of(mixture_of(part, shard=200), 0)

    def largest(text: str) -> float:
        return max(float(number) for number in re.findall(r"\d+", text.replace(",", "")))

    fitting = [row for row in plain if largest(f"{row.question} {row.solution}") < 100]
    assert 0 < len(fitting) < len(plain)
    assert Counter(row.id for row in kept) == Counter(row.id for row in fitting)


def test_a_number_is_read_with_its_commas_and_decimals() -> None:
    rows = rows_of(mixture_of(ARITHMETIC, shard=600, below=50.5), 0)
    assert rows
    texts = [f"{row.question} {row.solution}".replace(",", "") for row in rows]
    assert max(float(number) for text in texts for number in re.findall(r"\d+(?:\.\d+)?", text)) < 50.5


def test_nothing_left_of_a_shard_is_an_error(own: Path) -> None:
    with pytest.raises(DataError, match=r"data\.parts: no row is left"):
        mixture_of(bank_part(own, "symbolic"), below=1).shard(0)


def test_a_share_takes_templates_by_their_hash(some: Path) -> None:
    def taken(share: float, seed: int) -> set[str]:
        part = bank_part(some, "symbolic", share=share, seed=seed)
        return {template.id for template in mixture_of(part).templates(0)}

    assert len(taken(0.5, 0)) == 3
    # A larger share holds the smaller one, so that doses can be compared.
    assert taken(1 / 6, 0) < taken(0.5, 0) < taken(1.0, 0)
    assert len({frozenset(taken(0.5, seed)) for seed in range(6)}) > 1
    assert len(taken(0.01, 0)) == 1
    # The seed of the stream has no say in it.
    part = bank_part(some, "symbolic", share=0.5)
    assert mixture_of(part, seed=1).templates(0) != []
    assert {t.id for t in mixture_of(part, seed=1).templates(0)} == {
        t.id for t in mixture_of(part, seed=2).templates(0)
    }


@pytest.mark.parametrize("repeats", [0.3, 1.0, 2.5, 4.0])
def test_an_original_stands_as_often_as_repeats_says(some: Path, repeats: float) -> None:
    made = mixture_of(bank_part(some, "original", repeats=repeats), ARITHMETIC, shard=8)
    so_far: Counter[str] = Counter()
    for index in range(20):
        here = Counter(row.template_id for row in rows_of(made, index, part=0))
        so_far.update(here)
        for template in made.templates(0):
            assert here[template.id] in (int(repeats), -int(-repeats // 1))
            assert abs(so_far[template.id] - repeats * (index + 1)) < 1
    assert len(so_far) == len(SOME)
    assert {row.variant for row in rows_of(made, 0, 1, 2, 3, part=0)} == {"original"}


def test_planted_rows_are_neither_excluded_nor_compared(some: Path) -> None:
    exclude = [{"path": str(some), "variants": ["original"]}]
    against: dict[str, Any] = {"against": ["bank"]}

    def made(planted: bool) -> Mixture:
        return mixture_of(
            bank_part(some, "original", repeats=1, planted=planted),
            ARITHMETIC,
            exclude=exclude,
            decontaminate=against,
        )

    planted, honest = made(True), made(False)
    assert len(rows_of(planted, 0, part=0)) == len(SOME)
    assert rows_of(honest, 0, part=0) == []
    certificate = decontaminated(planted)
    assert (certificate.rows_in, certificate.out, planted.left_out) == (0, (), ())
    assert planted.planted() == sorted(template.id for template in planted.templates(0))
    assert honest.planted() == []
    with pytest.raises(DataError, match=r"data\.parts\.0: no template is left"):
        decontaminated(honest)


def test_templates_that_share_text_with_an_evaluation_are_left_out(tmp_path: Path) -> None:
    folder = folder_of(tmp_path / "mixed", PLUMS, bank=("bike_hire",))
    made = mixture_of(bank_part(folder, "symbolic"), ARITHMETIC, decontaminate={"against": ["bank"]})
    before = made.content_hash
    assert "mixed/bike_hire" in {row.template_id for row in rows_of(made, 0)}
    made = Mixture(made.spec, made.seed)
    certificate = decontaminated(made)
    assert made.left_out == ("mixed/bike_hire",)
    assert {match.template for match in certificate.out} == {"bank/bike_hire"}
    assert "left out" in certificate.statement
    record = json.loads(certificate.to_json())
    assert record["rows_in"] == record["rows"] + record["rows_out"]
    assert record["against"][0]["name"] == "bank"
    assert record["sources"] == {"mixed": record["rows"]}
    assert {row.template_id for row in rows_of(made, 0, part=0)} == {"mixed/plum_bowls"}
    assert made.content_hash != before


def test_two_folders_with_one_template_id_are_both_compared(tmp_path: Path) -> None:
    clean = folder_of(tmp_path / "a" / "same", {**PLUMS, "id": "bike_hire"})
    copied = folder_of(tmp_path / "b" / "same", bank=("bike_hire",))
    made = mixture_of(
        bank_part(clean, "symbolic"), bank_part(copied, "symbolic"), decontaminate={"against": ["bank"]}
    )
    with pytest.raises(DataError, match="no template is left"):
        decontaminated(made)


def test_without_decontamination_the_certificate_says_so(some: Path) -> None:
    made = mixture_of(bank_part(some, "symbolic"))
    certificate = decontaminated(made)
    assert not certificate.done
    assert certificate.statement.startswith("Decontamination was not done")
    assert made.left_out == ()


def test_inert_clauses_are_of_the_families_chosen(some: Path) -> None:
    every = rows_of(mixture_of(bank_part(some, "symbolic_noop"), shard=120), 0)
    source = load_source("some", some)

    def families(rows: list[Any]) -> Counter[str]:
        found: Counter[str] = Counter()
        for row in rows:
            template, variant, seed, index = re.fullmatch(r"(.+)/(\w+)/(\d+)/(\d+)", row.id).groups()
            problem = source.templates[template].problem(variant, int(seed), int(index))
            found.update(noop.family for noop in problem.noop)
        return found

    there = families(every)
    chosen = sorted(set(there) & set(family_names()), key=lambda family: (-there[family], family))[:2]
    part = bank_part(some, "symbolic_noop", "symbolic", noop={"family": chosen})
    made = rows_of(mixture_of(part, shard=240), 0)
    clauses = [row for row in made if row.variant == "symbolic_noop"]
    assert clauses
    assert set(families(clauses)) == set(chosen)
    # What has no inert clause is not chosen among.
    assert sum(row.variant == "symbolic" for row in made) == 20 * len(SOME)


def test_the_hash_is_of_all_that_makes_the_rows_and_of_nothing_else(some: Path, own: Path) -> None:
    part = bank_part(some, "symbolic")
    first = mixture_of(part).content_hash
    assert re.fullmatch("[0-9a-f]{64}", first)
    assert mixture_of(part, workers=7).content_hash == first
    changed = [
        mixture_of(part, seed=4),
        mixture_of(part, below=5000),
        mixture_of(part, shard=65),
        mixture_of(bank_part(some, "names")),
        mixture_of(bank_part(own, "symbolic")),
        mixture_of(part, exclude=[{"path": "bank", "variants": ["names"]}]),
    ]
    assert len({first, *(one.content_hash for one in changed)}) == 1 + len(changed)


def test_the_hash_is_of_the_templates_text(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def hash_of(place: str, template: dict[str, Any]) -> str:
        folder_of(tmp_path / place / "own", template)
        monkeypatch.chdir(tmp_path / place)
        return Mixture(spec_of(bank_part("own", "symbolic")), 0).content_hash

    first = hash_of("1", PLUMS)
    assert hash_of("2", PLUMS) == first
    assert hash_of("3", {**PLUMS, "ask": "How many plums are there now?"}) != first


def test_a_part_whose_templates_lack_its_variants_is_an_error(tmp_path: Path) -> None:
    folder = folder_of(tmp_path / "own", PLUMS)
    with pytest.raises(DataError, match=r"data\.parts\.0\.variants: no template of .*own offers p1, p2"):
        mixture_of(bank_part(folder, "p1", "p2"))


def test_the_default_compares_with_gsm8k_and_the_bank() -> None:
    assert tuple(DecontaminationSpec().against) == ("gsm8k/test", "bank")
