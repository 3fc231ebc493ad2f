"""Identity: what makes a run this run and no other, wherever it is computed."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from ncengine.config import RunConfig
from ncengine.config.kept import config_of, json_of
from ncengine.datasets.files.sources import checksum
from ncengine.version import ENGINE_VERSION


@dataclass(frozen=True)
class Identity:
    """One run, by all that decides its numbers. Made where it is asked for, and sent along.

    Attributes:
        config: what was asked for.
        data_checksum: names the content of its data, see `sources.checksum`.
        engine_version: of the engine that computes it.
    """

    config: RunConfig
    data_checksum: str
    engine_version: str

    @property
    def config_json(self) -> str:
        """The fields that apply, sorted, as its engine keeps them."""
        return json_of(self.config, self.engine_version)

    @cached_property
    def key(self) -> str:
        """The run's name in the store, 20 hexadecimal digits."""
        return self._name(self.config_json)

    @cached_property
    def trajectory(self) -> str:
        """What runs share that differ by their budget alone: 20 hexadecimal digits."""
        fields = json.loads(self.config_json)
        del fields["epochs"]
        return self._name(json.dumps(fields, sort_keys=True))

    def _name(self, fields: str) -> str:
        parts = (fields, self.data_checksum, self.engine_version)
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:20]

    @property
    def origin(self) -> Identity | None:
        """The run from whose network this one starts, see `RunConfig.origin`."""
        origin = self.config.origin
        return None if origin is None else replace(self, config=origin)

    def as_dict(self) -> dict[str, Any]:
        """Values that JSON can hold; `from_dict` reads them back."""
        return {
            "config": self.config.model_dump(mode="json"),
            "data_checksum": self.data_checksum,
            "engine_version": self.engine_version,
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Identity:
        """What `as_dict` gave. Raises ValueError, TypeError or KeyError for anything else."""
        version = str(values["engine_version"])
        return cls(config_of(values["config"], version), str(values["data_checksum"]), version)


def differs_here(identity: Identity) -> str:
    """Why this process would compute another run under that name; "" where it would not."""
    here = identify(identity.config)
    if here == identity:
        return ""
    return (
        f"this run was asked for of engine version {identity.engine_version} and the data "
        f"“{identity.data_checksum}”, but here are version {here.engine_version} and "
        f"“{here.data_checksum}”"
    )


def identify(spec: RunConfig | Identity) -> Identity:
    """The identity of a run of `spec` with this engine on the data that are meant here and now.

    An identity stays as it is.
    """
    if isinstance(spec, Identity):
        return spec
    return Identity(spec, checksum(spec.dataset), ENGINE_VERSION)
