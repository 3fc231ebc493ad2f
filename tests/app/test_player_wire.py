"""The player's message, taken apart with nothing but struct and json."""

import json
import struct
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.player.wire import About, Trajectory, pack

G, S, T, K = 3, 5, 2, 2
NAMES = ["even", "ödd"]
COLORS = ["#112233", "#445566"]


NO_FRAMES = {
    "points": (S, 3),
    "means": (K, 3),
    "classifier": (K, 3),
    "ideal": (K, 3),
    "distance": (S,),
    "test_points": (T, 3),
    "test_distance": (T,),
    "epoch": (),
    "variance_share": (),
    "variance_share_2d": (),
    "angle_error": (),
}


def projection(seed=0, **changed):
    rng = np.random.default_rng(seed)
    fields = {
        "epoch": np.array([0, 10, 250]),
        "points": rng.normal(size=(G, S, 3)).astype(np.float32),
        "means": rng.normal(size=(G, K, 3)).astype(np.float32),
        "classifier": 7 * rng.normal(size=(G, K, 3)).astype(np.float32),
        "ideal": rng.normal(size=(G, K, 3)).astype(np.float32),
        "labels": np.array([0, 0, 1, 1, 1]),
        "distance": rng.uniform(0, 3, size=(G, S)),
        "test_points": rng.normal(size=(G, T, 3)).astype(np.float32),
        "test_labels": np.array([1, 1]),
        "test_distance": rng.uniform(0, 3, size=(G, T)),
        "variance_share": np.array([0.5, 0.75, 1.0]),
        "variance_share_2d": np.array([0.25, 0.5, 0.625]),
        "angle_error": np.array([np.nan, 40.5, 1.25]),
        "focus": (0, 1),
        "exact": True,
        "exact_2d": False,
        "has_rows": True,
        "ideal_fits": True,
        "ideal_proved": True,
        "edges": ((0, 1),),
    }
    return SimpleNamespace(**(fields | changed))


def message(shown=None, run="a", names=NAMES, colors=COLORS, live=False, start=None, **options):
    about = About(run=run, class_names=names, colors=colors, live=live, start=start or {})
    return pack(shown or projection(), about, **options)


def header_and_body(raw):
    (length,) = struct.unpack_from("<I", raw)
    return json.loads(raw[4 : 4 + length]), raw[4 + length :]


def numbers(raw, name):
    """The array of that name as a flat list of Python integers."""
    header, body = header_and_body(raw)
    dtype, offset, size = header["arrays"][name]
    code = {"int16": "h", "uint16": "H", "uint8": "B"}[dtype]
    return list(struct.unpack_from(f"<{size}{code}", body, offset))


@given(seed=st.integers(0, 2**32 - 1), reach=st.sampled_from([1e-6, 1.0, 1e3]))
def test_coordinates_come_back_to_within_half_a_step_of_int16(seed, reach):
    for name in ("points", "means", "classifier", "ideal"):
        values = reach * getattr(projection(seed), name)
        raw = message(projection(seed, **{name: values}))
        step = header_and_body(raw)[0]["scales"][name]
        assert step <= np.abs(values).max() / 32767 * 1.0001
        restored = [v * step for v in numbers(raw, name)]
        assert restored == pytest.approx(values.ravel().tolist(), abs=0.5001 * step)


def test_distances_come_back_in_the_order_of_frames_then_samples():
    shown = projection()
    raw = message(shown)
    step = header_and_body(raw)[0]["scales"]["distance"]
    assert numbers(raw, "distance")[2 * S + 4] * step == pytest.approx(
        float(shown.distance[2, 4]), abs=step
    )


def test_the_header_says_what_to_draw():
    header, _ = header_and_body(message(live=True, start={"epoch": 10, "view": "2d"}))
    assert (header["frames"], header["samples"], header["classes"]) == (G, S, K)
    assert header["names"] == NAMES and header["colors"] == COLORS
    assert header["epoch"] == [0, 10, 250]
    assert header["angle_error"] == [None, 40.5, 1.25]
    assert header["variance_share_2d"] == [0.25, 0.5, 0.625]
    assert header["focus"] == [0, 1] and header["edges"] == [[0, 1]]
    assert header["ideal_fits"] is True
    assert header["ideal_proved"] is True
    assert header["live"] is True and header["run"] == "a"
    assert header["exact"] is True and header["exact_2d"] is False
    assert header["start"] == {"epoch": 10, "view": "2d"}
    assert header["thumbnail_shape"] is None and header["captions"] is None
    assert header["trained"] == S


@given(length=st.integers(0, 9))
def test_every_array_starts_at_a_multiple_of_four_bytes(length):
    raw = message(run="é" * length)
    (header_length,) = struct.unpack_from("<I", raw)
    assert header_length % 4 == 0
    assert all(offset % 4 == 0 for _, offset, _ in header_and_body(raw)[0]["arrays"].values())


@pytest.mark.parametrize(("shape", "told"), [((S, 2, 3), [2, 3, 1]), ((S, 2, 4, 3), [2, 4, 3])])
def test_thumbnails_travel_as_they_are(shape, told):
    images = np.random.default_rng(1).integers(0, 256, shape).astype(np.uint8)
    raw = message(thumbnails=images)
    assert header_and_body(raw)[0]["thumbnail_shape"] == told
    assert numbers(raw, "thumbnails") == images.ravel().tolist()


