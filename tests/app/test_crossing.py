"""A request of a browser that has not heard yet what the server set."""

import time
from types import SimpleNamespace

import pytest
from streamlit.proto.WidgetStates_pb2 import WidgetStates
from streamlit.runtime.scriptrunner_utils.script_run_context import ThreadState
from streamlit.runtime.state.common import WidgetMetadata
from streamlit.runtime.state.session_state import SessionState

from app.engine import crossing

PRESS = ("trigger_value", True)
# The value of a field before, the one that the server sets, and a third; the same of another.
VALUES = {
    "bool_value": (False, True, None),
    "int_value": (3, 4, 5),
    "double_value": (0.5, 0.25, 0.125),
    "string_value": ("post", "pre", "none"),
}


def same(value: object) -> object:
    return value


class Browser:
    """A session's state on the server, and what its browser says in turn."""

    def __init__(self, monkeypatch, kind: str):
        self.kind = kind
        self.at = SimpleNamespace(
            page_script_hash="Explore", fragment_ids_this_run=None, is_history_navigation=False
        )
        monkeypatch.setattr(crossing, "get_script_run_ctx", lambda: self.at)
        ThreadState.initialize()
        self.state, self.called = SessionState(), []
        widgets = {"first": kind, "other": kind, "press": "trigger_value", "page": "json_value"}
        for name, of in widgets.items():
            widget = WidgetMetadata(
                name, same, same, of, callback=lambda name=name: self.called.append(name)
            )
            self.state._set_widget_metadata(widget)
            self.state._set_key_widget_mapping(name, f"key of {name}")
        new = WidgetMetadata("new", same, same, "string_value")
        self.state._set_widget_metadata(new)
        self.state._old_state["new"] = "as drawn"

    def says(self, **said: object) -> "Browser":
        """A request, by which a script runs."""
        states = WidgetStates()
        for name, value in said.items():
            kind, value = value if isinstance(value, tuple) else (self.kind, value)
            setattr(states.widgets.add(id=name), kind, value)
        self.called.clear()
        self.state.on_script_will_rerun(states)
        return self

    def is_set(self, **values: object) -> "Browser":
        """The script sets this."""
        for name, value in values.items():
            self.state[f"key of {name}"] = value
        return self

    @property
    def holds(self) -> tuple:
        return tuple(self.state[f"key of {name}"] for name in ("first", "other"))

    @property
    def told(self) -> set[str]:
        """What the browser is told with the page that is drawn."""
        return {
            name for name in ("first", "other") if self.state.is_new_state_value(f"key of {name}")
        }


@pytest.fixture
def visitor(monkeypatch, request):
    monkeypatch.delattr(SessionState, "holds", raising=False)
    monkeypatch.setattr(SessionState, "set_widgets_from_proto", SessionState.set_widgets_from_proto)
    crossing.hold_what_was_set()
    yield Browser(monkeypatch, request.param)
    del SessionState.holds


each_kind = pytest.mark.parametrize("visitor", list(VALUES), indirect=True)


def preset(visitor):
    """Both show the first value; one was set to the second by a button, and is not drawn yet."""
    before, after, _ = VALUES[visitor.kind]
    visitor.says(first=before, other=before)
    visitor.says(first=before, other=before, press=PRESS).is_set(first=after)
    assert visitor.holds == (after, before)
    return before, after


@each_kind
@pytest.mark.parametrize(
    "cause", ["a press", "a component", "another field", "another page", "Back"]
)
def test_what_was_set_stays_and_is_told_anew(visitor, cause):
    before, after = preset(visitor)
    others = {"other": before}
    if cause == "a press":
        others["press"] = PRESS
    elif cause == "a component":
        others["page"] = ("json_value", '{"asked": 1}')
    elif cause == "another field":
        others["other"] = after
    elif cause == "another page":
        visitor.at.page_script_hash = "Depth"
    else:
        visitor.at.is_history_navigation = True
    visitor.says(first=before, **others)
    assert visitor.holds == (after, others["other"])
    assert visitor.told == {"first"}
    assert "first" not in visitor.called


