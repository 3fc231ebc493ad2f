"""What went wrong, in words for a reader."""

from __future__ import annotations

import os


def reason(error: BaseException) -> str:
    """An error in one line: of one by the system, the file and why, without its number.

    Returns:
        Such as "/data/cache: no space left on device"; of an error without a message, its kind.
    """
    if isinstance(error, OSError) and error.strerror:
        named = error.filename if error.filename2 is None else error.filename2
        where = "" if named is None or isinstance(named, int) else f"{os.fsdecode(named)}: "
        return " ".join(f"{where}{why(error)}".split())
    return why(error)


def in_full(error: BaseException) -> str:
    """All that an error says, which may take several lines; of one by the system, its `reason`."""
    by_system = isinstance(error, OSError) and error.strerror
    return reason(error) if by_system else str(error) or type(error).__name__


def why(error: BaseException) -> str:
    """The same without the file, for a sentence that names it."""
    if isinstance(error, OSError) and error.strerror:
        return error.strerror[:1].lower() + error.strerror[1:]
    return " ".join(str(error).split()) or type(error).__name__
