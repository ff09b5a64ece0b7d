"""What `show`, `source` and `explain` look at: a function and the inputs it is looked at with.

Layer L11. One word names it: `canon:cs231n.sigmoid_circuit`, `net.py:loss`, or a run.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from glassgrad.cli.terminal import Output
from glassgrad.cli.user_program import (
    function_of,
    inputs_of,
    is_program,
    load,
    parted,
    shown_failures,
)
from glassgrad.errors import DataError, GlassgradError, OptionError
from glassgrad.text import say

if TYPE_CHECKING:
    from glassgrad.cli.trained import Trained
    from glassgrad.graph.ir import Graph

CANON = "canon:"
ROWS = 8  # of a run's data; a batch that a person can still read


@dataclass(frozen=True, eq=False)
class Subject:
    """A function, its arguments, and the graph that they record.

    trained: the run that it is about, where it is one
    wrt:     the inputs whose gradients it is about; the usual ones if None
    """

    name: str
    function: Callable[..., Any]
    inputs: Sequence[Any]
    graph: Graph
    trained: Trained | None = None
    wrt: Sequence[str] | None = None


def find_subject(
    what: str, shapes: str | None, output: Output, *, seed: int = 0, rows: int = ROWS
) -> Subject:
    """The subject of a word.

    shapes: the inputs of a function in a file: `3x4,4,scalar,8:10`
    rows:   how many rows of its training data a run's loss is looked at with
    Raises: OptionError if there is no such thing, or `shapes` are given for another thing
    """
    if is_program(what):
        return _of_program(what, shapes, seed)
    if shapes is not None:
        raise OptionError(say("--args is for functions: file.py:function"))
    if what.startswith(CANON):
        return _of_canon(what)
    return _of_run(what, output, rows)


# --- a function of the user's ------------------------------------------------------------


def _of_program(what: str, shapes: str | None, seed: int) -> Subject:
    from glassgrad.graph.trace import trace  # noqa: PLC0415 - help needs none of it

    path, _, name = parted(what)
    with shown_failures(path):
        module = load(path)
        function = function_of(module, name)
        inputs = list(inputs_of(function, module, shapes, seed))
        return Subject(name, function, inputs, trace(function, *inputs))


# --- a worked example --------------------------------------------------------------------


def _of_canon(what: str) -> Subject:
    from glassgrad.canon import Circuit  # noqa: PLC0415 - it builds all examples
    from glassgrad.cli.canon import find_example  # noqa: PLC0415
    from glassgrad.graph.trace import trace  # noqa: PLC0415 - help needs none of it

    example = find_example(what.removeprefix(CANON))
    found = example.subject()
    if found is None:
        raise OptionError(
            say("{name} is a measurement, not one graph", name=example.name),
            hint=say("run it: glassgrad canon {name}", name=example.name),
        )
    function, inputs, wrt = found
    graph = example.graph() if isinstance(example, Circuit) else trace(function, *inputs)
    return Subject(example.name, function, inputs, graph, wrt=wrt)


# --- a run -------------------------------------------------------------------------------


def _of_run(what: str, output: Output, rows: int) -> Subject:
    """The run's loss on the first rows of its training data, else on rows that are drawn."""
    from glassgrad.cli.trained import open_trained  # noqa: PLC0415 - help needs none of it
    from glassgrad.graph.trace import trace  # noqa: PLC0415
    from glassgrad.nn.losses import find_loss  # noqa: PLC0415
    from glassgrad.train.model_loss import loss_of  # noqa: PLC0415

    trained = open_trained(what)
    X, target = _rows_of(trained, output, rows)
    loss = loss_of(find_loss(trained.head.loss), key=0)
    inputs = [trained.model, X, target]
    return Subject(trained.folder.path.name, loss, inputs, trace(loss, *inputs), trained)


def _rows_of(trained: Trained, output: Output, rows: int) -> tuple[Any, Any]:
    from glassgrad.cli.problem import open_problem  # noqa: PLC0415 - help needs none of it

    head, dtype = trained.head, trained.dtype
    try:
        quiet = Output(quiet=True)
        X, y = open_problem(trained.folder.settings(), quiet).dataset.train
    except (GlassgradError, OSError) as error:
        reason = error.problem if isinstance(error, DataError) else str(error).partition("\n")[0]
        output.note(
            say("the training data are not there ({reason}); rows are drawn", reason=reason)
        )
        X, y = _drawn_rows(trained, rows)
    X, y = X[:rows], y[:rows]
    return X.astype(dtype, copy=False), head.encode(y, dtype)


def _drawn_rows(trained: Trained, rows: int) -> tuple[Any, Any]:
    rng = np.random.default_rng(0)
    shape = (rows, trained.info.features)
    X = rng.random(shape) if trained.info.image_shape else rng.standard_normal(shape)
    classes = trained.head.classes
    return X, rng.integers(0, classes, rows) if classes else rng.standard_normal(rows)


def newest_run() -> str:
    """The run that was trained last, where none is named."""
    from glassgrad.cli.run_folder import INFO, RUNS  # noqa: PLC0415 - help needs none of it

    found = sorted(Path(RUNS).glob(f"*/{INFO}"), key=lambda path: path.stat().st_mtime)
    if not found:
        raise OptionError(
            say("there is no run in {path}", path=RUNS),
            hint=say("name a run, or a function: glassgrad gradcheck file.py:function"),
        )
    return str(found[-1].parent)


__all__ = ["CANON", "Subject", "find_subject", "newest_run"]
