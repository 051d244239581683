"""A round of rollouts: responses sampled, scored by policy and reference, rewarded token by token."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeAlias

from rote.errors import DataError, UsageError
from rote.train.ppo.model import Policy, Reference, plain_model
from rote.train.ppo.sequences import Sequences, joined, left_padded, until_eos

Tensor: TypeAlias = Any

#: Rows of the data, the text of a response to each, and whether it came to its end by itself; gives each
#: term of the reward by name, and the totals.
RewardFunction: TypeAlias = Callable[
    [Sequence[int], Sequence[str], Sequence[bool]], tuple[Mapping[str, list[float]], list[float]]
]


@dataclass(frozen=True, slots=True)
class Sampling:
    """How responses are drawn: lengths in tokens, ``top_p`` a share of probability."""

    max_new_tokens: int
    temperature: float
    top_p: float
    eos: tuple[int, ...]
    pad: int


@dataclass(frozen=True, slots=True)
class Round:
    """N responses, and what is known of them before the policy learns from them.

    Attributes
    ----------
    sequences: the N prompts and responses.
    logps, values: (N, T) of the policy that drew them; ``ref_logps`` is None without a reference.
    rewards: (N, T), the KL penalty and, at the last token, the reward of the response.
    totals: N rewards of whole responses; ``terms`` has those that they are made of.
    finished: which responses came to an EOS.
    """

    sequences: Sequences
    logps: Tensor
    values: Tensor
    ref_logps: Tensor | None
    rewards: Tensor
    totals: list[float]
    terms: Mapping[str, list[float]]
    finished: list[bool]


def prompt_ids(
    prompts: Sequence[str] | Sequence[Sequence[int]], tokenizer: Any, longest: int
) -> list[list[int]]:
    """Token ids of the prompts; one that is text gets exactly one BOS where the tokenizer has one to add.

    Raises DataError for a prompt without tokens or with more than ``longest``.
    """
    bos = tokenizer.bos_token
    ids = [
        list(tokenizer(one, add_special_tokens=not (bos and one.startswith(bos)))["input_ids"])
        if isinstance(one, str)
        else list(one)
        for one in prompts
    ]
    for row, tokens in enumerate(ids):
        if not 0 < len(tokens) <= longest:
            raise DataError(f"has {len(tokens)} tokens; it must have 1 to {longest}", field=f"prompts[{row}]")
    return ids


def make_sampling(
    model: Any,
    tokenizer: Any,
    *,
    max_new_tokens: int,
    temperature: float,
    top_p: float,
    end_tokens: Sequence[int] | None = None,
) -> Sampling:
    """Sampling that ends at ``end_tokens``; None: at every EOS of model and tokenizer.

    Raises UsageError where there is none.
    """
    known: list[Any] = [tokenizer.eos_token_id, plain_model(model).generation_config.eos_token_id]
    if end_tokens is not None:
        known = [list(end_tokens)]
    eos = {token for one in known for token in (one if isinstance(one, list) else [one]) if token is not None}
    if not eos:
        raise UsageError(
            "no EOS token: neither the tokenizer nor the model's generation config has one; set one"
        )
    ends = tuple(sorted(eos))
    pad = tokenizer.pad_token_id
    return Sampling(max_new_tokens, temperature, top_p, ends, ends[0] if pad is None else pad)


def generate(
    model: Any, prompts: Sequence[Sequence[int]], sampling: Sampling
) -> tuple[Sequences, list[bool]]:
    """One response to each prompt, and which of them came to an EOS. Draws from torch's own generator."""
    import torch
    from transformers import GenerationConfig

    how = GenerationConfig(
        do_sample=True,
        temperature=sampling.temperature,
        top_p=sampling.top_p,
        top_k=0,
        max_new_tokens=sampling.max_new_tokens,
        eos_token_id=list(sampling.eos),
        pad_token_id=sampling.pad,
        use_cache=True,
    )
    ids, mask = left_padded(prompts, sampling.pad, model.device)
    with torch.no_grad(), _without_own_settings(model):
        drawn = model.generate(input_ids=ids, attention_mask=mask.long(), generation_config=how)
    model.eval()  # Unsloth's generate leaves it in training mode, and so with dropout
    responses = drawn[:, ids.shape[1] :]
    kept, finished = until_eos(responses, sampling.eos)
    return Sequences(ids, mask, responses.masked_fill(~kept, sampling.pad), kept), finished.tolist()


