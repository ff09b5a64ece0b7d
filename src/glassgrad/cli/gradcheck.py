"""`glassgrad gradcheck [RUN|file.py:func]`: derived gradients against numerical ones.

Layer L11. `file.py:func` runs the user's own program, which is what was asked for.
"""

from __future__ import annotations

import importlib.util
import sys
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import numpy as np

from glassgrad.cli.helptext import SpokenCommand, flag, spoken
from glassgrad.cli.settings import whole
from glassgrad.cli.terminal import Output, complain
from glassgrad.errors import GlassgradError, OptionError, nearest
from glassgrad.text import say

if TYPE_CHECKING:
    from types import ModuleType

    from glassgrad.autodiff.check import Report

_ROWS = 8
_NAME = "glassgrad_user_program"
_EXAMPLE = "example_inputs"
_SHAPE_RULE = "3x4,4,scalar,8:10"


def _examples() -> list[tuple[str, str]]:
    return [
        ("glassgrad gradcheck runs/digits", say("the trained model's gradients")),
        (
            "glassgrad gradcheck net.py:loss --args 3x4,4",
            say("a function of your own, at random arrays of these shapes"),
        ),
        (
            "glassgrad gradcheck net.py:loss --args 8x4,8:10",
            say("the second argument: 8 integers below 10, such as labels"),
        ),
        ("glassgrad gradcheck net.py:loss --order 2", say("and its second derivatives")),
    ]


@click.command(
    "gradcheck",
    cls=SpokenCommand,
    about=spoken(
        "Check derived gradients against numerical ones: those of a run (the newest, if none is "
        "named), or of a function in a Python file. The inputs are --args, else what "
        "example_inputs() returns. The exit code is 1 if gradients differ."
    ),
    examples=_examples,
)
@click.argument("what", required=False, metavar="[RUN|FILE.py:FUNCTION]")
@flag("--args", "shapes", about="shapes of random inputs: 3x4,4,scalar,8:10", metavar="SHAPES")
@flag("--order", about="1, or 2 for second derivatives too", metavar="N")
@flag("--elements", about="how many elements of each array are tried; 64 by default", metavar="N")
@flag("--seed", about="of the random inputs; 0 by default", metavar="N")
@flag("--json", "as_json", about="print JSON", is_flag=True)
def gradcheck(
    what: str | None,
    shapes: str | None,
    order: str | None,
    elements: str | None,
    seed: str | None,
    as_json: bool,
) -> int:
    from glassgrad.cli.network import report_data, report_table  # noqa: PLC0415 - help needs none

    output = Output(json=as_json)
    options = {
        "order": _number("--order", order, 1, 1, 2),
        "elements": _number("--elements", elements, 64, 1, 2**31),
        "seed": _number("--seed", seed, 0, 0, 2**32 - 1),
    }
    path, colon, name = _parted(what)
    if colon or path.endswith(".py"):
        report = _check_function(path, name, shapes, options)
    elif shapes is not None:
        raise OptionError(say("--args is for functions: file.py:function"))
    else:
        report = _check_run(what, options, output)
    if report is None:
        return 1
    output.data(report_data(report))
    if not output.json:
        output.result(report_table(report))
    return 0 if report else 1


def _number(name: str, value: str | None, default: int, least: int, most: int) -> int:
    try:
        return default if value is None else int(whole(least, most)(value))
    except OptionError as error:
        raise error.at(name) from None


def _parted(what: str | None) -> tuple[str, str, str]:
    """File, colon and function; a drive's colon (`C:\\net.py`) is none."""
    if what is None:
        return "", "", ""
    path, colon, name = what.rpartition(":")
    return (path, colon, name) if colon and path.endswith(".py") else (what, "", "")


# --- a trained model ---------------------------------------------------------------------


def _check_run(what: str | None, options: dict[str, int], output: Output) -> Report:
    """The gradients of a run's loss on random rows, in its own scale of features."""
    from glassgrad.autodiff.check import check_grads  # noqa: PLC0415 - help needs none of it
    from glassgrad.cli.trained import open_trained  # noqa: PLC0415
    from glassgrad.nn.losses import find_loss  # noqa: PLC0415
    from glassgrad.primitives.random import random_key  # noqa: PLC0415

    name = what if what is not None else _newest_run()
    trained = open_trained(name)
    output.note(str(trained.folder.path))
    rng = np.random.default_rng(options["seed"])
    info, head = trained.info, trained.head
    shape = (_ROWS, info.features)
    rows = rng.random(shape) if info.image_shape else rng.standard_normal(shape)
    labels = rng.integers(0, max(head.classes, 2), _ROWS)
    target = head.encode(labels if head.classes else rng.standard_normal(_ROWS), np.float64)
    loss = find_loss(head.loss)

    def loss_of(network: Any) -> Any:
        with random_key(0):
            return loss(network(rows), target)

    return check_grads(loss_of, trained.model, verbose=False, **options)


