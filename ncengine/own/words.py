"""How what stands in a file from anywhere is said in a sentence."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from ncengine.reasons import why

MOST_NAME, MOST_REASON, MOST_LINE = 60, 160, 290
MOST_NAMED = 6


def shown(name: object, most: int = MOST_NAME) -> str:
    """A name on one line, cut short, without what cannot be printed."""
    text = "".join(c if c.isprintable() else "?" for c in str(name)[: 4 * most])
    return text if len(text) <= most else f"{text[: most - 1]}…"


def file_name(name: str) -> str:
    """The same of a file, without its folders."""
    return shown(str(name).replace("\\", "/").rpartition("/")[2] or "a file without a name")


def listed(names: Iterable[object]) -> str:
    """The first few of them, with commas between."""
    each = [shown(name, 24) for name in names]
    return ", ".join(each[:MOST_NAMED]) + (", …" if len(each) > MOST_NAMED else "")


def shape_of(array) -> str:
    """Such as "(100, 8)"."""
    return shown(str(tuple(array.shape)), 80)


@contextmanager
def in_words(where: str) -> Iterator[None]:
    """Within, whatever a damaged file raises is said in one line, as a ValueError.

    What is one already stays as it is. Errors of the system are not the file's.
    """
    try:
        yield
    except Told:
        raise
    except MemoryError as error:
        raise Told(f"{where}: takes more memory than there is") from error
    except OSError as error:
        # pyarrow has errors of its own under that name, which are without a number.
        if error.errno is not None:
            raise
        raise _told(where, error) from error
    except Exception as error:  # a damaged file can raise anything
        raise _told(where, error) from error


def _told(where: str, error: Exception) -> Told:
    return Told(f"{where}: cannot be read ({shown(why(error), MOST_REASON)})")


class Told(ValueError):
    """Says in one line which file, which array, and what it has to be."""

    def __init__(self, message: str):
        super().__init__(shown(message, MOST_LINE))
