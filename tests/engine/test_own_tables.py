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
