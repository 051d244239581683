"""Models that rote adds to lm-eval."""

from __future__ import annotations

from typing import Final

#: Name for ``--model`` → where the class is. Imported only when the model is asked for.
MODELS: Final = {
    "rote-planted": "rote.harness_ext.models.planted:PlantedLM",
    "rote-hf": "rote.harness_ext.models.hf:RoteHFLM",
    "rote-vllm": "rote.harness_ext.models.vllm:RoteVLLM",
    "rote-budget": "rote.harness_ext.models.budget:BudgetLM",
}


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
