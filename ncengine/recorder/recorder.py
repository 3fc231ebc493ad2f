"""Recording the collapse of a network that someone else trains: two lines in any training loop."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from ncengine.arguments import whole
from ncengine.metrics.class_moments import moments
from ncengine.metrics.imbalance import UNEQUAL
from ncengine.metrics.together import ideal
from ncengine.recorder import checked, floor, heads, live, measuring, written
from ncengine.recorder.heads import Head
from ncengine.recorder.looking import HeadFunction, Seen, is_part, look, placed
from ncengine.recorder.outputs import Pool, check_pool
from ncengine.recorder.probe import Batch, batches, chosen, first_of, first_rows, sizes
from ncengine.recorder.said import said
from ncengine.recorder.snapshot import Snapshot
from ncengine.recorder.untouched import compiled_part, untouched, unwrapped

# So many samples are enough to find the head by.
LOOKED_AT = 16
# Of a torch generator.
LARGEST_SEED = 2**63 - 1
# From how much on, of the logits' size, they are something else than what the head gives.
OFF = 1e-3
logger = logging.getLogger(__name__)


class Recorder:
    """Measures the neural collapse of a network while it is trained, and leaves no trace in it.

        rec = ncengine.Recorder(model, probe=loader)
        for epoch in range(epochs):
            train(...)
            print(rec.snapshot(epoch, loss=loss).nc1)

    Attributes:
        head: the linear layer that gives the logits, or the layers of which they are a mean.
        snapshots: what was recorded, oldest first.
        floor: the least that loss and last-layer decay can be, as far as the theorem speaks of
            the network at the last snapshot; None where it does not.
        without_floor: what stands against it then, as a sentence.
    """

    def __init__(
        self,
        model: nn.Module | None = None,
        *,
        probe: Any = None,
        head: str | nn.Module | HeadFunction | None = None,
        layers: Sequence[str] = (),
        test: Any = None,
        ood: Any = None,
        pool: Pool = "mean",
        per_class: int = 200,
        counts: Sequence[int] | None = None,
        name: str | None = None,
        seed: int = 0,
        cache: str | os.PathLike[str] | None = None,
        weight_decay: float | None = None,
        loss: str = "CE",
        class_names: Sequence[str] | None = None,
    ):
        """Find the head, and read the samples that the network is looked at with.

        Args:
            model: compiled, distributed or plain. None where all is given to `observe`.
            probe: training samples: a loader, a data set, a list of batches (inputs, labels), or
                inputs and labels. Read once, and kept.
            head: where it cannot be found: a module's name, the module, or a function of the
                model and its inputs that gives features (B, d), weight (K, d) and bias.
            layers: names of further modules whose outputs are measured.
            test, ood: test samples; samples of no class, with or without labels.
            pool: how maps and sequences of `layers` become vectors: "mean", "max", "first", "last",
                "flatten", or a function.
            per_class: how many samples of each class are kept, of training and of test.
            counts: (K,) all training samples of each class, to tell which figure to expect. Else
                what was looked through of the probe, of which chance is allowed for; where classes
                come one after another, they are taken for equal.
            name: under which it is kept in the cache, snapshot by snapshot; without, it is in
                memory alone.
            seed: which samples a shuffled loader gives.
            cache: the folder of the cache, if it is not the one that `ncengine where` tells.
            weight_decay: lambda of the last layer, for its floor and the gap to it: see `floor`.
            loss: what is trained with, "CE" or "MSE", without what is added to it.
            class_names: K texts, for readers.

        Raises:
            HeadNotFound: no linear layer gives the logits; says which candidates there are.
            ValueError: an argument is not what it can be; says which, and why.
        """
        check_pool(pool)
        if name is not None and not (isinstance(name, str) and name.strip()):
            raise ValueError(f"name = {name!r}: must be a text that is not empty, or None")
        if cache is not None and not isinstance(cache, str | os.PathLike):
            raise ValueError(f"cache = {cache!r}: must be the path of a folder")
        if cache is not None and name is None:
            raise ValueError(f"cache = {str(cache)!r}: what is kept there needs a name")
        self._said, self._judged = said(weight_decay, loss, class_names), floor.Judged()
        self.name, self.snapshots = name, list[Snapshot]()
        self._kept = None if name is None else written.Kept(name, cache, self._said)
        self.head: Head | HeadFunction | None = None
        self._model = None if model is None else unwrapped(model)
        self._compiled = None if model is None else compiled_part(model)
        self._pool, self._seed = pool, whole("seed", seed, -LARGEST_SEED, LARGEST_SEED)
        self._per_class = whole("per_class", per_class, 1)
        self._counts = None if counts is None else checked.counts(counts)
        self._factor, self._geometry = UNEQUAL, written.Geometry()
        self._probe: list[Batch] = []
        self._test: list[Batch] = []
        self._ood: list[Batch] = []
        self._asked, self._live, self._closed = head, live.Live(), False
        self._warned = False
        if self._model is None:
            given = {
                "probe": probe,
                "head": head,
                "test": test,
                "ood": ood,
                "layers": layers or None,
            }
            idle = [of for of, values in given.items() if values is not None]
            if idle:
                raise ValueError(f"model = None: {', '.join(idle)} cannot be used without a model")
            return
        self._layers = _modules(self._model, layers)
        if probe is not None:
            with untouched(self._model):
                self._read(self._model, probe, test, ood)
        elif test is not None or ood is not None:
            raise ValueError("probe = None: test and ood are looked at beside a probe")

    @property
    def floor(self) -> float | None:
        """See above; there is none before the first snapshot."""
        return self._judged.floor

    @property
    def without_floor(self) -> str:
        """Empty where there is a floor."""
        return self._judged.why

    def __enter__(self) -> Recorder:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def snapshot(self, step: float, **scalars: Any) -> Snapshot:
        """Measure the network as it is now; or what was watched since the last snapshot.

        Args:
            step: such as the epoch.
            scalars: numbers to keep with it, such as the loss.

        Raises:
            HeadNotFound: the head was not called, or does something else than before.
            ValueError: there is nothing to look at; a scalar is no number.
            RuntimeError: the recorder is closed.
        """
        self._check_open()
        kept = checked.scalars(scalars)
        if self._live.seen:
            at = checked.step(step)
            found, geometry = self._live.taken(at, kept, self._counts, self._factor)
            return self._keep(found, geometry, floor.MOVED)
        if self._model is None or not self._probe:
            raise ValueError("snapshot: there is no probe; give one, or use watch or observe")
        with self._live.paused(), untouched(self._model):
            return self._look(self._model, checked.step(step), kept)

    @contextmanager
    def watch(self, labels: Any = None) -> Iterator[None]:
        """Within, take in the batches that the model is trained with; `snapshot` measures them.

        Samples of an epoch are then seen by different weights, and the snapshot says so.

        Args:
            labels: (B,) classes of the batch. Without, those that the loss function is given:
                `torch.nn.functional.cross_entropy` or `nll_loss`, and the modules that use them.

        Raises:
            RuntimeError: the model is compiled, or was not called within; or nothing said what
                the labels are; or it is within another watch.
            ValueError: there is no head to listen to.
        """
        self._check_open()
        if self._model is None:
            raise ValueError("watch: there is no model")
        compiled = self._compiled or compiled_part(self._model)
        if compiled:
            raise RuntimeError(
                f"watch: {compiled} is compiled, and runs without hooks: {live.WAY_OUT}"
            )
        if not isinstance(self.head, Head) or self.head.of_function:
            raise ValueError(
                "watch: there must be a probe to find the head by, and the head be a module's"
            )
        if self._is_replaced(self._model):  # of every batch, which is not to cost anything
            with untouched(self._model):
                self._renew(self._model)
        with self._live.watching(self._model, self.head, labels):
            yield

    def observe(
        self,
        features: Any,
        labels: Any,
        weight: Any = None,
        bias: Any = None,
        *,
        step: float | None = None,
        **scalars: Any,
    ) -> Snapshot:
        """Measure features that you have: of compiled models, of JAX, of files. Needs no hook.

        Args:
            features: (N, d) what the last layer reads.
            labels: (N,) whole numbers 0 to K - 1.
            weight: (K, d) the last layer. Without it, K is as many classes as there are labels.
            bias: (K,) its bias.
            step: without, one more than the last one.
            scalars: numbers to keep with it.

        Raises:
            ValueError: shapes that do not fit, a label out of range, a class without samples.
        """
        self._check_open()
        if step is None:
            step = self.snapshots[-1].step + 1 if self.snapshots else 0
        rows, numbers = measuring.tensor(features, "features"), measuring.tensor(labels, "labels")
        kept, at = checked.scalars(scalars), checked.step(step)
        if weight is None:
            if rows.ndim != 2:
                raise ValueError(f"features: shape {tuple(rows.shape)}, must be (N, d)")
            classes = measuring.numbered(numbers)
            self._said.check_classes(classes)
            figures = measuring.of_layer(rows, numbers, classes)
            figure = ideal(classes, rows.shape[1])
            found = Snapshot(at, figures, kept, ideal=figure, samples=len(rows))
            return self._keep(found, written.of_features(rows, numbers, classes), floor.NO_LAYER)
        matrix = measuring.tensor(weight, "weight")
        added = None if bias is None else measuring.tensor(bias, "bias")
        if rows.ndim != 2 or matrix.ndim != 2:
            raise ValueError(
                f"features and weight: shapes {tuple(rows.shape)} and {tuple(matrix.shape)}, must "
                "be (N, d) and (K, d)"
            )
        self._said.check_classes(len(matrix))
        seen = Seen([rows], [(matrix, added)], {}, numbers)
        found = measuring.measured(seen, at, kept, ("",), self._counts, UNEQUAL)
        return self._keep(found, written.of(seen), seen)

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write all snapshots: `.json`, `.csv`, or `.npz` with class means and weights.

        Raises:
            ValueError: another ending, or nothing was recorded.
            OSError: it cannot be written.
        """
        return written.save(self.snapshots, self._geometry, self.name, Path(path))

    def close(self) -> None:
        """Let go of model and samples; what was recorded stays."""
        if self._kept is not None and not self._closed:
            self._kept.end()
        self._closed, self._model = True, None
        self._probe, self._test, self._ood = [], [], []

    def _check_open(self) -> None:
        if self._closed:
            raise RuntimeError("the recorder is closed")

    def _read(self, model: nn.Module, probe: Any, test: Any, ood: Any) -> None:
        with closing(batches(probe, self._seed)) as found:
            first = next(found, None)
            if first is None:
                raise ValueError("probe: there is no batch")
            classes = self._find(model, first)
            self._said.check_classes(classes)
            rest = (batch for some in ((first,), found) for batch in some)
            self._probe, looked = chosen(rest, classes, self._per_class)
            whole = next(found, None) is None
        if self._counts is None:
            self._counts, self._factor = sizes(looked, classes, whole)
        if len(self._counts) != classes:
            raise ValueError(
                f"counts: {len(self._counts)}, must be one for each of {classes} classes"
            )
        if test is not None:
            with closing(batches(test, self._seed, "test")) as found:
                self._test, _ = chosen(found, classes, self._per_class, "test")
        if ood is not None:
            most = classes * self._per_class
            with closing(batches(ood, self._seed, "ood", labelled=False)) as found:
                self._ood = first_of(found, most)

    def _find(self, model: nn.Module, batch: Batch) -> int:
        """Find the head, and how many classes there are."""
        some = first_rows(batch, LOOKED_AT).to(*placed(model))
        asked = self._asked
        if asked is None:
            self.head = heads.find(model, some, batch.labels)
        elif isinstance(asked, str | nn.Module):
            self.head = heads.named(model, some, asked)
        elif callable(asked):
            self.head = asked
            _, (weight, _) = _first(look(model, [some], asked, {}, self._pool))
            return len(weight)
        else:
            raise ValueError(
                f"head = {asked!r}: must be a module's name, a module, a function, or None"
            )
        return self.head.classes

    def _is_replaced(self, model: nn.Module) -> bool:
        return isinstance(self.head, Head) and not is_part(self.head, model)

    def _renew(self, model: nn.Module) -> None:
        """Find the head anew where another one took its place in the model."""
        if self._is_replaced(model):
            self._find(model, self._probe[0])
        known = len(self._counts)  # type: ignore[arg-type]
        if isinstance(self.head, Head) and self.head.classes != known:
            raise ValueError(
                f"head {self.head}: must be of {known} classes, as the probe is: begin another "
                "recorder where there are others"
            )

    def _look(self, model: nn.Module, step: float, scalars: Mapping[str, float]) -> Snapshot:
        self._renew(model)
        assert self.head is not None and self._counts is not None
        layers = _modules(model, tuple(self._layers))  # by now others may be called so
        seen = look(model, self._probe, self.head, layers, self._pool)
        self._warn_of(seen.off)
        names = tuple(p.name for p in self.head.parts) if isinstance(self.head, Head) else ("",)
        found = measuring.measured(seen, step, scalars, names, self._counts, self._factor)
        weight, bias = seen.matrices[-1]
        if self._test or self._ood:
            assert seen.labels is not None
            means = moments(seen.joined, seen.labels, len(weight)).means
        if self._test:
            tested = look(model, self._test, self.head, {}, self._pool)
            figures = measuring.of_test(tested, means, weight, bias)
            found = replace(found, test=Snapshot(step, figures))
        if self._ood:
            foreign = look(model, self._ood, self.head, {}, self._pool).joined
            more = measuring.of_foreign(seen.joined, means, foreign)
            found = replace(found, figures={**found.figures, **more})
        # They are the same samples at every snapshot, and look the same.
        pictured = [] if self.snapshots or self._kept is None else self._probe
        return self._keep(found, written.of(seen, pictured), seen)

    def _warn_of(self, off: float) -> None:
        """Say once that the logits are something else by now than what the head gives."""
        if off > OFF and not self._warned:
            self._warned = True
            logger.warning(
                "head %s: the logits are not that any more, they differ by up to %.2g of their "
                "size; figures are of what the layer gives",
                self.head,
                off,
            )

    def _keep(self, found: Snapshot, geometry: written.Looked | None, seen: Seen | str) -> Snapshot:
        """Keep it, with the gap to the floor; `seen` of it, or why there can be no floor."""
        if isinstance(seen, Seen):
            self._judged = floor.judged(seen, self._said, found.ideal, self.head)
        elif self._said.weight_decay is not None:
            self._judged = floor.Judged(why=seen)
        found = replace(found, figures={**found.figures, **self._judged.figures})
        twice = set(found.scalars) & set(replace(found, scalars={}).flat())
        if twice:
            raise ValueError(f"{sorted(twice)[0]}: is measured, must be another name")
        self.snapshots.append(found)
        self._geometry.add(geometry)
        if self._kept is not None:
            head = str(self.head) if isinstance(self.head, Head) else ""
            self._kept.add(found, self._geometry.looks[-1], head, self._judged)
        return found


def _first(seen: Seen) -> tuple[Tensor, tuple[Tensor, Tensor | None]]:
    return seen.features[0], seen.matrices[0]


def _modules(model: nn.Module, names: Sequence[str]) -> dict[str, nn.Module]:
    if isinstance(names, str) or not isinstance(names, Iterable):
        raise ValueError(f"layers = {names!r}: must be a list of names")
    known = dict(model.named_modules())
    for name in names:
        if name not in known or not name:
            some = ", ".join([one for one in known if one][:8])
            raise ValueError(f"layers: there is no module {name!r}; there is {some} …")
    return {name: known[name] for name in names}
