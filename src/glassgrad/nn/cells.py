"""One step of a recurrent network: RNNCell, GRUCell and LSTMCell.

Layer L7. The formulas, the order of the gates and the two biases are PyTorch's; the weights are
(in, gates · hidden), as everywhere here. `recurrent.py` repeats a cell over a sequence.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import sqrt
from typing import Any, ClassVar

import numpy as np

from glassgrad.core.aval import is_float
from glassgrad.errors import ShapeError, unknown_option
from glassgrad.graph.ir import Var
from glassgrad.graph.trace import GraphTrace
from glassgrad.nn import init as initialisers
from glassgrad.nn.checks import check_number, check_size, here, operand
from glassgrad.nn.init import Initializer, Rng, Spec
from glassgrad.nn.module import Module
from glassgrad.primitives.arithmetic import add, maximum, multiply, subtract
from glassgrad.primitives.layout import array_of, astype
from glassgrad.primitives.linalg import matmul
from glassgrad.primitives.shape import split
from glassgrad.primitives.transcendental import sigmoid, tanh
from glassgrad.tensor import parameter
from glassgrad.text import say

ACTIVATIONS = ("tanh", "relu")


class Cell(Module):
    """What the three cells share: weights, the product of the input, the state at the start.

    A subclass says how many `gates` its product has, what its `states` are called, and writes
    `advance`.
    """

    gates: ClassVar[int] = 1
    states: ClassVar[tuple[str, ...]] = ("h",)
    # Whether both biases may be added outside of the loop; the GRU multiplies one by a gate.
    joins_biases: ClassVar[bool] = True

    def __init__(
        self,
        inputs: int,
        hidden: int,
        bias: bool = True,
        *,
        init: Spec = "auto",
        recurrent_init: Spec = "auto",
        bias_init: Spec = "auto",
        rng: Rng = None,
        dtype: Any = None,
    ) -> None:
        kind = type(self).__name__
        self.inputs = check_size(kind, "inputs", inputs)
        self.hidden = check_size(kind, "hidden", hidden)
        self.init = initialisers.resolve(init)
        self.recurrent_init = initialisers.resolve(recurrent_init)
        self.bias_init = initialisers.resolve(bias_init)
        generator = initialisers.generator_of(rng)
        width = self.gates * self.hidden
        self.W_ih = parameter(self._drawn(self.init, self.inputs, generator, dtype))
        self.W_hh = parameter(self._drawn(self.recurrent_init, self.hidden, generator, dtype))
        spec = _settled(self.bias_init, self.hidden)
        rows = [spec((width,), rng=generator, dtype=dtype) if bias else None for _ in range(2)]
        self.b_ih, self.b_hh = (None if row is None else parameter(row) for row in rows)

    def _drawn(
        self, spec: Initializer, rows: int, generator: np.random.Generator, dtype: Any
    ) -> np.ndarray:
        """One matrix, drawn gate by gate: an orthogonal one, or one by fans, is each gate's."""
        draw = _settled(spec, self.hidden)
        blocks = [draw((rows, self.hidden), rng=generator, dtype=dtype) for _ in range(self.gates)]
        return np.concatenate(blocks, axis=1)

    # --- the step ------------------------------------------------------------------------

    def forward(self, x: Any, state: Any = None) -> Any:
        """The state after `x`: an array, for an LSTM (h, c). Without `state` it starts at zero."""
        x = self.project(x)
        new = self.advance(x, self.started(state, x.shape[:-1], x.dtype))
        return new[0] if len(self.states) == 1 else tuple(new)

    def advance(self, x: Any, state: Sequence[Any]) -> list[Any]:
        """The new states from the projected input and the old ones."""
        raise TypeError(f"{type(self).__name__} has no step")

    def project(self, x: Any) -> Any:
        """x @ W_ih and what biases may be added to it: all of a step that no state is needed for.

        Raises:  ShapeError that names the cell if the last axis is not `inputs`
        """
        x = array_of(x)
        if not x.shape or x.shape[-1] != self.inputs:
            size = x.shape[-1] if x.shape else 0
            raise ShapeError(
                say("takes {wanted} features, got {size}", wanted=self.inputs, size=size),
                operation=here(type(self).__name__.lower()),
                operands=[operand("x", x), operand("W_ih", self.W_ih)],
                rule=f"x (..., in) @ W_ih (in, {self.gates}·hidden)",
            )
        x = x if is_float(x.dtype) else astype(x, self.W_ih.dtype)
        out = matmul(x, self.W_ih)  # (..., in) @ (in, gates·hidden) -> (..., gates·hidden)
        if self.b_ih is None:
            return out
        return add(out, add(self.b_ih, self.b_hh) if self.joins_biases else self.b_ih)

    def started(self, state: Any, rows: Sequence[int], dtype: Any) -> list[Any]:
        """The states as a list, zeros if there are none.

        Raises:  ShapeError for another number of them, or another shape
        """
        shape = (*rows, self.hidden)
        if state is None:
            return [np.zeros(shape, dtype) for _ in self.states]
        given = listed_states(state, self.states, type(self).__name__.lower())
        for name, value in zip(self.states, given, strict=True):
            if value.shape != shape:
                raise wrong_state(name, value, shape, type(self).__name__.lower())
        return [value if value.dtype == dtype else astype(value, dtype) for value in given]

    # --- description ---------------------------------------------------------------------

    def config(self) -> dict[str, Any]:
        """The constructor's arguments, as JSON can hold them."""
        return {
            "inputs": self.inputs,
            "hidden": self.hidden,
            "bias": self.b_ih is not None,
            "init": self.init.config(),
            "recurrent_init": self.recurrent_init.config(),
            "bias_init": self.bias_init.config(),
            "dtype": self.W_ih.dtype.name,
            **self.options(),
        }

    def options(self) -> dict[str, Any]:
        """The arguments that only this kind of cell has."""
        return {}

    def extra(self) -> str:
        listed = [f"{self.inputs}, {self.hidden}"]
        listed += [] if self.b_ih is not None else ["bias=False"]
        return ", ".join(listed + [f"{name}={value!r}" for name, value in self.options().items()])


