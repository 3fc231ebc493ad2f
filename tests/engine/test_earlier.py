"""Results of earlier engines: listed, shown, and without what is known to be noise."""

import json
from dataclasses import replace

import numpy as np
import pytest

from ncengine.cli.main import main
from ncengine.cli.output import plain
from ncengine.config import RunConfig
from ncengine.config.kept import config_of, known
from ncengine.jobs.ending import mend_index
from ncengine.jobs.job import run_job
from ncengine.runs.assemble import layers_arrays
from ncengine.runs.earlier import why_not_recorded
from ncengine.runs.identity import Identity, identify
from ncengine.runs.run import Status
from ncengine.runs.store import Store
from ncengine.snapshots.names import CURVES, GEOMETRY, SHOWN
from ncengine.version import ENGINE_VERSION, is_newer
from tests.app.conftest import make_run
from tests.engine.test_index import entry

SMALL = RunConfig(depth=3, width=16)


def as_of(version, data="digits of old", config=SMALL):
    """A made-up result of an engine of that version, on data of that checksum."""
    identity = Identity(config, data, version)
    run = replace(make_run(config), key=identity.key)
    machine = {"version": version, "date": f"2026-01-0{version}T00:00:00+00:00", "device": "cpu"}
    arrays = {
        **{name: run.curves[name] for name in ("epoch", *CURVES)},
        **{f"geometry_{n}": getattr(run.geometry, n) for n in ("epoch", *GEOMETRY, *SHOWN)},
        **layers_arrays(run.layers),
        "diverged": run.diverged,
        "passes": np.array(run.passes),
        "seconds": np.array(run.seconds),
        "machine": np.array(json.dumps(machine)),
        "config": np.array(identity.config_json),
    }
    return identity, arrays


def test_before_it_was_a_field_networks_began_as_torchs_do_and_said_nothing_of_it(tmp_path):
    data = identify(SMALL).data_checksum
    for changes, keys in (
        ({"solver": "L-BFGS", "warmup": 50}, {"initial_scale", "start"}),
        ({"solver": "L-BFGS", "norm": "post"}, {"initial_scale"}),
        ({"solver": "Adam"}, {"initial_scale"}),
        ({"architecture": "UFM"}, set()),
    ):
        config = SMALL.with_(**changes, initial_scale=1.0)
        then, now = (Identity(config, data, version) for version in ("5", ENGINE_VERSION))
        said, says = (json.loads(identity.config_json) for identity in (then, now))
        assert says.keys() - said.keys() == keys and says.items() >= said.items()
        # As the result says it, and as the list of runs did, which held what did not apply too.
        assert config_of(said, "5") == config_of({**said, "initial_scale": 0.0}, "5") == config
        assert Identity.from_dict({**then.as_dict(), "config": said}).key == then.key
        store = Store(tmp_path / str(len(keys)) / config.solver)
        store.results.compute(then, lambda config=config: as_of("5", data, config)[1])
        mend_index(store)
        (listed,) = store.list()
        assert known(listed) == config and listed["key"] == then.key
        assert store.stand_in(config) == then
    # K-FAC L-BFGS did say it.
    kfac = SMALL.with_(initial_scale=0.3)
    assert config_of(json.loads(Identity(kfac, data, "5").config_json), "5") == kfac


def test_a_list_made_anew_holds_what_earlier_engines_and_other_data_gave(tmp_path):
    store, meant = Store(tmp_path), identify(SMALL).data_checksum
    kept = [as_of("3", meant), as_of("4"), as_of(ENGINE_VERSION, "its own", SMALL.with_(depth=4))]
    kept[2][1]["data_checksum"] = np.array("its own")
    unknown = as_of("2", meant)
    for identity, arrays in [*kept, unknown]:
        store.results.compute(identity, lambda arrays=arrays: arrays)
    # A list as earlier engines wrote it, whose numbers nothing vouches for.
    old = [entry(one.key, one.config, data_checksum=one.data_checksum) for one, _ in kept[:2]]
    store.index.path.write_text("".join(json.dumps(line) + "\n" for line in old))
    assert store.list() == []
    mend_index(store)
    assert [e["key"] for e in store.list()] == [one.key for one, _ in reversed(kept)]
    assert [e["version"] for e in store.list()] == [ENGINE_VERSION, "4", "3"]
    assert [e["data_checksum"] for e in store.list()] == ["its own", "digits of old", meant]


def test_an_earlier_engines_noise_is_not_shown(tmp_path):
    store = Store(tmp_path)
    wide = SMALL.with_(classes=3, width=4)
    for config, noisy in ((wide, False), (wide.with_(classes=5), True)):
        for version in ("3", "4", ENGINE_VERSION):
            identity, arrays = as_of(version, config=config)
            store.results.compute(identity, lambda arrays=arrays: arrays)
            layers = store.open(identity).layers
            shown = layers.nc1_pinv
            if noisy and version != ENGINE_VERSION:
                assert np.isnan(shown).all()
            else:
                np.testing.assert_array_equal(shown, arrays["layers_nc1_pinv"])
            np.testing.assert_array_equal(layers.nc1, arrays["layers_nc1"])


