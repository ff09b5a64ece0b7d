"""Eager tensors: NumPy values that remember how they were made.

Layer L6. Operations run at once and leave a node on the tape; `backward()` sweeps the tape. The
sweep runs operation by operation the first time, and as emitted NumPy text, cached by the structure
of the tape, from then on: same order, same bits. Gradients of intermediate values are kept.
"""

# Long because the value, its two kinds, the eager interpreter and the constructors share private
# fields, and are one thing to read.

from __future__ import annotations

import warnings
from collections.abc import Iterable, Mapping, Sequence
from contextlib import contextmanager
from operator import attrgetter
from typing import TYPE_CHECKING, Any, Self, TypeVar

import numpy as np

from glassgrad.autodiff import sweeps, tape
from glassgrad.autodiff.vjp import Node, leaf, next_serial
from glassgrad.config import config
from glassgrad.core import position
from glassgrad.core.aval import Aval, aval_of, is_float
from glassgrad.core.interpret import raise_diagnosed
from glassgrad.core.primitive import Primitive
from glassgrad.core.region import provenance
from glassgrad.core.template import function_of
from glassgrad.errors import DtypeError, GradientError, GradientReplacedWarning, ShapeError
from glassgrad.graph import readers
from glassgrad.primitives import index as indexing
from glassgrad.primitives.operators import Operators
from glassgrad.text import say

if TYPE_CHECKING:
    from collections.abc import Iterator

    from glassgrad.graph.ir import Graph


T = TypeVar("T", bound="Tensor")


_new = object.__new__


@contextmanager
def no_grad() -> Iterator[None]:
    """Compute without recording: nothing inside the block can be differentiated.

    >>> w = parameter([1.0])
    >>> with no_grad():
    ...     (w * 2).requires_grad
    False
    """
    now = provenance.now
    before, now.is_recording = now.is_recording, False
    try:
        yield
    finally:
        now.is_recording = before


class _Eager:
    """The interpreter at level 0: evaluate now, remember for later."""

    level = 0

    def process(
        self, primitive: Primitive, inputs: Sequence[Any], params: Mapping[str, Any]
    ) -> Any:
        # NOTE: this is the hot path of eager work; it is written out so that an operation costs
        # little more than NumPy's own call.
        values, parents, recorded = [], [], False
        for x in inputs:
            if isinstance(x, Tensor):
                values.append(x._value)
                origin = x.origin
                parents.append(origin)
                if origin is not None and origin[0].requires:
                    recorded = True
            else:
                values.append(x)
                parents.append(None)
        try:
            run = primitive.run or function_of(primitive, params)
            result = run(*values, **params) if params else run(*values)
        except (ValueError, TypeError, IndexError, RuntimeError) as error:
            raise_diagnosed(primitive, inputs, params, error)
        if isinstance(result, (tuple, list)):  # as `primitive.multiple` says, and sooner read
            return self._several(primitive, values, parents, result, params, recorded)
        out = _new(Tensor)
        out._value = result
        now = provenance.now
        if not recorded or not now.is_recording or result.dtype.kind != "f":
            out.origin = None
            return out
        node = _new(Node)  # as Node(...) would, without the call
        node.primitive, node.params = primitive, params
        node.inputs, node.parents, node.outs = values, parents, (result,)
        node.path, node.serial, node.requires = now.path, next_serial(), True
        # Three frames are known to be ours: `here`, this one and `bind`.
        node.position = now.position or position.here(3)
        node.grads = node.stale = None
        out.origin = (node, 0)
        return out

    def _several(
        self,
        primitive: Primitive,
        values: Sequence[Any],
        parents: Sequence[Any],
        result: Any,
        params: Mapping[str, Any],
        recorded: bool,
    ) -> tuple[Tensor, ...]:
        outs = tuple(result)
        now = provenance.now
        if not recorded or not now.is_recording:
            return tuple(map(Tensor, outs))
        where = now.position or position.here(4)
        node = Node(primitive, values, parents, outs, params, now.path, where)
        return tuple(Tensor(out, (node, i)) for i, out in enumerate(outs))


