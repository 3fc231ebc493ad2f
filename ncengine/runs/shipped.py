"""What a gallery keeps of a run, as plain arrays: small enough to ship, enough to show all of it.

Curves and layers of all seeds; of one seed the geometry of a few samples, and the trajectory of
these through the layers at the last moment.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from ncengine.catalogue.architectures import architecture_info
from ncengine.catalogue.metrics import METRICS
from ncengine.config import RunConfig
from ncengine.metrics import neural_collapse
from ncengine.runs.earlier import without_noise
from ncengine.runs.film import decoded, encoded
from ncengine.runs.run import Geometry, Layers, Run, Status
from ncengine.snapshots.names import BLOCKS, LAYERS, OF_LAYERS, PER_SEED, Arrays
from ncengine.theory.optimum import floor_of

# Of so many numbers are the samples shown at one moment, and of each layer those on the trajectory.
NUMBERS, TEST_NUMBERS, WAY_NUMBERS = 1920, 640, 640
# In this order are curves and what is of layers where an entry does not name them: those before
# names were kept.
_UNNAMED = {
    "curves": (
        "loss", "gap", "fit", "decay_hidden", "decay_last", "nc1", "nc2a", "nc2b", "nc3",
        "accuracy", "test_accuracy", "test_nc1", "test_nc3",
    ),
    "layers": (
        "nc1", "nc1_pinv", "nc2", "ncc_error", "effective_rank", "effective_rank_features",
        "stream_norm", "common_share",
    ),
    "layers_blocks": ("decay", "movement"),
}  # fmt: skip
_FILMS = ("class_means", "classifier", "features", "test_features")
_WHICH = ("epoch", "labels", "sample_index", "test_labels", "test_index")


def packed(run: Run) -> Arrays:
    """The arrays of a finished run; `unpacked` reads them back.

    Raises:
        ValueError: it has no seed whose numbers can be shown to the end.
    """
    whole, r = shown_geometry(run)
    arrays = {"shown": np.array(r)}
    curves = {name: run.curves[name] for name in PER_SEED if name not in run.not_recorded}
    arrays |= _named("curves", curves, np.float32)
    arrays |= {"curves_epoch": run.curves["epoch"], "diverged": run.diverged}
    geometry = few(whole, r)
    arrays |= {f"geometry_{name}": getattr(geometry, name) for name in _WHICH}
    for name in _FILMS:
        arrays |= _under(f"geometry_{name}", encoded(getattr(geometry, name)[:, 0]))
    if run.layers is not None:
        arrays |= _packed_layers(run, run.layers, geometry, whole, r)
    return arrays


def unpacked(arrays: Arrays, config: RunConfig, facts: Mapping[str, Any], key: str) -> Run:
    """The run that `packed` took apart. Raises anything where `arrays` do not describe it.

    Of seeds other than the one shown, geometry and trajectories through the layers are NaN, and so
    is what the engine that made it did not record.

    Args:
        arrays: what `packed` gave.
        config: of the run.
        facts: "passes", "seconds", and what `Run.machine` holds, the engine's "version" too.
        key: its name in the store.
    """
    seeds, r = len(config.seeds), int(arrays["shown"])
    curves = _by_name("curves", arrays, PER_SEED)
    floor = floor_of(config)
    if floor is not None:
        # To the last digit of the gap, for which single precision has no room in the loss.
        curves["loss"] = curves["gap"] + floor
    films = {name: decoded(_of(f"geometry_{name}", arrays))[:, None] for name in _FILMS}
    geometry = Geometry(
        **{name: arrays[f"geometry_{name}"] for name in _WHICH},
        **{name: _among(film, seeds, r) for name, film in films.items()},
    )
    _check(config, arrays["curves"], geometry, r)
    run_facts, version = ("passes", "seconds"), str(facts["version"])
    layers = _unpacked_layers(arrays, config, r, version) if "layers" in arrays else None
    return Run(
        config,
        Status.DONE,
        curves={"epoch": arrays["curves_epoch"].astype(np.float64), **curves},
        geometry=geometry,
        layers=layers,
        diverged=np.array(arrays["diverged"], bool),
        floor=floor,
        passes=int(facts["passes"]),
        seconds=float(facts["seconds"]),
        machine={name: value for name, value in facts.items() if name not in run_facts},
        key=key,
        shown_seed=config.seeds[r],
        not_recorded=_not_recorded(arrays),
    )


def shown_geometry(run: Run) -> tuple[Geometry, int]:
    """The run's geometry, and which seed's is kept: the first that came to the end.

    Raises:
        ValueError: there is no such seed.
    """
    if run.geometry is not None:
        for r in range(len(run.config.seeds)):
            if np.isfinite(run.geometry.features[:, r]).all():
                return run.geometry, r
    raise ValueError(f"{run.config.title()}: no seed has numbers in all its snapshots")


def few(geometry: Geometry, r: int) -> Geometry:
    """Of one seed and as few samples as look well: arrays have R = 1."""
    width = geometry.features.shape[-1]
    train = _first(geometry.labels, NUMBERS // width)
    test = _first(geometry.test_labels, TEST_NUMBERS // width)
    return replace(
        geometry,
        class_means=geometry.class_means[:, [r]],
        classifier=geometry.classifier[:, [r]],
        features=geometry.features[:, [r]][:, :, train],
        labels=geometry.labels[train],
        sample_index=geometry.sample_index[train],
        test_features=geometry.test_features[:, [r]][:, :, test],
        test_labels=geometry.test_labels[test],
        test_index=geometry.test_index[test],
    )


def collapse_of_shown(geometry: Geometry, r: int) -> dict[str, float]:
    """NC1, NC2A, NC2B and NC3 of the samples shown of a seed, at the last snapshot."""
    features = geometry.features[-1, r].astype(np.float64)
    collapse = neural_collapse(features, geometry.labels, geometry.classifier[-1, r].astype(float))
    return {name: float(getattr(collapse, name)) for name in ("nc1", "nc2a", "nc2b", "nc3")}


def _first(labels: np.ndarray, most: int) -> np.ndarray:
    """Indices of the first of each class, as many of each, about `most` together."""
    if not len(labels):
        return np.zeros(0, int)
    classes = int(labels.max()) + 1
    each = max(1, most // classes)
    starts = np.searchsorted(labels, np.arange(classes))
    return np.flatnonzero(np.arange(len(labels)) - starts[labels] < each)


def _packed_layers(run: Run, layers: Layers, kept: Geometry, whole: Geometry, r: int) -> Arrays:
    """Metrics of all seeds in half precision; one seed's trajectory at the last moment."""
    arrays = {"layers_epoch": layers.epoch}
    with np.errstate(divide="ignore"):
        for kind, names in (("layers", LAYERS), ("layers_blocks", BLOCKS)):
            values = {
                name: _shortened(name, layers.measured[name])
                for name in names
                if f"{OF_LAYERS}{name}" not in run.not_recorded
            }
            arrays |= _named(kind, values, np.float16)
    # Samples on the trajectory are among those shown, of which they are known by their place.
    width = kept.features.shape[-1]
    on_trajectory = np.isin(whole.sample_index[layers.index], kept.sample_index)
    labels = whole.labels[layers.index[on_trajectory]]
    chosen = np.flatnonzero(on_trajectory)[_first(labels, WAY_NUMBERS // width)]
    place = np.searchsorted(kept.sample_index, whole.sample_index[layers.index[chosen]])
    features, means = layers.features[-1, r][:, chosen], layers.class_means[-1, r]
    if not (np.isfinite(features).all() and np.isfinite(means).all()):
        chosen, place = chosen[:0], place[:0]
        features, means = np.zeros_like(features[:, :0]), np.zeros_like(means)
    arrays |= {"layers_index": place, "layers_way_epoch": layers.features_epoch[-1:]}
    arrays |= _under("layers_features", encoded(features))
    return arrays | _under("layers_class_means", encoded(means))


def _shortened(name: str, values: np.ndarray) -> np.ndarray:
    """As fits half precision: the logarithm of what is never negative."""
    return values if METRICS[name].low < 0 else np.log10(values)


def _restored(name: str, values: np.ndarray) -> np.ndarray:
    return values if METRICS[name].low < 0 else 10.0**values


def _unpacked_layers(arrays: Arrays, config: RunConfig, r: int, version: str) -> Layers:
    seeds, count = len(config.seeds), architecture_info(config.architecture).layers(config.depth)
    shape = (len(arrays["layers_epoch"]), seeds, count)
    if arrays["layers"].shape[1:] != shape:
        raise ValueError(f"layers: {arrays['layers'].shape[1:]}, must be {shape}")
    of_layers = _by_name("layers", arrays, LAYERS)
    of_blocks = _by_name("layers_blocks", arrays, BLOCKS)
    features = decoded(_of("layers_features", arrays))
    means = decoded(_of("layers_class_means", arrays))
    layers = Layers(
        epoch=arrays["layers_epoch"],
        measured={name: _restored(name, v) for name, v in (of_layers | of_blocks).items()},
        means_epoch=arrays["layers_way_epoch"],
        class_means=_among(means[None, None], seeds, r),
        features_epoch=arrays["layers_way_epoch"],
        features=_among(features[None, None], seeds, r),
        index=arrays["layers_index"],
    )
    return without_noise(layers, version)


def _check(config: RunConfig, curves: np.ndarray, geometry: Geometry, r: int) -> None:
    """Raises ValueError where shapes do not fit the configuration, or numbers are missing."""
    seeds, classes, width = len(config.seeds), config.classes, config.width
    frames, samples, tested = (
        len(a) for a in (geometry.epoch, geometry.labels, geometry.test_labels)
    )
    expected = {
        "class_means": (frames, seeds, classes, width),
        "classifier": (frames, seeds, classes, width),
        "features": (frames, seeds, samples, width),
        "test_features": (frames, seeds, tested, width),
    }
    for name, shape in expected.items():
        array = getattr(geometry, name)
        if array.shape != shape or not np.isfinite(array[:, r]).all():
            raise ValueError(f"{name}: {array.shape}, must be finite numbers of {shape}")
    if curves.shape[2:] != (seeds,):
        raise ValueError(f"curves: {curves.shape}, must be of {seeds} seeds")


def _named(kind: str, values: Mapping[str, np.ndarray], precision: type) -> Arrays:
    """Arrays stacked along the first axis, and the names of each."""
    stacked = np.stack([np.asarray(array, np.float64) for array in values.values()])
    return {kind: stacked.astype(precision), f"{kind}_names": np.array([*values])}


def _names(kind: str, arrays: Arrays) -> Sequence[str]:
    """The metrics whose arrays are stacked under that name."""
    return arrays[f"{kind}_names"].tolist() if f"{kind}_names" in arrays else _UNNAMED[kind]


def _not_recorded(arrays: Arrays) -> frozenset[str]:
    lacking = {*PER_SEED} - {*_names("curves", arrays)}
    if "layers" in arrays:
        kept = {*_names("layers", arrays), *_names("layers_blocks", arrays)}
        lacking |= {f"{OF_LAYERS}{name}" for name in {*LAYERS, *BLOCKS} - kept}
    return frozenset(lacking)


def _by_name(kind: str, arrays: Arrays, names: Sequence[str]) -> Arrays:
    """What `_named` kept of these names, in float64; NaN of what was not recorded then."""
    stacked = arrays[kind].astype(np.float64)
    recorded = dict(zip(_names(kind, arrays), stacked, strict=True))
    unknown = np.full(stacked.shape[1:], np.nan)
    return {name: recorded.get(name, unknown) for name in names}


def _among(array: np.ndarray, seeds: int, r: int) -> np.ndarray:
    """(G, R, …) from the (G, 1, …) of one seed: NaN of the others."""
    whole = np.full((len(array), seeds, *array.shape[2:]), np.nan, array.dtype)
    whole[:, r] = array[:, 0]
    return whole


def _under(name: str, arrays: Arrays) -> Arrays:
    return {f"{name}:{part}": array for part, array in arrays.items()}


def _of(name: str, arrays: Arrays) -> Arrays:
    start = f"{name}:"
    return {n.removeprefix(start): array for n, array in arrays.items() if n.startswith(start)}