def listed_states(state: Any, names: Sequence[str], layer: str) -> list[Any]:
    """One array, or the pair of an LSTM, as a list.

    Raises:  ShapeError if it is not as many as there are names
    """
    is_many = isinstance(state, (tuple, list))
    given = [array_of(value) for value in (state if is_many else (state,))]
    if len(given) != len(names):
        raise ShapeError(
            say("a state of {given} arrays where {wanted} are kept", given=len(given),
                wanted=len(names)),
            operation=here(layer),
            rule=say("the state is {names}", names=f"({', '.join(names)})"),
        )  # fmt: skip
    return given


def wrong_state(name: str, value: Any, shape: Sequence[int], layer: str) -> ShapeError:
    """What is said of a state of another shape."""
    return ShapeError(
        say("the state {name} has shape {a}, wanted is {b}", name=name, a=value.shape,
            b=tuple(shape)),
        operation=here(layer),
        operands=[operand(name, value)],
    )  # fmt: skip


def _settled(spec: Initializer, hidden: int) -> Initializer:
    """What "auto" means for a cell: uniform within 1/√hidden, as PyTorch draws."""
    if spec.name != "auto":
        return spec
    bound = 1 / sqrt(hidden)
    return initialisers.uniform(-bound, bound)


# --- names in graphs ---------------------------------------------------------------------


def called(name: str, value: Any) -> Any:
    """A recorded value under the name of its formula, so that graphs and source read like it."""
    recorder = getattr(value, "interpreter", None)
    if isinstance(recorder, GraphTrace):
        recorder.name(name, value, 0)
    return value


def call_weights(cell: Cell, value: Any) -> None:
    """The same for the weights that a loop over `value` takes from outside."""
    recorder = getattr(value, "interpreter", None)
    if not isinstance(recorder, GraphTrace):
        return
    for name in ("W_hh",) if cell.joins_biases else ("W_hh", "b_hh"):
        weight = getattr(cell, name)
        if hasattr(weight, "interpreter"):
            taken = recorder.atom(weight)
            assert isinstance(taken, Var)
            taken.name = name


# --- the three ---------------------------------------------------------------------------


class RNNCell(Cell):
    """h' = tanh(x W_ih + b_ih + h W_hh + b_hh), or relu in place of tanh.

    Shapes:  x (..., in), h (..., hidden) -> (..., hidden)
    Options: activation "tanh" or "relu"; bias=False leaves both out; init, recurrent_init and
             bias_init are names or initialisers of `nn.init`, "auto" is uniform in ±1/√hidden
    Raises:  ShapeError that names the cell if an axis does not fit
    Source:  Elman (1990), Finding Structure in Time

    >>> cell = RNNCell(3, 2, init="ones", recurrent_init="ones", bias=False)
    >>> cell(np.array([[0.1, 0.2, 0.3]], np.float32)).data.round(4)
    array([[0.537, 0.537]], dtype=float32)
    """

    def __init__(
        self,
        inputs: int,
        hidden: int,
        bias: bool = True,
        *,
        activation: str = "tanh",
        init: Spec = "auto",
        recurrent_init: Spec = "auto",
        bias_init: Spec = "auto",
        rng: Rng = None,
        dtype: Any = None,
    ) -> None:
        if activation not in ACTIVATIONS:
            raise unknown_option("activation", activation, ACTIVATIONS)
        self.activation = activation
        super().__init__(
            inputs,
            hidden,
            bias,
            init=init,
            recurrent_init=recurrent_init,
            bias_init=bias_init,
            rng=rng,
            dtype=dtype,
        )

    def advance(self, x: Any, state: Sequence[Any]) -> list[Any]:
        total = add(x, matmul(state[0], self.W_hh))
        return [called("h", tanh(total) if self.activation == "tanh" else maximum(total, 0))]

    def options(self) -> dict[str, Any]:
        return {"activation": self.activation}


