"""The address and the picker: either leads, neither breaks the at."""

from types import SimpleNamespace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from streamlit.testing.v1 import AppTest
from streamlit.util import calc_hash

from app.components import address, series
from app.engine import data, derived, runs
from app.picker import other
from app.picker.other import OTHER
from app.player import view
from app.views import explore
from app.views.compare import CLOCK_WIDGET
from ncengine.config import PARAMS, RunConfig, numbers
from ncengine.config.gallery import first
from ncengine.config.presets import paper_preset
from tests.app.conftest import MAIN, FakeJobs, FakeStore, assert_sound, make_run, open_at, texts


def query_of(at):
    return {
        name: values[0] if isinstance(values, list) else values
        for name, values in at.query_params.items()
    }


def picked(at):
    return at.session_state["config"]


UNUSUAL = {
    "depth": 7,
    "width": 48,
    "weight_decay": 0.0037,
    "dataset": "gaussian",
    "classes": 4,
    "spread": 0.77,
    "seeds": (4, 9),
    "loss": "MSE",
    "last_bias": True,
    "solver": "SGD",
    "momentum": 0.77,
    "learning_rate": 0.0123,
    "epochs": 77,
}


def test_a_configuration_survives_the_way_through_an_address(at, store):
    config = RunConfig(**UNUSUAL)
    store.put(make_run(config))
    open_at(at, **config.query())
    assert_sound(at)
    assert picked(at) == config
    # Made-up curves may end worse than doing nothing; of the address nothing is said.
    assert not any("showing" in warning.value for warning in at.warning)
    assert RunConfig.nearest(query_of(at)) == (config, [])
    at.run()
    assert picked(at) == config


@pytest.mark.parametrize("back", [False, True])
def test_the_address_just_replaced_comes_back_with_a_click_or_by_going_back(
    back, at, store, monkeypatch
):
    before, after = RunConfig(depth=2), RunConfig(depth=8)
    store.put(make_run(before))
    store.put(make_run(after))
    open_at(at, **before.query())
    at.button_group(key="field:depth").set_value(8).run()
    assert picked(at) == after
    monkeypatch.setattr(address, "ECHO_SECONDS", 1e9)
    monkeypatch.setattr(address, "went_through_history", lambda owner: back)
    at.query_params.update(before.query())
    at.run()
    assert picked(at) == (before if back else after)


def test_a_late_click_with_the_replaced_address_undoes_no_pick(at, store, monkeypatch):
    """However slow the machine: until the browser has been heard with the new address."""
    before = RunConfig(depth=2)
    open_at(at, **before.query())
    at.button_group(key="field:depth").set_value(8).run()
    monkeypatch.setattr(address, "ECHO_SECONDS", 0)
    for _ in range(2):
        at.query_params.update(before.query())
        at.run()
        assert picked(at).depth == 8 and query_of(at)["depth"] == "8"
    at.run()
    # From now on it is one that somebody asks for.
    at.query_params.update(before.query())
    at.run()
    assert picked(at).depth == 2


@pytest.mark.parametrize("travels, picked_is", [(0, 8), (1, 2)])
def test_back_is_known_from_the_browser_s_count_where_its_request_was_overtaken(
    travels, picked_is, at, store, monkeypatch
):
    """Streamlit drops its own flag where a request follows; the widgets may still show the old."""
    open_at(at, **RunConfig(depth=2).query())
    at.button_group(key="field:depth").set_value(8).run()
    assert picked(at).depth == 8
    monkeypatch.setattr(address, "ECHO_SECONDS", 1e9)
    monkeypatch.setattr(address, "travels", lambda: travels)
    at.query_params.update(RunConfig(depth=2).query())
    at.button_group(key="field:depth").set_value(8).run()
    assert picked(at).depth == picked_is
    assert query_of(at)["depth"] == str(picked_is)
    # And what is picked after that is.
    at.button_group(key="field:depth").set_value(5).run()
    assert picked(at).depth == 5


