"""Arrays as they lie in files, each with what it is, and gathered by snapshot."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

from ncengine.own.terms import FEATURES, STEPS, FileName, key_of
from ncengine.own.words import Told, listed


@dataclass(frozen=True)
class Part:
    """One array.

    Attributes:
        where: the file and the array's name in it, for errors.
        array: as it was read; of labels that are texts, their place among `texts`.
        texts: what labels are called.
        columns: what those of a table are called.
    """

    where: str
    array: np.ndarray
    texts: tuple[str, ...] | None = None
    columns: tuple[str, ...] = ()


@dataclass(frozen=True)
class Bundle:
    """What goes together as one snapshot, or several.

    Attributes:
        file: for errors.
        named: what the file's name says.
        parts: by role, see `terms`.
        step: where the file's content says it.
    """

    file: str
    named: FileName
    parts: dict[str, Part] = field(default_factory=dict)
    step: float | None = None

    @property
    def key(self) -> str:
        return self.named.key if self.step is None else key_of(self.step)


def gathered(found: list[Bundle]) -> list[Bundle]:
    """Those with features, each with all that goes with it, in order.

    Raises:
        ValueError: two files hold the same, or one goes with none.
    """
    merged: dict[str, Bundle] = {}
    for one in found:
        if one.key in merged:
            one = _together(merged[one.key], one)
        merged[one.key] = one
    with_features = [one for one in merged.values() if FEATURES in one.parts]
    if not with_features:
        raise Told(f"{listed(one.file for one in found)}: there are no features")
    shared = Bundle("", with_features[0].named)
    for one in merged.values():
        if FEATURES in one.parts:
            continue
        if one.named.number is not None and len(with_features) > 1:
            raise Told(f"{one.file}: there are no features of {one.named.number:.15g}")
        shared = _together(shared, one)
    whole = [replace(one, parts={**shared.parts, **one.parts}) for one in with_features]
    return sorted(whole, key=_place)


def _together(first: Bundle, second: Bundle) -> Bundle:
    twice = sorted(set(first.parts) & set(second.parts))
    if twice:
        role = twice[0]
        raise Told(
            f"{second.parts[role].where}: {first.parts[role].where} is the {role} of the same "
            "snapshot; name files by their step, as in epoch_010_features.npy"
        )
    return replace(first, file=first.file or second.file, parts={**first.parts, **second.parts})


def _place(one: Bundle) -> tuple[bool, float, str]:
    number = one.step if one.step is not None else one.named.number
    return number is None, 0.0 if number is None else number, one.file


def split(one: Bundle) -> list[dict[str, Part]]:
    """The parts of each of its snapshots.

    Raises:
        ValueError: features of another shape than (N, d) or (T, N, d).
    """
    features = one.parts[FEATURES]
    axes = features.array.ndim
    if axes not in (2, 3):
        shape = tuple(features.array.shape)
        raise Told(f"{features.where} is {shape}; must be (N, d) or (T, N, d)")
    parts = {role: part for role, part in one.parts.items() if role != STEPS}
    if axes == 2:
        return [parts]
    return [
        {role: _at(role, part, n, features.array.shape) for role, part in parts.items()}
        for n in range(len(features.array))
    ]


# How many axes an array has that has one more for the snapshots.
_MANY = {FEATURES: 3, "weight": 3, "labels": 2, "bias": 2}


def _at(role: str, part: Part, n: int, shape: tuple[int, ...]) -> Part:
    array = part.array
    many = array.ndim == _MANY.get(role) and len(array) == shape[0]
    if role == "labels" and many:
        # (T, N), and not (N, 1) or one-hot, whose N is by chance as many as the snapshots.
        many = array.shape[1] == shape[1]
    return replace(part, array=array[n]) if many else part
