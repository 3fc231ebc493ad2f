"""One request of a browser, with news of several parts of a page."""

from types import SimpleNamespace

import pytest
from streamlit.proto.ClientState_pb2 import ClientState
from streamlit.runtime.app_session import AppSession
from streamlit.runtime.state.common import WidgetMetadata
from streamlit.runtime.state.session_state import SessionState

from app.engine import reruns

HERE, ELSEWHERE, MAIN = "a fragment", "another", None
KINDS = {
    "int_value": (3, 4),
    "string_value": ("a", "b"),
    "json_value": ('{"a": 1}', '{"a": 2}'),
    "trigger_value": (False, True),
    "json_trigger_value": ("", '[{"event": "beat"}]'),
}


def same(value: object) -> object:
    return value


def drawn(**widgets: tuple[str | None, str]) -> SessionState:
    """The state of a page with these widgets: the fragment of each, and its kind."""
    state = SessionState()
    for name, (fragment, kind) in widgets.items():
        widget = WidgetMetadata(name, same, same, kind, fragment_id=fragment)
        state._set_widget_metadata(widget)
        state._old_state[name] = KINDS[kind][0]
    return state


def asked(fragment: str | None, **said: object) -> ClientState:
    request = ClientState(fragment_id=fragment or "")
    for name, (kind, value) in said.items():
        setattr(request.widget_states.widgets.add(id=name), kind, value)
    return request


@pytest.fixture
def requests(monkeypatch):
    """The fragments that a session was asked for, as Streamlit came to know of them."""
    came = []
    monkeypatch.delattr(AppSession, "draws_all", raising=False)
    monkeypatch.setattr(AppSession, "request_rerun", lambda self, asked: came.append(asked))
    reruns.draw_all_that_is_asked()
    yield came
    del AppSession.draws_all


class Session(SimpleNamespace):
    """What of a session is needed."""

    __hash__ = object.__hash__


def ask(session, *requests):
    for one in requests:
        AppSession.request_rerun(session, one)


@pytest.mark.parametrize("kind", list(KINDS))
@pytest.mark.parametrize(
    ("fragment", "of", "whole"),
    [
        (HERE, MAIN, True),
        (HERE, ELSEWHERE, True),
        (HERE, HERE, False),
        (None, MAIN, True),
        (None, HERE, True),
    ],
)
def test_the_page_is_drawn_whole_for_news_of_another_part(requests, kind, fragment, of, whole):
    before, after = KINDS[kind]
    session = Session(_session_state=drawn(field=(of, kind), player=(HERE, "json_value")))
    player = ("json_value", '{"epoch": "3"}')
    ask(session, asked(fragment, field=(kind, after), player=player))
    assert [one.fragment_id for one in requests] == ["" if whole else fragment]
    # All that was said comes along.
    assert {one.id for one in requests[0].widget_states.widgets} == {"field", "player"}


@pytest.mark.parametrize("kind", list(KINDS))
def test_what_was_said_before_is_no_news(requests, kind):
    first, other = KINDS[kind]
    trigger = "trigger" in kind
    session = Session(_session_state=drawn(field=(MAIN, kind), player=(HERE, "json_value")))
    player = [("json_value", f'{{"epoch": "{n}"}}') for n in range(2)]
    ask(session, asked(None, field=(kind, other)))
    said = first if trigger else other
    ask(session, *[asked(HERE, field=(kind, said), player=one) for one in player])
    assert [one.fragment_id for one in requests] == ["", HERE, HERE]


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "json_value"])
def test_what_stands_there_at_first_or_was_set_by_the_server_is_no_news(requests, kind):
    first, other = KINDS[kind]
    session = Session(_session_state=drawn(field=(MAIN, kind), player=(HERE, "json_value")))
    ask(session, asked(HERE, field=(kind, first), player=("json_value", "{}")))
    if "trigger" not in kind:
        session._session_state._old_state["field"] = other
        ask(session, asked(HERE, field=(kind, other), player=("json_value", "{}")))
    # Nor is what no page has: that of one that was left, say.
    ask(session, asked(HERE, gone=(kind, other), player=("json_value", "{}")))
    assert {one.fragment_id for one in requests} == {HERE}


@pytest.mark.parametrize("kind", ["trigger_value", "json_trigger_value"])
def test_who_presses_twice_is_answered_twice(requests, kind):
    session = Session(_session_state=drawn(button=(MAIN, kind), player=(HERE, "json_value")))
    for n in range(2):
        player = ("json_value", f'{{"epoch": "{n}"}}')
        ask(session, asked(HERE, button=(kind, KINDS[kind][1]), player=player))
    assert [one.fragment_id for one in requests] == ["", ""]


def test_sessions_are_told_apart_and_a_request_without_a_browser_passes(requests):
    sessions = [Session(_session_state=drawn(field=(MAIN, "int_value"))) for _ in range(2)]
    ask(sessions[0], asked(None, field=("int_value", 4)), None)
    ask(sessions[1], asked(HERE, field=("int_value", 4)))
    ask(sessions[0], asked(HERE, field=("int_value", 4)))
    assert [one and one.fragment_id for one in requests] == ["", None, "", HERE]


def test_streamlit_is_changed_once():
    reruns.draw_all_that_is_asked()
    before = AppSession.request_rerun
    reruns.draw_all_that_is_asked()
    assert AppSession.request_rerun is before