@pytest.mark.parametrize("travels, shown", [(0, "layers"), (1, "proof")])
def test_back_that_was_taken_for_an_echo_is_gone_back_to_once_the_browser_tells(
    travels, shown, monkeypatch, store, jobs
):
    """Its request comes without Streamlit's flag, and the browser's count with the next one."""
    at = AppTest.from_file(MAIN, default_timeout=60)
    at._page_hash = calc_hash("theory")
    open_at(at, part="proof")
    at.segmented_control(key="theory:part").set_value("layers").run()
    monkeypatch.setattr(address, "ECHO_SECONDS", 1e9)
    at.query_params["part"] = "proof"
    at.run()
    assert at.query_params["part"] == "layers"
    monkeypatch.setattr(address, "travels", lambda: travels)
    at.run()
    assert at.query_params["part"] == shown
    assert at.segmented_control(key="theory:part").value == shown
    # And what is picked after that is.
    at.segmented_control(key="theory:part").set_value("floor").run()
    at.run()
    assert "part" not in at.query_params


LEFT = RunConfig(depth=3)
RUN = LEFT.query()
EIGHT = "dataset=digits;depth=8"
PAIR = {**RUN, OTHER: EIGHT}
# On a page: the widget that is picked with, what it is picked from and to, and what says so in
# the address before and after.
PICKS = [
    ("", "field:depth", 3, 5, RUN, {"depth": "5"}),
    ("", "view:seed", 0, 1, RUN, {"seed": "1"}),
    ("", "view:basis", "last", "each", RUN, {"basis": "each"}),
    ("theory", "theory:part", "floor", "proof", {}, {"part": "proof"}),
    ("theory", "theory:floor:loss", "CE", "MSE", {}, {"at": "loss=MSE"}),
    ("depth", "depth:depths", ["2", "3"], ["2", "5"], {**RUN, "depths": "2,3"}, {"depths": "2,5"}),
    ("compare", "compare:depth:left", 3, 5, PAIR, {"depth": "5"}),
    ("compare", "compare:depth:right", 8, 13, PAIR, {OTHER: f"{EIGHT[:-1]}13"}),
    ("compare", CLOCK_WIDGET, "pass", "share", PAIR, {"clock": "share"}),
]


@pytest.mark.parametrize("path, key, was, to, asked, says", PICKS, ids=[one[1] for one in PICKS])
def test_what_a_widget_showed_before_back_comes_once_more_and_is_picked_by_nobody(
    path, key, was, to, asked, says, store, jobs, monkeypatch
):
    """The browser's word of Back is a request of its own, of what it shows meanwhile."""
    for depth in (2, 3, 5, 8, 13):
        store.put(make_run(RunConfig(depth=depth, seeds=(0, 1)) if depth == 3 else LEFT))
    at = AppTest.from_file(MAIN, default_timeout=60)
    at._page_hash = calc_hash(path)
    open_at(at, **asked)
    before = query_of(at)
    _widget(at, key).set_value(to).run()
    after = query_of(at)
    assert says.items() <= after.items() and after != before
    _travel(monkeypatch, flagged=True, count=0)
    at.query_params.clear()
    at.query_params.update(before)
    at.run()
    assert query_of(at) == before and _widget(at, key).value == was
    _travel(monkeypatch, flagged=False, count=1)
    _widget(at, key).set_value(to).run()
    assert_sound(at)
    assert query_of(at) == before and _widget(at, key).value == was
    # And what is picked after that is.
    _widget(at, key).set_value(to).run()
    assert query_of(at) == after and _widget(at, key).value == to


def _widget(at, key):
    kinds = (at.button_group, at.segmented_control, at.multiselect)
    return next(widget for kind in kinds for widget in kind if widget.key == key)


def _travel(monkeypatch, flagged, count):
    """What Streamlit says of Back, and how often the browser has counted it."""
    told = SimpleNamespace(is_history_navigation=flagged)
    monkeypatch.setattr(address, "get_script_run_ctx", lambda: told)
    monkeypatch.setattr(address, "travels", lambda: count)


PLAYER_S = {"epoch": "250", "view": "2d", "camera": "1_0_0_0_1_0_0", "drawn": "none", "hidden": "3"}


@pytest.mark.parametrize("name", PLAYER_S)
def test_what_the_player_can_show_needs_no_word(name, at, store):
    store.put(make_run(RunConfig()))
    open_at(at, **{name: PLAYER_S[name]})
    assert_sound(at)
    assert not at.warning


