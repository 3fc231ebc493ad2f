"""Sweeps: their table, what is cached, what fails, and what happens when they are cut off."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from joblib.externals.loky import ProcessPoolExecutor

import ncengine
from ncengine.analysis.outcome import outcome
from ncengine.cli import sweep as sweep_command
from ncengine.cli.main import main
from ncengine.config import PARAMS, RunConfig, grid
from ncengine.config.sweeps import SWEEPS, joined, sweep_series
from ncengine.jobs import executors
from ncengine.runs.identity import identify
from ncengine.runs.run import Status
from ncengine.runs.store import Store
from ncengine.theory import gufm_optimum
from tests.app.conftest import make_run

TINY = RunConfig(classes=3, samples_per_class=6, width=6, epochs=25, warmup=10, seeds=2)
OPTIONS = "--classes 3 --samples-per-class 6 --width 6 --epochs 25 --warmup 10 --seeds 2".split()
MEASURED = (
    "loss gap gap_relative fit decay_hidden decay_last nc1 nc2a nc2b nc3 accuracy test_accuracy "
    "verdict diverged passes seconds"
).split()


@pytest.fixture(scope="module")
def swept(tmp_path_factory):
    """A store, the grid that was swept in it, its table, and what was told on the way."""
    store = Store(tmp_path_factory.mktemp("sweep"))
    configs = grid(TINY, depth=[5, 2, 3], weight_decay=[0.005, 0.02])
    told, ended = [], []
    table = ncengine.sweep(configs, 2, told.append, store=store, on_end=ended.append)
    return store, configs, table, told, ended


def test_one_row_a_run_and_seed_with_every_field(swept):
    _, configs, table, _, _ = swept
    fields = ["loss_function" if name == "loss" else name for name in PARAMS]
    assert list(table.columns[: len(fields) + 1]) == [*fields, "seed"]
    assert set(MEASURED) <= set(table.columns)  # with whatever else is recorded
    assert len(table) == 12
    expected = [(c.depth, c.weight_decay, seed) for c in configs for seed in c.seeds]
    found = zip(table["depth"], table["weight_decay"], table["seed"], strict=True)
    assert list(found) == expected
    assert set(table["loss_function"]) == {"CE"} and set(table["seeds"]) == {"2"}
    # What does not apply is left open.
    assert table["momentum"].isna().all() and table["vocabulary"].isna().all()


def test_values_are_those_of_the_runs(swept):
    store, configs, table, _, _ = swept
    for config in configs:
        run = store.open(config)
        rows = table[
            (table["depth"] == config.depth) & (table["weight_decay"] == config.weight_decay)
        ]
        for r, (_, row) in enumerate(rows.iterrows()):
            for name in ("loss", "gap", "fit", "decay_hidden", "nc1", "nc2a", "nc3", "accuracy"):
                assert row[name] == run.curves[name][-1, r]
            floor = gufm_optimum(3, 6, config.weight_decay).loss
            assert row["gap_relative"] == pytest.approx((row["loss"] - floor) / floor)
            assert (row["passes"], row["seconds"]) == (run.passes, run.seconds)
            assert not row["diverged"]


@pytest.mark.usefixtures("kept_helpers")
def test_what_takes_least_comes_first(tmp_path):
    ended = []
    configs = grid(TINY, depth=[5, 2, 3], weight_decay=[0.005, 0.02])
    ncengine.sweep(configs, 1, store=Store(tmp_path), on_end=ended.append)
    assert [run.config.depth for run in ended] == [2, 2, 3, 3, 5, 5]


def test_all_is_told(swept):
    _, configs, _, told, ended = swept
    assert sorted(run.key for run in ended) == sorted(identify(c).key for c in configs)
    assert all(run.status is Status.DONE for run in ended)
    shares = [one.share for one in told]
    assert shares == sorted(shares) and shares[-1] == 1.0
    assert (told[-1].ended, told[-1].runs, told[-1].seconds_left) == (6, 6, 0.0)


def test_again_it_comes_from_the_cache_by_whatever_order(swept):
    store, configs, table, _, _ = swept
    before = {p: p.stat().st_mtime for p in (store.root / "results").rglob("output.pkl")}
    again = ncengine.sweep([*configs[::-1], configs[0]], store=store)
    merged = again.sort_values(["depth", "weight_decay", "seed"]).reset_index(drop=True)
    first = table.sort_values(["depth", "weight_decay", "seed"]).reset_index(drop=True)
    pd.testing.assert_frame_equal(merged, first)
    assert before == {p: p.stat().st_mtime for p in (store.root / "results").rglob("output.pkl")}


def test_the_numbers_are_those_of_a_run_by_itself(swept, tmp_path):
    _, configs, table, _, _ = swept
    alone = ncengine.run(configs[0], store=Store(tmp_path), workers=1)
    rows = table[(table["depth"] == 5) & (table["weight_decay"] == 0.005)]
    np.testing.assert_array_equal(rows["loss"], alone.curves["loss"][-1])


def test_what_fails_or_diverges_is_told_and_stops_no_other(tmp_path, monkeypatch):
    monkeypatch.setenv("NCENGINE_DATA", str(tmp_path / "none"))
    wild = TINY.with_(solver="SGD", learning_rate=10.0, momentum=0.99, loss="MSE")
    absent = RunConfig(dataset="mnist", samples_per_class=6, epochs=5, seeds=1)
    ended = []
    table = ncengine.sweep(
        [absent, wild, TINY], 2, store=Store(tmp_path / "c"), on_end=ended.append
    )
    status = {run.config: run for run in ended}
    assert status[TINY].status is Status.DONE
    assert status[absent].status is Status.FAILED and "not on this machine" in status[absent].error
    wild_rows = table[table["solver"] == "SGD"]
    assert len(table) == len(wild_rows) + 2
    assert status[wild].status is Status.DIVERGED and wild_rows["diverged"].all()


@pytest.mark.parametrize("workers", [0, 257, 100_000])
def test_workers_must_be_some_and_not_more_than_a_machine_bears(workers):
    with pytest.raises(ValueError, match=f"workers = {workers}: must be .* from 1 to 256"):
        ncengine.sweep([TINY], workers)


def test_an_empty_sweep_is_an_empty_table(tmp_path):
    table = ncengine.sweep([], store=Store(tmp_path))
    assert len(table) == 0 and "nc1" in table.columns


# The command.


@pytest.fixture
def cache(tmp_path, monkeypatch, kept_helpers):
    monkeypatch.setenv("NCENGINE_CACHE", str(tmp_path))
    return tmp_path


@pytest.mark.parametrize("ending, read", [("csv", pd.read_csv), ("parquet", pd.read_parquet)])
def test_the_command_exports_the_table(cache, capsys, ending, read):
    path = cache / f"table.{ending}"
    grid_options = ["--depth", "2,3", "--architecture", "RN1,UFM", "--export", str(path)]
    assert main(["sweep", *OPTIONS, *grid_options, "--workers", "2"]) == 0
    table = read(path)
    assert len(table) == 6
    assert sorted(table["depth"].dropna()) == [2, 2, 3, 3]
    assert set(table["architecture"]) == {"RN1", "UFM"}
    assert capsys.readouterr().out.splitlines()[-1].startswith("3 runs: 3 done")


def test_what_others_prove_to_be_no_optimum_is_told(cache, capsys, monkeypatch):
    """The deeper network, after some passes, is above what the shallower one reached in more."""
    assert main(["sweep", *OPTIONS, "--depth", "2"]) == 0
    capsys.readouterr()
    short = [*OPTIONS, "--epochs", "15"]
    assert main(["sweep", *short, "--depth", "3"]) == 0
    out = capsys.readouterr()
    assert out.out.splitlines()[-1] == (
        "1 run: 1 done; 1 of them ended above what another network is known to reach"
    )
    (told,) = [line for line in out.err.splitlines() if "optimum" in line]
    assert "A network of depth 2, padded with blocks that add nothing, reaches" in told
    assert main(["train", *short, "--depth", "3", "--json"]) == 0
    out = capsys.readouterr()
    sentence = json.loads(out.out)["outcome"]["convicted"]
    assert sentence in told and sentence in out.err
    assert main(["train", *OPTIONS, "--depth", "2", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["outcome"]["convicted"] == ""


def test_what_others_prove_to_be_no_optimum_starts_from_them_where_that_is_asked_for(cache, capsys):
    hardly = [*OPTIONS, "--epochs", "3", "--architecture", "RN2", "--norm", "pre"]
    path = cache / "consistent.csv"
    sweep = ["sweep", *hardly, "--depth", "2,3,5", "--export", str(path)]
    assert main(sweep) == 0
    assert "of them ended above what" in capsys.readouterr().out
    before = pd.read_csv(path).groupby("depth")["loss"].mean()
    assert main([*sweep, "--consistent"]) == 0
    out = capsys.readouterr().out
    assert "by way of L = 2" in out and "ended above" not in out.splitlines()[-1]
    after = pd.read_csv(path).groupby("depth")["loss"].mean()
    assert list(after.index) == [2, 3, 5] and after.is_monotonic_decreasing
    assert (after <= before).all() and not before.is_monotonic_decreasing


def test_one_json_object_a_line_as_runs_end(cache, capsys):
    assert main(["sweep", *OPTIONS, "--depth", "2,3", "--json"]) == 0
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    # Two at once, and either may be the first to end.
    assert sorted(line["config"]["depth"] for line in lines) == [2, 3]
    assert [line["status"] for line in lines] == ["done"] * 2
    assert [seed["seed"] for seed in lines[0]["seeds"]] == [0, 1]


def test_what_ends_worse_than_doing_nothing_is_told_everywhere(cache, capsys):
    wrong = [*OPTIONS, "--solver", "SGD", "--learning-rate", "0.1,10"]
    table = cache / "table.csv"
    assert main(["sweep", *wrong, "--export", str(table)]) == 0
    out = capsys.readouterr()
    assert out.err.count("Worse than doing nothing: the objective ended at") == 1
    last = out.out.splitlines()[-1]
    assert last.startswith("2 runs: 2 done; 1 of them ended worse than doing nothing")
    found = pd.read_csv(table)
    worse = found["loss"] > np.log(3)
    assert 0 < worse.sum() < len(found)
    assert ((found["verdict"] == "Worse than doing nothing") == worse).all()
    assert main(["sweep", *wrong, "--json"]) == 0
    said = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert sorted(one["outcome"]["worse_than_none"] for one in said) == [False, True]
    assert main(["list"]) == 0
    assert capsys.readouterr().out.count("Worse than doing nothing") == 1


def test_what_cannot_run_is_named_and_left_out(cache, capsys):
    options = ["--dataset", "digits,gaussian", "--architecture", "UFM,T11", "--depth", "2"]
    assert main(["sweep", *OPTIONS, *options]) == 0
    out = capsys.readouterr()
    assert "left out: dataset = gaussian, architecture = T11" in out.err
    assert out.out.splitlines()[-1] == "3 runs: 3 done"


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--depth", "2,many"], "--depth many: must be a whole number from 2 to 200"),
        (["--export", "table.xlsx"], "must end in .csv or .parquet"),
        (["--export", ""], "export = '': must end in .csv or .parquet"),
        (["--as-in-paper"], "--as-in-paper is for a --preset"),
        (["--dataset", "gaussian", "--architecture", "T11"], "--architecture T11: must be one of"),
    ],
)
def test_a_mistake_is_told(cache, capsys, options, said):
    assert main(["sweep", *options]) in (1, 2)
    assert said in capsys.readouterr().err
    assert not list(cache.rglob("output.pkl"))


def test_a_failed_run_makes_the_command_fail(cache, capsys, monkeypatch):
    monkeypatch.setattr(executors, "ProcessPoolExecutor", ProcessPoolExecutor)
    monkeypatch.setenv("NCENGINE_DATA", str(cache / "none"))
    assert main(["sweep", *OPTIONS, "--dataset", "digits,mnist", "--depth", "2"]) == 1
    out = capsys.readouterr()
    assert "failed: 2-RN1" in out.err and "not on this machine" in out.err
    # Said once before anything is trained, with what helps.
    first = out.err.splitlines()[0]
    assert first.startswith("ncengine: MNIST is not on this machine") and "--download" in first
    assert out.out.splitlines()[-1] == "2 runs: 1 done, 1 failed"


# Cut off in the middle.

LONG = RunConfig(classes=3, samples_per_class=20, width=16, epochs=300, solver="Adam", seeds=2)
CUT_OFF = [LONG.with_(depth=depth) for depth in (2, 3, 5)]


def _sweeping(cache: Path, workers: int) -> subprocess.Popen:
    asked = "--classes 3 --samples-per-class 20 --width 16 --epochs 300 --solver Adam --seeds 2"
    asked += f" --depth 2,3,5 --workers {workers} --json"
    command = [sys.executable, "-m", "ncengine.cli", "sweep", *asked.split()]
    environment = {**os.environ, "NCENGINE_CACHE": str(cache)}
    return subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
    )


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL])
def test_a_sweep_that_is_cut_off_goes_on(tmp_path, how):
    first = _sweeping(tmp_path, 1)
    store = Store(tmp_path)
    # The deepest comes last: by then others are done.
    _wait(lambda: store.open(CUT_OFF[-1]).passes > 0)
    first.send_signal(how)
    _, err = first.communicate()
    if how is signal.SIGINT:
        assert first.returncode == 130
        assert "the same command goes on" in err and "Traceback" not in err
        assert not any(store.open(config).status is Status.RUNNING for config in CUT_OFF)
    written = {p: p.stat().st_mtime for p in (tmp_path / "results").rglob("output.pkl")}
    assert written
    second = _sweeping(tmp_path, 1)
    out, err = second.communicate()
    assert second.returncode == 0, err
    assert len(out.splitlines()) == 3
    assert all(store.open(config).status is Status.DONE for config in CUT_OFF)
    # What was done was not done again.
    assert {p: p.stat().st_mtime for p in written} == written


def _wait(happened):
    deadline = time.monotonic() + 120
    while not happened():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_a_killed_worker_loses_nothing(tmp_path):
    sweeping = _sweeping(tmp_path, 2)
    store = Store(tmp_path)
    killed = []

    def killed_one():
        for identity, journal in store.journals():
            for part in journal.parts():
                status = part.status()
                if identity.config.depth > 2 and status and status.pid and status.passes > 50:
                    os.kill(status.pid, signal.SIGKILL)
                    killed.append(status.pid)
                    return True
        return False

    _wait(killed_one)
    out, err = sweeping.communicate()
    assert sweeping.returncode == 0, err
    lines = [json.loads(line) for line in out.splitlines()]
    assert sorted(line["config"]["depth"] for line in lines) == [2, 3, 5]
    assert {line["status"] for line in lines} == {"done"} and killed


# Presets.


@pytest.mark.parametrize("name", SWEEPS)
@pytest.mark.parametrize("as_in_paper", [False, True])
def test_presets_are_valid(name, as_in_paper):
    preset = SWEEPS[name]
    assert preset.look_for.count(". ") == 1 and preset.look_for.endswith(".")
    grids = sweep_series(name, as_in_paper=as_in_paper)
    assert len(grids) == len(preset.series)
    for one in grids:
        decays = {config.weight_decay for config in one}
        for decay in decays:
            depths = [config.depth for config in one if config.weight_decay == decay]
            assert sorted(depths) == [2, 3, 5, 8, 13, 21, 34]
        assert len(decays) == (5 if name == "digits-grid" else 1)
        assert not one.left_out
        if name == "figure-1":
            assert all(config.is_averaged for config in one) is (
                one[0].dataset == "cifar10" and not as_in_paper
            )
    assert len(joined(grids)) == sum(map(len, grids))
    tiny = sweep_series(name, {"depth": [2], "seeds": 1, "dataset": "digits"})
    assert {config.depth for one in tiny for config in one} == {2}


def test_a_runs_line_has_the_means_over_its_seeds_by_scale():
    run = make_run(RunConfig(seeds=3))
    run.curves["test_accuracy"][-1] = 0.0, 0.5, 1.0
    run.curves["nc1"][-1] = 1e-4, 1e-3, 1e-2
    run.curves["gap"][-1] = 0.0, 1.0, 2.0
    line = sweep_command._line(run, outcome(run))
    assert "test_accuracy 0.5" in line and "nc1 0.001" in line and "gap 1" in line
