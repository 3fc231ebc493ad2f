"""What Explore shows in every state of a run."""

import errno
import re
from dataclasses import replace

import numpy as np
import pytest

from app.charts import base, curves
from app.components import requests, text
from app.engine import data
from ncengine.config import Problem, RunConfig
from ncengine.costs import memory
from ncengine.runs.identity import identify
from ncengine.runs.run import Run, Status
from tests.app.conftest import FLOOR, assert_sound, make_run, open_at, texts

CONFIG = RunConfig()


def charts_of(at):
    return at.get("vega_lite_chart")


def labels(at):
    return [button.label for button in at.button]


def test_an_absent_run_invites_to_train_and_draws_nothing_else(at, jobs):
    at.run()
    assert_sound(at)
    assert "Nobody has trained this network yet" in texts(at)
    assert texts(at).count("he first run of its kind will tell how long it takes") == 1
    assert not charts_of(at)
    at.button(key="train").click().run()
    assert jobs.submitted == [CONFIG]


@pytest.mark.parametrize(
    ("course", "looks"),
    [
        ([(Status.QUEUED, 0), (Status.RUNNING, 0), (Status.RUNNING, 1), (Status.RUNNING, 2)], 4),
        ([(Status.QUEUED, 0), (Status.DONE, 2)], 2),
        ([(Status.QUEUED, 0)], requests.TAKEN_UP + 1),
        ([(Status.QUEUED, 0), (Status.FAILED, 0)], requests.TAKEN_UP + 1),
        ([(Status.RUNNING, 0)], requests.LOOKS),
    ],
    ids=["begins at once", "is over at once", "has to wait", "fails", "takes its time"],
)
def test_what_begins_at_once_is_waited_for_until_it_moves(monkeypatch, jobs, course, looks):
    whole = make_run(CONFIG)
    seen = []

    def look(config):
        status, snapshots = course[min(len(seen), len(course) - 1)]
        seen.append(config)
        return replace(whole, status=status, geometry=_first(whole, snapshots))

    monkeypatch.setattr(requests.runs, "look", look)
    monkeypatch.setattr(requests, "LOOK_EVERY", 0)
    requests.submit(CONFIG)
    assert jobs.submitted == [CONFIG] and len(seen) == looks


def _first(run, snapshots):
    return replace(run.geometry, epoch=run.geometry.epoch[:snapshots]) if snapshots else None


def test_the_heading_tells_network_size_time_and_device(at, store, jobs):
    jobs.seconds = 40.0
    at.run()
    said = texts(at)
    assert text.unbroken_parts(CONFIG.title()) in said
    # An embedding and four blocks of 64 × 64 with biases, and a last layer of 10 × 64.
    assert f"{5 * (64 * 64 + 64) + 640:,} parameters × 3 seeds" in said
    assert "About 40 s, from earlier runs. Press T to start." in said
    assert "CPU, 2 threads" in said


def test_a_run_trained_here_on_other_files_says_so(at, store, monkeypatch):
    store.put(make_run(CONFIG))
    on_others = replace(identify(CONFIG), data_checksum="others")
    monkeypatch.setattr(store, "identity", lambda key: on_others)
    open_at(at, **CONFIG.query())
    assert_sound(at)
    assert "on other files of Digits than those used here" in texts(at)


def test_a_run_whose_like_was_trained_less_far_invites_to_go_on(at, store, jobs):
    store.ends.passes = 400
    at.run()
    assert_sound(at)
    said = texts(at)
    assert "Nobody has trained" not in said
    assert "Trained for 400 passes so far" in said
    assert at.button(key="train").label == "Continue"
    at.button(key="train").click().run()
    assert jobs.submitted == [CONFIG]


def falling(config):
    """A finished run whose objective was still falling."""
    run = make_run(config)
    run.curves["gap"][:] = np.linspace(0.9, 0.1, len(run.curves["gap"]))[:, None]
    return run


