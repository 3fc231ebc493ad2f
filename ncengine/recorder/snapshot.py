"""What is measured of a network at one step of its training."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Snapshot:
    """Figures of a network at one step: `snapshot.nc1`, `snapshot.layers["layer3"].cdnv`.

    Attributes:
        step: as it was given.
        figures: by name, see `ncengine.metrics.every`; what has no value is NaN.
        scalars: what else was given, such as the loss.
        layers: of each layer asked for, by name.
        heads: where the logits are a mean of several heads, each of them by its name.
        test: of the test samples; None where there are none.
        ideal: the figure that the training leads to: "simplex", "seli" or "code".
        samples: how many training samples were looked at.
        moved: whether weights were trained between samples.
    """

    step: float
    figures: Mapping[str, float]
    scalars: Mapping[str, float] = field(default_factory=dict)
    layers: Mapping[str, Snapshot] = field(default_factory=dict)
    heads: Mapping[str, Snapshot] = field(default_factory=dict)
    test: Snapshot | None = None
    ideal: str = "simplex"
    samples: int = 0
    moved: bool = False

    def __getattr__(self, name: str) -> float:
        # Called for what is no attribute alone. Copying asks before there are any.
        if not name.startswith("_"):
            for values in (self.figures, self.scalars):
                if name in values:
                    return values[name]
        known = ", ".join([*self.figures, *self.scalars]) if not name.startswith("_") else ""
        raise AttributeError(f"no figure {name!r}; there is {known}")

    def to_dict(self) -> dict[str, Any]:
        """All of it as plain numbers, texts and dicts; what has no value is None, for JSON."""
        parts: dict[str, Any] = {
            "step": self.step,
            **{name: _plain(value) for name, value in self.scalars.items()},
            **{name: _plain(value) for name, value in self.figures.items()},
            "ideal": self.ideal,
            "samples": self.samples,
            "moved": self.moved,
        }
        for name in ("layers", "heads"):
            each = getattr(self, name)
            if each:
                parts[name] = {of: one._own() for of, one in each.items()}
        if self.test is not None:
            parts["test"] = self.test._own()
        return parts

    def flat(self) -> dict[str, Any]:
        """The same in one row: names of layers, heads and test samples come first, then a dot."""
        whole = self.to_dict()
        nested = {self.called()[of]: values for of, values in whole.pop("layers", {}).items()}
        nested |= whole.pop("heads", {})
        if "test" in whole:
            nested["test"] = whole.pop("test")
        for of, values in nested.items():
            whole |= {f"{of}.{name}": value for name, value in values.items()}
        return whole

    def called(self) -> dict[str, str]:
        """Of each layer the name that comes first in `flat`: its own, if no other part has it."""
        names: dict[str, str] = {}
        for of in self.layers:
            name = of
            while name in ("test", *self.heads, *names.values()):
                name = f"layers.{name}"
            names[of] = name
        return names

    def numbers(self) -> dict[str, float]:
        """Of `flat` what was measured or given and has a value: all that a log can take."""
        return {
            name: value
            for name, value in self.flat().items()
            if isinstance(value, int | float) and name not in ("step", "moved")
        }

    def _own(self) -> dict[str, float | None]:
        return {name: _plain(value) for name, value in self.figures.items()}


def _plain(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None
