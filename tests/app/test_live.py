"""What a live page has drawn again, and how often it looks."""

from types import SimpleNamespace

import numpy as np
import pytest
import streamlit as st
from streamlit.errors import StreamlitAPIException
from streamlit.testing.v1 import AppTest

from app.charts import curves
from app.components import pulse, readouts
from app.components.shown import Shown
from app.engine import pace
from app.player import on_page
from app.views import compare, depth, explore, recorded
from ncengine.config import RunConfig
from ncengine.runs.glance import Glance
from ncengine.runs.run import Status
from tests.app.conftest import MAIN, assert_sound, make_run

CONFIG = RunConfig()
MADE = ((curves, "objective_table"), (curves, "collapse_table"), (curves, "accuracy_table"))
PACKED = ((readouts, "readouts"), (on_page, "pack"))


class Rerun(BaseException):
    """Streamlit's signal: what is to be drawn again."""


@pytest.fixture
def beat(monkeypatch):
    """Has a page look by one of its functions; gives what is to be drawn again."""

    def rerun(parts="app"):
        raise Rerun(parts)

    monkeypatch.setattr(st, "rerun", rerun)
    alone = SimpleNamespace(fragment_ids_this_run=["watch"])
    monkeypatch.setattr(pulse, "get_script_run_ctx", lambda: alone)

    def beat(poll, *args, seen=None):
        monkeypatch.setattr(st, "session_state", dict(seen or {}))
        try:
            poll(*args)
        except Rerun as signal:
            return signal.args[0]
        return None

    return beat


@pytest.fixture
def look(store, jobs, beat):
    """Looks at a run whose page was drawn as `drawn`; gives what is to be drawn again."""

    def look(drawn, now):
        store.put(now)
        as_drawn = Shown(drawn, drawn.config, Glance(drawn.status))
        seen = {name: moment(as_drawn) for name, moment in explore.MOMENT.items()}
        return beat(explore._poll, CONFIG, drawn.status, False, drawn.points > 0, seen=seen)

    return look


def running(**changed):
    return make_run(CONFIG, Status.RUNNING, **{"passes": 250, **changed})


def test_where_nothing_moved_nothing_is_drawn(look):
    assert look(running(), running()) is None


def test_a_look_at_a_page_that_is_gone_draws_nothing_and_breaks_nothing(look, monkeypatch):
    def gone(parts):
        raise StreamlitAPIException("No fragment found")

    monkeypatch.setattr(st, "rerun", gone)
    assert look(running(), running(passes=251)) is None


def a_page_with_a_beat():
    import streamlit as st

    from app.components import pulse

    picked = st.selectbox("Depth", [2, 3])

    @st.fragment(key="part")
    def part():
        st.caption(f"drawn for {picked}")

    part()
    st.button("Beat", on_click=lambda: pulse.refresh(["part"]))


def test_a_click_that_comes_together_with_a_beat_is_not_lost():
    page = AppTest.from_function(a_page_with_a_beat).run()
    page.selectbox[0].set_value(3)
    page.button[0].click().run()
    assert_sound(page)
    assert page.caption[0].value == "drawn for 3"


def test_more_passes_move_the_progress_alone(look):
    assert look(running(), running(passes=251)) == [explore.PROGRESS, explore.WATCH]


def test_another_value_or_snapshot_moves_all_that_is_drawn_of_them(look):
    every = [explore.PROGRESS, explore.RECORD, explore.WATCH]
    other = running()
    other.curves["nc1"][-1] *= 2
    assert look(running(), other) == every
    assert look(running(geometry=None), running()) == every
    assert look(running(), running(diverged=np.array([True, False, False]))) == every


def test_the_first_numbers_make_another_page_on_which_they_can_be_saved(look):
    none = {name: curve[:0] for name, curve in running().curves.items()}
    before = running(curves=none, geometry=None, layers=None)
    assert look(before, running()) == "app"
    assert look(before, before) is None


