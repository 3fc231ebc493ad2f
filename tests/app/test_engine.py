"""What the page asks of the engine's long-lived parts."""

import numpy as np
import pytest

from app.components import text
from app.player import on_page, view
from ncengine.config import RunConfig
from ncengine.runs.run import Status
from ncengine.theory.optimum import floor_of, optimum_of
from tests.app.conftest import assert_sound, make_run, open_at, texts

UNIFORM = RunConfig(decay_schedule="uniform 1/L", depth=8)


def test_the_optimum_is_that_of_the_last_layers_own_decay():
    assert UNIFORM.decay_last != UNIFORM.weight_decay
    assert optimum_of(UNIFORM).loss == floor_of(UNIFORM)


def diverged_run(config: RunConfig, snapshots: int):
    """A run whose seed 0 has no numbers in its last `snapshots` snapshots."""
    run = make_run(config, Status.DONE, diverged=np.array([True, False, False]))
    first = len(run.geometry) - snapshots
    for name in ("class_means", "classifier", "features"):
        getattr(run.geometry, name)[first:, 0] = np.nan
    return run


def test_a_seed_without_any_snapshot_gets_a_sentence_in_place_of_the_player(at, store):
    store.put(diverged_run(RunConfig(), snapshots=2))
    open_at(at)
    assert_sound(at)
    assert [info.value for info in at.info] == [on_page.nothing_to_show(view.View(0))] * 2
    assert "Seed 0 diverged" in at.info[0].value


def test_the_heat_map_of_a_diverged_seed_shows_its_last_numbers(at, store):
    store.put(diverged_run(RunConfig(data_seed=1), snapshots=1))
    open_at(at, data_seed="1", epoch="1000")
    assert_sound(at)
    assert not at.info
    assert "pass 1." in texts(at)


@pytest.mark.parametrize(
    ("part", "said"),
    [
        (0.3, "15.0 % of floor"),
        (19.0, "9.50× floor"),
        (640.0, "320× floor"),
        (0.00592, "0.30 % of floor"),
        (3e-14, "at the floor"),
        (0.0, "at the floor"),
        (-1e-16, "at the floor"),
        (-0.3, "−15.0 % of floor"),
    ],
)
def test_a_gap_beyond_all_bounds_is_told_as_a_multiple(part, said):
    assert text.share_of(part, 2.0, "floor") == said
