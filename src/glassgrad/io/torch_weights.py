"""Weights from PyTorch and to it: state dicts as safetensors files, names and axes translated.

Layer L8. PyTorch itself is not needed. Which of our fields is which of its tensors stands in
`_FIELDS` by the class of the layer; a layer that is not listed keeps names and axes. Gates stand in
the same order in both: i, f, g, o of an LSTM, r, z, n of a GRU.

    ours                              PyTorch's
    Linear W (in, out)                weight (out, in)
    Conv W (out, in / groups, *k)     weight, as it is; ConvTranspose (in, out / groups, *k) too
    norms gamma, beta                 weight, bias; running_mean, running_var
    RNN cells.1.W_ih (in, gates·h)    weight_ih_l1 (gates·h, in); reverse_cells.1: …_l1_reverse
    attention query.W, key.W, …       the three parts of in_proj_weight (3·width, width)
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, TypeVar

import numpy as np

from glassgrad.errors import OptionError, ShapeError, nearest
from glassgrad.io.weights import Arrays, load_arrays
from glassgrad.nn.containers import Chain
from glassgrad.nn.module import Module
from glassgrad.text import say

M = TypeVar("M", bound=Module)
Axes = tuple[int, ...] | None

_SAME: Axes = None
_TURNED: Axes = (1, 0)
_WEIGHTS = {"W": ("weight", _TURNED), "b": ("bias", _SAME)}
_KERNELS = {"W": ("weight", _SAME), "b": ("bias", _SAME)}
_NORM = {"gamma": ("weight", _SAME), "beta": ("bias", _SAME)}
_CELL = {
    "W_ih": ("weight_ih", _TURNED),
    "W_hh": ("weight_hh", _TURNED),
    "b_ih": ("bias_ih", _SAME),
    "b_hh": ("bias_hh", _SAME),
}
# class -> field -> PyTorch's name, and the axes of its tensor in our order
_FIELDS: dict[str, dict[str, tuple[str, Axes]]] = {
    "Linear": _WEIGHTS,
    "Embedding": {"W": ("weight", _SAME)},
    "LearnedPositions": {"W": ("weight", _SAME)},
    **{f"Conv{d}d": _KERNELS for d in (1, 2, 3)},
    **{f"ConvTranspose{d}d": _KERNELS for d in (1, 2, 3)},
    **dict.fromkeys(("LayerNorm", "RMSNorm", "GroupNorm"), _NORM),
    **{f"{kind}Norm{d}d": _NORM for kind in ("Batch", "Instance") for d in (1, 2, 3)},
    "PReLU": {"slope": ("weight", _SAME)},
    "Bilinear": {"W": ("weight", (1, 2, 0)), "b": ("bias", _SAME)},
    **dict.fromkeys(("RNNCell", "GRUCell", "LSTMCell"), _CELL),
}
_RECURRENT = ("RNN", "GRU", "LSTM")
_ATTENTION = "MultiHeadAttention"
_PARTS = ("query", "key", "value")
# class -> our name of a child -> PyTorch's; "" where its tensors belong to the parent
_CHILDREN: dict[str, dict[str, str]] = {
    "TransformerEncoderBlock": {
        "attention": "self_attn", "attention_norm": "norm1", "mlp_norm": "norm2", "mlp": "",
    },
    "TransformerDecoderBlock": {
        "attention": "self_attn", "cross": "multihead_attn", "attention_norm": "norm1",
        "cross_norm": "norm2", "mlp_norm": "norm3", "mlp": "",
    },
    "FeedForward": {"fc1": "linear1", "fc2": "linear2"},
    "TransformerEncoder": {"blocks": "layers"},
    "TransformerDecoder": {"blocks": "layers"},
}  # fmt: skip
_IGNORED = "num_batches_tracked"  # PyTorch's count of batches, which nothing here reads


@dataclass(frozen=True)
class Rule:
    """One of our leaves and the tensor, or the part of its first axis, that it is."""

    ours: str
    theirs: str
    axes: Axes = None
    part: tuple[int, int] | None = None

    def ours_of(self, tensor: np.ndarray) -> np.ndarray:
        """Our array of their tensor, whose shape is that of `shape_of`."""
        if self.part is not None:
            number, count = self.part
            size = len(tensor) // count
            tensor = tensor[number * size : (number + 1) * size]
        return np.ascontiguousarray(tensor if self.axes is None else tensor.transpose(self.axes))

    def shape_of(self, ours: tuple[int, ...]) -> tuple[int, ...]:
        """The shape of their tensor for the shape of our array."""
        turned = ours if self.axes is None else tuple(ours[i] for i in np.argsort(self.axes))
        return turned if self.part is None else (turned[0] * self.part[1], *turned[1:])

    def theirs_of(self, array: np.ndarray) -> np.ndarray:
        """Their tensor, or a part of it, of our array."""
        turned = array if self.axes is None else array.transpose(np.argsort(self.axes))
        return np.ascontiguousarray(turned)


def load_torch(
    model: M,
    source: str | os.PathLike[str] | Mapping[str, Any],
    *,
    prefix: str = "",
    names: Mapping[str, str] | None = None,
) -> M:
    """Fill a model with a PyTorch state dict; all names and shapes are checked first.

    source:  a safetensors file, or tensors by name: anything NumPy can read
    prefix:  what stands before every name in it, such as `module.`
    names:   our path of a module -> PyTorch's, where they are called otherwise

    Names:   a Sequential's layer 2 is `2` there, `layers.2` here; else paths are the same
    Raises:  ShapeError that lists missing and unexpected tensors and shapes that differ;
             FileFormatError, FileAccessError

    >>> from glassgrad.nn import Linear, ReLU, Sequential
    >>> model = Sequential(Linear(3, 2), ReLU())
    >>> weights = {"0.weight": np.ones((2, 3)), "0.bias": np.zeros(2)}
    >>> load_torch(model, weights)(np.ones((1, 3), np.float32)).data
    array([[3., 3.]], dtype=float32)
    """
    if isinstance(source, str | os.PathLike):
        source = load_arrays(source)[0]
    given = _plain(source)
    known = {n.removeprefix(prefix): a for n, a in given.items() if n.startswith(prefix)}
    known = {n: a for n, a in known.items() if n.rpartition(".")[2] != _IGNORED}
    leaves = dict([*model.named_parameters(), *model.named_states()])
    rules = _shared_rules(model, leaves, names)
    held = {rule.ours for rule in rules if rule.theirs in known}
    problems = [say("missing {name}", name=prefix + r.theirs) for r in rules if r.ours not in held]
    unexpected = [n for n in known if n not in {rule.theirs for rule in rules}]
    problems += [say("unexpected {name}", name=prefix + n) for n in unexpected]
    found: Arrays = {}
    for rule in rules:
        if rule.theirs in known:
            problems += _taken(rule, known[rule.theirs], leaves[rule.ours], found, prefix)
    if problems:
        hint = nearest(unexpected[0], [rule.theirs for rule in rules]) if unexpected else ""
        raise ShapeError("; ".join(problems), operation="load_torch", hint=hint)
    kept = {path: leaf.data for path, leaf in leaves.items() if path not in found}
    model.load_state_dict({**kept, **found})
    return model


def _taken(rule: Rule, tensor: np.ndarray, leaf: Any, found: Arrays, prefix: str) -> Iterator[str]:
    """Put our array of a tensor into `found`, or say why it does not fit."""
    label, shape = f"{prefix}{rule.theirs} -> {rule.ours}", rule.shape_of(leaf.shape)
    if tensor.shape != shape:
        yield say("{name} has shape {a}, the model {b}", name=label, a=tensor.shape, b=shape)
        return
    array = rule.ours_of(tensor)
    before = found.setdefault(rule.ours, array)
    if before is not array and not np.array_equal(before, array, equal_nan=True):
        yield say("{name} is another tensor, the model has one for both", name=label)


def torch_arrays(model: Module, *, names: Mapping[str, str] | None = None) -> Arrays:
    """The model's weights as PyTorch's state dict has them; `save_arrays` writes them.

    >>> from glassgrad.nn import Linear
    >>> {name: array.shape for name, array in torch_arrays(Linear(3, 2)).items()}
    {'weight': (2, 3), 'bias': (2,)}
    """
    leaves = dict([*model.named_parameters(), *model.named_states()])
    parts: dict[str, list[np.ndarray]] = {}
    for rule in _shared_rules(model, leaves, names):
        parts.setdefault(rule.theirs, []).append(rule.theirs_of(leaves[rule.ours].data))
    return {name: np.concatenate(found) for name, found in parts.items()}


def torch_rules(model: Module, names: Mapping[str, str] | None = None) -> list[Rule]:
    """Which of the model's leaves is which tensor of PyTorch's.

    Raises:  OptionError for a name in `names` that is no module of the model
    """
    paths = [path for path, _ in model.named_modules()]
    for path in names or {}:
        if path not in paths:
            problem = say("the model has no module {path!r}", path=path)
            raise OptionError(
                problem, operation="load_torch", hint=nearest(path, filter(None, paths))
            )
    return list(_rules(model, "", "", names or {}))


def _shared_rules(
    model: Module, leaves: Mapping[str, Any], names: Mapping[str, str] | None
) -> list[Rule]:
    """The rules of all leaves; PyTorch names a shared one in every place, we in the first."""
    homes = {id(leaf): path for path, leaf in leaves.items()}
    first = {slot.path: homes.get(id(slot.get()), "") for slot in model.tree_slots()}
    rules = [replace(r, ours=first.get(r.ours, r.ours)) for r in torch_rules(model, names)]
    return [rule for rule in rules if rule.ours in leaves]


# --- walking -----------------------------------------------------------------------------


def _rules(module: Module, ours: str, theirs: str, names: Mapping[str, str]) -> Iterator[Rule]:
    """The rules of a module and of all below it; `ours` and `theirs` end in a dot or are empty."""
    kind = _kind(module)
    if kind in _RECURRENT:
        yield from _recurrent(module, ours, theirs)
        return
    if kind == _ATTENTION:
        yield from _attention(module, ours, theirs)
        return
    fields = _FIELDS.get(kind, {})
    children = {path: child for path, child in module.named_modules() if _is_child(path, module)}
    for slot in module.tree_slots():
        if not any(slot.path.startswith(f"{path}.") for path in children):
            name, axes = fields.get(slot.path, (slot.path, _SAME))
            if slot.role == "parameter" or slot.path in fields or slot.path.startswith("running_"):
                yield Rule(ours + slot.path, theirs + name, axes)
    for path, child in children.items():
        there = (
            _dotted(names[ours + path]) if ours + path in names else theirs + _child(module, path)
        )
        yield from _rules(child, f"{ours}{path}.", there, names)


def _kind(module: Module) -> str:
    """The nearest class of the module that the tables know."""
    known = (*_FIELDS, *_CHILDREN, *_RECURRENT, _ATTENTION)
    return next((c.__name__ for c in type(module).__mro__ if c.__name__ in known), "")


def _is_child(path: str, module: Module) -> bool:
    """Whether a path leads to a module with no other module on the way."""
    if not path:
        return False
    inner = {other for other, _ in module.named_modules() if other and path.startswith(f"{other}.")}
    return not inner


def _child(module: Module, path: str) -> str:
    """PyTorch's name of a child, with a dot behind it; empty where the child has none there."""
    head, dot, rest = path.partition(".")
    if isinstance(module, Chain) and head == "layers":
        return _dotted(rest)  # a Sequential's layers have numbers alone
    renamed = _CHILDREN.get(_kind(module), {}).get(head, head)
    return _dotted(f"{renamed}{dot}{rest}")


