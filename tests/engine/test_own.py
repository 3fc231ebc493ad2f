"""Files from elsewhere: what is kept of them is what the arrays in them measure."""

import io
import json

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from PIL import Image

import ncengine
from ncengine import own
from ncengine.analysis.projection import project
from ncengine.cli.main import main
from ncengine.own import recording as recording_room
from ncengine.own import terms
from ncengine.recorder import written
from ncengine.runs.recorded import About, recording, recordings
from tests.engine.brought import (
    CLASSES,
    SAMPLES,
    STEPS,
    WIDTH,
    arrays,
    csv,
    files,
    npy,
    npz,
    parquet,
    read,
    refusal,
    table,
)


def plain_figures(features, labels, weight, bias):
    """NC1, CDNV, NC4, accuracy and NC2a by loops in float64, from the definitions."""
    features, weight, bias = (np.asarray(one, float) for one in (features, weight, bias))
    numbers = range(len(weight))
    means = [np.mean([x for x, k in zip(features, labels) if k == j], axis=0) for j in numbers]
    centre = sum(means) / len(means)
    within = sum(np.sum((x - means[k]) ** 2) for x, k in zip(features, labels)) / len(labels)
    between = sum(np.sum((mean - centre) ** 2) for mean in means) / len(means)
    spread = [
        np.mean([np.sum((x - means[j]) ** 2) for x, k in zip(features, labels) if k == j])
        for j in numbers
    ]
    pairs = [
        (spread[a] + spread[b]) / (2 * np.sum((means[a] - means[b]) ** 2))
        for a in numbers
        for b in numbers
        if a != b
    ]
    nearest = [min(numbers, key=lambda j: np.sum((x - means[j]) ** 2)) for x in features]
    picked = [max(numbers, key=lambda j: weight[j] @ x + bias[j]) for x in features]
    gram = weight @ weight.T
    simplex = np.eye(len(weight)) - 1 / len(weight)
    unit = [one / np.linalg.norm(one) for one in (gram, simplex)]
    cosines = [
        weight[k] @ x / np.linalg.norm(weight[k]) / np.linalg.norm(x)
        for x, k in zip(features - centre, labels)
    ]
    return {
        "nc1": within / between,
        "cdnv": np.mean(pairs),
        "nc4": np.mean([a != b for a, b in zip(nearest, picked)]),
        "accuracy": np.mean([a == b for a, b in zip(picked, labels)]),
        "nc2_frobenius_rows": np.linalg.norm(unit[0] - unit[1]),
    }, cosines


def recorded(brought, root):
    key = own.record(brought, root)
    found = recording(key, root)
    assert found is not None and found.ended
    return found


def test_figures_are_those_of_the_arrays_by_loops(tmp_path):
    made = arrays()
    found = recorded(read(run__npz=npz(**made)), tmp_path)
    assert found.steps.tolist() == [0, 1, 2]
    for n in range(STEPS):
        parts = (made["features"][n], made["labels"], made["weight"][n], made["bias"][n])
        expected, _ = plain_figures(*parts)
        for name, value in expected.items():
            assert found.figures[name][n] == pytest.approx(value, rel=1e-9, abs=1e-12), name
        observed = ncengine.Recorder().observe(*parts)
        for name, value in observed.numbers().items():
            # A recorder takes torch's, whose sums go another way.
            assert found.figures[name][n] == pytest.approx(value, rel=1e-9, abs=1e-12), name


def test_points_are_the_first_samples_of_each_class(tmp_path, monkeypatch):
    monkeypatch.setattr(recording_room, "SHOWN", 12)
    made = arrays()
    found = recorded(read(run__npz=npz(**made)), tmp_path)
    assert (found.about.classes, found.about.width) == (CLASSES, WIDTH)
    geometry, index = found.geometry, []
    for k in range(CLASSES):
        index += [n for n, label in enumerate(made["labels"]) if label == k][:4]
    assert geometry.labels.tolist() == [0] * 4 + [1] * 4 + [2] * 4
    expected = made["features"][:, index].astype(np.float16)
    np.testing.assert_array_equal(geometry.features[:, 0], expected)
    np.testing.assert_array_equal(geometry.classifier[:, 0], made["weight"])
    for k in range(CLASSES):
        mean = made["features"][:, made["labels"] == k].astype(float).mean(1)
        np.testing.assert_allclose(geometry.class_means[:, 0, k], mean, rtol=1e-6)


def test_as_many_points_are_kept_as_a_recorder_keeps():
    assert recording_room.SHOWN == written.SHOWN
    assert recording_room.MOST_BYTES == written.MOST_BYTES


