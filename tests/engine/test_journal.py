"""The journal: records survive truncation and garbage; a checkpoint cuts snapshots back to it."""

import json
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from ncengine.runs.journal import Journal
from ncengine.runs.record import pack, unpack
from ncengine.runs.run import Status

arrays = st.dictionaries(
    st.text(max_size=8),
    hnp.arrays(
        st.sampled_from([np.float64, np.float32, np.float16, np.int64, np.bool_]),
        hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=4),
    ),
    max_size=4,
)


@given(arrays)
def test_a_record_gives_back_its_arrays(record):
    found, end = unpack(b"xx" + pack(record), 2)
    assert end == 2 + len(pack(record))
    assert found.keys() == record.keys()
    for name, array in record.items():
        assert found[name].dtype == array.dtype
        np.testing.assert_array_equal(found[name], array)


@given(arrays, st.data())
def test_a_cut_or_changed_record_is_no_record(record, data):
    whole = pack(record)
    cut = data.draw(st.integers(0, len(whole) - 1))
    assert unpack(whole[:cut], 0) is None
    position = data.draw(st.integers(0, len(whole) - 1))
    changed = bytearray(whole)
    changed[position] ^= data.draw(st.integers(1, 255))
    assert unpack(bytes(changed), 0) is None


@given(arrays, st.data())
def test_a_checkpoint_gives_back_its_arrays_unless_it_was_cut_or_changed(record, data):
    with TemporaryDirectory() as folder:
        journal = Journal(Path(folder))
        journal.save_checkpoint(record)
        found = journal.resume()
        assert found.keys() == record.keys()
        for name, array in record.items():
            assert found[name].dtype == array.dtype
            np.testing.assert_array_equal(found[name], array)
        path = Path(folder) / "checkpoint"
        whole = bytearray(path.read_bytes())
        position = data.draw(st.integers(0, len(whole) - 1))
        if data.draw(st.booleans()):
            whole[position] ^= data.draw(st.integers(1, 255))
        else:
            del whole[position:]
        path.write_bytes(whole)
        assert journal.resume() is None


@pytest.fixture
def journal(tmp_path):
    journal = Journal(tmp_path / "run")
    journal.create({"depth": 3})
    journal.change(Status.RUNNING)
    return journal


def epochs(journal, start=0):
    return [int(snapshot["epoch"]) for snapshot in journal.read(start)[0]]


def test_reading_goes_on_where_it_stopped(journal):
    journal.append({"epoch": np.array(1)})
    _, offset = journal.read()
    journal.append({"epoch": np.array(2)})
    journal.append({"epoch": np.array(3)})
    assert epochs(journal, offset) == [2, 3]
    assert epochs(journal) == [1, 2, 3]


def test_a_half_written_snapshot_is_left_for_later(journal):
    journal.append({"epoch": np.array(1)})
    record = pack({"epoch": np.array(2)})
    with (journal.folder / "snapshots").open("ab") as file:
        file.write(record[:-3])
    found, offset = journal.read()
    assert [int(s["epoch"]) for s in found] == [1]
    with (journal.folder / "snapshots").open("ab") as file:
        file.write(record[-3:])
    assert epochs(journal, offset) == [2]


def test_resuming_drops_the_snapshots_after_the_checkpoint(journal):
    journal.append({"epoch": np.array(1)})
    journal.save_checkpoint({"passes": np.array(1)})
    journal.append({"epoch": np.array(2)})
    state = journal.resume()
    assert {name: int(value) for name, value in state.items()} == {"passes": 1}
    assert epochs(journal) == [1]


@pytest.mark.parametrize("damage", [b"", b"NCJ1garbage", b"\0" * 200])
def test_a_damaged_checkpoint_means_from_the_start(journal, damage):
    journal.append({"epoch": np.array(1)})
    (journal.folder / "checkpoint").write_bytes(damage)
    assert journal.resume() is None
    assert epochs(journal) == []


def test_snapshots_lost_before_the_checkpoint_mean_from_the_start(journal):
    journal.append({"epoch": np.array(1)})
    journal.save_checkpoint({"passes": np.array(1)})
    (journal.folder / "snapshots").write_bytes(b"")
    assert journal.resume() is None


def test_requests(journal):
    assert journal.requested() is None
    journal.request("cancel")
    assert journal.requested() == "cancel"
    journal.request(None)
    assert journal.requested() is None


def test_who_requests_something_of_a_run_that_has_just_ended_is_not_troubled(tmp_path, monkeypatch):
    journal = Journal(tmp_path / "gone")
    monkeypatch.setattr(Path, "exists", lambda self: True)  # as it was a moment ago
    journal.request("cancel")
    assert journal.requested() is None


@pytest.mark.parametrize("damage", [b"", b"{", b"\xff\xfe"])
def test_a_damaged_status_says_nothing(journal, damage):
    (journal.folder / "status.json").write_bytes(damage)
    assert journal.status() is None


def test_a_changed_byte_among_the_snapshots_means_from_the_start(journal, caplog):
    for epoch in range(5):
        journal.append({"epoch": np.array(epoch)})
    journal.save_checkpoint({"passes": np.array(5)})
    path = journal.folder / "snapshots"
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    assert journal.resume() is None
    assert epochs(journal) == []
    assert "damaged" in caplog.text


@pytest.mark.parametrize(
    "said",
    [[1], 3, "running", {}, {"status": "bogus"}, {"passes": 3}]
    + [
        {"status": "running", name: value}
        for name in ("passes", "seconds", "attempts", "queued_at")
        for value in (None, "x", True)
    ],
)
def test_an_odd_status_says_nothing_and_is_logged(journal, said, caplog):
    (journal.folder / "status.json").write_text(json.dumps(said))
    assert journal.status() is None
    assert "passed over" in caplog.text
    (journal.folder / "asked.json").write_text(json.dumps(said))
    assert journal.asked() in (None, said)
    assert isinstance(journal.asked() or {}, dict)
