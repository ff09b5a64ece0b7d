"""`save(model, path)` and `load(path)`: weights, and a description of the layers, in one file.

Layer L8. The description stands in the header of the safetensors file, so that it can never belong
to other weights. It names layers of the library and their arguments (`nn.registry`), never code; a
network with layers of the user's own is saved as weights alone, and loaded into a new one.
"""

from __future__ import annotations

import json
import os
import warnings
from pathlib import Path
from typing import TypeVar, overload

from glassgrad.errors import FileFormatError, GlassgradError, InitializerWarning, OptionError
from glassgrad.files import misfit, named_access, parse_json
from glassgrad.io.weights import SUFFIX, Arrays, load_arrays, save_arrays
from glassgrad.nn.module import Module
from glassgrad.nn.registry import build, describe
from glassgrad.text import say

M = TypeVar("M", bound=Module)

MODEL = f"model{SUFFIX}"
FORMAT, VERSION = "glassgrad.model", "1"
# What people call files of other kinds; a folder of such a name would mislead.
_FOREIGN = {".pt", ".pth", ".pkl", ".pickle", ".npz", ".npy", ".h5", ".onnx", ".bin", ".ckpt"}


def save(model: Module, path: str | os.PathLike[str]) -> Path:
    """Write a model's parameters, state and architecture; the file's path is returned.

    path:    a file `….safetensors`, or a folder, in which it becomes `model.safetensors`
    Raises:  FileAccessError if it cannot be written, which leaves an earlier file as it was
    """
    target = _file_of(Path(path))
    with named_access(target.parent):
        target.parent.mkdir(parents=True, exist_ok=True)
    save_arrays(target, model.state_dict(), _metadata(model))
    return target


@overload
def load(path: str | os.PathLike[str], into: None = None) -> Module: ...


@overload
def load(path: str | os.PathLike[str], into: M) -> M: ...


def load(path: str | os.PathLike[str], into: M | None = None) -> Module | M:
    """The model in a file or run directory, as `save` wrote it.

    into:    a model that takes the weights; needed where the layers are not the library's
    Raises:  FileAccessError if there is none; FileFormatError that says what is wrong with it;
             ShapeError if `into` has other parameters

    >>> from tempfile import TemporaryDirectory
    >>> from glassgrad.nn import Linear
    >>> with TemporaryDirectory() as folder:
    ...     print(load(save(Linear(3, 2), folder)))
    Linear(3, 2)
    """
    source = _file_of(Path(path))
    arrays, metadata = load_arrays(source)
    if into is not None:
        into.load_state_dict(arrays)
        return into
    try:
        return _rebuilt(arrays, metadata, source)
    except FileFormatError:
        raise
    except Exception as error:  # constructors meet arguments that nothing can foresee
        problem = error.problem if isinstance(error, GlassgradError) else str(error)
        raise misfit(str(source), problem or type(error).__name__) from error


def _file_of(path: Path) -> Path:
    """The file that a path means: itself, or the model in a folder."""
    if path.is_dir():
        return path / MODEL
    if path.is_file() or path.suffix == SUFFIX:
        return path
    if path.suffix.lower() in _FOREIGN:
        raise OptionError(
            say("{path} has the suffix of another kind of file", path=path),
            hint=say("models are saved as {name}, or in a folder", name=f"{path.stem}{SUFFIX}"),
        )
    return path / MODEL


def _metadata(model: Module) -> dict[str, str]:
    try:
        description = json.dumps(describe(model), allow_nan=False)
    except OptionError:  # layers of the user's own
        return {"format": FORMAT, "version": VERSION}
    return {"format": FORMAT, "version": VERSION, "model": description}


def _rebuilt(arrays: Arrays, metadata: dict[str, str], source: Path) -> Module:
    if (metadata.get("format"), metadata.get("version")) != (FORMAT, VERSION):
        problem = say("{path} holds weights, but no model of this program", path=source)
        raise FileFormatError(problem, hint=_hint())
    if "model" not in metadata:
        problem = say("{path} holds a model with layers of its own", path=source)
        raise FileFormatError(problem, hint=_hint())
    description = parse_json(metadata["model"], str(source))
    with warnings.catch_warnings():
        # The weights drawn here are replaced at once: whether they fit says nothing.
        warnings.simplefilter("ignore", InitializerWarning)
        model = build(description, limit=sum(array.size for array in arrays.values()))
    model.load_state_dict(arrays)
    for name, array in model.state_dict().items():
        if array.dtype != arrays[name].dtype:
            kinds = {"a": arrays[name].dtype.name, "b": array.dtype.name}
            problem = say("{name} is stored as {a} and described as {b}", name=name, **kinds)
            raise misfit(str(source), problem)
    return model


def _hint() -> str:
    return say("build the model and give it: gg.load(path, into=model)")
