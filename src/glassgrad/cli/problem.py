"""From what the user named to training data: a built-in set, or a file of rows and its plan.

Layer L11.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from glassgrad.cli.settings import Settings
from glassgrad.cli.terminal import Output
from glassgrad.data import DATASETS, Dataset, TablePlan, TableReport, load_dataset
from glassgrad.data.columns import Table
from glassgrad.data.delimited import read_csv
from glassgrad.data.fitting import fit_table, table_dataset, table_folds
from glassgrad.data.read import read_table
from glassgrad.data.splits import folds, split, split_indices
from glassgrad.errors import OptionError, nearest
from glassgrad.text import say

TEST_SHARE = 0.2
_FOR_FILES = ("target", "drop", "missing", "task", "encoding", "delimiter")
_FILES = (".csv", ".tsv", ".txt", ".npz", ".data")


@dataclass(frozen=True)
class Part:
    """Arrays of one training and its test: a whole data set, or one fold of it."""

    dataset: Dataset
    plan: TablePlan | None = None


@dataclass(frozen=True)
class Problem:
    """The data as it was named: a built-in set, or a table with the rows kept for testing."""

    part: Part
    table: Table | None = None
    reports: tuple[str, ...] = ()

    @property
    def dataset(self) -> Dataset:
        return self.part.dataset

    def folds(self, count: int, settings: Settings) -> Iterator[Part]:
        """The parts of a cross-validation of all rows; of the training rows of a built-in set."""
        seed = settings.seed or 0
        if self.table is not None:
            options = table_options(settings)
            found = table_folds(self.table, settings.target, count, seed=seed, **options)
            yield from (Part(data.dataset, data.plan) for data in found)
            return
        whole = self.dataset
        X, y = whole.train
        is_stratified = whole.task == "classification"
        for train, held in folds(y, count, seed=seed, stratified=is_stratified):
            yield Part(_with_rows(whole, (X[train], y[train]), (X[held], y[held])))


def canonical(name: str) -> str:
    """A data set's name as `DATASETS` has it; empty for anything else."""
    key = name.lower().replace("_", "-")
    key = {"cifar10": "cifar-10", "fashionmnist": "fashion-mnist"}.get(key, key)
    return key if key in DATASETS else ""


def open_problem(settings: Settings, output: Output) -> Problem:
    """Read or load what the settings name; with folds, no rows of a table are kept for testing."""
    name = settings.dataset or ""
    if canonical(name):
        return _built_in(canonical(name), settings, output)
    path = Path(name).expanduser()
    if not path.is_file():
        raise no_such_data(name)
    return _from_file(path, settings)


def no_such_data(name: str) -> OptionError:
    """The error for a word that is neither a data set nor a file."""
    path = Path(name).expanduser()
    if path.is_dir():
        return OptionError(
            say("{path} is a folder without a config.toml", path=name),
            hint=say("name a data set, a CSV or NPZ file, or a config.toml"),
        )
    if path.suffix.lower() in (*_FILES, ".toml") or len(path.parts) > 1:
        listed = [p.name for p in path.parent.glob("*") if p.suffix == path.suffix]
        hint = nearest(path.name, listed) if listed else ""
        return OptionError(say("there is no file {path}", path=name), hint=hint)
    problem = say("unknown {what} {word!r}", what=say("dataset"), word=name)
    return OptionError(problem, hint=nearest(name, DATASETS))


def table_options(settings: Settings) -> dict[str, Any]:
    """The options of `table_dataset` and `table_folds`."""
    return {
        "drop": settings.drop or (),
        "missing": settings.missing or "error",
        "task": settings.task,
        "dtype": settings.dtype,
    }


def validation_split(
    dataset: Dataset, share: float, seed: int
) -> tuple[tuple[Any, Any], tuple[Any, Any] | None]:
    """The training rows, and those of them that early stopping watches instead."""
    X, y = dataset.train
    if share <= 0:
        return (X, y), None
    stratify = dataset.task == "classification"
    parts = split(X, y, share, seed=seed, stratify=stratify)
    return (parts[0], parts[1]), (parts[2], parts[3])


# --- helpers -----------------------------------------------------------------------------


def _built_in(name: str, settings: Settings, output: Output) -> Problem:
    for field in _FOR_FILES:
        if getattr(settings, field) is not None:
            problem = say("--{name} is for files; {dataset} has its own", name=field, dataset=name)
            raise OptionError(problem)
    if settings.data is not None and not Path(settings.data).is_dir():
        raise OptionError(say("there is no folder {path}", path=settings.data), operation="--data")
    dataset = load_dataset(
        name,
        settings.data,
        dtype=settings.dtype,
        seed=settings.seed or 0,
        progress=_download_progress(name, output),
    )
    if dataset.note:
        output.note(f"{dataset.name}: {dataset.note}")
    return Problem(Part(dataset))


def _download_progress(name: str, output: Output) -> Any:
    """Says each tenth of a download."""
    told: dict[int, int] = {}

    def show(done: int, total: int) -> None:
        tenth = 10 * done // max(total, 1)
        if told.get(total) != tenth:
            told[total] = tenth
            text = say("downloading {name}: {share}%", name=name, share=10 * tenth)
            output.note(f"{text} ({done / 1e6:.1f} / {total / 1e6:.1f} MB)")

    return show


def _from_file(path: Path, settings: Settings) -> Problem:
    if settings.delimiter is not None:
        delimiter = settings.delimiter.replace("\\t", "\t")
        table = read_csv(path, encoding=settings.encoding, delimiter=delimiter)
    else:
        table = read_table(path, encoding=settings.encoding)
    options = table_options(settings)
    if settings.folds:
        table = replace(table, test_rows=None)
    elif table.test_rows is None:
        table = replace(table, test_rows=_test_rows(table, settings, options))
    data = table_dataset(table, settings.target, test=0, **options)
    reports = [*data.train_report.lines()]
    reports += [] if data.test_report is None else _of_test(data.test_report)
    return Problem(Part(data.dataset, data.plan), table, tuple(reports))


def _test_rows(table: Table, settings: Settings, options: dict[str, Any]) -> NDArray[np.int64]:
    """The rows to keep for testing: usable ones, every class in its share."""
    plan = fit_table(table, settings.target, **{k: v for k, v in options.items() if k != "dtype"})
    batch = plan.transform(table, with_target=True)
    strata = batch.y if plan.task == "classification" else None
    shares = (1 - TEST_SHARE, TEST_SHARE)
    parts = split_indices(len(batch.kept), shares, seed=settings.seed or 0, stratify=strata)
    return batch.kept[parts[1]]


def _of_test(report: TableReport) -> list[str]:
    return [say("test part: {line}", line=line) for line in report.lines()]


def _with_rows(dataset: Dataset, train: tuple[Any, Any], test: tuple[Any, Any]) -> Dataset:
    return replace(
        dataset,
        train_X=np.asarray(train[0]),
        train_y=np.asarray(train[1]),
        test_X=np.asarray(test[0]),
        test_y=np.asarray(test[1]),
    )
