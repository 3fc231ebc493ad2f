"""Steps: networks that are trained one after another, each from the one before, as text.

"2, 3@0.02" names two, of depth 2 and of depth 3, the second at λ = 0.02; what says no λ has the one
of the next step, and the last of them that of the run itself.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise

from ncengine.config.numbers import real, whole

# (L, λ)
Step = tuple[int, float]


def parsed(text: str) -> list[tuple[int, float | None]]:
    """Depth and, where it is said, λ of each. Raises ValueError where it is no such text."""
    parts = (part.partition("@") for part in text.split(","))
    return [(whole(depth), real(decay) if at else None) for depth, at, decay in parts]


def read(text: str, depth: int, weight_decay: float) -> tuple[Step, ...]:
    """The steps before a network of that depth and λ.

    Raises:
        ValueError: there are none, or one of them gives no bound of the next: it is deeper, its λ
            is smaller, or it is the same.
    """
    steps: list[Step] = []
    last = weight_decay
    for of_depth, of_decay in reversed(parsed(text)):
        last = last if of_decay is None else of_decay
        steps.insert(0, (of_depth, last))
    for (shallow, strong), (deep, weak) in pairwise([*steps, (depth, weight_decay)]):
        if not (2 <= shallow <= deep and strong >= weak and (shallow, strong) != (deep, weak)):
            raise ValueError
    return tuple(steps)


def written(steps: Iterable[Step]) -> str:
    """What `read` reads back, of any network; "" of none."""
    return ",".join(f"{depth}@{decay!r}" for depth, decay in steps)
