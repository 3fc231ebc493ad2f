"""The bytes that carry a projected training run to the player in the browser.

Layout, little endian: a uint32 with the length of the header, the header (JSON, UTF-8, padded with
spaces so that what follows starts at a multiple of four bytes), then the arrays one after another,
each at an offset that is a multiple of four. The header's `arrays` maps a name to
[dtype, offset from the end of the header, number of elements].

Coordinates travel as int16: at the scale of the unit sphere their error is at most 1/65,000 of the
largest coordinate, far below a pixel, at half the size of float32.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from ncengine.analysis.projection import Projection

MAX_CLASSES = 256
"""Labels travel as uint8."""

_ALIGNMENT = 4
_COORDINATES = ("points", "means", "classifier", "ideal")


@dataclass(frozen=True)
class Trajectory:
    """A trajectory through the network's layers at one moment of training.

    Attributes:
        epoch: that moment, in what the film's frames count.
        index: (S'',) which training samples of the message are shown on it.
        projection: a frame a layer; see `ncengine.analysis.through_layers`.
    """

    epoch: float
    index: np.ndarray
    projection: Projection


@dataclass(frozen=True)
class Playing:
    """How a run is shown, to a reader or to an audience.

    Attributes:
        step: names the step of a story that is shown: with another name, the player goes to
            `About.start`, wherever it is; "" without a story.
        plays: what it plays when it is come to, "nothing", "training" or "layers".
        begins: how a finished run begins: "plays", "rests" or "loops".
        presented: whether it is for an audience.
    """

    step: str = ""
    plays: str = "nothing"
    begins: str = "plays"
    presented: bool = False


@dataclass(frozen=True)
class Group:
    """Players on a page that share a camera and a clock.

    Attributes:
        name: equal for all of them.
        place: of this one; the first leads: it keeps the address and hears the keys.
        clock: "pass": all are at the same pass, who has fewer rests at the end. "share": all are
            at the same share of their snapshots.
    """

    name: str
    place: int
    clock: str


# What an address calls it.
CLOCK = "clock"
CLOCKS = ("pass", "share")
PLAYS = Playing()


@dataclass(frozen=True)
class About:
    """What the player is told of the run beside its points.

    Attributes:
        run: names what is shown; another name resets the player's time line.
        class_names: K names.
        colors: CSS colours, used in turn where there are fewer than K.
        but_for_depth: equal for runs that differ by depth alone, between which camera and moment
            stay; "" for none.
        title, depth, outcome: what is said of the run where the rest of the page is not seen.
        live: whether more snapshots are to come.
        start: what the address says of the player, see `view.PLAYER_NAMES`, each optional.
        playing: how it is shown.
        query: what an address has to say for the run to be found by it.
        asking: the parameters that ask for something to be found; others, as those that track a
            visitor, do not make an address be filled with `query`.
        group: whom it moves with; None for a player alone.
        unit: what a frame's `epoch` counts: passes, or the layers of a proof's network.
    """

    run: str
    class_names: Sequence[str]
    colors: Sequence[str]
    but_for_depth: str = ""
    title: str = ""
    depth: int | None = None
    outcome: str = ""
    live: bool = False
    start: Mapping[str, Any] = field(default_factory=dict)
    query: Mapping[str, str] = field(default_factory=dict)
    asking: Sequence[str] = ()
    playing: Playing = PLAYS
    group: Group | None = None
    unit: str = "pass"

    def header(self) -> dict[str, Any]:
        """Its share of the message's header."""
        return {
            "run": self.run,
            "but_for_depth": self.but_for_depth or self.run,
            "names": [str(name) for name in self.class_names],
            "colors": list(self.colors),
            "live": bool(self.live),
            "start": dict(self.start),
            "query": dict(self.query),
            "asking": list(self.asking),
            **asdict(self.playing),
            "title": self.title,
            "depth": self.depth,
            "outcome": self.outcome,
            "unit": self.unit,
            "group": None if self.group is None else asdict(self.group),
        }


