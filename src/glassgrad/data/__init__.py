"""Data: made-up, shipped, downloaded or the user's own; splits, folds and mini-batches.

Layer L8. Needs NumPy only; nothing here knows tensors or networks. A name is imported from its
file when it is first used, so that `import glassgrad` does not pay for reading tables.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from glassgrad.data.augment import Augmentation as Augmentation
    from glassgrad.data.augment import Crop as Crop
    from glassgrad.data.augment import Cutout as Cutout
    from glassgrad.data.augment import Erase as Erase
    from glassgrad.data.augment import Flip as Flip
    from glassgrad.data.augment import Mixup as Mixup
    from glassgrad.data.augment import Noise as Noise
    from glassgrad.data.augment import Rotate as Rotate
    from glassgrad.data.augment import Shift as Shift
    from glassgrad.data.augment import augmented as augmented
    from glassgrad.data.catalog import DATASETS as DATASETS
    from glassgrad.data.catalog import load_dataset as load_dataset
    from glassgrad.data.columns import Column as Column
    from glassgrad.data.columns import Table as Table
    from glassgrad.data.columns import table_of as table_of
    from glassgrad.data.dataset import Dataset as Dataset
    from glassgrad.data.delimited import read_csv as read_csv
    from glassgrad.data.features import Feature as Feature
    from glassgrad.data.fetch import data_folder as data_folder
    from glassgrad.data.fetch import search_folders as search_folders
    from glassgrad.data.fitting import TableData as TableData
    from glassgrad.data.fitting import fit_table as fit_table
    from glassgrad.data.fitting import table_dataset as table_dataset
    from glassgrad.data.fitting import table_folds as table_folds
    from glassgrad.data.formats import read_idx as read_idx
    from glassgrad.data.formats import read_npz as read_npz
    from glassgrad.data.formats import write_idx as write_idx
    from glassgrad.data.hangul import from_jamo as from_jamo
    from glassgrad.data.hangul import to_jamo as to_jamo
    from glassgrad.data.images import cifar10 as cifar10
    from glassgrad.data.images import digits as digits
    from glassgrad.data.images import fashion_mnist as fashion_mnist
    from glassgrad.data.images import mnist as mnist
    from glassgrad.data.labels import check_labels as check_labels
    from glassgrad.data.labels import infer_task as infer_task
    from glassgrad.data.loader import Batches as Batches
    from glassgrad.data.loader import EpochBatches as EpochBatches
    from glassgrad.data.mel import log_mel as log_mel
    from glassgrad.data.mel import mel_filters as mel_filters
    from glassgrad.data.mel import padded as padded
    from glassgrad.data.pictures import PictureFolder as PictureFolder
    from glassgrad.data.plan_json import plan_from_dict as plan_from_dict
    from glassgrad.data.plan_json import plan_to_dict as plan_to_dict
    from glassgrad.data.prefetch import Prefetch as Prefetch
    from glassgrad.data.prefetch import ahead_of as ahead_of
    from glassgrad.data.read import read_table as read_table
    from glassgrad.data.scaling import Standardizer as Standardizer
    from glassgrad.data.series import Series as Series
    from glassgrad.data.series import sliding_windows as sliding_windows
    from glassgrad.data.series import time_series as time_series
    from glassgrad.data.splits import folds as folds
    from glassgrad.data.splits import split as split
    from glassgrad.data.splits import split_indices as split_indices
    from glassgrad.data.streaming import Streamed as Streamed
    from glassgrad.data.streaming import open_npy as open_npy
    from glassgrad.data.streaming import write_npy as write_npy
    from glassgrad.data.synthetic import blobs as blobs
    from glassgrad.data.synthetic import circles as circles
    from glassgrad.data.synthetic import moons as moons
    from glassgrad.data.synthetic import spiral as spiral
    from glassgrad.data.synthetic import xor as xor
    from glassgrad.data.table import TableBatch as TableBatch
    from glassgrad.data.table import TablePlan as TablePlan
    from glassgrad.data.table import TableReport as TableReport
    from glassgrad.data.texts import TextDataset as TextDataset
    from glassgrad.data.texts import hashed_ngrams as hashed_ngrams
    from glassgrad.data.texts import nsmc as nsmc
    from glassgrad.data.texts import read_text as read_text
    from glassgrad.data.texts import tiny_shakespeare as tiny_shakespeare
    from glassgrad.data.vocabulary import Vocabulary as Vocabulary
    from glassgrad.data.wav import Recordings as Recordings
    from glassgrad.data.wav import read_wav as read_wav
    from glassgrad.data.wav import spoken_digits as spoken_digits
    from glassgrad.data.windows import RandomWindows as RandomWindows
    from glassgrad.data.windows import StatefulWindows as StatefulWindows

_NAMES = {
    "augment": "Augmentation Crop Cutout Erase Flip Mixup Noise Rotate Shift augmented",
    "catalog": "DATASETS load_dataset",
    "columns": "Column Table table_of",
    "dataset": "Dataset",
    "delimited": "read_csv",
    "features": "Feature",
    "fetch": "data_folder search_folders",
    "fitting": "TableData fit_table table_dataset table_folds",
    "formats": "read_idx read_npz write_idx",
    "hangul": "from_jamo to_jamo",
    "images": "cifar10 digits fashion_mnist mnist",
    "labels": "check_labels infer_task",
    "loader": "Batches EpochBatches",
    "mel": "log_mel mel_filters padded",
    "pictures": "PictureFolder",
    "plan_json": "plan_from_dict plan_to_dict",
    "prefetch": "Prefetch ahead_of",
    "read": "read_table",
    "scaling": "Standardizer",
    "series": "Series sliding_windows time_series",
    "splits": "folds split split_indices",
    "streaming": "Streamed open_npy write_npy",
    "synthetic": "blobs circles moons spiral xor",
    "table": "TableBatch TablePlan TableReport",
    "texts": "TextDataset hashed_ngrams nsmc read_text tiny_shakespeare",
    "vocabulary": "Vocabulary",
    "wav": "Recordings read_wav spoken_digits",
    "windows": "RandomWindows StatefulWindows",
}
_HOMES = {name: file for file, names in _NAMES.items() for name in names.split()}

__all__ = [
    "DATASETS",
    "Augmentation",
    "Batches",
    "Column",
    "Crop",
    "Cutout",
    "Dataset",
    "EpochBatches",
    "Erase",
    "Feature",
    "Flip",
    "Mixup",
    "Noise",
    "PictureFolder",
    "Prefetch",
    "RandomWindows",
    "Recordings",
    "Rotate",
    "Series",
    "Shift",
    "Standardizer",
    "StatefulWindows",
    "Streamed",
    "Table",
    "TableBatch",
    "TableData",
    "TablePlan",
    "TableReport",
    "TextDataset",
    "Vocabulary",
    "ahead_of",
    "augmented",
    "blobs",
    "check_labels",
    "cifar10",
    "circles",
    "data_folder",
    "digits",
    "fashion_mnist",
    "fit_table",
    "folds",
    "from_jamo",
    "hashed_ngrams",
    "infer_task",
    "load_dataset",
    "log_mel",
    "mel_filters",
    "mnist",
    "moons",
    "nsmc",
    "open_npy",
    "padded",
    "plan_from_dict",
    "plan_to_dict",
    "read_csv",
    "read_idx",
    "read_npz",
    "read_table",
    "read_text",
    "read_wav",
    "search_folders",
    "sliding_windows",
    "spiral",
    "split",
    "split_indices",
    "spoken_digits",
    "table_dataset",
    "table_folds",
    "table_of",
    "time_series",
    "tiny_shakespeare",
    "to_jamo",
    "write_idx",
    "write_npy",
    "xor",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"glassgrad.data.{_HOMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
