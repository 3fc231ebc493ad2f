"""The gallery: what is shipped opens like any other run, is true to it, and cannot do harm."""

import json
import logging
import math
import pickle
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy.optimize import nnls

from ncengine.analysis.outcome import objective_of
from ncengine.catalogue.metrics import METRICS
from ncengine.cli.main import main
from ncengine.config import RunConfig
from ncengine.config.gallery import ROWS, first, row
from ncengine.config.kept import known
from ncengine.datasets import load
from ncengine.datasets.files.sources import checksum
from ncengine.jobs import gallery as building
from ncengine.jobs.foreground import run as train
from ncengine.jobs.gallery import build, samples_of
from ncengine.runs import shipped as shipping
from ncengine.runs.film import decoded, encoded
from ncengine.runs.gallery import Gallery
from ncengine.runs.identity import identify
from ncengine.runs.places import gallery_root
from ncengine.runs.run import Status
from ncengine.runs.seal import sealed, unsealed
from ncengine.runs.shipped import few
from ncengine.runs.store import Store
from ncengine.snapshots.names import BLOCKS, LAYERS, PER_SEED
from ncengine.version import ENGINE_VERSION

SHIPPED = Path(__file__).resolve().parents[2] / "cache" / "gallery"
SMALL = RunConfig(classes=3, samples_per_class=12, width=8, depth=3, epochs=60, warmup=10, seeds=2)

OTHER = SMALL.with_(data_seed=1)


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    return train(SMALL, store=Store(tmp_path_factory.mktemp("trained")))


@pytest.fixture
def gallery(tmp_path, trained):
    gallery = Gallery(tmp_path / "gallery")
    gallery.add(identify(SMALL), trained, ["mine"], samples_of(trained))
    return gallery


@pytest.fixture
def store(tmp_path, gallery):
    return Store(tmp_path / "cache", gallery)


# What is kept.


@pytest.mark.parametrize("scale", [1e-3, 1.0, 50.0])
@pytest.mark.parametrize("shape", [(1, 4, 3), (2, 5), (41, 10, 8), (7, 0, 4)])
def test_a_film_is_rounded_to_what_cannot_be_seen_and_its_last_frame_to_float16(scale, shape):
    rng = np.random.default_rng(0)
    frames = scale * np.cumsum(rng.normal(size=shape), axis=0)
    kept = decoded(encoded(frames))
    assert kept.shape == shape and kept.dtype == np.float16
    np.testing.assert_array_equal(kept[-1], frames[-1].astype(np.float16))
    vectors = frames[:-1].reshape(-1, shape[-1])
    length = np.sqrt(np.mean(np.linalg.norm(vectors, axis=1) ** 2)) if vectors.size else 1.0
    # Half a step, and the rounding of float16.
    allowed = length / 256 / 2 * 1.001 + np.abs(frames) * 2.0**-11
    assert (np.abs(kept - frames) <= allowed).all()


def test_a_film_of_extremes_is_still_a_film():
    frames = np.zeros((5, 1000))
    frames[1, 0], frames[2, 0], frames[3, 1] = 3e4, -3e4, 1.0
    kept = decoded(encoded(frames))
    assert np.abs(kept - frames).max() <= 3e4 / 2**14
    for bad in (np.zeros((0, 3)), np.array([[1.0, np.nan]])):
        with pytest.raises(ValueError, match="frames"):
            encoded(bad)


def test_what_is_shipped_is_the_run_but_for_its_rounding(store, trained):
    run = store.open(SMALL)
    assert (run.status, run.shipped, run.seeds_shown) == (Status.DONE, True, (0,))
    assert run.key == identify(SMALL).key and run.passes == trained.passes
    assert set(run.curves) == set(trained.curves)
    for name in ("epoch", *PER_SEED):
        np.testing.assert_allclose(run.curves[name], trained.curves[name], rtol=2e-7)
    for name in (*LAYERS, *BLOCKS):
        kept, was = getattr(run.layers, name), getattr(trained.layers, name)
        np.testing.assert_allclose(kept, was, rtol=0.006, err_msg=name)
    few_of = few(trained.geometry, 0)
    assert run.geometry.labels.tolist() == few_of.labels.tolist()
    for name in ("class_means", "classifier", "features", "test_features"):
        kept, was = getattr(run.geometry, name), getattr(few_of, name)
        length = np.sqrt(np.mean(np.sum(was.astype(float) ** 2, axis=-1)))
        np.testing.assert_allclose(kept[:, :1], was, atol=length / 400, rtol=1e-3)
        assert np.isnan(kept[:, 1:]).all()
    way = run.layers
    assert way.features_epoch.tolist() == [trained.passes]
    shown = run.geometry.features[-1, 0][way.index]
    np.testing.assert_allclose(way.features[-1, 0, -1], shown, atol=0.05)