EAGER = _Eager()


class Tensor(Operators):
    """An array with NumPy's semantics, whose operations are recorded.

    Make one with `gg.tensor` or `gg.parameter`. `.data` is a read-only view, `.grad` the gradient
    that the last `backward()` left here (an array; None before the first).
    """

    __slots__ = ("_name", "_value", "origin")
    _name: str
    interpreter = EAGER
    role = ""

    def __init__(self, value: Any, origin: tuple[Node, int] | None = None) -> None:
        self._value = value
        self.origin = origin

    # --- what it is ----------------------------------------------------------------------

    @property
    def aval(self) -> Aval:
        return aval_of(self._value)

    @property
    def node(self) -> Node | None:
        """The operation on the tape that made this value; None outside the tape."""
        return None if self.origin is None else self.origin[0]

    @property
    def number(self) -> int:
        """Which result of its operation this is."""
        return 0 if self.origin is None else self.origin[1]

    # Read for every operation; an `attrgetter` costs no call of a Python function.
    shape = property(attrgetter("_value.shape"), doc="The size of each axis.")
    dtype = property(attrgetter("_value.dtype"), doc="The kind of number.")

    @property
    def data(self) -> np.ndarray:
        """The numbers, as a read-only view."""
        view = np.asarray(self._value).view()
        view.flags.writeable = False
        return view

    @property
    def requires_grad(self) -> bool:
        """Whether operations on this tensor are recorded."""
        return self.node is not None and self.node.requires

    @requires_grad.setter
    def requires_grad(self, wanted: bool) -> None:
        if self.node is not None and self.node.primitive is not None:
            raise GradientError(
                say("requires_grad of a computed tensor cannot be set"), hint=say("use .detach()")
            )
        _require_float(self._value, wanted)
        self.origin = (leaf(self._value, wanted), 0)

    @property
    def grad(self) -> np.ndarray | None:
        """The gradient of the last `backward()`, of this tensor's shape and dtype."""
        if self.origin is None:
            return None
        node, number = self.origin
        if node.grads is None:
            return None
        found: np.ndarray | None = node.grads[number]
        if node.primitive is None or found is None or found.shape == self._value.shape:
            return found
        return np.broadcast_to(found, self._value.shape)  # one number for many elements

    @grad.setter
    def grad(self, value: Any) -> None:
        if self.node is None:
            raise GradientError(say("a tensor outside the tape has no gradient"))
        if value is not None and np.shape(value) != self.shape:
            raise ShapeError(
                say(
                    "a gradient of shape {a} for a tensor of shape {b}",
                    a=np.shape(value),
                    b=self.shape,
                )
            )
        cell = self.node.grads
        if not isinstance(cell, tape.Gradients):
            cell = self.node.grads = tape.Gradients([None] * len(self.node.outs))
        cell.clear()
        if value is not None:
            cell[self.number] = np.asarray(value, self.dtype)

    def describe(self) -> tuple[str, str]:
        """The user's name and place, for error messages and pictures."""
        where = self.node.position if self.node is not None else None
        name = getattr(self, "_name", "") or position.name_of(where)
        return name, position.place_of(where)

    # --- backward ------------------------------------------------------------------------

    def backward(self, gradient: Any = None, *, accumulate: bool = False) -> None:
        """Fill `.grad` of everything this tensor depends on, by the chain rule.

        gradient:   the cotangent; may be left out for a scalar
        accumulate: add to the gradients that are there, for micro-batches
        Raises:     GradientError if there is nothing to differentiate, if the tensor is no scalar
                    and no `gradient` is given, or if a needed value was overwritten
        """
        node, number = self.origin or (None, 0)
        if node is None or not node.requires:
            raise GradientError(
                say("no gradient path leads to this tensor"),
                operation="backward",
                rule=say("gradients flow from gg.parameter and requires_grad=True"),
                hint=say("was it made under no_grad() or by .detach()?"),
            )
        if gradient is None and self.shape != ():
            raise GradientError(
                say("a tensor of shape {shape} is not a scalar", shape=self.shape),
                operation="backward",
                rule=say("a gradient belongs to one real number"),
                hint=say("reduce it with .sum() or .mean(), or give backward(gradient=...)"),
            )
        seed = self._value.dtype.type(1) if gradient is None else self._cotangent(gradient)
        self._keep(*sweeps.backward(node, number, seed), accumulate)

    def _cotangent(self, gradient: Any) -> Any:
        array = gradient._value if isinstance(gradient, Tensor) else np.asarray(gradient)
        if array.shape != self.shape:
            raise ShapeError(
                say(
                    "a gradient of shape {a} for a tensor of shape {b}", a=array.shape, b=self.shape
                ),
                operation="backward",
            )
        return array.astype(self.dtype, copy=False)

    def _keep(
        self,
        operations: Sequence[Node],
        leaves: Sequence[Node],
        grads: list[list[Any]],
        accumulate: bool,
    ) -> None:
        assert self.origin is not None
        output = (self.origin[0].serial, self.origin[0].position)
        for node, found in zip(operations, grads, strict=False):
            node.grads = _added(node.grads, found) if accumulate else found
        replaced = None
        for source, found in zip(leaves, grads[len(operations) :], strict=True):
            held = source.grads
            if held is None:
                held = source.grads = tape.Gradients([None])
            elif accumulate:
                found = _added(held, found)  # noqa: PLW2901
            elif replaced is None and held.leaf == source.serial and held.is_from_another(output):
                replaced = held.source()
            held[0], held.output, held.leaf = found[0], output, source.serial
        if replaced is not None:
            _warn_replaced(replaced, self)

    # --- copies --------------------------------------------------------------------------

    def detach(self) -> Tensor:
        """The same numbers, as a constant; those of a parameter are copied, since it changes."""
        return Tensor(np.array(self._value) if self.role else self._value)

    def numpy(self) -> np.ndarray:
        """A copy of the numbers that may be written."""
        return np.array(self._value)

    def item(self) -> Any:
        """The one element as a Python number."""
        return self._value.item()

    def tolist(self) -> Any:
        return self._value.tolist()

    def graph(self) -> Graph:
        """The recorded computation of this tensor, its leaves as inputs."""
        return tape.graph_of(self)

    def source(self, **options: Any) -> str:
        """Standalone NumPy source of this tensor's computation."""
        return self.graph().source(**options)

    # --- writing -------------------------------------------------------------------------

    def __setitem__(self, index: Any, value: Any) -> None:
        updated = indexing.index_set(
            self if self.role == "" else self._value, index, _raw(self, value)
        )
        self._become(updated)

    def _become(self, updated: Any) -> None:
        """Take a new value: the handle moves on, older nodes keep what they saw."""
        if isinstance(updated, Tensor):
            self._value, self.origin = updated._value, updated.origin
        else:
            self._value = updated

    def __iadd__(self, other: Any) -> Self:
        return self._updated(self + other)

    def __isub__(self, other: Any) -> Self:
        return self._updated(self - other)

    def __imul__(self, other: Any) -> Self:
        return self._updated(self * other)

    def __itruediv__(self, other: Any) -> Self:
        return self._updated(self / other)

    def _updated(self, value: Any) -> Self:
        if value.shape != self.shape:
            raise ShapeError(
                say("an update of {a} for a tensor of {b}", a=value.aval, b=self.aval),
                rule=say("an in-place update keeps the shape"),
            )
        if not np.can_cast(value.dtype, self.dtype, "same_kind"):
            raise DtypeError(
                say("an update of {a} for a tensor of {b}", a=value.aval, b=self.aval),
                rule=say("an in-place update keeps the kind of number"),
                hint=say("write t = t + v for a new tensor, or make this one with floats"),
            )
        self._become(value if value.dtype == self.dtype else value.astype(self.dtype))
        return self

    # --- conversions ---------------------------------------------------------------------

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        if self.requires_grad and provenance.now.is_recording:
            name, place = self.describe()
            raise GradientError(
                say("a tensor that requires a gradient is turned into an array"),
                operation=f"{name} {place}".strip(),
                rule=say("an array cannot carry the gradient on"),
                hint=say("use .detach(), .data, or `with gg.no_grad():`"),
            )
        return np.array(self.data, dtype=dtype, copy=copy)

    def __dlpack__(self, **options: Any) -> Any:
        return np.asarray(self).__dlpack__(**options)

    def __dlpack_device__(self) -> tuple[int, int]:
        return np.asarray(self._value).__dlpack_device__()

    def __bool__(self) -> bool:
        return bool(self._value)

    def __float__(self) -> float:
        return float(self._value)

    def __int__(self) -> int:
        return int(self._value)

    def __index__(self) -> int:
        return int(self._value.__index__())

    def __repr__(self) -> str:
        body = np.array2string(np.asarray(self._value), separator=", ", prefix="tensor(")
        notes = [f"dtype={self.dtype.name}"]
        if self.role:
            notes.append(self.role)
        elif self.node is not None and self.node.primitive is not None:
            notes.append(f"by {self.node.primitive.name}")
        elif self.requires_grad:
            notes.append("requires_grad")
        return f"tensor({body}, {', '.join(notes)})"

    def _repr_html_(self) -> str | None:
        """What a notebook shows: how it was computed; None for mere numbers."""
        found: str | None = readers.reader("notebook")(self)
        return found

    def __format__(self, spec: str) -> str:
        return format(self._value if self.shape == () else repr(self), spec)

    def __deepcopy__(self, memo: dict[int, Any]) -> Tensor:
        return _fresh(
            type(self), np.array(self._value), self.requires_grad, getattr(self, "_name", "")
        )


