"""The best known figure on the pages: as soon as it is found, and by its own name."""

from dataclasses import replace

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest
from streamlit.util import calc_hash

from app.charts import curves
from app.charts import depth as charts
from app.components import explanation, pictured, pulse, readouts
from app.components.series import Series
from app.engine import best_known, data, derived
from app.export import page, printable
from app.player.view import View
from ncengine.analysis.best_known import beside, entry_beside
from ncengine.analysis.words import number
from ncengine.config import RunConfig
from ncengine.runs.run import Status
from ncengine.theory.optimum import figure_of, least_name
from tests.app.conftest import MAIN, assert_sound, make_run, open_at, texts

NARROW = RunConfig(width=4)
BASE = RunConfig()


def charts_of(at):
    return at.get("vega_lite_chart")


@pytest.mark.parametrize(
    "fields, said",
    [
        ({"classes": 10, "width": 4}, "Here it is **{}** at the best figure that is known, and"),
        ({"classes": 9, "width": 4}, "Here it is **{}** at the best figure that is known, and"),
        ({"classes": 8, "width": 4}, "At the best figure that is known it is 0 here, too."),
        ({"classes": 10, "width": 4, "loss": "MSE"}, "which many figures share, it need not be 0."),
    ],
)
def test_the_explanation_says_what_nc3_is_at_the_best_known(fields, said):
    found = figure_of(RunConfig(**fields))
    cosines = [
        sum(a * b for a, b in zip(w, m)) / sum(a * a for a in w) ** 0.5
        for w, m in zip(found.rows.tolist(), found.means.tolist())
    ]
    said = said.format(number(1 - sum(cosines) / len(cosines)))
    assert said in explanation.explained(RunConfig(**fields), found)


def test_before_it_is_known_the_explanation_promises_nothing():
    assert "it need not be 0 even at the best" in explanation.explained(RunConfig(width=4))
    assert "need not" not in explanation.explained(RunConfig())


@pytest.mark.parametrize("status", [Status.DONE, Status.RUNNING])
def test_the_best_known_appears_once_it_is_found(at, store, unknown_figures, status):
    config = RunConfig(width=4)
    store.put(replace(make_run(config, floor=None), status=status))
    at.query_params["width"] = "4"
    at.run()
    assert_sound(at)
    assert "Gap to best known" not in texts(at) and "In their place" not in texts(at)
    (search,) = unknown_figures.values()
    search.set_result(figure_of(config))
    at.run()
    assert_sound(at)
    said = texts(at)
    assert "Gap to best known" in said and "NC2 to best known" in said
    assert "In their place: **a square antiprism with two caps" in said
    assert "at the best figure that is known, and not 0" in said
    assert "The best known figure, not proved to be best" in said
    assert "Gap to floor" not in said
    objective = charts_of(at)[0].proto.spec
    assert '"best known"' in objective and '"floor"' not in objective


def test_before_there_is_anything_to_compare_nothing_is_searched_for(at, store, unknown_figures):
    at.query_params["width"] = "4"
    at.run()
    assert_sound(at)
    assert "Nobody has trained this network yet" in texts(at)
    assert not unknown_figures
    assert "No floor, but a best known" in texts(at)


def test_a_page_without_its_best_figure_looks_again_until_it_is_there(
    at, store, unknown_figures, monkeypatch
):
    looks = []
    monkeypatch.setattr(pulse, "draw", lambda seconds, on_beat: looks.append(seconds))
    config = RunConfig(width=4)
    store.put(make_run(config, floor=None))
    at.query_params["width"] = "4"
    at.run()
    assert looks
    (search,) = unknown_figures.values()
    search.set_result(figure_of(config))
    looks.clear()
    at.run()
    assert_sound(at)
    assert not looks


def test_a_search_that_fails_leaves_the_page_as_it_is_without_a_figure(at, store, unknown_figures):
    config = RunConfig(width=4)
    store.put(make_run(config, floor=None))
    at.query_params["width"] = "4"
    at.run()
    (search,) = unknown_figures.values()
    search.set_exception(ValueError("no"))
    at.run()
    assert_sound(at)
    assert "no floor in closed form" in texts(at) and "Gap to best known" not in texts(at)


def test_where_many_figures_are_as_good_none_is_called_the_ideal(at, store, known_figures):
    config = RunConfig(width=6, loss="MSE")
    store.put(make_run(config, floor=None))
    open_at(at, width="6", loss="MSE")
    assert_sound(at)
    said = texts(at)
    assert "Gap to best known" in said and "no one figure, since many are as good" in said
    assert ">NC2 to best known<" not in said
    assert "There is no ideal to compare them with" in said


def above_best_known(config, share):
    """A finished run whose objective ends that share above the best known; it has no floor."""
    run = make_run(config, floor=None)
    run.curves["loss"][-1] = figure_of(config).loss * (1 + share)
    run.curves["gap"][:] = np.nan
    return run


