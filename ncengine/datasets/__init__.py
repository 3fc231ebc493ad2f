"""The data sets: what there is, where it lies, how it gets here, and its samples."""

from ncengine.datasets.errors import DatasetDamaged, DatasetError
from ncengine.datasets.fetching import DownloadError, download, mirrors
from ncengine.datasets.files import DatasetMissing, folder, is_available, missing
from ncengine.datasets.registry import DATASETS, DatasetInfo, dataset_info
from ncengine.datasets.sampling import Data, Split, load
from ncengine.datasets.sources import SourceError

__all__ = [
    "DATASETS",
    "Data",
    "DatasetDamaged",
    "DatasetError",
    "DatasetInfo",
    "DatasetMissing",
    "DownloadError",
    "SourceError",
    "Split",
    "dataset_info",
    "download",
    "folder",
    "is_available",
    "load",
    "mirrors",
    "missing",
]
