"""The planted models: each does what it is planted to do, whatever the order, and says what it is."""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping
from typing import Any

import pytest
from lm_eval.api.instance import Instance
from scipy.stats import binom

from rote.errors import DataError, UsageError
from rote.harness_ext.datasets import load_problems
from rote.harness_ext.models.planted import PlantedLM
from rote.harness_ext.scoring import score
from rote.perturb import load_source
from rote.problem import VARIANTS

Doc = Mapping[str, Any]

#: What the bank's templates offer, in the order of reports.
OFFERED = [v for v in VARIANTS if any(t.offers(v) for t in load_source("bank").templates.values())]


def docs(variant: str, **rote: Any) -> list[dict[str, Any]]:
    return list(load_problems(rote_source="bank", rote_variant=variant, rote=rote)["test"])


def requests(documents: Iterable[Doc], until: Any = ()) -> list[Instance]:
    return [
        Instance("generate_until", dict(doc), ("prompt", {"until": until}), 0, ("task", i, 1))
        for i, doc in enumerate(documents)
    ]


def answers(lm: PlantedLM, documents: list[dict[str, Any]]) -> list[str]:
    return lm.generate_until(requests(documents), disable_tqdm=True)


def mean(lm: PlantedLM, variant: str, metric: str = "exact_match", **rote: Any) -> float:
    documents = docs(variant, **rote)
    scores = [score(d, r)[metric] for d, r in zip(documents, answers(lm, documents), strict=True)]
    return sum(scores) / len(scores)


@pytest.mark.parametrize("variant", OFFERED)
def test_solver_is_always_right_in_the_asked_format(variant: str) -> None:
    lm = PlantedLM("solver")
    assert mean(lm, variant) == 1
    assert mean(lm, variant, "format_ok") == 1
    assert mean(lm, variant, "trapped") == 0


def test_memorizer_recites_the_original_on_every_variant() -> None:
    lm = PlantedLM("memoriser")
    originals = {doc["template_id"]: doc for doc in docs("original")}
    for variant in OFFERED:
        documents = docs(variant)
        for doc, response in zip(documents, answers(lm, documents), strict=True):
            original = originals[doc["template_id"]]
            assert response == answers(PlantedLM("solver"), [original])[0]
            assert score(doc, response)["exact_match"] == int(doc["answer"] == original["answer"])
    for variant in ("original", "names", "noop", "noop2", "noop_control"):
        assert mean(lm, variant) == 1
    for variant in ("numbers", "symbolic", "symbolic_noop"):
        assert mean(lm, variant) == 0


def test_memorizer_knows_whole_templates() -> None:
    lm = PlantedLM("memorizer", recall=0.5)
    documents = docs("symbolic", variants=4)
    known: dict[str, set[int]] = {}
    for doc, response in zip(documents, answers(lm, documents), strict=True):
        known.setdefault(doc["template_id"], set()).add(score(doc, response)["exact_match"])
    assert all(len(results) == 1 for results in known.values())
    assert 0.3 < sum(results == {0} for results in known.values()) / len(known) < 0.7


@pytest.mark.parametrize("variant", ["noop", "noop2", "symbolic_noop"])
@pytest.mark.parametrize("rate", [0.2, 0.5])
def test_distractible_falls_for_traps_at_its_rate(variant: str, rate: float) -> None:
    documents = docs(variant, variants=5)
    assert all(doc["traps"] for doc in documents)
    lm = PlantedLM("distractible", trap_rate=rate)
    scores = [score(d, r) for d, r in zip(documents, answers(lm, documents), strict=True)]
    trapped = sum(s["trapped"] for s in scores)
    # 99.9 % of what a binomial law gives, so that a change of the bank does not make this test fail
    low, high = binom.interval(0.999, len(documents), rate)
    assert low <= trapped <= high
    assert sum(s["exact_match"] for s in scores) == len(documents) - trapped
    assert all(s["format_ok"] for s in scores)


def test_distractible_at_the_ends_and_without_traps() -> None:
    always, never = PlantedLM("distractible", trap_rate=1), PlantedLM("distractible", trap_rate=0)
    for variant in ("noop", "noop2", "symbolic_noop"):
        assert mean(always, variant, "trapped") == 1
        assert mean(never, variant) == 1
    for variant in ("original", "symbolic", "noop_control"):
        assert mean(always, variant) == 1
    controls = docs("noop_control")
    assert not any(doc["traps"] for doc in controls)
    assert all(clause["number"] is None for doc in controls for clause in doc["noop"])


def test_noisy_is_right_as_often_on_every_variant() -> None:
    lm = PlantedLM("noisy", accuracy=0.7)
    for variant in ("original", "names", "symbolic", "noop"):
        assert 0.55 < mean(lm, variant, variants=5) < 0.85
        assert mean(lm, variant, "trapped") == 0
        assert mean(lm, variant, "format_ok") == 1
    assert mean(PlantedLM("noisy", accuracy=1), "noop") == 1
    assert mean(PlantedLM("noisy", accuracy=0), "noop") == 0


def test_digit_limited_slips_on_long_numbers() -> None:
    documents = docs("original")
    short = dict(documents[0], question="2 bags of 3 figs?", answer="6", solution="2*3=<<2*3=6>>6\n#### 6")
    long = dict(short, question="2 bags of 1,003 figs?", answer="2006", solution="#### 2006")
    cents = dict(short, question="A fig at 0.255 and one at 3.125?", answer="3.38", solution="#### 3.38")
    right = [score(d, r)["exact_match"] for d, r in zip(
        (short, long, cents), answers(PlantedLM("digit_limited", digits=1), [short, long, cents]), strict=True
    )]  # fmt: skip
    assert right == [1, 0, 1]
    assert score(long, answers(PlantedLM("digit_limited", digits=4), [long])[0])["exact_match"] == 1


