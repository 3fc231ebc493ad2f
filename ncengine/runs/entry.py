"""What an entry of the index or the gallery must be, which anybody may have written."""

from __future__ import annotations

from typing import Any

from ncengine.config import RunConfig
from ncengine.config.kept import config_of
from ncengine.runs.job_status import is_amount
from ncengine.version import ENGINE_VERSION


def judged(entry: Any) -> tuple[dict[str, Any], RunConfig]:
    """An entry whose values can be shown and calculated with, its configuration in today's fields.

    Args:
        entry: what was read: `Run.summary()` with a machine's facts.

    Raises:
        ValueError, TypeError, KeyError: it is none.
    """
    config = config_of(entry["config"], version_of(entry))
    if not isinstance(entry["key"], str):
        raise ValueError(f"key = {entry['key']!r}: must be a text")
    for name in ("passes", "seconds"):
        if not is_amount(entry[name]):
            raise ValueError(f"{name} = {entry[name]!r}: must be a number from 0")
    for name in ("date", "picture"):
        if not isinstance(entry.get(name), str | None):
            raise ValueError(f"{name} = {entry[name]!r}: must be a text")
    if not (entry["floor"] is None or is_amount(entry["floor"])):
        raise ValueError(f"floor = {entry['floor']!r}: must be a number from 0, or null")
    if len(entry["seeds"]) != len(config.seeds):
        raise ValueError(f"seeds: {len(entry['seeds'])}, must be {len(config.seeds)}")
    if not all(isinstance(seed["diverged"], bool) for seed in entry["seeds"]):
        raise ValueError("seeds: each must say whether it diverged")
    return {**entry, "config": config.model_dump(mode="json")}, config


def version_of(entry: dict[str, Any]) -> str:
    """Of the engine that computed it; one that says none was made by this one."""
    return str(entry.get("engine_version", entry.get("version", ENGINE_VERSION)))
