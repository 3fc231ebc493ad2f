"""Members of tar.gz archives, read in place, as far as they are believable."""

from __future__ import annotations

import tarfile
import zlib

from ncengine.datasets.errors import DatasetDamaged

# What a damaged archive makes tarfile raise; the last two where a header holds an odd number.
UNREADABLE = (OSError, EOFError, tarfile.TarError, zlib.error, ValueError, MemoryError)


def content_of(archive: tarfile.TarFile, member: tarfile.TarInfo, most: int) -> bytes:
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
