"""Ticks and single points, as a browser draws them."""

from __future__ import annotations

import numpy as np
import pytest
from playwright.sync_api import Page, expect

import ncengine
from app.charts import base
from app.charts import depth as of_depth
from ncengine.config import RunConfig
from ncengine.runs.store import Store
from tests.e2e.live_app import wait_until
from tests.e2e.pages import SMALL, open_page

ONE_PASS = {**SMALL, "epochs": 1, "seeds": "0,1"}
# The ends of an axis to the ticks within them, and those of them that are named.
TICKS = """([expression, label, ends]) => {
    const { log, LN10, pow, floor, ceil, max, abs, round } = Math;
    const sequence = (start, stop, step) =>
        Array.from({ length: max(0, ceil((stop - start) / step)) }, (_, n) => start + n * step);
    const format = (value) => Number(value.toPrecision(9)).toString();
    const replace = (text, from, to) => text.replace(from, to);
    const names = { log, LN10, pow, floor, ceil, max, abs, round, sequence, format, replace };
    const given = [...Object.keys(names), "domain", "datum"];
    const ticks = new Function(...given, `return ${expression}`);
    const name = new Function(...given, `return ${label}`);
    return ends.map(([low, high]) => {
        const domain = () => [low, high];
        return ticks(...Object.values(names), domain, null)
            .filter((value) => value >= low * (1 - 1e-9) && value <= high * (1 + 1e-9))
            .map((value) => name(...Object.values(names), domain, { value }));
    });
}"""


def named(page: Page, expression: str, label: str, ends: list) -> list[list[str]]:
    return [
        [one for one in ticks if one] for ticks in page.evaluate(TICKS, [expression, label, ends])
    ]


def axis(spec: dict, channel: str) -> dict:
    (found,) = {
        str(layer["encoding"][channel]["axis"]): layer["encoding"][channel]["axis"]
        for layer in spec["layer"]
        if "axis" in layer["encoding"].get(channel, {})
    }.values()
    return found


@pytest.fixture
def axes():
    spec = of_depth.spec("depth", "NC1")
    decays = of_depth.spec("weight_decay", "NC1")
    return axis(spec, "y"), axis(spec, "x"), axis(decays, "x")


def test_every_range_of_values_has_two_ticks_that_differ(page, axes):
    rng = np.random.default_rng(0)
    low = 10 ** rng.uniform(-14, 3, 3000)
    ratios = 10**10 ** rng.uniform(-5, 1, 3000)
    ends = np.stack([low, np.minimum(low * ratios, 4e9)], axis=1).tolist()
    values, _, decays = axes
    for one, label in ((values, values["labelExpr"]), (decays, "format(datum.value)")):
        within = [pair for pair in ends if one is values or 1e-6 <= pair[0] and pair[1] <= 1]
        assert len(within) > 300
        for pair, told in zip(
            within, named(page, one["values"]["expr"], label, within), strict=True
        ):
            assert len(set(told)) >= 2, pair
            assert len(told) <= 40, pair


def test_an_axis_of_many_powers_of_ten_has_ticks_all_along(page, axes):
    values = axes[0]
    lows, decades = np.meshgrid(10.0 ** np.arange(-30, 0, 3.7), np.arange(3, 38, 0.9))
    ends = np.stack([lows.ravel(), (lows * 10**decades).ravel()], axis=1)
    ends = ends[ends[:, 1] < 1e38].tolist()
    told = named(page, values["values"]["expr"], "datum.value.toString()", ends)
    for (low, high), ticks in zip(ends, told, strict=True):
        places = np.log10([low, *map(float, ticks), high])
        # Nowhere is a gap of more than half of the axis, and lines do not run into each other.
        assert np.diff(places).max() <= 0.5 * (places[-1] - places[0]), (low, high)
        assert len(ticks) <= 26, (low, high)


def test_any_depths_have_two_whole_ticks(page, axes):
    ends = [[low, high] for low in range(2, 200, 7) for high in range(low + 1, 201, 3)]
    for pair, told in zip(
        ends, named(page, axes[1]["values"]["expr"], "format(datum.value)", ends), strict=True
    ):
        assert len(told) >= 2 and all(one.isdecimal() for one in told), pair


def test_any_passes_have_two_whole_ticks(page):
    expression = base.passes_axis(base.altair()).to_dict()["axis"]["values"]["expr"]
    ends = [[low, high] for low in (0, 1, 5, 40, 900) for high in range(low + 1, low + 999, 7)]
    for pair, told in zip(ends, named(page, expression, "format(datum.value)", ends), strict=True):
        assert len(told) >= 2 and all(one.isdecimal() for one in told), pair


@pytest.fixture
def one_pass(app):
    """A run that was trained for one pass, with one point a curve."""
    ncengine.run(RunConfig(**ONE_PASS), store=Store(app.cache))


def charts(page: Page):
    found = page.get_by_test_id("stVegaLiteChart")
    wait_until(lambda: found.count() == found.locator("svg").count() > 2, "no charts are drawn")
    return found.all()


def test_of_one_pass_every_curve_shows_its_point(page, app, one_pass):
    open_page(page, app, **ONE_PASS)
    expect(page.locator(".readout .spark img")).to_have_count(7)
    for chart in charts(page):
        for text in chart.locator(".role-axis:has(.role-axis-domain)").all():
            told = text.locator(".role-axis-label text").all_text_contents()
            assert len(set(filter(None, told))) >= 2
    points = page.get_by_test_id("stVegaLiteChart").locator(".mark-symbol.role-mark path[d^=M]")

    def marks() -> int:
        return sum(point.is_visible() for point in points.all())

    # Objective, fit, two decays and the floor; three metrics; accuracy.
    wait_until(lambda: marks() >= 9, "some curve shows no point")
    expect(page.locator(".st-key-facts")).to_contain_text("1 pass in")
    page.get_by_text("Layers", exact=True).click()
    page.get_by_text("over layers and passes", exact=True).click()
    maps = page.get_by_test_id("stVegaLiteChart").filter(has_text="log₁₀ NC1")
    cells = maps.locator(".mark-rect.role-mark path")
    expect(cells).to_have_count(SMALL["depth"])
    assert all(cell.bounding_box()["width"] > 20 for cell in cells.all())
