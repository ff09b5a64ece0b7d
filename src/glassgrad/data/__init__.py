"""Data: made-up, shipped, downloaded or the user's own; splits, folds and mini-batches.

Layer L8. Needs NumPy only; nothing here knows tensors or networks. A name is imported from its
file when it is first used, so that `import glassgrad` does not pay for reading tables.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
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
    from glassgrad.data.images import cifar10 as cifar10
    from glassgrad.data.images import digits as digits
    from glassgrad.data.images import fashion_mnist as fashion_mnist
    from glassgrad.data.images import mnist as mnist
    from glassgrad.data.labels import check_labels as check_labels
    from glassgrad.data.labels import infer_task as infer_task
    from glassgrad.data.loader import Batches as Batches
    from glassgrad.data.plan_json import plan_from_dict as plan_from_dict
    from glassgrad.data.plan_json import plan_to_dict as plan_to_dict
    from glassgrad.data.read import read_table as read_table
    from glassgrad.data.scaling import Standardizer as Standardizer
    from glassgrad.data.splits import folds as folds
    from glassgrad.data.splits import split as split
    from glassgrad.data.splits import split_indices as split_indices
    from glassgrad.data.synthetic import blobs as blobs
    from glassgrad.data.synthetic import circles as circles
    from glassgrad.data.synthetic import moons as moons
    from glassgrad.data.synthetic import spiral as spiral
    from glassgrad.data.synthetic import xor as xor
    from glassgrad.data.table import TableBatch as TableBatch
    from glassgrad.data.table import TablePlan as TablePlan
    from glassgrad.data.table import TableReport as TableReport

_NAMES = {
    "catalog": "DATASETS load_dataset",
    "columns": "Column Table table_of",
    "dataset": "Dataset",
    "delimited": "read_csv",
    "features": "Feature",
    "fetch": "data_folder search_folders",
    "fitting": "TableData fit_table table_dataset table_folds",
    "formats": "read_idx read_npz write_idx",
    "images": "cifar10 digits fashion_mnist mnist",
    "labels": "check_labels infer_task",
    "loader": "Batches",
    "plan_json": "plan_from_dict plan_to_dict",
    "read": "read_table",
    "scaling": "Standardizer",
    "splits": "folds split split_indices",
    "synthetic": "blobs circles moons spiral xor",
    "table": "TableBatch TablePlan TableReport",
}
_HOMES = {name: file for file, names in _NAMES.items() for name in names.split()}

__all__ = [
    "DATASETS",
    "Batches",
    "Column",
    "Dataset",
    "Feature",
    "Standardizer",
    "Table",
    "TableBatch",
    "TableData",
    "TablePlan",
    "TableReport",
    "blobs",
    "check_labels",
    "cifar10",
    "circles",
    "data_folder",
    "digits",
    "fashion_mnist",
    "fit_table",
    "folds",
    "infer_task",
    "load_dataset",
    "mnist",
    "moons",
    "plan_from_dict",
    "plan_to_dict",
    "read_csv",
    "read_idx",
    "read_npz",
    "read_table",
    "search_folders",
    "spiral",
    "split",
    "split_indices",
    "table_dataset",
    "table_folds",
    "table_of",
    "write_idx",
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
