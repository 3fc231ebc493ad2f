"""Configurations as earlier versions of the engine kept them, in today's fields."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from ncengine.config.fields import KFAC
from ncengine.config.run_config import RunConfig

# The first version in which how hidden weights begin is a field of every solver. Before it all
# but K-FAC L-BFGS began as torch.nn.Linear does, and said nothing of it; and of where training
# starts these networks alone told, since all others started from random weights.
SCALED = 6
AS_LINEAR = 1.0
DEEPENED = ("RN1", "post", "L-BFGS")


def config_of(values: Mapping[str, Any], version: str) -> RunConfig:
    """The configuration that an engine of that version kept.

    Raises:
        ConfigError, TypeError: it is none.
    """
    if not isinstance(values, Mapping):
        raise TypeError(f"config = {values!r}: must be an object")
    if _is_before(version) and values.get("solver") != KFAC:
        values = {**values, "initial_scale": AS_LINEAR}
    return RunConfig(**values)


def known(entry: Mapping[str, Any]) -> RunConfig:
    """The configuration of an entry, in today's fields.

    Thousands are asked for over and over: each is read once.
    """
    return _read(json.dumps(entry["config"], sort_keys=True))


@lru_cache(maxsize=4096)
def _read(text: str) -> RunConfig:
    return RunConfig(**json.loads(text))


def json_of(config: RunConfig, version: str) -> str:
    """`RunConfig.canonical_json` as an engine of that version wrote it: part of a run's key."""
    if not _is_before(version):
        return config.canonical_json()
    fields = json.loads(config.canonical_json())
    if config.solver != KFAC and config.initial_scale == AS_LINEAR:
        fields.pop("initial_scale", None)
    if (config.architecture, config.norm, config.solver) != DEEPENED:
        fields.pop("start", None)
    return json.dumps(fields, sort_keys=True)


def _is_before(version: str) -> bool:
    return version.isdecimal() and int(version) < SCALED
