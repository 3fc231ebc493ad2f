"""What files of one page have in common: places for players, and the way back to the app."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from html import escape
from urllib.parse import urlencode, urlsplit

import streamlit as st

from app.export.document import told
from app.player.view import View

# Where an Explorer is found that was started as the README says.
SERVER = "http://127.0.0.1:8501/"
NAME = "Neural Collapse Explorer"


@dataclass
class Messages:
    """What the players of a file draw, each once, by name."""

    by_name: dict[str, bytes] = field(default_factory=dict)

    def place(self, message: bytes | None, values: Mapping[str, object]) -> str:
        """HTML of a place for a player, of which the header says there what `values` are."""
        if message is None:
            return '<div class="place"><p>There is nothing to draw of this network.</p></div>'
        name = f"message-{sha256(message).hexdigest()[:12]}"
        self.by_name[name] = message
        return f'<div class="place" data-message="{name}" data-told="{told(values)}"></div>'


def here() -> str:
    """The address of the server that draws the page; where that is not told, the usual one."""
    parts = urlsplit(st.context.url or SERVER)
    return f"{parts.scheme}://{parts.netloc}{parts.path.rpartition('/')[0]}/"


def back(server: str, query: Mapping[str, str], where: str = "", what: str = "this network") -> str:
    """How to come from the file to what it shows in the app, on the page at `where`."""
    address = escape(server + where + "?" + urlencode(query))
    return (
        f"<footer>Made by the {NAME}. Where it runs, {what} is at "
        f'<a href="{address}" rel="noreferrer">{address}</a>.</footer>'
    )


def started(looked_at: View) -> dict[str, str]:
    """Where the player begins: as the address says, at the moment that the player told last."""
    start = {name: value for name, value in looked_at.start if name != "epoch"}
    return start | ({"epoch": looked_at.moment} if looked_at.moment else {})


def title_of(words: str) -> str:
    return f'<h1 class="presented-title">{escape(words)}</h1>'
