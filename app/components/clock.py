"""Times as the clock of whoever looks shows them."""

from __future__ import annotations

from datetime import UTC, datetime, tzinfo
from zoneinfo import ZoneInfo

import streamlit as st

from app.components import text


def zone() -> tzinfo:
    """The viewer's time zone, as the browser tells it; UTC where it tells none that is known."""
    try:
        return ZoneInfo(st.context.timezone or "UTC")
    except (ValueError, OSError, LookupError):  # no zone, or no data on zones on this machine
        return UTC


def day(stamp: str) -> str:
    """The viewer's day of an ISO 8601 time stamp; the stamp as it is where it is none."""
    try:
        moment = datetime.fromisoformat(stamp)
    except ValueError:
        return text.plain(stamp)
    # One that names no zone is taken for UTC, in which the engine writes them.
    moment = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(zone())
    return f"{moment.day} {moment:%B %Y}"