class Parameter(Tensor):
    """A tensor that training changes: `p -= lr * p.grad` updates it in place, unrecorded."""

    __slots__ = ()
    role = "parameter"

    def assign(self, value: Any) -> None:
        """Overwrite the numbers in place; a graph recorded before may no longer need them."""
        array = np.asarray(value._value if isinstance(value, Tensor) else value)
        if array.shape != self.shape:
            raise ShapeError(
                say(
                    "shape {a} is assigned to a parameter of shape {b}", a=array.shape, b=self.shape
                ),
                operation=self.describe()[0],
            )
        np.copyto(self._value, array, casting="same_kind")
        overwritten([self], position.here())

    def _become(self, updated: Any) -> None:
        self.assign(updated)

    def __iadd__(self, other: Any) -> Self:
        return self._updated(self._constant() + _raw(self, other))

    def __isub__(self, other: Any) -> Self:
        return self._updated(self._constant() - _raw(self, other))

    def __imul__(self, other: Any) -> Self:
        return self._updated(self._constant() * _raw(self, other))

    def __itruediv__(self, other: Any) -> Self:
        return self._updated(self._constant() / _raw(self, other))

    def _constant(self) -> Tensor:
        return Tensor(self._value)


def overwritten(parameters: Iterable[Parameter], where: Any = None) -> None:
    """Say that numbers were changed in place: an older graph that needs them is void.

    where: the position in the user's program, for the error that such a graph gives
    """
    for parameter in parameters:
        assert parameter.origin is not None
        old = parameter.origin[0]
        if old.grads is None:
            old.grads = tape.Gradients([None])
        new = _new(Node)
        new.primitive, new.inputs, new.parents, new.outs = None, (), (), old.outs
        new.params, new.path, new.position = old.params, old.path, old.position
        new.requires, new.serial = old.requires, next_serial()
        new.grads, new.stale = old.grads, None
        old.stale = where or True
        parameter.origin = (new, 0)


