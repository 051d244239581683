"""The policy with its value head, and the reference that it is kept near to."""

from __future__ import annotations

import hashlib
import inspect
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import Any, TypeAlias

from rote.errors import UsageError
from rote.train.ppo.sequences import Sequences

Tensor: TypeAlias = Any

#: Elements of a tensor that go into its fingerprint.
_SAMPLED = 4096


@dataclass(frozen=True, slots=True)
class Scores:
    """What a policy says of the tokens of responses, each (B, T), float32, 0 outside their mask.

    Attributes
    ----------
    logps: log-probability of each token, at the temperature of sampling.
    entropy: of the distribution that the token was drawn from, in nats.
    values: estimate, before the token is chosen, of the return from there on.
    """

    logps: Tensor
    entropy: Tensor
    values: Tensor


@dataclass(frozen=True, slots=True)
class Policy:
    """A transformers causal LM, plain or wrapped by peft, and a linear value head on its last hidden states.

    ``temperature`` divides the logits wherever a probability is computed, in sampling and in training alike.
    With ``bf16`` the model calculates in bfloat16 whatever its weights are kept in; what is made of its
    logits, and the values, are float32 in any case.
    """

    model: Any
    head: Any
    temperature: float
    bf16: bool = False

    def precision(self) -> AbstractContextManager[Any]:
        """What the model runs in."""
        import torch

        return torch.autocast(self.model.device.type, dtype=torch.bfloat16, enabled=self.bf16)

    def score(self, rows: Sequences, *, entropy_gradient: bool = False) -> Scores:
        """Scores of the responses; gradients flow as torch's mode says, through the entropy only if asked."""
        import torch

        width = rows.responses.shape[1]
        logits, hidden = self._last_columns(rows, width + 1)
        mask = rows.mask
        # What stands before a token predicts it; the last column predicts nothing that was drawn.
        log_probs = (logits[:, :-1].float() / self.temperature).log_softmax(-1)
        logps = log_probs.gather(-1, rows.responses.unsqueeze(-1)).squeeze(-1)
        with torch.set_grad_enabled(entropy_gradient and torch.is_grad_enabled()):
            # A token that the model rules out has log-probability −inf, and adds 0 to the entropy.
            entropy = -(log_probs.exp() * log_probs.clamp_min(torch.finfo(torch.float32).min)).sum(-1)
        values = self.head(hidden[:, :-1].float()).squeeze(-1)
        return Scores(*(part.masked_fill(~mask, 0.0) for part in (logps, entropy, values)))

    def _last_columns(self, rows: Sequences, keep: int) -> tuple[Tensor, Tensor]:
        """Logits (B, keep, vocabulary) and last hidden states (B, keep, width) of the last columns."""
        import torch

        attention = torch.cat([rows.prompt_mask, rows.mask], dim=1).long()
        given = {
            "input_ids": torch.cat([rows.prompts, rows.responses], dim=1),
            "attention_mask": attention,
            "use_cache": False,
        }
        known = inspect.signature(plain_model(self.model).forward).parameters
        if "position_ids" in known:
            # As generate counts them: from the first token of the prompt, whatever padding is before it.
            given["position_ids"] = (attention.cumsum(1) - 1).clamp_min(0)
        if "logits_to_keep" in known:
            given["logits_to_keep"] = keep
        with _into_output_layer(self.model) as seen, self.precision():
            logits = self.model(**given).logits
        if len(seen) != 1:
            raise UsageError(
                f"model {type(self.model).__name__}: its output layer ran {len(seen)} times in one pass; "
                "PPO reads the value of a token from what goes into it, and needs a model that runs it once"
            )
        return logits[:, -keep:], seen[0][:, -keep:]


def make_policy(model: Any, temperature: float, *, bf16: bool = False) -> Policy:
    """The model with a value head of zeros: at first every return is expected to be 0, whatever the seed.

    The model is put into evaluation mode, which dropout is off in; ``training`` alone leaves it.

    Raises UsageError for a model that has no output layer, or weights that cannot be trained as they are.
    """
    import torch

    if model.get_output_embeddings() is None:
        raise UsageError(
            f"model {type(model).__name__}: has no output layer; PPO needs a causal language model"
        )
    trained = [(name, p.dtype) for name, p in model.named_parameters() if p.requires_grad]
    if not trained:
        raise UsageError(f"model {type(model).__name__}: no weight is to be trained (requires_grad)")
    for name, dtype in trained:
        if dtype not in (torch.float32, torch.bfloat16):
            raise UsageError(
                f"model weight {name} is {str(dtype).removeprefix('torch.')}; PPO trains bfloat16 or float32"
            )
    width = model.get_output_embeddings().weight.shape[-1]
    head = torch.nn.Linear(width, 1, device=model.device, dtype=torch.float32)
    torch.nn.init.zeros_(head.weight)
    torch.nn.init.zeros_(head.bias)
    model.eval()
    return Policy(model, head, temperature, bf16)


