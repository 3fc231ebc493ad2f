"""How a journal becomes a `Run`, and stays one as it grows."""

from __future__ import annotations

import numpy as np

from ncengine.runs.assemble import (
    complete,
    finish_curves,
    stack_curves,
    stack_geometry,
    stack_layers,
)
from ncengine.runs.identity import Identity
from ncengine.runs.job_status import JobStatus
from ncengine.runs.journal import Journal
from ncengine.runs.run import Geometry, Layers, Run, Status
from ncengine.snapshots.names import Arrays
from ncengine.theory.optimum import floor_of


class JournalReader:
    """Follows one run's journal; reads only what was added since it last looked."""

    def __init__(self, journal: Journal, identity: Identity):
        self.journal, self.identity = journal, identity
        self.config = identity.config
        self._restart(journal.parts())

    def _restart(self, parts: list[Journal]) -> None:
        self.parts = [_Part(journal) for journal in parts]
        self.snapshots: dict[int, Arrays] = {}
        self.curves: Arrays = {}
        self.geometry: Geometry | None = None
        self.layers: Layers | None = None

    def run(self, status: Status, job: JobStatus, place: int | None) -> Run:
        """The run as the journal has it now."""
        self._read()
        shards = [part.status or JobStatus(Status.QUEUED) for part in self.parts]
        if len(shards) == 1:
            shards = [job]
        # What all seeds have reached; those that rest wait for the others.
        going = [shard for shard in shards if not shard.ended] or shards
        left = [shard.seconds_left for shard in going if shard.seconds_left is not None]
        newest = next(reversed(self.snapshots.values()), None)
        return Run(
            self.config,
            status,
            curves=self.curves,
            geometry=self.geometry,
            layers=self.layers,
            diverged=np.zeros(0, bool) if newest is None else newest["diverged"],
            floor=floor_of(self.config),
            passes=int(min(shard.passes for shard in going)),
            seconds=float(max(shard.seconds for shard in shards)),
            seconds_left=max(left) if left and status is Status.RUNNING else None,
            place=place,
            error=job.error,
            machine=job.machine or shards[0].machine,
            key=self.identity.key,
        )

    def _read(self) -> None:
        parts = self.journal.parts()
        if [part.folder for part in parts] != [part.journal.folder for part in self.parts]:
            self._restart(parts)
        if not all([part.read() for part in self.parts]):  # cut back to a checkpoint
            self._restart(parts)
            for part in self.parts:
                part.read()
        snapshots = complete(
            [part.snapshots for part in self.parts],
            [part.status is not None and part.status.ended for part in self.parts],
            self.snapshots,
        )
        new = [snapshots[passes] for passes in snapshots.keys() - self.snapshots.keys()]
        self.snapshots = snapshots
        if not new:
            return
        ordered = list(snapshots.values())
        self.curves = finish_curves(stack_curves(ordered), self.config)
        if any("features" in snapshot for snapshot in new):
            self.geometry = stack_geometry(ordered, self.config)
            self.layers = stack_layers(ordered, self.config)


class _Part:
    """What was read so far of one shard's journal."""

    def __init__(self, journal: Journal):
        self.journal = journal
        self.snapshots: list[Arrays] = []
        self.offset = 0
        self.status: JobStatus | None = None

    def read(self) -> bool:
        """Read what is new; gives False where the file is shorter than what was read."""
        # The status first: who has ended then had written all snapshots.
        self.status = self.journal.status()
        if self.journal.size() < self.offset:
            return False
        new, self.offset = self.journal.read(self.offset)
        self.snapshots += new
        return True