@pytest.mark.parametrize(
    "name, value",
    [
        ("epoch", "soon"),
        ("epoch", "-3"),
        ("view", "4d"),
        ("camera", "1_2_3"),
        ("camera", "0_0_0_0_1_0_0"),
        ("camera", "1_0_0_0_1_0_nan"),
        ("drawn", "samples,dreams"),
        ("hidden", "10"),
        ("hidden", "x"),
        ("colour", "red"),
    ],
)
def test_what_cannot_be_shown_is_told_once(name, value, at, store):
    store.put(make_run(RunConfig()))
    open_at(at, **{name: value})
    assert_sound(at)
    (warning,) = at.warning
    assert {"epoch": "Pass", "colour": "colour"}.get(name, name.capitalize()) in warning.value
    at.button(key="dismiss_notices").click().run()
    assert not at.warning
    at.run()
    assert not at.warning


def test_a_click_writes_the_address_and_leaves_foreign_parameters(at):
    open_at(at, epoch="250", camera="1,2,3", utm="x")
    at.button_group(key="field:depth").set_value(13).run()
    assert_sound(at)
    assert query_of(at) == {
        **RunConfig(depth=13).query(),
        "epoch": "250",
        "camera": "1,2,3",
        "utm": "x",
    }


TRACKED = {"utm_source": "x", "fbclid": "IwAR0", "UTM_Campaign": "y", "gclid": "1", "ref": "a"}


@pytest.mark.parametrize("extra", [{}, {"utm_source": "x"}, {"fbclid": "x"}, TRACKED])
def test_what_only_tracks_is_passed_over(extra, at, welcoming):
    open_at(at, **extra)
    assert_sound(at)
    assert not at.warning
    assert picker_welcomes(at)
    assert query_of(at) == extra


def test_what_is_unknown_is_told_and_the_welcome_stays(at, welcoming):
    open_at(at, colour="red", utm_source="x")
    assert_sound(at)
    (warning,) = at.warning
    assert "`colour`" in warning.value and "utm" not in warning.value
    assert picker_welcomes(at)


@pytest.mark.parametrize("asked", [{"depth": "5"}, {"view": "2d"}, {"seed": "1"}])
def test_what_asks_for_anything_is_no_welcome(asked, at, welcoming):
    open_at(at, **asked, utm_source="x")
    assert not picker_welcomes(at)


def test_back_to_the_bare_address_is_the_welcome_and_so_is_forward(at, welcoming, monkeypatch):
    at.run()
    assert picker_welcomes(at)
    at.button_group(key="field:depth").set_value(8).run()
    eight = query_of(at)
    assert picked(at).depth == 8 and not picker_welcomes(at)
    monkeypatch.setattr(address, "went_through_history", lambda owner: True)
    for query, welcome in (({}, True), (eight, False), ({}, True)):
        at.query_params.clear()
        at.query_params.update(query)
        at.run()
        assert_sound(at)
        assert picker_welcomes(at) is welcome
        assert query_of(at) == query


@pytest.fixture
def depth_at(at):
    """The page Depth, as its address opens it."""
    at._page_hash = calc_hash("depth")
    return at


def test_what_is_picked_after_going_back_to_a_bare_depth_stays(depth_at, welcoming, monkeypatch):
    at = depth_at.run()
    assert "kept" in query_of(at)  # the picture that the page opens on
    monkeypatch.setattr(address, "went_through_history", lambda owner: True)
    at.query_params.clear()
    at.run()
    assert query_of(at) == {} and picked(at) == first()
    monkeypatch.setattr(address, "went_through_history", lambda owner: False)
    at.multiselect(key="depth:depths").set_value(["2", "3"]).run()
    assert_sound(at)
    assert query_of(at) == {"depths": "2,3"} and picked(at) == first()


def test_forward_from_the_welcome_leads_to_the_picture_of_the_address(at, welcoming, monkeypatch):
    at.run()
    assert picker_welcomes(at)
    monkeypatch.setattr(address, "went_through_history", lambda owner: True)
    at._page_hash = calc_hash("depth")
    asked = {**first().query(), "depths": "2,3"}
    open_at(at, **asked)
    assert_sound(at)
    assert query_of(at) == asked and picked(at) == first()