def test_the_summary_is_the_same(store, trained):
    glance = store.glance(SMALL)
    assert (glance.status, glance.shipped, glance.passes) == (Status.DONE, True, trained.passes)
    summary = trained.summary()
    assert {name: glance.entry[name] for name in summary} == summary
    assert glance.entry["rows"] == ["mine"]
    assert "host" not in glance.entry


def test_samples_need_no_data_set(gallery, trained):
    data, run = load(SMALL), gallery.open(identify(SMALL).key)
    samples = gallery.samples(run.key)
    np.testing.assert_array_equal(samples["images"], data.images[run.geometry.sample_index])
    tested = data.test_images[run.geometry.test_index]
    np.testing.assert_array_equal(samples["test_images"], tested)


# Which run is shown.


def test_a_run_trained_here_goes_first(store):
    assert store.open(SMALL).shipped and store.open(SMALL, shipped=False).status is Status.ABSENT
    own = train(SMALL, store=store)
    assert not own.shipped and not store.open(SMALL).shipped and not store.glance(SMALL).shipped
    assert np.isfinite(store.open(SMALL).geometry.features).all()


@pytest.mark.parametrize(
    "status, shown",
    [
        (Status.QUEUED, False),
        (Status.FAILED, True),
        (Status.CANCELLED, True),
        (Status.RUNNING, True),  # and nobody at it: interrupted
    ],
)
def test_a_training_that_rests_gives_way(store, status, shown):
    journal = store.journal(SMALL)
    journal.create(identify(SMALL).as_dict())
    journal.change(status, error="why")
    assert store.open(SMALL).shipped is store.glance(SMALL).shipped is shown
    assert not store.open(SMALL, shipped=False).shipped


@pytest.mark.parametrize("part", ["data_checksum", "engine_version"])
def test_a_run_of_another_engine_or_on_other_data_stands_in(tmp_path, trained, part):
    gallery = Gallery(tmp_path / "gallery")
    other = replace(identify(SMALL), **{part: "another"})
    gallery.add(other, trained, [], {})
    store = Store(tmp_path / "cache", gallery)
    assert store.open(SMALL).status is Status.ABSENT
    assert store.stand_in(SMALL) == other
    assert store.open(other).shipped and gallery.samples(other.key) == {}
    assert store.stand_in(SMALL.with_(depth=4)) is None


def test_where_the_gallery_is(monkeypatch, tmp_path):
    monkeypatch.setenv("NCENGINE_GALLERY", "")
    assert gallery_root() is None and Gallery(None).entries() == []
    with pytest.raises(ValueError, match="NCENGINE_GALLERY"):
        Gallery(None).add(identify(SMALL), None, [], {})
    monkeypatch.setenv("NCENGINE_GALLERY", str(tmp_path / "none"))
    assert gallery_root() == tmp_path / "none" and Store(tmp_path).gallery.entries() == []
    monkeypatch.delenv("NCENGINE_GALLERY")
    assert gallery_root() == SHIPPED


def test_what_is_added_is_seen_at_once(store, trained):
    assert store.open(OTHER).status is Status.ABSENT
    another = Gallery(store.gallery.folder)
    another.add(identify(OTHER), replace(trained, config=OTHER), [], {})
    assert store.open(OTHER).shipped and len(store.gallery.entries()) == 2


@pytest.mark.parametrize("part", ["data_checksum", "engine_version"])
def test_a_run_takes_the_place_of_what_there_was_of_its_configuration(gallery, trained, part):
    other = replace(identify(SMALL), **{part: "another"})
    gallery.add(other, trained, [], {})
    assert [entry["key"] for entry in gallery.entries()] == [other.key]
    assert sorted(path.name for path in gallery.folder.iterdir()) == [
        f"{other.key}.json",
        f"{other.key}.npz",
    ]
    gallery.add(identify(OTHER), replace(trained, config=OTHER), [], samples_of(trained))
    gallery.add(other, trained, [], {})
    assert len(gallery.entries()) == 2 and len(list(gallery.folder.iterdir())) == 5


