"""The plain forward pass is that of transformers' own Qwen2: the same loss, the same gradients."""

from __future__ import annotations

from typing import Any

import pytest

pytest.importorskip("transformers", reason="needs rote[train]")

import torch
from transformers import LlamaConfig, LlamaForCausalLM, Qwen2Config, Qwen2ForCausalLM

from rote.errors import DataError
from rote.train.pretrain.forward import make_loss

VOCABULARY = 50
#: Where each row's prompt and solution end, in a batch of rows of 24 tokens.
STARTS, ENDS = (4, 1, 11, 22), (24, 9, 17, 23)


def model_of(**fields: Any) -> Any:
    """A small Qwen2 with weights far from those that it begins with, so that every part has its say."""
    config = Qwen2Config(
        **{
            "vocab_size": VOCABULARY,
            "hidden_size": 32,
            "intermediate_size": 48,
            "num_hidden_layers": 3,
            "num_attention_heads": 4,
            "num_key_value_heads": 4,
            "max_position_embeddings": 64,
            "tie_word_embeddings": True,
            **fields,
        }
    )
    torch.manual_seed(1)
    model = Qwen2ForCausalLM(config)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.1)
    return model


def batch() -> tuple[Any, Any, Any]:
    torch.manual_seed(2)
    ids = torch.randint(3, VOCABULARY, (len(ENDS), 24))
    starts, ends = torch.tensor(STARTS, dtype=torch.int32), torch.tensor(ENDS, dtype=torch.int32)
    places = torch.arange(24)[None]
    return torch.where(places < ends[:, None], ids, 0), starts, ends


def by_transformers(model: Any) -> Any:
    ids, starts, ends = batch()
    places = torch.arange(24)[None]
    mask = (places < ends[:, None]).long()
    labels = torch.where((places >= starts[:, None]) & (places < ends[:, None]), ids, -100)
    return model(input_ids=ids, attention_mask=mask, labels=labels).loss


def gradients(model: Any, loss: Any) -> dict[str, Any]:
    model.zero_grad()
    loss.backward()
    return {name: parameter.grad.clone() for name, parameter in model.named_parameters()}


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"num_key_value_heads": 2},
        {"num_key_value_heads": 1},
        {"tie_word_embeddings": False},
        {"rope_parameters": {"rope_type": "default", "rope_theta": 1_000_000.0}},
        {"attn_implementation": "eager"},
    ],
    ids=lambda fields: next(iter(fields), "plain"),
)
def test_loss_and_gradients_are_those_of_transformers(fields: dict[str, Any]) -> None:
    model = model_of(**fields)
    expected = by_transformers(model)
    wanted = gradients(model, expected)
    found = make_loss(model, compiled=False)(*batch())
    assert found.item() == pytest.approx(expected.item(), abs=1e-5)
    assert expected.item() > 1
    for name, gradient in gradients(model, found).items():
        assert torch.allclose(gradient, wanted[name], atol=1e-5), name
        assert wanted[name].abs().max() > 1e-4, name


def test_what_stands_in_the_padding_has_no_say() -> None:
    model = model_of()
    loss = make_loss(model, compiled=False)
    ids, starts, ends = batch()
    first = loss(ids, starts, ends)
    padded = torch.where(torch.arange(24)[None] < ends[:, None], ids, 7)
    assert loss(padded, starts, ends).item() == first.item()
    ids[0, 23] = 9  # within the first row
    assert loss(ids, starts, ends).item() != first.item()


def test_the_prompt_is_read_and_not_predicted() -> None:
    model = model_of()
    with torch.no_grad():
        ids, starts, ends = batch()
        logits = model(input_ids=ids[:1]).logits[0]
        wanted = torch.nn.functional.cross_entropy(logits[3:23], ids[0, 4:24])
        found = make_loss(model, compiled=False)(ids[:1], starts[:1], ends[:1])
    assert found.item() == pytest.approx(wanted.item(), abs=1e-5)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # the compiler's own, which a run does not turn into errors
def test_compiled_it_is_the_same() -> None:
    model = model_of(num_hidden_layers=2)
    wanted = gradients(model, make_loss(model, compiled=False)(*batch()))
    try:
        found = make_loss(model, compiled=True)(*batch())
    except Exception as error:
        if "compiler" not in str(error).lower():
            raise
        pytest.skip("torch.compile needs a C++ compiler here")
    for name, gradient in gradients(model, found).items():
        assert torch.allclose(gradient, wanted[name], atol=1e-5), name


def test_another_architecture_is_refused() -> None:
    config = LlamaConfig(
        vocab_size=VOCABULARY,
        hidden_size=16,
        intermediate_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        num_key_value_heads=2,
    )
    with pytest.raises(DataError, match=r"^model\.path: is a llama; pretraining is for a Qwen2"):
        make_loss(LlamaForCausalLM(config), compiled=False)


@pytest.mark.parametrize(("name", "value"), [("attention_dropout", 0.1), ("use_sliding_window", True)])
def test_settings_that_the_pass_does_not_follow_are_refused(name: str, value: object) -> None:
    model = model_of()
    setattr(model.config, name, value)
    with pytest.raises(DataError, match=rf"^model\.path: has {name} {value!r}; pretraining has none of it$"):
        make_loss(model, compiled=False)
