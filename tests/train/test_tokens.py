"""Rows as token ids: the prompt is read, the response and its one end are predicted, row by row."""

from __future__ import annotations

from typing import Any

import pytest

pytest.importorskip("transformers", reason="needs rote[train]")

from rote.errors import DataError
from rote.perturb import linear
from rote.train.data import build_rows
from rote.train.engine import with_padding
from rote.train.recipe import PromptSpec
from rote.train.recipe.data import DataSpec
from rote.train.rows import Row, completion_text, prompt_text, prompt_turns
from rote.train.scratch import character_tokenizer, learned_tokenizer
from rote.train.tokens import (
    FIXTURE,
    IGNORED,
    end_of_turn,
    end_tokens,
    example,
    examples,
    fit_examples,
    fit_prompts,
    fixture,
    prompt_ids,
    prompts_ids,
)

PLAIN = PromptSpec()
CHAT = PromptSpec(chat=True)
#: In the manner of Qwen: a system role, and an end of turn that is not the end of text.
WITH_SYSTEM = (
    "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
#: In the manner of Gemma: its own beginning of sequence, no system role.
WITHOUT_SYSTEM = (
    "{{ bos_token }}{% for m in messages %}{% if m.role == 'system' %}"
    "{{ raise_exception('System role not supported') }}{% endif %}"
    "<|im_start|>{{ 'model' if m.role == 'assistant' else m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>model\n{% endif %}"
)
#: Shows every role but the system's, and says nothing.
LEAVES_SYSTEM_OUT = (
    "{% for m in messages %}{% if m.role != 'system' %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n"
    "{% endif %}{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)


def rows(n: int = 12) -> list[Row]:
    """Systems of equations, and a word problem."""
    spec = DataSpec.model_validate({"sources": [{"source": "linear", "n": n}], "decontaminate": None})
    return [FIXTURE, *build_rows(spec).rows]


def plain_tokenizer() -> Any:
    texts = [prompt_text(row, PLAIN) + completion_text(row, PLAIN) for row in rows()]
    return learned_tokenizer(texts, 400)


def chat_tokenizer(template: str = WITH_SYSTEM, *, bos: bool = False) -> Any:
    tokenizer = plain_tokenizer()
    tokenizer.add_special_tokens({"additional_special_tokens": ["<|im_start|>", "<|im_end|>"]})
    if bos:
        tokenizer.add_special_tokens({"bos_token": "<bos>"})
    tokenizer.chat_template = template
    return tokenizer


def adding_bos(*, eos: bool = False) -> Any:
    """A tokenizer that writes ``<bos>`` before every text, as Llama's and Gemma's do, and <eos> after it."""
    from tokenizers.processors import TemplateProcessing

    tokenizer = plain_tokenizer()
    tokenizer.add_special_tokens({"bos_token": "<bos>"})
    tokenizer._tokenizer.post_processor = TemplateProcessing(
        single="<bos> $A <eos>" if eos else "<bos> $A",
        special_tokens=[("<bos>", tokenizer.bos_token_id), ("<eos>", tokenizer.eos_token_id)],
    )
    return tokenizer


@pytest.mark.parametrize("make", [character_tokenizer, plain_tokenizer, adding_bos, chat_tokenizer])
def test_labels_are_the_response_and_its_end_and_nothing_else_row_by_row(make: Any) -> None:
    tokenizer = make()
    spec = CHAT if make is chat_tokenizer else PLAIN
    given = rows()
    made = examples(given, spec, tokenizer)
    assert made == [example(row, spec, tokenizer) for row in given]
    for row, each in zip(given, made, strict=True):
        prompt = prompt_ids(prompt_text(row, spec, tokenizer), spec, tokenizer)
        n = len(prompt)
        assert each.input_ids[:n] == prompt
        assert each.labels[:n] == [IGNORED] * n
        assert each.labels[n:] == each.input_ids[n:]
        assert IGNORED not in each.labels[n:]
        *said, end = each.labels[n:]
        assert tokenizer.decode(said) == completion_text(row, spec)
        assert end == end_of_turn(spec, tokenizer)
        assert end not in said


def test_the_end_of_text_is_predicted_once_after_a_plain_prompt() -> None:
    tokenizer = plain_tokenizer()
    for each in examples(rows(), PLAIN, tokenizer):
        assert each.labels[-1] == tokenizer.eos_token_id
        assert each.input_ids.count(tokenizer.eos_token_id) == 1
        assert tokenizer.pad_token_id not in each.input_ids


@pytest.mark.parametrize("eos", [False, True])
def test_one_beginning_of_sequence_and_no_end_in_front_of_the_response(eos: bool) -> None:
    tokenizer = adding_bos(eos=eos)
    for row in rows():
        ids = prompt_ids(prompt_text(row, PLAIN), PLAIN, tokenizer)
        assert ids[0] == tokenizer.bos_token_id
        assert ids.count(tokenizer.bos_token_id) == 1
        assert tokenizer.eos_token_id not in ids
        whole = example(row, PLAIN, tokenizer).input_ids
        assert whole.count(tokenizer.bos_token_id) == 1
        assert whole.count(tokenizer.eos_token_id) == 1


def test_a_template_that_writes_the_beginning_gets_no_second_one() -> None:
    tokenizer = chat_tokenizer(WITHOUT_SYSTEM, bos=True)
    ids = prompt_ids(prompt_text(FIXTURE, CHAT, tokenizer), CHAT, tokenizer)
    assert ids[0] == tokenizer.bos_token_id
    assert ids.count(tokenizer.bos_token_id) == 1
    doubled = "{{ bos_token }}" + WITHOUT_SYSTEM
    tokenizer.chat_template = doubled
    with pytest.raises(DataError, match=r"2 beginning-of-sequence tokens \('<bos>'\); it must have one"):
        prompt_ids(prompt_text(FIXTURE, CHAT, tokenizer), CHAT, tokenizer)


def test_a_beginning_of_sequence_that_opens_every_turn_is_no_second_one() -> None:
    tokenizer = chat_tokenizer()
    tokenizer.add_special_tokens({"bos_token": "<|im_start|>"})
    spec = PromptSpec(chat=True, system="Think first.")
    ids = prompt_ids(prompt_text(FIXTURE, spec, tokenizer), spec, tokenizer)
    assert ids[0] == tokenizer.bos_token_id
    assert ids.count(tokenizer.bos_token_id) == 3
    assert example(FIXTURE, spec, tokenizer).labels[-1] == tokenizer.convert_tokens_to_ids("<|im_end|>")
    tokenizer.chat_template = "{{ bos_token }}" + WITH_SYSTEM
    with pytest.raises(DataError, match=r"2 beginning-of-sequence tokens \('<\|im_start\|>'\)"):
        prompt_ids(prompt_text(FIXTURE, spec, tokenizer), spec, tokenizer)


def test_a_system_turn_stands_where_the_template_shows_it_and_opens_the_users_where_not() -> None:
    spec = PromptSpec(chat=True, system="Think first.")
    shown = prompt_text(FIXTURE, spec, chat_tokenizer())
    assert shown.startswith("<|im_start|>system\nThink first.<|im_end|>\n<|im_start|>user\n")
    for template, bos in ((WITHOUT_SYSTEM, True), (LEAVES_SYSTEM_OUT, False)):
        folded = prompt_text(FIXTURE, spec, chat_tokenizer(template, bos=bos))
        assert "<|im_start|>user\nThink first.\n\n" in folded
        assert folded.count("Think first.") == 1
    assert prompt_turns(FIXTURE, spec)[0] == {"role": "system", "content": "Think first."}
    plain = prompt_text(FIXTURE, CHAT, chat_tokenizer())
    assert plain.startswith("<|im_start|>user\n")
    assert plain.endswith("<|im_start|>assistant\n")


def test_the_end_of_a_turn_is_what_the_template_writes_after_an_answer() -> None:
    tokenizer = chat_tokenizer()
    end = tokenizer.convert_tokens_to_ids("<|im_end|>")
    assert end_of_turn(CHAT, tokenizer) == end
    assert example(FIXTURE, CHAT, tokenizer).labels[-1] == end
    assert end_tokens(CHAT, tokenizer) == sorted({end, tokenizer.eos_token_id})
    assert end_tokens(PLAIN, tokenizer) == [tokenizer.eos_token_id]


def test_chat_without_a_template_names_the_field() -> None:
    with pytest.raises(DataError, match=r"prompt\.chat: is true, and the tokenizer has no chat template"):
        prompt_text(FIXTURE, CHAT, plain_tokenizer())


@pytest.mark.parametrize(
    ("template", "told"),
    [
        ("<|im_start|>", r"leaves the user's turn out; it gives '<\|im_start\|>'"),
        ("{{ raise_exception('Roles must alternate') }}", r"chat template fails: Roles must alternate"),
        ("{{ messages[0].content }}", r"leaves the answer out; it gives '\?'"),
    ],
)
def test_a_template_that_cannot_show_question_and_answer_is_an_error(template: str, told: str) -> None:
    with pytest.raises(DataError, match=r"prompt\.chat: .*" + told):
        example(FIXTURE, CHAT, chat_tokenizer(template))


def test_rows_that_are_too_long_are_left_out_and_counted() -> None:
    tokenizer = plain_tokenizer()
    given = rows()
    lengths = [len(each.input_ids) for each in examples(given, PLAIN, tokenizer)]
    most = sorted(lengths)[len(lengths) // 2]
    made, fitting = fit_examples(given, PLAIN, tokenizer, most=most)
    assert fitting.kept == tuple(i for i, length in enumerate(lengths) if length <= most)
    assert fitting.too_long == len(given) - len(made) > 0
    assert fitting.longest == max(len(each.input_ids) for each in made) == most
    assert fitting.tokens == sum(len(each.input_ids) for each in made)
    prompts, of_prompts = fit_prompts(given, PLAIN, tokenizer, most=most)
    assert prompts == prompts_ids([prompt_text(given[i], PLAIN) for i in of_prompts.kept], PLAIN, tokenizer)
    assert of_prompts.longest == of_prompts.longest_prompt == max(map(len, prompts))


def test_no_row_left_says_how_long_the_shortest_is() -> None:
    tokenizer = plain_tokenizer()
    shortest = min(len(each.input_ids) for each in examples(rows(), PLAIN, tokenizer))
    with pytest.raises(DataError, match=f"the shortest of 13 rows has {shortest}; raise model.max_length"):
        fit_examples(rows(), PLAIN, tokenizer, most=20)


def test_the_fixture_holds_what_the_prompt_is_made_of() -> None:
    tokenizer = chat_tokenizer()
    kept = fixture(CHAT, tokenizer)
    assert kept["text"] == prompt_text(FIXTURE, CHAT, tokenizer)
    assert [int(i) for i in kept["ids"].split()] == prompt_ids(kept["text"], CHAT, tokenizer)
    assert kept["end_tokens"] == end_tokens(CHAT, tokenizer)
    tokenizer.chat_template = LEAVES_SYSTEM_OUT.replace("assistant", "model")
    assert fixture(CHAT, tokenizer)["ids"] != kept["ids"]


def test_a_system_of_equations_is_asked_in_its_own_format() -> None:
    row = next(row for row in rows() if row.is_system)
    assert prompt_text(row, PLAIN) == linear.prompts.question_text(row.question, zeroshot=True)
    assert completion_text(row, PLAIN).startswith(" ")
    assert not completion_text(row, CHAT).startswith(" ")


def test_padding_is_never_the_end_of_text() -> None:
    tokenizer = plain_tokenizer()
    tokenizer.pad_token = tokenizer.eos_token
    assert with_padding(tokenizer).pad_token == "<pad>"


def test_without_a_token_to_pad_with_there_is_an_error() -> None:
    from tokenizers import Tokenizer, models
    from transformers import PreTrainedTokenizerFast

    inner = Tokenizer(models.WordLevel({"<eos>": 0, "a": 1}, unk_token="a"))
    with pytest.raises(DataError, match=r"no padding token beside its end of text \('<eos>'\)"):
        with_padding(PreTrainedTokenizerFast(tokenizer_object=inner, eos_token="<eos>"))
