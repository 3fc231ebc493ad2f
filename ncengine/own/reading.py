"""Files from elsewhere, read and checked: all that can be wrong is said before any is measured."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO

from ncengine.own import archive, npy, saved, terms
from ncengine.own.apart import Apart
from ncengine.own.assembling import assembled
from ncengine.own.brought import Brought, Named
from ncengine.own.limits import UPLOADED, Budget, Limits
from ncengine.own.parts import Bundle, Part
from ncengine.own.words import Told, file_name, shown
from ncengine.runs.places import require_file

TABLES = (".csv", ".parquet")
ENDINGS = (".npz", ".npy", *TABLES)
Read = tuple[list[Bundle], list[str]]


def read(
    files: Sequence[Named | tuple[str, BinaryIO | Path]], limits: Limits = UPLOADED
) -> Brought:
    """What the files hold: features, labels, perhaps a last layer, of one snapshot or of many.

    They may come from anywhere: nothing in them is run or unpickled, no name in them is used as a
    path, and they take no more memory than `limits` say.

    Args:
        files: each with its name, which says what it is: `.npz`, `.npy`, `.csv` or `.parquet`.
        limits: of each file, and of all together.

    Raises:
        ValueError: a file is damaged, too large, or not as it has to be; says in one line which
            file and array, what it is, and what is allowed.
        OSError: a file cannot be read.
    """
    named = [Named(*one) for one in files]
    if not named:
        raise Told(f"there is no file; must be one or several of {', '.join(ENDINGS)}")
    if len(named) > limits.files:
        raise Told(f"{len(named):,} files; {limits.files:,} at most are read at once")
    with Apart() as apart:
        return _together(sorted(named, key=lambda one: str(one.name)), limits, apart)


def _together(named: Sequence[Named], limits: Limits, apart: Apart) -> Brought:
    budget, found, notes = Budget(limits), list[Bundle](), list[str]()
    for one in named:
        with _opened(one, limits) as (file, size):
            if (recording := _saved(file, one.name, budget)) is not None:
                if len(named) > 1:
                    raise Told(
                        f"{file_name(one.name)}: is a whole recording; bring it without other files"
                    )
                return replace(recording, name=_called(named))
            if _ending(one.name)[1] in TABLES:
                more, left = _table(one, size, apart, budget)
            else:
                more, left = _arrays(file, one.name, size, budget)
            found += more
            notes += left
    return assembled(_called(named), found, notes, budget)


@contextmanager
def _opened(one: Named, limits: Limits) -> Iterator[tuple[BinaryIO, int]]:
    """The file, from its beginning, and its size, which is not too large."""
    if isinstance(one.content, str | Path):
        require_file(Path(one.content))
        with Path(one.content).open("rb") as file:
            yield file, _size(file, one.name, limits)
    else:
        yield one.content, _size(one.content, one.name, limits)


def _size(file: BinaryIO, name: str, limits: Limits) -> int:
    size = file.seek(0, os.SEEK_END)
    file.seek(0)
    if size > limits.file:
        raise Told(f"{file_name(name)}: {size:,} bytes; {limits.file:,} at most are read")
    if not size:
        raise Told(f"{file_name(name)}: is empty")
    return size


def _ending(name: str) -> tuple[str, str]:
    stem, ending = os.path.splitext(file_name(name))
    return stem, ending.lower()


def groups(
    files: Sequence[Named | tuple[str, BinaryIO | Path]], limits: Limits = UPLOADED
) -> list[list[Named]]:
    """Which files `read` is to be given together: each recording that was saved alone, then the
    rest as one. Raises as `read`.
    """
    alone, rest = list[list[Named]](), list[Named]()
    for one in (Named(*each) for each in files):
        with _opened(one, limits) as (file, _):
            if _saved_names(file, one.name) is None:
                rest.append(one)
            else:
                alone.append([one])
    return [*alone, rest] if rest else alone


def _saved(file: BinaryIO, name: str, budget: Budget) -> Brought | None:
    """The recording, where it is one that a recorder saved."""
    names = _saved_names(file, name)
    return None if names is None else saved.read(file, file_name(name), names, budget)


def _saved_names(file: BinaryIO, name: str) -> list[str] | None:
    """The arrays of a recording that a recorder saved; None of another file."""
    if _ending(name)[1] != ".npz":
        return None
    names = archive.names_in(file, file_name(name))
    return names if saved.is_one(names) else None


def _table(one: Named, size: int, apart: Apart, budget: Budget) -> Read:
    content = Path(one.content) if isinstance(one.content, str | Path) else one.content
    stem, ending = _ending(one.name)
    return apart.read(content, size, file_name(one.name), ending, terms.of_file(stem), budget)


def _arrays(file: BinaryIO, name: str, size: int, budget: Budget) -> Read:
    stem, ending = _ending(name)
    where, of = file_name(name), terms.of_file(stem)
    if ending == ".npz":
        bundle, notes = archive.read(file, where, of, budget)
        return [bundle], notes
    if ending == ".npy":
        if of.role is None:
            raise Told(
                f"{where}: its name does not say what it is; must have features, labels, weight "
                "or bias in it"
            )
        file.seek(0)
        return [Bundle(where, of, {of.role: Part(where, npy.read(file, size, where, budget))})], []
    raise Told(f"{where}: must end in {', '.join(ENDINGS)}")


def _called(files: Sequence[Named]) -> str:
    """What the files' names have in common; else what the first is called."""
    stems = sorted(_ending(one.name)[0] for one in files)
    if len(stems) == 1:
        return shown(stems[0])
    counted = [stem for stem in stems if terms.of_file(stem).number is not None]
    for some in (stems, counted):
        common = os.path.commonprefix(some).rstrip(" _-.0123456789")
        if len(common) > 2:
            return shown(common)
    return shown(f"{stems[0]} and {len(stems) - 1} more")
