"""What a report shows, gathered from a run directory and its data.

Layer L11.
"""

from __future__ import annotations

import csv
import platform
import warnings
from collections.abc import Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import numpy as np

from glassgrad.cli.config_file import toml_value
from glassgrad.cli.doctor import blas
from glassgrad.cli.network import build_network, layer_rows
from glassgrad.cli.problem import Part, open_problem
from glassgrad.cli.run_folder import RunFolder, RunInfo
from glassgrad.cli.settings import FULL, KEYS, Settings
from glassgrad.cli.terminal import Output
from glassgrad.cli.trained import Trained
from glassgrad.cli.training import optimizer_of
from glassgrad.data.delimited import read_csv
from glassgrad.errors import DataWarning, FileFormatError, GlassgradError, OptionError
from glassgrad.files import read_bytes
from glassgrad.report import Layer, Material, Words
from glassgrad.text import say
from glassgrad.train.heads import Head

_UNTOLD = ("dataset", "name", "out", "data", "backend")


def material_of(
    folder: RunFolder,
    info: RunInfo,
    settings: Settings,
    model: Any,
    part: Part | None,
    history: Mapping[str, Sequence[float]],
    notes: Sequence[str] = (),
) -> Material:
    """The material of a run; without its `part` the sections that need data are left out."""
    head = info.head
    dataset = None if part is None else part.dataset
    dtype = settings.dtype or "float32"
    batch = settings.batch_size
    rows = 1 if dataset is None else len(dataset)
    remarks = [] if dataset is None or not dataset.note else [dataset.note]
    return Material(
        name=folder.path.resolve().name,
        dataset=info.dataset,
        source=info.source,
        model=model,
        loss=info.loss,
        classes=info.classes,
        features=() if dataset is None else dataset.feature_names,
        target=_target(info, part),
        image_shape=info.image_shape,
        train=None if dataset is None else dataset.train,
        test=None if dataset is None else dataset.test,
        encode=lambda y: head.encode(np.asarray(y), dtype),
        codes=head.codes,
        probabilities=head.probabilities if _has_probabilities(head) else None,
        quantities=_in_own_unit(info),
        initial=lambda: build_network(settings, head, info.features),
        optimizer=lambda network: optimizer_of(settings, network),
        layers=tuple(
            Layer(r.name, r.kind, r.output, r.parameters) for r in layer_rows(model, info.features)
        ),
        history=history,
        result=info.result,
        settings=tuple(_settings(settings)),
        command=_command(folder),
        batch_size=rows if batch == FULL else int(batch or 1),
        seed=settings.seed or 0,
        notes=(*remarks, *notes),
        words=_words(folder, info),
        citation="" if dataset is None else dataset.citation,
        licence="" if dataset is None else dataset.licence,
        versions=tuple(_versions(info.result.get("backend", ""))),
    )


def stored_material(trained: Trained, output: Output) -> Material:
    """The material of a run that ended earlier; its data are read again if they are still there."""
    folder, info = trained.folder, trained.info
    settings = folder.settings()
    if not info.result:
        raise OptionError(say("the run {path} has not ended", path=folder.path))
    notes = []
    part: Part | None = None
    try:
        with warnings.catch_warnings():  # they were given when the run began
            warnings.simplefilter("ignore", DataWarning)
            part = open_problem(settings, Output(quiet=True)).part
    except (GlassgradError, OSError) as error:
        reason = str(error).partition("\n")[0]
        notes.append(say("The training data are not there ({reason}).", reason=reason))
    if part is not None and part.plan != info.plan:
        part = None
        notes.append(say("{path} has changed since the run began", path=info.source))
    for note in notes:
        output.note(note)
    history = read_history(folder)
    return material_of(folder, info, settings, trained.model, part, history, notes)


def read_history(folder: RunFolder) -> dict[str, list[float]]:
    """history.csv by columns; empty where no epoch was completed.

    Raises:    FileFormatError for a cell that is no number
    """
    if not folder.history.is_file():
        return {}
    lines = read_bytes(folder.history).decode("utf-8", "replace").splitlines()
    rows = list(csv.reader(lines))
    if not rows:
        return {}
    try:
        columns = list(
            zip(*([float(cell or "nan") for cell in row] for row in rows[1:]), strict=True)
        )
    except ValueError as error:
        problem = say("{where} is damaged: {problem}", where=folder.history, problem=error)
        raise FileFormatError(problem) from error
    return {name: list(column) for name, column in zip(rows[0], columns, strict=False)}


# --- parts -------------------------------------------------------------------------------


def _target(info: RunInfo, part: Part | None) -> str:
    if info.plan is not None:
        return info.plan.target
    names = () if part is None else part.dataset.target_names
    return ", ".join(names) or say("the target")


def _has_probabilities(head: Head) -> bool:
    return bool(head.classes) and head.loss not in ("hinge", "binary_hinge")


def _in_own_unit(info: RunInfo) -> Any:
    plan = info.plan
    return (lambda values: values) if plan is None else plan.targets


def _settings(settings: Settings) -> list[tuple[str, str]]:
    """The settings by the names of their flags."""
    chosen = settings.chosen()
    found = []
    for name, key in KEYS.items():
        value = chosen.get(key.field)
        if value is None or name in _UNTOLD or value in (0.0, False) or isinstance(value, bool):
            continue
        found.append((name, _shown(value)))
    return found


def _shown(value: Any) -> str:
    if isinstance(value, tuple):
        return ", ".join(map(str, value))
    return value if isinstance(value, str) else toml_value(value)


def _command(folder: RunFolder) -> str:
    config = read_bytes(folder.config).decode("utf-8", "replace")
    return f"glassgrad train {folder.config}\n\n# {folder.config.name}\n{config}"


def _words(folder: RunFolder, info: RunInfo) -> Words | None:
    """The raw test rows of a table that the model can take."""
    plan = info.plan
    if plan is None or not folder.test.is_file():
        return None
    table = read_csv(folder.test, encoding="utf-8", delimiter=",", header=plan.has_header)
    kept = plan.transform(table, with_target=True).kept
    columns = [column.words(kept) for column in table.columns]
    rows = list(zip(*columns, strict=True))
    return Words(table.names, rows, (kept + 1).tolist())


def _blas() -> str:
    """The matrix products behind NumPy: their bits depend on the number of threads."""
    found = blas()
    threads = found["threads"]
    counted = f", {say('{n} threads', n=threads)}" if threads else ""
    return f"{found['description']}{counted}"


def _versions(backend: str) -> list[tuple[str, str]]:
    """What the numbers depend on; the last bits also on what ran the steps."""
    try:
        own = version("glassgrad")
    except PackageNotFoundError:
        own = say("run from a checkout")
    machinery = {"native": say("native code"), "numpy": "NumPy"}.get(backend)
    ran = [] if machinery is None else [(say("back end"), machinery)]
    return [
        ("glassgrad", own),
        ("NumPy", np.__version__),
        ("Python", platform.python_version()),
        ("BLAS", _blas()),
        *ran,
        (say("system"), f"{platform.system()} {platform.machine()}"),
    ]
