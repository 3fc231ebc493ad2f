"""A recording as it is looked at, and what the player shows of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from app.charts import palette
from app.engine import recorded
from app.player.view import NAMES, PLAYER_NAMES, Subject, View
from app.player.wire import MAX_CLASSES, PLAYS, About, Playing, Trajectory, pack
from ncengine.runs.recorded import Recording

if TYPE_CHECKING:
    from ncengine.analysis.projection import Projection

# In an address, the recording's key.
KEY = "recorded"
UNIT = "step"
NO_TEST_DATA = "No test samples are kept of a recording: what is measured of them is in the charts."


@dataclass(frozen=True)
class Seen:
    """What a page shows of it, as it stands and as it is looked at."""

    recording: Recording
    looked_at: View

    @property
    def name(self) -> str:
        """What the player knows it by."""
        return self.recording.key

    @property
    def at(self) -> np.ndarray:
        """(F,) the steps of the player's frames; those of its figures where it has none."""
        film = projection(self)
        return self.recording.steps if film is None else film.epoch

    @property
    def focus(self) -> tuple[int, ...]:
        """The focus classes, see `View.focus`."""
        return self.looked_at.focus(self.recording.about.classes)

    def query(self) -> dict[str, str]:
        """What an address says for it to be found, and looked at like this."""
        return {KEY: self.recording.key, **self.looked_at.query(subject(self.recording))}


def subject(recording: Recording) -> Subject:
    """What can be looked at of it."""
    layers = recording.layers is not None
    return Subject(recording.about.classes, (0,), (0,), layers, NO_TEST_DATA, UNIT)


def class_names(recording: Recording) -> list[str]:
    """K names: those that were given, else numbers. Where several are the same, with numbers."""
    about = recording.about
    if not about.class_names:
        return [str(k) for k in range(about.classes)]
    often = Counter(about.class_names)
    return [
        f"{name} ({k})" if often[name] > 1 else name for k, name in enumerate(about.class_names)
    ]


def too_many(recording: Recording) -> bool:
    """Whether it has more classes than the player can show."""
    return recording.about.classes > MAX_CLASSES


def projection(seen: Seen) -> Projection | None:
    """Its snapshots in three dimensions; None where there is nothing that could be seen."""
    geometry = seen.recording.geometry
    if geometry is None or not len(geometry) or too_many(seen.recording):
        return None
    basis, focus = seen.looked_at.basis, seen.focus

    def make() -> Projection:
        from ncengine.analysis.alike import project_alike

        return project_alike(geometry, basis=basis, focus=focus)

    shown = recorded.once(seen.recording, ("projection", basis, focus), make)
    return shown if len(shown.epoch) else None


def message(seen: Seen, playing: Playing = PLAYS, *, anywhere: bool = False) -> bytes | None:
    """What the player draws; None where there is nothing to be seen.

    `anywhere` leaves out where it begins, which the place of a player in a file says itself.
    """
    film = projection(seen)
    if film is None:
        return None
    start = {} if anywhere else dict(seen.looked_at.start)
    key = ("player", seen.looked_at.basis, seen.focus, playing, tuple(start.items()))
    return recorded.once(seen.recording, key, lambda: _packed(seen, film, playing, start))


def _packed(
    seen: Seen, film: Projection, playing: Playing, start: Mapping[str, str]
) -> bytes | None:
    recording = seen.recording
    about = About(
        run=seen.name,
        class_names=class_names(recording),
        colors=palette.CLASS_COLORS,
        title=recording.about.name,
        live=recording.live,
        start=start,
        query={KEY: recording.key},
        asking=(KEY, *NAMES, *PLAYER_NAMES),
        playing=playing,
        unit=UNIT,
    )
    return pack(film, about, thumbnails=recording.thumbnails, trajectories=trajectories(seen, film))


def trajectories(seen: Seen, film: Projection) -> list[Trajectory]:
    """Those through its layers, of a recording at rest: live, all would change at each look."""
    recording = seen.recording
    layers, geometry = recording.layers, recording.geometry
    if layers is None or geometry is None or recording.live:
        return []
    if layers.class_means.shape[2] < 2:
        return []
    from ncengine.analysis.alike import through_alike

    found = []
    for f, moment in enumerate(layers.features_epoch):
        through = through_alike(layers, f, geometry, film, seen.focus)
        if through is not None:
            found.append(Trajectory(float(moment), layers.index, through))
    return found
