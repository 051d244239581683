"""Padding, the end of a response, and the order of the prompts."""

from __future__ import annotations

import torch

from rote.train.ppo.sequences import Sequences, joined, left_padded, prompt_rows, stable_order, until_eos

#: Of eight, with seed 42, in the first epoch.
GOLDEN = [7, 0, 2, 3, 5, 1, 4, 6]


def test_prompts_are_padded_on_the_left() -> None:
    ids, mask = left_padded([[5], [6, 7, 8]], 0, "cpu")
    assert ids.tolist() == [[0, 0, 5], [6, 7, 8]]
    assert mask.tolist() == [[False, False, True], [True, True, True]]


def test_a_response_goes_up_to_its_first_eos_and_with_it() -> None:
    responses = torch.tensor([[5, 1, 0, 0], [1, 1, 1, 1], [5, 6, 7, 8], [5, 2, 1, 0], [5, 6, 7, 1]])
    mask, finished = until_eos(responses, [1, 2])
    assert mask.sum(1).tolist() == [2, 1, 4, 2, 4]
    assert finished.tolist() == [True, True, False, True, True]


def test_an_eos_that_is_padding_too_ends_a_response_once() -> None:
    mask, finished = until_eos(torch.tensor([[5, 0, 0, 0], [0, 0, 0, 0], [5, 6, 7, 8]]), [0])
    assert mask.tolist() == [[True, True, False, False], [True, False, False, False], [True] * 4]
    assert finished.tolist() == [True, True, False]


def test_rows_are_taken_without_columns_of_padding() -> None:
    prompts, prompt_mask = left_padded([[1], [2, 3, 4], [5, 6]], 0, "cpu")
    responses = torch.tensor([[7, 0, 0], [8, 9, 9], [7, 8, 0]])
    some = Sequences(prompts, prompt_mask, responses, responses > 0).take([2, 0])
    assert some.prompts.tolist() == [[5, 6], [0, 1]]
    assert some.responses.tolist() == [[7, 8], [7, 0]]
    assert (some.prompt_mask == (some.prompts > 0)).all()
    assert (some.mask == (some.responses > 0)).all()


def test_rectangles_are_joined_at_either_edge() -> None:
    parts = [torch.tensor([[1]]), torch.tensor([[2, 3]])]
    assert joined(parts, 0).tolist() == [[1, 0], [2, 3]]
    assert joined(parts, 0, left=True).tolist() == [[0, 1], [2, 3]]
    masks = joined([torch.tensor([[True]]), torch.tensor([[True, True]])], False)
    assert masks.dtype == torch.bool
    assert masks.tolist() == [[True, False], [True, True]]


def test_an_order_is_the_same_everywhere() -> None:
    assert stable_order(8, 42, "prompts", 0) == GOLDEN
    assert stable_order(8, 42, "prompts", 1) != GOLDEN
    assert stable_order(8, 43, "prompts", 0) != GOLDEN


def test_prompts_come_epoch_by_epoch_however_they_are_cut() -> None:
    whole = prompt_rows(7, 5, 0, 35)
    for epoch in range(5):
        assert sorted(whole[7 * epoch : 7 * epoch + 7]) == list(range(7))
    assert whole[:7] != whole[7:14]
    for size in (1, 3, 7, 10):
        cut = [row for start in range(0, 30, size) for row in prompt_rows(7, 5, start, size)]
        assert cut[:30] == whole[:30]
