"""Tables as spreadsheets write them, and columns that are not quite numbers."""

import io

import numpy as np
import pandas as pd
import pytest

from ncengine import own

RNG = np.random.default_rng(0)
FEATURES, LABELS = RNG.normal(size=(40, 6)).round(4), np.arange(40) % 4
NAMES = [f"f{n}" for n in range(6)]


def text(label=LABELS, **options):
    frame = pd.DataFrame(FEATURES, columns=NAMES)
    if label is not None:
        frame["label"] = label
    return frame.to_csv(index=False, **options)


def read(content, name="a.csv", *others):
    content = content.encode() if isinstance(content, str) else content
    return own.read([(name, io.BytesIO(content)), *others])


def labels_file():
    file = io.BytesIO()
    np.save(file, LABELS)
    return "labels.npy", io.BytesIO(file.getvalue())


@pytest.mark.parametrize("separator", [";", "\t"])
@pytest.mark.parametrize("label", [LABELS, [f"a,{k}" for k in LABELS]], ids=["numbers", "texts"])
@pytest.mark.parametrize("start", ["", "\ufeff"], ids=["plain", "marked"])
def test_numbers_with_decimal_commas_are_read_whole(separator, label, start):
    came = read(start + text(label, sep=separator, decimal=",", lineterminator="\r\n"))
    np.testing.assert_allclose(came.snapshots[0].features, FEATURES)
    assert np.array_equal(came.snapshots[0].labels, LABELS)


@pytest.mark.parametrize("separator", [";", "\t"])
def test_so_they_are_without_names_of_columns(separator):
    content = text(None, sep=separator, decimal=",", header=False)
    came = read(content, "features.csv", labels_file())
    np.testing.assert_allclose(came.snapshots[0].features, FEATURES)


def test_labels_with_commas_do_not_make_points_commas():
    came = read(text([f"1,{k}" for k in LABELS], sep=";"))
    np.testing.assert_allclose(came.snapshots[0].features, FEATURES)
    assert came.class_names == ("1,0", "1,1", "1,2", "1,3")


@pytest.mark.parametrize("cell", ["1,234.5", "0x1F", "1.2.3", "?"])
def test_a_column_of_numbers_with_one_that_is_none_is_not_left_out(cell):
    frame = pd.DataFrame(FEATURES, columns=NAMES).astype(object).assign(label=LABELS)
    frame.loc[3, "f2"] = cell
    with pytest.raises(ValueError, match="a.csv: f2 holds numbers, and "):
        read(frame.to_csv(index=False))


def test_columns_of_texts_are_left_out_and_told():
    frame = pd.DataFrame(FEATURES, columns=NAMES).assign(label=LABELS)
    frame["path"] = [f"img{n}.png" for n in range(40)]
    came = read(frame.to_csv(index=False))
    assert came.width == 6 and "a.csv: path is not read" in came.notes


def test_other_text_than_utf_8_is_told():
    with pytest.raises(ValueError, match="a.csv: is no text in UTF-8"):
        read(text([f"Ü{k}" for k in LABELS]).encode("cp1252"))


@pytest.mark.parametrize("column", ["label", "epoch"])
def test_columns_of_a_kind_that_is_not_read_are_told(column):
    frame = pd.DataFrame(FEATURES, columns=NAMES).assign(label=LABELS)
    frame[column] = [b"x"] * 40 if column == "label" else pd.Timestamp("2020-01-01")
    file = io.BytesIO()
    frame.to_parquet(file)
    with pytest.raises(ValueError, match=f"a.parquet: {column} holds .*; must be numbers"):
        own.read([("a.parquet", file)])


CLASSES = ["wren", "owl", "tit", "auk"]
WEIGHT = RNG.normal(size=(4, 6)).round(4)


