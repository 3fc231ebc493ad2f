"""What cannot be a recording is refused by file, array, and what is allowed."""

import numpy as np
import pytest

from ncengine import own
from tests.engine.brought import arrays, files, npy, npz, refusal


def changed(**parts):
    return npz(**{**arrays(), **parts})


@pytest.mark.parametrize(
    "content, said",
    [
        (
            changed(features=np.zeros((9, 3, 8, 8))),
            "a.npz: features is (9, 3, 8, 8); must be (N, d)",
        ),
        (changed(features=np.zeros(9)), "a.npz: features is (9,); must be (N, d) or (T, N, d)"),
        (changed(features=np.zeros((0, 5))), "a.npz: features is (0, 5): there is nothing in it"),
        (changed(features=np.zeros((24, 5), "c8")), "a.npz: features: holds complex numbers"),
        (changed(features=np.zeros((24, 5), [("a", "f4")])), "is a structured array"),
        (changed(features=np.full((3, 24, 5), "x")), "a.npz: features holds texts"),
        (
            changed(features=np.full((3, 24, 5), np.inf)),
            "a.npz: features[0, 0] = inf; must be a finite",
        ),
        (changed(labels=np.zeros(23, int)), "a.npz: labels is (23,): fewer labels than the 24"),
        (changed(labels=np.zeros(25, int)), "a.npz: labels is (25,): more labels than the 24"),
        (changed(labels=np.arange(24) / 2), "a.npz: labels[1] = 0.5; must be a whole number"),
        (changed(labels=np.arange(24) % 2), "a.npz: labels: class 2 has no sample"),
        (changed(labels=np.arange(24) % 4), "has 4 different labels, 0, 1, 2, 3, and weight has 3"),
        (changed(labels=np.full((24, 3), 0.5)), "row 0 is not one 1 and zeros"),
        (changed(labels=np.array(["a", " "] * 12)), "a.npz: labels[1] is empty"),
        (changed(weight=np.zeros((3, 4))), "a.npz: weight is (3, 4); must be (K, 5) or (5, K)"),
        (changed(weight=np.full((3, 5), np.nan)), "a.npz: weight[0, 0] = nan; must be a finite"),
        (changed(bias=np.zeros(4)), "a.npz: bias is (4,); must be (3,), one a class"),
        (changed(steps=np.array([1, 1, 2])), "a.npz: steps are 1, 1, 2; each must be more"),
        (
            changed(labels=np.where(np.arange(24) % 3 == 1, -100, np.arange(24) % 3)),
            "a.npz: labels has labels -100, by which PyTorch's losses know samples of no class",
        ),
        (changed(steps=np.array([1, np.nan, 2])), "a.npz: steps are not finite; must be 3 numbers"),
        (changed(steps=np.arange(4)), "a.npz: steps is (4,); must be 3 numbers"),
        (changed(class_names=np.array(["a", "b"])), "class_names: there are 2; must be 3"),
        (changed(images=np.zeros((23, 8, 8))), "a.npz: images is (23, 8, 8), and a.npz: features"),
        (changed(images=np.full((24, 8, 8), -1.0)), "goes from -1 to -1; must be whole numbers 0"),
        (changed(images=np.zeros((24, 64))), "must be (N, h, w), (N, h, w, c) or (N, c, h, w)"),
        (npz(features=np.zeros((24, 5))), "a.npz: features: there are no labels beside it"),
        (npz(labels=np.zeros(24)), "a.npz: there are no features"),
        (npz(one=np.zeros(24)), "a.npz: its arrays are one; must be called features"),
        (
            npz(features=np.eye(4), labels=np.zeros(4)),
            "there is one class alone; must be at least 2",
        ),
        (b"", "a.npz: is empty"),
        (b"PK" + bytes(40), "a.npz: cannot be read (it is no whole .npz file"),
    ],
)
def test_what_is_wrong_is_said_by_file_array_and_what_is_allowed(content, said):
    assert said in refusal(a__npz=content)


def test_files_that_do_not_go_together_are_refused():
    made = arrays()
    one = {"features": made["features"][0], "labels": made["labels"]}
    narrow = {**one, "features": made["features"][0][:, :4]}
    assert refusal(a_1__npz=npz(**one), a_2__npz=npz(**narrow)) == (
        "a_2.npz: features has 4 columns, and a_1.npz: features has 5; must be the same at all "
        "snapshots"
    )
    assert "is the features of the same snapshot" in refusal(
        a_1__npz=npz(**one), b_1__npz=npz(**one)
    )
    weight = made["weight"][0]
    assert refusal(a_1__npz=npz(**one, weight=weight), a_2__npz=npz(**one)) == (
        "a_2.npz: features: has no weight, and other snapshots have"
    )
    assert refusal(a__npy=npy(weight)).startswith("a.npy: its name does not say what it is")
    assert refusal(a__gif=b"GIF") == "a.gif: must end in .npz, .npy, .csv, .parquet"
    assert refusal() == "there is no file; must be one or several of .npz, .npy, .csv, .parquet"
    assert "its first line must name the columns" in refusal(a__csv=b"1,2,0\n3,4,1\n")


def test_limits_are_said():
    small = own.Limits(file=10**5, memory=10**4, samples=30, width=8, classes=4, snapshots=2)
    features, labels = np.zeros((24, 5), np.float32), np.arange(24) % 2

    def said(**parts):
        with pytest.raises(ValueError) as caught:
            own.read(
                files({"a.npz": npz(**{"features": features, "labels": labels, **parts})}), small
            )
        return str(caught.value)

    assert "a.npz: features: 31 samples; 30 at most" in said(features=np.zeros((31, 5), "f4"))
    assert "a.npz: features: 9 columns; 8 at most" in said(features=np.zeros((24, 9), "f4"))
    assert "a.npz: labels: 5 classes; 4 at most" in said(labels=np.arange(24) % 5)
    assert "3 snapshots; 2 at most" in said(features=np.zeros((3, 24, 5), "f4"))
    assert "unpacked it takes" in said(features=np.zeros((24, 60)))
    assert "a.npz: 1" in (big := said(features=np.zeros((300, 60)))) and "100,000 at most" in big
