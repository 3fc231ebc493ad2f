"""Ctrl-C amid what a command loads, and amid the start of its processes."""

import signal
import subprocess
import sys

import pytest
from joblib.externals.loky import ProcessPoolExecutor

from ncengine.cli import interrupts
from ncengine.jobs import executors
from ncengine.jobs.executors import Helpers, deaf_to_interrupts

# What a library may do that tries whether something is there.
OPTIONAL = """
import signal, time
try:
    signal.raise_signal(signal.SIGINT)
    for _ in range(100):
        time.sleep(0.001)
    is_there = True
except BaseException:
    is_there = False
"""
COMMAND = """
import time
from ncengine.cli.interrupts import wait_for_imports
wait_for_imports()
try:
    import optional
    # The clock is in no module that is being loaded.
    time.sleep(60)
    print("heard nothing")
except KeyboardInterrupt:
    print("stopped", optional.is_there)
"""

on_posix = pytest.mark.skipif(not hasattr(signal, "pthread_sigmask"), reason="Windows has no masks")


def test_ctrl_c_waits_for_what_is_loaded_and_is_not_lost(tmp_path):
    (tmp_path / "optional.py").write_text(OPTIONAL)
    code = f"import sys; sys.path.insert(0, {str(tmp_path)!r}){COMMAND}"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=50)
    assert (done.stdout, done.stderr) == ("stopped True\n", "")


def test_ctrl_c_that_is_ignored_stays_ignored():
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        interrupts.wait_for_imports()
        assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, before)


def test_ctrl_c_stops_what_is_loading_nothing():
    before = signal.getsignal(signal.SIGINT)
    assert before is signal.default_int_handler
    interrupts.wait_for_imports()
    try:
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
    finally:
        signal.signal(signal.SIGINT, before)


def blocked() -> bool:
    return signal.SIGINT in signal.pthread_sigmask(signal.SIG_BLOCK, ())


@on_posix
def test_helpers_never_hear_ctrl_c_and_who_started_them_does(monkeypatch):
    # Those of other tests are forked of a process that may have begun without it.
    monkeypatch.setattr(executors, "ProcessPoolExecutor", ProcessPoolExecutor)
    helpers = Helpers(1)
    try:
        (theirs,) = helpers.ask(1, blocked)
        assert theirs.result(60) and not blocked()
    finally:
        helpers.end()


@on_posix
def test_ctrl_c_amid_the_start_of_processes_is_heard_after_it():
    reached = False
    with pytest.raises(KeyboardInterrupt), deaf_to_interrupts():
        signal.raise_signal(signal.SIGINT)
        reached = True
    assert reached and not blocked()
