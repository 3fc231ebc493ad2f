"""Ends: where finished trainings stood, so that longer ones of the same can go on from there."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from ncengine.config import RunConfig
from ncengine.runs.identity import Identity
from ncengine.runs.journal import Journal

# What one training may leave, and all of them together, in bytes; the oldest go first.
SMALL = 128 * 2**20
ALL = 2 * 2**30


class Ends:
    """Of each training the journal of its largest budget so far, in one folder.

    Args:
        folder: where; it is made when first written to.
        most: how many bytes all of them may take.
    """

    def __init__(self, folder: Path, most: int = ALL):
        self.folder, self.most = folder, most

    def keep(self, identity: Identity, journal: Journal) -> None:
        """Take a finished run's journal over, if it is small and of use; else leave it."""
        kept = self._kept(identity)
        if (
            identity.config.depends_on_budget
            or not all(part.has_checkpoint() for part in journal.parts())
            or journal.bytes() > SMALL
            or (kept is not None and kept[1].config.epochs >= identity.config.epochs)
        ):
            return
        target = self.folder / identity.trajectory
        # Two processes may file the same run away, and a full disk is no reason to fail here.
        with suppress(OSError):
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            shutil.rmtree(target, ignore_errors=True)
            os.replace(journal.folder, target)
            os.utime(target)
        self._prune()

    def remove(self, identity: Identity) -> None:
        """Let go of what that very run left."""
        kept = self._kept(identity)
        if kept is not None and kept[1].key == identity.key:
            kept[0].remove()

    def before(self, identity: Identity) -> Journal | None:
        """The end of an otherwise equal training of a smaller budget; None where there is none."""
        kept = self._kept(identity)
        if kept is None or kept[1].config.epochs >= identity.config.epochs:
            return None
        return kept[0]

    def passes_before(self, identity: Identity) -> int:
        """After how many passes a training of this would begin; 0 without an end to go on from."""
        end = self.before(identity)
        if end is None:
            return 0
        return int(min(status.passes for part in end.parts() if (status := part.status())))

    def _kept(self, identity: Identity) -> tuple[Journal, Identity] | None:
        journal = Journal(self.folder / identity.trajectory)
        if identity.config.depends_on_budget or not journal.exists:
            return None
        try:
            asked = Identity.from_dict(journal.asked() or {})
        except (ValueError, TypeError, KeyError):
            return None
        whole = all(part.has_checkpoint() and part.status() for part in journal.parts())
        return (journal, asked) if whole and asked.trajectory == identity.trajectory else None

    def _prune(self) -> None:
        """Let the oldest go until what stays is small enough."""
        total = 0
        for folder in sorted(self._folders(), key=_changed, reverse=True):
            total += Journal(folder).bytes()
            if total > self.most:
                shutil.rmtree(folder, ignore_errors=True)

    def _folders(self) -> Iterator[Path]:
        return (path for path in self.folder.glob("*") if path.is_dir())


def leaves_an_end(config: RunConfig, state_bytes: int) -> bool:
    """Whether a finished training is to write its last state, of so many bytes for all seeds."""
    return not config.depends_on_budget and state_bytes <= SMALL


def _changed(folder: Path) -> float:
    try:
        return folder.stat().st_mtime
    except OSError:
        return 0.0
