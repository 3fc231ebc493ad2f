"""When the second derivative is looked at, and what that costs. Needs no torch."""

from __future__ import annotations

from ncengine.architectures.shapes import context_length
from ncengine.catalogue.architectures import architecture_info
from ncengine.config import RunConfig
from ncengine.config.fields import KFAC

# Passes after which it is looked at; then each time that twice as many are done.
LOOKS = (20, 50, 100, 200, 350)
# Before a look so many times as many passes are trained as it costs: of a wide network that sees
# few samples, eigenvectors take as long as many passes do.
TRAINED_BEFORE = 8
# Of a pass: a forward and a backward sweep, without the gradient of the weights.
SWEEPS = 1.3
# Eigenvectors of two matrices a map, of a pass: for each dimension, divided by samples and tokens.
EIGENVECTORS = 8.0


def passes_for_curvature(config: RunConfig) -> frozenset[int]:
    """The passes, by how many were done before, that go to it; nothing else is done in them."""
    if config.solver != KFAC:
        return frozenset()
    cost = passes_a_look(config)
    passes: set[int] = set()
    earliest, last = TRAINED_BEFORE * cost, 0
    for look in (*LOOKS, *(LOOKS[-1] * 2**n for n in range(1, 64))):
        if last >= config.epochs:
            break
        last = max(look, earliest)
        passes.update(range(last, last + cost))
        earliest = last + cost + TRAINED_BEFORE * cost
    return frozenset(passes)


def spent_on_curvature(config: RunConfig, passes: int) -> int:
    """How many of the first so many passes went to it."""
    return sum(begin < passes for begin in passes_for_curvature(config))


def passes_a_look(config: RunConfig) -> int:
    """How many passes one look takes."""
    with_tokens = architecture_info(config.architecture).has_tokens
    tokens = context_length(config) if with_tokens else 1
    samples = config.classes * config.samples_per_class
    return round(SWEEPS + EIGENVECTORS * config.width / (samples * tokens) + 0.5)
