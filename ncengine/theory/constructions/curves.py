"""Curves on which samples travel to their vertices, none near another: proof of Theorem 4.

The proof asks for curves that keep a margin m. Here they are planned: on a graph of points all
over the sphere, the shortest way that keeps it; and of margins the largest for which all samples
find one.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_array
from scipy.sparse.csgraph import dijkstra

from ncengine.theory.constructions.sphere import (
    arc,
    moved,
    nearest_of_arcs,
    nearest_on_arcs,
    tangent,
    unit,
)

# Points of the graph, how many others each is joined to, and ways into a vertex's cap.
NODES, JOINED, WAYS_IN = 700, 10, 48
# Radians between points of a curve, and over how many of them on either side it is made smooth.
STEP, SMOOTH = 0.01, 8
# Of margins: the least that is tried, as a share of the largest that can be, and how often.
LEAST, HALVINGS = 2.0**-8, 7
# Points of what is left of a curve within its cap, while others are planned.
PLANNED = 7
# B of the proof, on the unit sphere: a corner, which points so near can only hint at, bends more.
MOST_BENT = 100.0


class NoWay(ValueError):
    """No curves keep any margin that is worth trying."""


@dataclass(frozen=True)
class Curves:
    """The curves of N samples, in the order in which these travel.

    Attributes:
        outside: of each sample the points (P, D) of its curve from where it is to the edge of the
            cap around its vertex; where it begins within it, that point alone.
        margin: m. Wherever a sample is on its way, its cosine with any other is at most 1 - m.
        cap: c m. A cap holds what has a cosine of at least 1 - c m with its vertex.
    """

    outside: list[np.ndarray]
    margin: float
    cap: float

    @property
    def ends(self) -> np.ndarray:
        """(N, D) where samples are once all have travelled."""
        return np.stack([curve[-1] for curve in self.outside])


def plan(starts: np.ndarray, vertices: np.ndarray, seed: int = 0) -> Curves:
    """Curves of the largest margin that is found.

    Args:
        starts: (N, D) unit vectors, no two of them the same, in the order in which they travel.
        vertices: (N, D) unit vectors, where each of them goes.
        seed: of the graph's points.

    Raises:
        NoWay: samples lie too close to each other.
    """
    cap = cap_of(vertices)
    graph = _graph(starts.shape[1], seed)
    # Before anything moves, samples keep no more than this.
    apart = 1 - np.max(starts @ starts.T - 2 * np.eye(len(starts)))
    largest = min(apart, cap / 2)
    found, low, high = None, np.log(largest * LEAST), np.log(largest)
    for n in range(HALVINGS):
        tried = low if n == 0 else high if n == 1 else (low + high) / 2
        outside = _all(graph, starts, vertices, cap, float(np.exp(tried)))
        margin = 0.0 if outside is None else kept_margin(starts, vertices, outside)
        margin = min(float(margin), cap / 2)
        if outside is not None and (found is None or margin > found.margin):
            # A little less than is kept, for what is rounded.
            found = Curves(outside, margin * (1 - 1e-9), cap)
        if n < 2 and (outside is None) == (n == 0):
            break
        low, high = (low, tried) if outside is None else (tried, high)
    if found is None or found.margin <= 0:
        raise NoWay(f"samples lie too close to each other: within a cosine of {1 - apart:.6f}")
    return found


def cap_of(vertices: np.ndarray) -> float:
    """c m, as large as condition 5 of the proof lets it be: ten times that between two vertices."""
    cosines = vertices @ vertices.T
    return float(1 - cosines[cosines < 1 - 1e-9].max(initial=-1.0)) / 10


def kept_margin(starts: np.ndarray, vertices: np.ndarray, outside: list[np.ndarray]) -> float:
    """The margin of conditions 2 and 3: how far the curves keep from what stands still.

    Of all their points, and not only of those that they are given by.
    """
    closest = -1.0
    edges = np.stack([curve[-1] for curve in outside])
    for n, curve in enumerate(outside):
        later, to_edge = starts[n + 1 :], _arcs(curve)
        begin = np.concatenate([to_edge[0], edges[n : n + 1]])
        end = np.concatenate([to_edge[1], vertices[n : n + 1]])
        closest = max(closest, float(nearest_on_arcs(begin, end, later).max()))
        closest = max(closest, nearest_of_arcs(to_edge, (edges[:n], vertices[:n])))
    return 1 - closest


def _arcs(curve: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Where the arcs of a curve start, and where they end; of a point one of no length."""
    return (curve, curve) if len(curve) == 1 else (curve[:-1], curve[1:])