def test_only_samples_that_nothing_names_any_more_go(gallery, trained):
    samples = gallery.folder / gallery.entry(identify(SMALL).key)["samples"]
    # Another process has written these, and is about to write what names them.
    coming = gallery.folder / "samples-0badcafe.npz"
    coming.write_bytes(samples.read_bytes())
    damaged = gallery.folder / "damaged.json"
    damaged.write_text(f'{{"samples": "{samples.name}", ')
    gallery.add(replace(identify(SMALL), engine_version="another"), trained, [], {})
    assert samples.exists() and coming.exists()
    damaged.unlink()
    gallery.add(identify(SMALL), trained, [], samples_of(trained))
    gallery.add(replace(identify(SMALL), engine_version="another"), trained, [], {})
    assert not samples.exists() and coming.exists()


# Damage.


class Trap:
    def __reduce__(self):
        return exec, ("raise SystemExit('unpickled')",)


def _damage_json(entry, **changes):
    """Say something else under a seal of its own: written on purpose, not by accident."""
    said = unsealed(json.loads(entry.read_text()))
    entry.write_text(json.dumps(sealed({**said, **changes})))


def _cut(path, _):
    path.write_bytes(path.read_bytes()[:-20])


def _pickled(path, entry):
    np.savez(path, curves=np.array([Trap()], dtype=object))
    import zlib

    _damage_json(entry, crc=zlib.crc32(path.read_bytes()))


DAMAGES = {
    "cut": _cut,
    "missing": lambda path, _: path.unlink(),
    "pickled": _pickled,
    "a pickle": lambda path, _: path.write_bytes(pickle.dumps(Trap())),
    "no seal": lambda _, entry: entry.write_text(
        json.dumps(unsealed(json.loads(entry.read_text())))
    ),
    "no JSON": lambda _, entry: entry.write_text("{"),
    "elsewhere": lambda _, entry: _damage_json(entry, file="../gallery/../secret.npz"),
    "no such field": lambda _, entry: _damage_json(entry, config={"colour": "red"}),
    "bad numbers": lambda _, entry: _damage_json(entry, seconds="soon"),
    "without end": lambda _, entry: _damage_json(entry, passes=float("inf")),
    "beyond numbers": lambda _, entry: _damage_json(entry, seconds=10**400),
    "no floor": lambda _, entry: _damage_json(entry, floor="low"),
    "no date": lambda _, entry: _damage_json(entry, date=5),
    "no seeds": lambda _, entry: _damage_json(entry, seeds=[0] * len(SMALL.seeds)),
    "another shape": lambda _, entry: _damage_json(
        entry, config={**json.loads(entry.read_text())["config"], "width": 16}
    ),
}


@pytest.mark.parametrize("name", DAMAGES)
def test_a_damaged_entry_is_passed_over_with_a_warning(gallery, trained, tmp_path, caplog, name):
    fine = OTHER
    gallery.add(identify(fine), replace(trained, config=fine), [], {})
    key = identify(SMALL).key
    DAMAGES[name](gallery.folder / f"{key}.npz", gallery.folder / f"{key}.json")
    store = Store(tmp_path / "other", Gallery(gallery.folder))
    wanted = SMALL.with_(width=16) if name == "another shape" else SMALL
    assert store.open(wanted).status is Status.ABSENT
    assert "of the gallery was passed over" in caplog.text
    assert store.glance(wanted).status is Status.ABSENT and store.stand_in(wanted) is None
    assert store.open(fine).shipped
    assert [entry["key"] for entry in store.gallery.entries()] == [identify(fine).key]
    assert len(store.gallery.damaged()) == 1 and key in store.gallery.damaged()[0]


def flipped(content, position):
    """With one bit of another value, a different one from byte to byte."""
    byte = content[position] ^ 1 << position % 8
    return content[:position] + bytes([byte]) + content[position + 1 :]


