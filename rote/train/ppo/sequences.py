"""Prompts and responses as rectangles of token ids, and a stable order for whatever is shuffled."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

Tensor: TypeAlias = Any


@dataclass(frozen=True, slots=True)
class Sequences:
    """B prompts, padded on the left, and their responses, padded on the right.

    Attributes
    ----------
    prompts, prompt_mask: (B, P) token ids, and true on the tokens of the prompt.
    responses, mask: (B, T) token ids, and true on the tokens of the response, its first EOS included.
    """

    prompts: Tensor
    prompt_mask: Tensor
    responses: Tensor
    mask: Tensor

    def take(self, rows: Sequence[int]) -> Sequences:
        """Some of the rows, without the columns that are padding in all of them."""
        picked = list(rows)
        prompt_mask, mask = self.prompt_mask[picked], self.mask[picked]
        first = prompt_mask.shape[1] - int(prompt_mask.sum(1).max())
        last = int(mask.sum(1).max())
        return Sequences(
            prompts=self.prompts[picked][:, first:],
            prompt_mask=prompt_mask[:, first:],
            responses=self.responses[picked][:, :last],
            mask=mask[:, :last],
        )


def left_padded(rows: Sequence[Sequence[int]], pad: int, device: Any) -> tuple[Tensor, Tensor]:
    """Token ids (B, P) and their mask (B, P), each row moved to the right edge; rows are not empty."""
    import torch

    width = max(len(row) for row in rows)
    ids = [[pad] * (width - len(row)) + list(row) for row in rows]
    mask = [[False] * (width - len(row)) + [True] * len(row) for row in rows]
    return torch.tensor(ids, device=device), torch.tensor(mask, device=device)


def until_eos(responses: Tensor, eos: Sequence[int]) -> tuple[Tensor, Tensor]:
    """The mask (B, T) of responses (B, T) up to their first EOS and with it, and whether each has one (B,).

    An EOS that also serves as padding is one when it comes first.
    """
    import torch

    ends = torch.isin(responses, torch.tensor(list(eos), device=responses.device))
    seen_before = ends.cumsum(1) - ends.long()
    return seen_before == 0, ends.any(1)


def joined(parts: Sequence[Tensor], fill: float | int | bool, *, left: bool = False) -> Tensor:
    """Rectangles (b, t) one under another, each first widened with ``fill`` to the widest of them."""
    import torch
    from torch.nn.functional import pad

    width = max(part.shape[1] for part in parts)
    gaps = [width - part.shape[1] for part in parts]
    return torch.cat(
        [pad(part, (gap, 0) if left else (0, gap), value=fill) for part, gap in zip(parts, gaps, strict=True)]
    )


def stable_order(n: int, *key: int | str) -> list[int]:
    """A permutation of range(n) that depends on n and the key alone, on every platform and version."""
    name = "/".join(str(part) for part in key)
    return sorted(range(n), key=lambda i: hashlib.sha256(f"{name}/{i}".encode()).digest())


def prompt_rows(n: int, seed: int, start: int, count: int) -> list[int]:
    """Rows ``start`` to ``start + count`` of an endless series: all of range(n) in one order an epoch.

    Nothing is remembered between calls, so a resumed run goes on exactly where it stood.
    """
    rows: list[int] = []
    for epoch in range(start // n, (start + count - 1) // n + 1):
        order = stable_order(n, seed, "prompts", epoch)
        rows += order[max(start - epoch * n, 0) : start + count - epoch * n]
    return rows