class State(Tensor):
    """A tensor that a layer changes itself, such as a running mean. It has no gradient."""

    __slots__ = ()
    role = "state"


def tensor(data: Any, dtype: Any = None, *, requires_grad: bool = False, name: str = "") -> Tensor:
    """A tensor with a copy of `data`; Python floats and lists become `config.float`.

    >>> tensor([[1, 2], [3, 4]]).sum()
    tensor(10, dtype=int64)
    """
    return _fresh(Tensor, _copied(data, dtype), requires_grad, name)


def parameter(data: Any, dtype: Any = None, *, name: str = "") -> Parameter:
    """A tensor to be trained, with a copy of `data`.

    >>> w = parameter([2.0], name="w")
    >>> (w * w).sum().backward()
    >>> w.grad
    array([4.], dtype=float32)
    """
    array = _copied(data, dtype)
    if array.dtype.kind in "iu" and dtype is None:
        array = array.astype(config.float)
    return _fresh(Parameter, array, True, name)


def state(data: Any, dtype: Any = None, *, name: str = "") -> State:
    """A tensor for running statistics of a layer, with a copy of `data`."""
    return _fresh(State, _copied(data, dtype), False, name)


def as_tensor(data: Any) -> Tensor:
    """`data` itself if it is a tensor, else a constant over the same array."""
    return data if isinstance(data, Tensor) else Tensor(_copied(data, None))