def test_more_passes_are_only_picked_where_they_begin_anew(at, store, jobs):
    store.put(falling(CONFIG))
    at.run()
    longer = CONFIG.with_(epochs=2 * CONFIG.epochs)
    assert at.button(key="next-epochs").label == f"{longer.epochs:,} passes"
    at.button(key="next-epochs").click().run()
    assert jobs.submitted == [] and text.unbroken_parts(longer.title()) in texts(at)
    assert "Nobody has trained" in texts(at)


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (OSError(errno.ENOSPC, "No space left on device"), "the disk that holds /a/cache is full"),
        (OSError(errno.EIO, "Input/output error", "/a/cache/x"), "input/output error"),
        (RuntimeError("3 runs wait already"), "3 runs wait already"),
    ],
)
def test_why_a_training_cannot_begin_is_told_in_words(at, jobs, monkeypatch, error, said):
    def refuse(config):
        raise error

    monkeypatch.setattr(jobs, "submit", refuse)
    at.run()
    next(button for button in at.button if button.label.startswith("Train")).click().run()
    (told,) = at.error
    assert said in told.value and "Errno" not in told.value


@pytest.mark.parametrize("put_away", [True, False])
def test_more_passes_start_at_once_where_there_is_something_to_go_on_from(
    at, store, jobs, put_away
):
    store.put(falling(CONFIG))
    if put_away:
        store.ends.passes = CONFIG.epochs
    else:  # the result was written a moment ago
        store.not_put_away.add(identify(CONFIG).key)
    at.run()
    longer = CONFIG.with_(epochs=2 * CONFIG.epochs)
    assert at.button(key="next-epochs").label == f"Go on to {longer.epochs:,} passes"
    at.button(key="next-epochs").click().run()
    assert_sound(at)
    assert jobs.submitted == [longer]


def test_another_network_that_was_trained_less_far_is_only_picked(at, store, jobs):
    store.put(falling(CONFIG))
    store.ends.passes = 400
    at.run()
    assert at.button(key="next-depth").label == "Deeper: L = 8"
    at.button(key="next-depth").click().run()
    assert_sound(at)
    assert jobs.submitted == []
    assert "Trained for 400 passes so far" in texts(at)


def test_of_a_busy_machine_is_told_and_the_time_that_it_takes_there(at, jobs):
    jobs.busy, jobs.seconds = True, 40.0
    at.run()
    assert "About 40 s on this machine, which is busy, from earlier runs." in texts(at)


def test_what_is_told_where_time_cannot_be(at, jobs):
    jobs.busy = True
    at.run()
    assert "The first run of its kind will tell how long it takes" in texts(at)


def test_a_cached_run_is_drawn_at_once(at, store):
    run = make_run(CONFIG)
    store.put(run)
    at.run()
    assert_sound(at)
    assert len(charts_of(at)) == 4
    assert "train" not in [button.key for button in at.button]
    said = texts(at)
    assert "Done" in said
    objective = run.curves["loss"][-1].mean()
    assert f">{objective:.3f}<" in said
    assert f"{run.curves['gap'][-1].mean() / FLOOR:.1f}× floor" in said
    geometric = np.exp(np.log(run.curves["nc1"][-1]).mean())
    assert f">{geometric:.3f}<" in said


def test_a_running_run_shows_progress_curves_and_stop(at, store, jobs):
    store.put(make_run(CONFIG, Status.RUNNING, passes=250, seconds_left=30.4))
    at.run()
    assert_sound(at)
    assert "250 of 500 passes · 50% · 30 s left" in texts(at)
    assert len(charts_of(at)) == 4
    at.button(key="stop").click().run()
    assert jobs.cancelled == [CONFIG]
    # It is not stopped yet, but the click was heard.
    assert "**Stopping …**: 250 of 500 passes" in texts(at)
    assert at.button(key="stop").disabled
    store.put(make_run(CONFIG, Status.CANCELLED, passes=250))
    at.run()
    at.button(key="train").click().run()
    store.put(make_run(CONFIG, Status.RUNNING, passes=260))
    at.run()
    assert "**Training**: 260 of 500 passes" in texts(at)


def test_a_run_that_just_began_keeps_the_layout_while_empty(at, store):
    store.put(Run(CONFIG, Status.RUNNING, floor=FLOOR))
    at.run()
    assert_sound(at)
    assert len(charts_of(at)) == 3
    assert len(at.get("skeleton")) == 2