@contextmanager
def _without_own_settings(model: Any) -> Iterator[None]:
    """``generate`` fills what is left open from the model's own settings: a repetition penalty, say, that the
    log-probabilities would know nothing of."""
    from transformers import GenerationConfig

    inner = plain_model(model)
    own = inner.generation_config
    inner.generation_config = GenerationConfig()
    try:
        yield
    finally:
        inner.generation_config = own


def roll_out(
    policy: Policy,
    reference: Reference | None,
    tokenizer: Any,
    prompts: Sequence[Sequence[int]],
    rows: Sequence[int],
    reward: RewardFunction,
    sampling: Sampling,
    *,
    kl: float,
    generated_at_once: int,
    scored_at_once: int,
) -> Round:
    """Sample and reward one response to each of ``rows`` of the prompts.

    ``kl`` is the weight of the penalty, ≥ 0. The last two arguments only bound memory, in rows.
    Raises DataError where ``reward`` gives other than one finite number a response.
    """
    policy.model.eval()
    with policy.precision():
        parts = [
            generate(policy.model, [prompts[row] for row in part], sampling)
            for part in _parts(rows, generated_at_once)
        ]
    drawn = [one for one, _ in parts]
    finished = [one for _, some in parts for one in some]
    sequences = Sequences(
        prompts=joined([one.prompts for one in drawn], sampling.pad, left=True),
        prompt_mask=joined([one.prompt_mask for one in drawn], False, left=True),
        responses=joined([one.responses for one in drawn], sampling.pad),
        mask=joined([one.mask for one in drawn], False),
    )
    logps, values, ref_logps = score(policy, reference, sequences, scored_at_once)
    texts = [
        tokenizer.decode(ids[kept], skip_special_tokens=True)
        for ids, kept in zip(sequences.responses.cpu(), sequences.mask.cpu(), strict=True)
    ]
    terms, totals = reward(list(rows), texts, finished)
    _check_rewards(terms, totals, len(texts))
    return Round(
        sequences=sequences,
        logps=logps,
        values=values,
        ref_logps=ref_logps,
        rewards=token_rewards(logps, ref_logps, sequences.mask, totals, kl),
        totals=totals,
        terms=terms,
        finished=finished,
    )


def score(
    policy: Policy, reference: Reference | None, sequences: Sequences, at_once: int
) -> tuple[Tensor, Tensor, Tensor | None]:
    """Log-probabilities and values of the policy and log-probabilities of the reference, each (N, T)."""
    import torch

    whole = sequences.mask.shape[1]
    found: tuple[list[Tensor], ...] = ([], [], [])
    with torch.no_grad():
        for part in _parts(range(len(sequences.mask)), at_once):
            some = sequences.take(part)
            scores = policy.score(some)
            found[0].append(scores.logps)
            found[1].append(scores.values)
            if reference is not None:
                found[2].append(reference.logps(some))
    logps, values, ref_logps = (
        None if not some else torch.nn.functional.pad(out := joined(some, 0.0), (0, whole - out.shape[1]))
        for some in found
    )
    return logps, values, ref_logps


def token_rewards(
    logps: Tensor, ref_logps: Tensor | None, mask: Tensor, totals: Sequence[float], kl: float
) -> Tensor:
    """−kl·(log p − log p_ref) at each token, and the reward of the response at its last one; (N, T).

    The sum over a response is on average its reward less kl times the divergence: what is maximised.
    """
    import torch

    penalty = torch.zeros_like(logps) if ref_logps is None else -kl * (logps - ref_logps)
    rewards = penalty * mask
    last = mask.sum(1) - 1
    rewards[torch.arange(len(last), device=last.device), last] += torch.tensor(
        totals, dtype=rewards.dtype, device=rewards.device
    )
    return rewards


def _parts(rows: Sequence[int], size: int) -> Iterator[Sequence[int]]:
    return (rows[start : start + size] for start in range(0, len(rows), size))


def _check_rewards(terms: Mapping[str, list[float]], totals: list[float], count: int) -> None:
    for name, values in (("totals", totals), *terms.items()):
        if len(values) != count:
            raise DataError(f"has {len(values)} values for {count} responses", field=f"reward {name}")
        for i, value in enumerate(values):
            if not math.isfinite(value):
                raise DataError(
                    f"is {value} for response {i}; it must be a finite number", field=f"reward {name}"
                )
