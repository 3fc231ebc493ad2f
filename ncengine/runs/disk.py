"""When nothing can be written: what stands in the way, in words, and whether it still does."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

# With less room than that, the next write would fail again.
PROBE = 2**20

_ANYWHERE = {
    errno.ENOSPC: "the disk that holds {} is full",
    errno.EDQUOT: "no more may be written to the disk that holds {}: its quota is used up",
    errno.EROFS: "{} can only be read, not written to",
}
# Of a file of the cache; of others, such as a data set's, they mean something else.
_WITHIN = {
    errno.EACCES: "this program may not write to {}",
    errno.EPERM: "this program may not write to {}",
}


class NoRoom(OSError):
    """Nothing can be written to the cache for now; what was trained is kept.

    Attributes:
        why: what stands in the way, in words.
    """

    def __init__(self, why: str):
        super().__init__(why)
        self.why = why

    def __str__(self) -> str:
        return f"{self.why}. What was trained is kept, and can go on once there is room."


def why_not(error: OSError, root: Path) -> str:
    """What keeps anything from being written to the cache folder `root`; "" for other errors."""
    if isinstance(error, NoRoom):
        return error.why
    named = error.filename
    within = isinstance(named, str | os.PathLike) and Path(named).is_relative_to(root)
    words = {**_ANYWHERE, **(_WITHIN if within else {})}.get(error.errno or 0, "")
    return words.format(root)


@contextmanager
def told_in_words(root: Path) -> Iterator[None]:
    """Errors that say that nothing can be written become `NoRoom`; others stay as they are."""
    try:
        yield
    except NoRoom:
        raise
    except OSError as error:
        if why := why_not(error, root):
            raise NoRoom(why) from error
        raise


def has_room(root: Path, size: int = 0) -> bool:
    """Whether so many bytes, and `PROBE` at least, can be written to the folder now."""
    path = root / f".room.{os.getpid()}"
    try:
        with path.open("wb") as file:
            _reserve(file.fileno(), max(size, PROBE))
        return True
    except OSError:
        return False
    finally:
        with suppress(OSError):
            path.unlink()


def _reserve(file: int, size: int) -> None:
    if hasattr(os, "posix_fallocate"):
        os.posix_fallocate(file, 0, size)
        return
    for _ in range(0, size, PROBE):
        os.write(file, bytes(PROBE))
