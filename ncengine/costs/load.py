"""How busy this machine is with other things."""

from __future__ import annotations

from collections import deque
from pathlib import Path
from statistics import median

LOOKS = 5
RUNNABLE = Path("/proc/loadavg")


def runnable() -> int:
    """How many threads of the machine run or could run now, this one not counted.

    0 where the system does not say, as any but Linux.
    """
    try:
        return max(0, int(RUNNABLE.read_text().split()[3].split("/")[0]) - 1)
    except (OSError, ValueError, IndexError):
        return 0


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
