"""Batches as they are trained with: what the head reads of them, and which classes they are of."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.overrides import TorchFunctionMode

from ncengine.metrics import Accumulator, ideal, of_moments
from ncengine.recorder import measuring
from ncengine.recorder.calls import Call, listening
from ncengine.recorder.heads import Head
from ncengine.recorder.outputs import logits_of
from ncengine.recorder.snapshot import Snapshot
from ncengine.recorder.written import Looked

WAY_OUT = "take snapshots of a probe, which run uncompiled, or use observe"


class Live:
    """What was watched since the last snapshot."""

    def __init__(self) -> None:
        self._sums: Accumulator | None = None
        self._weight: Tensor | None = None

    @property
    def seen(self) -> bool:
        """Whether there is anything."""
        return self._sums is not None

    @contextmanager
    def watching(self, model: nn.Module, head: Head, labels: Any) -> Iterator[None]:
        """Within, take in what the head reads; see `Recorder.watch`."""
        of_batch: list[tuple[Tensor, Tensor]] = []
        heard: list[Tensor] = []
        calls: list[Call] = []

        def through(_: nn.Module, __: Any, output: Any) -> None:
            logits = logits_of(output).detach()
            read = head.read(calls, logits)
            weight = head.matrices([call for _, call in read], logits)[-1][0]
            # Copies: what is read may be changed in place later.
            rows = torch.cat([one for one, _ in read], 1).clone()
            of_batch.append((rows, weight.detach().clone()))
            calls.clear()

        with ExitStack() as stack:
            stack.enter_context(listening(head.modules, lambda call: calls.append(_detached(call))))
            handle = model.register_forward_hook(through)
            stack.callback(handle.remove)
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
            self._take(rows, weight, numbers)

    def _take(self, rows: Tensor, weight: Tensor, labels: Tensor) -> None:
        if self._sums is None:
            self._sums = Accumulator(*weight.shape)
        self._sums.update(rows, labels.to(rows.device))
        self._weight = weight

    def taken(
        self, step: float, scalars: Mapping[str, float], counts: Any, factor: float
    ) -> tuple[Snapshot, Looked]:
        """What there is to say of it; begins anew."""
        assert self._sums is not None and self._weight is not None
        sums, weight = self._sums, self._weight
        known = sums.moments()
        counts = known.counts.cpu() if counts is None else counts
        found = Snapshot(
            step,
            measuring.floats(of_moments(known, weight.double(), counts, factor)),
            scalars,
            ideal=ideal(sums.classes, sums.width, counts, factor),
            samples=int(known.counts.sum()),
            moved=True,
        )
        self._sums = self._weight = None
        means = known.means.float().cpu().numpy()
        return found, Looked(means, weight.float().cpu().numpy(), None, None)


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
                self.heard.append(target.detach().clone())
        return func(*args, **named)


def _detached(call: Call) -> Call:
    return Call(call.name, call.module, call.given.detach(), call.gave.detach())