def test_of_means_that_lie_in_a_plane_an_earlier_engine_recorded_noise(tmp_path):
    config, store = SMALL.with_(classes=4, width=6), Store(tmp_path)
    identity, arrays = as_of("4", config=config)
    means = arrays["layers_class_means"].astype(float)
    # Of one layer, at the first moment alone: points of a plane, up to their rounding.
    means[0, :, 1, :, 2:] = 0.7 * means[0, :, 1][..., [0, 1, 0, 1]]
    arrays["layers_class_means"] = means.astype(np.float16)
    flat = np.linalg.matrix_rank(means - means.mean(-2, keepdims=True), tol=1e-2) < 3
    assert flat.sum() == len(config.seeds)
    store.results.compute(identity, lambda: arrays)
    layers = store.open(identity).layers
    at = np.searchsorted(layers.means_epoch, layers.epoch)
    np.testing.assert_array_equal(np.isnan(layers.nc1_pinv), flat[np.minimum(at, len(flat) - 1)])


def kept(store, identity, arrays, *lacking):
    """A result without some arrays, which an engine before them did not record."""
    less = {name: array for name, array in arrays.items() if name not in lacking}
    store.results.compute(identity, lambda: less)
    return store.results.path(identity)


def test_what_was_not_recorded_is_absent_and_all_else_as_it_was(tmp_path):
    store = Store(tmp_path)
    identity, arrays = as_of(ENGINE_VERSION, identify(SMALL).data_checksum)
    path = kept(store, identity, arrays, "test_nc3", "layers_common_share", "layers_movement")
    content = path.read_bytes()
    whole, run = make_run(SMALL), store.open(SMALL)
    assert run.status is Status.DONE and np.isnan(run.curves["test_nc3"]).all()
    assert np.isnan(run.layers.common_share).all() and np.isnan(run.layers.movement).all()
    assert run.layers.common_share.shape == whole.layers.common_share.shape
    assert run.layers.movement.shape == whole.layers.movement.shape
    assert all(seed["test_nc3"] is None for seed in run.summary()["seeds"])
    for name in set(CURVES) - {"test_nc3"}:
        np.testing.assert_array_equal(run.curves[name], whole.curves[name])
    for name in ("nc1", "decay", "class_means", "features"):
        np.testing.assert_array_equal(getattr(run.layers, name), getattr(whole.layers, name))
    json.dumps(plain(run.layers_summary()), allow_nan=False)
    lacking = {"test_nc3", "layers_common_share", "layers_movement"}
    assert run.not_recorded == lacking and not whole.not_recorded
    assert {why_not_recorded(run, name) for name in lacking} == {"not recorded when it was trained"}
    assert why_not_recorded(run, "nc3") == why_not_recorded(run, "layers_nc1") == ""
    assert path.read_bytes() == content


def test_it_is_said_which_version_did_not_record_it(tmp_path):
    store = Store(tmp_path)
    identity, arrays = as_of("3")
    kept(store, identity, arrays, *[name for name in arrays if name.startswith("layers_")])
    run = store.open(identity)
    assert run.layers is None and not run.not_recorded
    # Of what version 4 was the first to record.
    identity, arrays = as_of("3", config=SMALL.with_(depth=4))
    kept(store, identity, arrays, "layers_movement")
    assert why_not_recorded(store.open(identity), "layers_movement") == "not recorded by version 3"


def test_a_whole_result_that_cannot_be_shown_is_told_and_left(tmp_path, caplog):
    store = Store(tmp_path)
    identity, arrays = as_of(ENGINE_VERSION, identify(SMALL).data_checksum)
    path = kept(store, identity, arrays, "geometry_features")
    content = path.read_bytes()
    run = store.open(SMALL)
    assert run.status is Status.FAILED and "whole, but this engine cannot show it" in run.error
    assert str(path) in run.error
    # Nor is it trained over and over.
    run_job(identity, store)
    assert store.open(SMALL).status is Status.FAILED
    assert store.journal(identity).status().status is Status.FAILED
    assert path.read_bytes() == content and "set aside" not in caplog.text


NEWER = str(int(ENGINE_VERSION) + 1)


def test_what_a_later_engine_left_is_told_and_stays(tmp_path, monkeypatch, capsys):
    store = Store(tmp_path)
    here, arrays = as_of(ENGINE_VERSION, identify(SMALL).data_checksum)
    kept(store, here, arrays)
    later, other = as_of(NEWER, identify(SMALL).data_checksum)
    # It may have fields that are not known here, and lack others.
    config = np.array(json.dumps({"temperature": 3}))
    path = kept(store, later, other | {"config": config}, "crc", "geometry_features")
    line = {"key": later.key, "version": NEWER, "config": {"temperature": 3}, "shape": [1, 2]}
    store.index.add(line)
    store.index.add({"key": "half"})
    content = path.read_bytes()
    mend_index(store)
    for looks in (store, Store(tmp_path)):
        assert [entry["key"] for entry in looks.list()] == [here.key]
        assert looks.index.newer() == [line] and not looks.index.is_damaged
    monkeypatch.setenv("NCENGINE_CACHE", str(tmp_path))
    assert main(["list"]) == 0
    said = capsys.readouterr().err
    assert f"1 run of a newer version of the engine than this one, {ENGINE_VERSION}" in said
    assert path.read_bytes() == content
    assert not (tmp_path / "results" / "damaged").exists()


@pytest.mark.parametrize(
    ("version", "newer"),
    [(NEWER, True), ("60", True), (ENGINE_VERSION, False), ("4", False), ("9" * 5000, False)]
    + [(value, False) for value in (None, 6, "six", "", "6.1", [])],
)
def test_what_counts_as_newer(version, newer):
    assert is_newer(version) is newer
