"""How busy this machine is with other things."""

from __future__ import annotations

from collections import deque
from pathlib import Path
from statistics import median

LOOKS = 5
# What a worker gets of a core that another thread wants all the time: Linux weighs a niceness of 10
# (see `ncengine.jobs.worker`) with 110, against 1,024 of usual ones.
GIVING_WAY = 0.1
RUNNABLE = Path("/proc/loadavg")


def runnable() -> int:
    """How many threads of the machine run or could run now, this one not counted.

    0 where the system does not say, as any but Linux.
    """
    try:
        return max(0, int(RUNNABLE.read_text().split()[3].split("/")[0]) - 1)
    except (OSError, ValueError, IndexError):
        return 0


def share(others: float, processes: int, cores: int) -> float:
    """What each of `processes` workers gets of a core, as a share, beside `others` threads."""
    free = min(max(cores - others, 0), processes)
    return (free + GIVING_WAY * (processes - free)) / processes


class Load:
    """How many threads of others run, over the last few looks. One thread looks, others read."""

    def __init__(self) -> None:
        self._looks: deque[int] = deque([0], maxlen=LOOKS)

    def look(self, own: int) -> None:
        """Look again, while `own` threads that run are ours."""
        self._looks.append(max(0, runnable() - own))

    @property
    def others(self) -> float:
        """The median of the looks, for a moment's crowd means nothing."""
        return median(self._looks)
