"""IMDB: contexts of words, and whether the review that they end is a good one.

The vocabulary is the V - 1 most frequent words of all labelled training reviews, those equally
frequent by the alphabet. A word is its rank, 0 for the most frequent one; V - 1 stands for all
others. A sample is a review's last C words; shorter reviews are left out. Where the last C words
end reviews of both classes, no function of them could be right for all: these reviews are left
out too, since the theorems assume that the context determines the label. A review for testing is
also left out where its last C words end one for training.
"""

from __future__ import annotations

import numpy as np

from ncengine.datasets import files
from ncengine.datasets.data import TEST_PER_CLASS, Data, Split, drawn, shuffled
from ncengine.datasets.registry import dataset_info
from ncengine.datasets.reviews import Reviews, prepared_reviews
from ncengine.datasets.sources import source


def reviews() -> Reviews:
    """All labelled reviews; quick from the second time on. Raises as `files.require` does."""
    path = files.require("imdb")[0]
    folders = [files.folder("imdb"), files.user_cache() / "imdb"]
    return prepared_reviews(path, source("imdb").files[0].sha256, folders)


def select(pool: Reviews, n: int, seed: int, vocabulary: int, context: int) -> Data:
    """n training samples a class, those for testing, and what was found on the way.

    Raises ValueError where a class has fewer that are long enough and not contradictory.
    """
    long = pool.lengths >= context
    # Contexts as numbers, equal where the network sees the same; -1 for reviews too short.
    same = np.full(len(long), -1)
    same[long] = np.unique(
        _seen(pool, _contexts(pool, long, context), vocabulary), axis=0, return_inverse=True
    )[1].reshape(-1)
    train_left, contradictory = _decided(pool, same, long & ~pool.is_test)
    known = np.isin(same, same[long & ~pool.is_test])
    test_left, _ = _decided(pool, same, long & pool.is_test & ~known)
    facts = {
        "reviews": int(np.sum(~pool.is_test)),
        "too_short": int(np.sum(~long & ~pool.is_test)),
        "contradictory": contradictory,
        "left": int(np.sum(train_left)),
        "left_identical": _identical(same[train_left]),
    }
    _check_enough(pool, train_left, test_left, n, context, facts)
    train = drawn([np.flatnonzero(train_left & (pool.labels == k)) for k in (0, 1)], n, seed)
    facts["identical"] = _identical(same[train])
    test = _held_out(pool, test_left)
    splits, texts = [], []
    for chosen in (train, test):
        words = _contexts(pool, chosen, context)
        inputs = _seen(pool, words, vocabulary)
        splits.append(Split.of(inputs, classes=2))
        texts.append(_texts(pool, words, inputs == vocabulary - 1))
    return Data(*splits, texts=texts[0], test_texts=texts[1], facts=facts)


def _contexts(pool: Reviews, chosen: np.ndarray, context: int) -> np.ndarray:
    """(N, C) the last C words of the chosen reviews, by their place among all words."""
    return pool.ids[pool.ends[chosen][:, None] + np.arange(-context, 0)]


def _seen(pool: Reviews, words: np.ndarray, vocabulary: int) -> np.ndarray:
    """(N, C) int64, what the network sees of them."""
    known = min(vocabulary - 1, pool.training_words)
    return np.where(words < known, words, vocabulary - 1).astype(np.int64)


def _decided(pool: Reviews, same: np.ndarray, candidates: np.ndarray) -> tuple[np.ndarray, int]:
    """(R,) which candidates have a context of one class only, and how many have one of both."""
    negative = np.isin(same, same[candidates & (pool.labels == 0)])
    positive = np.isin(same, same[candidates & (pool.labels == 1)])
    both = negative & positive
    return candidates & ~both, int(np.sum(candidates & both))


def _identical(same: np.ndarray) -> int:
    """How many of the samples share their context with another one."""
    _, counts = np.unique(same, return_counts=True)
    return int(counts[counts > 1].sum())


def _held_out(pool: Reviews, left: np.ndarray) -> np.ndarray:
    """Of each class the first reviews left in an order that depends on nothing."""
    test_labels = np.where(pool.is_test, pool.labels, -1)
    orders = [shuffled(test_labels, k) for k in (0, 1)]
    return np.concatenate([order[left[order]][:TEST_PER_CLASS] for order in orders])


def _texts(pool: Reviews, words: np.ndarray, unknown: np.ndarray) -> tuple[str, ...]:
    return tuple(
        " ".join(
            f"[{pool.words[word]}]" if hidden else pool.words[word]
            for word, hidden in zip(row, hidden_row, strict=True)
        )
        for row, hidden_row in zip(words.tolist(), unknown.tolist(), strict=True)
    )


def _check_enough(
    pool: Reviews,
    train_left: np.ndarray,
    test_left: np.ndarray,
    n: int,
    context: int,
    facts: dict[str, int],
) -> None:
    names = dataset_info("imdb").class_names
    train = np.bincount(pool.labels[train_left], minlength=2)
    test = np.bincount(pool.labels[test_left], minlength=2)
    short, both = facts["too_short"], facts["contradictory"]
    why = (
        f"Of {facts['reviews']:,} training reviews {short:,} have fewer words than context = "
        f"{context}, and {both:,} end as one of the other class does; "
        f"a {'smaller' if short >= both else 'larger'} context leaves more."
    )
    if n > train.min():
        raise ValueError(
            f"samples_per_class = {n}: must be at most {train.min():,}, which is what the class "
            f"{names[train.argmin()]} has left. {why}"
        )
    if test.min() < TEST_PER_CLASS:
        raise ValueError(
            f"context = {context}: must be such that {TEST_PER_CLASS} test reviews of each class "
            f"are left, but {names[test.argmin()]} has {test.min():,}. {why}"
        )