def pack(
    projection: Projection,
    about: About,
    *,
    test: bool = False,
    thumbnails: np.ndarray | None = None,
    captions: Sequence[str] | None = None,
    trajectories: Sequence[Trajectory] = (),
) -> bytes:
    """Everything the player draws, in one message.

    G snapshots, S samples, K classes. With `test`, the projection's test samples follow the
    training samples in every array of samples, and count among the S; the header's `trained` is
    how many come before them.

    Args:
        projection: coordinates in units of the features' norm; see `ncengine.analysis.projection`.
        about: the run.
        test: whether test samples are shown too.
        thumbnails: uint8 (S, h, w) in grey or (S, h, w, 3) in colour, or None.
        captions: S texts, or None.
        trajectories: through the layers, at some moments, in their order.

    Raises:
        ValueError: where there is no snapshot, shapes disagree, coordinates are not finite, or K
            exceeds `MAX_CLASSES`.
    """
    frames, trained, classes = _checked_sizes(projection, about.class_names, about.colors)
    shown = _samples(projection, test)
    samples = len(shown["labels"])
    arrays, scales = _quantities(projection, shown)
    pictures, pictured = _pictured(thumbnails, captions, samples)
    of_trajectories, heads = _packed_trajectories(trajectories, about)
    layout, payload = _laid_out({**arrays, **pictures, **of_trajectories})
    header = {
        **about.header(),
        **_figure(projection),
        **_readings(projection),
        "frames": frames,
        "samples": samples,
        "trained": trained,
        "classes": classes,
        "scales": scales,
        **pictured,
        "ways": heads,
        "arrays": layout,
    }
    text = json.dumps(header, allow_nan=False, separators=(",", ":")).encode()
    text += b" " * (-len(text) % _ALIGNMENT)
    return len(text).to_bytes(4, "little") + text + payload


def _figure(projection: Projection) -> dict[str, Any]:
    """What kind of picture it is."""
    return {
        "exact": bool(projection.exact),
        "exact_2d": bool(projection.exact_2d),
        "ideal_fits": bool(projection.ideal_fits),
        "ideal_proved": bool(projection.ideal_proved),
        "has_rows": projection.has_rows,
        "focus": [int(k) for k in projection.focus],
        "edges": [[int(i), int(j)] for i, j in projection.edges],
    }


def _pictured(
    thumbnails: np.ndarray | None, captions: Sequence[str] | None, samples: int
) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """The samples as pictures, or as texts: arrays, and their share of the header."""
    arrays: dict[str, np.ndarray] = {}
    shape = None
    if thumbnails is not None:
        arrays["thumbnails"] = _checked_thumbnails(thumbnails, samples)
        shape = (*arrays["thumbnails"].shape[1:3], 3 if thumbnails.ndim == 4 else 1)
    if captions is not None and len(captions) != samples:
        raise ValueError(f"captions: {len(captions)} texts, allowed are exactly {samples}")
    return arrays, {
        "thumbnail_shape": shape,
        "captions": None if captions is None else list(captions),
    }


def _packed_trajectories(
    trajectories: Sequence[Trajectory], about: About
) -> tuple[dict[str, np.ndarray], list[dict[str, Any]]]:
    """The trajectories' arrays, and what is said of each."""
    arrays: dict[str, np.ndarray] = {}
    heads = []
    for n, trajectory in enumerate(trajectories):
        of_trajectory, head = _packed_trajectory(trajectory, about.class_names, about.colors)
        arrays |= {f"way{n}:{name}": array for name, array in of_trajectory.items()}
        heads.append(head)
    return arrays, heads


def _packed_trajectory(
    trajectory: Trajectory, class_names: Sequence[str], colors: Sequence[str]
) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """The arrays of a trajectory, and what the header says of it beside what the film has too."""
    frames, samples, _ = _checked_sizes(trajectory.projection, class_names, colors)
    if len(trajectory.index) != samples:
        raise ValueError(f"index: {len(trajectory.index)} samples, allowed are exactly {samples}")
    shown = _samples(trajectory.projection, test=False)
    arrays, scales = _quantities(trajectory.projection, shown)
    head = {
        "moment": _plain(np.array([trajectory.epoch]))[0],
        "frames": frames,
        "samples": samples,
        "trained": samples,
        "own": [int(n) for n in trajectory.index],
        **_readings(trajectory.projection),
        "scales": scales,
    }
    return arrays, head


def _quantities(
    projection: Projection, shown: Mapping[str, np.ndarray]
) -> tuple[dict[str, np.ndarray], dict[str, float]]:
    """Coordinates, distances and labels as they travel, and the scales of those that have one."""
    arrays: dict[str, np.ndarray] = {}
    scales: dict[str, float] = {}
    for name in _COORDINATES:
        values = shown[name] if name in shown else getattr(projection, name)
        arrays[name], scales[name] = _quantised(name, values, np.int16)
    arrays["distance"], scales["distance"] = _quantised("distance", shown["distance"], np.uint16)
    arrays["labels"] = shown["labels"].astype(np.uint8)
    return arrays, scales