def _newest_run() -> str:
    from glassgrad.cli.run_folder import INFO, RUNS  # noqa: PLC0415 - help needs none of it

    found = sorted(Path(RUNS).glob(f"*/{INFO}"), key=lambda path: path.stat().st_mtime)
    if not found:
        raise OptionError(
            say("there is no run in {path}", path=RUNS),
            hint=say("name a run, or a function: glassgrad gradcheck file.py:function"),
        )
    return str(found[-1].parent)


# --- a function of the user's ------------------------------------------------------------


def _check_function(
    path: str, name: str, shapes: str | None, options: dict[str, int]
) -> Report | None:
    """The report; None if the user's own program failed, which was then shown."""
    from glassgrad.autodiff.check import check_grads  # noqa: PLC0415 - help needs none of it

    place = Path(path).expanduser()
    if not place.is_file():
        raise OptionError(say("there is no file {path}", path=path))
    try:
        module = _loaded(place)
        function = _function(module, name, place)
        inputs = _inputs(function, module, shapes, options["seed"])
        return check_grads(function, *inputs, verbose=False, **options)
    except (GlassgradError, click.ClickException):
        raise
    except Exception as error:
        _show_failure(error, place)
        return None


def _loaded(place: Path) -> ModuleType:
    """The user's file as a module; its folder is importable, as under `python file.py`."""
    spec = importlib.util.spec_from_file_location(_NAME, place)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[_NAME] = module  # dataclasses and pickles look their module up there
    folder = str(place.resolve().parent)
    if folder not in sys.path:
        sys.path.insert(0, folder)
    spec.loader.exec_module(module)
    return module


def _function(module: ModuleType, name: str, place: Path) -> Callable[..., Any]:
    own = [
        key
        for key, value in vars(module).items()
        if callable(value) and getattr(value, "__module__", "") == _NAME and key != _EXAMPLE
    ]
    found = getattr(module, name, None) if name else None
    if callable(found):
        return found  # type: ignore[no-any-return]
    problem = (
        say("{path} has no function {name}", path=place.name, name=name)
        if name
        else say("no function of {path} is named", path=place.name)
    )
    hint = nearest(name, own) if own else ""
    raise OptionError(problem, hint=hint, rule=f"{place.name}:function")


def _inputs(
    function: Callable[..., Any], module: ModuleType, shapes: str | None, seed: int
) -> Sequence[Any]:
    """--args, else example_inputs() of the function or of its file."""
    if shapes is not None:
        rng = np.random.default_rng(seed)
        return [_drawn(word.strip(), rng) for word in shapes.split(",")]
    example = getattr(function, _EXAMPLE, None) or getattr(module, _EXAMPLE, None)
    if example is None:
        problem = say("the inputs of {name} are not known", name=function.__name__)
        hint = say("give shapes, --args 3x4,4, or define example_inputs()")
        raise OptionError(problem, hint=hint)
    inputs = example()
    return inputs if isinstance(inputs, (tuple, list)) else (inputs,)


def _drawn(word: str, rng: np.random.Generator) -> Any:
    """Normal numbers of a shape `3x4`, or with `:10` integers below 10."""
    text, colon, limit = word.partition(":")
    try:
        sizes = () if text in ("scalar", "()") else tuple(int(size) for size in text.split("x"))
        if any(size < 0 for size in sizes) or (colon and int(limit) < 1):
            raise ValueError
    except ValueError:
        problem = say("{word!r} is no shape", word=word)
        raise OptionError(problem, operation="--args", rule=_SHAPE_RULE) from None
    return rng.integers(0, int(limit), sizes) if colon else rng.standard_normal(sizes)


def _show_failure(error: Exception, place: Path) -> None:
    """The traceback of the user's program, from its own file on."""
    frames = traceback.extract_tb(error.__traceback__)
    here = place.resolve()
    own = next((i for i, f in enumerate(frames) if Path(f.filename).resolve() == here), 0)
    lines = traceback.format_list(frames[own:]) + traceback.format_exception_only(error)
    complain(say("the program {path} failed:", path=place))
    complain("".join(lines).rstrip())