@pytest.fixture
def silent():
    """Without thousands of warnings, each of which takes longer than what it is about."""
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


def test_a_bit_that_flips_in_what_an_entry_says_changes_no_number(gallery, silent):
    (entry,), (path,) = gallery.entries(), gallery.folder.glob("*.json")
    whole, found = path.read_bytes(), []
    for position in range(0, len(whole), 3):
        path.write_bytes(flipped(whole, position))
        now = Gallery(gallery.folder)
        found.append(now.entries())
        assert found[-1] in ([], [entry])
        assert now.damaged() == ([] if found[-1] else [path.name])
    # What is left is how the JSON is laid out.
    assert found.count([entry]) < len(found) / 4


def test_a_bit_that_flips_in_the_arrays_changes_no_number(gallery, silent):
    key = identify(SMALL).key
    path = gallery.folder / f"{key}.npz"
    whole = path.read_bytes()
    for position in range(0, len(whole), 97):
        path.write_bytes(whole)
        listed = Gallery(gallery.folder)
        assert listed.entry(key)
        path.write_bytes(flipped(whole, position))
        # Before it was listed, and between then and when it is opened.
        assert not Gallery(gallery.folder).entries()
        assert listed.open(key) is None and not listed.entries()
        assert listed.damaged() == [path.name]


def test_a_bit_that_flips_in_the_samples_changes_none(gallery, silent):
    key = identify(SMALL).key
    path = gallery.folder / gallery.entry(key)["samples"]
    whole, shown = path.read_bytes(), gallery.samples(key)
    for position in range(0, len(whole), 3):
        path.write_bytes(flipped(whole, position))
        for name, array in gallery.samples(key).items():
            np.testing.assert_array_equal(array, shown[name])
    assert path.name in gallery.damaged() and gallery.open(key)


