"""What a page asks for within the same instant is drawn, all of it."""

from __future__ import annotations

from typing import Any
from weakref import WeakKeyDictionary

from streamlit.proto.ClientState_pb2 import ClientState
from streamlit.proto.WidgetStates_pb2 import WidgetState
from streamlit.runtime.app_session import AppSession
from streamlit.runtime.state.session_state import SessionState

from app.engine.said import is_news


def draw_all_that_is_asked() -> None:
    """From now on the page is drawn whole where more than one fragment of it was asked for at once.

    What is pressed, and what moves by itself, within the same turn of the browser is sent to the
    server as one request, which Streamlit (1.67) says to be the first fragment's. The other values
    come along and their callbacks run, but what they lead to would be drawn with the next request.
    """
    session: Any = AppSession
    if hasattr(session, "draws_all"):
        return
    request = session.request_rerun
    # By session, what its browser said of each widget last.
    said: WeakKeyDictionary[Any, dict[str, WidgetState]] = WeakKeyDictionary()

    def request_rerun(self: Any, client_state: ClientState | None) -> None:
        if client_state is not None:
            before = said.get(self, {})
            if client_state.fragment_id and asks_for_others(
                client_state, before, self._session_state
            ):
                client_state.fragment_id = ""
            said[self] = {one.id: one for one in client_state.widget_states.widgets}
        request(self, client_state)

    session.draws_all, session.request_rerun = True, request_rerun


def asks_for_others(
    client_state: ClientState, before: dict[str, WidgetState], state: SessionState
) -> bool:
    """Whether a request for a fragment brings news of a widget that is not of that fragment.

    Args:
        client_state: the request.
        before: what the browser said of each widget last, by id.
        state: the session's, which holds the widgets that were drawn.
    """
    of = state._new_widget_state.widget_metadata
    return any(
        one.id in of
        and of[one.id].fragment_id != client_state.fragment_id
        and is_news(one, before.get(one.id), of[one.id], state)
        for one in client_state.widget_states.widgets
    )
