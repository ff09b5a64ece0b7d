"""`glassgrad show RUN --time-machine STEP`: what one step of a training run computed.

Layer L11. The step is computed again, bit for bit; see `train/time_machine.py`.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from glassgrad.cli.problem import open_problem
from glassgrad.cli.terminal import Output, table
from glassgrad.cli.trained import open_trained
from glassgrad.cli.training import prepared, set_up
from glassgrad.errors import DataError, OptionError
from glassgrad.text import say
from glassgrad.train.time_machine import PastStep, checkpoints_in, rewind, summary
from glassgrad.view.digits import number

if TYPE_CHECKING:
    from glassgrad.cli.trained import Trained

_PRECISION = 3
_BATCH = {"x0": "x", "x1": "t"}  # what the arrays of a batch are called where they are shown


def past_step(name: str, step: int) -> tuple[Trained, PastStep]:
    """The run of a name, and what its step number `step` computed.

    Raises:    OptionError if the run has not ended or has no such step; DataError if its data have
               changed since
    """
    trained = open_trained(name)
    last = int(trained.info.result.get("steps", 0))
    if not 1 <= step <= last:
        raise OptionError(
            say("{path} has no step {step}", path=trained.folder.path, step=step),
            operation="--time-machine",
            rule=f"1 ≤ step ≤ {last:,}",
        )
    settings = trained.folder.settings()
    part = open_problem(settings, Output(quiet=True)).part
    if part.plan != trained.info.plan:
        problem = say("{path} has changed since the run began", path=trained.info.source)
        raise DataError(problem, operation=str(trained.folder.path))
    run = prepared(set_up(settings, part))
    return trained, rewind(run, step, checkpoints_in(trained.folder.checkpoint))


def show_step(name: str, step: int, target: str | None, output: Output) -> int:
    """Print the values and gradients of a step; with `target` also write them as a page."""
    trained, past = past_step(name, step)
    output.data({"run": str(trained.folder.path), **step_data(past)})
    if not output.json:
        output.result(step_text(past, int(trained.info.result["steps"])))
    if target is not None:
        _write_page(trained, past, Path(target).expanduser())
        output.note(say("written: {path}", path=target))
    return 0


def _write_page(trained: Trained, past: PastStep, path: Path) -> None:
    from glassgrad.files import atomic_write  # noqa: PLC0415 - only where a page is asked for

    title = say("{run}, step {step:,}", run=trained.folder.path.name, step=past.step)
    for var in past.graph.inputs:
        var.name = _BATCH.get(var.name, var.name)
    # The lines that called for training are no part of the network.
    eqns = [replace(eqn, position=None) for eqn in past.graph.eqns]
    graph = past.graph.with_eqns(eqns)
    page = graph.html(*past.inputs, parameters=past.names, title=title)
    atomic_write(path, page.encode("utf-8"))


# --- for people --------------------------------------------------------------------------


def step_text(past: PastStep, last: int) -> str:
    """Where the step stands, its parameters, and what left each layer."""
    place = say(
        "step {step:,} of {last:,}: epoch {epoch:,}, batch {batch:,}",
        step=past.step,
        last=last,
        epoch=past.epoch,
        batch=past.batch,
    )
    loss = say("loss {loss:.9g}, learning rate {rate:.6g}", loss=past.loss, rate=past.rate)
    return "\n".join([place, loss, "", _parameters(past), "", _activations(past)])


def _parameters(past: PastStep) -> str:
    head = (
        say("parameter"),
        say("shape"),
        say("value"),
        say("gradient"),
        say("change"),
        say("change / value"),
    )
    rows = []
    for item in past.parameters:
        sizes = [summary(item.value)["rms"], _rms(item.gradient)]
        change = summary(item.after - item.value)["rms"]
        share = change / sizes[0] if sizes[0] else float("nan")
        cells = (_number(x) for x in (*sizes, change, share))
        rows.append((item.name, str(tuple(item.value.shape)), *cells))
    note = say("(root mean squares, before the update)")
    return table([head, *rows], right=[2, 3, 4, 5]) + f"\n{note}"


def _activations(past: PastStep) -> str:
    head = (
        say("layer"),
        say("output shape"),
        say("least"),
        say("mean"),
        say("greatest"),
        say("gradient"),
    )
    rows = []
    for item in past.activations:
        found = summary(item.value)
        cells = [_number(found[key]) for key in ("min", "mean", "max")]
        shape = str(tuple(np.shape(item.value)))
        rows.append((item.layer, shape, *cells, _number(_rms(item.gradient))))
    return table([head, *rows], right=[2, 3, 4, 5])


def _rms(gradient: Any) -> float:
    return float("nan") if gradient is None else summary(gradient)["rms"]


def _number(value: float) -> str:
    return "–" if np.isnan(value) else number(float(value), _PRECISION)


# --- for programs ------------------------------------------------------------------------


def step_data(past: PastStep) -> dict[str, Any]:
    """The same, with the sizes of all arrays."""
    return {
        "step": past.step,
        "epoch": past.epoch,
        "batch": past.batch,
        "loss": past.loss,
        "learning_rate": past.rate,
        "parameters": [
            {
                "name": item.name,
                "shape": list(item.value.shape),
                "value": summary(item.value),
                "gradient": None if item.gradient is None else summary(item.gradient),
                "after": summary(item.after),
            }
            for item in past.parameters
        ],
        "activations": [
            {
                "layer": item.layer,
                "shape": list(np.shape(item.value)),
                "value": summary(item.value),
                "gradient": None if item.gradient is None else summary(item.gradient),
            }
            for item in past.activations
        ],
    }
