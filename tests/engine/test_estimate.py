"""Estimates of training time from the index's entries, against sums done by hand."""

from statistics import median

import joblib
import pytest

from ncengine.config import RunConfig
from ncengine.costs import load
from ncengine.costs import seconds as costs_seconds
from ncengine.costs.load import Load
from ncengine.costs.seconds import RECENT, estimate_seconds
from ncengine.costs.work import pass_work, run_work
from ncengine.jobs.estimate import estimate
from ncengine.runs.gallery import Gallery
from ncengine.runs.run import Run, Status
from ncengine.runs.store import Store

RN1 = RunConfig(depth=2, epochs=10)
RN2 = RN1.with_(architecture="RN2")
UFM = RunConfig(architecture="UFM", epochs=1000)


def entry(config=RN1, passes=None, seconds=1.0, **facts):
    passes = config.epochs if passes is None else passes
    fields = config.model_dump(mode="json")
    told = {"key": "k", "config": fields, "seconds": seconds, "passes": passes, "floor": None}
    return {**told, "seeds": [{"diverged": False}] * len(config.seeds), **facts}


def test_an_estimate_goes_by_the_recent_runs_of_the_same_architecture():
    entries = [entry(seconds=1000.0 * (i + 1)) for i in range(5)]
    recent = [7.0, 3.0, 9.0, 1.0, 5.0, 4.0, 8.0, 2.0]
    assert len(recent) == RECENT
    for seconds in recent:
        entries += [entry(seconds=seconds), entry(RN2, seconds=1e6)]
    another = RN1.with_(data_seed=1)
    assert estimate_seconds(another, entries) == pytest.approx(median(recent))


def test_an_estimate_falls_back_to_other_architectures():
    expected = 6.0 / run_work(RN1, 10) * run_work(RN2, 10)
    assert estimate_seconds(RN2, [entry(seconds=6.0)]) == pytest.approx(expected)


def test_the_very_same_run_says_how_long_it_takes():
    entries = [entry(seconds=5.0, passes=7), *(entry(RN1.with_(depth=3)) for _ in range(5))]
    assert estimate_seconds(RN1, entries) == pytest.approx(5.0)


def test_an_estimate_knows_over_how_many_processes_seeds_are_spread():
    eight, four = RN1.with_(seeds=8), RN1.with_(seeds=4)
    whole = [entry(eight, seconds=10.0)]
    half = run_work(four, 10) / run_work(eight, 10) * 10.0
    assert estimate_seconds(eight, whole, processes=2) == pytest.approx(half)
    assert estimate_seconds(four, [entry(eight, seconds=3.0, processes="2")]) == pytest.approx(3.0)


def test_an_estimate_knows_what_else_ran_then():
    beside_others = [entry(seconds=10.0, busy="0.40")]
    assert estimate_seconds(RN1, beside_others) == pytest.approx(4.0)


@pytest.mark.parametrize("facts", [{}, {"busy": "?", "processes": None}, {"busy": "-1"}], ids=str)
def test_facts_that_are_none_are_passed_over(facts):
    assert estimate_seconds(RN1, [entry(seconds=2.0, **facts)]) == pytest.approx(2.0)


def test_an_estimate_counts_only_what_is_left():
    entries = [entry(seconds=4.0)]
    left = estimate_seconds(RN1.with_(epochs=20), entries, done=10)
    whole = estimate_seconds(RN1.with_(epochs=20), entries)
    assert left == pytest.approx(whole - 4.0)


@pytest.mark.parametrize("status", [Status.INTERRUPTED, Status.CANCELLED, Status.FAILED])
def test_an_estimate_of_an_unfinished_run_is_of_the_rest(status, tmp_path, monkeypatch):
    store, half = Store(tmp_path), Run(RN1, status, passes=5)
    store.index.add(entry(seconds=4.0))
    monkeypatch.setattr(store, "open", lambda identity, shipped: half)
    assert estimate(store, RN1, workers=1, start=0.3, others=0) == pytest.approx(
        estimate_seconds(RN1, [entry(seconds=4.0)], done=5)
    )


def test_runs_that_came_to_rest_early_say_that_others_like_them_will():
    like = UFM.with_(data_seed=1)
    rested = [entry(UFM, passes=100, seconds=3.0), entry(UFM, passes=100, seconds=3.0)]
    assert estimate_seconds(like, rested) == pytest.approx(3.0)
    assert estimate_seconds(UFM.with_(epochs=50), rested) < 3.0
    mostly_whole = [*rested, *(entry(UFM, seconds=30.0) for _ in range(3))]
    assert estimate_seconds(like, mostly_whole) == pytest.approx(30.0)
    other_solver = estimate_seconds(UFM.with_(solver="Adam"), rested)
    assert other_solver == pytest.approx(
        3.0 / run_work(UFM, 100) * run_work(UFM.with_(solver="Adam"), 1000)
    )


def test_when_free_features_come_to_rest_only_their_like_can_tell():
    assert estimate_seconds(UFM, [entry(seconds=3.0)]) is None
    assert estimate_seconds(UFM.with_(loss="MSE"), [entry(UFM, passes=100)]) is None


