"""`glassgrad grade reference.py:f student.py:backward`: a backward pass written by hand, graded.

Layer L11. Both files are run: that is what was asked for. What they print goes to stderr.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from contextlib import redirect_stdout
from pathlib import Path
from types import ModuleType
from typing import Any

import click
import numpy as np

from glassgrad.cli.helptext import SpokenCommand, flag, spoken
from glassgrad.cli.settings import whole
from glassgrad.cli.terminal import Output
from glassgrad.cli.user_program import function_of, inputs_of, load, parted, shown_failures
from glassgrad.errors import OptionError, nearest
from glassgrad.text import say

_STUDENT = "glassgrad_student_program"
_REFERENCE = "glassgrad_user_program"


def _examples() -> list[tuple[str, str]]:
    return [
        ("glassgrad grade net.py:loss my.py:backward", say("at what example_inputs() returns")),
        (
            "glassgrad grade net.py:affine my.py:affine_backward --args 4x3,3x2,2",
            say("at random arrays; affine_forward is found beside it"),
        ),
        ("glassgrad grade net.py:loss my.py:network.gradient", say("a method of an object")),
        (
            "glassgrad grade net.py:loss my.py:train_step",
            say("a training step: gradients are read off the updated weights"),
        ),
    ]


@click.command(
    "grade",
    cls=SpokenCommand,
    about=spoken(
        "Grade a backward pass that was written by hand: value by value next to the derived one, "
        "with the first wrong line and what is wrong with it. The first file holds the function, "
        "in plain NumPy; the second the backward pass: a function of the same arguments, forward "
        "and backward with a cache, a class with both, or a training step. The exit code is 1 if "
        "a gradient is wrong."
    ),
    examples=_examples,
)
@click.argument("reference", metavar="FILE.py:FUNCTION")
@click.argument("student", metavar="FILE.py:BACKWARD")
@flag("--args", "shapes", about="shapes of random inputs: 3x4,4,scalar,8:10", metavar="SHAPES")
@flag("--seed", about="of the random inputs; 0 by default", metavar="N")
@flag("--json", "as_json", about="print JSON", is_flag=True)
def grade(reference: str, student: str, shapes: str | None, seed: str | None, as_json: bool) -> int:
    from glassgrad.diagnose.grading.compare import compare_backward  # noqa: PLC0415 - help needs none

    output = Output(json=as_json)
    number = _seed(seed)
    path, _, name = parted(reference)
    own_path, _, own_name = parted(student)
    with shown_failures(path), redirect_stdout(sys.stderr):
        module = load(path, _REFERENCE)
        function = function_of(module, name)
    with shown_failures(own_path), redirect_stdout(sys.stderr):
        own_module = module if _is_one_file(path, own_path) else load(own_path, _STUDENT)
        program = _found(own_module, own_name)
    with shown_failures(path), redirect_stdout(sys.stderr):
        inputs = _inputs(function, module, own_module, shapes, number)
    with shown_failures(own_path), redirect_stdout(sys.stderr):
        report = compare_backward(function, program, *inputs)
    output.data(report.to_dict())
    output.result(str(report))
    return 0 if report else 1


def _seed(text: str | None) -> int:
    try:
        return 0 if text is None else int(whole(0, 2**32 - 1)(text))
    except OptionError as error:
        raise error.at("--seed") from None


def _is_one_file(a: str, b: str) -> bool:
    return Path(a).expanduser().resolve() == Path(b).expanduser().resolve()


def _found(module: ModuleType, name: str) -> Any:
    """What a dotted name stands for: a function, a class, an object, a method."""
    first, _, rest = name.partition(".")
    found: Any = getattr(module, first, None) if first else None
    if found is None or (not rest and not _is_program(found)):
        return function_of(module, first)
    for part in rest.split(".") if rest else ():
        offered = [key for key in dir(found) if not key.startswith("_")]
        if part not in offered:
            raise OptionError(
                say("{path} has no function {name}", path=Path(module.__file__ or "").name,
                    name=name),
                hint=nearest(part, offered),
            )  # fmt: skip
        found = getattr(found, part)
    return found


def _is_program(found: Any) -> bool:
    return callable(found) or (hasattr(found, "forward") and hasattr(found, "backward"))


def _inputs(
    function: Callable[..., Any],
    module: ModuleType,
    own: ModuleType,
    shapes: str | None,
    seed: int,
) -> Sequence[Any]:
    """Arrays of --args, else example_inputs() of the reference, else of the student's file."""
    has_own = hasattr(module, "example_inputs") or hasattr(function, "example_inputs")
    place = module if has_own or not hasattr(own, "example_inputs") else own
    inputs = inputs_of(function, place, shapes, seed)
    return [np.asarray(x, np.float64) if isinstance(x, list) else x for x in inputs]
