"""One training: the network, its data and `fit`, with what a run directory wants of it.

Layer L11.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from glassgrad.cli.defaults import BOOK
from glassgrad.cli.network import build_network
from glassgrad.cli.problem import Part, validation_split
from glassgrad.cli.run_folder import RunFolder
from glassgrad.cli.settings import FULL, Settings, optimizer_spec, parse_goal
from glassgrad.cli.trained import Scores, require_fitting, score
from glassgrad.errors import OptionError, unknown_option
from glassgrad.nn import MLP
from glassgrad.optim import make_optimizer
from glassgrad.train import Callback, Checkpoint, EarlyStopping, History, fit
from glassgrad.train.fitting import prepare
from glassgrad.train.heads import Head, head_of
from glassgrad.train.loop import Run


@dataclass(frozen=True, eq=False)
class Setup:
    """A network that is ready to be trained."""

    settings: Settings
    part: Part
    head: Head
    model: MLP

    @property
    def features(self) -> int:
        return int(self.part.dataset.train_X.shape[1])


class HistoryFile(Callback):
    """Writes history.csv with each checkpoint's worth of rows, and at the end."""

    def __init__(self, folder: RunFolder) -> None:
        self.folder = folder
        self.run: Any = None

    def on_start(self, run: Any) -> None:
        self.run = run

    def write(self) -> None:
        """Write what was recorded so far, whether the run ended well or not."""
        if self.run is not None and len(self.run.history):
            self.run.history.to_csv(self.folder.history)


def set_up(settings: Settings, part: Part) -> Setup:
    """Build the network of a part; every option is looked at before a file is written."""
    dataset = part.dataset
    head = head_of(settings.loss or "", dataset.task, len(dataset.class_names))
    model = build_network(settings, head, int(dataset.train_X.shape[1]))
    setup = Setup(settings, part, head, model)
    optimizer_of(settings, model)
    if settings.until is not None:
        _require_column(parse_goal(settings.until)[0], setup)
    return setup


def train(
    setup: Setup,
    *,
    folder: RunFolder | None = None,
    resume: bool = False,
    callbacks: tuple[Callback, ...] = (),
    progress: bool | str = False,
) -> History:
    """Fit the network of `setup` to its part; with a folder, checkpoints and history go there."""
    arguments = _arguments(setup)
    used = list(callbacks)
    if setup.settings.patience is not None:
        used.append(EarlyStopping(patience=setup.settings.patience))
    file = None if folder is None else HistoryFile(folder)
    checkpoint = None
    if folder is not None and file is not None:
        used.append(file)
        # What is best is told by rows that were not trained on.
        checkpoint = Checkpoint(folder.checkpoint, best=arguments["validation"] is not None)
    try:
        return fit(
            setup.model,
            **arguments,
            callbacks=used,
            checkpoint=checkpoint,
            resume=resume,
            progress=progress,
        )
    finally:
        if file is not None:
            file.write()


def prepared(setup: Setup) -> Run:
    """The run that `train` would do, before its first step."""
    return prepare(setup.model, **_arguments(setup))


def _arguments(setup: Setup) -> dict[str, Any]:
    """What `fit` is told of a setup: all that decides what its steps compute."""
    settings, dataset = setup.settings, setup.part.dataset
    share = settings.validation or 0.0
    rows, watched = validation_split(dataset, share, settings.seed or 0)
    dtype = settings.dtype or "float32"
    validation = None
    if watched is not None:
        validation = (watched[0], setup.head.encode(watched[1], dtype))
    size = settings.batch_size
    return {
        "train": (rows[0], setup.head.encode(rows[1], dtype)),
        "loss": setup.head.loss,
        "optimizer": optimizer_of(settings, setup.model),
        "epochs": settings.epochs,
        "steps": settings.steps,
        "until": settings.until,
        "batch_size": None if size == FULL else int(size or 1),
        "validation": validation,
        "metrics": _metrics(setup),
        "schedule": None if settings.schedule == "constant" else settings.schedule,
        "seed": settings.seed or 0,
        "replacement": bool(settings.replacement),
        "backend": settings.backend or "auto",
        "ema": settings.ema,
        "accumulate": settings.accumulate or 1,
    }


def held_out_scores(setup: Setup) -> Scores | None:
    """The scores of the test part, if there is one."""
    test = setup.part.dataset.test
    if test is None:
        return None
    plan = setup.part.plan
    outputs = setup.model.predict(test[0])
    return score(setup.head, outputs, test[1], 1.0 if plan is None else plan.target_scale)


def is_book(settings: Settings) -> bool:
    """Whether the run is the book's."""
    return settings.canon is True and settings.layers == BOOK.layers


def optimizer_of(settings: Settings, model: Any) -> Any:
    """The optimiser that the settings describe."""
    name, options = optimizer_spec(settings.optimizer or "adam")
    common = {
        "lr": settings.lr,
        "weight_decay": settings.weight_decay or 0.0,
        "clip_norm": settings.clip_norm,
    }
    try:
        return make_optimizer(name, model, **{**common, **options})
    except OptionError as error:
        raise error.at("--optimizer") from None


def _require_column(name: str, setup: Setup) -> None:
    """Refuse a goal for a column that the history will not have."""
    columns = ["loss", *_metrics(setup)]
    columns += [f"val_{column}" for column in columns] if setup.settings.validation else []
    if name not in columns:
        raise unknown_option("column", name, columns).at("--until")


def _metrics(setup: Setup) -> tuple[str, ...]:
    first = "accuracy" if setup.head.classes else "r2"
    chosen = setup.settings.metrics or ()
    require_fitting(chosen, setup.head)
    return tuple(dict.fromkeys((first, *chosen)))
