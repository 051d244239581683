"""What an export must show, each check with its figure."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Final

from rote.train.export.probe import Answers, Prompt

DTYPES: Final = ("bfloat16", "float16", "float32")

#: Distance of logits at nearly all places and in the mean, in standard deviations of the checkpoint's own
#: logits, and the least share of greedy tokens alike. Weights are rounded to 8, 11 and 24 bits; see
#: docs/export.md for what was measured.
_TOLERANCES: Final = {
    "bfloat16": (0.5, 0.05, 0.85),
    "float16": (0.1, 0.01, 0.95),
    "float32": (1e-3, 1e-4, 0.999),
}
#: One place (token of the answers) of so many may be further off. At single ones a trained model is of two
#: minds, and rounding alone moves its logits as far as a wrong merge would.
_ONE_OF: Final = 20
_NONE: Final[Mapping[str, Any]] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Check:
    """One check.

    Attributes
    ----------
    name: one word.
    passed: None where it could not be made.
    told: the figure and what is asked of it, as a sentence.
    values: the same as numbers.
    """

    name: str
    passed: bool | None
    told: str
    values: Mapping[str, Any] = field(default_factory=lambda: _NONE)

    def record(self) -> dict[str, Any]:
        """For ``export.json``."""
        return {"name": self.name, "passed": self.passed, "told": self.told, "values": dict(self.values)}

    def line(self) -> str:
        """For a terminal: ``ok  logits  …``."""
        return f"{ {True: 'ok', False: 'FAIL', None: 'none'}[self.passed]:<5}{self.name:<9}{self.told}"


def digests(model: Any) -> dict[str, str]:
    """A hash of each parameter's bytes, by name; tied parameters count once."""
    import torch

    found = {}
    for name, tensor in model.named_parameters():
        raw = tensor.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy()
        found[name] = hashlib.blake2b(raw, digest_size=16).hexdigest()
    return found


def not_finite(model: Any) -> list[str]:
    """Names of parameters that hold an infinity or no number."""
    return [name for name, tensor in model.named_parameters() if not bool(tensor.isfinite().all())]


def changed(base: Mapping[str, str] | None, model: Mapping[str, str], *, adapted: int | None) -> Check:
    """Weights differ from the base's.

    ``adapted`` is how many tensors the adapter writes to. A change below the precision of the exported type
    is rounded away, so that fewer may have changed.
    """
    if base is None:
        return Check("changed", None, "not compared with the base: it is not known, or not on this machine")
    differ = [name for name in model if base.get(name) != model[name]]
    told = f"{len(differ):,} of {len(model):,} tensors differ from the base's"
    if adapted is not None:
        told += f" (the adapter writes to {adapted:,})"
    if not differ:
        told += ": the checkpoint is the base"
    values = {"changed": len(differ), "tensors": len(model), "share": len(differ) / max(1, len(model))}
    return Check("changed", bool(differ), told, {**values, "adapted": adapted})