def curvature(curve: np.ndarray) -> float:
    """Largest change of the unit tangent over the length, on the unit sphere."""
    if len(curve) < 3:
        return 0.0
    chords = np.diff(curve, axis=0)
    lengths = np.linalg.norm(chords, axis=1)
    turns = np.linalg.norm(np.diff(chords / lengths[:, None], axis=0), axis=1)
    return float((2 * turns / (lengths[1:] + lengths[:-1])).max())


def length(curve: np.ndarray) -> float:
    """In radians."""
    return float(tangent(curve[:-1], curve[1:])[1].sum())


@dataclass(frozen=True)
class _Graph:
    nodes: np.ndarray  # (M, D)
    edges: np.ndarray  # (E, 2)


def _graph(dimensions: int, seed: int) -> _Graph:
    random = np.random.default_rng([seed, dimensions, 1])
    nodes = unit(random.standard_normal((NODES, dimensions)))
    if dimensions == 3:
        nodes = _even(NODES)
    near = np.argsort(-(nodes @ nodes.T), axis=1)[:, 1 : JOINED + 1]
    edges = np.stack([np.repeat(np.arange(NODES), JOINED), near.reshape(-1)], axis=1)
    return _Graph(nodes, np.unique(np.sort(edges, axis=1), axis=0))


def _even(count: int) -> np.ndarray:
    """Points evenly on the ordinary sphere: a Fibonacci lattice."""
    height = 1 - (2 * np.arange(count) + 1) / count
    turn = np.arange(count) * np.pi * (3 - 5**0.5)
    radius = np.sqrt(1 - height**2)
    return np.stack([radius * np.cos(turn), radius * np.sin(turn), height], axis=1)


def _all(
    graph: _Graph, starts: np.ndarray, vertices: np.ndarray, cap: float, margin: float
) -> list[np.ndarray] | None:
    """A curve of each sample that keeps the margin; None where one has none."""
    outside: list[np.ndarray] = []
    settled: list[np.ndarray] = []
    for n, (start, vertex) in enumerate(zip(starts, vertices, strict=True)):
        curve = start[None]
        if start @ vertex < 1 - cap:
            later = starts[n + 1 :]
            still = np.concatenate([later, *settled])
            way = _way(graph, start, vertex, cap, margin, still, later)
            if way is None:
                return None
            curve = _smooth(way, cap, vertex)
        outside.append(curve)
        settled.append(_within(curve[-1], vertex, PLANNED))
    return outside


def _within(edge: np.ndarray, vertex: np.ndarray, points: int) -> np.ndarray:
    """What is left of a curve from the edge of the cap on: straight to the vertex."""
    direction, angle = tangent(edge, vertex)
    return moved(edge, direction, np.linspace(0, angle, points)[:, None])


def _way(
    graph: _Graph,
    start: np.ndarray,
    vertex: np.ndarray,
    cap: float,
    margin: float,
    still: np.ndarray,
    later: np.ndarray,
) -> np.ndarray | None:
    """Corners (P, D) of the shortest way from a sample to its cap; None where there is none."""
    ends = _ways_in(start, vertex, cap)
    # Also what it goes on, from there to the vertex, keeps away from who is to travel yet.
    clear = nearest_on_arcs(ends, np.broadcast_to(vertex, ends.shape), later) <= 1 - margin
    ends = ends[clear & ((ends @ still.T).max(1, initial=-1.0) <= 1 - margin)]
    if not len(ends):
        return None
    # Straight, where that is free.
    away = np.broadcast_to(start, ends.shape)
    straight = _free(away, ends, vertex, cap, margin, still)
    if straight.any():
        return np.stack([start, ends[straight][np.argmax(ends[straight] @ start)]])
    points, joined = _joined(graph, start, vertex, cap, margin, still, ends)
    first, last = len(points) - len(ends) - 1, len(points) - len(ends)
    lengths = tangent(points[joined[:, 0]], points[joined[:, 1]])[1]
    matrix = csr_array((lengths, (joined[:, 0], joined[:, 1])), shape=(len(points),) * 2)
    reached, before = dijkstra(matrix, directed=False, indices=first, return_predecessors=True)
    end = last + int(np.argmin(reached[last:]))
    if not np.isfinite(reached[end]):
        return None
    corners = [end]
    while corners[-1] != first:
        corners.append(int(before[corners[-1]]))
    return _shortened(points[corners[::-1]], vertex, cap, margin, still)


