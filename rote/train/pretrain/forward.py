"""The loss of a Qwen2 without its framework: layers as plain functions, which compile once and run fast.

The weights are those of the model that transformers loaded, and so are the results (a test compares them).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from rote.errors import DataError


def make_loss(model: Any, *, compiled: bool) -> Callable[[Any, Any, Any], Any]:
    """The function (ids, starts, ends) → mean loss over the predicted tokens, a scalar tensor.

    ``ids`` is (rows, length), padded on the right; the tokens of a row from ``starts`` to before ``ends``
    (both of shape (rows,)) are predicted, each from those before it. ``compiled``: each layer by
    torch.compile, once for all layers of a length.

    Raises DataError for a model that is no Qwen2, or one with a setting that this pass does not follow.
    """
    import torch
    from torch.nn import functional

    config = model.config
    if config.model_type != "qwen2":
        raise DataError(
            f"is a {config.model_type}; pretraining is for a Qwen2, as model.build makes it",
            field="model.path",
        )
    # Of the settings of a Qwen2 these change the result and are not followed below.
    for name in ("use_sliding_window", "attention_dropout"):
        if value := getattr(config, name, None):
            raise DataError(f"has {name} {value!r}; pretraining has none of it", field="model.path")
    inner = model.model
    heads, keys = config.num_attention_heads, config.num_key_value_heads
    width = config.hidden_size // heads

    def layer_of(layer: Any, hidden: Any, cos: Any, sin: Any) -> Any:
        rows, length, _ = hidden.shape
        attention = layer.self_attn
        normed = layer.input_layernorm(hidden)
        query = attention.q_proj(normed).view(rows, length, heads, width).transpose(1, 2)
        key = attention.k_proj(normed).view(rows, length, keys, width).transpose(1, 2)
        value = attention.v_proj(normed).view(rows, length, keys, width).transpose(1, 2)
        # Padding stands on the right, where no token that counts looks: causality is mask enough.
        mixed = functional.scaled_dot_product_attention(
            _rotated(query, cos, sin),
            _rotated(key, cos, sin),
            value,
            is_causal=True,
            enable_gqa=keys != heads,
        )
        hidden = hidden + attention.o_proj(mixed.transpose(1, 2).reshape(rows, length, -1))
        return hidden + layer.mlp(layer.post_attention_layernorm(hidden))

    def loss_of(hidden: Any, ids: Any, starts: Any, ends: Any) -> Any:
        logits = model.lm_head(inner.norm(hidden))[:, :-1].float()
        places = torch.arange(1, ids.shape[1], device=ids.device)
        wanted = (places >= starts[:, None]) & (places < ends[:, None])
        targets = torch.where(wanted, ids[:, 1:], -100)
        return functional.cross_entropy(logits.flatten(0, 1), targets.flatten(), ignore_index=-100)

    if compiled:
        # One code object serves all layers and lengths; the default limit is eight variants of it.
        torch._dynamo.config.recompile_limit = 64
        layer_of = torch.compile(layer_of, dynamic=False)
        loss_of = torch.compile(loss_of, dynamic=False)

    def loss(ids: Any, starts: Any, ends: Any) -> Any:
        hidden = inner.embed_tokens(ids)
        if torch.is_autocast_enabled(hidden.device.type):
            # Autocast alone would keep what passes from layer to layer in 32 bits.
            hidden = hidden.to(torch.get_autocast_dtype(hidden.device.type))
        places = torch.arange(ids.shape[1], device=ids.device)[None]
        cos, sin = inner.rotary_emb(hidden, places)
        for layer in inner.layers:
            hidden = layer_of(layer, hidden, cos, sin)
        return loss_of(hidden, ids, starts, ends)

    return loss


def _rotated(x: Any, cos: Any, sin: Any) -> Any:
    """Rotary positions, as transformers has them for Qwen2: the two halves of a head turn together."""
    import torch

    cos, sin = cos[:, None].to(x.dtype), sin[:, None].to(x.dtype)
    half = x.shape[-1] // 2
    turned = torch.cat((-x[..., half:], x[..., :half]), dim=-1)
    return x * cos + turned * sin
