"""What a run gives to take along: tables, parameters, networks; and files that come back."""

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from safetensors.numpy import load as load_safetensors
from safetensors.torch import load_file

import ncengine
from ncengine.architectures.build import build, features, initial_parameters
from ncengine.architectures.inputs import network_inputs
from ncengine.architectures.shapes import context_length, input_dim, parameter_shapes
from ncengine.catalogue.architectures import ARCHITECTURES
from ncengine.catalogue.datasets import dataset_info
from ncengine.cli.main import main
from ncengine.config import RunConfig
from ncengine.datasets import load as load_data
from ncengine.exchange import tables, write_tables
from ncengine.exchange.parameters import parameters, save_parameters
from ncengine.jobs.foreground import run as train
from ncengine.runs.gallery import Gallery
from ncengine.runs.identity import identify
from ncengine.runs.run import Run, Status
from ncengine.runs.store import Store
from ncengine.runs.whole import arrays_of, save
from ncengine.snapshots.names import BLOCKS, LAYERS, PER_SEED
from tests.engine.made_up import made_up
from tests.engine.plain import plain_network

SHIPPED = Path(__file__).resolve().parents[2] / "cache" / "gallery"
SMALL = RunConfig(classes=3, samples_per_class=8, width=6, depth=3, epochs=30, seeds=(4, 7))
EXACT = SMALL.with_(precision="float64", epochs=20, seeds=(5,))


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    return Store(tmp_path_factory.mktemp("exchange"), Gallery(None))


@pytest.fixture(scope="module")
def trained(store):
    return train(SMALL, store=store)


# Tables.


def test_tables_hold_what_the_arrays_hold_row_by_row(trained):
    found = tables(trained, features=True)
    curves, layers, geometry = trained.curves, trained.layers, trained.geometry
    t, seeds = len(curves["epoch"]), trained.config.seeds
    assert list(found["curves"].columns) == ["pass", "seed", *PER_SEED]
    assert len(found["curves"]) == t * 2
    for n, row in enumerate(found["curves"].to_dict("records")):
        point, r = divmod(n, 2)
        assert (row["pass"], row["seed"]) == (curves["epoch"][point], seeds[r])
        for name in PER_SEED:
            np.testing.assert_equal(row[name], curves[name][point, r])
    assert list(found["layers"].columns) == ["pass", "seed", "layer", *LAYERS, *BLOCKS]
    for row in found["layers"].to_dict("records"):
        g, r = list(layers.epoch).index(row["pass"]), seeds.index(row["seed"])
        at = row["layer"] - 1
        for name in LAYERS:
            np.testing.assert_equal(row[name], layers.measured[name][g, r, at])
        for name in BLOCKS:
            block = layers.measured[name][g, r, at - 1] if at else np.nan
            np.testing.assert_equal(row[name], block)
    coordinates = [f"x{n}" for n in range(1, 7)]
    kinds = {"class mean": geometry.class_means, "classifier": geometry.classifier}
    for row in found["geometry"].to_dict("records"):
        g, r = list(geometry.epoch).index(row["pass"]), seeds.index(row["seed"])
        wanted = kinds[row["kind"]][g, r, row["class"]]
        np.testing.assert_array_equal([row[x] for x in coordinates], wanted)
    splits = {
        "train": (geometry.features, geometry.sample_index, geometry.labels),
        "test": (geometry.test_features, geometry.test_index, geometry.test_labels),
    }
    assert len(found["features"]) == len(geometry) * 2 * sum(len(s[1]) for s in splits.values())
    for row in found["features"].iloc[::37].to_dict("records"):
        features, index, labels = splits[row["split"]]
        g, r = list(geometry.epoch).index(row["pass"]), seeds.index(row["seed"])
        place = list(index).index(row["sample"])
        assert row["class"] == labels[place]
        np.testing.assert_array_equal([row[x] for x in coordinates], features[g, r, place])
    assert found["summary"]["seed"].tolist() == [4, 7]
    assert found["summary"]["nc1"].tolist() == [s["nc1"] for s in trained.summary()["seeds"]]
    assert found["summary"]["verdict"].notna().all()