def test_all_forms_of_the_same_arrays_are_the_same():
    made = arrays()
    features, labels = made["features"], made["labels"]
    names = np.array(["ant", "bee", "cow"])
    many = np.tile(labels, STEPS)
    rows = features.reshape(-1, WIDTH)
    epochs = np.repeat([5, 10, 20], SAMPLES)
    forms = [
        read(a__npz=npz(H=features, y=labels.astype(float), epochs=[5, 10, 20])),
        read(a__npz=npz(embeddings=features, targets=np.eye(3)[labels], steps=[5, 10, 20])),
        read(
            **{
                f"a_{n}__npz": npz(x=f, label=labels[:, None])
                for n, f in zip((5, 10, 20), features)
            }
        ),
        read(
            labels__npy=npy(labels.astype(">u2")),
            **{f"epoch_{n}_features__npy": npy(f) for n, f in zip((5, 10, 20), features)},
        ),
        read(
            **{f"labels_{n}__npy": npy(labels) for n in (5, 10, 20)},
            **{
                f"features_{n}__npy": npy(np.asfortranarray(f))
                for n, f in zip((5, 10, 20), features)
            },
        ),
        read(a__csv=csv(rows, many, epoch=epochs)),
        read(a__csv=csv(rows, many, step=epochs).replace(b",", b";")),
        read(a__parquet=parquet(table(rows, many, epoch=epochs))),
        read(a__parquet=parquet(pa.table({"h": list(rows), "y": many, "epoch": epochs}))),
    ]
    for brought in forms:
        assert [one.step for one in brought.snapshots] == [5, 10, 20]
        assert brought.class_names == () and brought.head == ""
        for one, expected in zip(brought.snapshots, features):
            np.testing.assert_array_equal(one.features.astype(np.float32), expected)
            np.testing.assert_array_equal(one.labels, labels)
            assert one.weight is None
    for brought in (
        read(a__npz=npz(H=features, y=names[labels])),
        read(
            a__parquet=parquet(table(rows, pa.array(names[many]).dictionary_encode(), epoch=epochs))
        ),
        read(a__csv=csv(rows, names[many], epoch=epochs)),
    ):
        assert brought.class_names == ("ant", "bee", "cow")
        for one in brought.snapshots:
            np.testing.assert_array_equal(one.labels, labels)


@pytest.mark.parametrize("kind", ["f2", ">f4", "f8", ">f8", "i2", "u1", "longdouble"])
def test_numbers_of_any_type_are_the_same_numbers(kind):
    whole = np.arange(SAMPLES * WIDTH).reshape(SAMPLES, WIDTH)
    labels = np.arange(SAMPLES) % CLASSES
    brought = read(a__npz=npz(features=whole.astype(kind), labels=labels))
    np.testing.assert_array_equal(brought.snapshots[0].features, whole)


def test_bfloat16_is_read_as_numpy_saves_it():
    whole = np.arange(SAMPLES * WIDTH, dtype=np.float32).reshape(SAMPLES, WIDTH)
    # What is above 256 is rounded to 8 bits: of these numbers none is.
    saved = (whole.view(np.uint32) >> 16).astype(np.uint16).view("V2")
    brought = read(a__npz=npz(features=saved, labels=np.arange(SAMPLES) % CLASSES))
    np.testing.assert_array_equal(brought.snapshots[0].features, whole)


def test_a_weight_that_lies_the_other_way_is_turned_and_told(tmp_path):
    made = arrays()
    plain = recorded(read(a__npz=npz(**made)), tmp_path)
    turned = {**made, "weight": made["weight"].swapaxes(1, 2)}
    brought = read(a__npz=npz(**turned))
    assert brought.notes[0] == (
        "a.npz: weight is (5, 3): columns were taken for classes, as Keras and JAX have it"
    )
    found = recorded(brought, tmp_path)
    for name, values in plain.figures.items():
        np.testing.assert_array_equal(found.figures[name], values)
    labels = np.arange(20) % 5
    square = npz(features=np.random.default_rng(0).normal(size=(20, 5)), y=labels, W=np.eye(5))
    assert "a.npz: W is square" in " ".join(read(a__npz=square).notes)


def test_a_weight_may_be_a_table_of_its_own():
    made = arrays()
    rows = csv(made["features"][0], made["labels"])
    weight = pd.DataFrame(made["weight"][0].astype(float)).assign(
        bias=made["bias"][0].astype(float)
    )
    file = weight.to_csv(index=False).encode()
    brought = read(samples__csv=rows, weights__csv=file)
    np.testing.assert_array_equal(brought.snapshots[0].weight, made["weight"][0])
    np.testing.assert_array_equal(brought.snapshots[0].bias, made["bias"][0])
    bare = io.BytesIO()
    np.savetxt(bare, made["weight"][0], delimiter=",")
    brought = read(samples__csv=rows, weight__csv=bare.getvalue())
    np.testing.assert_allclose(brought.snapshots[0].weight, made["weight"][0])


