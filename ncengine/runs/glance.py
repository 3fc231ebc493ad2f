"""Glance: how a run stands, without its curves."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ncengine.runs.run import Status


@dataclass(frozen=True)
class Glance:
    """How a run stands.

    Attributes:
        status: see `Status`.
        passes: passes over the data done so far.
        error: one line for a reader, when failed.
        entry: of a finished run, see `index.Index`.
        shipped: whether it comes from the gallery.
        imported: whether it came as a file.
    """

    status: Status
    passes: int = 0
    error: str | None = None
    entry: Mapping[str, Any] | None = None
    shipped: bool = False
    imported: bool = False
