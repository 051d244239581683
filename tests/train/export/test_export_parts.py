"""Parts of the export: ends, checks at their edges, reports in cards, the hub, the command, lm-eval."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

pytest.importorskip("torch")
pytest.importorskip("transformers")
pytest.importorskip("peft")

import torch
from tiny_checkpoints import byte_tokenizer, save_adapter, save_full, tiny_model

from rote.cli import main
from rote.errors import DataError, SourceUnavailableError, UsageError
from rote.train.export import card, check_push, checks, endings, push
from rote.train.export.probe import Answers, prompts


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("made")
    tokenizer = byte_tokenizer(chat=True)
    save_full(folder / "base", tokenizer, tiny_model(tokenizer))
    save_adapter(folder / "adapter", folder / "base", tokenizer=tokenizer)
    return folder


# --- ends --------------------------------------------------------------------------------------------


def test_ends_are_of_tokenizer_configurations_and_vocabulary() -> None:
    tokenizer = byte_tokenizer(chat=True)
    known = tokenizer.convert_tokens_to_ids
    found = endings.ends(tokenizer, [SimpleNamespace(eos_token_id=[known("<pad>"), known("<eos>")])])
    assert list(found.values()) == ["<eos>", "<pad>", "<|im_end|>"]
    assert list(endings.ends(byte_tokenizer(), []).values()) == ["<eos>"]


def test_an_end_that_only_the_template_tells() -> None:
    tokenizer = byte_tokenizer(chat=True)
    tokenizer.add_special_tokens({"additional_special_tokens": ["<stop>"]})
    tokenizer.chat_template = "{% for m in messages %}{{ m.role }}: {{ m.content }}<stop>{% endfor %}"
    assert "<stop>" in endings.ends(tokenizer, []).values()


def test_ends_of_another_model() -> None:
    with pytest.raises(DataError, match=r"\[?eos_token_id\]?: is 9999, and the tokenizer has"):
        endings.ends(byte_tokenizer(), [SimpleNamespace(eos_token_id=9999)])


def test_a_generation_config_keeps_what_is_the_models_own() -> None:
    from transformers import GenerationConfig

    tokenizer = byte_tokenizer(chat=True)
    existing = GenerationConfig(repetition_penalty=1.05, eos_token_id=3)
    found = endings.generation_config(existing, tokenizer, [1, 4])
    assert (found.repetition_penalty, found.eos_token_id, found.pad_token_id) == (1.05, [1, 4], 0)
    odd = GenerationConfig(do_sample=True, temperature=0.7)
    odd.do_sample = False
    with pytest.raises(DataError, match="generation_config"):
        endings.generation_config(odd, tokenizer, [1])


# --- checks ------------------------------------------------------------------------------------------


def answers(*logits: list[list[float]]) -> Answers:
    tensors = tuple(torch.tensor(each) for each in logits)
    return Answers(tuple(tuple(int(i) for i in each.argmax(-1)) for each in tensors), tensors)


def test_logits_near_and_far() -> None:
    before = answers([[1.0, -1.0], [-1.0, 1.0]])
    assert checks.near(before, before.logits, "float32").passed is True
    moved = [before.logits[0] + 0.01]
    assert checks.near(before, moved, "float32").passed is False
    found = checks.near(before, moved, "bfloat16")
    assert found.passed is True
    assert found.values["max_abs"] == pytest.approx(0.01, rel=1e-3)
    assert checks.near(before, [before.logits[0] * float("nan")], "bfloat16").passed is False


def test_a_single_place_may_be_far_and_one_in_ten_not() -> None:
    before = answers([[1.0, -1.0], [-1.0, 1.0]] * 20)
    for far, passed in ((1, True), (2, True), (4, False)):
        moved = before.logits[0].clone()
        moved[:far] += 0.8
        found = checks.near(before, [moved], "bfloat16")
        assert found.passed is passed, found.told
        assert found.values["max_abs"] == pytest.approx(0.8)
        assert found.values["positions"] == 40
    everywhere = [before.logits[0] + torch.tensor([0.0, 0.8])]  # one row of the head is another one
    assert checks.near(before, everywhere, "bfloat16").passed is False


def test_agreement_is_a_share_of_tokens() -> None:
    before = answers([[1.0, -1.0], [-1.0, 1.0]], [[2.0, 0.0], [0.0, 2.0]])
    after = [before.logits[0], -before.logits[1]]
    found = checks.agreement(before, after, "float32")
    assert (found.passed, found.values["share"], found.values["tokens"]) == (False, 0.5, 4)


def test_what_is_read_again_must_be_what_was_written() -> None:
    whole = checks.reloaded({"a": "1"}, {"a": "1"}, [(1, 2)], [(1, 2)], {"ends": True})
    assert whole.passed is True
    for found, said, kept in (
        ({"a": "2"}, [(1, 2)], True),
        ({"a": "1", "b": "1"}, [(1, 2)], True),
        ({"a": "1"}, [(1, 3)], True),
        ({"a": "1"}, [(1, 2)], False),
    ):
        assert checks.reloaded({"a": "1"}, found, [(1, 2)], said, {"ends": kept}).passed is False


def test_prompts_are_cut_to_the_models_length_and_keep_their_beginning() -> None:
    tokenizer = byte_tokenizer(bos=True)
    whole, cut = prompts(tokenizer), prompts(tokenizer, positions=64)
    assert {len(each.ids) for each in cut} == {32}
    assert all(a.ids[0] == b.ids[0] and a.ids[-1] == b.ids[-1] for a, b in zip(whole, cut, strict=True))


# --- reports in cards --------------------------------------------------------------------------------


@pytest.fixture
def report(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.syspath_prepend(str(Path(__file__).parents[2] / "reports"))
    from log_factory import Run, behaviour

    right = behaviour({"original": 0.9, "numbers": 0.5})
    Run(tmp_path / "logs").add("original", 40, right).add("numbers", 40, right).write()
    assert main(["report", str(tmp_path / "logs"), "--out", str(tmp_path / "eval/report.json")]) == 0
    return tmp_path / "eval"


def test_a_reports_table(report: Path) -> None:
    for path in (report, report / "report.json"):
        found = card.read_report(path)
        [row] = found["rows"]
        assert row[1] == "numbers"
        assert row[4].split(" ")[0] == f"{float(row[2].split(' ')[0]) - float(row[3].split(' ')[0]):.1f}"
        assert found["level"] == "95%"


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("[]", "no report of rote"),
        ('{"schema": "other/1"}', "its schema is 'other/1'"),
        ('{"schema": "rote.report/2"}', "cannot be read as a report"),
        ('{"schema": "rote.report/2", "series": [], "level": 0.95, "warnings": []}', "has no row"),
        ("{", "cut off"),
    ],
)
def test_no_report(tmp_path: Path, content: str, words: str) -> None:
    (tmp_path / "report.json").write_text(content)
    with pytest.raises(DataError, match=words):
        card.read_report(tmp_path)
    with pytest.raises(DataError, match="no such file"):
        card.read_report(tmp_path / "none")


def test_what_a_report_says_of_itself_is_no_markup_in_a_card(report: Path) -> None:
    content = json.loads((report / "report.json").read_text(encoding="utf-8"))
    content["schema"] = "rote.report/<b>*2*</b>"
    (report / "report.json").write_text(json.dumps(content), encoding="utf-8")
    facts: dict[str, Any] = dict.fromkeys(("run", "alarms", "ends", "checks"), ())
    facts |= {"title": "out", "dtype": "bfloat16", "adapter": False, "quantised": False, "parameters": 1}
    facts |= {"base": {"name": "b", "revision": None, "on_hub": False}, "recipe": {"name": "r", "about": ""}}
    facts |= {"certificates": {}, "prompts": 1, "length": 1, "versions": {"rote": "1"}}
    told = card.render_card({**facts, "report": card.read_report(report)})
    assert r"schema rote.report/\<b\>\*2\*\</b\>), with 95% intervals" in told


def test_nothing_in_a_card_is_markup_by_accident() -> None:
    assert card.escape("a|b\n# *c* <d>") == r"a\|b \# \*c\* \<d\>"
    told = card.scalars({"n": 1200, "deep": {"yes": True}, "path": "/home/x", "list": [1, 2], "none": None})
    assert told == [("n", "1,200"), ("deep: yes", "yes"), ("list", "1, 2")]


# --- the command -------------------------------------------------------------------------------------


def test_the_command(made: Path, report: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "out"
    words = ["export", str(made / "adapter"), str(out), "--dtype", "float32", "--report", str(report)]
    assert main(words) == 0
    told = capsys.readouterr()
    assert told.out.strip() == str(out)
    assert "ok   greedy" in told.err
    text = (out / "README.md").read_text()
    assert "| model | variant | original |" in text
    assert "| numbers |" in text
    assert main(words) == 3
    assert "pass --force" in capsys.readouterr().err
    assert main(["export", str(made / "adapter"), str(tmp_path / "b"), "--public"]) == 3


def test_a_push_that_cannot_work_is_told_before_any_work(
    made: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    assert main(["export", str(made / "adapter"), str(out), "--push-to-hub", "team/model"]) == 3
    assert "HF_HUB_OFFLINE is set" in capsys.readouterr().err
    assert not out.exists()


# --- the hub -----------------------------------------------------------------------------------------


class Hub:
    """A hub that remembers what it was asked, or fails."""

    def __init__(self, *, private: bool = True, fails: Exception | None = None) -> None:
        self.private, self.fails, self.calls = private, fails, []  # type: ignore[var-annotated]

    def create_repo(self, repo: str, **how: Any) -> None:
        self.calls.append(("create", repo, how))

    def repo_info(self, repo: str, **how: Any) -> Any:
        return SimpleNamespace(private=self.private)

    def upload_folder(self, **how: Any) -> Any:
        if self.fails is not None:
            raise self.fails
        self.calls.append(("upload", how["repo_id"], how))
        return SimpleNamespace(commit_url="https://hub/team/model/commit/1")


def test_a_push_is_private_unless_asked(tmp_path: Path) -> None:
    hub = Hub()
    assert push(tmp_path, "team/model", api=hub) == "https://hub/team/model/commit/1"
    assert [call[:2] for call in hub.calls] == [("create", "team/model"), ("upload", "team/model")]
    assert hub.calls[0][2]["private"] is True
    assert hub.calls[1][2]["folder_path"] == str(tmp_path)
    public = Hub(private=False)
    push(tmp_path, "team/model", public=True, api=public)
    assert public.calls[0][2]["private"] is False


def test_no_push_into_what_is_public(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="is public; pass --public"):
        push(tmp_path, "team/model", api=Hub(private=False))


def test_pushes_that_fail(tmp_path: Path) -> None:
    import httpx
    from huggingface_hub.errors import HfHubHTTPError

    request = httpx.Request("POST", "https://hub")
    refused = HfHubHTTPError("403 Forbidden", response=httpx.Response(403, request=request))
    with pytest.raises(UsageError, match="the token may not write there"):
        push(tmp_path, "team/model", api=Hub(fails=refused))
    with pytest.raises(SourceUnavailableError, match=r"cannot be reached \(no route\); the export is whole"):
        push(tmp_path, "team/model", api=Hub(fails=httpx.ConnectError("no route")))
    with pytest.raises(ZeroDivisionError):
        push(tmp_path, "team/model", api=Hub(fails=ZeroDivisionError()))


def test_a_push_without_token_or_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.get_token", lambda: None)
    with pytest.raises(UsageError, match="there is no token; set HF_TOKEN"):
        check_push("team/model", offline=False)
    with pytest.raises(UsageError, match="is no hub id"):
        check_push("team/model/more", offline=False)
    with pytest.raises(SourceUnavailableError, match="HF_HUB_OFFLINE is set"):
        check_push("team/model", "token", offline=True)
    check_push("team/model", "token", offline=False)


# --- lm-eval -----------------------------------------------------------------------------------------


def test_lm_eval_loads_an_export(made: Path, tmp_path: Path) -> None:
    lm_eval = pytest.importorskip("lm_eval")
    pytest.importorskip("accelerate")
    from rote import tasks_path
    from rote.train.export import export

    export(made / "adapter", tmp_path / "out", dtype="float32")
    results = lm_eval.simple_evaluate(
        model="hf",
        model_args={"pretrained": str(tmp_path / "out"), "device": "cpu", "max_length": 512},
        tasks=["bank_original_zeroshot"],
        task_manager=lm_eval.tasks.TaskManager(include_path=str(tasks_path()), include_defaults=False),
        limit=2,
        gen_kwargs="max_gen_toks=8",
        apply_chat_template=True,
        bootstrap_iters=0,
    )
    [samples] = results["samples"].values()
    assert len(samples) == 2
    assert str(results["config"]["model_dtype"]) == "torch.float32"


def test_the_record_says_what_the_card_says(made: Path, tmp_path: Path) -> None:
    from rote.train.export import export

    done = export(made / "adapter", tmp_path / "out", dtype="bfloat16")
    record = json.loads((tmp_path / "out/export.json").read_text())
    assert record["schema"] == "rote.export/1"
    assert [c["told"] for c in record["checks"]] == [c.told for c in done.checks]
    assert record["versions"]["peft"]
