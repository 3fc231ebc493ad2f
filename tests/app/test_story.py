"""Stories as files: what is taken, and what is refused in which words."""

import copy
import json
import random

import pytest

from app.stage import stories
from app.stage.story import MOST_BYTES, MOST_CAPTION, Step, Story, StoryError, read
from ncengine.config import RunConfig

EXPLORE = {**RunConfig(depth=8).query(), "epoch": "100", "camera": "1_0_0_0_1_0_0"}
GOOD = {
    "version": 1,
    "title": "Two steps",
    "steps": [
        {
            "page": "Explore",
            "query": EXPLORE,
            "caption": "One line\nand another",
            "notes": "Slowly.",
            "plays": "training",
        },
        {"page": "Depth", "query": {"depths": "2,5", "metric": "gap"}, "caption": "Deeper"},
    ],
}


def as_file(story):
    return json.dumps(story).encode()


def changed(path, value):
    story = copy.deepcopy(GOOD)
    at = story
    for part in path[:-1]:
        at = at[part]
    at[path[-1]] = value
    return as_file(story)


def test_a_file_is_read_and_written_alike():
    story = read(as_file(GOOD))
    assert story.title == "Two steps" and [step.page for step in story.steps] == [
        "Explore",
        "Depth",
    ]
    assert story.steps[1].plays == "nothing" and story.steps[1].notes == ""
    assert read(story.as_json().encode()) == story
    assert read(b"\xef\xbb\xbf" + as_file(GOOD)) == story


@pytest.mark.parametrize(
    "path, value, said",
    [
        (("version",), 2, "Version = 2: must be 1"),
        (("title",), " ", "Title = ' ': must not be empty"),
        (("steps", 1, "caption"), "W" * 160, "must fit on two lines"),
        (("steps", 1, "caption"), "x\n" + "word " * 30, "must fit on two lines"),
        (("steps",), [], "Steps"),
        (("steps", 0, "page"), "Library", "Step 1, page = 'Library'"),
        (("steps", 1, "caption"), "x" * (MOST_CAPTION + 1), "Step 2, caption"),
        (("steps", 1, "caption"), "a\nb\nc", "must be at most two lines"),
        (("steps", 0, "plays"), "music", "Step 1, plays = 'music'"),
        (("steps", 0, "colour"), "red", "Step 1, colour = 'red'"),
        (("steps", 0, "query", "depth"), "-3", "Step 1, query: depth = '-3'"),
        (("steps", 0, "query", "dataset"), "faces", "Step 1, query: dataset = 'faces'"),
        (("steps", 0, "query", "camera"), "1_2", "Step 1, query: camera: '1_2' must be 7 numbers"),
        (("steps", 0, "query", "focus"), "1,99,2", "focus: '1,99,2' must be"),
        (("steps", 0, "query", "beside"), "me", "beside: 'me' must be training or layers"),
        (("steps", 0, "query", "depths"), "2,x", "'2,x' must be"),
        (("steps", 0, "query", "story"), "own", "'story' is no parameter of Explore"),
        (("steps", 0, "query", "depth"), 8, "Step 1, query, depth = 8"),
        (("steps", 1, "query", "epoch"), "100", "'epoch' is no parameter of Depth"),
        (("steps", 1, "query", "metric"), "luck", "'luck' must be one of"),
        (("steps", 1), "a step", "Step 2 = 'a step'"),
        (("steps", 1, "notes"), None, "Step 2, notes = None"),
    ],
)
def test_what_is_wrong_is_told_by_step_and_field(path, value, said):
    with pytest.raises(StoryError) as refused:
        read(changed(path, value))
    assert said in str(refused.value) and "tuple" not in str(refused.value)
    assert "pydantic" not in str(refused.value) and "https://" not in str(refused.value)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"[]",
        b"null",
        b"{",
        b"\xff\xfe",
        b'{"version": 1, "version": 1, "title": "t", "steps": []}',
        b"[" * 100_000,
        b'{"version": NaN}',
        b"1" * (MOST_BYTES + 1),
    ],
)
def test_what_is_no_story_is_refused_in_words(content):
    with pytest.raises(StoryError, match="[a-z]"):
        read(content)


VALUES = (None, True, 0, -1, 1.5, "", "x", "1e999", "<b>x</b>", "\n" * 5, "a" * 9999, [], {}, [[]])


def mutated(random_one):
    """The good story with one value replaced, removed, added or doubled, or a few bytes broken."""
    story = copy.deepcopy(GOOD)
    if random_one.random() < 0.25:
        content = bytearray(as_file(story))
        for _ in range(random_one.randint(1, 4)):
            content[random_one.randrange(len(content))] = random_one.randrange(256)
        return bytes(content)
    places = []

    def walk(at):
        for key in list(at) if isinstance(at, dict) else range(len(at)):
            places.append((at, key))
            if isinstance(at[key], dict | list):
                walk(at[key])

    walk(story)
    at, key = random_one.choice(places)
    kind = random_one.choice(("value", "gone", "name"))
    if kind == "value":
        at[key] = random_one.choice(VALUES)
    elif kind == "gone":
        del at[key]
    elif isinstance(at, dict):
        at[f"{key}é"] = at.pop(key)
    return as_file(story)


def test_a_mutated_file_is_refused_in_words_or_read_whole():
    random_one = random.Random(0)
    refused = 0
    for _ in range(500):
        content = mutated(random_one)
        try:
            story = read(content)
        except StoryError as error:
            refused += 1
            words = str(error)
            assert words.endswith(".") and "Traceback" not in words and len(words) < 2000
            assert any(
                name in words.lower() for name in ("step", "title", "version", "file", "é")
            ), words
        else:
            assert read(story.as_json().encode()) == story
    assert 100 < refused < 500


def test_all_that_is_shipped_can_be_told_from_the_gallery_alone(tmp_path):
    from app.components import series
    from ncengine.runs.gallery import Gallery
    from ncengine.runs.identity import identify
    from ncengine.runs.store import Store

    gallery = Gallery(stories.SHIPPED.parent / "gallery")
    store = Store(tmp_path, gallery)

    def here(config):
        return gallery.entry(identify(config).key) or store.stand_in(config)

    assert [len(story.steps) for story in stories.shipped().values()] == [8, 8, 7, 6]
    for story in stories.shipped().values():
        for n, step in enumerate(story.steps, 1):
            assert step.caption and len(step.caption.splitlines()) <= 2
            if step.page == "Theory":
                continue
            config, _ = RunConfig.nearest(step.query)
            wanted = [config]
            if step.page == "Depth":
                own = {k: v for k, v in step.query.items() if k in series.NAMES}
                wanted = [c for s in series.parse(own)[0].series(config) for c in s.grid]
            lacking = [c.title() for c in wanted if not here(c)]
            assert not lacking, (story.title, n, lacking)


def test_ones_own_is_made_step_by_step(monkeypatch):
    state = {}
    monkeypatch.setattr(stories.st, "session_state", state)
    assert stories.get("own") is None
    steps = [Step(page="Depth", query={}, caption=str(n)) for n in range(3)]
    for step in steps:
        stories.add(step)
    stories.move(0, 2)
    assert [step.caption for step in stories.draft().steps] == ["1", "2", "0"]
    stories.remove(1)
    stories.change(0, steps[2])
    assert [step.caption for step in stories.get("own").steps] == ["2", "0"]
    assert isinstance(stories.get("own"), Story)
