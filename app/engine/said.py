"""What a browser says of a widget, as Streamlit writes it."""

from __future__ import annotations

from typing import Any

from streamlit.proto.WidgetStates_pb2 import WidgetState
from streamlit.runtime.scriptrunner_utils.script_requests import _has_active_trigger_value
from streamlit.runtime.state.session_state import WStates


def is_news(one: WidgetState, before: WidgetState | None, metadata: Any, state: Any) -> bool:
    """Whether somebody has done something with the widget since it was said last.

    What the server has set itself is no news, nor what stands there at first.

    Args:
        before: what was said of it last.
        metadata: the widget's, as Streamlit keeps it.
        state: the session's.
    """
    kind = one.WhichOneof("value") or ""
    if "trigger" in kind or kind == "chat_input_value":
        # Pressed twice, it is said twice.
        return bool(_has_active_trigger_value(one))
    if one == before:
        return False
    if kind == "json_value":
        return True
    return bool(value(one, metadata) != (state[one.id] if one.id in state else None))


def value(one: WidgetState, metadata: Any) -> Any:
    """What the widget shows, as the script that drew it means it.

    Args:
        metadata: the widget's, as Streamlit keeps it.
    """
    sent = WStates()
    sent.set_widget_metadata(metadata)
    sent.set_widget_from_proto(one)
    return sent.get(one.id)