def test_damaged_samples_are_put_right_when_a_run_on_them_is_added(gallery, trained):
    path = gallery.folder / gallery.entry(identify(SMALL).key)["samples"]
    whole = path.read_bytes()
    path.write_bytes(flipped(whole, len(whole) // 2))
    gallery.add(identify(SMALL), trained, [], samples_of(trained))
    assert path.read_bytes() == whole


def test_damaged_samples_are_left_out(gallery, caplog):
    key = identify(SMALL).key
    (gallery.folder / gallery.entry(key)["samples"]).write_bytes(b"nothing")
    assert gallery.samples(key) == {} and "passed over" in caplog.text
    assert gallery.open(key).shipped


# Building.


@pytest.fixture
def tiny(monkeypatch, tmp_path, kept_helpers):
    """Two rows of tiny runs, which share one; a cache and a gallery of their own."""
    # By Adam, for whose networks nothing is done where others prove that they are no optima.
    small = SMALL.with_(epochs=10, seeds=1, solver="Adam")
    rows = {
        "first": [small.with_(depth=d) for d in (2, 4)],
        "schedules": [small.with_(depth=d) for d in (4, 3)],
    }
    monkeypatch.setattr(building, "row", lambda name, scale: rows.get(name, []))
    monkeypatch.setenv("NCENGINE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("NCENGINE_GALLERY", str(tmp_path / "gallery"))
    return rows


def test_what_is_missing_is_built_shortest_first_and_only_once(tiny, tmp_path):
    seen = []
    counts = build(["schedules"], workers=1, on_end=lambda end, run: seen.append((end, run)))
    assert counts == {"here": 0, "added": 2}
    assert [(end, run.config.depth) for end, run in seen] == [("added", 3), ("added", 4)]
    entries = {e["config"]["depth"]: e["rows"] for e in Gallery(tmp_path / "gallery").entries()}
    assert entries == {3: ["schedules"], 4: ["first", "schedules"]}
    assert build(workers=1) == {"here": 2, "added": 1}
    assert build(workers=1) == {"here": 3}


def test_what_is_above_another_is_built_from_that_one_too(tiny, tmp_path):
    trained, hardly = (SMALL.with_(epochs=e, seeds=1, norm="pre", depth=2) for e in (80, 3))
    tiny["first"][:] = [trained, hardly, *(hardly.with_(depth=d) for d in (3, 4))]
    tiny["schedules"][:] = [hardly.with_(depth=4)]
    assert build(workers=1)["added"] > 4
    store = Store()
    entries = store.gallery.entries()
    started = {known(e).from_random: e for e in entries if e["config"]["start"] == "neighbour"}
    # Only by what was trained alike.
    assert started and trained not in started and hardly not in started
    assert len(entries) == 4
    for config, entry in started.items():
        expected = ["first", "schedules"] if config.depth == 4 else ["first"]
        assert entry["rows"] == expected
        own = store.open(config, shipped=False)
        assert objective_of(entry) < objective_of(own.summary())
        # It is shown where there is no such run.
        assert store.gallery.entry(identify(config).key) is None
        assert store.stand_in(config).key == entry["key"]
    assert build(workers=1) == {"here": 4}
    assert build(anew=True, workers=1) == {"here": 0, "added": 4}
    assert {e["key"] for e in Gallery(tmp_path / "gallery").entries()} == {
        e["key"] for e in entries
    }


def test_what_is_there_is_written_anew_where_that_is_asked_for(tiny, tmp_path):
    build(["schedules"], workers=1)
    gallery = Gallery(tmp_path / "gallery")
    entries = [gallery.folder / entry["path"] for entry in gallery.entries()]
    for path in entries:
        _damage_json(path, note="of old")
    assert build(["schedules"], workers=1) == {"here": 2}
    assert "of old" in entries[0].read_text()
    # One from the cache's result, one by training.
    Store().delete(identify(tiny["schedules"][0]))
    assert build(["schedules"], anew=True, workers=1) == {"here": 0, "added": 2}
    assert not any("of old" in path.read_text() for path in entries)


def test_a_build_that_was_stopped_goes_on(tiny, tmp_path):
    def stop(end, run):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        build(workers=1, on_end=stop)
    assert len(Gallery(tmp_path / "gallery").entries()) == 1
    assert build(workers=1) == {"here": 1, "added": 2}


def test_what_cannot_be_shown_is_left_out_and_the_rest_is_built(tiny, monkeypatch):
    add, refused = Gallery.add, []

    def refuse_the_first(self, identity, *others):
        if not refused:
            refused.append(identity)
            raise ValueError("no seed has numbers in all its snapshots")
        return add(self, identity, *others)

    monkeypatch.setattr(Gallery, "add", refuse_the_first)
    assert build(["schedules"], workers=1) == {"here": 0, "left out": 1, "added": 1}


def test_without_a_folder_nothing_is_trained(tiny, monkeypatch):
    monkeypatch.setenv("NCENGINE_GALLERY", "")
    monkeypatch.setattr(building, "sweep", lambda *args, **options: pytest.fail("trained"))
    with pytest.raises(ValueError, match="no gallery here: NCENGINE_GALLERY is empty"):
        build(workers=1)


def test_data_that_are_missing_are_named(tiny, monkeypatch, tmp_path, capsys):
    tiny["first"].append(RunConfig(dataset="mnist"))
    monkeypatch.setenv("NCENGINE_DATA", str(tmp_path))
    monkeypatch.delenv("NCENGINE_MIRROR_MNIST", raising=False)
    with pytest.raises(RuntimeError, match="MNIST is not on this machine"):
        build()
    assert main(["gallery", "build", "--only", "first"]) == 1
    said = capsys.readouterr().err
    assert "MNIST is not on this machine" in said and "--download fetches" in said
    # No option helps where nothing may be fetched, or where the variable cannot be understood.
    for value, said in (("", "MNIST is not on this machine.*no address"), ("mnist", "neither an")):
        monkeypatch.setenv("NCENGINE_MIRROR_MNIST", value)
        with pytest.raises(RuntimeError, match=said):
            build()
        assert main(["gallery", "build", "--only", "first"]) == 1
        assert "--download" not in capsys.readouterr().err


def test_the_command(monkeypatch, capsys, gallery):
    monkeypatch.setenv("NCENGINE_GALLERY", str(gallery.folder))
    assert main(["gallery", "list", "--json"]) == 0
    (line,) = capsys.readouterr().out.splitlines()
    assert json.loads(line)["key"] == identify(SMALL).key
    assert main(["gallery", "list"]) == 0
    assert SMALL.title() in capsys.readouterr().out
    assert main(["gallery", "build", "--only", "first,figure-9"]) == 2
    assert "figure-9: must be some of first," in capsys.readouterr().err


def test_the_table_is_of_runs_that_can_be():
    for name in ROWS:
        assert len(row(name)) and not row(name).left_out
        assert len(row(name, "paper"))
    assert first().canonical_json() in {one.canonical_json() for one in row("first")}
    for wrong in (["figure-9"], ["first", "tiny"]):
        with pytest.raises(ValueError, match="must be one of"):
            row(*wrong)


# What is shipped.


def shipped():
    return sorted(path.stem for path in SHIPPED.glob("*.json"))


@pytest.fixture(scope="module")
def whole():
    return Gallery(SHIPPED)


def nc_of(features, labels, weight):
    """NC1, NC2 and NC3 of Definition 2, sample by sample, in double precision."""
    classes = len(weight)
    means = [features[labels == k].mean(axis=0) for k in range(classes)]
    centre = sum(means) / classes
    within = sum(np.sum((x - means[k]) ** 2) for x, k in zip(features, labels)) / len(labels)
    between = sum(np.sum((mean - centre) ** 2) for mean in means) / classes
    gram = weight @ weight.T
    gram /= np.linalg.norm(gram)
    found = {"nc1": within / between}
    for name, ideal in (("nc2a", np.eye(classes) - 1 / classes), ("nc2b", np.eye(classes))):
        # The least distance from a multiple that is not negative.
        found[name] = nnls(ideal.reshape(-1, 1), gram.ravel())[1]
    cosines = [
        x @ weight[k] / np.linalg.norm(x) / np.linalg.norm(weight[k])
        for x, k in zip(features, labels)
    ]
    found["nc3"] = 1 - np.mean(cosines)
    return found


@pytest.mark.parametrize("name", shipped())
def test_every_entry_opens_and_is_what_it_says(whole, name):
    (entry,) = [one for one in whole.entries() if one["file"] == f"{name}.npz"]
    run = whole.open(entry["key"])
    config, geometry = run.config, run.geometry
    r, seeds = config.seeds.index(run.shown_seed), len(config.seeds)
    assert entry["rows"] and set(entry["rows"]) <= set(ROWS)
    assert run.machine["date"] and run.machine["device"]
    # At least forty snapshots, but where a training ended before it had so many.
    assert len(geometry) >= (40 if run.passes >= 800 else 30)
    assert geometry.epoch[-1] == run.curves["epoch"][-1] == run.passes
    for array in (geometry.class_means, geometry.classifier, geometry.features):
        assert array.dtype == np.float16 and np.isfinite(array[:, r]).all()
    for curve in ("loss", "nc1", config.nc2_name, "decay_last"):
        assert run.curves[curve].shape == (run.points, seeds)
        assert np.isfinite(run.curves[curve]).all()
    if run.floor is not None:
        assert (run.curves["gap"] >= 0).all()
    for measured in LAYERS:
        assert getattr(run.layers, measured).shape[:2] == (len(geometry), seeds)
    last = {one: entry["seeds"][r][one] for one in ("nc1", "nc2a", "nc2b", "nc3")}
    # Means over all samples are those of the curves.
    weight = geometry.classifier[-1, r].astype(float)
    features = geometry.features[-1, r].astype(float)
    found = nc_of(features, geometry.labels, weight)
    for one, value in found.items():
        # A rounding of up to 2^-11 in each number moves NC1 by its square, the others by as much.
        least = 1e-6 if one == "nc1" else 2.0**-10
        assert value == pytest.approx(entry["shown"][one], rel=2e-3, abs=least)
    for one in ("nc2a", "nc2b"):
        assert found[one] == pytest.approx(last[one], rel=2e-3, abs=2.0**-10)
    samples = whole.samples(run.key)
    of = "texts" if config.dataset == "imdb" else "images"
    assert len(samples[of]) == len(geometry.labels)
    assert len(samples[f"test_{of}"]) == len(geometry.test_labels)


@pytest.mark.skipif(not shipped(), reason="nothing is shipped yet")
def test_all_of_it_is_small_and_enough():
    files = [path for path in SHIPPED.rglob("*") if path.is_file()]
    assert sum(path.stat().st_size for path in files) <= 25e6
    assert {path.suffix for path in files} <= {".json", ".npz"}


def test_all_of_it_is_by_this_engine_and_undamaged(whole):
    assert len(whole.entries()) == len(shipped())
    assert {entry["engine_version"] for entry in whole.entries()} == {ENGINE_VERSION}
    named = {entry["samples"] for entry in whole.entries()} - {None}
    assert named == {path.name for path in SHIPPED.glob("samples-*")}
    assert all(whole.samples(entry["key"]) for entry in whole.entries())
    assert not whole.damaged()
    for entry in whole.entries():
        assert identify(RunConfig(**entry["config"])).key == entry["key"] or (
            entry["data_checksum"] != checksum(entry["config"]["dataset"])
        )


@pytest.mark.parametrize("kind", ["named", "unnamed"])
def test_what_a_later_catalogue_adds_is_absent_and_all_else_as_before(
    gallery, trained, monkeypatch, kind
):
    """Whatever is added to the metrics, and wherever among them."""
    if kind == "unnamed":  # as entries were before they named what is in them
        gallery = Gallery(SHIPPED)
        key = gallery.entries()[0]["key"]
    else:
        key = trained.key
    before = gallery.open(key)
    monkeypatch.setattr(shipping, "PER_SEED", ("cdnv", *reversed(PER_SEED)))
    monkeypatch.setattr(shipping, "BLOCKS", tuple(reversed(BLOCKS)))
    monkeypatch.setattr(shipping, "LAYERS", tuple(reversed(LAYERS)))
    after = Gallery(gallery.folder).open(key)
    assert np.isnan(after.curves["cdnv"]).all()
    assert after.curves["cdnv"].shape == before.curves["nc1"].shape
    for name in PER_SEED:
        np.testing.assert_array_equal(after.curves[name], before.curves[name])
    for name in (*LAYERS, *BLOCKS):
        np.testing.assert_array_equal(getattr(after.layers, name), getattr(before.layers, name))


def test_what_was_not_recorded_is_not_shipped_as_if_it_were(gallery, trained):
    lacking = frozenset({"test_nc1", "layers_nc2", "layers_decay"})
    gallery.add(identify(OTHER), replace(trained, config=OTHER, not_recorded=lacking), [], {})
    shipped = Gallery(gallery.folder).open(identify(OTHER).key)
    assert shipped.not_recorded == lacking
    for values in (shipped.curves["test_nc1"], shipped.layers.nc2, shipped.layers.decay):
        assert np.isnan(values).all()
    assert not gallery.open(trained.key).not_recorded


def test_what_may_be_negative_keeps_its_sign(gallery, trained, monkeypatch):
    signed = replace(METRICS["effective_rank"], low=-math.inf)
    monkeypatch.setattr(shipping, "METRICS", {**METRICS, "effective_rank": signed})
    values = np.random.default_rng(0).normal(size=trained.layers.nc1.shape)
    layers = trained.layers.with_(effective_rank=values)
    gallery.add(identify(OTHER), replace(trained, config=OTHER, layers=layers), [], {})
    shipped = Gallery(gallery.folder).open(identify(OTHER).key).layers
    np.testing.assert_allclose(shipped.effective_rank, values, rtol=1e-3, atol=1e-7)
    np.testing.assert_allclose(shipped.nc1, trained.layers.nc1, rtol=1e-2)


def test_an_entry_of_a_later_engine_is_told_and_left(gallery, trained):
    path = gallery.folder / f"{trained.key}.json"
    later = unsealed(json.loads(path.read_text()))
    later = sealed({**later, "engine_version": "99", "config": {"temperature": 3}})
    path.write_text(json.dumps(later))
    now = Gallery(gallery.folder)
    assert (now.entries(), now.damaged(), now.newer()) == ([], [], [path.name])
    assert json.loads(path.read_text()) == later


def test_a_gallery_is_opened_without_torch(gallery):
    code = (
        "import sys; from ncengine.runs.gallery import Gallery; from pathlib import Path;"
        "g = Gallery(Path(sys.argv[1])); print(g.open(g.entries()[0]['key']).status);"
        "assert 'torch' not in sys.modules"
    )
    ran = subprocess.run(
        [sys.executable, "-c", code, str(gallery.folder)], capture_output=True, text=True
    )
    assert ran.stdout.strip() == "done", ran.stderr
