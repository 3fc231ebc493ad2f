"""The page on what is shipped: its first look, runs of the gallery, training as one picks."""

from dataclasses import replace
from pathlib import Path

import pytest

from app.components import automatic, requests, text
from app.engine import data, derived, runs
from app.engine.viewers import BETWEEN, PATIENCE, WATCHING, Viewers
from app.views import welcome
from ncengine.config import RunConfig
from ncengine.config.gallery import first, row
from ncengine.config.presets import instant_preset
from ncengine.runs.gallery import Gallery
from ncengine.runs.identity import identify
from ncengine.runs.run import Status
from ncengine.runs.store import Glance, Store
from tests.app.conftest import assert_sound, make_run, open_at, texts

SHIPPED = Path(__file__).resolve().parents[2] / "cache" / "gallery"


@pytest.fixture
def shipped(store, monkeypatch, tmp_path):
    """A store that holds nothing but what is shipped."""
    found = Store(tmp_path / "cache", Gallery(SHIPPED))
    monkeypatch.setattr(runs, "store", lambda: found)
    monkeypatch.setattr(data, "needs_download", lambda config: False)
    runs._samples.clear()
    return found


def picked(at):
    return at.session_state["config"]


def keys(at):
    return [button.key for button in at.button]


# The first page.


def test_who_asks_for_nothing_sees_the_first_run_in_motion(at, shipped):
    at.run()
    assert_sound(at)
    assert picked(at) == first() and dict(at.query_params) == {}
    said = texts(at)
    title = text.unbroken_parts(first().title())
    assert said.index("Watch a network tidy up") < said.index(title)
    assert [key for key in keys(at) if key.startswith("try-")] == [
        "try-deeper",
        "try-another",
        "try-train",
    ]
    assert at.toggle(key="by itself").value is True


@pytest.mark.parametrize("part", ["data_checksum", "engine_version"])
def test_a_first_run_of_old_is_first_all_the_same(at, shipped, monkeypatch, tmp_path, part):
    gallery, run = Gallery(tmp_path / "gallery"), make_run(first())
    monkeypatch.setattr(shipped, "gallery", gallery)
    assert runs.home() == RunConfig() != first()
    gallery.add(replace(identify(first()), **{part: "0"}), run, [], {})
    assert runs.home() == first()
    at.run()
    assert_sound(at)
    assert picked(at) == first() and "Watch a network tidy up" in texts(at)


@pytest.mark.parametrize(
    "tried, config",
    [
        ("try-deeper", first().with_(depth=34)),
        ("try-another", welcome._transformer()),
    ],
)
def test_what_is_to_be_tried_is_at_hand(at, shipped, tried, config):
    at.run()
    at.button(key=tried).click().run()
    assert_sound(at)
    assert picked(at) == config
    assert "Watch a network" not in texts(at) and "try-deeper" not in keys(at)
    assert "From the gallery" in texts(at) and "anew" in keys(at)


def test_one_s_own_is_trained_at_once(at, shipped, jobs):
    at.run()
    at.button(key="try-train").click().run()
    assert_sound(at)
    assert picked(at) == instant_preset() and jobs.submitted == [instant_preset()]


def test_what_is_opened_from_elsewhere_in_the_app_is_not_welcomed(at, shipped):
    at.run()
    for name, value in row("figure-1")[0].query().items():
        at.query_params[name] = value
    at.run()
    assert_sound(at)
    assert picked(at) == row("figure-1")[0] and "Watch a network tidy up" not in texts(at)


def test_who_comes_by_a_link_sees_what_was_linked(at, shipped):
    open_at(at, depth="8")
    assert_sound(at)
    assert picked(at) == RunConfig(depth=8)
    assert "Watch a network" not in texts(at)
    assert at.toggle(key="by itself").value is False


def test_without_a_gallery_the_default_is_first(at, store):
    at.run()
    assert picked(at) == RunConfig() and "try-deeper" not in keys(at)


def test_the_default_is_still_one_click_away(at, shipped):
    at.run()
    at.button(key="preset_default").click().run()
    assert_sound(at)
    assert picked(at) == RunConfig() and "Nobody has trained this network yet" in texts(at)
    # Not bare, or a reload would be the first page again.
    assert at.query_params["dataset"] in ("digits", ["digits"])


# Runs of the gallery.


def test_a_shipped_run_says_where_it_comes_from_and_can_be_trained_here(at, shipped, jobs):
    open_at(at, **first().query())
    assert_sound(at)
    said = texts(at)
    assert "From the gallery" in said and "CPU" in said and "2026" in said
    at.button(key="anew").click().run()
    assert jobs.submitted == [first()]


