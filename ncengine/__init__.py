"""Trains deep regularised ResNets and measures their neural collapse.

import ncengine
run = ncengine.run(ncengine.RunConfig(dataset="digits", depth=13))
run.curves["nc1"], run.geometry, run.summary()
"""

from __future__ import annotations

import importlib
from typing import Any

# Raised when the numbers change; part of every run's key.
ENGINE_VERSION = "2"

# Loaded when first asked for, so that who only looks at results never loads torch.
_LAZY = {
    "ConfigError": "ncengine.param",
    "RunConfig": "ncengine.config",
    "Run": "ncengine.runs",
    "Status": "ncengine.runs",
    "Store": "ncengine.store",
    "run": "ncengine.api",
}
_MODULES = ("datasets", "metrics", "projection", "theory")

__all__ = ["ENGINE_VERSION", *_LAZY, *_MODULES]


def __getattr__(name: str) -> Any:
    if name in _LAZY:
        return getattr(importlib.import_module(_LAZY[name]), name)
    if name in _MODULES:
        return importlib.import_module(f"ncengine.{name}")
    raise AttributeError(f"module 'ncengine' has no attribute {name!r}")
