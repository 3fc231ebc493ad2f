"""What can be wrong with a data set, said so that a reader can act on it."""

from __future__ import annotations


class DatasetError(RuntimeError):
    """A data set that cannot be had; the message is meant for a reader."""


class DatasetDamaged(DatasetError):
    """Files are there, but they are not what they must be. A download repairs the data set."""