def test_of_a_shipped_run_geometry_has_the_seed_that_was_kept():
    gallery = Gallery(SHIPPED)
    run = gallery.open(gallery.entries()[0]["key"])
    assert set(tables(run)["geometry"]["seed"]) == {run.shown_seed}
    assert tables(run)["geometry"].notna().all(axis=None)


@pytest.mark.parametrize("form", ["csv", "parquet"])
def test_written_tables_are_read_back_to_the_last_digit(form, tmp_path):
    run = made_up(SMALL, np.random.default_rng(0), 9, 3, 0.0, True)
    paths = write_tables(run, tmp_path / "new" / "folder", form, features=True)
    assert [path.name for path in paths] == [
        f"{name}.{form}" for name in ("curves", "layers", "geometry", "features", "summary")
    ]
    for path in paths[:-1]:
        if form == "csv":
            frame = pd.read_csv(path)
        else:
            frame = pd.read_parquet(path)
        wanted = tables(run, features=True)[path.stem]
        assert list(frame.columns) == list(wanted.columns)
        for name in wanted.columns:
            if wanted[name].dtype == np.float32:
                read = frame[name].astype(np.float32)
                np.testing.assert_array_equal(read, wanted[name])
            else:
                np.testing.assert_array_equal(frame[name], wanted[name])
    if form == "csv":
        text = paths[0].read_text()
        assert ",nan" in text and ",inf" in text and ",-inf" in text and ",," not in text


def test_what_has_no_tables_says_so(trained, tmp_path):
    with pytest.raises(ValueError, match="absent; nothing of it is recorded"):
        tables(Run(SMALL, Status.ABSENT))
    with pytest.raises(ValueError, match="must be csv or parquet"):
        write_tables(trained, tmp_path, "xls")


# Parameters and networks.


def test_parameters_go_into_a_file_that_others_read(trained, tmp_path):
    path = save_parameters(trained, tmp_path / "net.safetensors")
    shapes = {shape.name: (2, *shape.shape) for shape in parameter_shapes(SMALL)}
    read = load_safetensors(path.read_bytes())
    assert {name: array.shape for name, array in read.items()} == shapes
    flat = np.concatenate([read[name].reshape(2, -1) for name in shapes], axis=1)
    np.testing.assert_array_equal(flat, trained.parameters)
    assert load_file(path)["last_weight"].dtype == torch.float32
    content = path.read_bytes()
    size = int.from_bytes(content[:8], "little")
    about = json.loads(content[8 : 8 + size])["__metadata__"]
    assert RunConfig(**json.loads(about["config"])) == SMALL
    assert json.loads(about["seeds"]) == [4, 7] and about["key"] == trained.key


def test_the_last_weight_is_the_classifier_that_was_recorded(trained):
    np.testing.assert_array_equal(
        parameters(trained)["last_weight"], trained.geometry.classifier[-1]
    )


NETWORKS = [
    (name, norm, dataset)
    for name, info in ARCHITECTURES.items()
    for norm in (info.norms if info.has_network else ("post",))
    for dataset in ("digits", "gaussian", "cifar10", "imdb")
    if dataset_info(dataset).kind in info.family.reads
]


def with_random_parameters(config):
    """A finished run of a network that was never trained; of so many nothing is recorded."""
    values = initial_parameters(config, torch.float64).numpy()
    return Run(config, Status.DONE, key=identify(config).key, parameters=values)


