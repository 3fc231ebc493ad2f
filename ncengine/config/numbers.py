"""Numbers as text: what an address or a command line may hold, read in one place."""

from __future__ import annotations

import re

# No number that means anything here is longer: Python writes the longest float in 24 characters.
# Of longer ones, Python reads whole numbers of more than 4,300 digits with another error.
LONGEST_NUMBER = 100
_WHOLE = re.compile(r"[+-]?[0-9]+")
_REAL = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)(e[+-]?[0-9]+)?", re.IGNORECASE)


def whole(text: str) -> int:
    """The whole number that `text` is, in ASCII digits. Raises ValueError for anything else."""
    return int(_written(_WHOLE, text))


def real(text: str) -> float:
    """The number that `text` is, infinite where it is too large for a float.

    Raises ValueError for anything else, also for the words "inf" and "nan".
    """
    return float(_written(_REAL, text))


def _written(form: re.Pattern[str], text: str) -> str:
    if len(text) > LONGEST_NUMBER or not form.fullmatch(text.strip(" ")):
        raise ValueError("no number, or one of too many digits")
    return text.strip(" ")
