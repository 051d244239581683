"""Fixed prompts, and what a model answers to them: greedy token ids and the logits on their way."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from rote.train.recipe import PromptSpec
from rote.train.rows import Row, prompt_text

#: Longest answer to a fixed prompt, in tokens.
LENGTH: Final = 32

#: Problems of our own, in no data set.
_QUESTIONS: Final = (
    "A keeper climbs 9 flights of 14 steps each morning. How many steps does she climb in 5 mornings?",
    "Ovid has 84 stamps and gives a third of them to his cousin. How many stamps are left?",
    "A tram carries 46 people. At the market 19 leave and 27 get on. How many people does it carry then?",
    "Wax for one candle costs $1.25. What does wax for 36 candles cost?",
    "A gardener plants 7 rows of 12 leeks. Rabbits eat 15 of them. How many leeks remain?",
    "A book has 240 pages. Imre reads 18 pages a day for 9 days. How many pages has he still to read?",
    "Two tanks hold 350 litres and 415 litres. How many buckets of 15 litres do they fill together?",
    "A choir of 64 singers stands in rows of 8. Each row needs 3 lamps. How many lamps are needed?",
)


@dataclass(frozen=True, slots=True)
class Prompt:
    """A fixed prompt as text and token ids; of a chat template or plain."""

    text: str
    ids: tuple[int, ...]
    chat: bool


@dataclass(frozen=True, slots=True)
class Answers:
    """What a model says to the prompts, in their order.

    ``tokens`` are greedy token ids; ``logits`` one float32 tensor a prompt, (tokens, vocabulary), on the CPU.
    """

    tokens: tuple[tuple[int, ...], ...]
    logits: tuple[Any, ...]


def prompts(tokenizer: Any, positions: int | None = None) -> tuple[Prompt, ...]:
    """The fixed prompts in this tokenizer's ids; every second one as chat where there is a template.

    ``positions`` is the model's longest sequence: what is longer loses tokens after its first.
    """
    found = []
    for number, question in enumerate(_QUESTIONS):
        chat = bool(tokenizer.chat_template) and number % 2 == 1
        row = Row(f"probe/{number}", "rote", f"probe/{number}", "original", question, "", "")
        text = prompt_text(row, PromptSpec(chat=chat), tokenizer)
        ids = list(tokenizer(text, add_special_tokens=not chat)["input_ids"])
        if ids[-1:] == [tokenizer.eos_token_id] and not chat:
            ids.pop()
        room = None if positions is None else max(2, positions - LENGTH)
        if room is not None and len(ids) > room:
            ids = [ids[0], *ids[1 - room :]]
        found.append(Prompt(text, tuple(ids), chat))
    return tuple(found)


def greedy(model: Any, asked: Iterable[Prompt], ends: Iterable[int]) -> tuple[tuple[int, ...], ...]:
    """The most probable next token, again and again, up to an end or ``LENGTH`` tokens; for each prompt.

    Written out, and not ``generate``: a generation config may hold a repetition penalty.
    """
    import torch

    stops, said = frozenset(ends), []
    with torch.inference_mode():
        for prompt in asked:
            tokens: list[int] = []
            step, cache = torch.tensor([prompt.ids], device=model.device), None
            while len(tokens) < LENGTH and not (tokens and tokens[-1] in stops):
                out = model(input_ids=step, past_key_values=cache, use_cache=True, logits_to_keep=1)
                tokens.append(int(out.logits[0, -1].argmax()))
                step, cache = torch.tensor([tokens[-1:]], device=model.device), out.past_key_values
            said.append(tuple(tokens))
    return tuple(said)


def logits(model: Any, asked: Iterable[Prompt], said: Iterable[Sequence[int]]) -> tuple[Any, ...]:
    """The logits of a model at every token of given answers, one tensor a prompt: (tokens, vocabulary)."""
    import torch

    found = []
    with torch.inference_mode():
        for prompt, tokens in zip(asked, said, strict=True):
            ids = torch.tensor([[*prompt.ids, *tokens[:-1]]], device=model.device)
            out = model(input_ids=ids, use_cache=False, logits_to_keep=len(tokens))
            found.append(out.logits[0].float().cpu())
    return tuple(found)


def answers(model: Any, asked: Sequence[Prompt], ends: Iterable[int]) -> Answers:
    """Greedy answers of a model, and its logits on their way."""
    tokens = greedy(model, asked, ends)
    return Answers(tokens, logits(model, asked, tokens))
