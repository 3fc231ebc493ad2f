"""A run's journal: a growing file of snapshots, a checkpoint, a status, and what is asked of it.

Whoever wants to watch a run reads its journal; it does not matter which process writes it.
"""

from __future__ import annotations

import json
import logging
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import replace
from io import BufferedWriter
from pathlib import Path
from typing import Any

import numpy as np

from ncengine.reasons import why
from ncengine.runs import record
from ncengine.runs.job_status import JobStatus
from ncengine.runs.line import Line
from ncengine.runs.record import Arrays
from ncengine.runs.run import Status

logger = logging.getLogger(__name__)


class Journal:
    """The folder of one run that is queued, running, or stopped before its end."""

    def __init__(self, folder: Path, line: Line | None = None):
        self.folder = folder
        self._line = line
        self._snapshots = folder / "snapshots"
        self._checkpoint = folder / "checkpoint"
        self._parameters = folder / "parameters"
        self._status = folder / "status.json"
        self._request = folder / "request"

    @property
    def exists(self) -> bool:
        try:
            return self._status.exists()
        except OSError:
            return True  # something is there, though it cannot be looked at

    def create(self, asked: Mapping[str, Any]) -> None:
        """Make the folder, and write in it what was asked for."""
        self.folder.mkdir(parents=True, exist_ok=True)
        write_atomically(self.folder / "asked.json", json.dumps(asked).encode())

    def asked(self) -> dict[str, Any] | None:
        """What `create` was given; None where there is no (whole) journal."""
        try:
            return _read_json(self.folder / "asked.json")
        except OSError as error:
            logger.warning("%s cannot be read: %s", self.folder / "asked.json", why(error))
            return None

    def parts(self) -> list[Journal]:
        """The journals of the shards into which the run is cut; itself where it is in one piece.

        A part has snapshots, a checkpoint and a status of its own; what is asked for and requested
        concerns the run.
        """
        shards = self.shards()
        if shards is None or len(shards) == 1:
            return [self]
        return [Journal(self.folder / f"shard-{number}") for number in range(len(shards))]

    def shards(self) -> list[tuple[int, ...]] | None:
        """The seeds of each shard; None where nobody decided yet how the run is cut."""
        asked = self.asked() or {}
        try:
            return [tuple(map(int, seeds)) for seeds in asked["shards"]]
        except (KeyError, TypeError, ValueError):
            return None

    def status(self) -> JobStatus | None:
        """How the run stands; None where nobody said so yet. One that cannot be read has failed."""
        try:
            values = _read_json(self._status)
        except OSError as error:
            return JobStatus(Status.FAILED, error=_unreadable(self._status, error))
        if values is None:
            return None
        try:
            return JobStatus.from_dict(values)
        except ValueError as error:
            logger.warning("%s was passed over: %s", self._status, why(error))
            return None

    def change(self, status: Status, **changes: Any) -> JobStatus:
        """Write the status, and have it stand in the line or not; what is not named stays.

        What may be written is `Store.tell`'s to say.
        """
        after = replace(self.status() or JobStatus(status), status=status, **changes)
        if self._line is not None and status is Status.QUEUED:
            # First, for only who stands in the line is found by who takes up what was left.
            self._line.enter(self.folder.name, after.queued_at)
        write_atomically(self._status, json.dumps(after.as_dict()).encode())
        if self._line is not None and status is not Status.QUEUED:
            self._line.leave(self.folder.name)
        return after

    def append(self, arrays: Arrays) -> None:
        """Add one snapshot."""
        with self._snapshots.open("ab") as file:
            file.write(record.pack(arrays))

    def read(self, start: int = 0) -> tuple[list[dict[str, np.ndarray]], int]:
        """The whole snapshots from byte `start` on, and the byte after them."""
        try:
            with self._snapshots.open("rb") as file:
                file.seek(start)
                data = file.read()
        except FileNotFoundError:
            return [], 0
        snapshots, offset = [], 0
        while whole := record.unpack(data, offset):
            snapshots.append(whole[0])
            offset = whole[1]
        return snapshots, start + offset

    def count(self) -> int:
        """How many whole snapshots there are, by their heads alone."""
        try:
            with self._snapshots.open("rb") as file:
                return record.count(file)
        except OSError:
            return 0

    def size(self) -> int:
        """Bytes of the snapshots' file."""
        return self._snapshots.stat().st_size if self._snapshots.exists() else 0

    def bytes(self) -> int:
        """How much all of it takes of the disk."""
        size = 0
        for path in self.folder.rglob("*"):
            with suppress(OSError):  # gone meanwhile
                size += path.stat().st_size
        return size

    def save_checkpoint(self, state: Arrays) -> None:
        """Keep what the training needs to go on from the snapshots written so far."""
        with replacing(self._checkpoint) as file:
            record.write(file, {**state, "journal_bytes": np.array(self.size())})

    def resume(self) -> dict[str, np.ndarray] | None:
        """The checkpoint's state, snapshots cut back to it; None (and no snapshots) without one."""
        state = self._checkpoint_state()
        if state is None:
            self.drop_snapshots()
            return None
        kept = int(state.pop("journal_bytes"))
        if self.size() >= kept:
            if self._snapshots.exists():
                os.truncate(self._snapshots, kept)
            if self.read()[1] == kept:
                return state
        logger.warning("snapshots in %s are damaged; the run begins anew", self.folder)
        self.drop_snapshots()
        return None

    def _checkpoint_state(self) -> dict[str, np.ndarray] | None:
        try:
            with self._checkpoint.open("rb") as file:
                state = record.read(file)
        except FileNotFoundError:
            return None
        except OSError:
            state = None
        if state is None or "journal_bytes" not in state:
            logger.warning("the checkpoint in %s is damaged; the run begins anew", self.folder)
            return None
        return state

    def save_parameters(self, parameters: np.ndarray) -> None:
        """Keep (R, P) those at the end of the training, for the result."""
        with replacing(self._parameters) as file:
            record.write(file, {"parameters": parameters})

    def parameters(self) -> np.ndarray | None:
        """What `save_parameters` kept; None where nothing was, or where it is damaged."""
        try:
            with self._parameters.open("rb") as file:
                kept = record.read(file)
        except OSError:
            return None
        return None if kept is None else kept.get("parameters")

    def drop_snapshots(self) -> None:
        """Forget snapshots and checkpoint: the run begins anew."""
        _discard(self._checkpoint)
        _discard(self._snapshots)

    def has_checkpoint(self) -> bool:
        """Whether there is something to go on from."""
        return self._checkpoint.exists()

    def request(self, request: str | None) -> None:
        """Ask the run's process to "cancel" or to "pause"; None takes the request back."""
        if request is None:
            _discard(self._request)
        else:
            with suppress(FileNotFoundError):  # the run has ended, and its folder is gone
                write_atomically(self._request, request.encode())

    def requested(self) -> str | None:
        """What was asked of the run's process."""
        try:
            return self._request.read_text(encoding="utf-8")
        except FileNotFoundError:
            return None
        except (OSError, ValueError) as error:
            logger.warning("%s cannot be read: %s", self._request, why(error))
            return None

    def remove(self) -> None:
        """Delete the folder."""
        shutil.rmtree(self.folder, ignore_errors=True)
        if self._line is not None:
            self._line.leave(self.folder.name)


def write_atomically(path: Path, data: bytes) -> None:
    """Write a file so that readers see the old content or the new, never half of it."""
    with replacing(path) as file:
        file.write(data)


@contextmanager
def replacing(path: Path) -> Iterator[BufferedWriter]:
    """A file that takes the place of `path` once it is whole."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with temporary.open("wb") as file:
            yield file
        os.replace(temporary, path)
    except OSError:
        # On a full disk the half of a file is what others lack.
        with suppress(OSError):
            temporary.unlink()
        raise


def _discard(path: Path) -> None:
    """Remove what is there, be it a folder that has no business there."""
    try:
        path.unlink(missing_ok=True)
    except OSError:
        if not path.is_dir() or path.is_symlink():
            raise
        shutil.rmtree(path)


def _unreadable(path: Path, error: OSError) -> str:
    return f"{path} cannot be read ({why(error)})"


def _read_json(path: Path) -> dict[str, Any] | None:
    try:
        value = json.loads(path.read_bytes())
    except (FileNotFoundError, NotADirectoryError):
        return None
    except ValueError:
        value = None
    if not isinstance(value, dict):
        logger.warning("%s is damaged and was passed over", path)
        return None
    return value
