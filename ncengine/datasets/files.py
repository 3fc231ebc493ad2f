"""Where the files of a data set lie on this machine, and what to say when they do not."""

from __future__ import annotations

import os
from pathlib import Path

from ncengine.datasets.registry import DATASETS, DatasetInfo, RemoteFile, dataset_info

DATA_VARIABLE = "NCENGINE_DATA"


class DatasetError(RuntimeError):
    """A data set that cannot be had; the message is meant for a reader."""


class DatasetMissing(DatasetError):
    """Files of a data set are not on this machine.

    Attributes: `dataset`, its name; `files`, the names of the files; `folder`, where they belong.
    """

    def __init__(self, dataset: str, files: list[str], folder: Path):
        self.dataset, self.files, self.folder = dataset, files, folder
        super().__init__(
            f"{dataset_info(dataset).title} is not on this machine: no {', '.join(files)} in "
            f"{folder}. Download it, or put the files there. {works_offline()}"
        )


class DatasetDamaged(DatasetError):
    """Files are there, but they are not the published ones. A download repairs the data set."""


def folder(name: str) -> Path:
    """Where files of the data set are downloaded to, and looked for first.

    In the folder that NCENGINE_DATA names, in a folder named after the data set; without that
    variable, in the user's cache folder.
    """
    return _folders(name)[0]


def _folders(name: str) -> list[Path]:
    named = os.environ.get(DATA_VARIABLE)
    if named:
        return [Path(named).expanduser() / name, Path(named).expanduser()]
    import pooch  # slow to import, and often not needed

    return [Path(pooch.os_cache("neural-collapse-explorer")) / name]


def find(name: str, file: RemoteFile) -> Path | None:
    """The file on this machine, where it exists with the right size. Its content is not read."""
    for candidate in _folders(name):
        path = candidate / file.name
        try:
            if path.stat().st_size == file.bytes:
                return path
        except OSError:
            continue
    return None


def missing(name: str) -> list[str]:
    """Names of the files that `load` needs and this machine lacks."""
    return [file.name for file in known(name).files if find(name, file) is None]


def is_available(name: str) -> bool:
    """Whether `load` would find the data set here. Cheap: looks at files' sizes only."""
    return not missing(name)


def works_offline() -> str:
    """One sentence: the data sets that can be used without a network, now, on this machine."""
    titles = [info.title for name, info in DATASETS.items() if is_available(name)]
    return "Without a network these work: " + ", ".join(titles) + "."


def require(name: str) -> list[Path]:
    """The data set's files in the registry's order. Raises DatasetMissing."""
    absent = missing(name)
    if absent:
        raise DatasetMissing(name, absent, folder(name))
    return [find(name, file) for file in known(name).files]


def matches(path: Path, file: RemoteFile) -> bool:
    """Whether the file has the published content."""
    import hashlib

    with open(path, "rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest() == file.sha256


def check(name: str) -> None:
    """Raises DatasetDamaged unless the files have the published content.

    What is damaged is renamed to `*.damaged` where the folder allows it, so that
    `is_available` tells the truth from then on; the message says what became of each file.
    """
    damaged = [
        path for path, file in zip(require(name), known(name).files) if not matches(path, file)
    ]
    if damaged:
        fates = " ".join(_set_aside(path) for path in damaged)
        raise DatasetDamaged(f"{fates} Download {known(name).title} again.")


def _set_aside(path: Path) -> str:
    """Renames a damaged file, if it can be; one sentence on the file and what became of it."""
    other = path.with_name(path.name + ".damaged")
    try:
        path.replace(other)
        fate = f"it was renamed to {other.name}"
    except OSError as error:
        fate = f"it could not be renamed ({error.strerror})"
    return f"{path} is not the published file, its SHA-256 differs; {fate}."


def known(name: str) -> DatasetInfo:
    """Facts about the data set. Raises ValueError that says which names are known."""
    if name not in DATASETS:
        raise ValueError(f"dataset = {name!r}: must be one of {', '.join(DATASETS)}")
    return dataset_info(name)
