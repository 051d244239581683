"""Small worlds for PPO in which the best policy is known, and what stands round a run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rote.train.recipe import DataSpec, PpoStage, SourceSpec

ARMS = ("red", "green", "blue", "pink")
#: Prompts of several lengths, so that some are padded.
PROMPTS = ("one", "one two", "two two two", "three one two three")


def words_tokenizer(words: Sequence[str] = ()) -> Any:
    """A tokenizer of whole words: the prompts', the arms, and ``words``."""
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    known = ["<pad>", "<eos>", "<unk>", "one", "two", "three", *ARMS, *words]
    model = Tokenizer(models.WordLevel({word: i for i, word in enumerate(known)}, unk_token="<unk>"))
    model.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    return PreTrainedTokenizerFast(
        tokenizer_object=model, pad_token="<pad>", eos_token="<eos>", unk_token="<unk>"
    )


def small_model(tokenizer: Any, seed: int = 0, *, width: int = 32, layers: int = 1, tie: bool = False) -> Any:
    """A Qwen2 of random weights whose answers are nearly uniform."""
    import torch
    from transformers import Qwen2Config, Qwen2ForCausalLM

    config = Qwen2Config(
        vocab_size=len(tokenizer),
        hidden_size=width,
        intermediate_size=2 * width,
        num_hidden_layers=layers,
        num_attention_heads=2,
        num_key_value_heads=2,
        max_position_embeddings=64,
        tie_word_embeddings=tie,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
        bos_token_id=None,
    )
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return Qwen2ForCausalLM(config).eval()


def with_lora(model: Any, seed: int = 1) -> Any:
    """The model with LoRA on its attention, as peft begins it: at zero."""
    import torch
    from peft import LoraConfig, get_peft_model

    how = LoraConfig(
        r=4, lora_alpha=8, lora_dropout=0.1, target_modules=["q_proj", "v_proj"], task_type="CAUSAL_LM"
    )
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return get_peft_model(model, how)


def make_stage(**fields: Any) -> PpoStage:
    """A stage of single tokens; ``fields`` over the defaults here."""
    small: dict[str, Any] = {
        "algorithm": "ppo",
        "data": DataSpec(sources=(SourceSpec(source="linear", n=1),), decontaminate=None),
        "learning_rate": 1e-2,
        "schedule": "constant",
        "max_completion": 1,
        "max_steps": 3,
        "rollouts": 16,
        "batch_size": 8,
        "mini_batch": 4,
    }
    return PpoStage(**{**small, **fields})


def right_arm(rows: Sequence[int], texts: Sequence[str], finished: Sequence[bool]) -> Any:
    """1 where the answer to prompt i is arm i, else 0."""
    totals = [float(text == ARMS[row]) for row, text in zip(rows, texts, strict=True)]
    return {"right": totals}, totals


@dataclass
class Recorder:
    """Hooks that keep everything: checkpoints at ``save_at``, a stop after ``stop_at``."""

    save_at: tuple[int, ...] = ()
    stop_at: int = 0
    lines: dict[int, dict[str, float]] = field(default_factory=dict)
    folders: list[Path] = field(default_factory=list)

    def log(self, step: int, metrics: Mapping[str, float]) -> None:
        self.lines[step] = dict(metrics)

    def step_done(self, step: int, model: Any) -> tuple[bool, bool]:
        return step in self.save_at, step == self.stop_at

    def saved(self, folder: Path) -> None:
        self.folders.append(folder)

    def exact_lines(self) -> dict[int, dict[str, float]]:
        """The log without what depends on the clock."""
        clock = {"step_time", "tokens_per_second"}
        return {
            step: {name: value for name, value in line.items() if name not in clock}
            for step, line in self.lines.items()
        }


def answers(model: Any, tokenizer: Any, prompt: str, temperature: float = 1.0) -> Any:
    """Probabilities of every token as the answer to a prompt, float64."""
    import torch

    ids = tokenizer(prompt, return_tensors="pt")
    with torch.no_grad():
        logits = model(**ids).logits[0, -1].double()
    return (logits / temperature).softmax(-1)
