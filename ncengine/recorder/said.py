"""What nobody can see in a network, so that who trains it has to say it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

LOSSES = ("CE", "MSE")


@dataclass(frozen=True)
class Said:
    """What was said of a training; see `Recorder`.

    Attributes:
        weight_decay: of the last layer, lambda; None where it was not said.
        loss: "CE" or "MSE".
        class_names: K of them; empty where they were not said.
    """

    weight_decay: float | None = None
    loss: str = "CE"
    class_names: tuple[str, ...] = ()

    def check_classes(self, classes: int) -> None:
        """Raises ValueError where there are names of other than so many classes."""
        if self.class_names and len(self.class_names) != classes:
            raise ValueError(
                f"class_names: {len(self.class_names)}, must be one for each of {classes} classes"
            )


def said(weight_decay: float | None, loss: str, class_names: Sequence[str] | None) -> Said:
    """The same, checked.

    Raises:
        ValueError: one of them is not what it can be.
    """
    decay = weight_decay
    if decay is not None:
        number = isinstance(decay, int | float) and not isinstance(decay, bool)
        if not (number and math.isfinite(decay) and decay > 0):
            raise ValueError(f"weight_decay = {decay!r}: must be a positive number, or None")
        decay = float(decay)
    if loss not in LOSSES:
        raise ValueError(f"loss = {loss!r}: must be one of {', '.join(LOSSES)}")
    if class_names is not None and (
        isinstance(class_names, str) or not isinstance(class_names, Sequence)
    ):
        raise ValueError(f"class_names = {class_names!r}: must be a list of texts, one a class")
    names = tuple(class_names or ())
    for name in names:
        if not isinstance(name, str) or not name.strip():
            raise ValueError(f"class_names: {name!r}, each must be a text that is not empty")
    return Said(decay, loss, names)