def test_so_they_do_on_all_pages_that_are_saved(store, jobs, beat, monkeypatch):
    none = {name: curve[:0] for name, curve in running().curves.items()}
    before, now = (
        [Shown(run, run.config, Glance(run.status))] * 2
        for run in (running(curves=none, geometry=None, layers=None), running())
    )
    assert compare._drawn(before) != compare._drawn(now)
    assert beat(depth._poll, (CONFIG,), False) == [depth.PROGRESS, depth.PANELS, depth.WATCH]
    store.put(make_run(CONFIG))
    assert beat(depth._poll, (CONFIG,), False) == "app"
    assert beat(depth._poll, (CONFIG,), True) == [depth.PROGRESS, depth.PANELS, depth.WATCH]
    found = SimpleNamespace(ended=False, steps=())
    monkeypatch.setattr(recorded.engine, "look", lambda key: found)
    monkeypatch.setattr(recorded.engine, "moment", lambda found: found.steps)
    again = [recorded.BODY, recorded.WATCH]
    assert beat(recorded._poll, "key", False) == again
    found.steps = (1,)
    assert beat(recorded._poll, "key", False) == "app"
    assert beat(recorded._poll, "key", True) == again


def test_what_is_waited_for_moves_the_progress_alone(look, jobs):
    jobs.waits_for = "a worker"
    assert look(running(), running()) == [explore.PROGRESS, explore.WATCH]


def test_another_status_is_another_page(look):
    assert look(running(), make_run(CONFIG, Status.DONE)) == "app"


def test_what_two_sessions_see_of_a_moment_is_made_once(store, jobs, monkeypatch):
    made = []

    def counting(place, name):
        make = getattr(place, name)
        monkeypatch.setattr(place, name, lambda *a, **k: made.append(name) or make(*a, **k))

    for place, name in (*MADE, *PACKED):
        counting(place, name)
    store.put(running())
    for _ in range(2):
        assert_sound(AppTest.from_file(MAIN, default_timeout=20).run())
    assert sorted(made) == sorted(name for _, name in (*MADE, *PACKED))
    moved = running(passes=300)
    moved.curves["loss"][-1] /= 2
    store.put(moved)
    assert_sound(AppTest.from_file(MAIN, default_timeout=20).run())
    assert made.count("objective_table") == 2


def test_a_single_page_that_costs_little_looks_as_often_as_it_may():
    assert pace.Pace(lambda: 0.0).interval("one", 0.01, 0.5) == 0.5


def test_looks_grow_rarer_with_pages_and_costs_so_that_their_share_stays():
    one = pace.Pace(lambda: 0.0)
    seconds = [one.interval(str(n), 0.1, 0.5) for n in range(20)]
    assert seconds == sorted(seconds)
    # Twenty pages at 0.1 s each, once in so many seconds.
    assert 20 * 0.1 / seconds[-1] == pytest.approx(pace.SHARE)


def test_a_page_that_looks_no_more_counts_no_more():
    now = [0.0]
    one = pace.Pace(lambda: now[0])
    for n in range(20):
        one.interval(str(n), 0.1, 0.5)
    now[0] = 1000.0
    assert one.interval("0", 0.1, 0.5) == 0.5


@pytest.fixture
def opened(store, monkeypatch):
    """The runs that are opened, one after another."""
    keys, open_one = [], store.open
    monkeypatch.setattr(store, "open", lambda *a, **k: keys.append(a[0]) or open_one(*a, **k))
    return keys


@pytest.mark.parametrize("status", [Status.RUNNING, Status.DONE, Status.QUEUED, Status.CANCELLED])
def test_a_page_opens_its_run_once(store, jobs, opened, status):
    store.put(make_run(CONFIG, status))
    at = AppTest.from_file(MAIN, default_timeout=20)
    at.query_params["depth"] = "5"
    assert_sound(at.run())
    assert len(opened) == 1


def test_a_refresh_opens_the_run_once(look, store, opened, monkeypatch):
    other = running()
    other.curves["nc1"][-1] *= 2
    every = look(running(), other)
    assert every == [explore.PROGRESS, explore.RECORD, explore.WATCH]
    drawn = []
    monkeypatch.setattr(explore.status, "draw", lambda shown, pick: drawn.append(shown.run))
    monkeypatch.setattr(explore, "_body", lambda shown, looked_at, at: drawn.append(shown.run))
    monkeypatch.setattr(explore.view, "current", lambda run: None)
    explore._progress(CONFIG, Status.RUNNING)
    explore._record(CONFIG, Status.RUNNING)
    assert len(opened) == 1 and drawn == [other, other]
    assert store.glances == 0
    # A click in one of them has it look for itself.
    explore._record(CONFIG, Status.RUNNING)
    assert len(opened) == 2