def _fresh(kind: type[T], array: np.ndarray, requires: bool, name: str) -> T:
    _require_float(array, requires)
    node = leaf(array, requires)
    node.position = position.here()
    made = kind(array, (node, 0))
    made._name = name
    return made


def _copied(data: Any, dtype: Any) -> np.ndarray:
    if isinstance(data, Tensor):
        return np.array(data._value, dtype=dtype)
    if isinstance(data, list) and any(isinstance(item, Tensor) for item in data):
        given = [item.dtype for item in data if isinstance(item, Tensor)]
        data = np.array([np.asarray(item) for item in data], np.result_type(*given))
    array = np.array(data, dtype=dtype, order="C")
    if array.dtype == object or array.dtype.kind in "USV":
        raise DtypeError(
            say("{data} is not an array of numbers", data=type(data).__name__),
            hint=say("rows of one length, and numbers only"),
        )
    if dtype is None and array.dtype == np.float64 and not hasattr(data, "dtype"):
        array = array.astype(config.float)
    return array


def _require_float(value: Any, requires: bool) -> None:
    if requires and not is_float(value.dtype):
        raise DtypeError(
            say("an array of dtype {dtype} cannot require a gradient", dtype=value.dtype.name),
            rule=say("gradients belong to floating-point numbers"),
            hint=say("write 3.0 instead of 3, or use .astype(float)"),
        )


def _raw(target: Tensor, value: Any) -> Any:
    """What is written: for a parameter only the numbers, elsewhere with its history."""
    if target.role and isinstance(value, Tensor):
        return value._value
    return value


def _added(held: Sequence[Any] | None, found: list[Any]) -> list[Any]:
    if held is None:
        return found
    pairs = zip(held, found, strict=True)
    return [b if a is None else a if b is None else a + b for a, b in pairs]


def _warn_replaced(source: tuple[str, str], output: Tensor) -> None:
    name, place = output.describe()
    warnings.warn(
        say(
            "the gradients of {old} are replaced by those of {new}; "
            "backward(accumulate=True) adds them",
            old=" ".join(filter(None, source)) or "another output",
            new=" ".join(filter(None, (name, place))) or "this output",
        ),
        GradientReplacedWarning,
        stacklevel=4,
    )
