"""Files within tar archives, packed or not, and within unpacked folders, read in place."""

from __future__ import annotations

import re
import tarfile
import zlib
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from ncengine.datasets.errors import DatasetDamaged
from ncengine.reasons import why

# What a damaged archive makes tarfile raise; the last two where a header holds an odd number.
UNREADABLE = (OSError, EOFError, tarfile.TarError, zlib.error, ValueError, MemoryError)
GZIP = b"\x1f\x8b"


def is_packed(path: Path) -> bool:
    """Whether the file is gzip-compressed, by its first bytes. Raises OSError."""
    with open(path, "rb") as stream:
        return stream.read(len(GZIP)) == GZIP


def files_in(path: Path, wanted: Callable[[str], bool], most: int) -> Iterator[tuple[str, bytes]]:
    """Name and content of the regular files that are wanted.

    Of a tar archive in its order, since going back would decompress it all again; of a folder in
    the order of their names, which begin with the folder's. A name that is there twice comes twice,
    and the last one counts, as for whoever unpacks the archive.

    Args:
        path: an archive, gzip-compressed or not, or an unpacked folder.
        wanted: whether the file of a name is; names have no `./` before them.
        most: bytes that a file may have.

    Raises:
        DatasetDamaged: the archive is not readable, or a file wanted is larger.
    """
    return _in_folder(path, wanted, most) if path.is_dir() else _in_archive(path, wanted, most)


def members_of(path: Path, members: str) -> re.Pattern[str]:
    """Which names of `files_in` are wanted; `folder` is the folder that such a file is in.

    Of an archive those in any folder. Of an unpacked folder its own alone, for a checksum is of
    these: what else lies deeper down could be anything.

    Args:
        path: the archive or folder.
        members: a pattern of the files within the folder, see `catalogue.datasets.UnpackedFolder`.
    """
    prefix = rf"(?P<folder>{re.escape(path.name)})/"
    return re.compile((prefix if path.is_dir() else "(?:(?P<folder>.+)/)?") + members)


def _in_archive(
    path: Path, wanted: Callable[[str], bool], most: int
) -> Iterator[tuple[str, bytes]]:
    try:
        with tarfile.open(path, "r:gz" if is_packed(path) else "r:") as archive:
            for member in archive:
                name = _plain(member.name)
                if member.isfile() and wanted(name):
                    yield name, _content_of(archive, member, most)
                # Else the archive object keeps every member it has seen.
                archive.members = []  # type: ignore[attr-defined]
    except UNREADABLE as error:
        raise DatasetDamaged(
            f"{path} is not a readable tar.gz or tar archive: {why(error)}"
        ) from error


def _plain(name: str) -> str:
    """As `tar` writes it of a folder's name, where it was made of `.` or of a whole path."""
    return "/".join(part for part in name.split("/") if part not in ("", "."))


def _content_of(archive: tarfile.TarFile, member: tarfile.TarInfo, most: int) -> bytes:
    """The content of a regular file of at most so many bytes; raises DatasetDamaged for more.

    A header can promise any size, and a sparse member keep the promise without content.
    """
    if member.size > most:
        raise DatasetDamaged(
            f"{member.name} in {archive.name!s} has {member.size} bytes, not {most} at most"
        )
    stream = archive.extractfile(member)
    if stream is None:
        raise DatasetDamaged(f"{member.name} in {archive.name!s} is no file")
    return stream.read()


def _in_folder(
    folder: Path, wanted: Callable[[str], bool], most: int
) -> Iterator[tuple[str, bytes]]:
    for path in sorted(folder.rglob("*")):
        name = f"{folder.name}/{path.relative_to(folder).as_posix()}"
        if not wanted(name) or not path.is_file():
            continue
        try:
            with open(path, "rb") as stream:
                content = stream.read(most + 1)
        except OSError as error:
            raise DatasetDamaged(f"{path} cannot be read ({why(error)})") from error
        if len(content) > most:
            raise DatasetDamaged(f"{path} has more than {most} bytes")
        yield name, content


def rank_of(folder: str, usual: str) -> int:
    """How much speaks for a folder of an archive: 0 for its published name, 2 for any other."""
    if folder == usual:
        return 0
    return 1 if folder.endswith(f"/{usual}") else 2


def only_folder(path: Path, folders: Iterable[str], usual: str, kind: str) -> str:
    """In which folder of an archive to look: the one for which most speaks, see `rank_of`.

    Args:
        path: of the archive.
        folders: those that have what is looked for.
        usual: the folder's published name.
        kind: what is looked for, in a word.

    Raises:
        DatasetDamaged: as much speaks for another one.
    """
    by_rank: dict[int, list[str]] = {}
    for folder in sorted(folders):
        by_rank.setdefault(rank_of(folder, usual), []).append(folder)
    if not by_rank:
        return usual
    best = by_rank[min(by_rank)]
    if len(best) > 1:
        among = ", ".join(folder or "the top" for folder in best[:5])
        raise DatasetDamaged(
            f"{path} has {kind} in several folders ({among}); one alone, or {usual}, would be read"
        )
    return best[0]
