"""`glassgrad gradcheck [RUN|file.py:func]`: derived gradients against numerical ones.

Layer L11. `file.py:func` runs the user's own program, which is what was asked for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click
import numpy as np

from glassgrad.cli.helptext import SpokenCommand, flag, spoken
from glassgrad.cli.settings import whole
from glassgrad.cli.subject import newest_run
from glassgrad.cli.terminal import Output
from glassgrad.cli.user_program import (
    function_of,
    inputs_of,
    is_program,
    load,
    parted,
    shown_failures,
)
from glassgrad.errors import OptionError
from glassgrad.text import say

if TYPE_CHECKING:
    from glassgrad.autodiff.check import Report

_ROWS = 8


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
    if what is not None and is_program(what):
        report = _check_function(what, shapes, options)
    elif shapes is not None:
        raise OptionError(say("--args is for functions: file.py:function"))
    else:
        report = _check_run(what, options, output)
    output.data(report_data(report))
    if not output.json:
        output.result(report_table(report))
    return 0 if report else 1


def _number(name: str, value: str | None, default: int, least: int, most: int) -> int:
    try:
        return default if value is None else int(whole(least, most)(value))
    except OptionError as error:
        raise error.at(name) from None


# --- a trained model ---------------------------------------------------------------------


def _check_run(what: str | None, options: dict[str, int], output: Output) -> Report:
    """The gradients of a run's loss on random rows, in its own scale of features."""
    from glassgrad.autodiff.check import check_grads  # noqa: PLC0415 - help needs none of it
    from glassgrad.cli.trained import open_trained  # noqa: PLC0415
    from glassgrad.nn.losses import find_loss  # noqa: PLC0415
    from glassgrad.primitives.random import random_key  # noqa: PLC0415

    name = what if what is not None else newest_run()
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


# --- a function of the user's ------------------------------------------------------------


def _check_function(what: str, shapes: str | None, options: dict[str, int]) -> Report:
    from glassgrad.autodiff.check import check_grads  # noqa: PLC0415 - help needs none of it

    path, _, name = parted(what)
    with shown_failures(path):
        module = load(path)
        function = function_of(module, name)
        inputs = inputs_of(function, module, shapes, options["seed"])
        return check_grads(function, *inputs, verbose=False, **options)
