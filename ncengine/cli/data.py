"""What the command line does and says about files of data sets."""

from __future__ import annotations

import sys
from collections.abc import Iterable

from ncengine.config import RunConfig


def fetch(configs: Iterable[RunConfig]) -> None:
    """Download what the data sets of these lack."""
    from ncengine.datasets import dataset_info, download

    for name in dict.fromkeys(config.dataset for config in configs):
        if dataset_info(name).files:
            # Also where files are there: only their checksums tell whether they are whole.
            download(name, progress=sys.stderr.isatty())


def remedy(error: Exception) -> str:
    """A sentence, after a space, on the option that mends it; "" where none does."""
    from ncengine.datasets import DatasetMissing, mirrors

    if isinstance(error, DatasetMissing) and mirrors(error.dataset):
        return " The option --download fetches the data set."
    return ""


def lacking(configs: Iterable[RunConfig]) -> list[str]:
    """What is to be said of each data set of these that is not on this machine."""
    from ncengine.datasets import DatasetError, require

    sentences = []
    for name in dict.fromkeys(config.dataset for config in configs):
        try:
            require(name)
        except DatasetError as error:
            sentences.append(f"{error}{remedy(error)}")
    return sentences