def test_labels_that_do_not_begin_at_0_are_mapped_in_order():
    made = arrays()
    values = np.array([3, 5, 8])
    brought = read(a__npz=npz(**{**made, "labels": values[made["labels"]]}))
    np.testing.assert_array_equal(brought.snapshots[0].labels, made["labels"])
    assert "The labels 3, 5, 8 are the classes 0 to 2, in order" in brought.notes
    assert brought.class_names == ("3", "5", "8")
    named = np.array([f"class {n}" for n in range(9)])
    brought = read(a__npz=npz(**{**made, "labels": values[made["labels"]]}, class_names=named))
    assert brought.class_names == ("class 3", "class 5", "class 8")


def test_labels_that_are_texts_are_in_the_order_of_the_classes_names_or_of_the_alphabet():
    made, words = arrays(), np.array(["cow", "ant", "bee"])
    texts = words[made["labels"]]
    brought = read(a__npz=npz(**{**made, "labels": texts}, class_names=words))
    np.testing.assert_array_equal(brought.snapshots[0].labels, made["labels"])
    assert brought.class_names == ("cow", "ant", "bee")
    brought = read(a__npz=npz(**{**made, "labels": texts}))
    np.testing.assert_array_equal(brought.snapshots[0].labels, np.array([2, 0, 1])[made["labels"]])
    assert brought.class_names == ("ant", "bee", "cow")
    assert "were taken for them in alphabetical order" in brought.notes[0]
    few = np.where(texts == "cow", "ant", texts)
    said = refusal(a__npz=npz(**{**made, "labels": few}))
    assert said.startswith("a.npz: labels: class 2 has no sample; each of the 3 classes")


def test_without_a_weight_figures_are_of_the_features_alone(tmp_path):
    made = arrays()
    brought = read(a__npz=npz(features=made["features"], labels=made["labels"]))
    assert "There is no weight" in brought.notes[0]
    found = recorded(brought, tmp_path)
    parts = (made["features"][1], made["labels"], made["weight"][1], made["bias"][1])
    expected, _ = plain_figures(*parts)
    assert found.figures["nc1"][1] == pytest.approx(expected["nc1"], rel=1e-9)
    assert {"nc2a", "nc3", "nc4", "accuracy"}.isdisjoint(found.figures)
    # Where there are no rows, the player shows class means alone.
    shown = project(found.geometry, 0)
    assert shown.epoch.tolist() == [0, 1, 2] and not shown.classifier.any()
    for values in (shown.points, shown.means, shown.classifier, shown.ideal):
        assert np.isfinite(values).all()


def test_unequal_classes_are_told_by_what_their_training_leads_to(tmp_path):
    made = arrays()
    kept = np.flatnonzero((made["labels"] != 0) | (np.arange(SAMPLES) < 12))
    some = {**made, "features": made["features"][:, kept], "labels": made["labels"][kept]}
    assert np.bincount(some["labels"]).max() > 1.5 * np.bincount(some["labels"]).min()
    assert recorded(read(a__npz=npz(**some)), tmp_path).about.ideal == "seli"


@pytest.mark.parametrize("form", ["bytes", "floats", "first", "grey", "last"])
def test_pictures_become_bytes_whatever_their_form(form):
    made = arrays()
    rng = np.random.default_rng(0)
    bytes_ = rng.integers(0, 256, (SAMPLES, 8, 6, 3), dtype=np.uint8)
    given, expected = {
        "bytes": (bytes_, bytes_),
        "floats": (bytes_ / 255, bytes_),
        "first": (np.moveaxis(bytes_, 3, 1), bytes_),
        "grey": (bytes_[..., :1], bytes_[..., 0]),
        "last": (np.concatenate([bytes_, bytes_[..., :1]], -1), bytes_),
    }[form]
    brought = read(a__npz=npz(**made, images=given))
    np.testing.assert_array_equal(brought.thumbnails, expected)


def test_pictures_that_are_kept_are_those_of_the_points_and_small(tmp_path, monkeypatch):
    kept = {}

    class Seen(recording_room.Writer):
        def append(self, step, figures, points):
            kept[step] = points
            super().append(step, figures, points)

    monkeypatch.setattr(recording_room, "Writer", Seen)
    made = arrays()
    pictures = (
        np.zeros((SAMPLES, 256, 128), np.uint8) + np.arange(SAMPLES, dtype=np.uint8)[:, None, None]
    )
    own.record(read(a__npz=npz(**made, images=pictures)), tmp_path)
    shown = kept[2.0]["thumbnails"]
    assert shown.shape == (SAMPLES, 64, 32) and "thumbnails" not in kept[0.0]
    np.testing.assert_array_equal(made["labels"][shown[:, 0, 0]], kept[2.0]["labels"])
    assert Image.fromarray(shown[0]).size == (32, 64)


