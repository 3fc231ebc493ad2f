"""The index against lines that anybody may have written."""

import json
import logging

import pytest

from ncengine.config import RunConfig
from ncengine.runs.index import Index
from ncengine.runs.seal import sealed

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


@pytest.fixture
def silent():
    """Without thousands of warnings, each of which takes longer than what it is about."""
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


ODD = [
    "no JSON",
    "[]",
    "3",
    '{"key": "k"}',
    "[" * 100_000,
    json.dumps(entry("k")),
    json.dumps({"removed": "before"}),
    json.dumps(sealed(entry("k")) | {"seconds": 3.0}),
    json.dumps(sealed({"removed": "nobody"}) | {"removed": "before"}),
    json.dumps(sealed(entry("k") | {"config": []})),
    json.dumps(sealed(entry("k") | {"config": "digits"})),
    json.dumps(sealed(entry("k") | {"config": {"depth": 999}})),
    json.dumps(sealed(entry("k") | {"config": {"colour": "red"}})),
    json.dumps(sealed(entry("k", seconds=None))),
    json.dumps(sealed(entry("k", seconds="2.0"))),
    json.dumps(sealed(entry("k", seconds=float("nan")))),
    json.dumps(sealed(entry("k", seconds=-1.0))),
    json.dumps(sealed(entry("k", passes=True))),
    json.dumps(sealed(entry("k", passes=[10]))),
    json.dumps(sealed(entry(None))),
    json.dumps(sealed(entry(["k"]))),
    json.dumps(sealed(entry("k", date=20261127))),
    json.dumps(sealed(entry("k", picture=["<svg>"]))),
    json.dumps(sealed(entry("k", floor="low"))),
    json.dumps(sealed(entry("k", floor=-0.1))),
    json.dumps(sealed(entry("k", seeds=None))),
    json.dumps(sealed(entry("k", seeds=[]))),
    json.dumps(sealed(entry("k", seeds=[{"seed": 0}] * 3))),
    json.dumps(sealed(entry("k", seeds=[{"diverged": "no"}] * 3))),
    json.dumps(sealed(entry("k", seeds=["one", "two", "three"]))),
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


def test_many_odd_lines_are_told_at_once(index, caplog):
    index.add(entry("before"))
    with index.path.open("a") as file:
        file.writelines(json.dumps(entry(f"k{n}")) + "\n" for n in range(12))
    assert [one["key"] for one in index.entries()] == ["before"]
    (record,) = caplog.records
    assert "12 lines" in record.getMessage()
    index.add(entry("after"))
    assert len(index.entries()) == 2
    assert len(caplog.records) == 1


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


def test_a_bit_that_flips_changes_no_number(index, silent):
    whole = entry("a", config=SMALL.with_(seeds=1), picture="CgAr", device="cpu")
    index.add(whole)
    line, found = index.path.read_bytes(), []
    for position in range(len(line)):
        # Another bit from byte to byte.
        flip = bytes([line[position] ^ 1 << position % 8])
        index.path.write_bytes(line[:position] + flip + line[position + 1 :])
        looks = Index(index.path)
        found.append(looks.entries())
        assert found[-1] in ([], [whole])
        # What is not listed is missed, so that the list is made anew from the cache.
        assert found[-1] or looks.is_damaged
    assert found.count([]) > 0.9 * len(line)


def test_a_bit_that_flips_in_a_removal_removes_no_other(index, silent):
    for key in ("a", "b", "c"):
        index.add(entry(key))
    index.remove("b")
    content = index.path.read_bytes()
    start = content[:-1].rindex(b"\n") + 1
    for position in range(start, len(content)):
        flip = bytes([content[position] ^ 1 << position % 8])
        index.path.write_bytes(content[:position] + flip + content[position + 1 :])
        looks = Index(index.path)
        keys = [e["key"] for e in looks.entries()]
        assert keys == ["a", "c"] or (keys == ["a", "b", "c"] and looks.is_damaged)


def test_half_a_line_takes_no_other_with_it(index):
    index.add(entry("a"))
    index.add(entry("b"))
    index.path.write_bytes(index.path.read_bytes()[:-40])
    index.add(entry("c"))
    assert [e["key"] for e in index.entries()] == ["a", "c"]


def test_what_cannot_be_written_is_listed_all_the_same(index, monkeypatch):
    index.add(entry("a"))
    index.path.write_bytes(index.path.read_bytes()[:-40])
    with monkeypatch.context() as patch:
        patch.setattr("ncengine.runs.index.write_atomically", _full)
        with pytest.raises(OSError):
            index.replace([entry("a"), entry("b")])
    assert [e["key"] for e in index.entries()] == ["a", "b"]
    index.remove("a")
    index.add(entry("c"))
    assert [e["key"] for e in index.entries()] == ["b", "c"]
    index.replace([entry("c")])
    assert [e["key"] for e in index.entries()] == ["c"]


def _full(*_):
    raise OSError(28, "No space left on device")