@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize("name, norm, dataset", NETWORKS)
def test_the_network_does_what_the_engine_and_the_definitions_do(name, norm, dataset, bias):
    config = RunConfig(
        dataset=dataset, architecture=name, norm=norm, last_bias=bias, classes=2, width=6,
        samples_per_class=5, depth=3, seeds=(3, 8), precision="float64",
    )  # fmt: skip
    run, rng = with_random_parameters(config), np.random.default_rng(0)
    if dataset == "imdb":
        samples = rng.integers(0, config.vocabulary, (7, config.context))
    else:
        samples = rng.normal(size=(7, sample_size(config)))
    if name == "UFM":
        samples = rng.integers(0, 10, 7)
        inputs = samples
    else:
        inputs = network_inputs(config, samples)
    theta, start, named = torch.from_numpy(run.parameters), 0, {}
    for shape in parameter_shapes(config):
        named[shape.name] = theta[:, start : start + shape.size].view(-1, *shape.shape)
        start += shape.size
    both = torch.from_numpy(inputs).expand(2, *inputs.shape)
    wanted = features(build(config), named, both)
    for r, seed in enumerate(config.seeds):
        net = ncengine.network(run, seed)
        with torch.no_grad():
            given, logits = net.features(torch.from_numpy(samples)), net(torch.from_numpy(samples))
        torch.testing.assert_close(given, wanted[r], rtol=1e-10, atol=1e-10)
        last = wanted[r] @ named["last_weight"][r].T + (named["last_bias"][r] if bias else 0)
        torch.testing.assert_close(logits, last, rtol=1e-10, atol=1e-10)
        if name != "UFM":
            plain = plain_network(config, theta[r], words=dataset == "imdb")
            torch.testing.assert_close(given, plain.features(torch.from_numpy(inputs)))


def sample_size(config):
    tokens = ARCHITECTURES[config.architecture].has_tokens
    return input_dim(config) * (context_length(config) if tokens else 1)


@pytest.mark.parametrize("name", ARCHITECTURES)
@pytest.mark.parametrize("norm", ["post", "pre"])
def test_the_network_has_the_features_that_were_recorded(store, name, norm):
    config = RunConfig(**{**EXACT.set_fields(), "architecture": name, "norm": norm})
    run, data = train(config, store=store), load_data(config)
    samples = torch.from_numpy(data.train.inputs.astype(np.float64))
    if name == "UFM":
        samples = torch.from_numpy(network_inputs(config, data.train.inputs))
    net = run.network()
    with torch.no_grad():
        given, logits = net.features(samples).numpy(), net(samples)
    geometry = run.geometry
    means = given.reshape(3, 8, -1).mean(1)
    np.testing.assert_allclose(means, geometry.class_means[-1, 0], rtol=1e-6, atol=1e-6)
    recorded = geometry.features[-1, 0]
    # Which were kept in half precision: the nearest numbers that it has.
    np.testing.assert_allclose(given[geometry.sample_index], recorded, rtol=2**-11, atol=1e-6)
    right = (logits.argmax(1).numpy() == data.train.labels).mean()
    assert right == run.last("accuracy", 0)
    fit = torch.nn.functional.cross_entropy(logits, torch.tensor(data.train.labels))
    assert float(fit) == pytest.approx(run.last("fit", 0), rel=1e-6)


def test_a_network_of_a_run_that_came_as_a_file_is_the_same(trained, tmp_path):
    back = ncengine.load(save(trained, tmp_path / "run.npz"))
    ours, theirs = (ncengine.network(run, 7).state_dict() for run in (trained, back))
    assert all(torch.equal(ours[name], theirs[name]) for name in ours)
    assert ncengine.network(trained, 7).last.weight.requires_grad


@pytest.mark.parametrize(
    "change, said",
    [
        ({"shown_seed": 4}, "the gallery ships none"),
        ({"status": Status.RUNNING}, "since it is running"),
        ({"config": SMALL.with_(width=512, depth=64)}, "more than 8,388,608"),
        ({}, "not kept when it was trained"),
    ],
)
def test_a_run_without_parameters_says_why(trained, change, said):
    run = replace(trained, parameters=None, **change)
    for ask in (parameters, lambda run: ncengine.network(run, 4)):
        with pytest.raises(ValueError, match=said):
            ask(run)


