"""Where the files of a data set lie on this machine, and what to say when they do not."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import platformdirs

from ncengine.catalogue import datasets as catalogue
from ncengine.catalogue.datasets import RemoteFile, dataset_info
from ncengine.datasets.errors import DatasetDamaged, DatasetError
from ncengine.datasets.files import content
from ncengine.datasets.files.sources import Source, SourceError, known, source, variable
from ncengine.reasons import why

DATA_VARIABLE = "NCENGINE_DATA"


class DatasetMissing(DatasetError):
    """Files of a data set are not on this machine.

    Attributes: `dataset`, its name; `files`, the names of the files; `folder`, where they belong.
    """

    def __init__(self, dataset: str, files: list[str], folder: Path):
        self.dataset, self.files, self.folder = dataset, files, folder
        origin = source(dataset)
        super().__init__(
            f"{dataset_info(dataset).title} is not on this machine: no {', '.join(files)} "
            f"{searched(dataset)}. {_passed_over(dataset, origin)}{_what_to_do(dataset, origin)} "
            f"{works_offline()}"
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
    return platformdirs.user_cache_path("neural-collapse-explorer")


def _named_folder() -> Path | None:
    named = os.environ.get(DATA_VARIABLE)
    return Path(named).expanduser() if named else None


def prepared_folder() -> Path:
    """Where what is made of reviews lies, to be read quickly: wherever they lie, in our own."""
    return user_cache() / "imdb"


def locks_folder() -> Path:
    """Where locks of downloads lie: data sets' folders, which may be someone else's, hold none."""
    return user_cache() / ".locks"


def _own_folder(name: str, origin: Source) -> Path:
    return (_named_folder() or user_cache()) / "-".join(filter(None, (name, origin.tag)))


def _folders(name: str, origin: Source) -> list[Path]:
    """All folders in which files may lie, those of the source last: a download repairs them."""
    folders = [_own_folder(name, origin)]
    named = _named_folder()
    if named and origin.published:
        folders.append(named)
    return [*folders, *origin.folders]


def searched(name: str) -> str:
    """Every place that is searched, in words that follow the files' names. Raises SourceError."""
    origin = source(name)
    folders = " or ".join(dict.fromkeys(map(str, _folders(name, origin))))
    within = sorted({os.path.dirname(path) for file in origin.files for path in file.also})
    within = [path for path in within if os.path.basename(path) == "raw"]
    below = f", nor in {' or '.join(within)} there" if within else ""
    return f"in {folders}{below}, packed or unpacked"


def _candidates(name: str, origin: Source, file: RemoteFile) -> Iterator[tuple[Path, Path]]:
    """Every path at which the file may lie, after the place that leads to it."""
    for place in _folders(name, origin):
        yield from ((place, place / path) for path in (file.name, *file.also))
        if place in origin.folders and len(origin.files) == 1:
            yield place, place  # who has one file may name that itself


def _fitting(name: str, origin: Source, file: RemoteFile) -> list[Path]:
    """What is there and can be the file. Its content is not read."""
    candidates = (path for _, path in _candidates(name, origin, file))
    return [path for path in candidates if content.can_be(path, file)]


def find(name: str, file: RemoteFile) -> Path | None:
    """The file on this machine, in whatever form, with the right content, which this reads.

    Raises DatasetError where it cannot be read.
    """
    fitting = _fitting(name, source(name), file)
    return next((path for path in fitting if content.is_right(path, file)), None)


def missing(name: str) -> list[str]:
    """Names of the files that `load` needs and this machine lacks. Raises SourceError."""
    return [file.name for file in _missing(name)]


def _missing(name: str) -> Iterator[RemoteFile]:
    if known(name).files:
        origin = source(name)
        yield from (file for file in origin.files if not _fitting(name, origin, file))


def is_available(name: str) -> bool:
    """Whether `load` would find the data set here. Cheap: looks at files' sizes only."""
    try:
        return next(_missing(name), None) is None
    except SourceError:
        return False


def works_offline() -> str:
    """One sentence: the data sets that can be used without a network, now, on this machine."""
    titles = [info.title for name, info in catalogue.DATASETS.items() if is_available(name)]
    return "Without a network these work: " + ", ".join(titles) + "."