def test_on_depth_the_best_known_is_drawn_and_called_so(store, jobs, known_figures, monkeypatch):
    monkeypatch.setattr(data, "needs_download", lambda config: False)
    grid = Series(BASE.with_(width=4)).grid
    for config in grid:
        store.put(above_best_known(config, 1 / config.depth))
    at = AppTest.from_file(MAIN, default_timeout=20)
    at._page_hash = calc_hash("depth")
    open_at(at, width="4")
    assert_sound(at)
    said = texts(at)
    assert "no simplex of K = 10 points fits in the d − 1 = 3 dimensions" in said
    assert "Dashed: the best known, the least that many starts have found" in said
    assert "<b>gap to the best known</b>" in said
    assert "at L = 34 the objective ended 2.9 % above the best known" in said
    assert "gap to the floor" not in said and "Dashed: the floor" not in said
    assert len(charts_of(at)) == 7


def test_a_panel_of_gaps_without_floors_is_of_those_to_the_best_known():
    grid = Series(BASE.with_(width=4)).grid
    known = [entry_beside(above_best_known(c, 0.5).summary(), figure_of(c)) for c in grid]
    runs = [(config, "key", entry) for config, entry in zip(grid, known, strict=True)]
    table = charts.table([runs], "depth", "gap", [None], references=False, parts=("rest",))
    half = figure_of(grid[0]).loss / 2
    rows = [row for row in table.to_pylist() if row["kind"] == "mean"]
    assert [row["mean"] for row in rows] == [pytest.approx(half, rel=1e-9)] * len(grid)


def test_a_picture_with_and_without_a_floor_calls_each_by_its_name(at, store, known_figures):
    wide, narrow = Series(BASE), Series(BASE.with_(width=4))
    assert pictured.called("gap", [wide]) == "gap to the floor"
    assert pictured.called("gap", [narrow]) == "gap to the best known"
    assert pictured.called("gap", [wide, narrow]) == "gap to the floor or best known"
    assert pictured.called("nc1", [narrow]) == "NC1"
    both = pictured.dashed([wide, narrow])
    assert "the floor, below which no network can come; or the best known" in both


@pytest.fixture(scope="module")
def narrow():
    """A run beside its best figure."""
    return beside(make_run(NARROW, floor=None), figure_of(NARROW))


def test_the_search_gives_what_the_engine_has_and_no_page_waits_for_it():
    config = RunConfig(classes=5, width=4, weight_decay=0.0123)
    before = best_known.figure(config)  # None, or found in no time
    best_known.wait([config, RunConfig()])
    found = best_known.figure(config)
    assert before in (None, found) and not best_known.is_awaited(config)
    assert found.loss == figure_of(config).loss
    assert best_known.least(config).name == "best known"
    assert best_known.figure(RunConfig()) is None and not best_known.is_awaited(RunConfig())
    assert best_known.least(RunConfig()).proved


def test_the_curve_of_the_best_known_is_its_objective_by_name(narrow):
    table = curves.objective_table(narrow)
    assert set(table["best known"].to_pylist()) == {np.float32(narrow.best_figure.loss)}
    assert "floor" not in table.column_names
    assert "best known: " in table.schema.metadata[b"told"].decode()
    spec = str(curves.objective_spec(True, least_name(NARROW)))
    assert "best known, not proved" in spec and "'floor'" not in spec


def test_the_readouts_say_what_the_gap_is_to_and_what_nc3_is_of_the_figure(narrow):
    row = {one.label: one for one in readouts.readouts(narrow)}
    gap = narrow.curves["loss"].mean(1) - narrow.best_figure.loss
    np.testing.assert_allclose(row["Gap to best known"].values, gap, rtol=1e-12)
    assert row["Objective"].note.startswith("best known ")
    assert "below the floor" not in row["Objective"].help
    assert "8.55e−5".replace("−", "-") in row["NC3"].help.replace("−", "-")
    told = readouts.figures(narrow, {})
    assert "Gap / best known" in told and "Gap / floor" not in told


def test_the_players_ideal_is_the_figure_and_its_rows_are_measured_by_the_figures(narrow):
    shown = derived.project(narrow, narrow.geometry, 0, "last", ())
    bare = derived.project(replace(narrow, best_figure=None), narrow.geometry, 0, "last", ())
    assert shown.ideal_fits and not shown.ideal_proved and shown.edges
    assert not bare.ideal_fits and np.isnan(bare.angle_error).all()
    length = narrow.best_figure.row_norms.mean()
    rows = narrow.geometry.classifier[-1, 0].astype(float)
    inside = np.linalg.norm(rows - rows.mean(1, keepdims=True), axis=1) / length
    np.testing.assert_allclose(
        np.linalg.norm(shown.classifier[-1], axis=1), inside, rtol=1e-4, atol=1e-6
    )


def test_what_is_taken_along_calls_it_so_too(narrow):
    file = page.of_run(narrow, View(0))
    assert "best known" in file and "ideal_proved" in file
    chart = printable.of_run(narrow, "objective", View(0))
    assert '"best known"' in str(chart.spec).replace("'", '"')
    assert "best known" in chart.told and "floor" not in chart.told
