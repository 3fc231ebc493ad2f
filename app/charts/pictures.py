"""Small pictures of runs, as addresses that hold the whole drawing."""

from __future__ import annotations

from functools import lru_cache

from app.charts import palette
from ncengine.runs.picture import REACH, read

SIDE = 2 * REACH + 26


@lru_cache(maxsize=4096)
def address(picture: str) -> str:
    """What an image shows of a run's picture; an empty one where there is none in the text."""
    try:
        classes, labels, places = read(picture)
    except ValueError:
        return _drawing("")
    middle = SIDE // 2
    dots: dict[int, str] = {}
    for n, (k, (x, y)) in enumerate(zip(labels.tolist(), places.tolist(), strict=True)):
        if n >= classes:
            dots[k] = dots.get(k, "") + f"M{middle + x} {middle - y}h0"
    drawn = "".join(_stroke(path, _color(k), 14, 0.55) for k, path in dots.items())
    for k, (x, y) in enumerate(places[:classes].tolist()):
        drawn += _stroke(f"M{middle + x} {middle - y}h0", _color(k), 26, 1)
    return _drawing(drawn)


def _drawing(drawn: str) -> str:
    return (
        "data:image/svg+xml,"
        f"<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 {SIDE} {SIDE}' "
        f"stroke-linecap='round'>{drawn}</svg>"
    )


def _stroke(path: str, color: str, width: int, opacity: float) -> str:
    return f"<path d='{path}' stroke='{color}' stroke-width='{width}' opacity='{opacity}'/>"


def _color(k: int) -> str:
    return palette.CLASS_COLORS[k % len(palette.CLASS_COLORS)].replace("#", "%23")
