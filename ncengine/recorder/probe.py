"""The samples that a network is looked at with: the same ones at every snapshot."""

from __future__ import annotations

import copy
import math
import random
from collections.abc import Generator, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, IterableDataset

from ncengine.metrics.imbalance import UNEQUAL, by_chance
from ncengine.recorder.arguments import LABELS, arguments, inputs_of

# They are kept in memory; not more than this.
MOST_BYTES = 2 * 2**30
BATCH = 128


@dataclass(frozen=True)
class Batch:
    """Samples as a model is given them: positional and named arguments, and classes (B,)."""

    inputs: tuple[Any, ...]
    named: Mapping[str, Any]
    labels: Tensor | None

    def call(self, model: Any) -> Any:
        """What the model gives for them."""
        given, named = arguments(model, self.inputs, self.named, self.labels)
        try:
            return model(*given, **named)
        except (TypeError, AttributeError) as error:
            if not self.named or named or not isinstance(given[-1], Mapping):
                raise
            failed = error
        # It takes no mapping: a loop that trains it takes the inputs out.
        return model(inputs_of(self.named, failed))

    def some(self, rows: Tensor) -> Batch:
        """Those at the given places."""
        size = size_of(self)

        def chosen(values: Any) -> Any:
            return _of_rows(values, rows, size)

        labels = None if self.labels is None else self.labels[rows]
        return Batch(chosen(self.inputs), chosen(dict(self.named)), labels)

    def to(self, device: torch.device, dtype: torch.dtype | None) -> Batch:
        """On the device; numbers that are not whole in the given type, if there is one."""

        def moved(values: Tensor) -> Tensor:
            return values.to(device, dtype if values.is_floating_point() else None)

        return Batch(_each(self.inputs, moved), _each(dict(self.named), moved), self.labels)


def batches(
    data: Any, seed: int, label: str = "probe", labelled: bool = True
) -> Generator[Batch, None, None]:
    """Batches of a loader, a data set, a list of batches, or a pair of arrays.

    A batch is (inputs, labels), or a mapping with "labels" among what the model takes by name.
    Which samples come is by the seed alone; whoever calls puts the random states back (see
    `untouched.same_randomness`). The processes of a loader that is trained with are left alone.

    Args:
        labelled: whether labels are needed. Without, batches may be inputs alone.

    Raises:
        ValueError: it is nothing of the kind, or a batch has no labels.
    """
    generators = _generators(data)
    states = [generator.get_state() for generator in generators]
    try:
        random.seed(seed)
        np.random.seed(seed % 2**32)
        torch.manual_seed(seed)
        for generator in generators:
            generator.manual_seed(seed)
        for given in _iterated(data, label, labelled):
            yield _batch(given, label, labelled)
    finally:
        for generator, state in zip(generators, states, strict=True):
            generator.set_state(state)


def _iterated(data: Any, label: str, labelled: bool) -> Iterable[Any]:
    if isinstance(data, DataLoader):
        again = copy.copy(data)
        again._iterator = None
        return again
    if isinstance(data, Dataset):
        return DataLoader(data, BATCH, shuffle=not isinstance(data, IterableDataset))
    if isinstance(data, tuple | list) and len(data) == 2 and _is_array(data[0]):
        pair = _pair(data[0], data[1], label, labelled)
        if pair is not None:
            inputs, labels = pair
            cuts = range(0, len(labels), BATCH)
            return ((inputs[n : n + BATCH], labels[n : n + BATCH]) for n in cuts)
    if _is_array(data):
        return (_tensor(data)[n : n + BATCH] for n in range(0, len(data), BATCH))
    if not isinstance(data, Iterable) or isinstance(data, str | bytes | Mapping):
        raise ValueError(
            f"{label}: {type(data).__name__}, must be a loader, a data set, a list of batches, or "
            "a pair of inputs and labels"
        )
    return data


def _pair(inputs: Any, labels: Any, label: str, labelled: bool) -> tuple[Tensor, Tensor] | None:
    """Inputs and labels of all samples; None where these are two batches.

    Raises:
        ValueError: labels are needed, and these are none.
    """
    if not labelled and not (_is_array(labels) and labels.ndim == 1):
        return None
    inputs, labels = _tensor(inputs), as_labels(labels, label)
    if not labelled and len(labels) != len(inputs):
        return None
    _check_labels(labels, len(inputs) if inputs.ndim else 0, label)
    return inputs, labels


