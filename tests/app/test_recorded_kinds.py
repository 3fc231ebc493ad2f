"""The page Recorded on recordings of every kind, odd ones among them."""

from __future__ import annotations

import json
import math
import re
from dataclasses import replace

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest
from streamlit.util import calc_hash

from app.components import text
from app.engine import recorded
from app.export import recorded as exported
from app.player import view
from app.recorded import angles, curves
from app.recorded.seen import Seen, class_names, subject
from ncengine.runs.recorded import FOLDER, FORMAT, About, Writer
from tests.app.conftest import MAIN, assert_sound, open_at, texts

EVIL = "# H <script>alert(1)</script> **b** [x](http://e.com) $a$ :red[r] :material/home: \n# 2"


@pytest.fixture
def at(store, jobs, tmp_path) -> AppTest:
    """The page of a cache of its own."""
    store.root = tmp_path
    found = AppTest.from_file(MAIN, default_timeout=60)
    found._page_hash = calc_hash("recorded")
    return found


def made(root, classes=3, width=4, steps=range(3), size=(1.0, 1.0, 1.0), about=None) -> str:
    """A recording whose features have these sizes at its steps; gives its key."""
    rng = np.random.default_rng(0)
    labels = np.repeat(np.arange(classes), 2)
    means = rng.normal(size=(classes, width)).astype(np.float32)
    points = means[labels] + 0.1 * rng.normal(size=(len(labels), width))
    fields = {"name": "made up", "classes": classes, "width": width} | (about or {})
    writer = Writer(About(**fields), root)
    for n, (step, by) in enumerate(zip(steps, size, strict=True)):
        with np.errstate(invalid="ignore"):
            arrays = {
                "class_means": by * means,
                "classifier": means,
                "features": (by * points).astype(np.float32),
                "labels": labels,
            }
        writer.append(step, {"nc1": 0.5**n, "loss": 2.0 - n / 2}, arrays)
    writer.end()
    return writer.key


def looked_at(key: str, moment: str = "") -> Seen:
    found = recorded.look(key)
    seen, wrong = view.parse({}, subject(found))
    assert not wrong
    return Seen(found, replace(seen, moment=moment))


@pytest.mark.parametrize(
    "options",
    [
        {"classes": 2, "width": 1},
        {"classes": 5, "width": 2},
        {"size": (1.0, math.inf, math.nan)},
        {"size": (0.0, 0.0, 0.0)},
        {"size": (math.nan,) * 3},
        {"steps": (7, 7, 7)},
        {"steps": (3, 2, 1)},
        {"steps": (-2, -1.5, 1e7)},
        {"steps": (0,), "size": (1.0,)},
        {"steps": (), "size": ()},
        {"about": {"name": EVIL, "class_names": ("</script>", "</script>", "*x*")}},
        {"about": {"ideal": "seli"}},
    ],
)
def test_whatever_was_recorded_the_page_is_sound(at, tmp_path, options):
    key = made(tmp_path, **options)
    open_at(at, recorded=key)
    assert_sound(at)
    assert not at.warning
    if options.get("steps", [0]):
        assert exported.of_recording(looked_at(key))


def test_more_classes_than_the_player_shows_are_told_of(at, tmp_path):
    key = made(tmp_path, classes=257, width=3)
    open_at(at, recorded=key)
    assert_sound(at)
    assert "up to 256 classes" in at.info[0].value
    assert not at.get("pills")


def test_a_name_is_no_markdown(at, tmp_path):
    open_at(at, recorded=made(tmp_path, about={"name": EVIL}))
    (header,) = at.header
    assert "\n" not in header.value and f":{text.WORD_JOINER}material" in header.value
    assert header.value.replace("\\", "").replace(text.WORD_JOINER, "") == EVIL.replace(" \n", " ")


def test_figures_and_cosines_are_of_the_moment_that_the_player_shows(at, tmp_path):
    key = made(tmp_path, size=(1.0, 1.0, math.nan))
    seen = looked_at(key)
    assert angles.snapshot(seen) == curves.at_moment(seen) == 1
    assert curves.at_moment(looked_at(key, "0")) == 0
    open_at(at, recorded=key)
    assert "After step 1 nothing is drawn" in texts(at)