@pytest.fixture
def welcoming(store, monkeypatch):
    """A gallery whose first run is at hand."""
    monkeypatch.setattr(runs, "home", first)
    store.put(make_run(first()))


def picker_welcomes(at):
    """Whether the page is that of who asked for nothing."""
    return at.session_state["picker:welcome"] and picked(at) == first()


def test_a_field_that_no_longer_applies_leaves_the_address(at):
    open_at(at, dataset="gaussian", spread="0.5")
    at.selectbox(key="field:dataset").set_value("digits").run()
    assert_sound(at)
    assert "spread" not in query_of(at)
    assert query_of(at)["dataset"] == "digits"


def test_widgets_follow_an_address_that_changes_from_outside(at):
    open_at(at, depth="8")
    at.query_params["depth"] = "21"
    at.run()
    assert picked(at).depth == 21
    assert at.button_group(key="field:depth").value == 21


def test_a_data_set_with_fewer_samples_clamps_them(at):
    open_at(at, dataset="mnist", samples_per_class="1000", depth="8")
    at.selectbox(key="field:dataset").set_value("digits").run()
    assert_sound(at)
    assert picked(at) == RunConfig(dataset="digits", samples_per_class=150, depth=8)


def test_any_depth_can_be_typed(at):
    at.run()
    at.button_group(key="field:depth").set_value("other").run()
    at.number_input(key="field:depth:other").set_value(17).run()
    assert_sound(at)
    assert picked(at).depth == 17


def test_the_presets_set_every_field(at):
    open_at(at, architecture="RN2", depth="8", width="16")
    at.button(key="preset_paper").click().run()
    assert_sound(at)
    assert picked(at) == paper_preset(RunConfig(architecture="RN2", depth=8))
    at.button(key="preset_default").click().run()
    assert picked(at) == RunConfig()


def test_wrong_values_are_listed_with_what_is_allowed_and_used(at):
    open_at(at, depth="900", loss="hinge", width="48", seeds="some")
    assert_sound(at)
    said = at.warning[0].value
    assert "**Depth L**: `900` must be a whole number from 2 to 200; showing **200**" in said
    assert "**Loss**: `hinge` must be one of CE, MSE; showing **CE** instead" in said
    assert "showing **3 seeds** instead" in said
    assert "Width" not in said
    assert picked(at) == RunConfig(depth=200, width=48)
    at.button(key="dismiss_notices").click().run()
    assert not at.warning


@pytest.mark.parametrize(
    ("query", "word"),
    [
        ({"seed": "77"}, "Seed"),
        ({"seed": "x"}, "Seed"),
        ({"basis": "sideways"}, "Basis"),
        ({"focus": "1,2,99"}, "Focus"),
        ({"focus": "1,1,2"}, "Focus"),
        ({"focus": ","}, "Focus"),
    ],
)
def test_a_wrong_view_is_told_and_the_default_shown(at, store, query, word):
    store.put(make_run(RunConfig()))
    open_at(at, **query)
    assert_sound(at)
    assert f"**{word}**" in at.warning[0].value
    assert not {"seed", "basis", "focus"} & query_of(at).keys()


@pytest.mark.parametrize(
    ("query", "word"),
    [({"epoch": "soon"}, "Pass"), ({"epoch": "nan"}, "Pass"), ({"epoch": "-3"}, "Pass"),
     ({"view": "4d"}, "View")],
)  # fmt: skip
def test_a_wrong_moment_is_told_and_the_run_drawn(at, store, query, word):
    store.put(make_run(RunConfig()))
    open_at(at, camera="askew", **query)
    assert_sound(at)
    assert f"**{word}**" in at.warning[0].value
    assert "pass 500." in texts(at)


def test_the_heat_map_shows_the_snapshot_nearest_to_the_epoch(at, store):
    store.put(make_run(RunConfig()))
    open_at(at, epoch="30")
    assert_sound(at)
    assert not at.warning
    assert "pass 1." in texts(at)


