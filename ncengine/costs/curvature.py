"""When the second derivative is looked at, and what that costs. Needs no torch."""

from __future__ import annotations

from ncengine.architectures.shapes import context_length
from ncengine.catalogue.architectures import architecture_info
from ncengine.config import RunConfig
from ncengine.config.fields import KFAC

# Passes after which it is looked at; then each time that twice as many are done.
LOOKS = (20, 50, 100, 200, 350)
# Of a pass: a forward and a backward sweep, without the gradient of the weights.
SWEEPS = 1.3
# Eigenvectors of two matrices a map, of a pass: for each dimension, divided by samples and tokens.
EIGENVECTORS = 8.0


def passes_for_curvature(config: RunConfig) -> frozenset[int]:
    """The passes, by how many were done before, that go to it; nothing else is done in them."""
    if config.solver != KFAC:
        return frozenset()
    cost = passes_a_look(config)
    looks, last = list(LOOKS), LOOKS[-1]
    while last < config.epochs:
        last *= 2
        looks.append(last)
    return frozenset(look + n for look in looks for n in range(cost))


def spent_on_curvature(config: RunConfig, passes: int) -> int:
    """How many of the first so many passes went to it."""
    return sum(begin < passes for begin in passes_for_curvature(config))


def passes_a_look(config: RunConfig) -> int:
    """How many passes one look takes."""
    with_tokens = architecture_info(config.architecture).has_tokens
    tokens = context_length(config) if with_tokens else 1
    samples = config.classes * config.samples_per_class
    return round(SWEEPS + EIGENVECTORS * config.width / (samples * tokens) + 0.5)