def near(before: Answers, after: Sequence[Any], dtype: str) -> Check:
    """Logits of the export near the checkpoint's own, on the fixed prompts and the checkpoint's answers.

    At nearly all places and in the mean: the largest distance of all is told, and decides nothing.
    """
    import torch

    most, mean_most, _ = _TOLERANCES[dtype]
    spread = float(torch.cat([each.flatten() for each in before.logits]).std())
    gaps = [(a - b).abs() for a, b in zip(before.logits, after, strict=True)]
    places = torch.cat([gap.max(dim=-1).values for gap in gaps]).sort().values
    typical, largest = float(places[-1 - len(places) // _ONE_OF]), float(places[-1])
    mean = float(torch.cat([gap.flatten() for gap in gaps]).mean())
    # Written so that a NaN fails, which one place makes of the mean.
    passed = spread > 0 and typical <= most * spread and mean <= mean_most * spread
    told = (
        f"logits differ by {typical:.3g} at most, but for one place of {_ONE_OF} ({largest:.3g}), and by "
        f"{mean:.3g} in the mean (allowed in {dtype}: {most * spread:.3g} and {mean_most * spread:.3g}, "
        f"{most:g} and {mean_most:g} standard deviations)"
    )
    values = {
        "max_abs": largest,
        "typical_abs": typical,
        "mean_abs": mean,
        "spread": spread,
        "positions": len(places),
    }
    return Check("logits", passed, told, {**values, "allowed_typical": most, "allowed_mean": mean_most})


def agreement(before: Answers, after: Sequence[Any], dtype: str) -> Check:
    """The share of the checkpoint's greedy tokens that the export chooses too, given what stands before."""
    least = _TOLERANCES[dtype][2]
    pairs = [
        (token, int(choice))
        for tokens, scores in zip(before.tokens, after, strict=True)
        for token, choice in zip(tokens, scores.argmax(dim=-1), strict=True)
    ]
    equal = sum(a == b for a, b in pairs)
    share = equal / len(pairs)
    told = (
        f"{equal:,} of {len(pairs):,} greedy tokens are alike ({share:.1%}; at least {least:.1%} in {dtype})"
    )
    values = {"equal": equal, "tokens": len(pairs), "share": share, "least": least}
    return Check("greedy", share >= least, told, values)


def one_bos(tokenizer: Any, asked: Sequence[Prompt]) -> Check:
    """Exactly one beginning-of-sequence token before a prompt, where the tokenizer adds one; chat and plain.

    Chat texts are taken without the tokenizer's own special tokens, as lm-eval takes what begins with one.
    """
    bos = tokenizer.bos_token_id
    if bos is None or bos not in tokenizer("1")["input_ids"]:
        return Check("bos", True, "the tokenizer adds none", {"adds": False})
    counts = {
        kind: sorted({prompt.ids.count(bos) for prompt in asked if prompt.chat == chat})
        for kind, chat in (("plain", False), ("chat", True))
        if any(prompt.chat == chat for prompt in asked)
    }
    passed = all(found == [1] for found in counts.values())
    told = ", ".join(f"{'/'.join(map(str, found))} before {kind} prompts" for kind, found in counts.items())
    return Check("bos", passed, f"{tokenizer.bos_token}: {told} (must be 1)", {"adds": True, **counts})


def same_prompt(tokenizer: Any, fixture: Mapping[str, Any] | None) -> Check:
    """The prompt that the manifest keeps has the same token ids under the exported tokenizer."""
    if fixture is None:
        return Check("prompt", None, "the run's manifest keeps no prompt to compare with")
    text, kept = str(fixture["text"]), fixture["ids"]
    ids = [int(number) for number in (kept.split() if isinstance(kept, str) else kept)]
    chat = bool(fixture.get("chat"))
    now = list(tokenizer(text, add_special_tokens=not chat)["input_ids"])
    if now[-1:] == [tokenizer.eos_token_id] and not chat:
        now.pop()
    state = "the same" if now == ids else "not the same"
    told = f"{state} {len(ids)} token ids as in training for the prompt in the manifest"
    return Check("prompt", now == ids, told, {"tokens": len(ids)})


def reloaded(
    expected: Mapping[str, str],
    found: Mapping[str, str],
    said: Sequence[Sequence[int]],
    again: Sequence[Sequence[int]],
    kept: Mapping[str, bool],
) -> Check:
    """What is read from the disk is what was written: every tensor, greedy answers, ends, chat template."""
    tensors = sum(found.get(name) == value for name, value in expected.items())
    texts = sum(list(a) == list(b) for a, b in zip(said, again, strict=True))
    lost = [name for name, there in kept.items() if not there]
    whole = tensors == len(expected) == len(found)
    told = (
        f"read from the disk again: {tensors:,} of {len(expected):,} tensors and {texts} of {len(said)} "
        f"greedy answers are the same; {'kept' if not lost else 'lost'}: {', '.join(lost or kept)}"
    )
    values = {"tensors": len(expected), "equal": tensors, "answers": len(said), "equal_answers": texts}
    return Check("reload", whole and texts == len(said) and not lost, told, {**values, **kept})
