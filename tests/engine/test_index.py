"""The index against lines that anybody may have written."""

import json
import logging

import pytest

from ncengine.config import RunConfig
from ncengine.runs.index import Index

SMALL = RunConfig(depth=3, width=8)


def entry(key, config=SMALL, seconds=2.0, passes=10, **more):
    seeds = [{"seed": seed, "diverged": False, "nc1": 0.1} for seed in config.seeds]
    return {"key": key, "config": config.model_dump(mode="json"), "floor": 0.02, "seeds": seeds} | {
        "seconds": seconds,
        "passes": passes,
        **more,
    }


@pytest.fixture
def index(tmp_path):
    return Index(tmp_path / "index.jsonl")


ODD = [
    "no JSON",
    "[]",
    "3",
    '{"key": "k"}',
    "[" * 100_000,
    json.dumps(entry("k") | {"config": []}),
    json.dumps(entry("k") | {"config": "digits"}),
    json.dumps(entry("k") | {"config": {"depth": 999}}),
    json.dumps(entry("k") | {"config": {"colour": "red"}}),
    json.dumps(entry("k", seconds=None)),
    json.dumps(entry("k", seconds="2.0")),
    json.dumps(entry("k", seconds=float("nan"))),
    json.dumps(entry("k", seconds=-1.0)),
    json.dumps(entry("k", passes=True)),
    json.dumps(entry("k", passes=[10])),
    json.dumps(entry(None)),
    json.dumps(entry(["k"])),
    json.dumps(entry("k", date=20261127)),
    json.dumps(entry("k", picture=["<svg>"])),
    json.dumps(entry("k", floor="low")),
    json.dumps(entry("k", floor=-0.1)),
    json.dumps(entry("k", seeds=None)),
    json.dumps(entry("k", seeds=[])),
    json.dumps(entry("k", seeds=[{"seed": 0}] * 3)),
    json.dumps(entry("k", seeds=[{"diverged": "no"}] * 3)),
    json.dumps(entry("k", seeds=["one", "two", "three"])),
]


@pytest.mark.parametrize("line", ODD)
def test_an_odd_line_is_passed_over_with_one_warning(index, line, caplog):
    index.add(entry("before"))
    with index.path.open("a") as file:
        file.write(line + "\n")
    index.add(entry("after"))
    with caplog.at_level(logging.WARNING):
        assert [e["key"] for e in index.entries()] == ["before", "after"]
        index.add(entry("later"))
        assert [e["key"] for e in index.entries()] == ["before", "after", "later"]
    assert len(caplog.records) == 1
    assert "index.jsonl" in caplog.text


def test_a_later_entry_of_a_key_stands_for_the_earlier(index):
    for key, seconds in (("a", 1.0), ("b", 2.0), ("a", 3.0)):
        index.add(entry(key, seconds=seconds))
    assert [(e["key"], e["seconds"]) for e in index.entries()] == [("b", 2.0), ("a", 3.0)]


def test_an_entry_comes_back_as_it_was_added(index):
    whole = entry(
        "a", device="cpu", config=SMALL.with_(seeds=1), seeds=[{"diverged": False, "nc1": None}]
    )
    index.add(whole)
    assert index.entries() == [whole]


def test_a_key_is_found_without_reading_the_file_again(index, monkeypatch):
    for number in range(50):
        index.add(entry(f"run{number}"))
    assert "run49" in index
    monkeypatch.setattr(type(index.path), "read_text", lambda *_, **__: 1 / 0)
    assert "run7" in index
    assert "run50" not in index