def rests(store, config, status, **more):
    """Has a training of it that came so far and no further."""
    journal = store.journal(config)
    journal.create(identify(config).as_dict())
    journal.change(status, **more)


def test_what_failed_here_is_told_beside_what_is_shipped(at, shipped, jobs):
    rests(shipped, first(), Status.FAILED, error="the disk is <b>full</b>")
    open_at(at, **first().query())
    assert not at.exception and "From the gallery" in texts(at)
    assert "Training it here failed" in at.error[0].value and "full" in at.error[0].value
    at.button(key="anew").click().run()
    assert jobs.submitted == [first()]


def test_what_was_stopped_here_goes_on_from_the_gallery_s_run(at, shipped, monkeypatch):
    monkeypatch.setattr(runs, "of_today", lambda config: Glance(Status.CANCELLED, 40))
    open_at(at, **first().query())
    assert_sound(at)
    button = at.button(key="anew")
    assert button.label == "Go on here" and "pass 40 of" in button.help


def test_what_is_too_large_for_this_machine_is_not_trained_here(at, shipped, monkeypatch):
    monkeypatch.setattr(derived, "too_large", lambda config: "It takes 99 GB of *these*.")
    open_at(at, **first().query())
    assert_sound(at)
    button = at.button(key="anew")
    assert button.disabled and "99 GB" in button.help


def test_where_its_data_are_missing_they_are_offered(at, shipped, monkeypatch):
    monkeypatch.setattr(data, "needs_download", lambda config: True)
    open_at(at, **first().query())
    assert_sound(at)
    assert "From the gallery" in texts(at) and "anew" not in keys(at)
    assert at.button(key="download").label == "Download MNIST"


def test_only_seeds_that_were_kept_are_offered(at, shipped):
    open_at(at, **{**first().query(), "seed": "2"})
    assert_sound(at)
    assert not [one for one in at.button_group if one.key == "view:seed"]
    assert "seed" not in at.query_params
    said = "**Seed**: `2` must be 0: of this run's other seeds the gallery has curves and no points"
    assert at.warning[0].value.count("**Seed**") == 1 and said in at.warning[0].value


@pytest.mark.parametrize("part", ["data_checksum", "engine_version"])
def test_what_stands_in_says_so(at, shipped, monkeypatch, tmp_path, part):
    gallery = Gallery(tmp_path / "gallery")
    run = make_run(RunConfig(depth=8), machine={"device": "CPU", "date": "2026-01-02T00:00:00"})
    gallery.add(replace(identify(run.config), **{part: "0"}), run, [], {})
    monkeypatch.setattr(shipped, "gallery", gallery)
    open_at(at, depth="8")
    assert_sound(at)
    said = texts(at)
    assert "From the gallery" in said
    if part == "data_checksum":
        assert "on other files of Digits than those used here" in said
    else:
        assert "by version 0 of the engine" in said


@pytest.fixture
def started(shipped, monkeypatch, tmp_path):
    """A gallery in which one run took the place of the same network's from random weights."""
    gallery = Gallery(tmp_path / "gallery")
    machine = {"device": "CPU", "date": "2026-01-02T00:00:00"}
    config = RunConfig(depth=8, start="neighbour", via="5")
    gallery.add(identify(config), make_run(config, machine=machine), [], {})
    monkeypatch.setattr(shipped, "gallery", gallery)
    return config


def test_what_started_from_a_neighbour_is_shown_in_the_place_it_took(at, started, jobs):
    open_at(at, depth="8")
    assert_sound(at)
    said = texts(at)
    assert "From the gallery" in said and "it came lower than from random weights" in said
    assert picked(at) == started.from_random
    assert at.button(key="anew").label == "Train it from random weights"
    at.button(key="anew").click().run()
    assert jobs.submitted == [started.from_random]


def test_asked_for_itself_it_is_trained_as_it_was(at, started, jobs):
    open_at(at, depth="8", start="neighbour", via="5")
    assert_sound(at)
    assert "it came lower" not in texts(at)
    assert at.button(key="anew").label == "Train it here"


def test_on_depth_too_it_is_in_the_place_it_took(at, started):
    from streamlit.util import calc_hash

    at._page_hash = calc_hash("depth")
    open_at(at, depths="8,13")
    assert_sound(at)
    said = texts(at)
    assert "**Started from a neighbour’s network**" in said and "at L = 8." in said
    assert "1 of 2 are here" in said


