"""IMDB's labelled reviews as words, read from the archive once and kept prepared."""

from __future__ import annotations

import os
import re
import tempfile
import zipfile
import zlib
from array import array
from collections import defaultdict
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ncengine.catalogue.datasets import IMDB
from ncengine.datasets.errors import DatasetDamaged
from ncengine.datasets.files.archive import files_in, members_of, only_folder
from ncengine.datasets.files.local import share

# Raise it whenever the same archive would give other words or another order.
VERSION = 2

_MOST_BYTES = 2**20  # many times the longest published review

_TAG = re.compile(r"<br\s*/?>")
_WORD = re.compile(r"[^\W_]+(?:'[^\W_]+)*")

# Of reviews by part, class and name of the file: their words, by number.
_Tokens = dict[tuple[str, str, str], array]


@dataclass(frozen=True)
class Reviews:
    """All labelled reviews, word for word.

    Attributes:
        words: every word; first those of the training part, the most frequent one first and
            those equally frequent by the alphabet, then those that only the test part has.
        training_words: how many words the training part has.
        ids: (T,) int32, all reviews one after the other, each word as its place in `words`.
        ends: (R,) int64, where in `ids` each review ends; the first begins at 0.
        labels: (R,) int64, 0 negative, 1 positive.
        is_test: (R,) bool.
    """

    words: list[str]
    training_words: int
    ids: np.ndarray
    ends: np.ndarray
    labels: np.ndarray
    is_test: np.ndarray

    @property
    def lengths(self) -> np.ndarray:
        """(R,) words of each review."""
        return np.diff(self.ends, prepend=0)


def words_of(text: str) -> list[str]:
    """The words in lower case: letters and digits, with apostrophes within; no tags of lines."""
    return _WORD.findall(_TAG.sub(" ", text.lower().replace("’", "'")))


def read_reviews(path: Path) -> Reviews:
    """The labelled reviews of an archive or unpacked folder; sorted by part, class and name.

    They lie in the folder that they have as published, or in the only one that has any, see
    `only_folder`.

    Raises:
        DatasetDamaged: the archive is not readable, or a part has no reviews of a class.
    """
    numbers: defaultdict[str, int] = defaultdict(int)
    numbers.default_factory = numbers.__len__
    by_folder: defaultdict[str, _Tokens] = defaultdict(dict)
    members = members_of(path, IMDB.members)
    for name, content in files_in(path, lambda name: bool(members.fullmatch(name)), _MOST_BYTES):
        match = members.fullmatch(name)
        assert match is not None
        words = words_of(content.decode("utf-8", "replace"))
        key = match["part"], match["sentiment"], name.rpartition("/")[2]
        by_folder[match["folder"] or ""][key] = array("i", map(numbers.__getitem__, words))
    return _ranked(
        path, list(numbers), by_folder[only_folder(path, by_folder, IMDB.folder, "reviews")]
    )


def _ranked(path: Path, words: list[str], tokens: _Tokens) -> Reviews:
    """Puts reviews in order, and words' ranks in place of the numbers they were met with."""
    order = sorted(tokens)
    for part in ("train", "test"):
        for sentiment in ("neg", "pos"):
            if not any(name[:2] == (part, sentiment) for name in order):
                raise DatasetDamaged(f"{path} has no reviews in {part}/{sentiment}")
    ends = np.cumsum([len(tokens[name]) for name in order])
    is_test = np.array([name[0] == "test" for name in order])
    ids = np.concatenate([np.frombuffer(tokens[name], np.intc) for name in order])
    # Sorted names put the test part first, so the rest is for training.
    first = ends[is_test][-1]
    counts = np.bincount(ids[first:], minlength=len(words))
    ranked = sorted(range(len(words)), key=lambda number: (-counts[number], words[number]))
    rank = np.empty(len(words), np.int32)
    rank[ranked] = np.arange(len(words), dtype=np.int32)
    return Reviews(
        words=[words[number] for number in ranked],
        training_words=int(np.count_nonzero(counts)),
        ids=rank[ids],
        ends=ends.astype(np.int64),
        labels=np.array([name[1] == "pos" for name in order], np.int64),
        is_test=is_test,
    )


def prepared_reviews(path: Path, sha256: str, folder: Path) -> Reviews:
    """`read_reviews(path)`, or what an earlier call has left of it.

    Args:
        path: the archive.
        sha256: its hash, which names what is left.
        folder: where that lies. A damaged one is made anew; where nothing can be written all works,
            but slowly.
    """
    kept = folder / f"imdb-words-{sha256[:16]}-v{VERSION}.npz"
    reviews = _restore(kept, sha256)
    if reviews is None:
        reviews = read_reviews(path)
        with suppress(OSError):
            _keep(kept, sha256, reviews)
    return reviews


def _keep(path: Path, sha256: str, reviews: Reviews) -> None:
    """Writes the file whole or not at all. Raises OSError."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, suffix=".part")
    try:
        with os.fdopen(handle, "wb") as stream:
            np.savez(
                stream,
                sha256=np.array(sha256),
                # One text rather than an array of texts, each as wide as the longest word.
                words=np.frombuffer("\n".join(reviews.words).encode(), np.uint8),
                training_words=np.array(reviews.training_words),
                ids=reviews.ids,
                ends=reviews.ends,
                labels=reviews.labels,
                is_test=reviews.is_test,
            )
        os.replace(temporary, path)
        share(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def _restore(path: Path, sha256: str) -> Reviews | None:
    """What `_keep` has written; None where it is not there, or not whole."""
    try:
        with np.load(path, allow_pickle=False) as kept:
            if str(kept["sha256"]) != sha256:
                return None
            reviews = Reviews(
                words=kept["words"].tobytes().decode().split("\n"),
                training_words=int(kept["training_words"]),
                ids=kept["ids"],
                ends=kept["ends"],
                labels=kept["labels"],
                is_test=kept["is_test"],
            )
    except (OSError, EOFError, ValueError, KeyError, zipfile.BadZipFile, zlib.error):
        return None
    return reviews if _sound(reviews) else None


def _sound(reviews: Reviews) -> bool:
    count = len(reviews.ends)
    return (
        reviews.ids.ndim == 1
        and len(reviews.labels) == len(reviews.is_test) == count > 0
        and bool(np.all(reviews.lengths >= 0))
        and reviews.ends[-1] == len(reviews.ids) > 0
        and 0 <= reviews.ids.min()
        and reviews.ids.max() < len(reviews.words)
        and 0 < reviews.training_words <= len(reviews.words)
    )
