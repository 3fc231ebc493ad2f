"""Results of earlier engines: listed, shown, and without what is known to be noise."""

import json
from dataclasses import replace

import numpy as np

from ncengine.config import RunConfig
from ncengine.jobs.listing import mend_index
from ncengine.runs.assemble import layers_arrays
from ncengine.runs.identity import Identity, identify
from ncengine.runs.store import Store
from ncengine.snapshots.names import CURVES, GEOMETRY, SHOWN
from ncengine.version import ENGINE_VERSION
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