def _readings(projection: Projection) -> dict[str, list[float | None]]:
    names = ("epoch", "variance_share", "variance_share_2d", "angle_error")
    return {name: _plain(getattr(projection, name)) for name in names}


def _samples(projection: Projection, test: bool) -> dict[str, np.ndarray]:
    """ "points", "distance" and "labels" of the samples shown, training samples first."""
    arrays = {}
    for name, axis in (("points", 1), ("distance", 1), ("labels", 0)):
        parts = [np.asarray(getattr(projection, name))]
        if test:
            parts.append(np.asarray(getattr(projection, f"test_{name}")))
        arrays[name] = np.concatenate(parts, axis=axis)
    return arrays


def _checked_sizes(
    projection: Projection, class_names: Sequence[str], colors: Sequence[str]
) -> tuple[int, int, int]:
    frames, samples = np.shape(projection.points)[:2]
    test_samples = np.shape(projection.test_points)[1]
    classes = np.shape(projection.means)[1]
    expected = {
        "points": (frames, samples, 3),
        "means": (frames, classes, 3),
        "classifier": (frames, classes, 3),
        "ideal": (frames, classes, 3),
        "distance": (frames, samples),
        "labels": (samples,),
        "test_points": (frames, test_samples, 3),
        "test_distance": (frames, test_samples),
        "test_labels": (test_samples,),
        "epoch": (frames,),
        "variance_share": (frames,),
        "variance_share_2d": (frames,),
        "angle_error": (frames,),
    }
    for name, shape in expected.items():
        if np.shape(getattr(projection, name)) != shape:
            actual = np.shape(getattr(projection, name))
            raise ValueError(f"{name}: shape {actual}, allowed is {shape}")
    if not frames:
        raise ValueError("epoch: no snapshot, allowed is one or more")
    if not 0 < classes <= MAX_CLASSES:
        raise ValueError(f"means: {classes} classes, allowed are 1 to {MAX_CLASSES}")
    if len(class_names) != classes:
        raise ValueError(f"class_names: {len(class_names)} names, allowed are exactly {classes}")
    if not colors:
        raise ValueError("colors: none given, allowed is one or more")
    for name in ("labels", "test_labels"):
        labels = np.asarray(getattr(projection, name))
        if labels.size and not (0 <= labels.min() and labels.max() < classes):
            raise ValueError(f"{name}: up to {labels.max()}, allowed are 0 to {classes - 1}")
    return frames, samples, classes


def _checked_thumbnails(thumbnails: np.ndarray, samples: int) -> np.ndarray:
    grey_or_rgb = thumbnails.ndim == 3 or (thumbnails.ndim == 4 and thumbnails.shape[3] == 3)
    if not grey_or_rgb or len(thumbnails) != samples or thumbnails.dtype != np.uint8:
        raise ValueError(
            f"thumbnails: {thumbnails.dtype} {thumbnails.shape}, "
            f"allowed is uint8 ({samples}, h, w) or ({samples}, h, w, 3)"
        )
    return thumbnails


def _quantised(name: str, values: np.ndarray, dtype: type) -> tuple[np.ndarray, float]:
    """Integers, and the scale that turns them back into values."""
    values = np.asarray(values, np.float64)
    if not np.isfinite(values).all():
        raise ValueError(f"{name}: not finite, allowed are finite numbers")
    top = np.iinfo(dtype).max
    scale = float(np.abs(values).max(initial=0.0)) / top or 1.0
    low = 0 if dtype is np.uint16 else -top
    return np.clip(np.rint(values / scale), low, top).astype(dtype), scale


def _plain(values: np.ndarray) -> list[float | None]:
    """A list that JSON can hold: what is not finite becomes None, whole numbers stay whole."""
    return [
        None if not np.isfinite(v) else int(v) if float(v).is_integer() else round(float(v), 6)
        for v in np.asarray(values)
    ]


def _laid_out(arrays: Mapping[str, np.ndarray]) -> tuple[dict[str, list[Any]], bytes]:
    layout: dict[str, list[Any]] = {}
    payload = bytearray()
    for name, array in arrays.items():
        layout[name] = [array.dtype.name, len(payload), array.size]
        payload += array.astype(array.dtype.newbyteorder("<")).tobytes()
        payload += bytes(-len(payload) % _ALIGNMENT)
    return layout, bytes(payload)