def test_it_says_where_features_were_of_another_width(at, tmp_path):
    labels = np.repeat(np.arange(3), 2)
    writer = Writer(About(name="wider", classes=3, width=4), tmp_path)
    for step, width in ((0, 4), (1, 6), (2, 6)):
        means = np.random.default_rng(step).normal(size=(3, width)).astype(np.float32)
        points = {"class_means": means, "classifier": means, "features": means[labels]}
        writer.append(step, {"nc1": 1.0}, points | {"labels": labels})
    writer.end()
    open_at(at, recorded=writer.key)
    assert "Before step 1 nothing is drawn: no features like the last ones" in texts(at)


def test_a_step_that_was_recorded_again_counts_once(at, tmp_path):
    key = made(tmp_path, steps=(0, 1, 0))
    found = recorded.look(key)
    assert found.steps.tolist() == [0, 1] and found.figures["nc1"].tolist() == [0.25, 0.5]
    open_at(at, recorded=key)
    assert "1 more of steps that were recorded again" in texts(at)


def test_classes_of_one_name_are_told_apart(at, tmp_path):
    key = made(tmp_path, about={"class_names": ("cat", "dog", "cat")})
    assert class_names(recorded.look(key)) == ["cat (0)", "dog", "cat (2)"]


WRONG = {
    "figures": ("loss,nope", "**Figures**: `nope` must be names of figures that it has"),
    "epoch": ("soon", "**Step**: `soon` must be a number"),
    "focus": ("0,1,9", "**Focus**: `0,1,9` must be 3 or 4 different class numbers from 0 to 4"),
    "camera": ("x", "**Camera**: `x`"),
    "basis": ("all", "**Basis**: `all` must be last or each"),
}


def test_what_an_address_asks_for_in_vain_is_told_until_it_is_dismissed(at, tmp_path):
    key = made(tmp_path, classes=5, width=6)
    open_at(at, recorded=key, **{name: value for name, (value, _) in WRONG.items()})
    (warning,) = at.warning
    for _, line in WRONG.values():
        assert line in warning.value
    at.button("dismiss_notices").click().run()
    assert not at.warning and at.header[0].value == "made up"


def test_a_step_below_0_is_a_moment(at, tmp_path):
    key = made(tmp_path, steps=(-2, -1, 0))
    open_at(at, recorded=key, epoch="-2")
    assert_sound(at)
    assert not at.warning
    assert curves.at_moment(looked_at(key, "-2")) == 0


def test_a_file_has_curves_on_both_sides_of_step_0(at, tmp_path):
    file = exported.of_recording(looked_at(made(tmp_path, steps=(-9, -1, 9))))
    path = re.search(r'<path d="M([^"]+)"', file.partition("data-passes")[2])
    across = [float(point.split()[0]) for point in path[1].split("L")]
    # In thousandths of the width, even in log(1 + |step|) to both sides.
    middle = 500 * (1 - math.log(2) / math.log(10))
    assert across == pytest.approx([0, middle, 1000], abs=0.1)


@pytest.mark.parametrize("key", ["../../etc", "f" * 20, "<script>"])
def test_what_is_no_recording_leads_to_the_list(at, key):
    open_at(at, recorded=key)
    assert f"**Recorded**: `{key}` must be the key of a recording" in at.warning[0].value
    at.button("dismiss_notices").click().run()
    assert not at.warning


@pytest.mark.parametrize(
    "fields",
    [
        {"name": None},
        {"begun": 1e300},
        {"begun": "now"},
        {"classes": "x"},
        {"class_names": ["one"]},
        {"layers": 7},
    ],
)
def test_what_another_program_wrote_hides_no_recording(at, tmp_path, fields):
    made(tmp_path, about={"name": "sound"})
    folder = tmp_path / FOLDER / ("e" * 20)
    folder.mkdir()
    told = {"format": FORMAT, "name": "odd", "classes": 3, "width": 4, "ended": True} | fields
    (folder / "asked.json").write_text(json.dumps(told))
    open_at(at)
    assert_sound(at)
    assert [one.about.name for one in recorded.headers()] == ["sound"]
    assert len(at.dataframe) == 1
