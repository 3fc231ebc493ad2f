"""A recorder whose disk fills up."""

import errno
import os

import numpy as np

import ncengine
from ncengine.runs.journal import Journal
from ncengine.runs.recorded import delete, headers

RNG = np.random.default_rng(0)
H, Y, W = RNG.normal(size=(60, 7)), np.arange(60) % 5, RNG.normal(size=(5, 7))


def test_a_recording_that_is_kept_no_more_is_not_live(tmp_path, monkeypatch):
    def full(*_, **__):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    rec = ncengine.Recorder(name="x", cache=tmp_path)
    rec.observe(H, Y, W)
    assert headers(tmp_path)[0].live
    monkeypatch.setattr(Journal, "append", full)
    rec.observe(H, Y, W)
    (found,) = headers(tmp_path)
    assert (found.live, found.ended, found.snapshots) == (False, False, 1)
    rec.observe(H, Y, W)
    rec.close()
    assert len(rec.snapshots) == 3
    assert delete(found.key, tmp_path)