def with_weight(weight, label=LABELS, features=None, name="weights.csv", **options):
    """Of samples and a last layer, each a table of its own."""
    frame = pd.DataFrame(FEATURES, columns=NAMES) if features is None else features
    rows = io.BytesIO(frame.assign(label=label).to_csv(index=False).encode())
    return own.read([("a.csv", rows), (name, io.BytesIO(weight.to_csv(**options).encode()))])


def row_of(came, sample):
    """The row of the last layer that is the sample's class's."""
    one = came.snapshots[0]
    return one.weight[one.labels[sample]]


@pytest.mark.parametrize("called", ["label", "class", "bird", None])
@pytest.mark.parametrize("order", [[0, 1, 2, 3], [2, 0, 3, 1]])
def test_a_row_of_the_last_layer_is_that_of_the_class_that_stands_in_it(called, order):
    weight = pd.DataFrame(WEIGHT, columns=NAMES, index=pd.Index(CLASSES, name=called)).iloc[order]
    came = with_weight(weight, [CLASSES[k] for k in LABELS])
    assert came.class_names == tuple(CLASSES[k] for k in order) and not came.notes
    for sample, k in enumerate(LABELS):
        np.testing.assert_allclose(row_of(came, sample), WEIGHT[k])
        assert came.class_names[came.snapshots[0].labels[sample]] == CLASSES[k]


@pytest.mark.parametrize("numbers", [[0, 1, 2, 3], [3, 5, 8, 13]])
def test_so_it_is_where_classes_are_numbers(numbers):
    order = [2, 0, 3, 1]
    weight = pd.DataFrame(WEIGHT, columns=NAMES).assign(label=numbers, bias=[0.0, 1.0, 2.0, 3.0])
    came = with_weight(weight.iloc[order], np.array(numbers)[LABELS], index=False)
    for sample, k in enumerate(LABELS):
        np.testing.assert_allclose(row_of(came, sample), WEIGHT[k])
    np.testing.assert_array_equal(came.snapshots[0].bias, [0.0, 1.0, 2.0, 3.0])


def test_two_rows_of_one_class_are_told():
    weight = pd.DataFrame(WEIGHT, columns=NAMES).assign(label=["owl", "auk", "owl", "tit"])
    with pytest.raises(ValueError, match="weights.csv: label: owl stands at 2 rows"):
        with_weight(weight, [CLASSES[k] for k in LABELS], index=False)


def test_snapshots_whose_last_layers_have_classes_in_other_orders_are_told():
    given = []
    for step, order in ((1, [0, 1, 2, 3]), (2, [1, 0, 2, 3])):
        rows = pd.DataFrame(FEATURES, columns=NAMES).assign(label=[CLASSES[k] for k in LABELS])
        weight = pd.DataFrame(WEIGHT, columns=NAMES).assign(label=CLASSES).iloc[order]
        for of, frame in (("features", rows), ("weight", weight)):
            file = io.BytesIO(frame.to_csv(index=False).encode())
            given.append((f"epoch_{step}_{of}.csv", file))
    with pytest.raises(ValueError, match="the classes are not those of epoch_1_weight.csv"):
        own.read(given)


def test_columns_of_the_last_layer_are_those_that_features_call_so():
    turned = pd.DataFrame(FEATURES, columns=NAMES)[NAMES[::-1]]
    came = with_weight(pd.DataFrame(WEIGHT, columns=NAMES), features=turned, index=False)
    one = came.snapshots[0]
    np.testing.assert_allclose(one.features @ one.weight.T, FEATURES @ WEIGHT.T, atol=1e-6)


def test_columns_that_nobody_named_are_no_row():
    came = with_weight(pd.DataFrame(WEIGHT), index=False)  # 0, 1, 2 … in the first line
    np.testing.assert_allclose(came.snapshots[0].weight, WEIGHT)
    features = io.BytesIO(pd.DataFrame(FEATURES).to_csv(index=False).encode())
    came = own.read([("features.csv", features), labels_file()])
    np.testing.assert_allclose(came.snapshots[0].features, FEATURES)