def test_a_waiting_run_shows_its_place(at, store, jobs):
    store.put(Run(CONFIG, Status.QUEUED, place=3))
    at.run()
    assert_sound(at)
    assert "**Waiting**: number 3 in the queue. It starts by itself." in texts(at)
    assert "Stop" in labels(at)


LACKING = "the Dask scheduler at tcp://host:8786 has no workers; it goes on when one comes"


def test_a_run_that_waits_for_a_worker_says_so(at, store, jobs):
    store.put(Run(CONFIG, Status.QUEUED, place=1))
    jobs.waits_for = LACKING
    at.run()
    assert_sound(at)
    assert f"**Waiting**: {text.plain(LACKING)}." in texts(at)
    assert "Stop" in labels(at)
    jobs.waits_for = ""
    at.run()
    assert "**Waiting**: number 1 in the queue. It starts by itself." in texts(at)


def test_a_waiting_run_says_what_is_trained_instead(at, store):
    others = [CONFIG.with_(data_seed=7, depth=13), CONFIG.with_(data_seed=8)]
    for other in others:
        store.put(make_run(other, Status.RUNNING))
    store.put(Run(CONFIG, Status.QUEUED, place=1))
    at.run()
    assert_sound(at)
    title = text.plain(others[0].title())
    assert f"number 1 in the queue, while {title} and 1 more is trained." in texts(at)


def test_what_only_reading_can_allow_cannot_be_asked_for_before(at, monkeypatch):
    monkeypatch.setattr(data, "needs_download", lambda config: False)
    monkeypatch.setattr(data, "examine", lambda config: None)
    open_at(at, dataset="cifar10")
    assert at.button(key="train").disabled
    assert "CIFAR10 is being read" in texts(at)
    open_at(at, dataset="digits")
    assert not at.button(key="train").disabled


@pytest.mark.parametrize(
    ("status", "word"), [(Status.CANCELLED, "Stopped"), (Status.INTERRUPTED, "Interrupted")]
)
def test_a_stopped_run_can_go_on_and_keeps_its_curves(at, store, jobs, status, word):
    store.put(make_run(CONFIG, status, passes=400))
    at.run()
    assert_sound(at)
    assert f"**{word}** after 400 of 500 passes" in texts(at)
    assert len(charts_of(at)) == 4
    assert at.button(key="train").label == "Continue"
    at.button(key="train").click().run()
    assert jobs.submitted == [CONFIG]


FULL = "the disk that holds /home/me/cache is full"


@pytest.mark.parametrize("status", [Status.INTERRUPTED, Status.QUEUED])
def test_a_run_that_finds_no_room_says_so_and_that_it_goes_on_by_itself(at, store, jobs, status):
    store.put(make_run(CONFIG, status, passes=400))
    jobs.in_the_way = FULL
    at.run()
    assert not at.exception
    (said,) = at.error
    assert FULL in said.value and "by itself once there is room" in said.value


def test_beside_an_earlier_result_it_says_so_too(at, store, jobs, monkeypatch):
    store.put_earlier(make_run(CONFIG))
    store.put(make_run(CONFIG, Status.INTERRUPTED, passes=400))
    own = identify(CONFIG).key
    monkeypatch.setattr(jobs, "waits_for_room", lambda key: FULL if key == own else "")
    at.run()
    assert not at.exception
    (said,) = at.error
    assert FULL in said.value and "by itself once there is room" in said.value


def test_a_run_that_found_no_room_before_says_why_it_was_interrupted(at, store):
    store.put(make_run(CONFIG, Status.INTERRUPTED, passes=400, error=FULL))
    at.run()
    assert not at.exception
    (said,) = at.error
    assert FULL in said.value and "by itself" not in said.value
    assert "Nothing could be written" in said.value
    assert at.button(key="train").label == "Continue"


def test_a_failed_run_says_why_in_words_and_can_be_tried_again(at, store):
    store.put(Run(CONFIG, Status.FAILED, error="the disk is full"))
    at.run()
    assert not at.exception
    assert "the disk is full" in at.error[0].value
    assert at.button(key="train").label == "Try again"