def test_seed_basis_and_focus_live_in_the_address(at, store):
    store.put(make_run(RunConfig()))
    query = {"seed": "2", "basis": "each", "focus": "0,3,7"}
    open_at(at, **query)
    assert_sound(at)
    assert not at.warning
    assert query.items() <= query_of(at).items()
    assert at.session_state["view"].focus(10) == (0, 3, 7)
    assert "Seed 2" in texts(at)


def test_a_focus_of_two_classes_is_no_focus_yet(at, store):
    store.put(make_run(RunConfig()))
    open_at(at, focus="0,3")
    assert_sound(at)
    assert at.session_state["view"].focus(10) == ()


def test_a_fifth_class_takes_the_place_of_the_first_that_was_picked(at, store):
    store.put(make_run(RunConfig()))
    open_at(at)
    picks = at.button_group(key="view:focus")
    for picked, focus, missing in (
        ([4], (), 2),
        ([2, 4], (), 1),
        ([0, 2, 4], (0, 2, 4), 0),
        ([0, 1, 2, 4], (0, 1, 2, 4), 0),
        ([0, 1, 2, 4, 5], (0, 1, 2, 5), 0),
        ([0, 1, 2, 3, 5], (0, 1, 3, 5), 0),
    ):
        picks.set_value(picked).run()
        assert_sound(at)
        assert at.session_state["view"].focus(10) == focus
        said = [one.value for one in at.caption if "to focus" in one.value]
        assert said == ([f"Pick {missing} more to focus on them."] if missing else [])
        picks = at.button_group(key="view:focus")


def test_of_four_classes_the_focus_is_all(at, store):
    store.put(make_run(RunConfig(classes=4)))
    open_at(at, classes="4")
    assert_sound(at)
    assert at.session_state["view"].focus(4) == (0, 1, 2, 3)


LONG = "9" * 4301
odd = [
    LONG,
    "-" + LONG,
    f"0,{LONG}",
    f"{LONG}_1_1_1_1_1_1",
    "0." + LONG,
    "١",
    "nan",
    "inf",
    "-inf",
    "1e999",
    "-0",
    "",
    " ",
    "None",
    "0x10",
    "1_0",
    "9" * 400,
]
garbage = st.one_of(
    st.text(max_size=80),
    st.sampled_from(odd),
    st.integers().map(str),
    st.floats().map(str),
)


@settings(max_examples=15)
@given(
    st.dictionaries(
        st.sampled_from(sorted({*explore.NAMES, *view.PLAYER_NAMES})), garbage, max_size=5
    )
)
def test_no_address_breaks_the_page(query):
    with pytest.MonkeyPatch.context() as patch:
        store = FakeStore()
        patch.setattr(runs, "store", lambda: store)
        patch.setattr(runs, "jobs", lambda: FakeJobs())
        patch.setattr(data, "needs_download", lambda config: False)
        # A network as wide and deep as may be is told to be too large, and rightly so.
        patch.setattr(derived, "too_large", lambda config: "")
        at = open_at(AppTest.from_file(MAIN, default_timeout=20), **query)
        assert_sound(at)
        expected, problems = RunConfig.nearest({k: v for k, v in query.items() if k in PARAMS})
        assert picked(at) == expected
        assert bool(problems) <= bool(at.warning)


@pytest.mark.parametrize("value", [LONG, "٣"])
def test_a_number_without_end_or_of_other_digits_is_no_number(value, at, store):
    store.put(make_run(RunConfig()))
    open_at(at, **dict.fromkeys(explore.NAMES, value))
    assert_sound(at)
    (said,) = at.warning
    told = [line for line in said.value.splitlines() if line.startswith("- ")]
    # The others are for Depth and Compare.
    here = set(explore.NAMES) - {*series.NAMES, *other.NAMES}
    assert len(told) == len(here) > 30
    assert picked(at) == RunConfig()


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_what_is_written_is_read_back(number):
    assert numbers.real(repr(number)) == number


@given(st.text(max_size=120))
def test_what_is_read_is_what_python_reads(text):
    for read, ours in ((int, numbers.whole), (float, numbers.real)):
        try:
            found = ours(text)
        except ValueError:
            continue
        assert found == read(text)
        assert text.isascii() and "_" not in text and len(text) <= numbers.LONGEST_NUMBER
