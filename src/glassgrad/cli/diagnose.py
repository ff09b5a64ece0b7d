"""`glassgrad diagnose RUN|file.py:function`: what is wrong with a network, from evidence.

Layer L11. A run is diagnosed on its training data. One that stopped at a loss that is not finite is
replayed from its last checkpoint, in a copy of its folder, up to the step that failed.
"""

from __future__ import annotations

import shutil
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from glassgrad.cli.helptext import SpokenCommand, flag, spoken
from glassgrad.cli.subject import newest_run
from glassgrad.cli.terminal import Output
from glassgrad.cli.user_program import function_of, is_program, load, parted, shown_failures
from glassgrad.errors import NonFiniteError, OptionError
from glassgrad.text import say

if TYPE_CHECKING:
    from glassgrad.cli.run_folder import RunFolder
    from glassgrad.cli.training import Setup
    from glassgrad.diagnose import Diagnosis

_RESULTS = (2, 3)  # (model, data), (model, data, loss)


def _examples() -> list[tuple[str, str]]:
    return [
        ("glassgrad diagnose runs/digits", say("a trained network on its training data")),
        ("glassgrad diagnose", say("the run that was trained last")),
        (
            "glassgrad diagnose net.py:build",
            say("your own network: build() returns (model, (X, y)), and a loss if it likes"),
        ),
        ("glassgrad diagnose runs/digits --json", say("the verdicts for a program")),
    ]


@click.command(
    "diagnose",
    cls=SpokenCommand,
    about=spoken(
        "Say what is wrong with a network and its data: vanishing and exploding gradients, "
        "saturated and dead units, starting weights, learning rate, labels, scales; each with its "
        "numbers, the law behind it and a remedy. A run that stopped at NaN is replayed to the "
        "operation that made it. The exit code is 1 if a fault is found."
    ),
    examples=_examples,
)
@click.argument("what", required=False, metavar="[RUN|FILE.py:FUNCTION]")
@flag("--json", "as_json", about="print JSON", is_flag=True)
def diagnose(what: str | None, as_json: bool) -> int:
    output = Output(json=as_json)
    if what is not None and is_program(what):
        found = _of_program(what)
    else:
        found = _of_run(what if what is not None else newest_run(), output)
    output.data(found.to_dict())
    if not output.json:
        output.result(str(found))
    return 0 if found else 1


# --- a function of the user's ------------------------------------------------------------


def _of_program(what: str) -> Diagnosis:
    from glassgrad.diagnose import diagnose as look  # noqa: PLC0415 - help needs none of it

    path, _, name = parted(what)
    with shown_failures(path):
        function = function_of(load(path), name)
        result = function()
        if not isinstance(result, tuple) or len(result) not in _RESULTS:
            raise OptionError(
                say("{name} returned {kind}", name=f"{name}()", kind=type(result).__name__),
                rule=say("a network to diagnose is (model, (X, y)) or (model, (X, y), loss)"),
            )
        loss = result[2] if len(result) > 2 else None  # noqa: PLR2004 - the loss comes third
        return look(result[0], result[1], loss=loss)


# --- a run -------------------------------------------------------------------------------


def _of_run(what: str, output: Output) -> Diagnosis:
    from glassgrad.cli.run_folder import find_run  # noqa: PLC0415 - help needs none of it
    from glassgrad.cli.trained import open_trained  # noqa: PLC0415

    folder = find_run(what)
    output.note(str(folder.path))
    setup = _set_up(folder)
    if folder.model.is_file() or not folder.has_begun():
        model = open_trained(what).model  # says it where there is none
        return _look(setup, model)
    return _replayed(folder, setup, output)


def _set_up(folder: RunFolder) -> Setup:
    """The run's data and its network as it began."""
    from glassgrad.cli.problem import open_problem  # noqa: PLC0415 - help needs none of it
    from glassgrad.cli.training import set_up  # noqa: PLC0415

    settings = folder.settings()
    return set_up(settings, open_problem(settings, Output(quiet=True)).part)


def _look(setup: Setup, model: Any, *, trained: bool = True) -> Diagnosis:
    from glassgrad.cli.training import optimizer_of  # noqa: PLC0415 - help needs none of it
    from glassgrad.diagnose import diagnose as look  # noqa: PLC0415

    X, y = setup.part.dataset.train
    target = setup.head.encode(y, model.parameters()[0].dtype)
    optimizer = optimizer_of(setup.settings, model)
    options = {"loss": setup.head.loss, "optimizer": optimizer, "trained": trained}
    return look(model, (X, target), **options)


def _replayed(folder: RunFolder, setup: Setup, output: Output) -> Diagnosis:
    """Go on from the last checkpoint in a copy, up to the step that fails, or for an epoch."""
    from glassgrad.cli.run_folder import RunFolder as Folder  # noqa: PLC0415 - help needs none
    from glassgrad.cli.training import train  # noqa: PLC0415
    from glassgrad.diagnose import with_finding  # noqa: PLC0415

    output.note(say("the run has not ended: it is replayed from its last checkpoint"))
    finding: Any = None
    with tempfile.TemporaryDirectory() as place:
        twin = Folder(Path(place) / "run")
        shutil.copytree(folder.checkpoint, twin.checkpoint)
        try:
            train(_shortened(setup, twin), folder=twin, resume=True)
        except NonFiniteError as error:
            finding = error.finding
            output.note(error.operation)
    if finding is None:
        return _look(setup, setup.model)
    output.note(say("the verdicts are about the network as it began"))
    began = _set_up(folder)
    return with_finding(_look(began, began.model, trained=False), finding)


def _shortened(setup: Setup, folder: RunFolder) -> Setup:
    """An epoch more than the checkpoint; a rate that was planned for the length is left alone."""
    from glassgrad.io.checkpoint import newest_checkpoint, read_checkpoint  # noqa: PLC0415
    from glassgrad.train.resume import SCHEMA  # noqa: PLC0415

    settings = setup.settings
    newest = newest_checkpoint(folder.checkpoint / "last")
    if newest is None or settings.schedule not in (None, "constant"):
        return setup
    _, meta = read_checkpoint(newest, SCHEMA)
    rows = len(setup.part.dataset.train_X)
    size = settings.batch_size if isinstance(settings.batch_size, int) else rows
    steps = meta["step"] + -(-rows // max(size, 1))
    return replace(setup, settings=replace(settings, steps=steps))