def test_diverged_seeds_are_named_and_left_out_of_means(at, store):
    run = make_run(CONFIG, diverged=np.array([False, True, False]))
    run.curves["loss"][-1] = [0.2, 700.0, 0.4]
    store.put(run)
    at.run()
    assert_sound(at)
    assert "Seed 1 diverged and is left out of all means." in [w.value for w in at.warning]
    assert ">0.300<" in texts(at)


def test_a_seed_that_ends_at_infinity_is_shown_and_named(at, store):
    run = make_run(CONFIG)
    run.curves["nc1"][-1] = [0.01, np.inf, 0.0001]
    store.put(run)
    at.run()
    assert_sound(at)
    assert "Seed 1 did not converge: NC1 ended at ∞" in at.warning[0].value
    # The geometric mean of the other two.
    assert ">0.00100<" in texts(at)
    assert "without seed 1 (∞)" in texts(at)


@pytest.mark.parametrize(
    ("nc1", "shown", "warned"),
    [
        ([np.inf, np.inf, np.inf], "∞", "Seeds 0, 1 and 2 did not converge: NC1 ended at ∞"),
        ([9e9, 9e9, 9e9], "9.00e9", "Seeds 0, 1 and 2 did not converge: NC1 ended at 9.00e9"),
        ([0.0, 0.0, 0.0], "0", None),
        ([0.0, 0.0, np.inf], "0 and ∞", "Seed 2 did not converge"),
    ],
)
def test_nc1_beyond_the_logarithm_is_a_number_too(at, store, nc1, shown, warned):
    run = make_run(CONFIG)
    run.curves["nc1"][-1] = nc1
    store.put(run)
    at.run()
    assert_sound(at)
    (value,) = re.findall(r'>NC1</div><div class="value" id="[\w-]+">(.*?)</div>', texts(at))
    assert value == shown
    assert [warned in warning.value for warning in at.warning] == ([True] if warned else [])


def test_what_came_of_it_is_said_in_a_sentence_with_what_to_try(at, store):
    run = make_run(CONFIG)
    run.curves["nc1"][-1] = 0.01
    run.curves["gap"][-3:] = np.array([[0.6], [0.3], [0.1]]) * FLOOR
    store.put(run)
    at.run()
    assert_sound(at)
    assert "**Nearly collapsed**: samples lie 10 % as far" in texts(at)
    assert "10 % above the floor, still falling." in texts(at)
    assert "Against it" not in texts(at)
    at.button(key="next-depth").click().run()
    assert_sound(at)
    assert at.header[0].value.startswith("8-RN1")
    assert "Nobody has trained this network yet" in texts(at)


def test_a_run_that_went_wrong_is_said_to_have(at, store):
    config = RunConfig(solver="SGD", learning_rate=10.0)
    run = make_run(config)
    run.curves["loss"][-1] = 40.0
    store.put(run)
    open_at(at, solver="SGD", learning_rate="10")
    assert_sound(at)
    assert "**Worse than doing nothing**" in texts(at)
    assert "settled" not in texts(at) and "floor, " not in texts(at)
    at.button(key="next-learning_rate").click().run()
    assert_sound(at)
    assert at.query_params["learning_rate"] == "0.1"


def test_what_stands_against_collapse_is_said_with_its_reason(at, store):
    config = RunConfig(architecture="RN2", decay_schedule="constant")
    store.put(make_run(config))
    open_at(at, architecture="RN2", decay_schedule="constant")
    assert_sound(at)
    assert "two linear layers a block" in next(
        m.value for m in at.markdown if "Against it" in m.value
    )
    at.button(key="next-decay_schedule").click().run()
    assert "λ/L" in at.header[0].value


def test_a_run_that_another_proves_to_be_no_optimum_is_said_to_be_none(at, store, jobs):
    run = make_run(CONFIG)
    store.put(run)
    seed = {"seed": 0, "diverged": False, "fit": 0.001, "decay_hidden": 0.0, "decay_last": 0.001}
    shallow = CONFIG.with_(depth=2)
    entry = {"key": "x", "config": shallow.model_dump(mode="json"), "seeds": [seed]}
    open_at(at)
    assert_sound(at)
    assert "Not at its optimum" not in texts(at)
    store.at_hand = lambda: [entry]
    at.run()
    assert_sound(at)
    (said,) = [m.value for m in at.markdown if "Not at its optimum" in m.value]
    assert "A network of depth 2, padded with blocks that add nothing, reaches 0.002" in said
    at.button(key="next-start").click().run()
    assert_sound(at)
    (submitted,) = jobs.submitted
    assert submitted == CONFIG.with_(start="neighbour", via="2") and submitted.origin == shallow
    assert at.header[0].value.startswith(text.unbroken_parts("5-RN1, pre-LN, by way of L = 2"))


