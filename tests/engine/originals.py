"""Data sets' files for tests: the original ones where they are, and the folder they lie in."""

import hashlib
import os
from pathlib import Path

from ncengine.datasets import sampling

DEBIAN = Path("/usr/share/datasets")


def original(folder, file):
    """The folder with that file: in the one that NC_TEST_DATA names, or beside the checkout."""
    named = os.environ.get("NC_TEST_DATA")
    root = Path(named) if named else Path(__file__).parents[3] / "shared" / "data"
    for candidate in (root / folder, DEBIAN / folder):
        if (candidate / file).exists():
            return candidate
    return None


def hashes_of(*paths):
    """The files' hashes as the variable that names a source wants them."""
    return " ".join("sha256:" + hashlib.sha256(path.read_bytes()).hexdigest() for path in paths)


def forget():
    """Nothing that was loaded before is remembered."""
    sampling._pool.cache_clear()
    sampling._load.cache_clear()