def test_a_seed_that_was_not_trained_is_refused(trained):
    with pytest.raises(ValueError, match=r"seed = 0: must be one of 4, 7"):
        ncengine.network(trained, 0)


# Files that come back.


@pytest.fixture
def elsewhere(tmp_path):
    return Store(tmp_path / "elsewhere", Gallery(None))


def test_an_imported_run_is_opened_where_none_was_trained(trained, elsewhere, tmp_path):
    path = save(trained, tmp_path / "run.npz")
    assert elsewhere.open(SMALL).status is Status.ABSENT
    assert elsewhere.imported.add(path).key == trained.key
    run = elsewhere.open(SMALL)
    assert run.imported and not run.shipped
    ours, theirs = arrays_of(trained), arrays_of(run)
    assert all(array.tobytes() == theirs[name].tobytes() for name, array in ours.items())
    glance = elsewhere.glance(SMALL)
    assert glance.status is Status.DONE and glance.entry["key"] == trained.key
    assert elsewhere.identity(trained.key) == identify(SMALL)
    assert [entry["key"] for entry in elsewhere.at_hand()] == [trained.key]
    # What asks for a training of its own does not get it.
    assert elsewhere.open(SMALL, shipped=False).status is Status.ABSENT
    assert not train(SMALL, store=elsewhere).imported
    assert not elsewhere.open(SMALL).imported
    assert elsewhere.delete(SMALL)
    assert elsewhere.open(SMALL).status is Status.ABSENT


def test_an_imported_run_goes_before_the_gallery(tmp_path):
    gallery = Gallery(SHIPPED)
    run = gallery.open(gallery.entries()[0]["key"])
    store = Store(tmp_path / "cache", gallery)
    assert not store.open(run.config).imported
    store.imported.add(save(run, tmp_path / "run.npz"))
    identity = store.identity(run.key)
    assert store.open(identity).imported