def test_what_the_index_does_not_know_the_gallery_does():
    other = UFM.with_(data_seed=1)
    shipped = [entry(UFM, passes=100, seconds=3.0), entry(RN2, seconds=8.0)]
    # Runs trained here tell how fast this machine is, where there are any of the architecture.
    own = [entry(RN1, seconds=1e6)]
    assert estimate_seconds(other, own, shipped=shipped) == pytest.approx(3.0)
    assert estimate_seconds(RN2, own, shipped=shipped) == pytest.approx(8.0)
    own += [entry(UFM.with_(loss="MSE"), passes=200, seconds=10.0)]
    expected = 10.0 / run_work(UFM, 200) * run_work(UFM, 100)
    assert estimate_seconds(other, own, shipped=shipped) == pytest.approx(expected)


def test_what_was_trained_on_a_gpu_elsewhere_tells_passes_and_no_speed():
    fast = entry(UFM, passes=100, seconds=0.01, device="NVIDIA H200")
    slow = entry(UFM.with_(data_seed=1), passes=200, seconds=6.0, device="CPU, 2 processes")
    assert estimate_seconds(UFM, [], shipped=[slow, fast]) == pytest.approx(
        6.0 / run_work(UFM, 200) * run_work(UFM, 100)
    )
    assert estimate_seconds(UFM, [], shipped=[fast]) is None
    # One's own GPU does.
    assert estimate_seconds(UFM, [fast]) == pytest.approx(0.01)


def test_the_gallery_helps_on_beside_runs_trained_here(tmp_path):
    ask = {"workers": 1, "start": 0.0, "others": 0}
    store = Store(tmp_path / "cache", Gallery(None))
    store.index.add(entry(RN1))
    assert estimate(store, UFM, **ask) is None

    class Shipped(Gallery):
        def entries(self):
            late = {"date": "2026-02-02", **entry(UFM, passes=100, seconds=3.0)}
            return [late, *({"date": "2026-01-01", **entry(UFM, seconds=1e6)} for _ in range(9))]

    store.gallery = Shipped(None)
    assert estimate(store, UFM, **ask) == pytest.approx(3.0)


@pytest.mark.parametrize(
    ("cores", "others", "times"), [(2, 0, 1), (2, 1, 1), (2, 2, 10), (1, 0, 1), (2, 1.5, 2 / 1.1)]
)
def test_beside_others_it_takes_as_much_longer_as_workers_give_way(
    cores, others, times, tmp_path, monkeypatch
):
    store = Store(tmp_path)
    store.index.add(entry(seconds=6.0))
    monkeypatch.setattr(joblib, "cpu_count", lambda: cores)
    config = RN1.with_(data_seed=1)
    seconds = estimate(store, config, workers=1, start=0.3, others=others)
    assert seconds == pytest.approx(6.0 * times)


def test_what_is_free_of_the_cores_is_shared():
    assert load.share(others=1, processes=2, cores=2) == pytest.approx((1 + 0.1) / 2)
    assert load.share(others=9, processes=2, cores=16) == 1
    assert load.share(others=9, processes=2, cores=4) == pytest.approx(0.1)


def test_the_load_is_what_is_seen_most_of_the_time(monkeypatch, tmp_path):
    monkeypatch.setattr(load, "RUNNABLE", tmp_path / "loadavg")
    seen = Load()
    assert load.runnable() == seen.others == 0
    for running in (4, 9, 4, 1, 4):
        (tmp_path / "loadavg").write_text(f"0.42 0.29 0.15 {running}/83 4387\n")
        seen.look(own=2)
    # One of four is who looks.
    assert seen.others == 1


def test_no_estimate_without_a_pass_to_judge_by():
    assert estimate_seconds(RN1, []) is None
    assert estimate_seconds(RN1, [entry(passes=0)]) is None


def test_an_estimate_looks_at_no_more_runs_than_it_needs(monkeypatch):
    built = []

    def counted(**values):
        built.append(values)
        return RunConfig(**values)

    entries = [entry(RN2 if i % 2 else RN1) for i in range(200)]
    monkeypatch.setattr(costs_seconds, "RunConfig", counted)
    estimate_seconds(RN1, entries)
    assert [values["architecture"] for values in built] == ["RN1"] * RECENT


# Milliseconds a pass of L-BFGS from rest, measured on one core of an AMD EPYC; see benchmarks.work.
MEASURED = {
    8.5: {"depth": 2},
    34.3: {"depth": 13},
    94.0: {"depth": 34},
    53.2: {"seeds": 10},
    147: {"width": 256},
    61.8: {"depth": 13, "architecture": "RN2"},
    110: {"dataset": "cifar10"},
    605: {"architecture": "T11"},
    922: {"architecture": "T22"},
    187: {"dataset": "mnist", "architecture": "T11", "seeds": 1},
    374: {"dataset": "imdb", "seeds": 1},
    622: {"dataset": "imdb", "seeds": 2, "context": 128, "samples_per_class": 50},
    36.8: {"architecture": "UFM"},
    1.1: {"architecture": "UFM", "classes": 4, "width": 8, "samples_per_class": 20, "seeds": 1},
}


@pytest.mark.parametrize("measured", MEASURED)
def test_work_is_about_what_was_measured_from_the_least_to_the_most(measured):
    modelled = 1000 * pass_work(RunConfig(**MEASURED[measured]))
    assert 1 / 1.4 < modelled / measured < 1.4
