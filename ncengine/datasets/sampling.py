"""load: the samples that an experiment trains and is tested on.

How samples are drawn
    Each class has a pool for training and a pool for testing that share no sample. From the
    training pool, `data_seed` draws an order, class by class; the first n of it are used. So a
    smaller n gives a subset of a larger one, and fewer classes leave the others' samples as they
    are. The test samples are the same for every `data_seed`, but for Gaussian clusters, whose
    centres change with it.

    digits: 24 samples of each class are for testing, chosen once and for all; at least 150 are
    left for training. MNIST, Fashion-MNIST, CIFAR10: the published split, and of its test part
    100 of each class. IMDB: of the published split the reviews that have C words, for
    training less those whose last C words do not decide the class (see `imdb`), and 100 of each
    class for testing.
    Gaussian clusters: as many as asked for, and 100 of each class for testing.

    Of the test samples of each class the first n are used, but no fewer than 20 where there are
    as many: otherwise, where n is small, the test would take as long as the training. Of files
    that are not the published ones some classes may have fewer: then as many of each as the
    class that has fewest.

How inputs are scaled
    Pixels: minus their mean, over their standard deviation, taken over all pixels of the whole
    training pool; two numbers for the data set, of CIFAR10 two for each of the three channels.
    Images are flattened in the order (height, width, channel). Gaussian clusters: over
    sqrt(1 + spread^2), the standard deviation of a coordinate over centres and samples. Words
    are numbers from the start.
"""

from __future__ import annotations

from functools import lru_cache
from threading import Lock
from typing import TYPE_CHECKING

from ncengine.catalogue.datasets import dataset_info
from ncengine.datasets import gaussian, images, imdb
from ncengine.datasets.data import LEAST_TESTED, TEST_PER_CLASS, Data, Split
from ncengine.datasets.files import local
from ncengine.datasets.files.sources import checksum
from ncengine.datasets.recent import Recent

if TYPE_CHECKING:
    from ncengine.config import RunConfig

__all__ = ["Data", "Split", "held_out_per_class", "load"]

# Enough for several experiments at once; all of CIFAR10's samples would take 770 MB by themselves.
REMEMBERED_BYTES = 256 * 2**20

# So that two who ask at once do not both read, and hold, the same 150 MB.
_READING = Lock()


def held_out_per_class(config: RunConfig) -> int:
    """How many test samples `load` gives of each class, where there are as many. Needs no data."""
    there = images.DIGITS_TEST_PER_CLASS if config.dataset == "digits" else TEST_PER_CLASS
    return min(there, max(LEAST_TESTED, config.samples_per_class))


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
    shape: tuple[float, ...] = ()
    if name == "gaussian":
        shape = (config.input_dim, config.spread)
    elif name == "imdb":
        shape = (config.vocabulary, config.context)
    if name != "gaussian":
        local.require(name)
    # What a variable says of the files may change while the program runs.
    content = checksum(name)
    n, tested = config.samples_per_class, held_out_per_class(config)
    return _load(name, content, config.classes, n, config.data_seed, shape, tested)


def _made(
    name: str, content: str, classes: int, n: int, seed: int, shape: tuple, tested: int
) -> Data:
    return _drawn(name, content, classes, n, seed, shape).tested_on(tested)


def _drawn(name: str, content: str, classes: int, n: int, seed: int, shape: tuple) -> Data:
    if name == "gaussian":
        return gaussian.draw(classes, n, seed, *shape)
    with _READING:
        pool = _pool(name, content)
    if isinstance(pool, imdb.Reviews):
        return imdb.select(pool, n, seed, *shape)
    return images.select(pool, classes, n, seed)


_load = Recent(_made, size=lambda data: data.nbytes, most=REMEMBERED_BYTES)


@lru_cache(maxsize=1)
def _pool(name: str, content: str) -> images.Pool | imdb.Reviews:
    paths = local.check(name) if dataset_info(name).files else []
    return imdb.reviews(paths[0]) if name == "imdb" else images.POOLS[name](paths)