@pytest.mark.parametrize("status", [Status.CANCELLED, Status.FAILED])
def test_what_stands_in_stays_when_a_training_of_today_s_rests(
    at, shipped, monkeypatch, tmp_path, status
):
    gallery = Gallery(tmp_path / "gallery")
    run = make_run(RunConfig(depth=8), machine={"device": "CPU", "date": "2026-01-02T00:00:00"})
    gallery.add(replace(identify(run.config), data_checksum="0"), run, [], {})
    monkeypatch.setattr(shipped, "gallery", gallery)
    rests(shipped, run.config, status, error="why")
    assert runs.look(run.config).shipped and runs.glance(run.config).shipped
    open_at(at, depth="8")
    assert not at.exception
    assert "From the gallery" in texts(at) and "anew" in keys(at)


def test_what_a_gallery_from_elsewhere_says_is_shown_as_it_stands(
    at, shipped, monkeypatch, tmp_path
):
    gallery = Gallery(tmp_path / "gallery")
    machine = {"device": "![x](http://example.com/a.png)", "date": "<img src=x>"}
    run = make_run(RunConfig(depth=8), machine=machine)
    gallery.add(identify(run.config), run, [], {})
    monkeypatch.setattr(shipped, "gallery", gallery)
    open_at(at, depth="8")
    assert_sound(at)
    assert r"\!\[x\]\(http\:" in texts(at) and "![x](" not in texts(at)
    assert "<img src=x>" not in texts(at)


def test_depth_opens_on_figure_1(at, shipped):
    from streamlit.util import calc_hash

    at._page_hash = calc_hash("depth")
    at.run()
    assert_sound(at)
    assert picked(at).dataset == "mnist" and "Figure 1" in texts(at)
    count = sum(runs.glance(one).status is Status.DONE for one in row("figure-1"))
    whole = len(row("figure-1"))
    assert f"{count} of {whole} are here" in texts(at) or count == whole
    assert count < whole or f"All {whole} networks are trained" in texts(at)


# Training as one picks.


@pytest.fixture
def begun(at, store, jobs, monkeypatch):
    """A page by a bare address, and a clock that the test moves."""
    clock = [100.0]
    monkeypatch.setattr(automatic.time, "monotonic", lambda: clock[0])
    jobs.seconds = 5.0
    at.run()
    return clock


def _state(at):
    names = (automatic._WANTED, automatic._PICKED, requests._ASKED_AT)
    return {name: at.session_state[name] for name in names if name in at.session_state}


