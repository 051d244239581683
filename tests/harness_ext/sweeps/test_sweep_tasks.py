"""Tasks of a plan by format, hashes of what they ask, and jobs made of both."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from rote.errors import SourceUnavailableError, UsageError
from rote.harness_ext.sweeps import on_ray
from rote.harness_ext.sweeps.checkpoints import Model, models_of
from rote.harness_ext.sweeps.jobs import jobs_of
from rote.harness_ext.sweeps.plan import Plan
from rote.harness_ext.sweeps.reading import check_plan
from rote.harness_ext.sweeps.tasks import TaskGroup, in_format, task_groups


def plan(*models: dict[str, Any], **others: Any) -> Plan:
    raw = {
        "results": "results",
        "models": list(models) or [{"name": "solver", "backend": "planted"}],
        "tasks": {"core": ["bank_original", "bank_symbolic"]},
    }
    return check_plan({**raw, **others})


def test_names_in_a_format() -> None:
    assert [in_format("bank_noop", name) for name in ("hash", "tags", "instruct")] == [
        "bank_noop",
        "bank_noop_tags",
        "bank_noop_instruct",
    ]
    assert in_format("bank_noop_zeroshot", "boxed") == "bank_noop_boxed_zeroshot"
    assert in_format("bank_noop_zeroshot", "instruct") == "bank_noop_instruct"


def test_groups_hold_their_tasks_and_hash_what_is_asked() -> None:
    found = task_groups(
        plan(
            seeds=[0, 1],
            formats=["hash", "tags"],
            tasks={"core": ["bank_original"], "r": ["bank_robustness"]},
        )
    )
    assert [(g.set, g.format, g.seed) for g in found] == [
        (name, format, seed) for name in ("core", "r") for format in ("hash", "tags") for seed in (0, 1)
    ]
    by = {(g.set, g.format, g.seed): g for g in found}
    assert by["core", "tags", 0].tasks == ("bank_original_tags",)
    assert "bank_noop_zeroshot" in by["r", "hash", 0].tasks
    # Originals are the same under every seed, clauses are not; formats ask differently.
    assert by["core", "hash", 0].content == by["core", "hash", 1].content
    assert by["r", "hash", 0].content != by["r", "hash", 1].content
    assert by["core", "hash", 0].content != by["core", "tags", 0].content


def test_hashes_change_with_what_is_asked() -> None:
    one, again, other = (
        [group.content for group in task_groups(plan(rote={"variants": variants}))] for variants in (1, 1, 2)
    )
    assert one == again != other


def group(name: str = "core", seed: int = 0, content: str = "c") -> TaskGroup:
    return TaskGroup(name, "hash", seed, (f"{name}_task",), content)


def keys(plan: Plan, groups: list[TaskGroup], known: dict[str, Any]) -> list[str]:
    jobs, unfit = jobs_of(plan, models_of(plan), groups, lambda model: known)
    assert unfit == []
    return [unit.key for job in jobs for unit in job.units]


def test_what_decides_a_key() -> None:
    spec = {"hub": "a/b", "backend": "vllm"}
    base = keys(plan(spec), [group()], {"commit": "1"})
    same = [
        keys(
            plan({**spec, "name": "other", "priority": 3, "tensor_parallel": 2}), [group()], {"commit": "1"}
        ),
        keys(plan(spec, retries=5, time_limit=3), [group()], {"commit": "1"}),
        keys(plan(spec, tasks={"core": ["x"], "more": ["y"]}), [group()], {"commit": "1"}),
    ]
    different = [
        keys(plan(spec), [group()], {"commit": "2"}),
        keys(plan(spec), [group(content="d")], {"commit": "1"}),
        keys(plan(spec), [group(seed=1)], {"commit": "1"}),
        keys(plan(spec, limit=3), [group()], {"commit": "1"}),
        keys(plan(spec, shots=[2]), [group()], {"commit": "1"}),
        keys(plan(spec, chat=True), [group()], {"commit": "1"}),
        keys(plan({**spec, "model_args": {"dtype": "float16"}}), [group()], {"commit": "1"}),
        keys(plan({**spec, "backend": "hf"}), [group()], {"commit": "1"}),
    ]
    assert all(found == base for found in same)
    assert all(found != base for found in different)


def test_jobs_by_priority_and_with_their_arguments() -> None:
    found = plan(
        {"hub": "a/one", "backend": "vllm", "tensor_parallel": 2, "data_parallel": 2, "tasks": ["core"]},
        {"hub": "a/two", "backend": "rote-vllm", "priority": 1, "model_args": {"dtype": "float16"}},
        {"hub": "a/gone", "priority": 9},
        tasks={"core": ["x"], "more": ["y"]},
        chat=True,
        retries=4,
    )

    def identify(model: Model) -> dict[str, Any]:
        if model.place == "a/gone":
            raise SourceUnavailableError("gone")
        return {"hub": model.place, "commit": "abc"}

    jobs, unfit = jobs_of(found, models_of(found), [group(), group("more")], identify)
    assert [(model.model, str(model.error)) for model in unfit] == [("a__gone", "gone")]
    assert [job.name for job in jobs] == ["a__two", "a__one"]
    two, one = jobs
    assert one.model_args == {
        "pretrained": "a/one",
        "revision": "abc",
        "tensor_parallel_size": 2,
        "data_parallel_size": 2,
    }
    assert two.model_args["dtype"] == "float16"
    assert (one.gpus, two.gpus, two.lm, two.chat, two.retries) == (4, 1, "rote-vllm", True, 4)
    assert [unit.slot for unit in one.units] == ["core.hash.seed0"]
    assert [unit.slot for unit in two.units] == ["core.hash.seed0", "more.hash.seed0"]


def test_a_cluster_without_room() -> None:
    found = plan(
        {"hub": "a/one", "backend": "vllm", "tensor_parallel": 8}, {"name": "s", "backend": "planted"}
    )
    jobs, _ = jobs_of(found, models_of(found), [group()], lambda model: {})
    nodes = [{"CPU": 16.0, "GPU": 4.0}, {"CPU": 16.0, "GPU": 4.0}, {"CPU": 64.0}]
    assert [on_ray.slots(job, nodes) for job in jobs] == [0, 96]
    with pytest.raises(
        UsageError,
        match=(
            r"can ever run this: a__one asks for 8 GPUs and 1 CPU on one node\. There are 3 nodes, the "
            r"largest with 4 GPUs and 16 CPUs, 4 GPUs and 16 CPUs, no GPUs and 64 CPUs"
        ),
    ):
        on_ray.check_room(jobs, nodes)
    on_ray.check_room(jobs, [{"CPU": 8.0, "GPU": 8.0}])


@pytest.mark.parametrize("address", ["127.0.0.1:1", "ray://127.0.0.1:1", "host:port"])
def test_an_address_where_nothing_answers(address: str) -> None:
    pytest.importorskip("ray", reason="needs Ray: pip install 'rote[sweep]'")
    with pytest.raises(UsageError, match=f"--address {address}: nothing answers there"):
        on_ray.connected(address, print).__enter__()


class AuthenticationError(Exception):
    """As Ray's: what is wrong is its message, its text goes on with advice."""

    message = "Token authentication is enabled but no authentication token was found"

    def __str__(self) -> str:
        return f"{self.message}. Ensure that the token is available"


@pytest.mark.parametrize("error", [AuthenticationError(), ConnectionError("Failed to connect")])
def test_a_cluster_that_may_want_a_token(error: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    def init(**_: Any) -> None:
        raise error

    ray = SimpleNamespace(init=init, exceptions=SimpleNamespace(RayError=AuthenticationError))
    monkeypatch.setattr(on_ray, "_ray", lambda: ray)
    with pytest.raises(UsageError) as caught:
        on_ray.connected("auto", print).__enter__()
    assert str(caught.value) == (
        f"--address auto: no connection to Ray ({getattr(error, 'message', error)}); if the cluster asks "
        "for a token, set RAY_AUTH_MODE=token, with the token in RAY_AUTH_TOKEN, in the file that "
        "RAY_AUTH_TOKEN_PATH names, or in ~/.ray/auth_token"
    )
    with pytest.raises(UsageError, match=r"--address local: no connection to Ray \([^)]*\)$"):
        on_ray.connected(None, print).__enter__()
