"""The player's view as a drawing: what it shows at a moment, from a side, as vectors.

It is drawn after `player/scene.js` and `player/draw.js`, from the same data, in the light theme,
farthest first. Marks have the sizes that they have on a canvas as large; text has that of print.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

import numpy as np

from app.charts import palette
from app.export import column, press
from app.export.names import beside
from app.export.strokes import Shades, css, greatest_circles, mixed, rgb_of
from app.export.turned import EYE_DISTANCE, Camera, perspective
from app.player.view import DRAWN
from ncengine.analysis.projection import Projection

# Points of height: nearly a square in one column, and as wide as a screen over two.
HEIGHTS = {"single": 216, "double": 284}
MARGIN = 1.06
MEAN_LIFT, DIMMED, DIMMED_MARK = 0.4, 0.07, 0.02
# What the player draws at first.
USUAL = frozenset(DRAWN) - {"spokes"}
CROWD = 1200
# A line of print, where one on a screen is a pixel wide.
PIXEL = 0.5


@dataclass(frozen=True)
class Bodies:
    """What there is at one moment: S samples, T test samples and K classes, in three dimensions."""

    samples: np.ndarray
    labels: np.ndarray
    tests: np.ndarray
    test_labels: np.ndarray
    means: np.ndarray
    rows: np.ndarray
    ideal: np.ndarray


@dataclass(frozen=True)
class Still:
    """The player's view, which can be printed.

    Attributes:
        title: of the run, with its moment.
        projection: the film, or the way through the layers, that the moment is of.
        bodies: what is drawn.
        names: of the classes.
        stands: where the viewer stands.
        radius: of the ball that holds what matters.
        drawn: of `DRAWN` what is shown.
        hidden: classes that are not.
        told: what is to be seen, in words.
    """

    title: str
    projection: Projection
    bodies: Bodies
    names: Sequence[str]
    stands: Camera
    radius: float
    drawn: frozenset[str] = USUAL
    hidden: frozenset[int] = frozenset()
    told: str = ""

    def svg(self, width: str, titled: bool = True) -> str:
        """It as a drawing for a column of that width, see `press.WIDTHS`."""
        across, high = press.WIDTHS[width], HEIGHTS[width]
        lines = column.broken(self.title, across) if titled else []
        top = 1.25 * press.TITLE * len(lines) + 4 * bool(lines)
        painter = _Painter(self, across, high)
        title = "".join(
            _text(line, 3, 1.2 * press.TITLE * (n + 1), press.TITLE, "start", press.BOLD)
            for n, line in enumerate(lines)
        )
        drawn = painter.paint()
        back = press.light()["backgroundColor"]
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{across}" height="{high + top:g}" '
            f'viewBox="0 0 {across} {high + top:g}"><defs>{painter.shades.defs()}'
            f'<clipPath id="box"><rect width="{across}" height="{high}"/></clipPath></defs>'
            f'<rect width="{across}" height="{high + top:g}" fill="{back}"/>{title}'
            # What reaches beyond, as who is near sees it, ends at the edge and crosses no title.
            f'<g transform="translate(0,{top:g})" clip-path="url(#box)" stroke-linecap="round" '
            f'stroke-linejoin="round">{drawn}</g></svg>'
        )


def _text(words: str, x: float, y: float, size: float, anchor: str, weight: int, color="") -> str:
    fill = color or press.light()["textColor"]
    return (
        f'<text x="{x:.2f}" y="{y:.2f}" font-family="{press.FONT}" font-size="{size:g}" '
        f'font-weight="{weight}" text-anchor="{anchor}" fill="{fill}">{escape(words)}</text>'
    )


class _Painter:
    """Draws a still in a box, in points."""

    def __init__(self, still: Still, width: float, height: float):
        self.still, self.bodies, self.width, self.height = still, still.bodies, width, height
        colors = press.light()
        self.ink, self.sky = rgb_of(colors["textColor"]), rgb_of(colors["backgroundColor"])
        count = len(still.names)
        self.colors = [
            rgb_of(palette.CLASS_COLORS[k % len(palette.CLASS_COLORS)]) for k in range(count)
        ]
        self.shades = Shades(self.sky)
        inside = still.projection.focus or range(count)
        self.alone = [k in inside for k in range(count)]
        side = min(width, height)
        stands = still.stands
        crowd = 0.82 if len(self.bodies.samples) + len(self.bodies.tests) > CROWD else 1
        grown = np.clip(np.sqrt(stands.zoom), 0.75, 2)
        self.sample_radius = max(1.2, side * 0.0078 * crowd) * grown
        self.mean_radius = max(3.25, side * 0.0145)
        self.scale = min(width, height * 1.02) * 0.44 / (still.radius * MARGIN) * stands.zoom
        across, down = stands.pan if stands.flat else (0.0, 0.0)
        self.center = np.array([width / 2 + across * self.scale, height / 2 + down * self.scale])

    def at(self, points: np.ndarray) -> np.ndarray:
        """(n, 3): of points their places x and y, and their depths."""
        upright = not self.still.stands.flat
        turned = (points * [1, 1, upright]) @ self.still.stands.matrix().T
        sizes = perspective(turned[:, 2:]) if upright else 1.0
        places = self.center + turned[:, :2] * [1, -1] * self.scale * sizes
        return np.concatenate([places, turned[:, 2:]], axis=1)

    def grown(self, depth: float) -> float:
        return 1.0 if self.still.stands.flat else float(perspective(depth))

    def alpha(self, k: int, dimmed: float = DIMMED_MARK) -> float:
        return 0.0 if k in self.still.hidden else 1.0 if self.alone[k] else dimmed

    def paint(self) -> str:
        """All of it, the farthest first."""
        self.means, self.ideal = self.at(self.bodies.means), self.at(self.bodies.ideal)
        parts = [self.sphere()] if self.still.projection.exact else []
        if "spokes" in self.still.drawn:
            parts.append(self.spokes())
        marks = [mark for mark in self.marks() if mark[1]]
        parts += [drawn for _, drawn in sorted(marks, key=lambda mark: mark[0])]
        return "".join([*parts, self.names()])

    def marks(self) -> list[tuple[float, str]]:
        """Of each mark its depth, and it."""
        drawn, found = self.still.drawn, []
        for kind, points, labels in (
            ("samples", self.bodies.samples, self.bodies.labels),
            ("tests", self.bodies.tests, self.bodies.test_labels),
        ):
            if kind in drawn and len(points):
                places = self.at(points)
                found += [
                    (place[2], self.sample(kind, place, int(k)))
                    for place, k in zip(places, labels, strict=True)
                ]
        if "means" in drawn:
            found += [
                (place[2] + MEAN_LIFT, self.mean(place, k)) for k, place in enumerate(self.means)
            ]
        if "rows" in drawn and self.still.projection.has_rows:
            rows = self.at(self.bodies.rows)
            found += [(0.5 * place[2], self.row(place, k)) for k, place in enumerate(rows)]
        if "ideal" in drawn and self.still.projection.ideal_fits:
            found += [(place[2], self.vertex(place, k)) for k, place in enumerate(self.ideal)]
            found += [
                ((self.ideal[j, 2] + self.ideal[k, 2]) / 2, self.edge(j, k))
                for j, k in self.still.projection.edges
            ]
        return found

    def sample(self, kind: str, place: np.ndarray, k: int) -> str:
        alpha = self.alpha(k, DIMMED)
        if not alpha:
            return ""
        level, hazy = self.shades.hazy(self.colors[k], place[2])
        radius = self.sample_radius * float(perspective(level))
        if kind == "samples":
            return _ball(place, radius, self.shades.of(hazy), alpha)
        width = max(1.2 * PIXEL, radius * 0.42)
        where = f'cx="{place[0]:.2f}" cy="{place[1]:.2f}" r="{radius - width / 2:.2f}" fill="none"'
        ring = css(mixed(hazy, self.ink, 0.15))
        return (
            f'<g opacity="{alpha:g}"><circle {where} stroke="{css(self.sky)}" '
            f'stroke-opacity="0.85" stroke-width="{1.9 * width:.2f}"/>'
            f'<circle {where} stroke="{ring}" stroke-width="{width:.2f}"/></g>'
        )

    def mean(self, place: np.ndarray, k: int) -> str:
        if not self.alpha(k):
            return ""
        radius = self.mean_radius * self.grown(place[2])
        where = f'cx="{place[0]:.2f}" cy="{place[1]:.2f}" r="{1.5 * radius:.2f}"'
        ring = css(mixed(self.colors[k], self.ink, 0.6))
        return (
            f'<g opacity="{self.alpha(k):g}"><circle {where} fill="{css(self.sky)}" '
            f'fill-opacity="0.75" stroke="{ring}" stroke-width="{max(PIXEL, 0.16 * radius):.2f}"/>'
            f"{_ball(place, 1.12 * radius, self.shades.of(self.colors[k]))}</g>"
        )

    def row(self, place: np.ndarray, k: int) -> str:
        """A needle from the origin: thin where it starts, an arrow head at its end."""
        there = place[:2] - self.center
        length = float(np.hypot(*there))
        if not self.alpha(k) or length < 2 * PIXEL:
            return ""
        along = there / length
        aside = np.array([-along[1], along[0]])
        neck = place[:2] - along * min(length, 13 * PIXEL)
        wide, half = 4.6 * PIXEL * aside, 1.3 * PIXEL * aside
        corners = [self.center, neck + half, neck + wide, place[:2], neck - wide, neck - half]
        path = "L".join(f"{x:.2f} {y:.2f}" for x, y in corners)
        near = float(np.clip(0.5 * place[2] + 0.5, 0, 1))
        alpha = self.alpha(k) * (0.55 + 0.35 * near * near * (3 - 2 * near))
        color = css(mixed(self.colors[k], self.ink, 0.12))
        return f'<path d="M{path}Z" fill="{color}" fill-opacity="{alpha:.3f}"/>'

    def vertex(self, place: np.ndarray, k: int) -> str:
        if not self.alpha(k):
            return ""
        side = 2.15 * self.mean_radius * self.grown(place[2])
        corners = [(-side, 0), (0, -side), (side, 0), (0, side)]
        path = "L".join(f"{place[0] + x:.2f} {place[1] + y:.2f}" for x, y in corners)
        color = css(mixed(self.colors[k], self.ink, 0.5))
        look = f'stroke-width="{1.8 * PIXEL:g}" opacity="{self.alpha(k):g}"'
        return f'<path d="M{path}Z" fill="none" stroke="{color}" {look}/>'

    def edge(self, j: int, k: int) -> str:
        """A line of the figure, which ends short of the diamonds whose balls it would cross."""
        begin, end = self.ideal[j, :2], self.ideal[k, :2]
        short = 2 * self.mean_radius / (float(np.hypot(*(end - begin))) or 1e-9)
        if short > 0.5:
            return ""
        depth = (self.ideal[j, 2] + self.ideal[k, 2]) / 2
        alpha = 0.3 + 0.45 * float(np.clip(depth + 0.5, 0, 1))
        (x1, y1), (x2, y2) = begin + (end - begin) * short, end - (end - begin) * short
        return (
            f'<path d="M{x1:.2f} {y1:.2f}L{x2:.2f} {y2:.2f}" stroke="{css(self.ink)}" '
            f'stroke-width="{1.6 * PIXEL:g}" stroke-opacity="{alpha:.3f}"/>'
        )

    def sphere(self) -> str:
        """The ball of glass on which features lie, with three great circles."""
        # In perspective the outline of a sphere is wider than its equator.
        wider = 1.0 if self.still.stands.flat else EYE_DISTANCE / np.sqrt(EYE_DISTANCE**2 - 1)
        x, y = self.center
        where = f'cx="{x:.2f}" cy="{y:.2f}" r="{self.scale * wider:.2f}"'
        ink = css(self.ink)
        drawn = [
            f'<circle {where} fill="{self.shades.glass(self.ink)}" stroke="{ink}" '
            f'stroke-opacity="0.35" stroke-width="{PIXEL}"/>'
        ]
        fainter = 0.2 if self.still.stands.flat else 1.0
        for points, front in greatest_circles(self.still.stands.matrix()):
            path = "L".join(f"{a:.2f} {b:.2f}" for a, b, _ in self.at(points))
            alpha = (0.26 if front else 0.1) * fainter
            drawn.append(
                f'<path d="M{path}" fill="none" stroke="{ink}" stroke-linecap="butt" '
                f'stroke-opacity="{alpha:g}" stroke-width="{PIXEL}"/>'
            )
        return "".join(drawn)

    def spokes(self) -> str:
        """Faint lines from each sample to its class mean: one path a class."""
        places, drawn = self.at(self.bodies.samples), []
        for k, (x, y, _) in enumerate(self.means):
            ends = places[self.bodies.labels == k]
            path = "".join(f"M{a:.2f} {b:.2f}L{x:.2f} {y:.2f}" for a, b, _ in ends)
            if self.alpha(k) and path:
                drawn.append(
                    f'<path d="{path}" fill="none" stroke="{css(self.colors[k])}" '
                    f'stroke-opacity="{0.3 * self.alpha(k):g}" stroke-width="{0.8 * PIXEL:g}"/>'
                )
        return "".join(drawn)

    def names(self) -> str:
        """The classes' names beside their means, each on a plate in the colour of the sky."""
        if "means" not in self.still.drawn:
            return ""
        shown = [k for k in range(len(self.means)) if self.alone[k] and k not in self.still.hidden]
        placed = beside(
            {k: self.means[k] for k in shown}, self.still.names, self.mean_radius,
            (self.width, self.height),
        )  # fmt: skip
        drawn = []
        for k, (x, y, width) in placed.items():
            color = css(mixed(self.colors[k], self.ink, 0.68))
            half = max(0.0, width / 2 - 0.35 * press.TEXT)
            middle = y - 0.36 * press.TEXT
            drawn.append(
                f'<path d="M{x - half:.2f} {middle:.2f}H{x + half:.2f}" stroke="{css(self.sky)}" '
                f'stroke-opacity="0.8" stroke-width="{1.15 * press.TEXT:g}"/>'
            )
            drawn.append(_text(self.still.names[k], x, y, press.TEXT, "middle", press.BOLD, color))
        return "".join(drawn)


def _ball(place: np.ndarray, radius: float, fill: str, alpha: float = 1.0) -> str:
    faint = f' opacity="{alpha:g}"' if alpha < 1 else ""
    where = f'cx="{place[0]:.2f}" cy="{place[1]:.2f}" r="{radius:.2f}"'
    return f'<circle {where} fill="{fill}"{faint}/>'
