"""What a browser says of its widgets before it has heard what the server set them to."""

from __future__ import annotations

import math
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from streamlit.proto.WidgetStates_pb2 import WidgetState, WidgetStates
from streamlit.runtime.scriptrunner import get_script_run_ctx
from streamlit.runtime.state.session_state import SessionState

from app.engine.said import is_news, value

# What the widgets hold that a server can set.
_SETTABLE = frozenset(
    f"{kind}_value"
    for kind in ("bool", "int", "double", "string", "int_array", "double_array", "string_array")
)
_SAID = "crossing:said"
# What is set anew while it is on its way to the browser may come there before or after what the
# browser says: for so many seconds it is told again with every page that is drawn.
TOLD_AGAIN_SECONDS = 5.0


@dataclass
class _Said:
    """What the browser of a session said last: of each widget by its id, and from which page.

    `crossed`: when a widget was last said to show what was there before the server set it.
    `ever_set`: the keys of all that the server ever set.
    """

    of: dict[str, WidgetState] = field(default_factory=dict)
    page: str | None = None
    crossed: dict[str, float] = field(default_factory=dict)
    ever_set: set[str] = field(default_factory=set)


def hold_what_was_set() -> None:
    """From now on what the server has set is not undone by a request that has crossed it.

    With each request a browser says what all its widgets show. Of who presses something before the
    fields of a preset are drawn, say, it says what stood there before, and Streamlit (1.67) takes
    that for picked. Of who picks it again, it says the same, but asks for nothing else.
    """
    state: Any = SessionState
    if hasattr(state, "holds"):
        return
    take, put = state.set_widgets_from_proto, state.__setitem__

    def __setitem__(self: Any, key: str, value: Any) -> None:
        put(self, key, value)
        _said(self).ever_set.add(key)

    def set_widgets_from_proto(self: Any, widget_states: WidgetStates) -> None:
        said = _said(self)
        context = get_script_run_ctx()
        page = context.page_script_hash if context else said.page
        part = bool(context and context.fragment_ids_this_run)
        elsewhere = bool(context and context.is_history_navigation) or page != said.page
        behind = _behind(self, widget_states.widgets, said, caused=part or elsewhere)
        said.crossed = {} if behind is None else _crossed(said, widget_states.widgets, behind)
        heard = [one for one in widget_states.widgets if one.id not in (behind or ())]
        take(self, WidgetStates(widgets=heard))
        if not part:
            # As if set just now, so that the browser is told with the page that is drawn.
            keys = self._key_id_mapper.id_key_mapping
            for name in filter(keys.__contains__, said.crossed):
                self._new_session_state[keys[name]] = self[name]
        said.of.update({one.id: one for one in widget_states.widgets})
        said.page = page

    state.holds, state.__setitem__ = True, __setitem__
    state.set_widgets_from_proto = set_widgets_from_proto


def _said(state: Any) -> _Said:
    return state._old_state.setdefault(_SAID, _Said())


def _crossed(
    said: _Said, widgets: Iterable[WidgetState], behind: Iterable[str]
) -> dict[str, float]:
    """Those that cross a request now, or did a moment ago and show the same since."""
    now = time.monotonic()
    still = {
        one.id: said.crossed[one.id]
        for one in widgets
        if one == said.of.get(one.id)
        and now - said.crossed.get(one.id, -math.inf) < TOLD_AGAIN_SECONDS
    }
    return {**still, **dict.fromkeys(behind, now)}


def _behind(
    state: Any, widgets: Iterable[WidgetState], said: _Said, *, caused: bool
) -> set[str] | None:
    """The widgets of which a request says what was there before the server set them, by their ids.

    None where the request shows that what was set has come.

    Args:
        state: the session's.
        widgets: what the request says.
        said: what the browser said before.
        caused: whether it is known without them why there is a request.
    """
    found: set[str] = set()
    keys, drawn = state._key_id_mapper.id_key_mapping, state._new_widget_state.widget_metadata
    for one in widgets:
        if one.id not in drawn:
            continue  # of a page that was left
        before = said.of.get(one.id)
        if one.WhichOneof("value") not in _SETTABLE or keys.get(one.id) not in said.ever_set:
            caused |= is_news(one, before, drawn[one.id], state)
        elif one.id not in state:
            continue
        elif value(one, drawn[one.id]) == state[one.id]:
            if before is not None and one != before:
                return None
        elif one == before:
            found.add(one.id)
        else:
            caused = True
    return found if caused else set()
