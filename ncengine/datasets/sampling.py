"""load: the samples that an experiment trains and is tested on.

How samples are drawn
    Each class has a pool for training and a pool for testing that share no sample. From the
    training pool, `data_seed` draws an order, class by class; the first n of it are used. So a
    smaller n gives a subset of a larger one, and fewer classes leave the others' samples as they
    are. The test samples are the same for every `data_seed`, but for Gaussian clusters, whose
    centres change with it.

    digits: of each class some are for testing, chosen once and for all. MNIST, Fashion-MNIST,
    CIFAR10: the published split. IMDB: of the published split the reviews that have C words, for
    training less those whose last C words do not decide the class (see `imdb`). Gaussian clusters:
    as many as asked for. Of each class `DatasetInfo.held_out` are for testing.

    Of the test samples of each class the first n are used, but no fewer than 20 where there are
    as many: otherwise, where n is small, the test would take as long as the training. Of files
    that are not the published ones some classes may have fewer: then as many of each as the
    class that has fewest.

How inputs are scaled
    Pixels: minus their mean, over their standard deviation, taken over all pixels of the whole
    training pool; two numbers for the data set, of CIFAR10 two for each of the three channels.
    Where images are averaged down, that is done before, and the numbers are those of the means.
    Images are flattened in the order (height, width, channel). Gaussian clusters: over
    sqrt(1 + spread^2), the standard deviation of a coordinate over centres and samples. Words
    are numbers from the start.
"""

from __future__ import annotations

from functools import lru_cache
from threading import Lock
from typing import TYPE_CHECKING, Any

from cachetools import LRUCache, cached

from ncengine.catalogue.datasets import dataset_info
from ncengine.datasets.data import LEAST_TESTED, Data, Split
from ncengine.datasets.dataset import dataset
from ncengine.datasets.files import local
from ncengine.datasets.files.sources import checksum

if TYPE_CHECKING:
    from ncengine.config import RunConfig

__all__ = ["Data", "Split", "held_out_per_class", "load"]

# Enough for several experiments at once; all of CIFAR10's samples would take 770 MB by themselves.
REMEMBERED_BYTES = 256 * 2**20

# Values of `RunConfig` by the names of `DatasetInfo.fields`.
Fields = tuple[tuple[str, Any], ...]

# So that two who ask at once do not both read, and hold, the same 150 MB.
_READING = Lock()


def held_out_per_class(config: RunConfig) -> int:
    """How many test samples `load` gives of each class, where there are as many. Needs no data."""
    most = dataset_info(config.dataset).held_out
    return min(most, max(LEAST_TESTED, config.samples_per_class))


def load(config: RunConfig) -> Data:
    """The training and test samples of an experiment, sorted by class (see above on sampling).

    Calls that follow each other closely return the same read-only arrays.

    Raises:
        DatasetMissing: it has to be downloaded first, which this never does by itself.
        DatasetDamaged: a file is not what it must be; see `local.check` for what becomes of it.
        SourceError: the variable that names the files cannot be understood, see `sources`.
        ConfigError: fewer samples of a class are there than asked for; says how many there are.
    """
    name = config.dataset
    fields = tuple((field, getattr(config, field)) for field in dataset_info(name).fields)
    if "image_side" in config.params:
        fields += (("side", config.image_side),)
    local.require(name)
    # What a variable says of the files may change while the program runs.
    content = checksum(name)
    n, tested = config.samples_per_class, held_out_per_class(config)
    return _load(name, content, config.classes, n, config.data_seed, fields, tested)


def _made(
    name: str, content: str, classes: int, n: int, seed: int, fields: Fields, tested: int
) -> Data:
    pool = None
    if dataset(name).read is not None:
        with _READING:
            pool = _pool(name, content)
    return dataset(name).draw(pool, classes, n, seed, **dict(fields)).tested_on(tested)


def _size(data: Data) -> int:
    # The last samples stay, however large, and alone.
    return min(data.nbytes, REMEMBERED_BYTES)


_load = cached(LRUCache(REMEMBERED_BYTES, getsizeof=_size), lock=Lock())(_made)


@lru_cache(maxsize=1)
def _pool(name: str, content: str) -> Any:
    read = dataset(name).read
    return read(local.check(name) if dataset_info(name).files else []) if read else None
