"""How much memory a training needs, and whether this machine has it. Needs no torch."""

from __future__ import annotations

import os
from pathlib import Path

from ncengine.architectures.inputs import along_principal_axes
from ncengine.architectures.shapes import activation_bytes, parameter_count, sample_size
from ncengine.catalogue.architectures import architecture_info
from ncengine.catalogue.datasets import dataset_info
from ncengine.config import RunConfig
from ncengine.config.fields import KFAC, is_lbfgs
from ncengine.datasets.sampling import held_out_per_class

LBFGS_HISTORY = 50  # steps that L-BFGS remembers: two vectors each, a seed
KFAC_HISTORY = 20  # with what it knows of the second derivative
# What it knows: two factors of each matrix and their eigenvectors, partly in double precision.
KFAC_VECTORS = 12
# What one seed may hold between forward and backward sweep. More samples go in several sweeps.
SWEEP_BYTES = 256 * 2**20
# How often the largest arrays of a process lie in memory, as measured: see benchmarks/RESULTS.md.
VECTORS = 12  # parameters, gradient, iterate, direction, moments, and what becomes of them
FEATURES = 6  # those held, new ones, and what metrics make of them
LOGITS = 4
# What CUDA's libraries take of a GPU's memory to work in.
DEVICE_BYTES = 96 * 2**20
# Parameters of all seeds together that a result keeps, so that others can start from them.
MOST_KEPT = 2**23
CGROUP_LIMIT = Path("/sys/fs/cgroup/memory.max")


def keeps_parameters(config: RunConfig) -> bool:
    """Whether a result keeps the network's parameters, from which others can start."""
    return len(config.seeds) * parameter_count(config) <= MOST_KEPT


def sweep_samples(config: RunConfig) -> int:
    """How many samples go through the network at once, so that a seed keeps to `SWEEP_BYTES`."""
    return max(1, SWEEP_BYTES // activation_bytes(config))


def memory_needed(config: RunConfig, process_bytes: int, processes: int = 1) -> int:
    """Bytes that training `config` takes at most, about, checkpoints and data counted.

    Args:
        config: what is trained.
        process_bytes: what a process takes before it holds a network, which depends on what is
            installed: see `jobs.process_memory`.
        processes: over how many the seeds are spread: each holds the data.
    """
    each = process_bytes + _of_data_set(config) + _of_inputs(config) + _of_axes(config)
    return processes * (each + _of_layers(config)) + len(config.seeds) * _of_seed(config)


def device_memory_needed(config: RunConfig) -> int:
    """Bytes of a GPU's own memory that training `config` takes at most, about."""
    of_seeds = len(config.seeds) * _of_seed(config)
    return DEVICE_BYTES + _of_inputs(config) + _of_layers(config) + of_seeds


def _of_seed(config: RunConfig) -> int:
    """Vectors of the solver, activations, features and logits of one seed."""
    vectors = VECTORS + _remembered(config)
    samples = config.classes * config.samples_per_class
    at_once = min(config.batch_size or samples, sweep_samples(config))
    active = at_once * activation_bytes(config)
    per_sample = FEATURES * config.width + LOGITS * config.classes
    numbers = vectors * parameter_count(config) + samples * per_sample
    return active + numbers * _bytes_each(config)


def _remembered(config: RunConfig) -> int:
    """Vectors that the solver remembers."""
    if config.solver == KFAC:
        return 2 * KFAC_HISTORY + KFAC_VECTORS
    return 2 * LBFGS_HISTORY if is_lbfgs(config.solver) else 0


def _of_layers(config: RunConfig) -> int:
    """What is looked at of every layer, and what is read of it, of one seed at a time.

    Where all samples go through the network at once, no more than what is held between forward
    and backward sweep, which is free by then.
    """
    samples = config.classes * config.samples_per_class
    if samples <= sweep_samples(config):
        return 0
    layers = architecture_info(config.architecture).layers(config.depth)
    return 2 * layers * samples * config.width * _bytes_each(config)


def _of_inputs(config: RunConfig) -> int:
    """What the network reads of all samples, and a mini-batch of them for each seed."""
    samples = _samples(config)
    if architecture_info(config.architecture).family.embedding == "identity":
        return 8 * samples  # only which sample it is
    batch = config.batch_size * len(config.seeds)
    text = dataset_info(config.dataset).kind == "text"
    return (samples + batch) * sample_size(config) * (8 if text else _bytes_each(config))


def _of_axes(config: RunConfig) -> int:
    """Of principal axes of the inputs: covariance, eigenvectors, and room to find them."""
    return 8 * 4 * sample_size(config) ** 2 if along_principal_axes(config) else 0


def _of_data_set(config: RunConfig) -> int:
    """The samples as they are read, and all those that they are drawn from."""
    info = dataset_info(config.dataset)
    read = _samples(config) * sample_size(config) * (8 if info.kind == "text" else 4)
    if not info.files:
        return read
    pool = info.classes * (info.max_samples_per_class + info.held_out)
    return read + pool * sample_size(config)


def _samples(config: RunConfig) -> int:
    """Samples of both splits, at most."""
    return config.classes * (config.samples_per_class + held_out_per_class(config))


def _bytes_each(config: RunConfig) -> int:
    return 8 if config.precision == "float64" else 4


def memory_here() -> int:
    """Bytes of memory that this process may use, of all that the machine has."""
    total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    try:
        return min(total, int(CGROUP_LIMIT.read_text()))
    except (OSError, ValueError):  # no container, or one without a limit ("max")
        return total


def too_large(config: RunConfig, available: int, needed: int) -> str:
    """Why `config`, which needs so many bytes, does not fit into those available; "" where it does.

    The answer says what to do.
    """
    if needed <= available:
        return ""
    network = architecture_info(config.architecture).parts
    fields = "width, depth, samples or seeds" if network else "width, samples or seeds"
    other = " or the solver Adam, which remembers less" if is_lbfgs(config.solver) else ""
    return (
        f"Training needs about {_gigabytes(needed)} of memory, and there are "
        f"{_gigabytes(available)} here. Pick less {fields}{other}."
    )


def _gigabytes(count: int) -> str:
    return f"{count / 2**30:.3g} GiB"