def beat(at, config):
    """What a look at the run does, in the page's own session."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(automatic.st, "session_state", {**_state(at)})
        return automatic.waits(runs.look(config))


def test_a_pick_that_takes_moments_waits_to_begin(at, begun, jobs):
    at.button_group(key="field:depth").set_value(8).run()
    assert beat(at, RunConfig(depth=8)) and not jobs.submitted
    jobs.seconds = 25.0
    assert not beat(at, RunConfig(depth=8))
    jobs.seconds = None
    assert not beat(at, RunConfig(depth=8))


HELD_BACK = "“Train as I pick” held back: it starts what takes less than about 20 s."


@pytest.mark.parametrize("seconds, held", [(5.0, False), (25.0, True), (None, True)])
def test_a_pick_that_is_held_back_is_told(at, begun, jobs, seconds, held):
    jobs.seconds = seconds
    at.button_group(key="field:depth").set_value(8).run()
    assert_sound(at)
    assert (HELD_BACK in texts(at)) is held
    at.toggle(key="by itself").set_value(False).run()
    assert HELD_BACK not in texts(at)


def test_nothing_waits_that_is_there_or_was_not_picked(at, begun, store):
    assert not beat(at, RunConfig())  # it was there at first: nobody picked it
    store.put(make_run(RunConfig(depth=8)))
    at.button_group(key="field:depth").set_value(8).run()
    assert not beat(at, RunConfig(depth=8))
    at.button_group(key="field:depth").set_value(13).run()
    assert beat(at, RunConfig(depth=13))
    at.toggle(key="by itself").set_value(False).run()
    assert not beat(at, RunConfig(depth=13))


def test_it_begins_once_and_half_a_second_after_the_last_change(monkeypatch, store, jobs):
    clock, state = [100.0], {}
    monkeypatch.setattr(automatic.time, "monotonic", lambda: clock[0])
    monkeypatch.setattr(automatic.st, "session_state", state)
    jobs.seconds = 5.0
    automatic.begin(True)
    run, asked = runs.look(RunConfig()), []
    monkeypatch.setattr(
        automatic.requests, "submit", lambda config, automatic: asked.append((config, automatic))
    )
    automatic.picked(run.config)
    clock[0] += 0.4
    assert not automatic.start(run)
    automatic.picked(run.config)
    clock[0] += 0.4
    assert not automatic.start(run)
    clock[0] += 0.2
    assert automatic.start(run) and asked == [(run.config, True)]
    # Who stops it wants it stopped.
    assert not automatic.start(make_run(RunConfig(), Status.CANCELLED)) and len(asked) == 1


def test_what_was_stopped_by_hand_does_not_begin_again(at, begun, jobs):
    at.button(key="preset_instant").click().run()
    assert jobs.submitted == [instant_preset()]
    # Trained and stopped, it is at rest, and nothing was picked since.
    assert not beat(at, instant_preset())


def test_what_one_comes_back_to_goes_on(at, begun):
    at.button_group(key="field:depth").set_value(13).run()
    # As the browser's Back does it.
    at.query_params["depth"] = "8"
    at.run()
    assert_sound(at)
    assert picked(at) == RunConfig(depth=8) and beat(at, RunConfig(depth=8))


A, B = RunConfig(depth=3), RunConfig(depth=5)


@pytest.fixture
def looking():
    clock, stopped = [0.0], []
    found = Viewers(stopped.append, now=lambda: clock[0])
    return found, clock, stopped


def test_what_began_by_itself_stops_when_its_visitor_picks_something_else(looking):
    found, _, stopped = looking
    found.watches("me", A)
    found.began(A)
    found.watches("me", A)
    assert stopped == []
    found.watches("me", B)
    assert stopped == [A]
    found.watches("me", A)
    found.watches("me", B)
    assert stopped == [A]  # it was stopped once, and did not begin again


def test_of_two_runs_that_are_compared_both_are_watched(looking):
    found, _, stopped = looking
    found.watches("me", A, B)
    found.began(A)
    found.began(B)
    found.watches("me", B, A)
    assert stopped == []
    found.watches("me", B)
    assert stopped == [A]


def test_it_goes_on_while_another_looks_or_where_somebody_asked_for_it(looking):
    found, clock, stopped = looking
    found.watches("me", A)
    found.watches("you", A)
    found.began(A)
    found.watches("me", B)
    assert stopped == []
    clock[0] += WATCHING + 1
    found.sweep()
    assert stopped == []  # a hidden page is seldom heard of
    found.asked(A)
    found.watches("you", B)
    clock[0] += PATIENCE
    found.sweep()
    assert stopped == []


def test_it_stops_when_all_browsers_are_gone(looking):
    found, clock, stopped = looking
    found.watches("me", A)
    found.began(A)
    clock[0] += PATIENCE - BETWEEN
    found.sweep()
    assert stopped == []
    clock[0] += 2 * BETWEEN
    found.sweep()
    found.sweep()
    assert stopped == [A]


def test_what_cannot_be_stopped_is_told_once_and_stopped_when_it_can_be(caplog):
    full, stopped, clock = [True], [], [0.0]

    def cancel(config):
        if full:
            raise OSError(28, "No space left on device")
        stopped.append(config)

    found = Viewers(cancel, now=lambda: clock[0])
    found.watches("me", A)
    found.began(A)
    clock[0] += PATIENCE + 1
    for _ in range(3):
        found.sweep()
    assert len(caplog.messages) == 1 and "could not be stopped" in caplog.text
    full.clear()
    found.sweep()
    assert stopped == [A]


def test_the_estimate_of_a_new_machine_goes_by_the_gallery(tmp_path):
    from ncengine.jobs.estimate import estimate

    own = Store(tmp_path / "own", Gallery(None))
    like = first().with_(depth=4)
    ask = {"workers": 1, "start": 0.0, "others": 0}
    assert estimate(own, like, **ask) is None
    seconds = estimate(Store(tmp_path / "cache", Gallery(SHIPPED)), like, **ask)
    assert 1 < seconds < 60


def test_what_is_shipped_and_the_same_trained_here_are_two_pictures(store):
    whole = make_run(RunConfig(classes=3, samples_per_class=8, width=8, depth=2))
    own = replace(whole, key="one")
    shipped = replace(own, shown_seed=0)
    assert own.recorded != shipped.recorded
    how = (0, "last", ())
    first, again = (derived.project(own, own.geometry, *how) for _ in range(2))
    assert first is again is not derived.project(shipped, shipped.geometry, *how)
