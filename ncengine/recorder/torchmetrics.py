"""torchmetrics: collapse from batches, over any number of processes, as one of its metrics."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import torch
from torch import Tensor

from ncengine.metrics.accumulator import Accumulator, shapes
from ncengine.recorder.extras import extra

with extra("torchmetrics"):
    from torchmetrics import Metric


class Collapse(Metric):
    """The metrics of `ncengine.metrics.Accumulator`, by batches.

        collapse = Collapse(classes=10, width=512)
        collapse.update(features, labels)  # each batch
        collapse.compute(head.weight)["nc1"]

    Its sums are in float64 whatever becomes of the module that it is part of: `.to(torch.float16)`,
    or Lightning's `precision="16-true"`, where squares of small deviations would be 0. On Apple's
    GPUs, which have no float64, they stay on the processor.

    The sums of two processes are about different samples, and what is added up of them is what
    `Accumulator.merge` makes of both: plain sums of squares would lose all digits near collapse.
    """

    full_state_update = False
    is_differentiable = False
    higher_is_better = None
    sums: Tensor

    def __init__(self, classes: int, width: int, **options: Any):
        """Of no sample yet.

        Args:
            classes: K, at least 2.
            width: d, the numbers in a feature.
            options: of `torchmetrics.Metric`.

        Raises:
            ValueError: classes or width is not what it can be.
        """
        made = Accumulator(classes, width)
        # What is kept of an earlier call may be of another weight.
        super().__init__(**{"compute_with_cache": False, **options})
        self.classes, self.width = made.classes, made.width
        zeros = torch.zeros(_length(self.classes, self.width), dtype=torch.float64)
        joined = partial(_joined, self.classes, self.width)
        self.add_state("sums", zeros, dist_reduce_fx=joined)

    def update(self, features: Tensor, labels: Tensor) -> None:
        """Take in a batch: features (B, d) of any floating point type, labels (B,) 0 to K - 1.

        Raises:
            ValueError: shapes that do not fit, a label out of range, what is not finite; sums that
                a file brought in another type.
        """
        self._check()
        if self.sums.is_inference() and not torch.is_inference_mode_enabled():
            # They were put back to zero in inference mode, and could not be changed.
            self.sums = self.sums.clone()
        made = _over(self.classes, self.width, self.sums)
        made.update(features.detach(), labels)
        self.sums[-1] = made.rounding

    def compute(
        self, weight: Tensor | None = None, bias: Tensor | None = None
    ) -> dict[str, Tensor]:
        """The metrics by name, in float64.

        Args:
            weight: (K, d) the last layer. Without it, those of the features alone.
            bias: (K,) its bias, see `Accumulator.result`.

        Raises:
            ValueError: a class has no sample yet, weight or bias of another shape.
        """
        self._check()
        made = _over(self.classes, self.width, self.sums)
        found = made.result(None if weight is None else weight.detach().double(), bias)
        return {
            name: torch.tensor(value, dtype=torch.float64, device=self.sums.device)
            for name, value in found.items()
        }

    def set_dtype(self, dst_type: str | torch.dtype) -> Collapse:
        """Refused, but for float64."""
        if dst_type not in (torch.float64, "torch.float64", "torch.DoubleTensor"):
            raise ValueError(f"dst_type = {dst_type}: must be torch.float64, sums need its digits")
        return self

    def _apply(self, fn: Callable, exclude_state: Sequence[str] = "") -> Collapse:
        """Go where the module goes, and keep the type."""
        super()._apply(fn, exclude_state=("sums", *exclude_state))
        if self.device.type != "mps":
            self.sums = self.sums.to(self.device)
        return self

    def _check(self) -> None:
        length = _length(self.classes, self.width)
        if self.sums.dtype != torch.float64 or self.sums.shape != (length,):
            raise ValueError(
                f"sums: {tuple(self.sums.shape)} of {self.sums.dtype}, must be ({length},) of "
                f"torch.float64, of {self.classes} classes and width {self.width}"
            )


def _length(classes: int, width: int) -> int:
    """How many numbers `SUMS` are, and the rounding at last."""
    return sum(map(math.prod, shapes(classes, width).values())) + 1


def _over(classes: int, width: int, sums: Tensor) -> Accumulator:
    """Of what a metric holds, which it changes in place, but for the rounding."""
    wanted = shapes(classes, width)
    parts = torch.split(sums[:-1], [math.prod(shape) for shape in wanted.values()])
    views = {name: part.view(wanted[name]) for name, part in zip(wanted, parts, strict=True)}
    return Accumulator.over(views, float(sums[-1]))


def _joined(classes: int, width: int, each: Tensor) -> Tensor:
    """What several metrics hold (P, ...), put together."""
    whole = each[0].clone()
    made = _over(classes, width, whole)
    for sums in each[1:]:
        made.merge(_over(classes, width, sums))
    whole[-1] = made.rounding
    return whole