def test_passes_that_went_to_the_curvature_are_told(at, store):
    store.put(make_run(CONFIG))
    open_at(at)
    assert_sound(at)
    assert re.search(r"500 passes \(1\d of them for the curvature\) in", at.caption[0].value)


def test_runs_of_the_same_title_are_told_apart(at, store):
    config = CONFIG.with_(solver="Adam", epochs=2000, data_seed=1)
    store.put(make_run(config))
    open_at(at, solver="Adam", epochs="2000", data_seed="1")
    assert at.header[0].value == text.unbroken_parts(CONFIG.title())
    assert "data seed 1 · solver Adam · **Done**: 2,000 passes" in at.caption[0].value
    store.put(make_run(config, Status.CANCELLED, passes=300))
    at.run()
    assert "data seed 1 · solver Adam · budget 2,000" in at.caption[0].value
    store.put(make_run(CONFIG))
    open_at(at, solver=CONFIG.solver, epochs="500", data_seed="0")
    assert "solver" not in at.caption[0].value


def test_a_run_under_way_is_not_called_a_failure(at, store):
    run = make_run(CONFIG, Status.RUNNING, passes=10)
    run.curves["nc1"][-1] = 9e9
    store.put(run)
    at.run()
    assert_sound(at)
    assert not at.warning


def test_when_every_seed_diverged_the_page_says_what_to_try(at, store):
    run = make_run(CONFIG, Status.DIVERGED, diverged=np.ones(3, bool))
    for name in ("loss", "nc1", "accuracy"):
        run.curves[name][3:] = np.nan
    store.put(run)
    at.run()
    assert not at.exception
    assert "lower learning rate" in at.error[0].value
    # How far they came is seen all the same.
    assert len(charts_of(at)) == 4
    assert f">{run.curves['loss'][2].mean():.3f}<" in texts(at)
    assert 'class="assumptions"' in texts(at)


@pytest.mark.parametrize("status", [Status.CANCELLED, Status.INTERRUPTED])
def test_a_run_that_ended_before_its_first_pass_has_nothing_to_go_on_from(at, store, status):
    store.put(Run(CONFIG, status, floor=FLOOR))
    at.run()
    assert_sound(at)
    assert "before its first pass" in texts(at)
    assert "go on from there" not in texts(at)
    assert at.button(key="train").label == "Train"


def test_a_width_too_small_for_the_figure_says_why_there_is_no_floor(at, store):
    config = RunConfig(width=4)
    store.put(make_run(config, floor=None))
    at.query_params["width"] = "4"
    at.run()
    assert_sound(at)
    assert "no simplex of K = 10 points fits in the d − 1 = 3 dimensions" in texts(at)
    assert "no floor in closed form" in texts(at)


def test_a_missing_data_set_offers_the_download_and_nothing_else(at, monkeypatch):
    fetched = []
    monkeypatch.setattr(data, "needs_download", lambda config: not fetched)
    monkeypatch.setattr(data, "download", lambda name, progress: fetched.append(name))
    at.query_params["dataset"] = "mnist"
    at.run()
    assert_sound(at)
    assert "MNIST is not on this machine yet" in texts(at)
    assert "Train" not in labels(at)
    at.button(key="download").click().run()
    assert fetched == ["mnist"]
    assert "Train" in labels(at)


def test_a_failed_download_is_told_in_words(at, monkeypatch):
    def fail(name, progress):
        raise RuntimeError("no mirror:\n- a_b: gone\nElse")

    monkeypatch.setattr(data, "needs_download", lambda config: True)
    monkeypatch.setattr(data, "download", fail)
    at.query_params["dataset"] = "mnist"
    at.run()
    at.button(key="download").click().run()
    assert not at.exception
    # Each line a paragraph, and no line a list that swallows the next one.
    told = ["no mirror\\:", "\\- a\\_b\\: gone", "Else"]
    assert at.error[0].value.split("\n\n") == told
    # It stays, however often the page is drawn, until the next try.
    at.run()
    assert at.error[0].value.split("\n\n") == told
    monkeypatch.setattr(data, "download", lambda name, progress: None)
    at.button(key="download").click().run()
    assert not at.error


