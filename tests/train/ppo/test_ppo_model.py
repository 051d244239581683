"""Scores of a policy against a plain forward pass, and what the reference is."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from bandit import PROMPTS, small_model, with_lora, words_tokenizer

from rote.errors import UsageError
from rote.train.ppo.model import make_policy, make_reference, plain_model, training
from rote.train.ppo.sequences import Sequences, left_padded

TOKENIZER = words_tokenizer()
RESPONSES = [[6, 7, 1], [8], [9, 9, 9, 9], [1]]


def rows() -> Sequences:
    prompts, prompt_mask = left_padded([TOKENIZER(p)["input_ids"] for p in PROMPTS], 0, "cpu")
    width = max(map(len, RESPONSES))
    responses = torch.tensor([r + [0] * (width - len(r)) for r in RESPONSES])
    mask = torch.tensor([[t < len(r) for t in range(width)] for r in RESPONSES])
    return Sequences(prompts, prompt_mask, responses, mask)


def families() -> dict[str, Any]:
    """Small models that differ in positions, norms, tied heads and capped logits."""
    from transformers import (
        Gemma2Config,
        Gemma2ForCausalLM,
        GPT2Config,
        GPT2LMHeadModel,
        LlamaConfig,
        LlamaForCausalLM,
    )

    size = {"vocab_size": len(TOKENIZER), "eos_token_id": 1, "pad_token_id": 0, "bos_token_id": None}
    shape = {
        "hidden_size": 16,
        "intermediate_size": 32,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "num_key_value_heads": 1,
        "initializer_range": 0.3,
    }
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return {
            "qwen2": small_model(TOKENIZER, layers=2, tie=True),
            "gpt2": GPT2LMHeadModel(
                GPT2Config(n_positions=32, n_embd=16, n_layer=2, n_head=2, initializer_range=0.3, **size)
            ),
            "llama": LlamaForCausalLM(LlamaConfig(**shape, **size)),
            "gemma2": Gemma2ForCausalLM(
                Gemma2Config(
                    head_dim=8, final_logit_softcapping=1.0, attn_implementation="eager", **shape, **size
                )
            ),
        }


@pytest.mark.parametrize("name", ["qwen2", "gpt2", "llama", "gemma2"])
@pytest.mark.parametrize("temperature", [1.0, 0.6])
def test_scores_equal_those_of_each_row_alone_without_padding(name: str, temperature: float) -> None:
    model = families()[name].eval()
    policy = make_policy(model, temperature)
    torch.nn.init.normal_(policy.head.weight, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        scores = policy.score(rows())
        for i, (prompt, response) in enumerate(zip(PROMPTS, RESPONSES, strict=True)):
            ids = torch.tensor([TOKENIZER(prompt)["input_ids"] + response])
            out = model(input_ids=ids, output_hidden_states=True)
            first, n = ids.shape[1] - len(response) - 1, len(response)
            logps = (out.logits[0, first:-1] / temperature).log_softmax(-1)
            picked = logps[range(n), response]
            torch.testing.assert_close(scores.logps[i, :n], picked, atol=1e-5, rtol=1e-4)
            entropy = -(logps.exp() * logps).sum(-1)
            torch.testing.assert_close(scores.entropy[i, :n], entropy, atol=1e-5, rtol=1e-4)
            values = policy.head(out.hidden_states[-1][0, first:-1]).squeeze(-1)
            torch.testing.assert_close(scores.values[i, :n], values, atol=1e-5, rtol=1e-4)
            for part in (scores.logps, scores.entropy, scores.values):
                assert not part[i, n:].any()


def test_values_begin_at_zero() -> None:
    assert not make_policy(small_model(TOKENIZER), 1.0).score(rows()).values.any()


def test_bfloat16_weights_keep_log_probabilities_in_float32() -> None:
    model = small_model(TOKENIZER).to(torch.bfloat16)
    scores = make_policy(model, 1.0).score(rows())
    assert {part.dtype for part in (scores.logps, scores.entropy, scores.values)} == {torch.float32}
    logits = model(input_ids=torch.tensor([TOKENIZER(PROMPTS[0])["input_ids"]])).logits
    assert logits.dtype == torch.bfloat16
    exact = logits[0, -1].float().log_softmax(-1)[RESPONSES[0][0]]
    assert scores.logps[0, 0].item() == pytest.approx(exact.item(), abs=0.02)


def test_float32_weights_may_calculate_in_bfloat16() -> None:
    model = small_model(TOKENIZER)
    exact = make_policy(model, 1.0).score(rows())
    seen = []
    handle = model.lm_head.register_forward_hook(lambda _, given, out: seen.append(out.dtype))
    scores = make_policy(model, 1.0, bf16=True).score(rows())
    handle.remove()
    assert seen == [torch.bfloat16]
    assert {part.dtype for part in (scores.logps, scores.entropy, scores.values)} == {torch.float32}
    torch.testing.assert_close(scores.logps, exact.logps, atol=0.05, rtol=0)
    scores.logps.sum().backward()
    assert {p.grad.dtype for p in model.parameters()} == {torch.float32}


def test_a_token_that_the_model_rules_out_has_no_share_in_the_entropy() -> None:
    model = small_model(TOKENIZER)
    handle = model.lm_head.register_forward_hook(
        lambda _, given, out: out.masked_fill(torch.arange(out.shape[-1]) == 2, -torch.inf)
    )
    scores = make_policy(model, 1.0).score(rows(), entropy_gradient=True)
    handle.remove()
    assert scores.entropy.isfinite().all()
    scores.entropy.sum().backward()
    assert all(p.grad.isfinite().all() for p in model.parameters())


def test_entropy_carries_gradients_only_where_asked() -> None:
    policy = make_policy(small_model(TOKENIZER), 1.0)
    assert not policy.score(rows()).entropy.requires_grad
    assert policy.score(rows(), entropy_gradient=True).entropy.requires_grad


def moved(model: Any) -> None:
    with torch.no_grad():
        for p in model.parameters():
            if p.requires_grad:
                p.add_(0.05 * torch.ones_like(p))


def test_the_reference_of_a_full_model_is_a_copy_that_stays() -> None:
    model = small_model(TOKENIZER, tie=True)
    policy = make_policy(model, 0.8)
    before = policy.score(rows()).logps.detach()
    reference = make_reference(policy)
    print_before = reference.fingerprint()
    moved(model)
    after = policy.score(rows()).logps.detach()
    assert torch.equal(reference.logps(rows()), before)
    assert reference.fingerprint() == print_before
    # Asking the reference leaves the policy as it was, and its gradients in place.
    assert torch.equal(policy.score(rows()).logps, after)
    assert not torch.equal(after, before)
    policy.score(rows()).logps.sum().backward()
    assert model.model.embed_tokens.weight.grad is not None


def test_the_reference_of_fresh_lora_is_the_base_without_a_copy() -> None:
    base = small_model(TOKENIZER)
    plain = make_policy(small_model(TOKENIZER), 1.0).score(rows()).logps.detach()
    policy = make_policy(with_lora(base), 1.0)
    reference = make_reference(policy)
    assert reference.first is None
    before = reference.fingerprint()
    moved(policy.model)
    assert torch.equal(reference.logps(rows()), plain)
    assert not torch.equal(policy.score(rows()).logps, plain)
    assert reference.fingerprint() == before
    # Switched on again, and trained as before.
    assert sum(p.requires_grad for p in policy.model.parameters()) == 4


def test_the_reference_of_trained_lora_is_what_it_was_at_the_start() -> None:
    policy = make_policy(with_lora(small_model(TOKENIZER)), 1.0)
    moved(policy.model)
    start = policy.score(rows()).logps.detach()
    reference = make_reference(policy)
    assert reference.first is not None
    assert len(reference.first) == 4
    moved(policy.model)
    assert torch.equal(reference.logps(rows()), start)


def test_fingerprints_tell_weights_apart() -> None:
    prints = {make_reference(make_policy(small_model(TOKENIZER, seed), 1.0)).fingerprint() for seed in (0, 1)}
    assert len(prints) == 2
    lora = {
        make_reference(make_policy(with_lora(small_model(TOKENIZER), seed), 1.0)).fingerprint()
        for seed in (1, 2)
    }
    assert len(lora) == 1, "what fresh adapters begin with is no part of the reference"


@pytest.mark.parametrize("wrapped", [False, True])
def test_gradient_checkpointing_changes_no_gradient_and_brings_no_dropout(wrapped: bool) -> None:
    from transformers import GPT2Config, GPT2LMHeadModel

    def gradients(*, checkpointing: bool) -> dict[str, torch.Tensor]:
        with torch.random.fork_rng():
            torch.manual_seed(0)
            model: Any = GPT2LMHeadModel(
                GPT2Config(
                    vocab_size=len(TOKENIZER),
                    n_embd=16,
                    n_layer=2,
                    n_head=2,
                    resid_pdrop=0.5,
                    attn_pdrop=0.5,
                    embd_pdrop=0.5,
                    bos_token_id=1,
                    eos_token_id=1,
                )
            )
        if wrapped:
            from peft import LoraConfig, get_peft_model

            how = LoraConfig(r=2, lora_dropout=0.5, target_modules=["c_attn"], fan_in_fan_out=True)
            torch.manual_seed(1)
            model = get_peft_model(model, how)
            moved(model)
        policy = make_policy(model, 1.0)
        if checkpointing:
            model.gradient_checkpointing_enable({"use_reentrant": False})
        calls = []
        block = plain_model(model).transformer.h[0]
        handle = block.ln_1.register_forward_hook(lambda *_: calls.append(1))
        with training(model):
            policy.score(rows()).logps.sum().backward()
        handle.remove()
        assert len(calls) == (2 if checkpointing else 1), "a checkpointed layer runs twice"
        assert not any(module.training for module in model.modules())
        return {name: p.grad.clone() for name, p in model.named_parameters() if p.requires_grad}

    plain, checkpointed = gradients(checkpointing=False), gradients(checkpointing=True)
    assert plain.keys() == checkpointed.keys()
    for name, gradient in plain.items():
        torch.testing.assert_close(checkpointed[name], gradient, msg=name)


def test_a_layers_own_rate_of_dropout_is_zero_meanwhile() -> None:
    from transformers import OPTConfig, OPTForCausalLM

    config = OPTConfig(
        vocab_size=len(TOKENIZER),
        hidden_size=16,
        ffn_dim=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        word_embed_proj_dim=16,
        dropout=0.5,
        max_position_embeddings=32,
    )
    model: Any = OPTForCausalLM(config).eval()
    policy = make_policy(model, 1.0)
    plain = policy.score(rows()).logps
    model.gradient_checkpointing_enable({"use_reentrant": False})
    with training(model):
        assert torch.equal(policy.score(rows()).logps, plain)
    assert model.model.decoder.layers[0].dropout == 0.5


def test_what_cannot_be_trained_is_refused() -> None:
    with pytest.raises(UsageError, match="is float16; PPO trains bfloat16 or float32"):
        make_policy(small_model(TOKENIZER).to(torch.float16), 1.0)
    with pytest.raises(UsageError, match="no weight is to be trained"):
        make_policy(small_model(TOKENIZER).requires_grad_(False), 1.0)
    with pytest.raises(UsageError, match="has no output layer"):
        make_policy(small_model(TOKENIZER).model, 1.0)