@each_kind
def test_a_fragment_changes_nothing_and_the_next_page_is_told(visitor):
    before, after = preset(visitor)
    visitor.at.fragment_ids_this_run = ["a part"]
    visitor.says(first=before, other=before)
    assert visitor.holds == (after, before) and visitor.told == set() and visitor.called == []
    visitor.at.fragment_ids_this_run = None
    visitor.says(first=before, other=before, press=PRESS)
    assert visitor.holds == (after, before) and visitor.told == {"first"}


@each_kind
def test_what_is_set_back_meanwhile_is_told_too(visitor, monkeypatch):
    """What was set first may come to the browser after all that it says here."""
    before, after = preset(visitor)
    visitor.at.is_history_navigation = True
    visitor.says(first=before, other=before).is_set(first=before)
    visitor.at.is_history_navigation = False
    # Before anything of that is drawn, another request begins a page.
    visitor.says(first=before, other=before, page=("json_value", '{"travels": 1}'))
    assert visitor.holds == (before, before) and visitor.told == {"first"}
    # For a moment, or until something of it has come, or somebody has picked.
    assert visitor.says(first=before, other=before).told == {"first"}
    assert visitor.says(first=after, other=before).told == set()
    assert visitor.holds == (after, before) and visitor.called == ["first"]


@each_kind
def test_after_a_moment_nothing_is_told_again(visitor, monkeypatch):
    before, _ = preset(visitor)
    visitor.says(first=before, other=before, press=PRESS).is_set(first=before)
    now = time.monotonic() + crossing.TOLD_AGAIN_SECONDS
    monkeypatch.setattr(crossing.time, "monotonic", lambda: now)
    assert visitor.says(first=before, other=before, press=PRESS).told == set()


@each_kind
def test_who_picks_again_what_was_there_before_has_picked(visitor):
    before, after = preset(visitor)
    # With the other fields as they were, and nothing else asked for.
    visitor.says(first=before, other=before)
    assert visitor.holds == (before, before)
    assert visitor.called == ["first"] and visitor.told == set()


@each_kind
def test_what_is_drawn_for_the_first_time_is_no_reason_for_a_request(visitor):
    """Who picks again what was there before has picked, though the page has a new widget too."""
    before, after = preset(visitor)
    visitor.says(first=before, other=before, new=("string_value", "as drawn"))
    assert visitor.holds == (before, before) and visitor.told == set()
    visitor.is_set(first=after).says(first=before, other=before, new=("string_value", "typed"))
    assert visitor.holds == (after, before) and visitor.told == {"first"}


@each_kind
def test_who_presses_twice_has_pressed_twice(visitor):
    before, after = preset(visitor)
    visitor.says(first=before, other=before, press=PRESS)
    visitor.says(first=before, other=before, press=PRESS)
    assert visitor.holds == (after, before) and visitor.told == {"first"}


@each_kind
def test_who_has_seen_some_of_what_was_set_has_seen_all(visitor):
    before, after, _ = VALUES[visitor.kind]
    visitor.says(first=before, other=before)
    visitor.says(first=before, other=before, press=PRESS).is_set(first=after, other=after)
    visitor.says(first=before, other=after, press=PRESS)
    assert visitor.holds == (before, after)


@each_kind
def test_what_is_picked_of_what_was_set_counts(visitor):
    before, after = preset(visitor)
    third = VALUES[visitor.kind][2]
    visitor.says(first=after, other=before, press=PRESS)
    assert visitor.holds == (after, before)
    if third is not None:
        visitor.says(first=third, other=before)
        assert visitor.holds == (third, before)


@each_kind
def test_a_widget_that_is_new_or_gone_is_left_to_streamlit(visitor):
    before, after, _ = VALUES[visitor.kind]
    visitor.says(first=before, press=PRESS)
    visitor.says(first=before, other=after, gone=before, press=PRESS)
    assert visitor.holds == (before, after)
    assert "gone" in visitor.state._new_widget_state.states


@each_kind
def test_what_the_server_never_set_is_the_browsers(visitor):
    before, after, _ = VALUES[visitor.kind]
    visitor.says(first=before, other=before)
    visitor.state._old_state["first"] = after  # by Streamlit itself
    visitor.says(first=before, other=before, press=PRESS)
    assert visitor.holds == (before, before) and visitor.told == set()


@each_kind
def test_streamlit_is_changed_once(visitor):
    before = SessionState.set_widgets_from_proto
    crossing.hold_what_was_set()
    assert SessionState.set_widgets_from_proto is before
