"""The process that reads tables for `apart`: it takes no more memory and work than it may."""

from __future__ import annotations

import io
import json
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO

from ncengine.own import tables
from ncengine.own.apart import told
from ncengine.own.limits import Budget, Limits
from ncengine.own.terms import FileName
from ncengine.own.words import Told, shown
from ncengine.reasons import reason

# What libraries take before anything is read, and how many times what is read, while it is.
_BEFORE, _TIMES = 4 * 2**30, 6
# Seconds of work for a table, whatever else the machine does meanwhile.
_WORK = 300


def main() -> None:
    """Answer until nobody asks any more."""
    given, out = sys.stdin.buffer, sys.stdout.buffer
    while line := given.readline():
        asked = json.loads(line)
        _limit(asked["limits"]["memory"] + asked["size"])
        try:
            answer, arrays = told(*_read(asked, given))
        except (ValueError, OSError, MemoryError) as error:
            said = str(error) if isinstance(error, Told) else f"{asked['name']}: {reason(error)}"
            answer, arrays = json.dumps({"refused": shown(said, 290)}).encode() + b"\n", []
        out.write(answer)
        for array in arrays:
            out.write(array.data)
        out.flush()


def _read(asked: dict[str, Any], given: BinaryIO) -> Any:
    named = FileName(*asked["named"])
    budget = Budget(Limits(**asked["limits"]), asked["left"])
    if asked["path"] is not None:
        with Path(asked["path"]).open("rb") as file:
            return tables.read(file, asked["name"], asked["ending"], named, budget)
    content = io.BytesIO(given.read(asked["size"]))
    return tables.read(content, asked["name"], asked["ending"], named, budget)


def _limit(memory: int) -> None:
    """Have the system end this process where it takes more."""
    try:
        import resource
    except ImportError:  # Windows
        return
    worked = resource.getrusage(resource.RUSAGE_SELF)
    most = int(worked.ru_utime + worked.ru_stime) + _WORK
    for which, value in (
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_CPU, most),
        (resource.RLIMIT_AS, _BEFORE + _TIMES * memory),
    ):
        with suppress(ValueError, OSError):
            resource.setrlimit(which, (value, resource.getrlimit(which)[1]))


if __name__ == "__main__":
    main()
