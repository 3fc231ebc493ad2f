"""The palette, seen by colour-blind eyes (Machado, Oliveira and Fernandes 2009, severity 1)."""

import itertools
import tomllib
from pathlib import Path

import numpy as np
import pytest

from app.charts import curves, palette
from ncengine.catalogue.metrics import METRICS

# Over linear RGB, from the paper's table.
VISION = {
    "normal": np.eye(3),
    "protanopia": np.array(
        [
            [0.152286, 1.052583, -0.204868],
            [0.114503, 0.786281, 0.099216],
            [-0.003882, -0.048116, 1.051998],
        ]
    ),
    "deuteranopia": np.array(
        [
            [0.367322, 0.860646, -0.227968],
            [0.280085, 0.672501, 0.047413],
            [-0.011820, 0.042940, 0.968881],
        ]
    ),
}
# CIELAB distances; about 2 is what an eye can just tell apart when colours touch.
LEAST_DISTANCE = {"normal": 40, "protanopia": 19, "deuteranopia": 19}
LEAST_CONTRAST = 2.4


def linear(color):
    parts = np.array([int(color[i : i + 2], 16) for i in (1, 3, 5)]) / 255
    return np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)


def luminance(color):
    return linear(color) @ [0.2126, 0.7152, 0.0722]


def contrast(one, other):
    low, high = sorted([luminance(one), luminance(other)])
    return (high + 0.05) / (low + 0.05)


def cielab(rgb):
    to_xyz = np.array(
        [[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]
    )
    x, y, z = (
        t ** (1 / 3) if t > (6 / 29) ** 3 else t / (3 * (6 / 29) ** 2) + 4 / 29
        for t in to_xyz @ np.clip(rgb, 0, 1) / [0.9505, 1.0, 1.089]
    )
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


# Of the metrics in one chart; NC2 is one of two, by the loss.
COLLAPSE_COLORS = set(curves.collapse_colors(test=False).values())


def least_distance(colors, vision):
    seen = [cielab(VISION[vision] @ linear(color)) for color in colors]
    return min(np.linalg.norm(a - b) for a, b in itertools.combinations(seen, 2))


def test_the_oracle_knows_a_confusable_pair():
    red, green = "#b05050", "#7a7a4a"
    assert least_distance([red, green], "deuteranopia") < 15
    assert least_distance([red, green], "normal") > 30


@pytest.mark.parametrize("vision", VISION)
def test_any_two_classes_can_be_told_apart(vision):
    assert least_distance(palette.CLASS_COLORS, vision) >= LEAST_DISTANCE[vision]


@pytest.mark.parametrize("vision", VISION)
@pytest.mark.parametrize("colors", [palette.OBJECTIVE_COLORS.values(), COLLAPSE_COLORS])
def test_curves_of_one_chart_can_be_told_apart(vision, colors):
    assert least_distance(colors, vision) >= 15


@pytest.mark.parametrize("background", [palette.LIGHT_BACKGROUND, palette.DARK_BACKGROUND])
def test_every_colour_stands_out(background):
    colors = [
        *palette.CLASS_COLORS,
        *palette.OBJECTIVE_COLORS.values(),
        *(one.color for one in METRICS.values()),
    ]
    assert min(contrast(color, background) for color in colors) >= LEAST_CONTRAST


def test_the_backgrounds_are_the_themes():
    root = Path(__file__).resolve().parents[2]
    theme = tomllib.loads((root / ".streamlit" / "config.toml").read_text())["theme"]
    assert theme["light"]["backgroundColor"] == palette.LIGHT_BACKGROUND
    assert theme["dark"]["backgroundColor"] == palette.DARK_BACKGROUND
