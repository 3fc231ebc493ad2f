"""A recorder that is asked now and then: what the callbacks of all trainers have in common."""

from __future__ import annotations

import inspect
import math
from typing import Any

from torch import nn

from ncengine.arguments import whole
from ncengine.recorder.recorder import Recorder
from ncengine.recorder.snapshot import Snapshot

PREFIX = "collapse/"
_KNOWN = inspect.signature(Recorder)


class During:
    """Records a model from when its training begins to when it ends.

    Attributes:
        recorder: of the training that goes on or was last; None before the first. Only the
            process that measures has one.
    """

    def __init__(self, probe: Any, every: int, options: dict[str, Any]):
        """See `Recorder` for probe and options.

        Raises:
            TypeError: there is no such option.
            ValueError: every is no whole number, at least 1.
        """
        # Here and not when all has been set up and training begins.
        _KNOWN.bind(None, probe=probe, **options)
        self._probe, self._every, self._options = probe, whole("every", every, 1), options
        self._asked, self._goes_on = 0, False
        self._logged: dict[str, float] = {}
        self.recorder: Recorder | None = None

    @property
    def snapshots(self) -> list[Snapshot]:
        """What was recorded, oldest first."""
        return [] if self.recorder is None else self.recorder.snapshots

    def begin(self, model: nn.Module) -> None:
        """Find its head, and read the probe; see `Recorder`."""
        self.end()
        self.recorder, self._asked = Recorder(model, probe=self._probe, **self._options), 0
        self._goes_on, self._logged = True, {}

    def ask(self, step: float) -> dict[str, float]:
        """Measure, if it is time to, and give figures by name for a log; else none."""
        if self.recorder is None or not self._goes_on:
            return {}
        self._asked += 1
        if self._asked % self._every:
            return {}
        found = self.recorder.snapshot(step).numbers()
        # What had a value before stays in the log, whose watchers count on it: NaN is an answer.
        self._logged |= dict.fromkeys(found, math.nan)
        return {PREFIX + name: value for name, value in (self._logged | found).items()}

    def end(self) -> None:
        """Let go of model and samples; what was recorded stays."""
        self._goes_on = False
        if self.recorder is not None:
            self.recorder.close()
