"""All recordings in a table, to open and delete."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime

import pyarrow as pa
import streamlit as st

from app.components import clock, text
from app.engine import public, recorded
from app.engine.limits import Deed, Refused
from app.recorded import words
from ncengine.reasons import reason
from ncengine.runs.recorded import Header

ROW_HEIGHT, MOST_HEIGHT = 40, 480
_LEFT = "recorded:left"
# So many are named before they are deleted.
NAMED = 8


def draw(found: Sequence[Header], open_one: Callable[[str], None]) -> None:
    """The table, newest first; `open_one` shows the one of that key."""
    height = min(MOST_HEIGHT, ROW_HEIGHT * (len(found) + 1))
    event = st.dataframe(
        _table(found),
        key="recorded:table",
        hide_index=True,
        height=height,
        row_height=ROW_HEIGHT,
        on_select="rerun",
        selection_mode="multi-row",
        column_config={
            "begun": st.column_config.DatetimeColumn(
                "begun", format="D MMM YYYY, HH:mm", width="medium"
            ),
            "name": st.column_config.TextColumn("name", width="medium"),
        },
    )
    rows = [n for n in event["selection"]["rows"] if n < len(found)]
    _actions([found[n] for n in rows], open_one)


def _table(found: Sequence[Header]) -> pa.Table:
    begun = [datetime.fromtimestamp(one.about.begun, UTC) for one in found]
    zone = str(clock.zone())
    return pa.table(
        {
            "name": [one.about.name for one in found],
            "state": [words.state(one.live, one.ended, one.about) for one in found],
            "snapshots": [one.snapshots for one in found],
            "classes": [one.about.classes or None for one in found],
            "width": [one.about.width or None for one in found],
            "head": [one.about.head for one in found],
            "begun": pa.array(begun, pa.timestamp("s", tz=zone)),
        }
    )


def _actions(chosen: Sequence[Header], open_one: Callable[[str], None]) -> None:
    with st.container(horizontal=True, vertical_alignment="center", key="recorded_actions"):
        if st.button("Open", type="primary", disabled=len(chosen) != 1, key="recorded:open"):
            open_one(chosen[0].key)
        if refused := public.why_not(Deed.DELETE):
            st.button("Delete", disabled=True, key="recorded:none", help=text.plain(refused))
        else:
            _offer_to_delete(chosen)
        if not chosen:
            st.caption("No row is picked: click on its box, or press Shift and Space on it.")
    for left in st.session_state.pop(_LEFT, []):
        st.warning(f"**Not deleted.** {left}")


def _offer_to_delete(chosen: Sequence[Header]) -> None:
    with st.popover(f"Delete {len(chosen) or ''}".strip(), disabled=not chosen):
        count = "one recording" if len(chosen) == 1 else f"{len(chosen)} recordings"
        st.markdown(f"**Delete {count} for good?** What was recorded is nowhere else.")
        names = [words.title(one.about) for one in chosen]
        more = [f"and {len(names) - NAMED} more"] if len(names) > NAMED else []
        st.markdown("\n".join(f"- {name}" for name in names[:NAMED] + more))
        keys = [one.key for one in chosen]
        st.button("Delete", key="recorded:delete", on_click=_delete, args=(keys,))


def _delete(keys: Sequence[str]) -> None:
    left = []
    for key in keys:
        try:
            recorded.delete(key)
        except (ValueError, OSError, Refused) as error:
            left.append(text.plain(reason(error)))
    st.session_state[_LEFT] = left
