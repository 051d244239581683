"""A batch's terms and their sum, and what TRL calls."""

from __future__ import annotations

from typing import Any

import pytest
from reward_rows import ROWS, spec

from rote.errors import DataError, UsageError
from rote.train.recipe import TERMS, RewardSpec
from rote.train.rewards import RewardSet, rewards, text_of

RIGHT = "4 * 6 = 24\n24 - 6 = 18\n#### 18"
WRONG = "4 * 6 = 24\n24 + 6 = 30\n#### 30"


def made(**weights: Any) -> RewardSet:
    return RewardSet(RewardSpec(**weights), list(ROWS.values()), spec())


def test_terms_and_totals() -> None:
    rewards = made(process=0.3)
    terms = rewards.terms([0, 0, 1], [RIGHT, WRONG, "#### 1,080 pounds"], [True, True, True])
    assert list(terms) == [name for name in TERMS if name != "random"]
    assert terms["correctness"] == [1.0, 0.0, 1.0]
    assert terms["format"] == [1.0, 1.0, 0.5]
    assert terms["process"] == [1.0, 1.0, 0.0]
    assert rewards.totals(terms) == pytest.approx([1.4, 0.4, 1.05])


def test_a_term_without_weight_is_logged_but_for_the_coin() -> None:
    assert "random" not in made().names
    control = made(correctness=0, format=0, random=1, control=True)
    assert control.names == TERMS
    assert dict(zip(control.names, control.weights, strict=True))["random"] == 1


def test_an_empty_batch() -> None:
    rewards = made()
    assert rewards.totals(rewards.terms([], [], [])) == []


@pytest.mark.parametrize(
    ("indices", "responses", "finished", "said"),
    [
        ([0], [RIGHT, RIGHT], [True, True], "1 row indices, 2 responses, 2 marks"),
        ([0], [RIGHT], [], "1 row indices, 1 responses, 0 marks"),
        ([99], [RIGHT], [True], "row index 99 is not within 0 to 5"),
        ([-1], [RIGHT], [True], "row index -1"),
    ],
)
def test_a_batch_that_does_not_fit(
    indices: list[int], responses: list[str], finished: list[bool], said: str
) -> None:
    with pytest.raises(UsageError, match=said):
        made().terms(indices, responses, finished)


def call(function: Any, completions: Any, ids: list[list[int]], rows: list[int]) -> list[float]:
    """As TRL calls it: by keywords, some of them unknown to us."""
    found = function(
        prompts=["?"] * len(rows),
        completions=completions,
        completion_ids=ids,
        row=rows,
        trainer_state=None,
        log_extra=None,
        log_metric=None,
    )
    assert isinstance(found, list)
    return found


def test_trl_functions_have_the_names_and_weights_of_the_terms() -> None:
    functions, weights = made(process=0.3).trl_functions({2, 7})
    names = [function.__name__ for function in functions]
    assert names == [name for name in TERMS if name != "random"]
    assert dict(zip(names, weights, strict=True))["process"] == 0.3
    assert dict(zip(names, weights, strict=True))["trace"] == 0


def test_a_completion_has_ended_when_its_last_id_says_so() -> None:
    functions, _ = made().trl_functions({2, 7})
    found = call(functions[0], [RIGHT] * 4, [[5, 2], [5, 7], [5, 6], []], [0] * 4)
    assert found == [1.0, 1.0, 0.0, 0.0]


def test_a_chat_completion_is_its_last_message() -> None:
    functions, _ = made().trl_functions([2])
    chat = [[{"role": "assistant", "content": RIGHT}], [{"role": "assistant", "content": WRONG}]]
    assert call(functions[0], chat, [[2], [2]], [0, 0]) == [1.0, 0.0]


@pytest.mark.parametrize(
    "completion", [[], [{"role": "assistant"}], [{"role": "assistant", "content": None}]]
)
def test_a_completion_without_text_is_an_error(completion: list[dict[str, Any]]) -> None:
    with pytest.raises(DataError, match="messages whose last has text"):
        text_of(completion)


def test_a_call_is_scored_once_for_all_terms(monkeypatch: pytest.MonkeyPatch) -> None:
    count = 0
    original = rewards.score

    def counted(*args: Any, **kwargs: Any) -> Any:
        nonlocal count
        count += 1
        return original(*args, **kwargs)

    monkeypatch.setattr(rewards, "score", counted)
    functions, _ = made().trl_functions([2])
    for function in functions:
        call(function, [RIGHT, WRONG], [[2], [2]], [0, 0])
    assert count == 2
    assert call(functions[0], [WRONG, RIGHT], [[2], [2]], [0, 0]) == [0.0, 1.0]
    assert call(functions[0], [WRONG, RIGHT], [[2], [5]], [0, 0]) == [0.0, 0.0]
    assert count == 6


def test_what_is_returned_is_a_copy() -> None:
    functions, _ = made().trl_functions([2])
    call(functions[0], [RIGHT], [[2]], [0])[0] = 5.0
    assert call(functions[0], [RIGHT], [[2]], [0]) == [1.0]


def test_without_an_end_token_nothing_could_end() -> None:
    with pytest.raises(UsageError, match="no end-of-sequence token"):
        made().trl_functions([])
