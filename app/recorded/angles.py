"""The cosines between a recording's class means, about their centre, at the player's moment."""

from __future__ import annotations

import pyarrow as pa

from app.charts import cosines
from app.engine import derived, recorded
from app.player.view import nearest
from app.recorded.seen import Seen, class_names, projection


def snapshot(seen: Seen) -> int | None:
    """The snapshot of the geometry that the player rests at; None where it shows none."""
    geometry, film = seen.recording.geometry, projection(seen)
    if geometry is None or film is None:
        return None
    step = film.epoch[nearest(film.epoch, seen.looked_at.moment)]
    return int(abs(geometry.epoch - step).argmin())


def drawn(seen: Seen, g: int) -> tuple[pa.Table, tuple[str, ...], bool]:
    """The table of the chart at a snapshot, the classes' names, and whether a simplex fits."""
    geometry, names = seen.recording.geometry, tuple(class_names(seen.recording))
    assert geometry is not None
    means = geometry.class_means[g, 0].astype(float)

    def make() -> pa.Table:
        return cosines.table(derived.cosines(means - means.mean(0)), names)

    table = recorded.once(seen.recording, ("cosines", g), make)
    return table, names, len(names) <= seen.recording.about.width + 1
