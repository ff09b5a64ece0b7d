"""What the gates stand on: operands, gradients for `dout`, and the compiled text of a function.

Layer L7; the package holds the gates themselves. A function is recorded once for given shapes and
cut in two: what the results need, and what waits for `dout`.
"""

from __future__ import annotations

from abc import ABC
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from glassgrad.autodiff.graphs import record
from glassgrad.autodiff.vjp import pullback
from glassgrad.core.aval import Aval, aval_of, is_float
from glassgrad.errors import DtypeError, GradientError, IndexRangeError, Operand, ShapeError
from glassgrad.graph.evaluate import evaluate
from glassgrad.graph.ir import Eqn, Graph, Var
from glassgrad.tensor import Tensor
from glassgrad.text import say
from glassgrad.tree import flatten

# --- what a gate is given ----------------------------------------------------------------


def is_plain(x: Any) -> bool:
    return isinstance(x, (np.ndarray, np.generic))


def given(x: Any) -> Any:
    """An array as it is; Python numbers and lists in float64; of a tensor its numbers."""
    if isinstance(x, Tensor):
        return x.data[()]
    return x if is_plain(x) else np.asarray(x, np.float64)[()]


def real(x: Any) -> Any:
    """An array of real numbers: floats as they are, all else in float64."""
    if is_plain(x) and x.dtype.kind == "f":
        return x
    return np.asarray(x, np.float64)[()]


def labels_of(x: Any, t: np.ndarray) -> Any:
    """One-hot rows in the dtype of the scores, or integer labels inside the range."""
    if t.shape == x.shape:
        return t.astype(x.dtype, copy=False)
    if t.shape != x.shape[:-1]:
        return t  # `_picked` says what does not fit
    if t.dtype.kind not in "iu":
        raise DtypeError(
            say("labels must be integers, not {dtype}", dtype=t.dtype.name),
            operation="SoftmaxWithLoss",
            hint=say("use .astype(int)"),
        )
    count = x.shape[-1]
    outside = t[(t < 0) | (t >= count)]
    if outside.size:
        raise IndexRangeError(
            say("label {label} is outside [0, {n})", label=int(outside.flat[0]), n=count),
            operation="SoftmaxWithLoss",
        )
    return t


def cotangent(dout: Any, out: Any, operation: str) -> Any:
    """`dout` with the shape and dtype of the result; a single number serves every element."""
    array = np.asarray(dout, out.dtype)
    if array.shape == out.shape:
        return array if out.shape else array[()]
    if array.ndim == 0:
        return np.full(out.shape, array)
    raise ShapeError(
        say("a gradient of shape {a} for a result of shape {b}", a=array.shape, b=out.shape),
        operation=operation,
        operands=[
            Operand("dout", array.shape, array.dtype.name),
            Operand("out", out.shape, out.dtype.name),
        ],
        rule="dout.shape == out.shape",
    )


def unshared(grads: Sequence[Any], cts: Sequence[Any], values: Sequence[Any]) -> list[Any]:
    """Gradients that share no memory with each other, with `dout` or with what was given.

    An addition hands `dout` itself on to both operands: writing into one must not change the rest.
    """
    held = [x for x in (*cts, *values) if isinstance(x, np.ndarray)]
    free = []
    for grad in grads:
        if isinstance(grad, np.ndarray):
            shared = any(np.may_share_memory(grad, other) for other in held)
            if shared or not grad.flags.writeable:  # a view of one number, as the pull of a sum
                grad = grad.copy()  # noqa: PLW2901 - the copy takes its place
            held.append(grad)
        free.append(grad)
    return free


def not_forward(operation: str) -> GradientError:
    return GradientError(
        say("backward was called before forward"),
        operation=operation,
        rule=say("derivatives are taken at the values of the forward pass"),
        hint=say("call forward(...) first"),
    )


# --- compiled text of a fixed function ---------------------------------------------------


@dataclass(frozen=True)
class Program:
    """forward(*x) -> (results, what backward needs); backward(what it needs, dout) -> gradients."""

    forward: Callable[..., tuple[Any, ...]]
    backward: Callable[..., tuple[Any, ...]]
    count: int  # results


@lru_cache(maxsize=256)
def program_of(function: Callable[..., Any], avals: tuple[Aval, ...]) -> Program:
    """Record value and gradients once, and cut them into a forward and a backward text."""
    name = getattr(function, "__name__", "gate").strip("_<>").replace("lambda", "gate")
    forward, _ = record(lambda *xs: flatten(function(*xs))[0], avals, name)
    count = len(forward.outputs)

    def value_and_gradients(*leaves: Any) -> list[Any]:
        *inputs, ct = leaves
        outs, pull = pullback(lambda *xs: evaluate(forward, *xs), inputs)
        grads = pull([ct, *(None,) * (count - 1)])
        return [*outs, *(g for g, a in zip(grads, avals, strict=True) if is_float(a.dtype))]

    joint, _ = record(value_and_gradients, [*forward.inputs, forward.outputs[0].aval], name)
    return _cut(joint.transform("exact"), count)


def _cut(joint: Graph, count: int) -> Program:
    """The equations that the results need, and all others, which wait for `dout`."""
    results, gradients = joint.outputs[:count], joint.outputs[count:]
    needed = {atom for atom in results if isinstance(atom, Var)}
    first: list[Eqn] = []
    for eqn in reversed(joint.eqns):
        if needed.intersection(eqn.outputs):
            needed.update(atom for atom in eqn.inputs if isinstance(atom, Var))
            first.insert(0, eqn)
    early = set(first)
    later = [eqn for eqn in joint.eqns if eqn not in early]
    read = [*(atom for eqn in later for atom in eqn.inputs), *gradients]
    available = {*joint.inputs[:-1], *(var for eqn in first for var in eqn.outputs)}
    kept = tuple(dict.fromkeys(a for a in read if isinstance(a, Var) and a in available))
    forward = joint.with_eqns(first, inputs=joint.inputs[:-1], outputs=(*results, *kept))
    backward = joint.with_eqns(later, inputs=(*kept, joint.inputs[-1]), outputs=gradients)
    return Program(
        forward.transform("exact").callable(), backward.transform("exact").callable(), count
    )


# --- gates of fixed functions ------------------------------------------------------------


class Fixed(ABC):
    """A gate whose function never changes: its text is compiled once for given shapes."""

    function: Callable[..., Any]
    out: Any = None
    _memory: tuple[Program, Sequence[Any], Sequence[Any]] | None = None

    def _compute(self, *operands: Any) -> tuple[Any, ...]:
        """The results; the first is the one that is differentiated."""
        values = [x if is_plain(x) else given(x) for x in operands]
        program = program_of(self.function, tuple(map(aval_of, values)))
        results = program.forward(*values)
        self.out = results[0]
        self._memory = program, values, results
        return results[: program.count]

    def _differentiate(self, dout: Any) -> list[Any]:
        """Gradients by the operands that have one."""
        if self._memory is None:
            raise not_forward(type(self).__name__)
        program, values, results = self._memory
        ct = cotangent(dout, results[0], type(self).__name__)
        found = program.backward(*results[program.count :], ct)
        return unshared(found, [ct], values)
