"""The engine's version."""

from typing import Any

# Raised when the numbers change; part of every run's key.
ENGINE_VERSION = "6"
# Versions whose results can still be looked at, newest first. They lack: layers, 3; a sound
# `nc1_pinv` where class means do not span K - 1 dimensions, 4 and 3 (see `runs.earlier`). How
# hidden weights began goes without saying in all of them (see `config.kept`).
EARLIER_VERSIONS = ("5", "4", "3")
# What has more is no version.
MOST_DIGITS = 9


def is_newer(version: Any) -> bool:
    """Whether it is the version of a later engine, of which this one knows nothing."""
    known = isinstance(version, str) and version.isdecimal() and len(version) < MOST_DIGITS
    return known and int(version) > int(ENGINE_VERSION)


def newer_in_words(count: int) -> str:
    """What is to be said of so many runs of later engines; "" of none."""
    of = f"of a newer version of the engine than this one, {ENGINE_VERSION}"
    if count == 1:
        return f"1 run {of}: it is left as it is"
    return f"{count} runs {of}: they are left as they are" if count else ""
