"""Token ids word by word are those that the tokenizer gives to the whole text, whatever the text."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mixtures import BRICKS, PLUMS, bank_part, folder_of, mixture_of, rows_of

pytest.importorskip("transformers", reason="needs rote[train]")

from rote.prompts import FORMATS
from rote.train.pretrain import words as words_module
from rote.train.pretrain.words import Words
from rote.train.recipe import PromptSpec
from rote.train.rows import Row, completion_text, prompt_text
from rote.train.scratch import character_tokenizer, learned_tokenizer
from rote.train.tokens import examples

PROMPT = PromptSpec()
#: What texts are built of: words, signs and everything that is white.
PIECES = (
    "plum", "Ann's", "12", "3.50", "$4", "1,200", "%", "(", "=", "####", "don't", "é", "naïve", "Łódź",
    "日本", "🙂", "e\u0301", "\u00a0", "\u2009", "\t", "\n", " ", "  ", "\r", "\n\n", ".", "?", "<eos>",
    "<pad>", "\u200b",
)  # fmt: skip


def row_of(question: str, solution: str) -> Row:
    return Row("r", "tests", "tests/r", "symbolic", question, solution, "1")


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> list[Row]:
    own = folder_of(tmp_path_factory.mktemp("templates") / "own", PLUMS, BRICKS)
    parts = (
        bank_part(own, "symbolic", "original"),
        bank_part("bank", "symbolic", "noop"),
        {"source": "arithmetic", "weight": 1},
        {"source": "linear", "weight": 1},
    )
    return rows_of(mixture_of(*parts, shard=800), 0)


@pytest.fixture(scope="module")
def learned(drawn: list[Row]) -> Any:
    texts = [prompt_text(row, PROMPT) + completion_text(row, PROMPT) for row in drawn]
    # Runs of blanks, tabs and line feeds, so that there are tokens for them.
    texts += ["a  b", "a   b", "\n\n", "x \n y\t\ty \n\n"] * 40
    return learned_tokenizer(texts, 900)


@pytest.fixture(scope="module")
def characters() -> Any:
    return character_tokenizer()


@pytest.fixture(params=["learned", "characters"], scope="module")
def tokenizer(request: pytest.FixtureRequest) -> Any:
    return request.getfixturevalue(request.param)


@pytest.mark.parametrize("form", list(FORMATS))
def test_drawn_rows_are_those_of_the_tokenizer(tokenizer: Any, drawn: list[Row], form: str) -> None:
    prompt = PromptSpec(format=form)
    words = Words(prompt, tokenizer)
    assert words.examples(drawn) == examples(drawn, prompt, tokenizer)
    # Once more, out of the table.
    assert words.examples(drawn[::-1]) == examples(drawn[::-1], prompt, tokenizer)
    assert any(words._tables.values())


texts = st.lists(st.sampled_from(PIECES), max_size=12).map("".join)


@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(texts, texts), min_size=1, max_size=4))
def test_so_is_any_text_after_rows_that_agreed(
    learned: Any, characters: Any, drawn: list[Row], made: list[tuple[str, str]]
) -> None:
    rows = [row_of(f"How many? {question}", f"{solution}\n#### 1") for question, solution in made]
    # The table is tried on the first rows alone; these come after them.
    for tokenizer in (learned, characters):
        words = Words(PROMPT, tokenizer)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(words_module, "_TRIED", 8)
            assert words.examples([*drawn[:8], *rows])[8:] == examples(rows, PROMPT, tokenizer)


@pytest.mark.parametrize(
    "text",
    [
        "two  blanks", "three   blanks", " leads", "trails ", "line\nfeed", "line\n\nfeeds", "a \n b",
        "\ttab", "a\tb", "a\t\tb", "a \tb", "ünïcödé", "日本 語", "a\u00a0b", "a \u00a0 b", "\r\n",
        "a\r\nb", "", " ", "\n",
    ],
)  # fmt: skip
def test_blanks_wherever_they_stand(tokenizer: Any, drawn: list[Row], text: str) -> None:
    rows = [*drawn[:300], row_of(text, f"{text}\n#### 1"), row_of(f"x{text}", f"{text}x\n#### 1")]
    assert Words(PROMPT, tokenizer).examples(rows)[300:] == examples(rows[300:], PROMPT, tokenizer)


def calls(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many rows each call of the tokenizer's own way was given."""
    counted: list[int] = []

    def watched(rows: Sequence[Row], prompt: PromptSpec, tokenizer: Any) -> Any:
        counted.append(len(rows))
        return examples(rows, prompt, tokenizer)

    monkeypatch.setattr(words_module, "examples", watched)
    return counted


