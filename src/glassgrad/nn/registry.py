"""The closed table of layers, and networks as plain descriptions of it.

Layer L7. A description names classes of `LAYERS` and their constructor arguments, nothing else: a
saved network holds no code, and building one can run none. A network with layers of the user's
own is saved as weights alone.

    {"class": "Sequential", "config": {}, "children": [{"class": "Linear", "config": {...}}, ...]}

A layer that stands twice in a network is described once and then as {"ref": number}, in the order
in which descriptions begin. `"tied"` at the top lists the paths of parameters that are one.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from math import prod
from typing import Any

from glassgrad.errors import FileFormatError, OptionError, nearest
from glassgrad.nn import init
from glassgrad.nn.activations import ACTIVATION_LAYERS
from glassgrad.nn.attention import MultiHeadAttention
from glassgrad.nn.containers import MLP, Dropout, Flatten, Residual, Sequential, Unflatten
from glassgrad.nn.conv import (
    Conv1d,
    Conv2d,
    Conv3d,
    ConvTranspose1d,
    ConvTranspose2d,
    ConvTranspose3d,
)
from glassgrad.nn.gpt import GPT
from glassgrad.nn.linear import Embedding, Linear
from glassgrad.nn.loss_layers import LOSS_LAYERS
from glassgrad.nn.module import Module
from glassgrad.nn.pooling import POOLING_LAYERS
from glassgrad.nn.positions import LearnedPositions, SinusoidalPositions
from glassgrad.nn.recurrent import RECURRENT_LAYERS
from glassgrad.nn.row_norms import LayerNorm, RMSNorm
from glassgrad.nn.transformer import (
    FeedForward,
    Transformer,
    TransformerDecoder,
    TransformerDecoderBlock,
    TransformerEncoder,
    TransformerEncoderBlock,
)
from glassgrad.text import say

_LAYERS: tuple[type[Module], ...] = (
    Linear, Embedding, Flatten, Unflatten, Dropout, Sequential, MLP, Residual,
    Conv1d, Conv2d, Conv3d, ConvTranspose1d, ConvTranspose2d, ConvTranspose3d, *POOLING_LAYERS,
    *ACTIVATION_LAYERS.values(), *LOSS_LAYERS.values(),
    LayerNorm, RMSNorm, LearnedPositions, SinusoidalPositions, MultiHeadAttention, FeedForward,
    TransformerEncoderBlock, TransformerDecoderBlock, TransformerEncoder, TransformerDecoder,
    Transformer, GPT,
    *RECURRENT_LAYERS, *ACTIVATION_LAYERS.values(), *LOSS_LAYERS.values(),
)  # fmt: skip
LAYERS: dict[str, type[Module]] = {layer.__name__: layer for layer in _LAYERS}
_KEYS = {"class", "config", "children", "tied"}

# --- describing --------------------------------------------------------------------------


def describe(module: Module) -> dict[str, Any]:
    """The architecture of a network as nested dicts of names and numbers.

    Raises:  OptionError for a class outside `LAYERS`

    >>> describe(Sequential(Flatten()))["children"]
    [{'class': 'Flatten', 'config': {'start': 1}}]
    """
    description = _describe(module, {})
    tied = _tied(module)
    return {**description, "tied": tied} if tied else description


def _describe(module: Module, seen: dict[int, int]) -> dict[str, Any]:
    if id(module) in seen:
        return {"ref": seen[id(module)]}
    seen[id(module)] = len(seen)
    name = type(module).__name__
    if LAYERS.get(name) is not type(module):
        raise OptionError(
            say("{name} is not a layer of the library", name=name),
            operation="describe",
            rule=say("a saved network holds names of layers, never code"),
            hint=say("save its weights, and load them into a new {name}()", name=name),
        )
    description = {"class": name, "config": module.config()}  # type: ignore[attr-defined]
    children = [_describe(child, seen) for child in _children(module)]
    return {**description, "children": children} if children else description


def _children(module: Module) -> list[Module]:
    """The modules that a container takes as arguments."""
    if isinstance(module, Sequential):
        return list(module.layers)
    if isinstance(module, Residual):
        return [child for child in (module.body, module.shortcut) if child is not None]
    return []


def _tied(module: Module) -> list[list[str]]:
    """Paths of parameters that several layers share, in groups."""
    paths: dict[int, list[str]] = {}
    for slot in module.tree_slots():
        paths.setdefault(id(slot.get()), []).append(slot.path)
    return [group for group in paths.values() if len(group) > 1]


# --- building ----------------------------------------------------------------------------


def build(description: Any, *, limit: int | None = None) -> Module:
    """The network of a description, with starting weights that are to be overwritten.

    limit:   how many weights the network may have, such as a file holds; checked before they
             are allocated
    Raises:  FileFormatError if the description is not one of `describe`

    >>> build({"class": "Linear", "config": {"inputs": 3, "outputs": 2}})
    Linear(3, 2)
    """
    if limit is not None and _weights(description) > limit:
        problem = say("the description has more weights than the {limit} expected", limit=limit)
        raise _broken(problem)
    with init.seeded(0):
        module = _build(description, [])
    _tie(module, description.get("tied", []))
    return module


def _tie(module: Module, groups: Any) -> None:
    """Make the parameters of each group of paths one."""
    slots = {slot.path: slot for slot in module.tree_slots()}
    for group in groups if isinstance(groups, list) else [groups]:
        paths = group if isinstance(group, list) and group else [None]
        found = [slots.get(path) if isinstance(path, str) else None for path in paths]
        known = [slot for slot in found if slot is not None]
        if len(known) < len(found) or len({slot.get().shape for slot in known}) != 1:
            raise _broken(say("parameters {paths} cannot be tied", paths=group))
        for slot in known[1:]:
            slot.put(known[0].get())


def _build(description: Any, built: list[Module | None]) -> Module:
    if not isinstance(description, Mapping):
        kind = type(description).__name__
        raise _broken(say("a layer is described by {kind}, not by an object", kind=kind))
    if set(description) == {"ref"}:
        return _built_before(description["ref"], built)
    unexpected = set(description) - _KEYS
    if unexpected:
        raise _broken(say("unexpected {name}", name=sorted(map(str, unexpected))[0]))
    name, options = description.get("class"), description.get("config", {})
    if not isinstance(name, str) or name not in LAYERS:
        problem = say("unknown layer {name!r}", name=name)
        raise FileFormatError(problem, operation="build", hint=nearest(str(name), LAYERS))
    number = len(built)
    built.append(None)
    children = [_build(child, built) for child in _listed(description.get("children", []))]
    built[number] = module = _made(name, children, options)
    return module


def _made(name: str, children: list[Module], options: Any) -> Module:
    if not isinstance(options, Mapping) or not all(isinstance(key, str) for key in options):
        raise _broken(say("the options of {name} are not an object", name=name))
    try:
        module: Module = LAYERS[name](*children, **options)
        return module
    except TypeError as error:
        raise _broken(
            say("the options of {name} do not fit: {error}", name=name, error=error)
        ) from None


def _weights(description: Any) -> int:
    """How many elements the matrices of a description have; malformed parts count for nothing."""
    if not isinstance(description, Mapping):
        return 0
    options, children = description.get("config"), description.get("children")
    total = sum(map(_weights, children)) if isinstance(children, list) else 0
    if not isinstance(options, Mapping):
        return total
    least = getattr(LAYERS.get(str(description.get("class"))), "least_weights", None)
    if least is not None:
        return total + int(least(options))
    sizes = options.get("sizes")
    if "hidden" in options:  # of a recurrent layer: at least so many, at most eight times that
        hidden, layers = options["hidden"], options.get("num_layers", 1)
        return (
            total
            + _product(options.get("inputs"), hidden)
            + _product(hidden, hidden) * (layers if isinstance(layers, int) else 1)
        )
    if not isinstance(sizes, list):
        pairs = (("inputs", "outputs"), ("count", "width"))
        matrices = sum(_product(options.get(a), options.get(b)) for a, b in pairs)
        return total + _convolved(matrices, options)
    return total + sum(_product(a, b) for a, b in pairwise(sizes))


def _convolved(matrices: int, options: Mapping[str, Any]) -> int:
    """As many matrices as a kernel has places, each cut into groups."""
    kernel, groups = options.get("kernel", []), options.get("groups", 1)
    sizes = kernel if isinstance(kernel, list) else [kernel]
    places = prod(size for size in sizes if isinstance(size, int))
    return matrices * places // (groups if isinstance(groups, int) and groups > 0 else 1)


def _product(rows: Any, columns: Any) -> int:
    return int(rows * columns) if isinstance(rows, int) and isinstance(columns, int) else 0


def _built_before(number: Any, built: list[Module | None]) -> Module:
    known = isinstance(number, int) and 0 <= number < len(built)
    module: Module | None = built[number] if known else None
    if module is None:
        raise _broken(say("there is no layer number {number!r} before this one", number=number))
    return module


def _listed(children: Any) -> list[Any]:
    if not isinstance(children, list):
        raise _broken(say("the children of a layer are not a list"))
    return children


def _broken(problem: str) -> FileFormatError:
    return FileFormatError(problem, operation="build")
