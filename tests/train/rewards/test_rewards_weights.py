"""Which weights are honest: no wrong answer ranks above a right one, whatever the terms say."""

from __future__ import annotations

import itertools
import math

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from pydantic import ValidationError
from reward_rows import ROWS

from rote.train.recipe import TERMS, RewardSpec
from rote.train.recipe.rewards import PRESETS
from rote.train.rewards import SINGLE, Scored

SHARES = st.sampled_from([0.0, 1.0]) | st.floats(0, 1)


def made(
    right: bool, answered: bool, marked: bool, complies: bool, trapped: bool, *rest: float | None
) -> Scored:
    """A response as far as the terms look at it; only what can be."""
    trace, sound, confidence, excess = rest
    return Scored(
        row=ROWS["cups"],
        response="",
        fault=None if answered else "no_number",
        correct=right,
        marked=answered and marked,
        complies=answered and marked and complies,
        trapped=trapped and not right,
        trace=trace or 0.0 if answered else 0.0,
        sound=sound or 0.0 if answered else 0.0,
        confidence=confidence,
        excess=excess or 0.0,
    )


def total(spec: RewardSpec, scored: Scored, consistency: float) -> float:
    terms = {name: SINGLE[name](scored) for name in TERMS if name != "consistency"}
    terms["consistency"] = consistency if scored.correct else 0.0
    return math.fsum(weight * terms[name] for name, weight in spec.weights.items())


def responses(right: bool) -> st.SearchStrategy[Scored]:
    flags = st.booleans()
    return st.builds(
        made,
        st.just(right),
        st.just(True) if right else flags,
        flags,
        flags,
        flags,
        SHARES,
        SHARES,
        st.none() | SHARES,
        st.sampled_from([0.0, 2.0]) | st.floats(0, 3),
    )


@st.composite
def specs(draw: st.DrawFn) -> RewardSpec:
    weights = {
        name: draw(st.just(0.0) | SHARES) for name in TERMS if name not in ("correctness", "seeds", "random")
    }
    weights |= {name: draw(st.floats(0, 4)) for name in ("correctness", "seeds")}
    try:
        return RewardSpec(**weights)
    except ValidationError:
        assume(False)
        raise


@given(specs(), responses(True), responses(False), SHARES)
def test_no_wrong_answer_ranks_above_a_right_one(
    spec: RewardSpec, right: Scored, wrong: Scored, consistency: float
) -> None:
    assert total(spec, right, consistency) > total(spec, wrong, 1.0)


@pytest.mark.parametrize("name", [name for name, preset in PRESETS.items() if not preset.control])
def test_nor_in_any_corner_of_a_preset(name: str) -> None:
    spec = PRESETS[name]
    flags = (False, True)
    corners = list(
        itertools.product(flags, flags, flags, flags, (0.0, 1.0), (0.0, 1.0), (None, 0.0, 1.0), (0.0, 2.0))
    )
    right = [total(spec, made(True, True, *corner[1:]), 0.0) for corner in corners]
    wrong = [total(spec, made(False, *corner), 1.0) for corner in corners]
    assert min(right) - max(wrong) == pytest.approx(spec.margin)
    assert spec.margin > 0
    assert max(right) == pytest.approx(spec.largest - spec.consistency)


@given(specs())
def test_format_is_a_fifth_at_most(spec: RewardSpec) -> None:
    assert spec.format <= 0.2 * spec.largest + 1e-6


@pytest.mark.parametrize(
    ("weights", "said"),
    [
        ({"correctness": 0, "format": 0}, "all weights are 0"),
        ({"random": 1}, "random is 1; it goes with control: true"),
        ({"correctness": 0, "process": 0.5}, "correctness and seeds are 0"),
        ({"format": 0.3}, r"format is 0.3, more than 0.2 of the largest reward \(1.3\)"),
        ({"format": 0.3, "inertness": 1, "length": 1}, "format is 0.3, more than 0.2"),
        ({"trace": 0.5, "process": 0.4}, "can make up 1, as much as correctness"),
        ({"format": 0, "length": 1}, "can make up 1, as much as correctness"),
        ({"correctness": 0, "format": 0.2, "process": 0.2, "seeds": 1}, "can make up 0.65, as much as"),
        ({"confidence": 1.5}, "less than or equal to 1"),
        ({"reward": 1}, "Extra inputs"),
        ({"correctness": float("inf")}, "finite"),
    ],
)
def test_dishonest_weights_are_refused(weights: dict[str, float], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        RewardSpec(**weights)  # type: ignore[arg-type]


def test_confidence_and_consistency_may_weigh_much_for_they_only_part_right_from_wrong() -> None:
    assert RewardSpec(confidence=1, consistency=1, inertness=1).margin == pytest.approx(0.9)


def test_a_control_may_do_anything_but_nothing() -> None:
    assert RewardSpec(correctness=0, format=1, control=True).margin == -1
    with pytest.raises(ValidationError, match="all weights are 0"):
        RewardSpec(correctness=0, format=0, control=True)


def test_every_weight_is_a_term() -> None:
    fields = [name for name in RewardSpec.model_fields if name != "control"]
    assert tuple(fields) == TERMS
