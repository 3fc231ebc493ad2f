"""A .npz file from anywhere: of its arrays those that are called as they are here."""

from __future__ import annotations

from typing import BinaryIO

import numpy as np

from ncengine.own import npy, terms
from ncengine.own.limits import Budget
from ncengine.own.parts import Bundle, Part
from ncengine.own.words import Told, in_words, listed, shown
from ncengine.runs import npz


def read(
    file: BinaryIO, name: str, named: terms.FileName, budget: Budget
) -> tuple[Bundle, list[str]]:
    """What is in the file, and what is not read of it.

    Nothing is unpacked before the sizes of all that is to be read have been added up. A member's
    name is that of an array, and never a path.

    Raises:
        ValueError: it is damaged, or says nothing of what is in it.
    """
    names = names_in(file, name)
    roles, rest = terms.roles_of(names, name)
    if not roles:
        raise Told(
            f"{name}: its arrays are {listed(names) or 'none'}; must be called "
            f"{terms.allowed(terms.FEATURES)}, and so on"
        )
    arrays = arrays_of(file, name, list(roles.values()), budget)
    parts = {
        role: Part(f"{name}: {shown(called)}", arrays[called]) for role, called in roles.items()
    }
    return Bundle(name, named, parts), terms.not_read(name, rest)


def names_in(file: BinaryIO, name: str) -> list[str]:
    """The names of its arrays. Raises ValueError where it is no whole .npz file."""
    with in_words(name), npz.opened(file, beside=()) as archive:
        return [info.filename.removesuffix(npz.SUFFIX) for info in archive.infolist()]


def arrays_of(
    file: BinaryIO, name: str, wanted: list[str], budget: Budget
) -> dict[str, np.ndarray]:
    """Those arrays, by name. Raises ValueError where one is damaged, or they are too much."""
    found = {}
    with in_words(name), npz.opened(file, beside=()) as archive:
        infos = {info.filename.removesuffix(npz.SUFFIX): info for info in archive.infolist()}
        whole = sum(infos[called].file_size for called in wanted)
        if whole > budget.limits.memory + npy.MOST_HEADER * len(wanted):
            budget.take(name, whole)
        for called in wanted:
            where, info = f"{name}: {shown(called)}", infos[called]
            with in_words(where), archive.open(info) as member:
                found[called] = npy.read(member, info.file_size, where, budget)  # type: ignore[arg-type]
    return found
