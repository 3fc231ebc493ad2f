"""How much is read at most of what comes from anywhere."""

from __future__ import annotations

from dataclasses import dataclass

from ncengine.own.words import Told


@dataclass(frozen=True)
class Limits:
    """What files may be at most.

    Attributes:
        file: bytes of each.
        memory: bytes of all that is read of them together, once unpacked.
        files, snapshots: how many.
        samples, width, classes: N, d and K of each snapshot.
        side: pixels of an image.
    """

    file: int = 64 * 2**20
    memory: int = 256 * 2**20
    files: int = 1000
    snapshots: int = 1000
    samples: int = 10**6
    width: int = 2**14
    classes: int = 1000
    side: int = 1024


# What a page takes, and what the command line does from its own machine's disk.
UPLOADED = Limits()
LOCAL = Limits(file=4 * 2**30, memory=8 * 2**30)
# Larger numbers could not be told from infinity where they are drawn.
LARGEST = 1e30
# Of a name of a class or a label so many characters are kept.
LONGEST = 80


class Budget:
    """What is left of the memory."""

    def __init__(self, limits: Limits, left: int | None = None):
        self.limits, self.left = limits, limits.memory if left is None else left

    def take(self, where: str, size: int) -> None:
        """Count so many bytes, before they are taken. Raises ValueError where they are too many."""
        if size > self.left:
            raise Told(
                f"{where}: unpacked it takes {size:,} bytes; all files together may take "
                f"{self.limits.memory:,}"
            )
        self.left -= size
