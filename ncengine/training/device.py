"""Where the engine computes: decided here and nowhere else."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterator
from contextlib import contextmanager

import torch

from ncengine.costs.memory import memory_here


def one_thread() -> None:
    """Use one thread, for a process that works beside others like it.

    Threads wait for each other many thousand times a second. Where anything else takes the core
    of one of them, all stand still; several processes of one thread each do not wait at all.
    `OMP_NUM_THREADS` goes before this.
    """
    if "OMP_NUM_THREADS" not in os.environ:
        torch.set_num_threads(1)


@contextmanager
def single_thread(wanted: bool) -> Iterator[None]:
    """One thread for as long as this lasts, where that is wanted; see `one_thread`."""
    before = torch.get_num_threads()
    if wanted:
        one_thread()
    try:
        yield
    finally:
        torch.set_num_threads(before)


def pick_device() -> torch.device:
    """CUDA when there, else the CPU; `NCENGINE_DEVICE` names another.

    Raises:
        ValueError: `NCENGINE_DEVICE` names a device that this machine does not have.
    """
    wanted = os.environ.get("NCENGINE_DEVICE", "").strip().lower()
    if not wanted:
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(wanted)
        torch.empty(1, device=device)
    except (RuntimeError, AssertionError) as error:
        raise ValueError(
            f"NCENGINE_DEVICE = {wanted!r}: must name a device this machine has, "
            "such as cpu or cuda; leave it unset to choose by itself"
        ) from error
    return device


def memory_of(device: torch.device) -> int:
    """Bytes of memory that a training on the device may use."""
    if device.type == "cuda":
        return torch.cuda.mem_get_info(device)[0]
    return memory_here()


def describe(device: torch.device) -> str:
    """The device for a reader, such as "CPU, 2 threads" or "NVIDIA H100"."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    if device.type == "cpu":
        threads = torch.get_num_threads()
        return f"CPU, {threads} thread{'s' if threads > 1 else ''}"
    return device.type.upper()


def host() -> str:
    """The machine's operating system and processor type; not its name."""
    return f"{platform.system()} {platform.machine()}"