def _dotted(name: str) -> str:
    return f"{name}." if name else ""


def _recurrent(module: Any, ours: str, theirs: str) -> Iterator[Rule]:
    """One tensor a layer and direction: weight_ih_l0, weight_ih_l0_reverse."""
    for field, ending in (("cells", ""), ("reverse_cells", "_reverse")):
        for i, cell in enumerate(getattr(module, field)):
            for rule in _rules(cell, f"{ours}{field}.{i}.", theirs, {}):
                yield replace(rule, theirs=f"{rule.theirs}_l{i}{ending}")


def _attention(module: Any, ours: str, theirs: str) -> Iterator[Rule]:
    """Three matrices in one, unless keys have another width."""
    is_apart = module.key.W.shape[0] != module.query.W.shape[0]
    for number, name in enumerate(_PARTS):
        if is_apart:
            yield Rule(f"{ours}{name}.W", f"{theirs}{name[0]}_proj_weight", _TURNED)
        else:
            yield Rule(f"{ours}{name}.W", f"{theirs}in_proj_weight", _TURNED, (number, 3))
        yield Rule(f"{ours}{name}.b", f"{theirs}in_proj_bias", _SAME, (number, 3))
    yield Rule(f"{ours}out.W", f"{theirs}out_proj.weight", _TURNED)
    yield Rule(f"{ours}out.b", f"{theirs}out_proj.bias", _SAME)


def _plain(source: Mapping[str, Any]) -> Arrays:
    """Tensors as arrays; one that needs a gradient offers `detach`."""
    return {
        str(name): np.asarray(value.detach() if hasattr(value, "detach") else value)
        for name, value in source.items()
    }
