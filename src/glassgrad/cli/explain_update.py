"""`glassgrad explain … --update`: one step by the optimizer's rule, of a run from its state.

Layer L11.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from glassgrad.cli.settings import optimizer_spec
from glassgrad.cli.subject import Subject
from glassgrad.io.checkpoint import newest_checkpoint, read_checkpoint
from glassgrad.optim import make_optimizer
from glassgrad.tensor import parameter
from glassgrad.text import say
from glassgrad.view.explain.update import update_of, weights_of

if TYPE_CHECKING:
    from glassgrad.cli.trained import Trained
    from glassgrad.view.explain.update import Update

_RATE = 0.1  # where no run's settings say another


def update_of_subject(
    subject: Subject, leaves: Sequence[Any], target: str | None, rate: float | None, precision: Any
) -> Update:
    """What one update does to the weights of a subject."""
    graph, trained = subject.graph, subject.trained
    count = None if trained is None else len(subject.inputs[0].parameters())
    weights, element = weights_of(graph, leaves, target, count)
    if trained is None:
        values = [np.asarray(leaves[graph.inputs.index(var)]) for var in weights]
        parameters = [parameter(value, value.dtype) for value in values]
        optimizer = make_optimizer("sgd", parameters, lr=_RATE if rate is None else rate)
        remark = ""
    else:
        optimizer, remark = _of_run(trained, rate)
    return update_of(
        graph,
        leaves,
        weights,
        element,
        step=lambda values, gradients: _stepped(optimizer, values, gradients),
        rate=optimizer.rate,
        rule=f"{type(optimizer).__name__}: {_formula(optimizer)}",
        remark=remark,
        precision=precision,
    )


def _formula(optimizer: Any) -> str:
    """The update as the optimizer's own documentation states it."""
    found = re.search(r"Formula: +(.+)", inspect.getdoc(type(optimizer)) or "")
    return found[1] if found else ""


def _stepped(optimizer: Any, values: Sequence[Any], gradients: Sequence[Any]) -> Sequence[Any]:
    number = np.float64(optimizer.count + 1)
    new, _, _ = optimizer.apply_gradients(
        list(values), list(gradients), optimizer.state, np.float64(optimizer.rate), number
    )
    return [np.asarray(value) for value in new]


# --- a run -------------------------------------------------------------------------------


def _of_run(trained: Trained, rate: float | None) -> tuple[Any, str]:
    """The run's optimizer in the state in which the run left it, and a remark that says so."""
    settings = trained.folder.settings()
    name, options = optimizer_spec(settings.optimizer or "adam")
    common = {
        "lr": settings.lr if rate is None else rate,
        "weight_decay": settings.weight_decay or 0.0,
        "clip_norm": settings.clip_norm,
    }
    optimizer = make_optimizer(name, trained.model, **{**common, **options})
    if not optimizer.named_rows():
        return optimizer, ""
    if not _restored(optimizer, trained):
        return optimizer, say("state of the optimizer: before its first update")
    count = optimizer.count
    return optimizer, say("state of the optimizer: after {count} updates", count=count)


def _restored(optimizer: Any, trained: Trained) -> bool:
    """Take over the last checkpoint's state, if it belongs to the weights that the run kept."""
    newest = newest_checkpoint(trained.folder.checkpoint / "last")
    if newest is None:
        return False
    arrays, meta = read_checkpoint(newest)
    kept = {f"model.{path}": p.data for path, p in optimizer.named.items()}
    rows = [arrays.get(f"optimizer.{path}") for path in optimizer.row_paths()]
    fits = all(
        row is not None and row.shape == known.shape
        for row, known in zip(rows, optimizer.rows, strict=True)
    )
    is_same = all(k in arrays and np.array_equal(arrays[k], v) for k, v in kept.items())
    if not fits or not is_same:
        return False
    optimizer.restore(rows, int(meta["updates"]))
    return True
