"""Models that rote adds to lm-eval."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

#: Name for ``--model`` → where the class is. Imported only when the model is asked for.
MODELS: Final = {
    "rote-planted": "rote.harness_ext.models.planted:PlantedLM",
    "rote-hf": "rote.harness_ext.models.hf:RoteHFLM",
    "rote-vllm": "rote.harness_ext.models.vllm:RoteVLLM",
    "rote-budget": "rote.harness_ext.models.budget:BudgetLM",
}
#: Models that take all prompts at once and share a GPU among them by themselves.
VLLM: Final = ("vllm", "rote-vllm")


def default_batch_size(model: str, arguments: Mapping[str, Any] | None = None) -> int | str:
    """The ``batch_size`` of a model where nobody gives one: ``auto`` for vLLM, else 1, lm-eval's own.

    Of rote-budget that of the model among its ``arguments``.

    lm-eval's vLLM model has 1, too, and then hands vLLM one prompt after another (docs/gpu-runs.md: more than
    400 s in place of 108 s, start included).
    """
    if model == "rote-budget":
        model = str((arguments or {}).get("model", ""))
    return "auto" if model in VLLM else 1


def register() -> None:
    """Make the models known to this process's lm-eval; a second call changes nothing.

    lm-eval up to 0.4.13 reads no entry points. It fills its registry on the import of
    ``lm_eval.models``, and that only while the registry is empty: so that import comes first.
    """
    import lm_eval.models  # noqa: F401
    from lm_eval.api.registry import model_registry

    for name, target in MODELS.items():
        if name not in model_registry:
            model_registry.register(name, target=target)
