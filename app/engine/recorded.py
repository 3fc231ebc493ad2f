"""Recordings in the server's cache, for pages: what there is, and what is made of them once."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO, TypeVar

from app.engine import runs, shared
from app.engine.limits import Deed, refuse
from ncengine.runs import recorded
from ncengine.runs.recorded import Header, Recording
from ncengine.runs.recorded_copies import copy_all
from ncengine.runs.recorded_order import in_order

T = TypeVar("T")


def folder() -> Path:
    """Where recordings are looked for."""
    return runs.store().root / recorded.FOLDER


def headers() -> list[Header]:
    """All recordings, the newest first, without their arrays."""
    return recorded.headers(runs.store().root)


def look(key: str) -> Recording | None:
    """The recording of that key as it stands, by its steps; None where there is none."""
    found = recorded.recording(key, runs.store().root)
    return None if found is None else once(found, "in order", lambda: in_order(found))


def delete(key: str) -> bool:
    """Remove it; False where there is none.

    Raises:
        ValueError: it is being recorded; says so.
        Refused: visitors may not.
        OSError: it cannot be removed.
    """
    refuse(Deed.DELETE)
    return recorded.delete(key, runs.store().root)


def take_in(
    files: Sequence[tuple[str, BinaryIO]],
    name: str = "",
    class_names: Sequence[str] = (),
    told: Callable[[int, int], None] | None = None,
) -> tuple[str, tuple[str, ...]]:
    """Keep what is in files as one recording; gives its key, and what was assumed, in sentences.

    Args:
        files: each with its name.
        name: for readers, in place of the files'.
        class_names: K of them, in place of the files'.
        told: called with how many snapshots are measured, and how many there are.

    Raises:
        ValueError: a file is not as it has to be, or there are not K names; says which and why.
        Refused: visitors may not.
        OSError: it cannot be kept.
    """
    refuse(Deed.IMPORT)
    from ncengine import own

    brought = own.read(files)
    if class_names:
        if len(class_names) != brought.classes:
            raise ValueError(
                f"class names: {len(class_names)}, must be one for each of "
                f"{brought.classes} classes"
            )
        brought = replace(brought, class_names=tuple(class_names))
    return own.record(brought, runs.store().root, name=name or None, told=told), brought.notes


def take_in_folder(place: str) -> tuple[int, list[str]]:
    """Keep what is in a folder of this machine: how many recordings, and what was refused.

    Of a cache, or its folder of recordings, all that are not here; of any other, its files, as
    `ncengine record` does.

    Raises:
        ValueError: there is no such folder, or nothing to take in.
        Refused: visitors may not.
        OSError: it cannot be read, or nothing can be kept.
    """
    refuse(Deed.IMPORT)
    from ncengine import own

    where, root = Path(place).expanduser(), runs.store().root
    if not where.is_dir():
        raise ValueError(f"{place}: is no folder on the machine where the app runs")
    copied = copy_all(where, root)
    files = sorted(path for path in where.iterdir() if path.suffix.lower() in own.ENDINGS)
    if not copied and not files:
        raise ValueError(
            f"{place}: has no recording that is not here, and no {', '.join(own.ENDINGS)}"
        )
    count, refused, sound = len(copied), [], []
    for path in files:
        try:
            own.groups([(path.name, path)], own.LOCAL)
            sound.append((path.name, path))
        except ValueError as error:
            refused.append(str(error))
    for group in own.groups(sound, own.LOCAL):
        try:
            own.record(own.read(group, own.LOCAL), root)
            count += 1
        except ValueError as error:
            refused.append(str(error))
    return count, refused


def moment(recording: Recording) -> Hashable:
    """Changes whenever anything does that a reader could see."""
    last = float(recording.steps[-1]) if len(recording.steps) else None
    count = len(recording.steps), recording.replaced
    return count, last, recording.live, recording.ended, recording.about


def once(recording: Recording, key: Hashable, make: Callable[[], T]) -> T:
    """What `make` gives, made once for `key` and the recording at this moment, for all sessions.

    It must not be changed.
    """
    return shared.made((recording.key, moment(recording), key), make)
