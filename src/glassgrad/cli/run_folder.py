"""A run directory: what is in it, how it gets its name, and how it is read.

Layer L11.

    runs/digits/  config.toml  run.json  model.safetensors  history.csv  checkpoint/  test.csv
                  report.html

`run.json` holds what raw rows mean to the model and what the run found, in a closed schema;
`test.csv` the raw rows of a table that were kept for testing. To use the model nothing else is
needed.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from glassgrad.cli.config_file import CONFIG, read_config
from glassgrad.cli.settings import Settings
from glassgrad.cli.terminal import plain
from glassgrad.data.columns import Column, Table
from glassgrad.data.plan_json import plan_from_dict, plan_to_dict
from glassgrad.data.table import TablePlan
from glassgrad.errors import FileFormatError, OptionError, nearest
from glassgrad.files import (
    anything,
    atomic_write,
    each,
    integer,
    misfit,
    named_access,
    number,
    one_of,
    optional,
    parse_json,
    read_bytes,
    record,
    table,
)
from glassgrad.files import text as is_text
from glassgrad.io import run_lock
from glassgrad.io.model import MODEL
from glassgrad.nn.losses import LOSSES
from glassgrad.text import say
from glassgrad.train.heads import CLASSIFICATION, REGRESSION, Head

RUNS = "runs"
INFO, HISTORY, CHECKPOINT, TEST = "run.json", "history.csv", "checkpoint", "test.csv"
REPORT = "report.html"
_FORMAT, _VERSION = "glassgrad.run", 1
_MOST_NAMES = 100_000
_UNSAFE = '/\\:*?"<>|'


@dataclass(frozen=True)
class RunInfo:
    """What a model was trained for.

    dataset, source: the data set's name; of a file also where it was
    classes:         the names of the classes in the order of their numbers (classification)
    features:        the width of a row
    scale:           what raw numbers are divided by (built-in sets)
    plan:            how raw rows of a table become features
    result:          what the run found, once it has ended
    """

    dataset: str
    source: str
    task: str
    classes: tuple[str, ...]
    features: int
    scale: float
    image_shape: tuple[int, ...]
    loss: str
    plan: TablePlan | None = None
    result: dict[str, Any] = field(default_factory=dict)

    @property
    def head(self) -> Head:
        return Head(self.loss, len(self.classes))


_SCHEMA = record(
    {
        "format": one_of([_FORMAT]),
        "version": one_of([_VERSION]),
        "dataset": is_text,
        "source": is_text,
        "task": one_of([CLASSIFICATION, REGRESSION]),
        "classes": each(is_text),
        "features": integer(1, 2**31),
        "scale": number,
        "image_shape": each(integer(1, 2**31)),
        "loss": one_of(LOSSES),
        "plan": optional(anything),
        "result": table(anything),
    }
)


@dataclass(frozen=True)
class RunFolder:
    """The files of a run."""

    path: Path

    @property
    def model(self) -> Path:
        return self.path / MODEL

    @property
    def checkpoint(self) -> Path:
        return self.path / CHECKPOINT

    @property
    def history(self) -> Path:
        return self.path / HISTORY

    @property
    def config(self) -> Path:
        return self.path / CONFIG

    @property
    def test(self) -> Path:
        return self.path / TEST

    @property
    def report(self) -> Path:
        return self.path / REPORT

    def has_begun(self) -> bool:
        """Whether there is a checkpoint to go on from."""
        return any(self.checkpoint.glob("last/*"))

    def settings(self) -> Settings:
        return read_config(self.config)

    def write_info(self, info: RunInfo) -> None:
        """Write run.json as a whole."""
        plan = None if info.plan is None else plan_to_dict(info.plan)
        fields = {"format": _FORMAT, "version": _VERSION, **asdict(info), "plan": plan}
        fields["result"] = plain(info.result)
        content = json.dumps(fields, ensure_ascii=False, allow_nan=False, indent=1)
        atomic_write(self.path / INFO, content.encode("utf-8"))

    def read_info(self) -> RunInfo:
        """run.json, every key checked; a `FileFormatError` names what does not fit."""
        path = self.path / INFO
        fields = _SCHEMA(parse_json(read_bytes(path), str(path)), str(path))
        try:
            plan = None if fields["plan"] is None else plan_from_dict(fields["plan"])
        except FileFormatError as error:
            raise misfit(str(path), error.problem) from error
        classes = tuple(fields["classes"])
        if (fields["task"] == CLASSIFICATION) != (len(classes) > 1):
            raise misfit(str(path), say("the classes do not fit the task"))
        rest = {k: v for k, v in fields.items() if k not in ("format", "version")}
        image_shape = tuple(rest.pop("image_shape"))
        return RunInfo(**{**rest, "plan": plan, "classes": classes, "image_shape": image_shape})

    def write_test(self, rows: Table, plan: TablePlan) -> None:
        """Keep raw rows for `evaluate`, under the plan's column names if the file had names."""
        stream = io.StringIO(newline="")
        writer = csv.writer(stream, lineterminator="\n")
        if plan.has_header:
            writer.writerow(rows.names)
        columns = [column.words(range(len(rows))) for column in rows.columns]
        writer.writerows(zip(*columns, strict=True))
        atomic_write(self.test, stream.getvalue().encode("utf-8"))

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keep other processes out for the length of a `with` block."""
        with run_lock(self.path):
            yield


def rows_of(source: Table, rows: Any) -> Table:
    """Some rows of a table, as a table."""
    chosen = np.asarray(rows)
    columns = tuple(
        Column(
            column.name,
            column.numbers[chosen],
            column.missing[chosen],
            None if column.texts is None else tuple(column.words(chosen)),
        )
        for column in source.columns
    )
    return Table(source.name, columns, has_header=source.has_header)


# --- names -------------------------------------------------------------------------------


def new_folder(out: str | None, name: str | None, dataset: str) -> RunFolder:
    """Make the directory of a new run: `name`, else the next free one of `dataset`, `dataset-2` …

    Raises:    OptionError if a directory of the `name` asked for is there already
    """
    root = Path(out or RUNS).expanduser()
    with named_access(root):
        root.mkdir(parents=True, exist_ok=True)
    if name is not None:
        path = root / checked_name(name)
        if not _made(path):
            raise OptionError(
                say("there is a run {path} already", path=path),
                hint=say("go on with it by --resume, or choose another --name"),
            )
        return RunFolder(path)
    for count in range(1, _MOST_NAMES):
        path = root / (dataset if count == 1 else f"{dataset}-{count}")
        if _made(path):
            return RunFolder(path)
    raise OptionError(say("no free name is left in {path}", path=root))


def _made(path: Path) -> bool:
    """Make a directory; False if something of that name is there, whoever made it."""
    with named_access(path):
        try:
            path.mkdir()
        except FileExistsError:
            return False
    return True


def checked_name(name: str) -> str:
    """A name that is one folder below the runs on every system."""
    if name in (".", "..") or name != name.strip() or any(c in name for c in _UNSAFE):
        raise OptionError(say("{name!r} cannot name a folder", name=name), operation="--name")
    return name


def earlier_run(out: str | None, name: str | None, dataset: str) -> RunFolder:
    """The run to go on with: that of `name`, else the one of `dataset` with the highest number."""
    root = Path(out or RUNS).expanduser()
    if name is not None:
        found = [(1, root / checked_name(name))]
    else:
        found = [(int(tail or 1), path) for path, tail in _numbered(root, dataset)]
    found = [(count, path) for count, path in found if (path / CONFIG).is_file()]
    if not found:
        what = name or dataset
        raise OptionError(say("{path} holds no run of {name} to go on with", path=root, name=what))
    return RunFolder(max(found)[1])


def _numbered(root: Path, dataset: str) -> Iterator[tuple[Path, str]]:
    for path in root.glob("*") if root.is_dir() else ():
        stem, _, tail = path.name.rpartition("-")
        if path.name == dataset:
            yield path, ""
        elif stem == dataset and tail.isdecimal():
            yield path, tail


def find_run(name: str) -> RunFolder:
    """The run that a path means, or a name below `runs`.

    Raises:    OptionError with the nearest names if there is none
    """
    places = [Path(name).expanduser(), Path(RUNS) / name]
    for place in places:
        if (place / INFO).is_file():
            return RunFolder(place)
    if any((place / CONFIG).is_file() for place in places):
        raise OptionError(say("{path} holds no trained model", path=name))
    parents = dict.fromkeys(place.parent for place in places)
    runs = [str(p.parent) for parent in parents for p in parent.glob(f"*/{INFO}")]
    hint = nearest(name, runs) if runs else say("train one: glassgrad train digits")
    raise OptionError(say("there is no run {path}", path=name), hint=hint)
