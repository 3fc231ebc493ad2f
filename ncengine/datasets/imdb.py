"""IMDB: contexts of words, and whether the review that they end is a good one.

The vocabulary is the V - 1 most frequent words of all labelled training reviews, those equally
frequent by the alphabet. A word is its rank, 0 for the most frequent one; V - 1 stands for all
others. A sample is a review's last C words; shorter reviews are left out. Where training reviews
of both classes end alike, as the network sees them, no function of the context could be right for
all: these are left out too, since the theorems assume that the context determines the label. A
review for testing is left out where one for training ends with the same C words.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ncengine.catalogue.datasets import dataset_info
from ncengine.config.param import ConfigError, Problem
from ncengine.datasets.data import Data, Split, drawn, first_of_each, shuffled
from ncengine.datasets.dataset import Dataset
from ncengine.datasets.files import local
from ncengine.datasets.files.sources import source
from ncengine.datasets.readers.reviews import Reviews, prepared_reviews

INFO = dataset_info("imdb")


def _read(paths: Sequence[Path]) -> Reviews:
    """All labelled reviews; quick from the second time on."""
    # Where the archive lies may be someone else's folder; what is made of it goes to our own.
    return prepared_reviews(paths[0], source("imdb").files[0].sha256, local.prepared_folder())


def draw(pool: Reviews, _: int, n: int, seed: int, *, vocabulary: int, context: int) -> Data:
    """n training samples a class, those for testing, and what was found on the way.

    Raises ConfigError where a class has fewer that are long enough and not contradictory.
    """
    long = pool.lengths >= context
    train_long = np.flatnonzero(long & ~pool.is_test)
    # Contexts as numbers, equal where the network sees the same.
    same = np.full(len(long), -1)
    seen = _seen(pool, _contexts(pool, train_long, context), vocabulary)
    same[train_long] = np.unique(seen, axis=0, return_inverse=True)[1].reshape(-1)
    decided = _decided(same[train_long], pool.labels[train_long])
    left = train_long[decided]
    test_long = np.flatnonzero(long & pool.is_test)
    test_left = _unlike(pool, test_long, train_long, context)
    facts = {
        "reviews": int(np.sum(~pool.is_test)),
        "too_short": int(np.sum(~long & ~pool.is_test)),
        "contradictory": len(train_long) - len(left),
        "left": len(left),
        "left_identical": _identical(same[left]),
    }
    _check_enough(pool.labels[left], n, context, facts)
    _check_enough_tests(pool.labels[test_long], pool.labels[test_left], context)
    train = drawn([left[pool.labels[left] == k] for k in (0, 1)], n, seed)
    facts["identical"] = _identical(same[train])
    test = _held_out(pool, test_left)
    (split, texts), (test_split, test_texts) = (
        _samples(pool, _contexts(pool, chosen, context), vocabulary) for chosen in (train, test)
    )
    return Data(split, test_split, texts=texts, test_texts=test_texts, facts=facts)


def _samples(pool: Reviews, words: np.ndarray, vocabulary: int) -> tuple[Split, tuple[str, ...]]:
    """Contexts of words (N, C) as the network sees them, and as a reader does."""
    inputs = _seen(pool, words, vocabulary)
    return Split.of(inputs, classes=2), _texts(pool, words, inputs == vocabulary - 1)


def _contexts(pool: Reviews, chosen: np.ndarray, context: int) -> np.ndarray:
    """(N, C) the last C words of the chosen reviews, by their place among all words."""
    return pool.ids[pool.ends[chosen][:, None] + np.arange(-context, 0)]


def _seen(pool: Reviews, words: np.ndarray, vocabulary: int) -> np.ndarray:
    """(N, C) int64, what the network sees of them."""
    known = min(vocabulary - 1, pool.training_words)
    return np.where(words < known, words, vocabulary - 1).astype(np.int64)


def _decided(same: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """(N,) bool: whose context no sample of the other class has."""
    return ~np.where(
        labels == 0, np.isin(same, same[labels == 1]), np.isin(same, same[labels == 0])
    )


def _unlike(pool: Reviews, chosen: np.ndarray, others: np.ndarray, context: int) -> np.ndarray:
    """Those of the chosen reviews that do not end with the same C words as any of the others."""
    known = {row.tobytes() for row in _contexts(pool, others, context)}
    new = [row.tobytes() not in known for row in _contexts(pool, chosen, context)]
    return chosen[np.array(new, bool)]


def _identical(same: np.ndarray) -> int:
    """How many of the samples share their context with another one."""
    _, counts = np.unique(same, return_counts=True)
    return int(counts[counts > 1].sum())


def _held_out(pool: Reviews, left: np.ndarray) -> np.ndarray:
    """Of each class the first reviews left in an order that depends on nothing, as many of each."""
    test_labels = np.where(pool.is_test, pool.labels, -1)
    orders = [shuffled(test_labels, k) for k in (0, 1)]
    orders = [order[np.isin(order, left)] for order in orders]
    return np.concatenate(first_of_each([order[: INFO.held_out] for order in orders]))


def _texts(pool: Reviews, words: np.ndarray, unknown: np.ndarray) -> tuple[str, ...]:
    return tuple(
        " ".join(
            f"[{pool.words[word]}]" if hidden else pool.words[word]
            for word, hidden in zip(row, hidden_row, strict=True)
        )
        for row, hidden_row in zip(words.tolist(), unknown.tolist(), strict=True)
    )


def _check_enough(labels: np.ndarray, n: int, context: int, facts: dict[str, int]) -> None:
    counts = np.bincount(labels, minlength=2)
    if n <= counts.min():
        return
    short, both = facts["too_short"], facts["contradictory"]
    most = (
        f"must be at most {counts.min():,}, which is what the class "
        f"{INFO.class_names[counts.argmin()]} has left. Of {facts['reviews']:,} "
        f"training reviews {short:,} have fewer words than context = {context}, and {both:,} end "
        f"as one of the other class does; a {'smaller' if short >= both else 'larger'} context "
        "leaves more."
    )
    raise ConfigError([Problem("samples_per_class", n, most)])


def _check_enough_tests(long: np.ndarray, left: np.ndarray, context: int) -> None:
    """Of labels: those of test reviews of C words, and of these that end as none for training."""
    counts = np.bincount(left, minlength=2)
    if counts.min() > 0:
        return
    too_few_words = np.bincount(long, minlength=2).min() == 0
    enough = (
        "must leave a test review of each class, but "
        f"{INFO.class_names[counts.argmin()]} has none. "
        + (
            "All are shorter; a smaller context leaves more."
            if too_few_words
            else "All end as one for training does; a larger context leaves more."
        )
    )
    raise ConfigError([Problem("context", context, enough)])


DATASET = Dataset(draw, _read)
