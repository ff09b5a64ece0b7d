"""Module: a mutable tree of layers whose array leaves are declared.

Layer L7. The leaves are exactly the fields that were assigned a `Parameter` or a `State`; all
else is static. Transforms put tracers in their place, run, and restore them. A module computes
with primitives only, so any value (array, Tensor, tracer) flows through it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Self

import numpy as np

from glassgrad.core.region import region
from glassgrad.errors import DtypeError, ShapeError, nearest
from glassgrad.graph.readers import reader
from glassgrad.primitives.random import module_path
from glassgrad.tensor import Parameter, State, Tensor, state
from glassgrad.text import say
from glassgrad.tree import Slot

_ROLES = {"parameter": Parameter, "state": State}


class Module:
    """Base of all layers and networks: assign parameters and layers in `__init__`, write `forward`.

    `model(x)` calls `forward(x)` inside a region with the layer's name.

    >>> from glassgrad.tensor import parameter
    >>> class Scale(Module):
    ...     def __init__(self):
    ...         self.factor = parameter([2.0])
    ...     def forward(self, x):
    ...         return x * self.factor
    >>> [path for path, _ in Scale().named_parameters()]
    ['factor']
    """

    training = True
    is_between = False  # whether an activation behind it is that of the layer in front of it

    def forward(self, *inputs: Any) -> Any:
        """What the layer computes; every subclass writes its own."""
        raise TypeError(f"{type(self).__name__} has no forward method")

    def __call__(self, *inputs: Any, **options: Any) -> Any:
        label = self.__dict__.get("_label") or type(self).__name__.lower()
        with region(label), module_path(label):
            return self.forward(*inputs, **options)

    # --- the tree ------------------------------------------------------------------------

    def __setattr__(self, name: str, value: Any) -> None:
        roles = self._declared()
        if isinstance(value, (Parameter, State)):
            roles[name] = value.role
            _name_leaf(value, name)
        elif name in roles:
            value = self._redeclared(name, roles, value)
        for path, child in _children(name, value):
            _label(child, path)
        object.__setattr__(self, name, value)

    def __delattr__(self, name: str) -> None:
        self._declared().pop(name, None)
        object.__delattr__(self, name)

    def _declared(self) -> dict[str, str]:
        """Field name -> "parameter" or "state", kept while tracers stand in for the values."""
        return self.__dict__.setdefault("_roles", {})  # type: ignore[no-any-return]

    def _redeclared(self, name: str, roles: dict[str, str], value: Any) -> Any:
        """A new value for a declared field: states may be reassigned, parameters may not."""
        if value is None:
            del roles[name]
            return None
        if hasattr(value, "interpreter") and not isinstance(value, Tensor):
            return value
        if roles[name] == "state":
            return state(value.data if isinstance(value, Tensor) else value, name=name)
        raise DtypeError(
            say("the parameter {name} is replaced by {kind}", name=name, kind=type(value).__name__),
            hint=say("write the numbers with .assign(array), or wrap them in gg.parameter(array)"),
        )

    def tree_slots(self) -> Iterator[Slot]:
        """Every place of this module and its children that holds a leaf."""
        roles = self._declared()
        for name, value in list(vars(self).items()):
            if name in roles:
                yield Slot(name, self.__dict__, name, roles[name])
            else:
                yield from _slots(name, value)

    def named_modules(self) -> Iterator[tuple[str, Module]]:
        """This module (path "") and all below it."""
        yield "", self
        for name, value in list(vars(self).items()):
            for path, child in _children(name, value):
                for inner, module in child.named_modules():
                    yield (f"{path}.{inner}" if inner else path), module

    # --- leaves --------------------------------------------------------------------------

    def named_parameters(self) -> Iterator[tuple[str, Parameter]]:
        """Path and parameter, a tied one only under its first path."""
        yield from self._named("parameter")

    def parameters(self) -> list[Parameter]:
        return [parameter for _, parameter in self.named_parameters()]

    def named_states(self) -> Iterator[tuple[str, State]]:
        """Path and state, such as running statistics."""
        yield from self._named("state")

    def _named(self, role: str) -> Iterator[tuple[str, Any]]:
        seen: set[int] = set()
        for slot in self.tree_slots():
            value = slot.get()
            if slot.role == role and id(value) not in seen:
                seen.add(id(value))
                yield slot.path, value

    def state_dict(self) -> dict[str, np.ndarray]:
        """A copy of every parameter and state by path."""
        leaves = [*self.named_parameters(), *self.named_states()]
        return {path: np.array(leaf.data) for path, leaf in leaves}

    def load_state_dict(self, arrays: Mapping[str, Any]) -> None:
        """Overwrite every parameter and state; all names and shapes are checked first.

        Raises:  ShapeError that lists missing names, unexpected names and shapes that differ
        """
        leaves = dict([*self.named_parameters(), *self.named_states()])
        problems = [say("missing {name}", name=n) for n in leaves if n not in arrays]
        problems += [say("unexpected {name}", name=n) for n in arrays if n not in leaves]
        for name, leaf in leaves.items():
            if name in arrays and np.shape(arrays[name]) != leaf.shape:
                shapes = {"name": name, "a": np.shape(arrays[name]), "b": leaf.shape}
                problems.append(say("{name} has shape {a}, the model {b}", **shapes))
        if problems:
            unexpected = [n for n in arrays if n not in leaves]
            hint = nearest(unexpected[0], leaves) if unexpected else ""
            raise ShapeError("; ".join(problems), operation="load_state_dict", hint=hint)
        for name, leaf in leaves.items():
            if isinstance(leaf, Parameter):
                leaf.assign(np.asarray(arrays[name]))
            else:
                np.copyto(leaf._value, np.asarray(arrays[name]), casting="same_kind")

    # --- modes ---------------------------------------------------------------------------

    def train(self, mode: bool = True) -> Self:
        """Training behaviour (dropout drops, batch statistics are used); returns the module."""
        for _, module in self.named_modules():
            object.__setattr__(module, "training", mode)
        return self

    def eval(self) -> Self:
        """Evaluation behaviour; returns the module."""
        return self.train(False)

    def freeze(self) -> Self:
        """No gradients for these parameters and no updates; returns the module."""
        for parameter in self.parameters():
            parameter.requires_grad = False
        return self

    def unfreeze(self) -> Self:
        """Undo `freeze`."""
        for parameter in self.parameters():
            parameter.requires_grad = True
        return self

    def zero_grad(self) -> None:
        """Forget the gradients."""
        for parameter in self.parameters():
            parameter.grad = None

    # --- use -----------------------------------------------------------------------------

    def predict(self, X: Any, *, batch_size: int = 1024) -> np.ndarray:
        """The model's outputs for `X` as an array, in evaluation mode, batch by batch."""
        return reader("predict")(self, X, batch_size=batch_size)  # type: ignore[no-any-return]

    def evaluate(self, X: Any, y: Any, **options: Any) -> dict[str, float]:
        """Loss and metrics on labelled data, in evaluation mode."""
        return reader("evaluate_model")(self, X, y, **options)  # type: ignore[no-any-return]

    def draw(self, x: Any = None, **options: Any) -> str:
        """The network as neurons and synapses, an SVG; activations too if a sample is given."""
        return str(reader("network_svg")(self, x, **options))

    def extra(self) -> str:
        """What `repr` shows between the parentheses."""
        return ""

    def __repr__(self) -> str:
        rows = [
            f"  ({path}): " + repr(child).replace("\n", "\n  ")
            for name, value in vars(self).items()
            for path, child in _children(name, value)
        ]
        if not rows:
            return f"{type(self).__name__}({self.extra()})"
        return "\n".join([f"{type(self).__name__}({self.extra()}", *rows, ")"])