def _generators(data: Any) -> list[torch.Generator]:
    """Random numbers of a loader's own, which drawing from it would move on."""
    samplers = [getattr(data, name, None) for name in ("sampler", "batch_sampler")]
    samplers.append(getattr(samplers[1], "sampler", None))
    found = [getattr(one, "generator", None) for one in (data, *samplers)]
    return list({id(one): one for one in found if isinstance(one, torch.Generator)}.values())


def _batch(given: Any, label: str, labelled: bool) -> Batch:
    if isinstance(given, Mapping):
        named = {name: _each(values, lambda t: t) for name, values in given.items()}
        name = next((name for name in LABELS if name in named), None)
        labels = named.pop(name) if name else None
        batch = Batch((), named, labels)
    elif isinstance(given, tuple | list) and len(given) >= 2:
        inputs = _each(given[0], lambda t: t)
        labels = _each(given[1], lambda t: t)
        if isinstance(inputs, Mapping):
            batch = Batch((), inputs, labels)
        else:
            several = isinstance(inputs, tuple | list)
            batch = Batch(tuple(inputs) if several else (inputs,), {}, labels)
    else:
        one = given[0] if isinstance(given, tuple | list) and given else given
        batch = Batch((_each(one, lambda t: t),), {}, None)
    if not labelled:
        return Batch(batch.inputs, batch.named, None)
    return Batch(batch.inputs, batch.named, _classes(batch, label))


def _classes(batch: Batch, label: str) -> Tensor:
    labels = batch.labels
    if labels is None:
        raise ValueError(
            f"{label}: a batch has no labels, must be (inputs, labels), or a mapping with 'labels'"
        )
    labels = as_labels(labels, label)
    _check_labels(labels, size_of(batch), label)
    return labels.cpu().long()


def as_labels(labels: Any, label: str) -> Tensor:
    """A tensor of them, (B,) where they are (B, 1). Raises ValueError where they are no numbers."""
    if not isinstance(labels, Tensor):
        try:
            labels = _tensor(labels) if _is_array(labels) else torch.as_tensor(labels)
        except (TypeError, ValueError, RuntimeError) as error:
            raise ValueError(
                f"{label}: labels are {_kind_of(labels)}, must be whole numbers 0 to K - 1"
            ) from error
    return labels[:, 0] if labels.ndim == 2 and labels.shape[1] == 1 else labels


def _kind_of(values: Any) -> str:
    """Of what type they are, or the first of them."""
    while isinstance(values, tuple | list) and values:
        values = values[0]
    return f"of type {getattr(values, 'dtype', type(values).__name__)}"


def _check_labels(labels: Tensor, samples: int, label: str) -> None:
    if labels.ndim == 0:
        raise ValueError(
            f"{label}: holds samples one by one, must be batches of them: a DataLoader, with the "
            "training's collate_fn where it has one"
        )
    whole = not labels.is_floating_point() and labels.dtype != torch.bool
    if labels.ndim != 1 or not whole or len(labels) != samples:
        raise ValueError(
            f"{label}: labels of shape {tuple(labels.shape)} and type {labels.dtype}, must be "
            f"({samples},), one whole number a sample"
        )


def chosen(
    found: Iterable[Batch], classes: int, per_class: int, label: str = "probe"
) -> tuple[list[Batch], np.ndarray]:
    """The first samples of each class, and the labels of all that were looked through.

    Looks no further when there are enough of each.

    Raises:
        ValueError: a label is out of range, a class has none, or they take more than `MOST_BYTES`.
    """
    kept, looked = list[Batch](), [np.zeros(0, np.int64)]
    seen, size = np.zeros(classes, np.int64), 0
    for batch in found:
        labels = batch.labels
        assert labels is not None
        _check_range(labels, classes, label)
        looked.append(labels.numpy())
        rows = []
        for row, number in enumerate(labels.tolist()):
            if seen[number] < per_class:
                rows.append(row)
            seen[number] += 1
        if rows:
            kept.append(batch.some(torch.tensor(rows)))
            size += _bytes(kept[-1])
        if size > MOST_BYTES:
            raise ValueError(
                f"{label}: {per_class} samples of each of {classes} classes take more than "
                f"{MOST_BYTES / 2**30:g} GB, which is kept in memory: choose a smaller per_class"
            )
        if (seen >= per_class).all():
            break
    lacking = np.flatnonzero(seen == 0)
    if len(lacking):
        raise ValueError(
            f"{label}: class {lacking[0]} has no sample, every one of {classes} classes needs one"
        )
    return kept, np.concatenate(looked)