def test_an_accident_shows_a_message_and_no_trace(at, store, monkeypatch):
    def fail(config):
        raise KeyError("a secret path")

    monkeypatch.setattr(store, "open", fail)
    at.run()
    assert not at.exception
    assert "Something went wrong" in at.error[0].value
    assert "secret" not in texts(at)


def test_a_field_that_rules_the_data_out_is_named_as_in_the_picker(at, monkeypatch):
    wrong = Problem("samples_per_class", 100, "must be at most 7, which class 0 has")
    found = data.Examination(problem=str(wrong), wrong=wrong)
    monkeypatch.setattr(data, "examine", lambda config: found)
    at.run()
    assert "Samples per class n = 100" in at.error[0].value.replace("\\", "")
    assert at.button(key="train").disabled
    assert "Press T to start" not in texts(at)


@pytest.mark.parametrize(("dataset", "pictures"), [("digits", 10), ("gaussian", 0)])
def test_a_stranger_sees_what_a_sample_is(at, dataset, pictures):
    open_at(at, dataset=dataset)
    assert_sound(at)
    shown = re.findall(r"data:image/png;base64,[^>]*><figcaption>(\d)<", texts(at))
    assert shown == [str(k) for k in range(pictures)]
    assert ("##### A sample of each class" in texts(at)) == bool(pictures)


def test_reviews_stand_behind_a_click(at, monkeypatch):
    found = [
        data.Example("negative", text="so *bad* a film"),
        data.Example("positive", text="fine"),
    ]
    monkeypatch.setattr(data, "examples", lambda config: found)
    monkeypatch.setattr(data, "needs_download", lambda config: False)
    monkeypatch.setattr(data, "examine", lambda config: data.Examination())
    open_at(at, dataset="imdb")
    assert_sound(at)
    assert "real, shown as people wrote them" in texts(at) and "a film" not in texts(at)
    at.toggle(key="texts:switch").set_value(True).run()
    assert_sound(at)
    assert r"**negative**: so \*bad\* a film" in texts(at)
    open_at(at, dataset="digits")
    open_at(at, dataset="imdb")
    assert at.toggle(key="texts:switch").value is True
    at.toggle(key="texts:switch").set_value(False).run()
    assert "a film" not in texts(at)


def test_the_explanation_stays_within_reach_once_there_is_something_to_see(at, store):
    store.put(make_run(CONFIG))
    at.run()
    assert [one for one in at.get("popover") if one.proto.popover.label == "What am I looking at?"]


def test_free_features_have_no_hidden_decay_and_no_test_data_to_show(at, store):
    config = RunConfig(architecture="UFM")
    store.put(make_run(config))
    at.query_params["architecture"] = "UFM"
    at.run()
    assert_sound(at)
    objective = charts_of(at)[0].proto.spec
    assert "last-layer decay" in objective and "hidden decay" not in objective
    assert ">no network<" in texts(at)


def test_only_of_the_parts_the_floor_is_dashed():
    layers = [one["encoding"] for one in curves.objective_spec(True)["layer"]]
    (scale,) = [one["strokeDash"]["scale"] for one in layers if "strokeDash" in one]
    dashes = dict(zip(scale["domain"], scale["range"], strict=True))
    dashed = [part for part, dash in dashes.items() if dash != base.SOLID]
    assert dashed == ["floor"]


def test_what_does_not_fit_into_memory_is_said_before_it_is_tried(at, jobs, monkeypatch):
    monkeypatch.setattr(memory, "memory_here", lambda: 2**30)
    at = open_at(at, width="1024", depth="200")
    assert "too large for this machine" in at.error[0].value
    assert "1 GiB" in at.error[0].value
    train = next(button for button in at.button if button.label == "Train")
    assert train.disabled
    assert not jobs.submitted