# --- walking -----------------------------------------------------------------------------


def _children(name: str, value: Any) -> Iterator[tuple[str, Module]]:
    """Modules held by one field, directly or in a list, tuple or dict."""
    if isinstance(value, Module):
        yield name, value
    elif isinstance(value, (list, tuple)):
        for i, item in enumerate(value):
            yield from _children(f"{name}.{i}", item)
    elif isinstance(value, dict) and name != "_roles":
        for key, item in value.items():
            yield from _children(f"{name}.{key}", item)


def _slots(name: str, value: Any) -> Iterator[Slot]:
    """Leaves held by a field that is not one itself."""
    if isinstance(value, Module):
        for slot in value.tree_slots():
            yield Slot(f"{name}.{slot.path}", slot.holder, slot.key, slot.role)
    elif isinstance(value, (list, dict, tuple)) and name != "_roles":
        items = value.items() if isinstance(value, dict) else enumerate(value)
        for key, item in items:
            if _is_leaf(item) and not isinstance(value, tuple):
                yield Slot(f"{name}.{key}", value, key, getattr(item, "role", "") or "parameter")
            else:
                yield from _slots(f"{name}.{key}", item)


def _is_leaf(item: Any) -> bool:
    return isinstance(item, (Parameter, State)) or (
        hasattr(item, "interpreter") and not isinstance(item, Tensor)
    )


def _label(child: Module, path: str) -> None:
    """Name a layer, and its leaves, by where its parent keeps it."""
    child.__dict__["_label"] = path.removeprefix("layers.") if path[-1:].isalpha() else path
    for slot in child.tree_slots():
        _name_leaf(slot.get(), f"{path}.{slot.path}")


def _name_leaf(leaf: Any, name: str) -> None:
    if isinstance(leaf, Tensor):
        leaf._name = name


@contextmanager
def evaluating(model: Any) -> Iterator[None]:
    """Evaluation mode for the length of a `with` block; every layer gets its own mode back."""
    modes = [(module, module.training) for _, module in model.named_modules()]
    model.eval()
    try:
        yield
    finally:
        for module, mode in modes:
            module.training = mode
