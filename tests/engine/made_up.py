"""Made-up runs, with numbers of all kinds, and how to tell that two runs are the same."""

import numpy as np

from ncengine.architectures.shapes import parameter_count
from ncengine.catalogue.architectures import architecture_info
from ncengine.runs.identity import Identity
from ncengine.runs.run import Geometry, Layers, Run, Status
from ncengine.runs.whole import arrays_of
from ncengine.snapshots.names import BLOCKS, LAYERS, PER_SEED
from ncengine.snapshots.plan import shown, shown_in_layers
from ncengine.theory.optimum import floor_of
from ncengine.version import ENGINE_VERSION

SAME = ("config", "status", "floor", "passes", "seconds", "key", "shown_seed", "not_recorded")


def assert_same(one, other):
    """To the bit: NaN is NaN, and 0 is not -0."""
    ours, theirs = arrays_of(one), arrays_of(other)
    assert ours.keys() == theirs.keys()
    for name, array in ours.items():
        assert (array.dtype, array.shape) == (theirs[name].dtype, theirs[name].shape), name
        assert array.tobytes() == theirs[name].tobytes(), name
    for name in (*SAME, "data_checksum"):
        assert getattr(one, name) == getattr(other, name), name
    assert {n: v for n, v in one.machine.items() if n != "host"} == dict(other.machine)
    assert one.summary() == other.summary()


def made_up(config, rng, snapshots, looks, diverged, parameters):
    """A run of that configuration with numbers of all kinds, infinite and absent ones too."""

    def numbers(*shape, dtype=np.float64):
        kinds = np.array([np.nan, np.inf, -np.inf, -0.0, 5e-324, 1.0])
        values = np.where(rng.random(shape) < 0.3, rng.choice(kinds, shape), rng.normal(size=shape))
        return values.astype(dtype)

    info, seeds = architecture_info(config.architecture), len(config.seeds)
    count = parameter_count(config)
    k, d, layers = config.classes, config.width, info.layers(config.depth)
    passes = np.sort(rng.choice(config.budget, snapshots, replace=False)) + 1
    look = passes[:looks]
    chosen, index = shown(config), shown_in_layers(config)
    s, tested = len(chosen["labels"]), len(chosen["test_labels"])
    geometry = Geometry(
        look,
        numbers(looks, seeds, k, d, dtype=np.float32),
        numbers(looks, seeds, k, d, dtype=np.float32),
        numbers(looks, seeds, s, d, dtype=np.float16),
        chosen["labels"],
        chosen["sample_index"],
        numbers(looks, seeds, tested, d, dtype=np.float16),
        chosen["test_labels"],
        chosen["test_index"],
    )
    measured = {name: numbers(looks, seeds, layers) for name in LAYERS}
    measured |= {name: numbers(looks, seeds, layers - 1) for name in BLOCKS}
    of_layers = Layers(
        measured,
        look,
        look[:1],
        numbers(1, seeds, layers, k, d, dtype=np.float16),
        look[:1],
        numbers(1, seeds, layers, len(index), d, dtype=np.float16),
        index,
    )
    identity = Identity(config, "made up", ENGINE_VERSION)
    gone = rng.random(seeds) < diverged
    return Run(
        config,
        Status.DIVERGED if gone.all() else Status.DONE,
        curves={
            "epoch": passes.astype(float),
            **{name: numbers(snapshots, seeds) for name in PER_SEED},
        },
        geometry=geometry,
        layers=of_layers,
        diverged=gone,
        floor=floor_of(config),
        passes=int(passes[-1]),
        seconds=float(rng.random()),
        machine={"version": ENGINE_VERSION, "device": "CPU", "host": "Linux of somebody"},
        key=identity.key,
        parameters=numbers(seeds, count, dtype=np.float32) if parameters else None,
        data_checksum="made up",
    )
