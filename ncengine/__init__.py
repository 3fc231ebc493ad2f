"""Trains deep regularised classifiers and measures their neural collapse.

import ncengine
run = ncengine.run(ncengine.RunConfig(dataset="digits", depth=13))
run.curves["nc1"], run.geometry, run.summary()
"""

from __future__ import annotations

import importlib
import os
from typing import Any

from ncengine.version import ENGINE_VERSION

# OpenMP's threads spin while they wait for each other, so that where something else runs too all
# stand still. Torch's library reads this when it is loaded.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

# Loaded when first asked for, so that who only looks at results never loads torch.
_LAZY = {
    "ConfigError": "ncengine.config.param",
    "RunConfig": "ncengine.config.run_config",
    "Recorder": "ncengine.recorder.recorder",
    "Run": "ncengine.runs.run",
    "Status": "ncengine.runs.run",
    "Store": "ncengine.runs.store",
    "load": "ncengine.runs.whole",
    "network": "ncengine.exchange.network",
    "recording": "ncengine.runs.recorded",
    "recordings": "ncengine.runs.recorded",
    "run": "ncengine.jobs.foreground",
    "save": "ncengine.runs.whole",
    "sweep": "ncengine.jobs.sweep",
}
_MODULES = {
    "analysis": "ncengine.analysis",
    "config": "ncengine.config",
    "datasets": "ncengine.datasets",
    "exchange": "ncengine.exchange",
    "metrics": "ncengine.metrics",
    "own": "ncengine.own",
    "projection": "ncengine.analysis.projection",
    "theory": "ncengine.theory",
}

__all__ = ["ENGINE_VERSION", *_LAZY, *_MODULES]


def __getattr__(name: str) -> Any:
    if name in _LAZY:
        return getattr(importlib.import_module(_LAZY[name]), name)
    if name in _MODULES:
        return importlib.import_module(_MODULES[name])
    raise AttributeError(f"module 'ncengine' has no attribute {name!r}")
