"""A judge: audited, asked only what the grader cannot decide, never guessed at."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from lm_eval.api.model import LM
from lm_eval.api.registry import model_registry
from test_rescore import record, rote_doc, write

from rote.cli import main
from rote.errors import LogError, UsageError
from rote.harness_ext import judge
from rote.harness_ext.judge import Rate, audit, pairs, read_rating, read_verdict
from rote.harness_ext.judge_logs import choose, judge_logs, lines, read_cases
from rote.logs.files import find_logs
from rote.rational import parse_number
from rote.reports.statistics import wilson_interval


class Perfect(LM):
    """Knows the pairs; of anything else says what it was made to say."""

    def __init__(self, otherwise: str = "no", spoil: str = "", **_: Any) -> None:
        super().__init__()
        self.otherwise, self.spoil = otherwise, spoil
        self.seen: list[str] = []
        self.known = {
            judge.equivalence_prompt(p.question, p.reference, p.stated): "Yes." if p.same else "No."
            for p in pairs()
        }

    def generate_until(self, requests: list[Any], disable_tqdm: bool = False) -> list[str]:
        return [self.reply(request.args[0]) for request in requests]

    def reply(self, prompt: str) -> str:
        if prompt in self.known:
            return {"always": "yes", "never": "no", "mumble": "Perhaps."}.get(self.spoil, self.known[prompt])
        self.seen.append(prompt)
        return "4" if "one digit" in prompt else self.otherwise

    def ask(self, prompts: Sequence[str]) -> list[str]:
        return [self.reply(prompt) for prompt in prompts]

    def loglikelihood(self, requests: list[Any], disable_tqdm: bool = False) -> Any:
        raise NotImplementedError

    loglikelihood_rolling = loglikelihood


def as_number(text: str) -> Fraction | None:
    try:
        return parse_number(text)
    except (ValueError, ZeroDivisionError):
        return None


class TestPairs:
    def test_enough_of_both_and_no_question_twice(self) -> None:
        found = Counter(pair.same for pair in pairs())
        assert sum(found.values()) >= 120
        assert min(found.values()) >= 60
        assert len({(p.question, p.reference, p.stated) for p in pairs()}) == len(pairs())

    def test_plain_numbers_have_the_verdict_of_arithmetic(self) -> None:
        compared = 0
        for pair in pairs():
            one, other = as_number(pair.reference), as_number(pair.stated)
            if one is not None and other is not None:
                compared += 1
                assert pair.same == (one == other), pair
        assert compared > 40

    @pytest.mark.parametrize(
        ("reference", "stated", "same"),
        [
            ("240", "204", False),
            ("1080", "1,080", True),
            ("1/2", "0.5", True),
            ("6", "half a dozen", True),
            ("90", "an hour and a half", True),
        ],
    )
    def test_well_known_ones_are_there(self, reference: str, stated: str, same: bool) -> None:
        assert [p.same for p in pairs() if (p.reference, p.stated) == (reference, stated)] == [same]


@pytest.mark.parametrize(
    ("reply", "verdict"),
    [
        ("yes", True),
        ("No", False),
        ("  **Yes.**\n", True),
        ("Answer: no", False),
        ("Final verdict: yes, both are 12.", True),
        ("<think>It is no 12. Hm, yes it is.</think>\nno", False),
        ("Yes, there is no difference.", None),
        ("No, wait: yes.", None),
        ("The answers are the same.", None),
        ("", None),
        ("not the same", None),
        ("yesterday", None),
        ("<think>yes", None),
        ("I would say yes", None),
    ],
)
def test_verdicts(reply: str, verdict: bool | None) -> None:
    assert read_verdict(reply) is verdict


@pytest.mark.parametrize(
    ("reply", "rating"),
    [
        ("4", 4),
        ("Rating: 5", 5),
        ("**3**/5", None),
        ("3/5", 3),
        ("2 out of 5.", 2),
        ("4, since the steps are sound.", 4),
        ("4.5", None),
        ("0", None),
        ("6", None),
        ("12", None),
        ("4 or 5", None),
        ("Good.", None),
        ("", None),
    ],
)
def test_ratings(reply: str, rating: int | None) -> None:
    assert read_rating(reply) == rating


def test_a_hostile_reply_costs_no_time() -> None:
    for unit in ("yes ", "*", "<think>", "no\n", "1 ", "answer:"):
        read_verdict(unit * 200_000)
        read_rating(unit * 200_000)


@pytest.mark.parametrize(("count", "total"), [(0, 70), (3, 70), (35, 70), (70, 70), (1, 1)])
def test_interval_is_the_one_of_reports(count: int, total: int) -> None:
    other = wilson_interval(count, total)
    assert judge.wilson(count, total) == pytest.approx((other.low, other.high), abs=1e-12)


def test_candidate_is_not_looked_through_for_places() -> None:
    prompt = judge.equivalence_prompt("Q {reference}?", "5", "{question} {candidate}")
    assert "Q {reference}?" in prompt
    assert "{question} {candidate}" in prompt
    assert len(judge.quality_prompt("Q", "5", "a" * 3_000_000)) < 12_000


class TestAudit:
    def test_perfect(self) -> None:
        found = audit(Perfect().ask)
        assert not found.failures
        assert (found.accepted.count, found.rejected.count, found.undecided.count) == (0, 0, 0)
        assert found.accepted.total + found.rejected.total == len(pairs())
        assert found.lines()[0].endswith("passes")

    @pytest.mark.parametrize(
        ("spoil", "told"),
        [
            ("always", "false accepts 100.0%"),
            ("never", "false rejects 100.0%"),
            ("mumble", "neither yes nor no 100.0%"),
        ],
    )
    def test_bad_judges_fail(self, spoil: str, told: str) -> None:
        found = audit(Perfect(spoil=spoil).ask)
        assert any(told in failure for failure in found.failures)
        assert found.wrong

    def test_limits(self) -> None:
        accept = [p for p in pairs() if not p.same]
        allowed = math.floor(0.05 * len(accept))
        for count in (allowed, allowed + 1):
            fooled = {judge.equivalence_prompt(p.question, p.reference, p.stated) for p in accept[:count]}
            stub = Perfect()
            found = audit(
                lambda prompts, f=fooled, s=stub: ["yes" if p in f else s.reply(p) for p in prompts]
            )
            assert bool(found.failures) == (count > allowed)
            assert found.accepted == Rate(count, len(accept))


def logged(folder: Path) -> Path:
    said = ["#### 6", "#### 204", "As many as a full egg box holds.", "A lot of figs, then.", ""]
    docs = [rote_doc(0) for _ in said]
    made = [
        record(i, {**d, "id": f"d/{i}"}, s, "0.4.13") for i, (d, s) in enumerate(zip(docs, said, strict=True))
    ]
    return write(folder, {"bank_noop": made})


def samples(folder: Path) -> list[tuple[str, Path]]:
    return [(task, path) for path, task, _ in find_logs([folder])[1]]


class TestJudge:
    def test_numbers_never_reach_it(self, tmp_path: Path) -> None:
        stub = Perfect(otherwise="yes")
        found = judge_logs(stub.ask, samples(logged(tmp_path)), sample=0)
        task = found["tasks"]["bank_noop"]
        decided = {case.response: case.correct for case in read_cases(samples(tmp_path))}
        assert decided["#### 6"] is True
        assert decided["#### 204"] is False
        assert not any("204" in prompt.split("<candidate>")[1] for prompt in stub.seen)
        assert task["asked"] == len(stub.seen) == sum(v is None for v in decided.values())
        assert task["accuracy"]["count"] == 1
        assert task["accuracy_with_judge"]["count"] == 1 + task["yes"]
        assert task["by_grader"] + task["asked"] == 5

    def test_neither_is_named_and_counted(self, tmp_path: Path) -> None:
        found = judge_logs(Perfect(otherwise="Perhaps.").ask, samples(logged(tmp_path)), sample=0)
        task = found["tasks"]["bank_noop"]
        assert task["undecided"] == task["asked"] > 0
        assert task["accuracy_with_judge"] == task["accuracy"]
        named = [line for line in lines(found) if "no verdict in the reply" in line]
        assert len(named) == task["undecided"]
        assert all("samples_bank_noop_" in line and "d/" in line for line in named)

    def test_quality_on_a_sample(self, tmp_path: Path) -> None:
        found = judge_logs(Perfect().ask, samples(logged(tmp_path)), sample=3)
        assert found["quality"] == {
            "sampled": 3,
            "undecided": 0,
            "mean": 4.0,
            "ratings": {"1": 0, "2": 0, "3": 0, "4": 3, "5": 0},
        }
        cases = read_cases(samples(tmp_path))
        assert choose(cases, 3, 7) == choose(cases[::-1], 3, 7)

    def test_one_that_fails_is_refused_unless_forced(self, tmp_path: Path) -> None:
        stub = Perfect(spoil="always", otherwise="yes")
        with pytest.raises(UsageError, match=r"fails its audit and is refused.*false accepts 100\.0%"):
            judge_logs(stub.ask, samples(logged(tmp_path)), sample=0)
        assert not stub.seen
        assert judge_logs(stub.ask, samples(tmp_path), sample=0, force=True)["forced"] is True

    def test_bad_logs(self, tmp_path: Path) -> None:
        folder = logged(tmp_path)
        (path,) = folder.glob("samples_*")
        text = path.read_text(encoding="utf-8").splitlines()
        path.write_text("\n".join([text[0], "{", *text[2:]]), encoding="utf-8")
        with pytest.raises(LogError, match=r":2: .*not valid JSON"):
            judge_logs(Perfect().ask, samples(folder))


@pytest.fixture
def stub_model(monkeypatch: pytest.MonkeyPatch) -> None:
    import lm_eval.models  # noqa: F401

    if "stub-judge" not in model_registry:
        model_registry.register("stub-judge", target=Perfect)


@pytest.mark.usefixtures("stub_model")
class TestCommand:
    def test_all_of_it(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        folder, out = logged(tmp_path / "in"), tmp_path / "judged.json"
        words = ["judge", str(folder), "--model", "stub-judge", "--model_args", "otherwise=Perhaps"]
        assert main([*words, "--out", str(out), "--sample", "2"]) == 0
        printed = capsys.readouterr().out
        assert "pairs: passes" in printed
        assert "reasoning, 1 to 5: mean 4.00 of 2" in printed
        assert json.loads(out.read_text(encoding="utf-8"))["audit"]["passed"] is True
        assert main([*words, "--out", str(out)]) == 3
        assert "is there already" in capsys.readouterr().err

    def test_audit_alone(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert main(["judge", "--model", "stub-judge", "--model_args", "spoil=always"]) == 1
        assert "false accepts       100.0% [" in capsys.readouterr().out
        assert main(["judge", "--model", "stub-judge"]) == 0

    def test_refusal_and_unknown_model(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        words = [str(logged(tmp_path)), "--model", "stub-judge", "--model_args", "spoil=mumble"]
        assert main(["judge", *words]) == 3
        assert "is refused" in capsys.readouterr().err
        assert main(["judge", "--model", "stub-jugde"]) == 3
        assert "did you mean 'stub-judge'" in capsys.readouterr().err