def sizes(looked: np.ndarray, classes: int, whole: bool) -> tuple[np.ndarray, float]:
    """Of the classes (K,), and from which ratio on they count as unequal: see `metrics.ideal`.

    Args:
        looked: labels of what was looked through, in order.
        whole: whether that was all.
    """
    counts = np.bincount(looked, minlength=classes)
    if whole:
        return counts, UNEQUAL
    if _in_order(looked, classes):
        # Whoever comes last was cut short, and all others were not.
        return np.ones(classes), UNEQUAL
    return counts, by_chance(counts)


def _in_order(labels: np.ndarray, classes: int) -> bool:
    """Whether classes come one after another, and not mixed: one half has others than the other.

    Of two halves of random order, the sum of (a - b)²/(a + b) is some K - 1, with a deviation of
    its square root of two.
    """
    half = len(labels) // 2
    first, second = (np.bincount(some, minlength=classes) for some in np.split(labels, [half]))
    far = float(((first - second) ** 2 / np.maximum(first + second, 1)).sum())
    return far > classes + 6 * math.sqrt(2 * classes)


def first_of(found: Iterable[Batch], most: int) -> list[Batch]:
    """The first samples of all batches, at most so many."""
    kept: list[Batch] = []
    for batch in found:
        kept.append(first_rows(batch, most))
        most -= size_of(kept[-1])
        if most <= 0:
            break
    if not kept:
        raise ValueError("ood: there is no batch")
    return kept


def first_rows(batch: Batch, most: int) -> Batch:
    """The same with its first samples alone."""
    return batch.some(torch.arange(min(most, size_of(batch))))


def _check_range(labels: Tensor, classes: int, label: str) -> None:
    if len(labels) and not 0 <= int(labels.min()) <= int(labels.max()) < classes:
        raise ValueError(
            f"{label}: labels from {int(labels.min())} to {int(labels.max())}, must be from 0 to "
            f"{classes - 1}, one for each of the model's {classes} logits"
        )


def size_of(batch: Batch) -> int:
    """How many samples: the length of the first tensor."""
    sizes: list[int] = []
    _each((batch.inputs, dict(batch.named)), lambda t: sizes.append(len(t)) if t.ndim else None)
    if not sizes:
        raise ValueError("probe: a batch holds no tensor")
    return sizes[0]


def _bytes(batch: Batch) -> int:
    total: list[int] = []
    _each((batch.inputs, dict(batch.named)), lambda t: total.append(t.numel() * t.element_size()))
    return sum(total)


def _of_rows(values: Any, rows: Tensor, size: int) -> Any:
    def chosen_of(one: Tensor) -> Tensor:
        if not one.ndim or len(one) != size:
            return one
        one = one.to_sparse_coo() if one.layout is torch.sparse_csr else one
        # By this and not by brackets, which sparse ones know nothing of.
        return one.index_select(0, rows.to(one.device)).cpu()

    return _each(values, chosen_of)


def _each(values: Any, change: Any) -> Any:
    """The same nest of mappings and lists, with each tensor or array changed, as a tensor."""
    if isinstance(values, Tensor | np.ndarray):
        return change(_tensor(values)) if _is_array(values) else values
    if isinstance(values, Mapping):
        return {name: _each(one, change) for name, one in values.items()}
    if isinstance(values, tuple | list):
        return tuple(_each(one, change) for one in values)
    return values


def _is_array(values: Any) -> bool:
    if isinstance(values, np.ndarray):
        return values.dtype.kind in "biuf"
    return isinstance(values, Tensor)


def _tensor(values: Any) -> Tensor:
    if isinstance(values, Tensor):
        return values
    # A copy, since what is given may be locked against writing, which torch warns of; in this
    # machine's order of bytes, which is the only one that torch knows.
    return torch.from_numpy(np.array(values, values.dtype.newbyteorder("=")))
