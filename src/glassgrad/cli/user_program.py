"""The user's own Python file: the function that a command looks at, and inputs for it.

Layer L11. Running the file is what was asked for; nothing else that is read from a file is run.
"""

from __future__ import annotations

import importlib.util
import sys
import traceback
from collections.abc import Callable, Sequence
from contextlib import contextmanager
from importlib.machinery import SourceFileLoader
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import numpy as np

from glassgrad.cli.terminal import complain
from glassgrad.errors import GlassgradError, OptionError, nearest
from glassgrad.text import say

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import CodeType, ModuleType

_NAME = "glassgrad_user_program"
_EXAMPLE = "example_inputs"
_SHAPE_RULE = "3x4,4,scalar,8:10"


def parted(what: str | None) -> tuple[str, str, str]:
    """File, colon and function of `net.py:loss`; a drive's colon (`C:\\net.py`) is none."""
    if what is None:
        return "", "", ""
    path, colon, name = what.rpartition(":")
    return (path, colon, name) if colon and path.endswith(".py") else (what, "", "")


def is_program(what: str | None) -> bool:
    """Whether a word names a Python file, or a function in one."""
    path, colon, _ = parted(what)
    return bool(colon) or path.endswith(".py")


@contextmanager
def shown_failures(path: str) -> Iterator[None]:
    """A fault of the user's program is shown with its own lines, and ends the command with 1."""
    try:
        yield
    except (GlassgradError, click.ClickException, click.exceptions.Exit):
        raise
    except Exception as error:
        _show_failure(error, Path(path).expanduser())
        raise click.exceptions.Exit(1) from error


class _Fresh(SourceFileLoader):
    """Compiles the text as it stands, and leaves no bytecode beside it: that of a file which is
    changed within a second and keeps its size would be taken for its own."""

    def get_code(self, fullname: str) -> CodeType:
        path = self.get_filename(fullname)
        return self.source_to_code(self.get_data(path), path)


def load(path: str, name: str = _NAME) -> ModuleType:
    """The user's file as a module; its folder is importable, as under `python file.py`."""
    place = Path(path).expanduser()
    if not place.is_file():
        raise OptionError(say("there is no file {path}", path=path))
    loader = _Fresh(name, str(place))
    spec = importlib.util.spec_from_file_location(name, place, loader=loader)
    assert spec is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # dataclasses look their module up there
    folder = str(place.resolve().parent)
    if folder not in sys.path:
        sys.path.insert(0, folder)
    loader.exec_module(module)
    return module


def function_of(module: ModuleType, name: str) -> Callable[..., Any]:
    """The function of a name; else an error that offers the nearest of the file's own."""
    place = Path(module.__file__ or "").name
    own = [
        key
        for key, value in vars(module).items()
        if callable(value)
        and getattr(value, "__module__", "") == module.__name__
        and key != _EXAMPLE
    ]
    found = getattr(module, name, None) if name else None
    if callable(found):
        return found  # type: ignore[no-any-return]
    problem = (
        say("{path} has no function {name}", path=place, name=name)
        if name
        else say("no function of {path} is named", path=place)
    )
    hint = nearest(name, own) if own else ""
    raise OptionError(problem, hint=hint, rule=f"{place}:function")


def inputs_of(
    function: Callable[..., Any], module: ModuleType, shapes: str | None, seed: int = 0
) -> Sequence[Any]:
    """Arrays of --args, else what example_inputs() of the function or of its file returns."""
    if shapes is not None:
        return drawn_inputs(shapes, seed)
    example = getattr(function, _EXAMPLE, None) or getattr(module, _EXAMPLE, None)
    if example is None:
        problem = say("the inputs of {name} are not known", name=function.__name__)
        hint = say("give shapes, --args 3x4,4, or define example_inputs()")
        raise OptionError(problem, hint=hint)
    inputs = example()
    return inputs if isinstance(inputs, (tuple, list)) else (inputs,)


def drawn_inputs(shapes: str, seed: int = 0) -> list[Any]:
    """Arrays of the shapes that --args gives."""
    rng = np.random.default_rng(seed)
    return [_drawn(word.strip(), rng) for word in shapes.split(",")]


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


__all__ = [
    "drawn_inputs",
    "function_of",
    "inputs_of",
    "is_program",
    "load",
    "parted",
    "shown_failures",
]