def plain_model(model: Any) -> Any:
    """The transformers model itself, out of peft's wrapping."""
    return model.get_base_model() if is_wrapped(model) else model


def is_wrapped(model: Any) -> bool:
    """Whether peft wraps the model."""
    return hasattr(model, "peft_config") and hasattr(model, "get_base_model")


@contextmanager
def _into_output_layer(model: Any) -> Iterator[list[Tensor]]:
    """What goes into the output layer while the block runs: the last hidden states, after the last norm."""
    seen: list[Tensor] = []
    layer = model.get_output_embeddings()
    handle = layer.register_forward_pre_hook(lambda _, given: seen.append(given[0]))
    try:
        yield seen
    finally:
        handle.remove()


@contextmanager
def training(model: Any) -> Iterator[None]:
    """The model as it is trained: without dropout, and with gradient checkpointing where that is on.

    Layers checkpoint only in training mode, which also turns dropout on. So the layers alone are put into it,
    none of their parts, and their own rates of dropout are 0 meanwhile.
    """
    layers = [module for module in model.modules() if getattr(module, "gradient_checkpointing", False)]
    rates = [
        (layer, name, rate)
        for layer in layers
        for name, rate in vars(layer).items()
        if "dropout" in name and isinstance(rate, float)
    ]
    model.eval()
    for layer in layers:
        layer.training = True
    for layer, name, _ in rates:
        setattr(layer, name, 0.0)
    try:
        yield
    finally:
        for layer, name, rate in rates:
            setattr(layer, name, rate)
        model.eval()


@dataclass(frozen=True, slots=True)
class Reference:
    """The weights that a run began with.

    Adapters that began at zero are switched off. Of anything else that is trained, ``first`` is a copy, put
    in its place while the reference is asked; weights that are not trained are shared.
    """

    policy: Policy
    first: Mapping[str, Tensor] | None

    @contextmanager
    def _weights(self) -> Iterator[None]:
        model = self.policy.model
        if self.first is None:
            with model.disable_adapter():
                yield
            return
        trained = {name: p for name, p in model.named_parameters() if name in self.first}
        now = {name: p.data for name, p in trained.items()}
        try:
            for name, parameter in trained.items():
                parameter.data = self.first[name]
            yield
        finally:
            for name, parameter in trained.items():
                parameter.data = now[name]

    def logps(self, rows: Sequences) -> Tensor:
        """Log-probabilities (B, T) of the responses, without gradients; the policy is left as it was."""
        import torch

        with torch.no_grad(), self._weights():
            return self.policy.score(rows).logps

    def fingerprint(self) -> str:
        """A hash of these weights (a sample of each): a run resumes only against the same ones."""
        digest = hashlib.sha256()
        for name, parameter in self.policy.model.named_parameters():
            if self.first is None and parameter.requires_grad:
                continue
            tensor = parameter if self.first is None else self.first.get(name, parameter)
            digest.update(f"{name} {tuple(tensor.shape)} {tensor.dtype}".encode())
            digest.update(_sample(tensor))
        return digest.hexdigest()


def make_reference(policy: Policy) -> Reference:
    """The reference that the policy is at this moment."""
    trained = {name: p for name, p in policy.model.named_parameters() if p.requires_grad}
    if is_wrapped(policy.model) and _adds_nothing(trained):
        return Reference(policy, None)
    return Reference(policy, {name: p.detach().clone() for name, p in trained.items()})


def _adds_nothing(trained: Mapping[str, Tensor]) -> bool:
    """Whether only LoRA is trained, and its second matrices are still zero: it is the model without it."""
    second = [p for name, p in trained.items() if "lora_B" in name or "lora_embedding_B" in name]
    pairs = sum("lora_" in name for name in trained)
    return (
        bool(second) and pairs == len(trained) == 2 * len(second) and not any(bool(p.any()) for p in second)
    )


def _sample(tensor: Tensor) -> bytes:
    import torch

    flat = tensor.detach().reshape(-1)
    sample = flat[:: max(1, flat.numel() // _SAMPLED)].contiguous().cpu()
    return bytes(sample.view(torch.uint8).numpy().tobytes())
