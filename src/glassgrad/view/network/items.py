"""What is known of each value while a network is read from a graph.

Layer L8. An item is weights (no data reach it), a weighted sum on its way, or a function of layers.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

import numpy as np

from glassgrad.core.primitive import Elementwise
from glassgrad.errors import OptionError
from glassgrad.graph.evaluate import apply
from glassgrad.graph.ir import Atom, Eqn, Literal, Var
from glassgrad.primitives.layout import permute_dims_p
from glassgrad.primitives.shape import concat_p
from glassgrad.text import say

CURVE_AT: Final = np.linspace(-4.0, 4.0, 81)
MATRIX: Final = 2  # axes of a matrix
_TIME_FIRST = (1, 0, 2)  # (batch, time, features) as (time, batch, features)


@dataclass(eq=False)
class Column:
    """A layer while it is being found."""

    size: int = 0
    name: str = ""
    weights: dict[Hashable, Product] = field(default_factory=dict)
    bias: Item | None = None
    sums: list[np.ndarray] = field(default_factory=list)
    outputs: dict[int, np.ndarray] = field(default_factory=dict)
    last: Item | None = None
    region: tuple[str, ...] = ()
    is_left: bool = False
    is_closed: bool = False
    is_reverse: bool = False
    seen: set[Item] = field(default_factory=set)


@dataclass(frozen=True, eq=False)
class Product:
    """Data times weights; `is_left` if the weights stand to the left."""

    source: Column
    weights: Item
    shape: tuple[int, ...]
    is_left: bool


@dataclass(frozen=True, eq=False)
class Net:
    """A weighted sum on its way: products, and the bias once it is added; its steps lie along
    axis `time`."""

    products: tuple[Product, ...]
    region: tuple[str, ...]
    bias: Item | None = None
    times: int = 1
    time: int = 0


@dataclass(frozen=True, eq=False)
class Item:
    """What is known of a value.

    identity: the same for the same weights wherever they are met
    columns:  the layers that it is a function of; empty if no data reach it
    steps:    what was done to the layer's sums, and that as a curve
    visit:    the step of time, or all of them if it is `stacked`: along axis `time`
    parts:    the layers that lie side by side in it
    """

    value: Any = None
    identity: Hashable = None
    name: str = ""
    columns: tuple[Column, ...] = ()
    net: Net | None = None
    steps: tuple[str, ...] = ()
    curve: Any = None
    visit: int = 0
    stacked: bool = False
    time: int = 0
    parts: tuple[Item, ...] = ()

    @property
    def is_data(self) -> bool:
        return bool(self.columns) or self.net is not None


# --- what is made of items ---------------------------------------------------------------


def item_of(atom: Atom, items: Mapping[Var, Item]) -> Item:
    if isinstance(atom, Literal):
        return Item(atom.value, ("literal", repr(atom.value)))
    return items[atom]


def values_of(eqn: Eqn, operands: Sequence[Item]) -> list[Any]:
    """The results of one equation; None each if an operand is not known."""
    known: dict[Var, Any] = {}
    for atom, item in zip(eqn.inputs, operands, strict=True):
        if item.value is None:
            return [None] * len(eqn.outputs)
        if isinstance(atom, Var):
            known[atom] = item.value
    with np.errstate(all="ignore"):
        return list(apply(eqn, known))


def added(operands: Sequence[Item]) -> Net | None:
    """The sum of two weighted sums, or of one and a bias."""
    nets = [item.net for item in operands if item.net is not None]
    rest = [item for item in operands if item.net is None]
    if not nets or any(item.is_data for item in rest):
        return None
    if rest:
        (net,) = nets
        return replace(net, bias=rest[0])
    products = tuple(p for net in nets for p in net.products)
    bias = next((net.bias for net in nets if net.bias is not None), None)
    return Net(products, nets[0].region, bias, max(net.times for net in nets))


def curve_of(eqn: Eqn, operands: Sequence[Item]) -> Any:
    """The operation over the grid, where it is elementwise and all else is a number."""
    if not isinstance(eqn.primitive, Elementwise):
        return None
    on_grid = []
    for item in operands:
        if item.columns:
            on_grid.append(item.curve)
        else:
            on_grid.append(item.value if np.size(item.value) == 1 else None)
    if any(x is None for x in on_grid):
        return None
    numbers = [np.asarray(x, np.float64).reshape(-1) for x in on_grid]
    (found,) = values_of(eqn, [Item(x) for x in numbers])
    return found


def sliced(item: Item, t: int) -> Item:
    value = None if item.value is None else item.value[t]
    if item.net is not None:
        return Item(value, net=replace(item.net, times=1))
    if not item.is_data:
        return Item(value, (item.identity, t))
    return Item(value, columns=item.columns, steps=item.steps, curve=item.curve, visit=t)


def stacked_items(row: Sequence[Item]) -> Item:
    values = [item.value for item in row]
    value = None if any(v is None for v in values) else np.stack(values)
    last = row[-1]
    if not last.is_data:
        return Item(value, tuple(item.identity for item in row))
    first = min(item.visit for item in row)
    return Item(value, None, "", last.columns, None, last.steps, last.curve, first, stacked=True)


def turned(eqn: Eqn, item: Item) -> Item | None:
    """Data of three axes whose first two change places: steps of time come first, or last again."""
    axes = eqn.params.get("axes")
    if eqn.primitive is not permute_dims_p or axes != _TIME_FIRST or not item.columns:
        return None
    (value,) = values_of(eqn, [item])
    parts = tuple(found for part in item.parts if (found := turned(eqn, part)) is not None)
    if not item.stacked:
        has_steps = eqn.inputs[0].aval.shape[1] > 1
        return replace(item, value=value, stacked=has_steps, time=0, parts=parts)
    return replace(item, value=value, time=1 - item.time, parts=parts)


def beside(eqn: Eqn, items: Sequence[Item]) -> tuple[Item, ...]:
    """The layers that an equation lays side by side along the features."""
    last = len(eqn.outputs[0].aval.shape) - 1
    if eqn.primitive is not concat_p or eqn.params["axis"] not in (-1, last):
        return ()
    whole = all(len(item.columns) == 1 and holds(item.value, item.columns[0]) for item in items)
    return tuple(items) if whole else ()


def is_gated(shape: tuple[int, ...], size: int) -> bool:
    """Whether a matrix gives a state of so many numbers several gates of as many."""
    if len(shape) != MATRIX or not size or shape[0] != size:
        return False
    return shape[1] > size and shape[1] % size == 0


def features(
    item: Item, size: int, is_left: bool, row: int, times: int, time: int = 0
) -> list[np.ndarray]:
    """The vector of one sample, for each step of time."""
    if item.value is None:
        return []
    array = np.asarray(item.value, np.float64)
    steps = list(np.moveaxis(array, time, 0)) if times > 1 else [array]
    return [_sample(step, size, is_left, row) for step in steps]


def _sample(array: np.ndarray, size: int, is_left: bool, row: int) -> np.ndarray:
    if is_left and array.ndim == MATRIX:
        array = array.T
    rows = array.reshape(-1, size)
    if not len(rows):
        raise OptionError(say("an empty batch has no sample to show"))
    return np.asarray(rows[min(row, len(rows) - 1)])


def holds(value: Any, column: Column) -> bool:
    """Whether the axis of features is that of the layer."""
    return value is None or has_features(np.shape(value), column)


def has_features(shape: tuple[int, ...], column: Column) -> bool:
    """Whether an array of this shape has an axis for the layer's features."""
    return bool(shape) and shape[0 if column.is_left else -1] == column.size


def matrix(product: Product) -> np.ndarray | None:
    if product.weights.value is None:
        return None
    array = np.asarray(product.weights.value, np.float64)
    return array.T if product.is_left else array


def vector(bias: Item | None, size: int) -> np.ndarray | None:
    if bias is None or bias.value is None:
        return None
    array = np.asarray(bias.value, np.float64)
    if array.size == size:
        return array.reshape(-1)
    return np.broadcast_to(array, (1, size))[0] if array.size == 1 else None
