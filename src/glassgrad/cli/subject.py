"""What `show`, `source` and `explain` look at: a function and the inputs it is looked at with.

Layer L11. One word names it: `canon:cs231n.sigmoid_circuit`, `net.py:loss`, a run, or a model that
`gg.save` wrote.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from inspect import signature
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from glassgrad.cli.terminal import Output
from glassgrad.cli.user_program import (
    drawn_inputs,
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

    trained:   the run that it is about, where it is one
    wrt:       the inputs whose gradients it is about; the usual ones if None
    has_model: whether the first argument is a module and the second what it reads
    """

    name: str
    function: Callable[..., Any]
    inputs: Sequence[Any]
    graph: Graph
    trained: Trained | None = None
    wrt: Sequence[str] | None = None
    has_model: bool = False


def find_subject(
    what: str, shapes: str | None, output: Output, *, seed: int = 0, rows: int = ROWS
) -> Subject:
    """The subject of a word.

    shapes: the inputs of a function in a file, or of a saved model: `3x4,4,scalar,8:10`
    rows:   how many rows of its training data a run's loss is looked at with
    Raises: OptionError if there is no such thing, or `shapes` are given for another thing
    """
    if is_program(what):
        return _of_program(what, shapes, seed)
    if _is_model(what):
        return _of_model(what, shapes, seed)
    if shapes is not None:
        raise OptionError(
            say("--args is for functions and saved models: file.py:function, model.safetensors")
        )
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


# --- a saved model -----------------------------------------------------------------------


def _is_model(what: str) -> bool:
    """Whether a path is a file of weights, or a folder that has one and is no run."""
    from glassgrad.cli.config_file import CONFIG  # noqa: PLC0415 - help needs none of it
    from glassgrad.cli.run_folder import INFO  # noqa: PLC0415
    from glassgrad.io.model import MODEL  # noqa: PLC0415
    from glassgrad.io.weights import SUFFIX  # noqa: PLC0415

    path = Path(what).expanduser()
    if path.is_dir():
        return (path / MODEL).is_file() and not any((path / n).exists() for n in (INFO, CONFIG))
    return path.is_file() and path.suffix == SUFFIX


def _of_model(what: str, shapes: str | None, seed: int) -> Subject:
    """The outputs of a model, as it predicts, for drawn inputs of the shapes given."""
    from glassgrad.core.aval import is_float  # noqa: PLC0415 - help needs none of it
    from glassgrad.graph.trace import trace  # noqa: PLC0415
    from glassgrad.io import load as load_model  # noqa: PLC0415
    from glassgrad.train.model_loss import forward  # noqa: PLC0415

    path = Path(what).expanduser()
    if shapes is None:
        raise OptionError(
            say("the inputs of {name} are not known", name=path.name),
            hint=say("give the shape of a batch: --args 2x1x28x28, or --args 2x16:65 for indices"),
        )
    model = load_model(path).eval()
    dtype = next((p.dtype for p in model.parameters()), np.dtype(np.float32))
    drawn = drawn_inputs(shapes, seed)
    given = [np.asarray(x, dtype) if is_float(np.asarray(x).dtype) else x for x in drawn]
    _require_fitting(model, given)
    inputs = [model, *given]
    function = forward if len(given) == 1 else _applied
    return Subject(path.stem, function, inputs, trace(function, *inputs), has_model=True)


def _applied(model: Any, *inputs: Any) -> Any:
    return model(*inputs)


def _require_fitting(model: Any, given: Sequence[Any]) -> None:
    takes = signature(model.forward)
    try:
        takes.bind(*given)
    except TypeError:
        problem = say("{name} takes other inputs", name=type(model).__name__)
        raise OptionError(problem, operation="--args", rule=f"forward{takes}") from None


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
    graph = trace(loss, *inputs)
    return Subject(trained.folder.path.name, loss, inputs, graph, trained, has_model=True)


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
