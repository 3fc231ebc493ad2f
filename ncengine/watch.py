"""How a journal, and a result, become a `Run`."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np

from ncengine.config import RunConfig
from ncengine.journal import Journal
from ncengine.results import Arrays, stack_curves, stack_geometry
from ncengine.runs import Geometry, Run, Status
from ncengine.theory import gufm_optimum

ROUNDING = 1e-12  # of the floor


@lru_cache(maxsize=256)
def _floor(classes: int, width: int, weight_decay: float, loss: str, bias: bool) -> float | None:
    try:
        return gufm_optimum(classes, width, weight_decay, loss=loss, bias=bias).loss
    except ValueError:
        return None


def floor_of(config: RunConfig) -> float | None:
    """L*_GUFM of the configuration; None where no collapsed optimum fits."""
    return _floor(config.classes, config.width, config.decay_last, config.loss, config.last_bias)


def finish_curves(curves: Arrays, config: RunConfig) -> Arrays:
    """The curves with the gap to the floor beside them; NaN where there is no floor."""
    floor = floor_of(config)
    if floor is None:
        return {**curves, "gap": np.full_like(curves["loss"], np.nan)}
    gap = curves["loss"] - floor
    # At the optimum itself the last digit of either may fall on the other side.
    rounding = (gap < 0) & (gap > -ROUNDING * floor)
    return {**curves, "gap": np.where(rounding, 0.0, gap)}


class JournalReader:
    """Follows one journal; reads only what was added since it last looked."""

    def __init__(self, journal: Journal, config: RunConfig):
        self.journal, self.config = journal, config
        self._restart()

    def _restart(self) -> None:
        self.snapshots: list[Arrays] = []
        self.offset = 0
        self.curves: Arrays = {}
        self.geometry: Geometry | None = None

    def run(self, status: Status, said: dict[str, Any], place: int | None) -> Run:
        """The run as the journal has it now."""
        self._read()
        diverged = self.snapshots[-1]["diverged"] if self.snapshots else np.zeros(0, bool)
        return Run(
            self.config,
            status,
            curves=self.curves,
            geometry=self.geometry,
            diverged=diverged,
            floor=floor_of(self.config),
            passes=int(said.get("passes", 0)),
            seconds=float(said.get("seconds", 0.0)),
            seconds_left=said.get("seconds_left"),
            place=place,
            error=said.get("error"),
            machine=said.get("machine", {}),
        )

    def _read(self) -> None:
        if self.journal.size() < self.offset:  # cut back to a checkpoint
            self._restart()
        new, self.offset = self.journal.read(self.offset)
        if not new:
            return
        self.snapshots += new
        self.curves = finish_curves(stack_curves(self.snapshots), self.config)
        if any("features" in snapshot for snapshot in new):
            self.geometry = stack_geometry(self.snapshots, self.config)