def test_steps_told_and_progress(tmp_path):
    heard = []
    brought = read(a__npz=npz(**arrays()))
    key = own.record(brought, tmp_path, name="Named", told=lambda *now: heard.append(now))
    assert heard == [(1, 3), (2, 3), (3, 3)]
    about = recording(key, tmp_path).about
    assert about.name == "Named" and about.head == "last layer: 5 → 3"
    if "origin" in About.__dataclass_fields__:
        assert about.origin == "files"
    with pytest.raises(ValueError, match="name = "):
        own.record(brought, tmp_path, name=" ")
    assert len(recordings(tmp_path)) == 1


def test_steps_of_many_digits_are_told_apart():
    made = arrays()
    several = {f"h_{1234567 + n}__npy": npy(one) for n, one in enumerate(made["features"])}
    brought = read(labels__npy=npy(made["labels"]), **several)
    assert [one.step for one in brought.snapshots] == [1234567, 1234568, 1234569]


@pytest.mark.parametrize(
    "stem, role, number",
    [
        ("features", "features", None),
        ("epoch_010_features", "features", 10),
        ("features_10", "features", 10),
        ("resnet18_epoch3_fc2.weight", "weight", 3),
        ("y_train", "labels", None),
        ("class_names", "class_names", None),
        ("H-step-2.5", "features", 2.5),
        ("head_bias", "bias", None),
        ("run 7", None, 7),
        ("epochs", "steps", None),
    ],
)
def test_what_a_file_is_follows_from_its_name(stem, role, number):
    found = terms.of_file(stem)
    assert (found.role, found.number) == (role, number)


def test_what_a_recorder_saved_is_read_back(tmp_path):
    made, recorder = arrays(), ncengine.Recorder(name="first", cache=tmp_path / "a")
    for n in range(STEPS):
        parts = (made["features"][n], made["labels"], made["weight"][n], made["bias"][n])
        recorder.observe(*parts, step=2 * n, loss=1.0 / (n + 1))
    path = recorder.save(tmp_path / "saved.npz")
    recorder.close()
    (first,) = recordings(tmp_path / "a")
    found = recorded(own.read([("saved.npz", path)]), tmp_path / "b")
    assert found.figures.keys() == first.figures.keys()
    for name, values in first.figures.items():
        np.testing.assert_array_equal(found.figures[name], values)
    np.testing.assert_array_equal(found.steps, [0, 2, 4])
    for name in ("class_means", "classifier", "features", "labels", "epoch"):
        np.testing.assert_array_equal(getattr(found.geometry, name), getattr(first.geometry, name))
    with pytest.raises(ValueError, match="saved.npz: is a whole recording; bring it without other"):
        own.read([("saved.npz", path), *files({"labels.npy": npy(made["labels"])})])


def test_the_command_line_reads_a_folder(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("NCENGINE_CACHE", str(tmp_path / "cache"))
    made, folder = arrays(), tmp_path / "mine"
    folder.mkdir()
    for n in range(STEPS):
        (folder / f"epoch_{10 * n}_features.npy").write_bytes(npy(made["features"][n]))
        (folder / f"epoch_{10 * n}_weight.npy").write_bytes(npy(made["weight"][n]))
    (folder / "labels.npy").write_bytes(npy(made["labels"]))
    (folder / "notes.txt").write_text("of mine")
    assert main(["record", str(folder), "--name", "Mine", "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    found = recording(said["key"], tmp_path / "cache")
    assert found.about.name == said["name"] == "Mine"
    assert [row["step"] for row in said["snapshots"]] == [0, 10, 20]
    for n, row in enumerate(said["snapshots"]):
        assert row["nc1"] == found.figures["nc1"][n]
    assert main(["record", *map(str, sorted(folder.glob("*.npy")))]) == 0
    out = capsys.readouterr().out
    assert "3 classes, width 5" in out and "nc1" in out
    (folder / "labels.npy").write_bytes(npy(made["labels"][:-1]))
    assert main(["record", str(folder)]) == 1
    err = capsys.readouterr().err
    assert err.startswith("ncengine: labels.npy is (23,): fewer labels than the 24 samples")
    assert main(["record", str(tmp_path / "absent")]) == 1
    assert "absent: no such file" in capsys.readouterr().err
    assert len(recordings(tmp_path / "cache")) == 2
