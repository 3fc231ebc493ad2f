"""The index against lines that anybody may have written, and estimates from its entries."""

import json
import logging
from statistics import median

import pytest

from ncengine import estimate
from ncengine.architectures.shapes import pass_work
from ncengine.config import RunConfig
from ncengine.estimate import RECENT, estimate_seconds
from ncengine.index import Index

SMALL = RunConfig(depth=3, width=8)


def entry(key, config=SMALL, seconds=2.0, passes=10, **more):
    return {"key": key, "config": config.model_dump(mode="json")} | {
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
    assert estimate_seconds(SMALL, index.entries()) > 0


def test_a_later_entry_of_a_key_stands_for_the_earlier(index):
    for key, seconds in (("a", 1.0), ("b", 2.0), ("a", 3.0)):
        index.add(entry(key, seconds=seconds))
    assert [(e["key"], e["seconds"]) for e in index.entries()] == [("b", 2.0), ("a", 3.0)]


def test_an_entry_comes_back_as_it_was_added(index):
    whole = entry("a", device="cpu", seeds=[{"seed": 0, "nc1": None}])
    index.add(whole)
    assert index.entries() == [whole]


RN2 = SMALL.with_(architecture="RN2")


def test_an_estimate_goes_by_the_recent_runs_of_the_same_architecture():
    entries = [entry(str(i), seconds=1000.0 * (i + 1)) for i in range(5)]
    recent = [7.0, 3.0, 9.0, 1.0, 5.0, 4.0, 8.0, 2.0]
    assert len(recent) == RECENT
    for i, seconds in enumerate(recent):
        entries += [entry(f"a{i}", seconds=seconds), entry(f"b{i}", RN2, seconds=1e6)]
    expected = median(recent) / 10 * SMALL.epochs
    assert estimate_seconds(SMALL, entries) == pytest.approx(expected)


def test_an_estimate_falls_back_to_other_architectures():
    entries = [entry("a", seconds=6.0)]
    per_work = 6.0 / (10 * pass_work(SMALL))
    expected = per_work * pass_work(RN2) * RN2.epochs
    assert estimate_seconds(RN2, entries) == pytest.approx(expected)


def test_no_estimate_without_a_pass_to_judge_by():
    assert estimate_seconds(SMALL, []) is None
    assert estimate_seconds(SMALL, [entry("a", passes=0)]) is None


def test_an_estimate_looks_at_no_more_runs_than_it_needs(monkeypatch):
    built = []

    def counted(**values):
        built.append(values)
        return RunConfig(**values)

    entries = [entry(str(i), RN2 if i % 2 else SMALL) for i in range(200)]
    monkeypatch.setattr(estimate, "RunConfig", counted)
    estimate_seconds(SMALL, entries)
    assert [values["architecture"] for values in built] == ["RN1"] * RECENT