def test_test_samples_follow_the_training_samples_in_every_array():
    shown = projection()
    images = np.arange((S + T) * 4, dtype=np.uint8).reshape(S + T, 2, 2)
    captions = [f"sample {n} <b>&" for n in range(S + T)]
    raw = message(shown, test=True, thumbnails=images, captions=captions)
    header, _ = header_and_body(raw)
    assert (header["samples"], header["trained"]) == (S + T, S)
    assert header["captions"] == captions
    assert numbers(raw, "labels") == [0, 0, 1, 1, 1, 1, 1]
    assert numbers(raw, "thumbnails") == list(range((S + T) * 4))
    for name, size in (("points", 3), ("distance", 1)):
        flat = numbers(raw, name)
        restored = np.array(flat).reshape(G, S + T, size) * header["scales"][name]
        for g in range(G):
            expected = np.concatenate([getattr(shown, name)[g], getattr(shown, f"test_{name}")[g]])
            assert restored[g].ravel() == pytest.approx(expected.ravel(), abs=1e-3)


def test_without_the_toggle_nothing_of_the_test_samples_travels():
    without = projection(test_points=np.empty((G, 0, 3)), test_labels=np.empty(0, int),
                         test_distance=np.empty((G, 0)))  # fmt: skip
    assert message(projection()) == message(without) == message(without, test=True)


def test_all_zero_coordinates_are_no_division_by_zero():
    raw = message(projection(means=np.zeros((G, K, 3))))
    assert numbers(raw, "means") == [0] * (G * K * 3)


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({name: np.zeros((0, *shape)) for name, shape in NO_FRAMES.items()}, "epoch: no snapshot"),
        ({"points": np.full((G, S, 3), np.nan)}, "points: not finite"),
        ({"ideal": np.zeros((G, K, 2))}, r"ideal: shape \(3, 2, 2\), allowed is \(3, 2, 3\)"),
        ({"labels": np.array([0, 1, 2, 0, 1])}, "labels: up to 2, allowed are 0 to 1"),
        ({"test_labels": np.array([0, 2])}, "test_labels: up to 2, allowed are 0 to 1"),
        ({"test_points": np.zeros((2, T, 3))}, r"test_points: shape \(2, 2, 3\), allowed is"),
    ],
)
def test_a_bad_field_is_named_with_what_is_allowed(changed, told):
    with pytest.raises(ValueError, match=told):
        message(projection(**changed))


def test_bad_names_colours_and_thumbnails_are_named():
    with pytest.raises(ValueError, match="class_names: 1 names, allowed are exactly 2"):
        message(names=["one"])
    with pytest.raises(ValueError, match="colors: none given"):
        message(colors=[])
    with pytest.raises(ValueError, match="captions: 1 texts, allowed are exactly 5"):
        message(captions=["one"])
    with pytest.raises(ValueError, match="thumbnails: float64"):
        message(thumbnails=np.zeros((S, 2, 2)))


def trajectory(layers=4, samples=(0, 3), moment=10, seed=1):
    """A trajectory through some layers, of some of the samples."""
    rng = np.random.default_rng(seed)
    shape = (layers, len(samples))
    there = projection(
        epoch=np.arange(1, layers + 1),
        **{name: rng.normal(size=(layers, K, 3)) for name in ("means", "classifier", "ideal")},
        points=rng.normal(size=(*shape, 3)),
        distance=rng.uniform(0, 3, size=shape),
        labels=np.array([0, 0, 1, 1, 1])[list(samples)],
        test_points=np.zeros((layers, 0, 3)),
        test_distance=np.zeros((layers, 0)),
        test_labels=np.zeros(0, int),
        **{name: np.full(layers, 0.5) for name in ("variance_share", "variance_share_2d")},
        angle_error=np.full(layers, 2.0),
    )
    return Trajectory(moment, np.array(samples), there)


def test_ways_through_the_layers_travel_with_the_film():
    trajectories = [trajectory(), trajectory(moment=250, seed=2)]
    raw = message(trajectories=trajectories, test=True)
    header, _ = header_and_body(raw)
    assert header["frames"] == G and header["samples"] == S + T
    assert [one["moment"] for one in header["ways"]] == [10, 250]
    for n, (one, head) in enumerate(zip(trajectories, header["ways"], strict=True)):
        assert (head["frames"], head["samples"], head["trained"]) == (4, 2, 2)
        assert head["own"] == [0, 3] and head["epoch"] == [1, 2, 3, 4]
        for name in ("points", "means", "classifier", "ideal"):
            values = getattr(one.projection, name).ravel()
            found = np.array(numbers(raw, f"way{n}:{name}")) * head["scales"][name]
            np.testing.assert_allclose(found, values, atol=0.51 * head["scales"][name])
        assert numbers(raw, f"way{n}:labels") == [0, 1]


def test_without_layers_there_is_no_way():
    assert header_and_body(message())[0]["ways"] == []


def test_a_way_names_as_many_samples_as_it_shows():
    wrong = trajectory()
    with pytest.raises(ValueError, match="index: 1 samples, allowed are exactly 2"):
        message(trajectories=[Trajectory(wrong.epoch, wrong.index[:1], wrong.projection)])
