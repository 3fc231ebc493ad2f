"""How much work an experiment is: seconds on one core of the machine it was fitted on.

Its unit does not matter: estimates scale it by runs that have ended. What matters is that it
grows as training time does with data, network, seeds and solver. See `benchmarks.work`.
"""

from __future__ import annotations

import math

from ncengine.architectures.shapes import Role, context_length, parameter_shapes
from ncengine.catalogue.architectures import architecture_info
from ncengine.catalogue.datasets import dataset_info
from ncengine.config import RunConfig
from ncengine.config.fields import is_lbfgs
from ncengine.datasets.sampling import held_out_per_class
from ncengine.snapshots.plan import snapshot_passes

# Seconds that one core takes, fitted to trainings of all kinds (see `benchmarks.work`).
# For the forward and backward sweep of one sample:
MULTIPLY = 7.6e-11  # for each weight that multiplies each token
ELEMENT = 6e-9  # for each feature of each token in each block
ATTEND = 2.1e-10  # for each feature of each pair of tokens in each block with attention
# For each step of the solver:
DISPATCH = 1.4e-4  # for each operation of each block, however small its tensors are
HISTORY = 7e-8  # with L-BFGS, for each parameter
SEARCH = 1.2e-4  # with L-BFGS, for each seed
MOVE = 1.4e-9  # with Adam or SGD, for each parameter
PASS = 5e-4  # for each pass, on top of all that
FORWARD = 1 / 3  # what an evaluation without gradient takes, of one with gradient


def run_work(config: RunConfig, passes: int) -> float:
    """Work of the first `passes` of a training, with the looks on test data on the way."""
    classes = config.classes
    each = pass_work(config)
    looks = sum(taken <= passes for taken in snapshot_passes(config.budget)[1])
    # Free features know no test data.
    tested = architecture_info(config.architecture).has_network
    test = classes * held_out_per_class(config) if tested else 0
    return passes * each + looks * FORWARD * evaluation_work(config, test)


def pass_work(config: RunConfig) -> float:
    """Work of one pass over the training data for all seeds: evaluations, and the solver."""
    samples = config.classes * config.samples_per_class
    steps = math.ceil(samples / config.batch_size) if config.batch_size else 1
    dispatch = steps * DISPATCH * _operations(config) * (_blocks(config) + 2)
    return PASS + evaluation_work(config, samples) + dispatch + steps * _solver_work(config)


def evaluation_work(config: RunConfig, samples: int) -> float:
    """Work on so many samples for all seeds that grows with their number."""
    with_tokens = architecture_info(config.architecture).has_tokens
    tokens = context_length(config) if with_tokens else 1
    blocks = _blocks(config)
    # Of a transformer's last block only attention's keys are computed for all tokens.
    full = blocks - 0.7 if tokens > 1 else blocks
    multiply = embedding = 0.0
    for shape in parameter_shapes(config):
        if shape.role is Role.HIDDEN:
            multiply += shape.size * full / blocks
        elif shape.role is Role.EMBEDDING and _is_multiplied(config, shape.name):
            embedding += shape.size
    elements = config.width * (_operations(config) * full if tokens > 1 else blocks + 1)
    each = MULTIPLY * (tokens * (multiply + embedding) + config.classes * config.width)
    each += ELEMENT * tokens * elements + ATTEND * tokens**2 * config.width * (tokens > 1) * full
    return samples * each * len(config.seeds) * _width_of_numbers(config)


def _solver_work(config: RunConfig) -> float:
    parameters = sum(shape.size for shape in parameter_shapes(config))
    moved = len(config.seeds) * parameters * _width_of_numbers(config)
    if not is_lbfgs(config.solver):
        return MOVE * moved
    return HISTORY * moved + SEARCH * len(config.seeds)


def _blocks(config: RunConfig) -> int:
    return architecture_info(config.architecture).blocks(config.depth)


def _operations(config: RunConfig) -> int:
    """Of a block; where there are none, of what stands for one."""
    return sum(part.operations for part in architecture_info(config.architecture).parts) or 1


def _is_multiplied(config: RunConfig, name: str) -> bool:
    """Whether the embedding is a product: words are looked up, positions only added."""
    text = dataset_info(config.dataset).kind == "text"
    return name == "embedding_weight" or (name == "token_embedding" and not text)


def _width_of_numbers(config: RunConfig) -> int:
    return 2 if config.precision == "float64" else 1
