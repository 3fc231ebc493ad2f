"""Libraries that only those need who train with them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def extra(library: str) -> Iterator[None]:
    """Within, the library is imported, whose name is that of the extra that brings it.

    Raises:
        ImportError: it is not installed; says how to.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] != library:
            raise
        raise ImportError(
            f"this takes {library}: pip install 'neural-collapse-explorer[{library}]'", name=library
        ) from error
