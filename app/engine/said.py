"""What a browser says of a widget, as Streamlit writes it."""

from __future__ import annotations

from typing import Any

from streamlit.proto.WidgetStates_pb2 import WidgetState
from streamlit.runtime.scriptrunner_utils.script_requests import _has_active_trigger_value
from streamlit.runtime.state.session_state import WStates


def is_trigger(one: WidgetState) -> bool:
    """Whether the widget is one that is pressed, and shows nothing."""
    kind = one.WhichOneof("value") or ""
    return "trigger" in kind or kind == "chat_input_value"


def is_pressed(one: WidgetState) -> bool:
    """Whether it was."""
    return bool(_has_active_trigger_value(one))


def value(one: WidgetState, metadata: Any) -> Any:
    """What the widget shows, as the script that drew it means it.

    Args:
        metadata: the widget's, as Streamlit keeps it.
    """
    sent = WStates()
    sent.set_widget_metadata(metadata)
    sent.set_widget_from_proto(one)
    return sent.get(one.id)
