"""The bootstrap against scipy's, its determinism and its bounds on memory."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from rote.errors import DataError
from rote.reports.inference import bootstrap as room
from rote.reports.inference.bootstrap import bootstrap, resampled_means, weights

FIRST = [0, 0, 2, 1, 2, 0, 0, 0, 2, 2, 2, 2]


def differences(templates: int, columns: int, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    p = rng.beta(3, 1, templates)[:, None]
    return (rng.random((templates, columns)) < p) - rng.binomial(5, 0.9 * p, (templates, columns)) / 5


@pytest.mark.parametrize(("templates", "seed"), [(40, 1), (100, 2), (300, 3)])
def test_agrees_with_scipy(templates: int, seed: int) -> None:
    d = differences(templates, 1, seed)[:, 0]
    (ours,) = bootstrap(d[:, None], resamples=49_999)
    assert ours.standard_error == pytest.approx(stats.sem(d), rel=1e-12)
    for interval, method in ((ours.percentile, "percentile"), (ours.bca, "BCa")):
        assert interval is not None
        theirs = stats.bootstrap(
            (d,), np.mean, n_resamples=49_999, method=method, rng=np.random.default_rng(5), vectorized=True,
            batch=500,
        ).confidence_interval  # fmt: skip
        # A quantile at 2.5 % of 49,999 draws has a standard error of about 0.012 standard errors of the
        # mean; BCa adds that of the bias correction. Ours and theirs are independent: 5 of their sum.
        allowed = 0.1 * ours.standard_error
        assert (interval.low, interval.high) == pytest.approx((theirs.low, theirs.high), abs=allowed)


def test_acceleration_of_a_skewed_column_is_scipys() -> None:
    # Four of 60 lost: strongly skewed, so BCa and percentile part visibly.
    d = np.zeros(60)
    d[:4] = 1.0
    (ours,) = bootstrap(d[:, None], resamples=49_999)
    theirs = stats.bootstrap(
        (d,), np.mean, n_resamples=49_999, method="BCa", rng=np.random.default_rng(1), batch=500
    ).confidence_interval
    assert ours.bca is not None
    assert ours.percentile is not None
    assert ours.bca.high > ours.percentile.high
    assert (ours.bca.low, ours.bca.high) == pytest.approx(
        (theirs.low, theirs.high), abs=0.018
    )  # one step: 1/60


def test_same_seed_same_bytes_whatever_the_chunks() -> None:
    whole = np.concatenate(list(weights(37, 500)))
    parts = np.concatenate(list(weights(37, 500, chunk_bytes=1)))
    assert whole.shape == (500, 37)
    assert (whole == parts).all()
    assert (whole.sum(axis=1) == 37).all()
    # Pinned, so that no platform or version of NumPy changes a report.
    assert whole[0, :12].astype(int).tolist() == FIRST


def test_chunks_bound_memory() -> None:
    assert max(chunk.nbytes for chunk in weights(1319, 3000)) <= 1 << 23


@pytest.fixture
def fresh(monkeypatch: pytest.MonkeyPatch) -> room._Kept:
    kept = room._Kept(1000)
    monkeypatch.setattr(room, "_KEPT", kept)
    return kept


def test_kept_weights_are_those_drawn(fresh: room._Kept) -> None:
    first = list(weights(20, 49, 3))
    assert fresh.find((20, 49, 3)) is not None
    for chunk_bytes in (1 << 23, 1):
        assert (np.concatenate(list(weights(20, 49, 3, chunk_bytes=chunk_bytes))) == first[0]).all()
    assert (next(weights(20, 49, 4)) != first[0]).any()


def test_a_run_left_early_keeps_nothing(fresh: room._Kept) -> None:
    next(weights(20, 49, 3, chunk_bytes=1))
    assert fresh.find((20, 49, 3)) is None


def test_counts_above_a_byte_are_not_kept(fresh: room._Kept) -> None:
    # Chance gives no such count in any time, so it is put there.
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(room, "_drawn", lambda *_: iter([np.full((2, 3), 300)]))
        assert (np.concatenate(list(weights(3, 2))) == 300).all()
    assert fresh.find((3, 2, room.SEED)) is None


def test_what_is_kept_is_bounded(fresh: room._Kept) -> None:
    for seed in range(4):
        list(weights(10, 40, seed))
    assert [fresh.find((10, 40, seed)) is not None for seed in range(4)] == [False, False, True, True]


def test_columns_do_not_depend_on_their_neighbours() -> None:
    d = differences(50, 4)
    together, alone = bootstrap(d, resamples=999), bootstrap(d[:, 2:3], resamples=999)
    assert together[2].bca is not None
    assert alone[0].bca is not None
    assert together[2].bca.low == pytest.approx(alone[0].bca.low, abs=1e-12)


def test_missing_templates_are_left_out() -> None:
    d = differences(80, 2)
    d[40:, 1] = np.nan
    means = resampled_means(d, 9_999)
    assert means[:, 1].mean() == pytest.approx(np.nanmean(d[:, 1]), abs=0.01)
    ours = bootstrap(d)[1]
    (alone,) = bootstrap(d[:40, 1:])
    assert ours.estimate == pytest.approx(alone.estimate)
    assert ours.bca is not None
    assert alone.bca is not None
    assert ours.bca.low == pytest.approx(alone.bca.low, abs=0.2 * alone.standard_error)


def test_equal_differences_give_no_interval() -> None:
    (ours,) = bootstrap(np.full((30, 1), 0.1))
    assert ours.bca is None
    assert ours.percentile is None


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        (np.zeros(5), "one row a template"),
        (np.zeros((1, 1)), "at least 2"),
        (np.full((3, 1), np.inf), "infinite"),
        (np.array([[0.0], [np.nan], [np.nan]]), "column of 1"),
    ],
)
def test_bad_columns(columns: np.ndarray, message: str) -> None:
    with pytest.raises(DataError, match=message):
        bootstrap(columns)
