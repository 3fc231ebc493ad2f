"""How much memory a training needs, and whether this machine has it. Needs no torch."""

from __future__ import annotations

import os
from pathlib import Path

from ncengine.architectures.shapes import activation_bytes, parameter_count
from ncengine.catalogue.architectures import architecture_info
from ncengine.config import RunConfig

LBFGS_HISTORY = 50  # steps that L-BFGS remembers: two vectors each, a seed
# What one seed may hold between forward and backward sweep. More samples go in several sweeps.
SWEEP_BYTES = 256 * 2**20
# Parameters, gradient, iterate, direction and what is made of them on the way.
VECTORS = 8
CGROUP_LIMIT = Path("/sys/fs/cgroup/memory.max")


def sweep_samples(config: RunConfig) -> int:
    """How many samples go through the network at once, so that a seed keeps to `SWEEP_BYTES`."""
    return max(1, SWEEP_BYTES // activation_bytes(config))


def memory_needed(config: RunConfig) -> int:
    """Bytes that training `config` takes, about: all seeds' vectors, and their activations."""
    width = 8 if config.precision == "float64" else 4
    vectors = VECTORS + (2 * LBFGS_HISTORY if config.solver == "L-BFGS" else 0)
    samples = config.batch_size or config.classes * config.samples_per_class
    active = min(samples, sweep_samples(config)) * activation_bytes(config)
    features = 2 * samples * config.width * width
    each = vectors * parameter_count(config) * width + active + features
    return len(config.seeds) * each


def memory_here() -> int:
    """Bytes of memory that this process may use, of all that the machine has."""
    total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    try:
        return min(total, int(CGROUP_LIMIT.read_text()))
    except (OSError, ValueError):  # no container, or one without a limit ("max")
        return total


def too_large(config: RunConfig, available: int) -> str:
    """Why `config` does not fit into so many bytes, and what to do; "" where it does."""
    needed = memory_needed(config)
    if needed <= available:
        return ""
    fields = "width, depth or seeds" if architecture_info(config.architecture).parts else "seeds"
    other = " or the solver Adam, which remembers less" if config.solver == "L-BFGS" else ""
    return (
        f"Training needs about {_gigabytes(needed)} of memory, and there are "
        f"{_gigabytes(available)} here. Pick less {fields}{other}."
    )


def _gigabytes(count: int) -> str:
    return f"{count / 2**30:.3g} GiB"