def test_the_table_is_tried_on_each_shard_and_then_trusted(
    learned: Any, drawn: list[Row], monkeypatch: pytest.MonkeyPatch
) -> None:
    counted = calls(monkeypatch)
    words = Words(PROMPT, learned)
    words.examples(drawn)
    words.examples(drawn)
    assert counted == [256, 256]


class Counting:
    """A tokenizer that notes what it is asked to encode for the table."""

    def __init__(self, inner: Any) -> None:
        self._inner, self.asked = inner, list[str]()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    def __call__(self, texts: list[str], **options: Any) -> Any:
        return self._inner(texts, **options)

    @property
    def backend_tokenizer(self) -> Counting:
        return self

    def encode(self, text: str, *, add_special_tokens: bool) -> Any:
        self.asked.append(text)
        return self._inner.backend_tokenizer.encode(text, add_special_tokens=add_special_tokens)


@pytest.mark.parametrize("form", list(FORMATS))
def test_prompts_of_every_format_take_the_table(
    learned: Any, drawn: list[Row], monkeypatch: pytest.MonkeyPatch, form: str
) -> None:
    prompt = PromptSpec(format=form)
    wanted = examples(drawn, prompt, learned)
    counted = calls(monkeypatch)
    counting = Counting(learned)
    words = Words(prompt, counting)
    assert words.examples(drawn) == wanted
    # Words and pieces of words, each once; no text of a row, no number of several digits.
    assert len(set(counting.asked)) == len(counting.asked)
    assert not [text for text in counting.asked if len(text) > 40 or re.search(r"\d\d", text)]
    counting.asked.clear()
    assert words.examples(drawn[::-1]) == wanted[::-1]
    assert counting.asked == []
    assert counted == [256, 256]


