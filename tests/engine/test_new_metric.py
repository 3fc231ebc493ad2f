"""The recipe of CONTRIBUTING.md: a new metric is a file and an entry, no more."""

import json

import numpy as np
import pytest

from ncengine.config import RunConfig
from ncengine.runs.store import Store
from ncengine.version import ENGINE_VERSION
from tests.engine.recipes import BEFORE, LOOKS, QUICK, House

FILE = "ncengine/metrics/class_distance.py"
CATALOGUE = "ncengine/catalogue/metrics.py"

MEASURE = '''"""The class-distance normalised variance (Galanti, György and Hutter, 2022)."""

from __future__ import annotations

from ncengine.metrics.arrays import Array, double, square
from ncengine.metrics.measures import Samples, measures


@measures("cdnv")
def class_distance_normalised_variance(samples: Samples) -> Array:
    """Mean over pairs of classes of their mean variance over the squared distance of means."""
    xp, groups = samples.xp, samples.groups
    squares = double(xp, square(xp, groups.in_a_row(samples.deviations)))
    classes = range(groups.classes)
    each = [xp.mean(squares[..., groups.labels == k], axis=-1) for k in classes]
    means = [samples.means[..., k, :] for k in classes]
    pairs = [
        (each[k] + each[m]) / 2 / square(xp, means[k] - means[m]) for k in classes for m in range(k)
    ]
    return sum(pairs) / len(pairs)
'''

ENTRY = """    Metric(
        "cdnv",
        "CDNV",
        "How much two classes overlap: their variance over the distance of their means.",
        _of(Of.FEATURES, Of.TEST, Of.LAYER),
        OCHRE,
        since=NEXT,
        shown=EVERYWHERE,
        shown_of_test=frozenset({Place.CURVES}),
    ),
""".replace("NEXT", str(int(ENGINE_VERSION) + 1))

# What the engine without the metric has trained, and what the gallery ships, in the new house.
OPENED = """
import json, sys
import numpy as np
from ncengine.config import RunConfig
from ncengine.runs.store import Store
store = Store()
run = store.open(RunConfig(**json.loads(sys.argv[1])))
for values in (run.curves["cdnv"], run.curves["test_cdnv"], run.layers.cdnv):
    assert values.size and np.isnan(values).all()
for entry in store.gallery.entries()[::30]:
    curves = store.gallery.open(entry["key"]).curves
    assert np.isnan(curves["cdnv"]).all() and np.isfinite(curves["nc1"]).any()
print(json.dumps([run.status, run.curves["nc1"].tolist(), store.gallery.damaged()]))
"""


@pytest.fixture(scope="module")
def house(tmp_path_factory):
    """A copy of app and engine to which the metric was added by the recipe."""
    copy = House(tmp_path_factory.mktemp("house"))
    copy.add(FILE, MEASURE)
    copy.insert(CATALOGUE, before=")\n\nMETRICS: Mapping", text=ENTRY)
    return copy


def test_it_touches_its_file_and_its_entry(house):
    assert house.changed() == {FILE, CATALOGUE}


def test_what_was_trained_before_and_what_is_shipped_stay_as_they_are(house):
    before = Store(house.cache).open(BEFORE)
    given = json.dumps({name: getattr(BEFORE, name) for name in BEFORE.set_fields()})
    status, nc1, damaged = json.loads(house.run("-c", OPENED, given))
    assert (status, damaged) == ("done", [])
    np.testing.assert_array_equal(nc1, before.curves["nc1"])
    tests = ["pytest", "tests/engine/test_catalogue.py", "tests/engine/test_rank.py"]
    *looks, page = house.tried(*LOOKS, tests, address=BEFORE.query())
    house.assert_all_is_as_before(*looks)
    assert "CDNV" in page.out and f"not recorded by version {ENGINE_VERSION}" in page.out


def test_it_is_measured_and_stands_wherever_metrics_do(house):
    said, table = house.tried(["train", *QUICK, "--json"], ["train", *QUICK])
    trained = json.loads(said.out)
    # As the engine without it reads the features, of all samples, in half precision.
    config = RunConfig(depth=3, width=8, classes=3, samples_per_class=10, epochs=60, seeds=(0, 1))
    geometry = Store(house.cache).open(config).geometry
    for r, seed in enumerate(trained["seeds"]):
        expected = by_definition(geometry.features[-1, r].astype(float), geometry.labels)
        assert seed["cdnv"] == pytest.approx(expected, rel=0.02)
        assert 0 < seed["test_cdnv"] < 100
    assert [np.shape(one["cdnv"]) for one in trained["layers"]] == [(3,), (3,)]
    assert "cdnv" in table.out


def by_definition(features, labels):
    pairs = []
    for k in range(3):
        for m in range(k):
            one, other = features[labels == k], features[labels == m]
            variance = (one.var(0).sum() + other.var(0).sum()) / 2
            pairs.append(variance / ((one.mean(0) - other.mean(0)) ** 2).sum())
    return np.mean(pairs)
