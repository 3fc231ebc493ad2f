"""How a journal becomes a `Run`, and stays one as it grows."""

from __future__ import annotations

import numpy as np

from ncengine.runs.assemble import finish_curves, stack_curves, stack_geometry
from ncengine.runs.identity import Identity
from ncengine.runs.job_status import JobStatus
from ncengine.runs.journal import Journal
from ncengine.runs.run import Geometry, Run, Status
from ncengine.snapshots.names import Arrays
from ncengine.theory.optimum import floor_of


class JournalReader:
    """Follows one journal; reads only what was added since it last looked."""

    def __init__(self, journal: Journal, identity: Identity):
        self.journal, self.identity = journal, identity
        self.config = identity.config
        self._restart()

    def _restart(self) -> None:
        self.snapshots: list[Arrays] = []
        self.offset = 0
        self.curves: Arrays = {}
        self.geometry: Geometry | None = None

    def run(self, status: Status, job: JobStatus, place: int | None) -> Run:
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
            passes=int(job.passes),
            seconds=float(job.seconds),
            seconds_left=job.seconds_left,
            place=place,
            error=job.error,
            machine=job.machine,
            key=self.identity.key,
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
