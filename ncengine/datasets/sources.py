"""Where a data set's files come from, and what they must be: address and hashes, one pair."""

from __future__ import annotations

from ncengine.datasets.registry import dataset_info


def checksum(name: str) -> str:
    """Names the data set's content; part of every run's key."""
    return dataset_info(name).checksum