def digits_together(texts: list[str]) -> Any:
    """A BPE that splits at blanks before all else, and has tokens of several digits."""
    from tokenizers import Tokenizer, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    inner = Tokenizer(models.BPE())
    inner.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    trainer = trainers.BpeTrainer(
        vocab_size=900,
        special_tokens=["<pad>", "<eos>"],
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    inner.train_from_iterator(texts, trainer)
    return PreTrainedTokenizerFast(tokenizer_object=inner, pad_token="<pad>", eos_token="<eos>")


@pytest.fixture(scope="module")
def together(drawn: list[Row]) -> Any:
    made = digits_together([f"{row.question} {row.solution}" for row in drawn])
    assert any(re.fullmatch(r"\d\d+", token) for token in made.get_vocab())
    return made


@pytest.mark.parametrize("form", list(FORMATS))
def test_a_tokenizer_that_keeps_digits_together_takes_the_table_of_whole_words(
    together: Any, drawn: list[Row], monkeypatch: pytest.MonkeyPatch, form: str
) -> None:
    prompt = PromptSpec(format=form)
    wanted = examples(drawn, prompt, together)
    counted = calls(monkeypatch)
    counting = Counting(together)
    words = Words(prompt, counting)
    assert words.examples(drawn) == wanted
    assert counted == [256]
    counting.asked.clear()
    assert words.examples(drawn) == wanted
    # What is tried first is the way that does not do, whose words are there as well.
    assert counting.asked == []
    assert counted == [256, 256]


def test_a_way_that_another_shard_took_has_no_say(together: Any, drawn: list[Row]) -> None:
    """Words that stand in the table as a whole must not make a shard of theirs alone look right."""
    words = Words(PROMPT, together)
    words.examples(drawn)
    texts = [str(number) for number in range(1000, 2000)]
    known = [next(row for row in drawn if re.search(r"\d\d", row.question))] * 256
    other = [row_of(f"How much is {text} and 1?", f"It is {text}.\n#### {text}") for text in texts]
    assert words.examples([*known, *other]) == examples([*known, *other], PROMPT, together)


def test_a_tokenizer_that_adds_tokens_is_asked_itself(
    learned: Any, drawn: list[Row], monkeypatch: pytest.MonkeyPatch
) -> None:
    from tokenizers import processors
    from transformers import PreTrainedTokenizerFast

    inner = learned.backend_tokenizer.from_str(learned.backend_tokenizer.to_str())
    inner.post_processor = processors.TemplateProcessing(
        single="<pad> $A", special_tokens=[("<pad>", inner.token_to_id("<pad>"))]
    )
    opening = PreTrainedTokenizerFast(
        tokenizer_object=inner, bos_token="<pad>", eos_token="<eos>", pad_token="<pad>"
    )
    assert opening.num_special_tokens_to_add() == 1
    counted = calls(monkeypatch)
    made = Words(PROMPT, opening).examples(drawn[:300])
    assert made == examples(drawn[:300], PROMPT, opening)
    assert counted == [300]
    assert {one.input_ids[0] for one in made} == {opening.bos_token_id}


def across_blanks(texts: list[str]) -> Any:
    """A BPE that splits nowhere: its tokens may span several words."""
    from tokenizers import Tokenizer, models, trainers
    from transformers import PreTrainedTokenizerFast

    inner = Tokenizer(models.BPE(unk_token="<unk>"))
    trainer = trainers.BpeTrainer(
        vocab_size=400, special_tokens=["<pad>", "<eos>", "<unk>"], show_progress=False
    )
    inner.train_from_iterator(texts, trainer)
    return PreTrainedTokenizerFast(
        tokenizer_object=inner, pad_token="<pad>", eos_token="<eos>", unk_token="<unk>"
    )


def test_a_tokenizer_that_does_not_split_at_blanks_is_asked_itself(
    drawn: list[Row], monkeypatch: pytest.MonkeyPatch
) -> None:
    spanning = across_blanks([row.question for row in drawn])
    assert any(" " in token.strip() for token in spanning.get_vocab())
    counted = calls(monkeypatch)
    assert Words(PROMPT, spanning).examples(drawn[:400]) == examples(drawn[:400], PROMPT, spanning)
    assert counted == [256, 400]


def test_what_came_before_has_no_say(drawn: list[Row], learned: Any) -> None:
    """Processes share shards out as they come: each must give what any other would."""
    from transformers import PreTrainedTokenizerFast

    inner = learned.backend_tokenizer.from_str(learned.backend_tokenizer.to_str())
    inner.add_tokens(["plums in"])
    odd = PreTrainedTokenizerFast(tokenizer_object=inner, eos_token="<eos>", pad_token="<pad>")
    agreeing = [row for row in drawn if "plums in" not in f"{row.question}{row.solution}"][:300]
    other = [row_of("Of plums in bowls there are 3. How many?", "3 plums in bowls.\n#### 3")] * 5
    words = Words(PROMPT, odd)
    words.examples(agreeing)
    assert words.examples(other) == Words(PROMPT, odd).examples(other) == examples(other, PROMPT, odd)


def test_the_table_is_emptied_when_it_is_full(
    drawn: list[Row], learned: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(words_module, "_KEPT", 50)
    words = Words(PROMPT, learned)
    assert words.examples(drawn[:300]) == examples(drawn[:300], PROMPT, learned)
    assert all(len(table) <= 50 for table in words._tables.values())


def test_no_rows_are_no_examples(learned: Any) -> None:
    assert Words(PROMPT, learned).examples([]) == []


def test_the_end_of_each_example_is_the_end_of_text(learned: Any, drawn: list[Row], tmp_path: Path) -> None:
    for one in Words(PROMPT, learned).examples(drawn[:20]):
        assert one.input_ids[-1] == one.labels[-1] == learned.eos_token_id
