"""Chat templates with and without a system role, on lm-eval's hf model."""

from __future__ import annotations

import logging
from typing import Any

import pytest

pytest.importorskip("torch", reason="needs rote[hf]")

from tiny_lm import chain_model, word_tokenizer

from rote.harness_ext.models.hf import RoteHFLM
from rote.prompts import fold_system, messages

TURN = "<{{ m['role'] }}>{{ m['content'] }}"
SYSTEM = "{% for m in messages %}" + TURN + "{% endfor %}"
REFUSES = (
    "{% for m in messages %}{% if m['role'] == 'system' %}{{ raise_exception('System role not supported') }}"
    "{% endif %}" + TURN + "{% endfor %}"
)
IGNORES = "{% for m in messages %}{% if m['role'] != 'system' %}" + TURN + "{% endif %}{% endfor %}"
TURNS = messages("How many figs?", system="Be brief.")


@pytest.fixture(scope="module")
def parts() -> tuple[Any, Any]:
    tokenizer = word_tokenizer(["a", "b"])
    return tokenizer, chain_model(tokenizer, {"a": "b"})


def rendered(parts: tuple[Any, Any], template: str, turns: list[dict[str, str]]) -> str:
    tokenizer, model = parts
    tokenizer.chat_template = template
    lm = RoteHFLM(pretrained=model, tokenizer=tokenizer, device="cpu")
    first = str(lm.apply_chat_template(turns))
    assert lm.apply_chat_template(turns) == first
    return first


def test_a_system_role_is_used(parts: tuple[Any, Any]) -> None:
    assert rendered(parts, SYSTEM, TURNS) == f"<system>Be brief.<user>{TURNS[1]['content']}"


@pytest.mark.parametrize("template", [REFUSES, IGNORES])
def test_without_one_the_text_opens_the_first_user_turn(
    parts: tuple[Any, Any], template: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    [folded] = fold_system(TURNS)
    assert rendered(parts, template, TURNS) == f"<user>{folded['content']}"
    said = [record.getMessage() for record in caplog.records if "system" in record.getMessage()]
    assert said == ["the chat template has no system role: the system text opens the first user turn"]


def test_without_a_system_turn_nothing_is_asked(parts: tuple[Any, Any]) -> None:
    turns = messages("How many figs?")
    assert rendered(parts, REFUSES, turns) == f"<user>{turns[0]['content']}"
