"""What arrays, columns and files are called, and what they are by that."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from ncengine.own.words import Told, listed, shown

FEATURES, LABELS, WEIGHT, BIAS = "features", "labels", "weight", "bias"
CLASS_NAMES, THUMBNAILS, STEPS = "class_names", "thumbnails", "steps"

# By role what is taken for it, what goes before others first.
TERMS: dict[str, tuple[str, ...]] = {
    FEATURES: (
        *("features", "feature", "feats", "feat", "embeddings", "embedding", "penultimate"),
        *("activations", "representations", "hidden", "h", "z", "x"),
    ),
    LABELS: ("labels", "label", "targets", "target", "y true", "y", "class"),
    WEIGHT: ("weight", "weights", "fc weight", "classifier weight", "head weight", "w", "kernel"),
    BIAS: ("bias", "biases", "fc bias", "classifier bias", "head bias", "b"),
    CLASS_NAMES: ("class names", "classnames", "label names", "classes"),
    THUMBNAILS: ("thumbnails", "thumbnail", "thumbs", "images", "imgs"),
    STEPS: ("steps", "epochs", "step", "epoch"),
}
# Of layers' names, which say nothing of which snapshot it is.
_LAYERS = ("fc", "classifier", "head", "linear", "last", "dense", "layer")
_COUNTERS = ("epoch", "step", "iteration", "iter", "ep", "checkpoint", "ckpt")
_WORDS = re.compile(r"[a-z]+|\d+(?:\.\d+)?", re.IGNORECASE)
_MOST_DIGITS = 15


class FileName(NamedTuple):
    """What a file's name says.

    Attributes:
        role: what is in it, None where it does not say.
        key: of which snapshot: files that share it go together; empty where it is of all.
        number: of the snapshot, or None.
        counted: whether a word such as "epoch" goes before the number.
    """

    role: str | None
    key: str
    number: float | None
    counted: bool


def roles_of(names: Sequence[str], where: str) -> tuple[dict[str, str], list[str]]:
    """The name that has each role, and those that have none.

    Raises:
        ValueError: two arrays can be the same, and none goes before the other.
    """
    found: dict[str, str] = {}
    for role, terms in TERMS.items():
        ranked = sorted((rank, name) for name in names if (rank := _rank(name, terms)) is not None)
        if not ranked and role in (WEIGHT, BIAS):
            ranked = [(0, name) for name in names if _last(name) in (*TERMS[role][:1], "kernel")]
            ranked = [one for one in ranked if role == WEIGHT or _last(one[1]) != "kernel"]
        if len(ranked) > 1 and ranked[0][0] == ranked[1][0]:
            raise Told(
                f"{where}: {listed(name for _, name in ranked)} can each be the {role}; leave one"
            )
        if ranked:
            found[role] = ranked[0][1]
    return found, [name for name in names if name not in found.values()]


def allowed(role: str) -> str:
    """What such an array can be called, for errors."""
    return ", ".join(term.replace(" ", "_") for term in TERMS[role])


def _rank(name: str, terms: Sequence[str]) -> int | None:
    plain = " ".join(re.split(r"[\s._/-]+", name.strip().lower()))
    return terms.index(plain) if plain in terms else None


def _last(name: str) -> str:
    return re.split(r"[\s._/-]+", name.strip().lower())[-1]


def of_file(stem: str) -> FileName:
    """What the name of a file says, without its ending."""
    words = [word.lower() for word in _WORDS.findall(stem)]
    role, words = _taken_out(words)
    if role in (WEIGHT, BIAS):
        words = _without_layers(words)
    number, counted = _number(words)
    key = " ".join(words) if number is None else key_of(number)
    return FileName(role, key, number, counted)


def key_of(number: float) -> str:
    """Names the snapshot of that number."""
    return f"#{number!r}"


def _taken_out(words: list[str]) -> tuple[str | None, list[str]]:
    """The role that the words name, the longest term of them, and what is left of the words."""
    found = [
        (len(parts), len(term), n, role)
        for role, terms in TERMS.items()
        # As in epoch_010_features, these say which snapshot it is.
        if role != STEPS or len(words) == 1
        for term in terms
        for parts in [term.split()]
        for n in range(len(words))
        if words[n : n + len(parts)] == parts
    ]
    if not found:
        return None, words
    length, _, n, role = max(found)
    return role, words[:n] + words[n + length :]


def _without_layers(words: list[str]) -> list[str]:
    kept: list[str] = []
    before = ""
    for word in words:
        if word not in _LAYERS and not (before in _LAYERS and word[0].isdigit()):
            kept.append(word)
        before = word
    return kept


def _number(words: Sequence[str]) -> tuple[float | None, bool]:
    numbers = [n for n, word in enumerate(words) if word[0].isdigit() and len(word) <= _MOST_DIGITS]
    counted = [n for n in numbers if n and words[n - 1] in _COUNTERS]
    if not numbers:
        return None, False
    return float(words[(counted or numbers)[-1]]), bool(counted)


def not_read(where: str, names: Iterable[str]) -> list[str]:
    """A sentence of what a file has besides, if there is any."""
    each = [name or "a column without a name" for name in names]
    verb = "is" if len(each) == 1 else "are"
    return [f"{where}: {shown(listed(each), 150)} {verb} not read"] if each else []