def _joined(
    graph: _Graph,
    start: np.ndarray,
    vertex: np.ndarray,
    cap: float,
    margin: float,
    still: np.ndarray,
    ends: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    """Points (P, D), those of the graph, the start and the ends, and which arcs are free (E, 2)."""
    nodes = graph.nodes
    free = (nodes @ vertex < 1 - cap) & ((nodes @ still.T).max(1, initial=-1.0) <= 1 - margin)
    points, places = np.concatenate([nodes, start[None], ends]), np.flatnonzero(free)
    out = places[np.argsort(-(nodes[places] @ start))[: 4 * JOINED]]
    near = places[np.argsort(-(nodes[places] @ vertex))[: 2 * JOINED]]
    into = np.arange(len(nodes) + 1, len(points))
    joined = np.concatenate(
        [
            graph.edges[free[graph.edges].all(1)],
            np.stack([np.full(len(out), len(nodes)), out], axis=1),
            np.stack([np.repeat(near, len(into)), np.tile(into, len(near))], axis=1),
        ]
    )
    clear = _free(points[joined[:, 0]], points[joined[:, 1]], vertex, cap, margin, still)
    return points, joined[clear]


def _free(
    a: np.ndarray,
    b: np.ndarray,
    vertex: np.ndarray,
    cap: float,
    margin: float,
    still: np.ndarray,
) -> np.ndarray:
    """(E,) which arcs keep the margin, and enter the cap at their very end at most."""
    enters = nearest_on_arcs(a, b, vertex[None]) > 1 - cap + 1e-9
    return (nearest_on_arcs(a, b, still) <= 1 - margin) & ~enters


def _ways_in(start: np.ndarray, vertex: np.ndarray, cap: float) -> np.ndarray:
    """Points on the edge of the cap, the one nearest to the sample first."""
    towards, _ = tangent(vertex, start)
    dimensions = len(vertex)
    if dimensions == 3:
        turns = np.linspace(0, 2 * np.pi, WAYS_IN, endpoint=False)[:, None]
        directions = np.cos(turns) * towards + np.sin(turns) * np.cross(vertex, towards)
    else:
        random = np.random.default_rng([dimensions, 2])
        directions = random.standard_normal((WAYS_IN, dimensions))
        directions[0] = towards
        directions = unit(directions - (directions @ vertex)[:, None] * vertex)
    angle = np.arccos(1 - cap)
    return unit(moved(vertex, directions, np.full((len(directions), 1), angle)))


def _shortened(
    corners: np.ndarray, vertex: np.ndarray, cap: float, margin: float, still: np.ndarray
) -> np.ndarray:
    """The way without the corners that can be cut."""
    kept, at = [corners[0]], 0
    while at < len(corners) - 1:
        further = np.arange(at + 1, len(corners))
        a = np.broadcast_to(corners[at], (len(further), corners.shape[1]))
        can = _free(a, corners[further], vertex, cap, margin, still)
        can[0] = True
        at = int(further[np.flatnonzero(can)[-1]])
        kept.append(corners[at])
    return np.array(kept)


def _smooth(corners: np.ndarray, cap: float, vertex: np.ndarray) -> np.ndarray:
    """A curve of bounded curvature through much the same, from the first corner to the last."""
    pieces = [arc(a, b, STEP)[:-1] for a, b in zip(corners[:-1], corners[1:], strict=True)]
    curve = np.concatenate([*pieces, corners[-1:]])
    if len(corners) == 2:
        return curve
    for n in range(8 * SMOOTH):
        # Where it turns back sharply, more than usual.
        if n >= SMOOTH and curvature(curve) <= MOST_BENT:
            break
        # Twice over, so that the tangent changes evenly.
        curve = curve.copy()
        curve[1:-1] = unit(curve[:-2] + 2 * curve[1:-1] + curve[2:])
    # What smoothing took into the cap ends at its edge.
    inside = np.flatnonzero(curve @ vertex > 1 - cap)
    inside = inside[inside < len(curve) - 1]
    return np.concatenate([curve[: inside[0]], corners[-1:]]) if len(inside) else curve
