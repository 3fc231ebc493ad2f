"""The data sets: what there is, where it lies, how it gets here, and its samples."""

from ncengine.catalogue.datasets import DATASETS, DatasetInfo, dataset_info
from ncengine.datasets.errors import DatasetDamaged, DatasetError
from ncengine.datasets.files.fetching import DownloadError, download, mirrors
from ncengine.datasets.files.local import DatasetMissing, folder, is_available, missing, require
from ncengine.datasets.files.sources import SourceError
from ncengine.datasets.sampling import Data, Split, load

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
    "require",
]
