"""Where the files of a data set lie on this machine, and what to say when they do not."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from ncengine.catalogue import datasets as catalogue
from ncengine.catalogue.datasets import RemoteFile, dataset_info
from ncengine.datasets.errors import DatasetDamaged, DatasetError
from ncengine.datasets.files.sources import Source, SourceError, known, source, variable

DATA_VARIABLE = "NCENGINE_DATA"


class DatasetMissing(DatasetError):
    """Files of a data set are not on this machine.

    Attributes: `dataset`, its name; `files`, the names of the files; `folder`, where they belong.
    """

    def __init__(self, dataset: str, files: list[str], folder: Path):
        self.dataset, self.files, self.folder = dataset, files, folder
        places = " or ".join(map(str, [folder, *source(dataset).folders]))
        super().__init__(
            f"{dataset_info(dataset).title} is not on this machine: no {', '.join(files)} in "
            f"{places}. Download it, or put the files there. {works_offline()}"
        )


def folder(name: str) -> Path:
    """Where files of the data set are downloaded to, and looked for first.

    In the folder that NCENGINE_DATA names, in a folder named after the data set; without that
    variable, in the user's cache folder. Files other than the published ones have a folder of
    their own, see `sources`. Raises SourceError.
    """
    return _own_folder(name, source(name))


def user_cache() -> Path:
    """The user's cache folder, where data go if nothing else is said."""
    import pooch  # slow to import, and often not needed

    return Path(pooch.os_cache("neural-collapse-explorer"))


def _named_folder() -> Path | None:
    named = os.environ.get(DATA_VARIABLE)
    return Path(named).expanduser() if named else None


def _own_folder(name: str, origin: Source) -> Path:
    return (_named_folder() or user_cache()) / "-".join(filter(None, (name, origin.tag)))


def _folders(name: str, origin: Source) -> list[Path]:
    """All folders in which files may lie, those of the source last: a download repairs them."""
    folders = [_own_folder(name, origin)]
    named = _named_folder()
    if named and origin.published:
        folders.append(named)
    return [*folders, *origin.folders]


def find(name: str, file: RemoteFile) -> Path | None:
    """The file on this machine, where it exists with the right size. Its content is not read."""
    return _find(name, source(name), file)


def _find(name: str, origin: Source, file: RemoteFile) -> Path | None:
    for candidate in _folders(name, origin):
        path = candidate / file.name
        try:
            if path.is_file() and file.bytes in (None, path.stat().st_size):
                return path
        except OSError:
            continue
    return None


def missing(name: str) -> list[str]:
    """Names of the files that `load` needs and this machine lacks. Raises SourceError."""
    if not known(name).files:
        return []
    origin = source(name)
    return [file.name for file in origin.files if _find(name, origin, file) is None]


def is_available(name: str) -> bool:
    """Whether `load` would find the data set here. Cheap: looks at files' sizes only."""
    try:
        return not missing(name)
    except SourceError:
        return False


def works_offline() -> str:
    """One sentence: the data sets that can be used without a network, now, on this machine."""
    titles = [info.title for name, info in catalogue.DATASETS.items() if is_available(name)]
    return "Without a network these work: " + ", ".join(titles) + "."


def require(name: str) -> list[Path]:
    """The data set's files in the catalogue's order. Raises DatasetMissing, SourceError."""
    if not known(name).files:
        return []
    origin = source(name)
    paths = {file.name: _find(name, origin, file) for file in origin.files}
    absent = [file for file, path in paths.items() if path is None]
    if absent:
        raise DatasetMissing(name, absent, _own_folder(name, origin))
    return [path for path in paths.values() if path is not None]


def matches(path: Path, file: RemoteFile) -> bool:
    """Whether the file has the content it must have. Raises DatasetError where it is unreadable."""
    import hashlib

    try:
        with open(path, "rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest() == file.sha256
    except OSError as error:
        raise DatasetError(f"{path} cannot be read ({error.strerror or error}).") from error


def share(path: Path) -> None:
    """Lets those who can use the folder use the file, which began as its maker's alone."""
    with suppress(OSError):  # not every file system has permissions
        path.chmod(path.parent.stat().st_mode & 0o666)


def expected(name: str) -> str:
    """What the files must be, in words that fit after "not"."""
    return "the published file" if source(name).published else f"the one {variable(name)} tells of"


def check(name: str) -> None:
    """Raises DatasetDamaged unless the files have the content they must have.

    What is damaged is renamed to `*.damaged` where the folder allows it, so that
    `is_available` tells the truth from then on; the message says what became of each file.
    Files in folders that the source names are the user's own, and left as they are.
    """
    origin = source(name)
    damaged = [
        path
        for path, file in zip(require(name), origin.files, strict=True)
        if not matches(path, file)
    ]
    if damaged:
        fates = (
            f"{path} is not {expected(name)}, its SHA-256 differs; "
            + (
                f"it is left as it is, since {variable(name)} names its folder."
                if path.parent in origin.folders
                else _set_aside(path)
            )
            for path in damaged
        )
        raise DatasetDamaged(f"{' '.join(fates)} {_remedy(name, origin)}")


def _remedy(name: str, origin: Source) -> str:
    if len(origin.folders) < len(origin.places):
        return f"Download {known(name).title} again."
    return f"Put the right files there, or change {variable(name)}."


def _set_aside(path: Path) -> str:
    """Renames a damaged file, if it can be; says what became of it."""
    other = path.with_name(path.name + ".damaged")
    try:
        path.replace(other)
    except OSError as error:
        return f"it could not be renamed ({error.strerror})."
    return f"it was renamed to {other.name}."