def test_what_cannot_be_read_is_not_taken_in_and_damage_is_passed_over(
    trained, elsewhere, tmp_path, caplog
):
    path = save(trained, tmp_path / "run.npz")
    content = path.read_bytes()
    path.write_bytes(content[:-1])
    with pytest.raises(ValueError, match="run.npz: it is no whole .npz file"):
        elsewhere.imported.add(path)
    assert elsewhere.imported.entries() == []
    path.write_bytes(content)
    elsewhere.imported.add(path)
    kept = elsewhere.root / "imported" / f"{trained.key}.npz"
    half = bytearray(kept.read_bytes())
    half[len(half) // 2] ^= 1
    kept.write_bytes(half)
    assert elsewhere.open(SMALL).status is Status.ABSENT
    assert elsewhere.imported.damaged() == [kept.name]
    assert sum("was passed over" in record.message for record in caplog.records) == 1
    kept.rename(kept.with_name("another.npz"))
    kept.with_name("another.npz").write_bytes(content)
    assert elsewhere.imported.entries() == []
    assert elsewhere.imported.entry("../../run") is None


# The command line.


@pytest.fixture
def command(store, trained, monkeypatch):
    monkeypatch.setenv("NCENGINE_CACHE", str(store.root))
    options = "--classes 3 --samples-per-class 8 --width 6 --depth 3 --epochs 30 --seeds 4,7"
    return options.split()


def test_export_writes_what_is_asked_for_and_import_takes_it_in(
    command, trained, tmp_path, capsys, monkeypatch
):
    file, folder = tmp_path / "run.npz", tmp_path / "tables"
    nets = tmp_path / "net.safetensors"
    wanted = ["--run", file, "--csv", folder, "--parquet", folder, "--parameters", nets]
    assert main(["export", *command, *map(str, wanted)]) == 0
    written = capsys.readouterr().out.split()
    assert all(os.path.isfile(path) for path in written) and len(written) == 10
    assert not (folder / "features.csv").exists()
    assert main(["export", trained.key[:9], "--csv", str(folder), "--features"]) == 0
    assert (folder / "features.csv").exists()
    monkeypatch.setenv("NCENGINE_CACHE", str(tmp_path / "cache"))
    capsys.readouterr()
    (tmp_path / "none.npz").write_bytes(b"nothing")
    assert main(["import", str(file), str(tmp_path / "none.npz")]) == 1
    out = capsys.readouterr()
    assert out.out.startswith(f"{trained.key}  3-RN1") and "none.npz: it is no whole" in out.err
    assert main(["list"]) == 0
    assert ", imported\n" in capsys.readouterr().out
    assert main(["export", *command, "--run", str(tmp_path / "again.npz")]) == 0
    assert (tmp_path / "again.npz").read_bytes() == file.read_bytes()


def test_export_refuses_in_words(command, trained, tmp_path, capsys):
    file, page = str(tmp_path / "run.npz"), str(tmp_path / "page.html")
    occupied, folder = str(tmp_path / "taken"), str(tmp_path / "folder.html")
    Path(occupied).touch()
    Path(folder).mkdir()
    for given, status, said in (
        ([trained.key], 2, "nothing to write"),
        ([trained.key, "--run", file, "--features"], 2, "--features: goes with"),
        ([trained.key, "--depth", "3", "--run", file], 2, "give one of both"),
        (["nokey", "--run", file], 2, "no run at hand has such a key"),
        # As a variable of a shell that is not set: none of these names anything.
        (["", "--run", file], 2, "KEY = ''"),
        (["", "--run", file, *command], 2, "give one of both"),
        (["--story", "", "--html", page], 1, "--story : must be one of "),
        (["--depth", "7", "--run", file], 1, "absent; `ncengine train` trains it"),
        ([*command, "--run", str(tmp_path / "run.zip")], 1, "must end in .npz"),
        ([*command, "--parameters", file], 1, "must end in .safetensors"),
        ([*command, "--run", str(tmp_path / "no" / "run.npz")], 1, "no such file"),
        (["--depth", "-1", "--run", file], 2, "--depth -1"),
        ([*command, "--html", file], 1, "must end in .html"),
        # Nothing is written of what is only partly possible.
        ([*command, "--run", file, "--html", "run.txt"], 1, "--html run.txt: must end in .html"),
        ([*command, "--run", file, "--film", "run.gif"], 1, "--film run.gif: must end in "),
        ([*command, "--run", file, "--csv", occupied], 1, "taken: not a directory"),
        ([*command, "--run", file, "--html", folder], 1, "folder.html: is a directory"),
        (["--story", "eight-steps", "--html", page, "--film", "no/a.mp4"], 1, "no such file"),
        (["--story", "eight-steps", "--run", file], 2, "--story: goes with --film"),
        (["--story", "no", "--film", "a.mp4"], 1, "--story no: must be one of "),
        (["--story", "no", "--film", "a.mp4", "--depth", "3"], 2, "give one"),
        (["--story", "no", "--film", "a.mp4", "--film-over", "layers"], 2, "--film-over: a story"),
        ([*command, "--film", file], 1, "must end in .mp4, .webm or .webp"),
        ([*command, "--run", file, "--film-rate", "60"], 2, "--film-rate: goes with --film"),
        ([*command, "--film", "a.mp4", "--film-seconds", "nan"], 2, "'nan': must be a number from"),
    ):
        assert main(["export", *given]) == status, given
        assert said in capsys.readouterr().err
    assert not os.path.exists(file) and not os.path.exists(page)


def test_who_only_takes_tables_along_never_loads_torch(command, trained, tmp_path):
    code = (
        "import sys; from ncengine.cli.main import main; "
        f"main(['export', {trained.key!r}, '--csv', {str(tmp_path)!r}, "
        f"'--run', {str(tmp_path / 'run.npz')!r}]); sys.exit('torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, timeout=120)
    assert done.returncode == 0, done.stderr
