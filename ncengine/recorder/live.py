"""Batches as they are trained with: what the head reads of them, and which classes they are of."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.overrides import TorchFunctionMode

from ncengine.metrics import Accumulator, ideal, of_moments
from ncengine.recorder import measuring
from ncengine.recorder.calls import Call, listening
from ncengine.recorder.heads import Head, HeadNotFound
from ncengine.recorder.outputs import first_tensor, logits_of
from ncengine.recorder.snapshot import Snapshot
from ncengine.recorder.untouched import untouched
from ncengine.recorder.written import Looked

WAY_OUT = "take snapshots of a probe, which run uncompiled, or use observe"


# What torch's losses call samples of no class, unless they are told otherwise.
_IGNORED = -100


class Live:
    """What was watched since the last snapshot."""

    def __init__(self) -> None:
        self._sums: Accumulator | None = None
        self._weight: Tensor | None = None
        self._watching = self._paused = False
        self._lost = False  # whether a feature was not finite

    @property
    def seen(self) -> bool:
        """Whether there is anything."""
        return self._sums is not None

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Within, what the model does is not watched: a snapshot may be taken within a watch."""
        self._paused = True
        try:
            yield
        finally:
            self._paused = False

    @contextmanager
    def watching(self, model: nn.Module, head: Head, labels: Any) -> Iterator[None]:
        """Within, take in what the head reads; see `Recorder.watch`."""
        if self._watching:
            raise RuntimeError("watch: is within another watch of the same recorder already")
        of_batch: list[tuple[Tensor, Tensor]] = []
        heard: list[Tensor] = []
        calls: list[Call] = []

        def through(_: nn.Module, __: Any, output: Any) -> None:
            if self._paused:
                calls.clear()
                return
            logits = logits_of(output, head.place).detach()
            read = head.read(calls, logits)
            weight = _weight(head, [call for _, call in read], logits)
            rows = torch.cat([one for one, _ in read], 1)
            of_batch.append((rows, weight.detach().clone()))
            calls.clear()

        with ExitStack() as stack:
            stack.enter_context(listening(head.modules, lambda call: calls.append(call.kept())))
            handle = model.register_forward_hook(through)
            stack.callback(handle.remove)
            self._watching = True
            stack.callback(setattr, self, "_watching", False)
            if labels is None:
                stack.enter_context(_Losses(heard))
            yield
        if not of_batch:
            raise RuntimeError(
                "watch: the model was not called within; or it was compiled, and runs without "
                f"hooks: {WAY_OUT}"
            )
        given = heard if labels is None else [measuring.tensor(labels, "labels")]
        if len(given) != len(of_batch):
            raise RuntimeError(
                f"watch: the model was called {len(of_batch)} times, and labels were seen of "
                f"{len(given)} batches; give them: watch(labels)"
            )
        for (rows, weight), numbers in zip(of_batch, given, strict=True):
            if labels is None:
                counted = (numbers != _IGNORED).to(rows.device)
                rows, numbers = rows[counted], numbers[counted.to(numbers.device)]
            self._take(rows, weight, numbers)

    def _take(self, rows: Tensor, weight: Tensor, labels: Tensor) -> None:
        if self._sums is None:
            self._sums = Accumulator(*weight.shape)
        finite = torch.isfinite(rows).all(1, keepdim=True)
        # A training that diverges goes on, and its figures are NaN.
        self._lost |= not bool(finite.all())
        self._sums.update(rows.where(finite, 0.0), labels.to(rows.device))
        self._weight = weight

    def taken(
        self, step: float, scalars: Mapping[str, float], counts: Any, factor: float
    ) -> tuple[Snapshot, Looked]:
        """What there is to say of it; begins anew."""
        assert self._sums is not None and self._weight is not None
        sums, weight = self._sums, self._weight
        known = sums.moments()
        counts = known.counts.cpu() if counts is None else counts
        figures = measuring.floats(of_moments(known, weight.double(), counts, factor))
        means = known.means.float().cpu().numpy()
        if self._lost:
            figures, means = dict.fromkeys(figures, math.nan), np.full_like(means, np.nan)
        found = Snapshot(
            step,
            figures,
            scalars,
            ideal=ideal(sums.classes, sums.width, counts, factor),
            samples=int(known.counts.sum()),
            moved=True,
        )
        self._sums, self._weight, self._lost = None, None, False
        return found, Looked(means, weight.float().cpu().numpy(), None, None)


def _weight(head: Head, calls: list[Call], logits: Tensor) -> Tensor:
    """(K, d) of all layers side by side, as these are in evaluation.

    In training a layer may do more than multiply, such as drop inputs of an adapter, and to ask it
    for its matrix may move it on, as spectral norm does with each look at its weight.
    """
    modules = nn.ModuleList(call.module for call in calls if call.module is not None)
    with untouched(modules):
        try:
            return head.matrices(calls, logits)[-1][0]
        except HeadNotFound:
            return head.matrices([_again(call) for call in calls], logits)[-1][0]


def _again(call: Call) -> Call:
    if call.module is None:
        return call
    # Not by calling it, which others' hooks may listen to.
    gave = first_tensor(call.module.forward(call.given))
    assert gave is not None
    return replace(call, gave=gave)


class _Losses(TorchFunctionMode):
    """Hears which classes a loss function is given, and changes nothing."""

    def __init__(self, heard: list[Tensor]):
        super().__init__()
        self.heard = heard

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        named = kwargs or {}
        if func in (F.cross_entropy, F.nll_loss):
            target = args[1] if len(args) > 1 else named.get("target")
            if isinstance(target, Tensor) and target.ndim == 1:
                # In any form the fifth argument, if it is one by place.
                ignored = args[4] if len(args) > 4 else named.get("ignore_index", _IGNORED)
                self.heard.append(target.detach().masked_fill(target == ignored, _IGNORED))
        return func(*args, **named)
