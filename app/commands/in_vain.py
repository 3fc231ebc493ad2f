"""Options of `ncengine figure` that say nothing of what is asked for."""

from __future__ import annotations

import argparse

_OF_LAYERS = ("layers", "map", "blocks")
_PLAYER = ("player",)
# With which kinds of figures an option goes; one that is not here goes with all.
GOES_WITH: dict[str, tuple[str, ...]] = {
    "of": ("curves", *_OF_LAYERS, "compare", "runs", "depth"),
    "at": ("layers", "blocks", "cosines", *_PLAYER),
    "seed": (*_OF_LAYERS, "cosines", *_PLAYER),
    "test": ("curves", *_PLAYER),
    "beside": ("compare", "runs"),
    **dict.fromkeys(("layer", "view", "camera", "drawn", "hidden", "focus", "basis"), _PLAYER),
}


def said_in_vain(options: argparse.Namespace) -> str:
    """What is wrong with the first option that does not go with the kind; "" without one."""
    for name, kinds in GOES_WITH.items():
        if getattr(options, name) and options.kind not in kinds:
            *others, last = kinds
            return f"--{name}: goes with " + ", ".join(others) + " and " * bool(others) + last
    return ""
