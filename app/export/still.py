"""What the player shows of a run or a film at a moment, from a side, to be drawn as vectors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from app.components import text as words
from app.engine import derived
from app.export.turned import Camera, camera, clear_pose
from app.export.vectors import USUAL, Bodies, Still
from app.player.view import DRAWN, View, wrong_start
from ncengine.analysis.projection import Projection
from ncengine.catalogue.datasets import dataset_info
from ncengine.runs.run import Run


def still(run: Run, looked_at: View) -> Still:
    """The player's view of a run, as `looked_at` and its `start` say.

    Raises:
        ValueError: no snapshot of the seed has numbers in it.
    """
    config, geometry = run.config, run.geometry
    # What an address says that cannot be, the player leaves aside.
    said = dict(looked_at.start)
    said["epoch"] = looked_at.moment or said.get("epoch", "")
    start = {
        name: value
        for name, value in said.items()
        if not wrong_start({name: value}, config.classes)
    }
    focus = looked_at.focus(config.classes)
    r = config.seeds.index(looked_at.seed)
    film = geometry and derived.project(run, geometry, r, looked_at.basis, focus)
    if not film or not len(film.epoch):
        raise ValueError(f"{config.full_title()}: seed {looked_at.seed} has nothing to show")
    g = _nearest(film.epoch, start.get("epoch", ""))
    shown, at, test, where = film, g, looked_at.test, ""
    way = _way(run, looked_at, r, film.epoch[g]) if start.get("layer") else None
    if way is not None and int(start["layer"]) < len(way[1].epoch):
        (moment_of_way, shown), at, test = way, int(start["layer"]) - 1, False
        g, where = _nearest(film.epoch, str(moment_of_way)), f", layer {at + 1}"
    return Still(
        f"{config.title()} · seed {looked_at.seed}, pass {film.epoch[g]:,}{where}",
        shown,
        _bodies(shown, at, test),
        dataset_info(config.dataset).class_names[: config.classes],
        *_looked_at(film, start, focus or range(config.classes), looked_at.test),
        f"Features of {config.classes} classes at pass {film.epoch[g]:,}{where}.",
    )


def still_of_film(
    film: Projection,
    title: str,
    unit: str,
    said: Mapping[str, str],
    names: Sequence[str] = (),
    inside: Sequence[int] = (),
) -> Still:
    """The player's view of a film that is of no run, as `said` by the player's own parameters.

    Args:
        film: its frames.
        title: what it shows.
        unit: what its frames' `epoch` counts.
        names: of the classes, which have numbers otherwise.
        inside: the classes focused on, if any.
    """
    classes = film.means.shape[1]
    start = {n: v for n, v in said.items() if not wrong_start({n: v}, classes, unit)}
    g = _nearest(film.epoch, start.get("epoch", ""))
    return Still(
        f"{title} · {unit} {words.place(float(film.epoch[g]))}",
        film,
        _bodies(film, g, False),
        list(names) or [str(k) for k in range(classes)],
        *_looked_at(film, start, inside or range(classes), False),
        f"Features of {classes} classes at {unit} {words.place(float(film.epoch[g]))}.",
    )


def _looked_at(
    film: Projection, start: Mapping[str, str], inside: Sequence[int], test: bool
) -> tuple[Camera, float, frozenset[str], frozenset[int]]:
    """Where the viewer stands, the radius of what matters, what is drawn, and which classes not."""
    radius = _reach(film, test)
    corners = (film.ideal if film.ideal_fits else film.means)[-1, list(inside)]
    pose = clear_pose(corners, radius)
    drawn, hidden = start.get("drawn"), start.get("hidden")
    return (
        camera(start.get("camera", ""), start.get("view") == "2d", pose),
        radius,
        USUAL if drawn is None else frozenset(drawn.split(",")) & set(DRAWN),
        frozenset(map(int, hidden.split(","))) if hidden else frozenset(),
    )


def _nearest(epochs: np.ndarray, moment: str) -> int:
    """The snapshot at that pass or nearest to it; the last where none is named."""
    return int(abs(epochs - float(moment)).argmin()) if moment else len(epochs) - 1


def _way(run: Run, looked_at: View, r: int, passes: float) -> tuple[int, Projection] | None:
    """The way through the layers that is nearest to a pass; None where there is none."""
    if run.layers is None or run.geometry is None or run.layers.class_means.shape[2] < 2:
        return None
    focus = looked_at.focus(run.config.classes)
    ways = derived.trajectories(run, run.geometry, run.layers, r, looked_at.basis, focus)
    return min(ways, key=lambda way: abs(way[0] - passes), default=None)


def _bodies(shown: Projection, at: int, test: bool) -> Bodies:
    tests = shown.test_points[at] if test else np.empty((0, 3))
    test_labels = shown.test_labels if test else np.empty(0, int)
    return Bodies(
        shown.points[at], shown.labels, tests, test_labels,
        shown.means[at], shown.classifier[at], shown.ideal[at],
    )  # fmt: skip


def _reach(film: Projection, test: bool) -> float:
    """The radius of the ball that holds what matters over the whole film."""
    if film.exact:
        return 1.0
    clouds = [film.points, film.test_points] if test else [film.points]
    cloud = max((_longest(points[:, ::7]) for points in clouds), default=0.0)
    far = max(0.2, _longest(film.means), _longest(film.ideal))
    return max(min(3.0, far), min(1.05, 0.9 * cloud))


def _longest(points: np.ndarray) -> float:
    return float(np.linalg.norm(points, axis=-1).max(initial=0.0))
