"""What an experiment sees of a data set: its samples, and what can be shown of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

# Of each class as many are tested as trained, but no fewer than this where there are as many: where
# few are trained, the test would take longer than the training.
LEAST_TESTED = 20
SPLIT_SEED = 530_682


@dataclass(frozen=True)
class Split:
    """Samples sorted by class, read-only.

    Attributes:
        inputs: (N, d_0) float32, standardised; of text (N, C) int64, words by rank: 0 is the most
            frequent one, V - 1 stands for all words outside the vocabulary.
        labels: (N,) int64, 0 to K - 1 in order; N/K of each.
    """

    inputs: np.ndarray
    labels: np.ndarray

    @classmethod
    def of(cls, inputs: np.ndarray, classes: int) -> Split:
        """Inputs in K blocks of as many samples, which become read-only."""
        labels = np.repeat(np.arange(classes, dtype=np.int64), len(inputs) // classes)
        return cls(read_only(inputs), read_only(labels))

    def __len__(self) -> int:
        return len(self.labels)


@dataclass(frozen=True)
class Data:
    """What an experiment sees of its data set.

    Attributes:
        train: K blocks of `samples_per_class` samples.
        test: samples held out, as many of each class.
        images, test_images: (N, h, w) or (N, h, w, 3) uint8, the samples as pictures, in the order
            of `train` and `test`; None where samples are not images.
        texts, test_texts: the samples as a reader sees them, one text a sample: its last C words,
            those outside the vocabulary in [brackets]; None where samples are not text.
        facts: what was found in making the samples, by name; empty but for text. There:
            "reviews", of training, in all; of these
            "too_short", shorter than C words, left out;
            "contradictory", whose last C words, as the network sees them, also end a review of
            the other class, left out;
            "left", from which samples are drawn;
            "left_identical", of these, those whose last C words another one ends with too;
            "identical", training samples drawn whose context another one drawn has too.
    """

    train: Split
    test: Split
    images: np.ndarray | None = None
    test_images: np.ndarray | None = None
    texts: tuple[str, ...] | None = None
    test_texts: tuple[str, ...] | None = None
    facts: Mapping[str, int] = field(default_factory=dict)

    @property
    def nbytes(self) -> int:
        """Bytes that samples, images and texts take, about."""
        arrays = (self.train.inputs, self.test.inputs, self.images, self.test_images)
        texts = (*(self.texts or ()), *(self.test_texts or ()))
        return sum(a.nbytes for a in arrays if a is not None) + sum(map(len, texts))

    def tested_on(self, each: int) -> Data:
        """The same with only the first so many of each class's test samples."""
        labels = self.test.labels
        counts = np.bincount(labels)
        if counts.max() <= each:
            return self
        kept = np.flatnonzero(np.arange(len(labels)) - (np.cumsum(counts) - counts)[labels] < each)
        return replace(
            self,
            test=Split.of(self.test.inputs[kept], len(counts)),
            test_images=None if self.test_images is None else read_only(self.test_images[kept]),
            test_texts=self.test_texts and tuple(self.test_texts[i] for i in kept),
        )


def drawn(pools: Sequence[np.ndarray], n: int, seed: int) -> np.ndarray:
    """(K n,) indices: of each class's pool the first n in an order that `seed` decides."""
    return np.concatenate(
        [
            np.random.default_rng([seed, k]).permutation(candidates)[:n]
            for k, candidates in enumerate(pools)
        ]
    )


def shuffled(labels: np.ndarray, k: int) -> np.ndarray:
    """Indices of class k in an order that depends on nothing that a user sets."""
    return np.random.default_rng([SPLIT_SEED, k]).permutation(np.flatnonzero(labels == k))


def first_of_each(orders: Sequence[np.ndarray]) -> list[np.ndarray]:
    """Of each class's samples the first, as many of each as the smallest class has."""
    each = min(map(len, orders))
    return [order[:each] for order in orders]


def read_only(array: np.ndarray) -> np.ndarray:
    """The array itself, which nobody may write to from now on."""
    array.setflags(write=False)
    return array
