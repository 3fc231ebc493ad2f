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


@pytest.fixture(scope="session", autouse=True)
def _interrupts_are_heard() -> None:
    """What a shell runs in the background has Ctrl-C ignored, and its children inherit that."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