def require(name: str) -> None:
    """Raises DatasetMissing where files are not here, and SourceError."""
    if absent := missing(name):
        raise DatasetMissing(name, absent, folder(name))


def share(path: Path) -> None:
    """Lets those who can use the folder use the file, which began as its maker's alone."""
    with suppress(OSError):  # not every file system has permissions
        path.chmod(path.parent.stat().st_mode & 0o666)


def expected(name: str) -> str:
    """What the files must be, in words that fit after "not"."""
    return "the published file" if source(name).published else f"the one {variable(name)} tells of"


def check(name: str) -> list[Path]:
    """The data set's files, each in whatever form it is here, in the catalogue's order.

    What is damaged is renamed to `*.damaged` where it lies as a download would have laid it; the
    message says what became of each file. All others, and those in folders that the source names,
    are the user's own, and left as they are. From then on `is_available` tells the truth.

    Raises:
        DatasetDamaged: a file is there, but has not the content that it must have.
        DatasetMissing: a file is not there.
        SourceError: see `sources`.
    """
    require(name)
    origin = source(name)
    paths, fates = [], []
    for file in origin.files:
        fitting = _fitting(name, origin, file)
        if not fitting:
            raise DatasetMissing(name, [file.name], _own_folder(name, origin))
        right = next((path for path in fitting if content.is_right(path, file)), None)
        if right is None:
            differs = f"{fitting[0]} is not {expected(name)}, its SHA-256 differs"
            fates.append(f"{differs}; {_fate(name, origin, file, fitting[0])}")
        else:
            paths.append(right)
    if fates:
        raise DatasetDamaged(f"{' '.join(fates)} {_remedy(name, origin)}")
    return paths


def _fate(name: str, origin: Source, file: RemoteFile, damaged: Path) -> str:
    if damaged.parent in origin.folders or damaged in origin.folders:
        return f"it is left as it is, since {variable(name)} names its folder."
    downloaded = damaged.name == file.name and damaged.parent in _folders(name, origin)
    return _set_aside(damaged) if downloaded else "it is left as it is."


def _remedy(name: str, origin: Source) -> str:
    if origin.addresses:
        return f"Download {known(name).title} again."
    return f"Put the right files there, or change {variable(name)}."


def _set_aside(path: Path) -> str:
    """Renames a damaged file, if it can be; says what became of it."""
    other = path.with_name(path.name + ".damaged")
    try:
        path.replace(other)
    except OSError as error:
        return f"it could not be renamed ({why(error)})."
    return f"it was renamed to {other.name}."


def _what_to_do(name: str, origin: Source) -> str:
    if origin.addresses:
        return "Download it, or put the files there."
    return f"Put the files there: {variable(name)} names no address to download them from."


def _passed_over(name: str, origin: Source) -> str:
    """What is there under the names of the files, and is not taken for them; how it would be."""
    there = [_there(name, origin, file) for file in origin.files]
    paths = [path for pair in there if pair for path in pair[1:]]
    if not paths:
        return ""
    listed = ", ".join(map(str, paths))
    are = "is there, but is" if len(paths) == 1 else "are there, but are"
    sentence = f"{listed} {are} not {expected(name)}. "
    places = {pair[0] for pair in there if pair}
    if None in there or len(places) > 1:
        return sentence
    try:
        hashes = [content.digest(path, f) for path, f in zip(paths, origin.files, strict=True)]
    except DatasetError as error:
        return f"{sentence}{error} "
    value = " ".join([_as_address(places.pop()), *(f"sha256:{digest}" for digest in hashes)])
    return f'{sentence}To train on what is there all the same, set {variable(name)}="{value}". '


def _there(name: str, origin: Source, file: RemoteFile) -> tuple[Path, Path] | None:
    """The place that leads to something under one of the file's names, and that; or None."""
    for place, path in _candidates(name, origin, file):
        if os.path.isfile(path) or (file.folder and os.path.exists(path / file.folder.holds)):
            return place, path
    return None


def _as_address(place: Path) -> str:
    text = str(place.absolute())
    return place.absolute().as_uri() if " " in text or '"' in text else text