@pytest.mark.parametrize("behaviour", ["noisy", "distractible", "memorizer"])
def test_order_batches_and_repeats_change_nothing(behaviour: str) -> None:
    documents = docs("noop", variants=2)
    whole = dict(zip((d["id"] for d in documents), answers(PlantedLM(behaviour), documents), strict=True))
    shuffled = documents * 2
    random.Random(5).shuffle(shuffled)
    again = PlantedLM(behaviour)
    for start in range(0, len(shuffled), 7):
        batch = shuffled[start : start + 7]
        assert answers(again, batch) == [whole[doc["id"]] for doc in batch]


def test_seeds_make_other_draws() -> None:
    documents = docs("original")
    first, second = (answers(PlantedLM("noisy", seed=seed), documents) for seed in (0, 1))
    assert first != second
    assert first == answers(PlantedLM("noisy", seed=0), documents)


def test_wrong_chain_of_thought_leads_to_the_wrong_answer() -> None:
    [doc] = docs("original")[:1]
    [response] = answers(PlantedLM("noisy", accuracy=0), [doc])
    *chain, last = response.splitlines()
    wrong = last.removeprefix("#### ")
    assert wrong != doc["answer"]
    assert wrong in chain[-1]
    assert len(chain) == len(doc["solution"].splitlines()) - 1


def test_stop_strings_cut() -> None:
    [doc] = docs("original")[:1]
    [whole] = answers(PlantedLM(), [doc])
    for until in ("####", ["nothing such", "####"]):
        [cut] = PlantedLM().generate_until(requests([doc], until), disable_tqdm=True)
        assert cut == whole.partition("####")[0]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"behaviour": "solvr"}, r"unknown behaviour of rote-planted: 'solvr'; did you mean 'solver'\?"),
        ({"behaviour": "noisy", "acuracy": 0.5}, r"noisy: 'acuracy'; did you mean 'accuracy'\?"),
        ({"behaviour": "solver", "accuracy": 0.5}, r"rote-planted's solver: 'accuracy'"),
        ({"behaviour": "noisy", "accuracy": 1.5}, r"accuracy must be a number from 0 to 1, got 1\.5"),
        ({"behaviour": "noisy", "accuracy": "high"}, r"accuracy must be a number from 0 to 1, got 'high'"),
        ({"behaviour": "noisy", "accuracy": True}, r"accuracy must be a number .* got True"),
        ({"behaviour": "noisy", "accuracy": float("nan")}, r"accuracy must be a number .* got nan"),
        ({"behaviour": "memorizer", "recall": -1}, r"recall must be a number from 0 to 1, got -1"),
        ({"behaviour": "distractible", "trap_rate": 2}, r"trap_rate must be a number from 0 to 1, got 2"),
        ({"behaviour": "digit_limited", "digits": 0}, r"digits must be a whole number from 1 to 20, got 0"),
        ({"behaviour": "digit_limited", "digits": 2.5}, r"digits must be a whole number .* got 2\.5"),
        ({"seed": -1}, r"rote-planted: seed must be a whole number of at least 0, got -1"),
        ({"seed": "x"}, r"seed must be .* got 'x'"),
    ],
)
def test_bad_arguments_are_named(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        PlantedLM(**arguments)


def test_names_tell_runs_apart() -> None:
    def name(**arguments: Any) -> str:
        lm = PlantedLM.create_from_arg_obj(arguments, {"batch_size": 1, "device": None})
        assert arguments["model"] == lm.name, "lm-eval files the run under the argument"
        return lm.name

    assert name() == "planted-solver"
    assert name(behaviour="memoriser") == "planted-memorizer"
    assert name(behaviour="noisy", accuracy=0.8) == "planted-noisy"
    assert name(behaviour="noisy", accuracy=0.65, seed=3) == "planted-noisy-accuracy-0.65-seed-3"
    assert name(behaviour="noisy", model="baseline") == "baseline"
    assert PlantedLM("noisy").get_model_info() == {
        "planted": {"behaviour": "noisy", "seed": 0, "accuracy": 0.8}
    }


def test_foreign_documents_are_refused() -> None:
    with pytest.raises(UsageError, match=r"rote's own tasks only; this one has no id, .*\(keys: q\)"):
        PlantedLM().respond({"q": 1})


def test_memorizer_needs_the_original() -> None:
    stranger = dict(docs("names")[0], source="elsewhere", template_id="elsewhere/1")
    with pytest.raises(DataError, match=r"knows no template 'elsewhere/1' of 'elsewhere'"):
        PlantedLM("memorizer").respond(stranger)


def test_no_probabilities() -> None:
    for method in (PlantedLM().loglikelihood, PlantedLM().loglikelihood_rolling):
        with pytest.raises(UsageError, match="generate_until tasks only"):
            method([])


def test_chat_template_keeps_every_turn() -> None:
    turns = [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]
    lm = PlantedLM()
    assert lm.apply_chat_template(turns) == "[user]\na\n[assistant]\nb\n[assistant]\n"
    assert lm.apply_chat_template(turns, add_generation_prompt=False) == "[user]\na\n[assistant]\nb\n"
