"""No log makes the reader raise anything but rote's errors, which name a file; what is read can be shown."""

from __future__ import annotations

import copy
import json
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from log_factory import Run, behaviour

from rote.errors import LogError
from rote.logs.files import read_results
from rote.reports import read_logs
from rote.reports.records import Runs
from rote.reports.texts import read_texts

MIXED = behaviour({"original": 0.5}, trapped=0.5, invalid=0.2)
FUZZ = settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))

#: Values that logs of other versions, cut or edited logs, or somebody's malice may hold.
ODD: list[Any] = [
    None, True, False, 0, 1, -1, 2, 10**400, 1e308, float("nan"), float("inf"), "", "0", "N/A", "nan", "1/0",
    "np.float64(nan)", "np.float64(np.float64(1.0))", "\ud800", "\x00\u202e", "<script>", "a" * 5000, [],
    [[]], [None], [[None]], [1], ["x"], {}, {"": None}, {"name": {}}, "\u0661", "original", "9" * 5000,
    "-0/0", "1e999",
]  # fmt: skip

odd = st.one_of(
    st.sampled_from(ODD),
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
        max_leaves=6,
    ),
)


def made_run(folder: Path, version: str) -> Run:
    run = Run(folder, version=version).add("original", 3, MIXED).add("noop", 3, MIXED, k=2)
    for number, record in enumerate(record for records in run.samples.values() for record in records):
        record |= {"runs": [int(record["exact_match"])], "agreement": 1, "looping": 0, "error_distractor": 0}
        if number % 3 == 0:
            record["doc"] |= {"answers": {"x": "3", "y": "1/2"}}
        if number % 2:
            record["doc"]["shots"] = [{"question": "?", "solution": "#### 1"}]
    return run


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The path of every value within a JSON value, itself left out."""
    entries = (
        value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    )
    for key, inner in entries:
        yield (*path, key)
        yield from places(inner, (*path, key))


def change(value: Any, path: tuple[Any, ...], new: Any, *, delete: bool) -> None:
    *parents, last = path
    for key in parents:
        value = value[key]
    if delete:
        del value[last]
    else:
        value[last] = copy.deepcopy(new)


def survives(folder: Path) -> Runs | None:
    """Read a folder and the texts of its samples; anything but a LogError that says where is a failure."""
    try:
        runs = read_logs(folder)
        for series in runs.series:
            assert series.setting.isprintable()
            for templates in series.samples.values():
                for sample in (s for group in templates.values() for s in group):
                    texts = read_texts(sample)
                    assert isinstance(texts.gold, str)
        "".join(runs.warnings).encode("utf-8")
    except LogError as error:
        where = error.path
    else:
        return runs
    assert where
    return None


@FUZZ
@given(st.data())
def test_any_value_anywhere_in_a_sample(data: st.DataObject) -> None:
    with tempfile.TemporaryDirectory() as name:
        run = made_run(Path(name), data.draw(st.sampled_from(["0.4.5", "0.4.13"])))
        run.write(hashes=False)
        task = data.draw(st.sampled_from(sorted(run.samples)))
        records = run.samples[task]
        for _ in range(data.draw(st.integers(1, 3))):
            record = records[data.draw(st.integers(0, len(records) - 1))]
            path = data.draw(st.sampled_from(sorted(places(record), key=str)))
            change(record, path, data.draw(odd), delete=data.draw(st.booleans()))
        run.samples_path(task).write_text("".join(json.dumps(r) + "\n" for r in records), encoding="utf-8")
        survives(Path(name))


@FUZZ
@given(st.data())
def test_any_value_anywhere_in_the_results(data: st.DataObject) -> None:
    with tempfile.TemporaryDirectory() as name:
        run = made_run(Path(name), "0.4.13")
        run.write()
        for _ in range(data.draw(st.integers(1, 3))):
            path = data.draw(st.sampled_from(sorted(places(run.results), key=str)))
            change(run.results, path, data.draw(odd), delete=data.draw(st.booleans()))
        run.results_path.write_text(json.dumps(run.results), encoding="utf-8")
        survives(Path(name))


@FUZZ
@given(st.data())
def test_any_bytes_changed(data: st.DataObject) -> None:
    with tempfile.TemporaryDirectory() as name:
        run = made_run(Path(name), "0.4.13")
        run.write(hashes=False)
        paths = [run.results_path, *(run.samples_path(task) for task in run.samples)]
        path = data.draw(st.sampled_from(paths))
        raw = bytearray(path.read_bytes())
        at = data.draw(st.integers(0, len(raw)))
        length = data.draw(st.integers(0, 200))
        raw[at : at + length] = data.draw(st.binary(max_size=40))
        path.write_bytes(raw[: data.draw(st.integers(0, len(raw))) or None])
        survives(Path(name))


@FUZZ
@given(st.binary(max_size=300), st.binary(max_size=300))
def test_any_files(results: bytes, samples: bytes) -> None:
    with tempfile.TemporaryDirectory() as name:
        run = Run(Path(name))
        run.results_path.write_bytes(results)
        run.samples_path("bank_noop").write_bytes(samples)
        assert survives(Path(name)) is None


@FUZZ
@given(st.recursive(odd, lambda inner: st.dictionaries(st.sampled_from(["results", "configs"]), inner)))
def test_any_json_as_results(value: Any) -> None:
    with tempfile.TemporaryDirectory() as name:
        path = Path(name, "results_2026-01-01T00-00-00.json")
        path.write_text(json.dumps(value), encoding="utf-8")
        try:
            table = read_results(path)["configs"]
        except LogError as error:
            where = error.path
        else:
            where, _ = str(path), table.items()
        assert where == str(path)


@pytest.mark.parametrize("depth", [50, 300, 900, 5000, 100_000])
@pytest.mark.parametrize(
    "where", ["doc.question", "doc.covariates", "doc.noop", "resps", "config.model_args"]
)
def test_values_nested_deeply(tmp_path: Path, depth: int, where: str) -> None:
    run = made_run(tmp_path, "0.4.13")
    run.write(hashes=False)
    path = run.results_path if where.startswith("config.") else run.samples_path("bank_noop")
    *parents, last = where.split(".")
    marked = run.results if path == run.results_path else run.samples["bank_noop"][0]
    inner = marked
    for key in parents:
        inner = inner[key]
    inner[last] = "HERE"
    text = json.dumps(marked).replace('"HERE"', "[" * depth + "]" * depth)
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    path.write_text(text + "\n" + "".join(lines[1:] if path.suffix == ".jsonl" else []), encoding="utf-8")
    survives(tmp_path)