class GRUCell(Cell):
    """A gated recurrent unit.

    Formula:  r = σ(x W_ir + b_ir + h W_hr + b_hr)
              z = σ(x W_iz + b_iz + h W_hz + b_hz)
              n = tanh(x W_in + b_in + r (h W_hn + b_hn))
              h' = n + z (h - n)
    Shapes:   x (..., in), h (..., hidden) -> (..., hidden); W_ih holds the gates r, z, n
    Source:   Cho et al. (2014), Learning Phrase Representations; the reset gate stands behind the
              product, as in PyTorch, cuDNN and Keras (reset_after=True)

    >>> GRUCell(3, 2, rng=0)(np.ones((5, 3), np.float32)).shape
    (5, 2)
    """

    gates = 3
    joins_biases = False

    def advance(self, x: Any, state: Sequence[Any]) -> list[Any]:
        (h,) = state
        made = matmul(h, self.W_hh)  # (..., hidden) @ (hidden, 3·hidden) -> (..., 3·hidden)
        made = made if self.b_hh is None else add(made, self.b_hh)
        x_r, x_z, x_n = split(x, 3, -1)
        h_r, h_z, h_n = split(made, 3, -1)
        r = called("r", sigmoid(add(x_r, h_r)))
        z = called("z", sigmoid(add(x_z, h_z)))
        n = called("n", tanh(add(x_n, multiply(r, h_n))))
        return [called("h", add(n, multiply(z, subtract(h, n))))]


class LSTMCell(Cell):
    """A long short-term memory.

    Formula:  i, f, o = σ(x W_i· + b_i· + h W_h· + b_h·)   for the gates i, f and o
              g = tanh(x W_ig + b_ig + h W_hg + b_hg)
              c' = f c + i g
              h' = o tanh(c')
    Shapes:   x (..., in), h and c (..., hidden) -> (h', c'); W_ih holds the gates i, f, g, o
    Options:  forget_bias is added to the drawn bias of f; 1 lets a new network remember
              (Jozefowicz et al., 2015, An Empirical Exploration of Recurrent Networks, section 5)
    Source:   Hochreiter & Schmidhuber (1997); Gers, Schmidhuber & Cummins (2000) for the gate f

    >>> h, c = LSTMCell(3, 2, rng=0)(np.ones((5, 3), np.float32))
    >>> h.shape, c.shape
    ((5, 2), (5, 2))
    """

    gates = 4
    states = ("h", "c")

    def __init__(
        self,
        inputs: int,
        hidden: int,
        bias: bool = True,
        *,
        forget_bias: float = 0.0,
        init: Spec = "auto",
        recurrent_init: Spec = "auto",
        bias_init: Spec = "auto",
        rng: Rng = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(
            inputs,
            hidden,
            bias,
            init=init,
            recurrent_init=recurrent_init,
            bias_init=bias_init,
            rng=rng,
            dtype=dtype,
        )
        self.forget_bias = check_number("LSTMCell", "forget_bias", forget_bias)
        if self.b_ih is not None and self.forget_bias:
            self.b_ih.assign(self.b_ih.data + self.forget_bias * self._is_forget_gate())

    def _is_forget_gate(self) -> np.ndarray:
        return np.repeat(np.array([0, 1, 0, 0], self.W_ih.dtype), self.hidden)

    def advance(self, x: Any, state: Sequence[Any]) -> list[Any]:
        h, c = state
        gates = add(x, matmul(h, self.W_hh))  # (..., hidden) @ (hidden, 4·hidden)
        a_i, a_f, a_g, a_o = split(gates, 4, -1)
        i, f = called("i", sigmoid(a_i)), called("f", sigmoid(a_f))
        g, o = called("g", tanh(a_g)), called("o", sigmoid(a_o))
        c = called("c", add(multiply(f, c), multiply(i, g)))
        return [called("h", multiply(o, tanh(c))), c]

    def options(self) -> dict[str, Any]:
        return {"forget_bias": self.forget_bias} if self.forget_bias else {}


__all__ = [
    "Cell",
    "GRUCell",
    "LSTMCell",
    "RNNCell",
    "call_weights",
    "called",
    "listed_states",
    "wrong_state",
]
