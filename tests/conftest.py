"""What holds for all tests."""

import os
import signal

import pytest
from hypothesis import settings

# What is shipped must not stand in for what a test trains; tests of the gallery name one.
os.environ["NCENGINE_GALLERY"] = ""

# The suite runs in several processes, whose threads would wait for each other's cores, spinning.
os.environ.setdefault("OMP_NUM_THREADS", "1")

# A GPU adds up in another order every time: the same numbers to the last digit, which many tests
# want, there are on the processor. `tests/engine/test_gpu.py` is about the other.
os.environ.setdefault("NCENGINE_DEVICE", "cpu")

# How long an example takes says how busy the machine is, and nothing about the code.
settings.register_profile("without deadline", deadline=None)
settings.load_profile("without deadline")


@pytest.hookimpl(tryfirst=True)  # before xdist looks at the groups
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What stays in one process: the tests of a file, and all that share a server and a browser."""
    for item in items:
        browsers = "tests/e2e/" in item.nodeid
        group = "tests/e2e" if browsers else item.nodeid.partition("::")[0]
        item.add_marker(pytest.mark.xdist_group(group))


@pytest.fixture(scope="session", autouse=True)
def _interrupts_are_heard() -> None:
    """What a shell runs in the background has Ctrl-C ignored, and its children inherit that."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
