"""Recurrent layers: RNN, GRU and LSTM over sequences (batch, time, features).

Layer L7. A layer is cells (`cells.py`) that are repeated over time by `scan`, so its graph holds
one step however long the sequence is. The product of the input with its weights is taken for all
steps at once, outside of the loop.

Back-propagation through time is cut in two ways. `truncate=k` stops gradients at every k-th step
of one sequence. `stateful=n` cuts a long sequence into windows: in training each batch of n rows
starts from the states in which the last batch ended, as constants.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, TypedDict, Unpack

import numpy as np

from glassgrad.autodiff.functions import scan
from glassgrad.core.region import region
from glassgrad.errors import OptionError, ShapeError, unknown_option
from glassgrad.nn import init as initialisers
from glassgrad.nn.cells import (
    Cell,
    GRUCell,
    LSTMCell,
    RNNCell,
    call_weights,
    listed_states,
    wrong_state,
)
from glassgrad.nn.checks import check_share, check_size, here
from glassgrad.nn.functional import dropout
from glassgrad.nn.init import Rng, Spec
from glassgrad.nn.module import Module
from glassgrad.nn.sequences import check_sequence, step_mask
from glassgrad.primitives.arithmetic import add, stop_gradient, where
from glassgrad.primitives.index import getitem
from glassgrad.primitives.layout import astype, permute_dims
from glassgrad.primitives.random import module_path
from glassgrad.primitives.shape import concat, stack
from glassgrad.tensor import state as new_state
from glassgrad.text import say

OUTPUTS = ("all", "last")
_TIME_FIRST = (1, 0, 2)


class Options(TypedDict, total=False):
    """The options that every recurrent layer has; `Recurrent` says what they mean."""

    bias: bool
    bidirectional: bool
    dropout: float
    output: str
    truncate: int | None
    stateful: int
    init: Spec
    recurrent_init: Spec
    bias_init: Spec
    rng: Rng
    dtype: Any


class Recurrent(Module):
    """What RNN, GRU and LSTM share; a subclass names its cell.

    inputs, hidden: features of a step, and of the state
    num_layers:     how many layers stand on one another
    bidirectional:  a second row of cells that reads from the end; outputs lie side by side
    dropout:        share of outputs that is dropped between layers in training
    output:         "all" steps (batch, time, d·hidden), or the "last": the states in which the top
                    layer ends (batch, d·hidden), where d is 2 if bidirectional, else 1
    truncate:       gradients go back through at most so many steps; None for all of them
    stateful:       rows of a training batch whose last states the next batch starts from, which
                    `reset()` sets to zero; 0 for none. Evaluation starts from zero
    init, recurrent_init, bias_init: of W_ih, W_hh and the biases, as for a cell
    """

    cell: ClassVar[type[Cell]] = Cell

    def __init__(
        self,
        inputs: int,
        hidden: int,
        num_layers: int = 1,
        *,
        extra_options: dict[str, Any] | None = None,
        **options: Unpack[Options],
    ) -> None:
        kind = type(self).__name__
        self.inputs = check_size(kind, "inputs", inputs)
        self.hidden = check_size(kind, "hidden", hidden)
        self.num_layers = check_size(kind, "num_layers", num_layers)
        self.bidirectional = bool(options.pop("bidirectional", False))
        self.dropout = check_share(kind, "dropout", options.pop("dropout", 0.0))
        self.output = options.pop("output", "all")
        if self.output not in OUTPUTS:
            raise unknown_option("output", self.output, OUTPUTS)
        limit = options.pop("truncate", None)
        self.truncate = None if limit is None else check_size(kind, "truncate", limit)
        self.stateful = check_size(kind, "stateful", options.pop("stateful", 0), least=0)
        if self.stateful and self.bidirectional:
            raise OptionError(
                say("a layer that reads from the end has no state for the next batch"),
                operation=kind,
                rule=say("stateful=n reads in one direction"),
            )
        self._probe: Any = None
        generator = initialisers.generator_of(options.pop("rng", None))
        unknown = set(options) - set(Options.__annotations__)
        if unknown:
            raise unknown_option("option", min(unknown), [*Options.__annotations__])
        self.cell_options = dict(extra_options or {})

        def cells() -> list[Cell]:
            widths = [self.inputs] + [self.width] * (self.num_layers - 1)
            made = {**options, **self.cell_options}
            return [self.cell(width, self.hidden, rng=generator, **made) for width in widths]

        self.cells = cells()
        self.reverse_cells = cells() if self.bidirectional else []
        if self.stateful:
            shape = (self.rows, self.stateful, self.hidden)
            for name in self.cell.states:
                setattr(self, name, new_state(np.zeros(shape, self.cells[0].W_ih.dtype)))

    @property
    def width(self) -> int:
        """Features of an output: 2·hidden if bidirectional, else hidden."""
        return self.hidden * (2 if self.bidirectional else 1)

    @property
    def rows(self) -> int:
        """How many states there are: one a layer and direction, in PyTorch's order."""
        return self.num_layers * (2 if self.bidirectional else 1)

    # --- running -------------------------------------------------------------------------

    def forward(
        self, x: Any, state: Any = None, lengths: Any = None, return_state: bool = False
    ) -> Any:
        """Outputs of all steps or of the last, with the final state behind them if asked.

        Shapes:  x (batch, time, inputs), lengths (batch,) int; state (layers·d, batch, hidden),
                 for an LSTM (h, c)
        lengths: steps of each row that count; the state stays as it is after them, and outputs of
                 all steps are 0 there
        """
        layer = here(type(self).__name__.lower())
        x = check_sequence(layer, x, self.inputs, self.cells[0].W_ih)
        sequence = permute_dims(x, _TIME_FIRST)  # (n, t, d) -> (t, n, d)
        time, batch = sequence.shape[:2]
        mask = None if lengths is None else step_mask(layer, lengths, time, batch)
        starts = self._starts(state, batch)
        finals: list[list[Any]] = []
        for number in range(self.num_layers):
            if number and self.dropout:
                sequence = dropout(sequence, self.dropout, training=self.training)
            outs = []
            for name in ("cells", "reverse_cells")[: 1 + self.bidirectional]:
                cell: Cell = getattr(self, name)[number]
                start = None if starts is None else [getitem(s, len(finals)) for s in starts]
                with region(f"{name}.{number}"), module_path(f"{name}.{number}"):
                    out, final = self._swept(cell, sequence, start, mask, len(finals))
                outs.append(out)
                finals.append(final)
            if number < self.num_layers - 1 or self.output == "all":
                sequence = _joined(outs)
        if self.output == "all":
            out = permute_dims(sequence, _TIME_FIRST)
        else:
            out = _joined([final[0] for final in finals[-1 - self.bidirectional :]])
        if not return_state and not self.stateful:
            return out
        states = [stack(list(column)) for column in zip(*finals, strict=True)]
        self._keep(states)
        if not return_state:
            return out
        return out, (states[0] if len(states) == 1 else tuple(states))

    def _swept(
        self, cell: Cell, sequence: Any, start: Any, mask: Any, number: int
    ) -> tuple[Any, list[Any]]:
        """One row of cells over the whole sequence: outputs (time, batch, hidden), last states."""
        x = cell.project(sequence)  # (t, n, in) -> (t, n, gates·hidden)
        state = cell.started(start, x.shape[1:-1], x.dtype)
        is_reverse = self.bidirectional and number % 2 == 1
        marks = {"mask": mask, "cut": self._cuts(x.shape[0], reverse=is_reverse)}
        if self._probe is not None:
            marks["probe"] = self._probe.of(number, (*x.shape[:-1], cell.hidden), x.dtype)
        columns = {name: column for name, column in marks.items() if column is not None}

        # NOTE: arguments called _ and __ give their parts the parts' own names.
        def step(_: Any, __: Any) -> Any:
            call_weights(cell, __["x"])
            new, out = _one_step(cell, [*_.values()], **__)
            return dict(zip(_, new, strict=True)), out

        named = dict(zip(cell.states, state, strict=True))
        final, out = scan(step, named, {"x": x, **columns}, reverse=is_reverse)
        return out, [final[name] for name in cell.states]

    def _cuts(self, time: int, *, reverse: bool) -> np.ndarray | None:
        """Where gradients stop: True at every `truncate`-th step, counted as the cells read."""
        if self.truncate is None or self.truncate >= time:
            return None
        steps = np.arange(time)
        cuts: np.ndarray = (steps % self.truncate == 0) & (steps > 0)
        return np.flip(cuts).copy() if reverse else cuts

    # --- states --------------------------------------------------------------------------

    def _starts(self, state: Any, batch: int) -> list[Any] | None:
        """The first states, (layers·d, batch, hidden) each; None for zeros."""
        shape = (self.rows, batch, self.hidden)
        layer = type(self).__name__.lower()
        if state is not None:
            given = listed_states(state, self.cell.states, layer)
            for name, value in zip(self.cell.states, given, strict=True):
                if value.shape != shape:
                    raise wrong_state(name, value, shape, layer)
            return given
        if not (self.stateful and self.training):
            return None
        if batch != self.stateful:
            raise ShapeError(
                say("keeps the states of {kept} rows, got {given}", kept=self.stateful,
                    given=batch),
                operation=here(layer),
                rule=say("with stateful=n every training batch has n rows"),
                hint=say("drop the last batch if it is smaller: drop_last=True"),
            )  # fmt: skip
        return [stop_gradient(getattr(self, name)) for name in self.cell.states]

    def _keep(self, states: Sequence[Any]) -> None:
        if self.stateful and self.training:
            for name, value in zip(self.cell.states, states, strict=True):
                # NOTE: a batch in float64 must not leave a state of another dtype behind.
                setattr(self, name, astype(value, self.cells[0].W_ih.dtype))

    def reset(self) -> None:
        """Set the kept states to zero, as at the beginning of a text."""
        for name in self.cell.states if self.stateful else ():
            shape = (self.rows, self.stateful, self.hidden)
            setattr(self, name, np.zeros(shape, self.cells[0].W_ih.dtype))

    # --- description ---------------------------------------------------------------------

    def config(self) -> dict[str, Any]:
        """The constructor's arguments, as JSON can hold them."""
        cell = self.cells[0]
        return {
            "inputs": self.inputs,
            "hidden": self.hidden,
            "num_layers": self.num_layers,
            "bias": cell.b_ih is not None,
            "bidirectional": self.bidirectional,
            "dropout": self.dropout,
            "output": self.output,
            "truncate": self.truncate,
            "stateful": self.stateful,
            "init": cell.init.config(),
            "recurrent_init": cell.recurrent_init.config(),
            "bias_init": cell.bias_init.config(),
            "dtype": cell.W_ih.dtype.name,
            **self.cell_options,
        }

    def extra(self) -> str:
        listed = [f"{self.inputs}, {self.hidden}"]
        listed += [str(self.num_layers)] if self.num_layers > 1 else []
        shown = {"bidirectional": False, "dropout": 0.0, "output": "all", "truncate": None,
                 "stateful": 0}  # fmt: skip
        options = {name: getattr(self, name) for name in shown}
        listed += [f"{n}={v!r}" for n, v in options.items() if v != shown[n]]
        return ", ".join([*listed, *(f"{n}={v!r}" for n, v in self.cell_options.items())])


def _joined(outs: list[Any]) -> Any:
    """What the two directions found, side by side."""
    return outs[0] if len(outs) == 1 else concat(outs, -1)


def _one_step(
    cell: Cell, state: Sequence[Any], x: Any, mask: Any = None, cut: Any = None, probe: Any = None
) -> tuple[list[Any], Any]:
    """The cell's step; held back where the sequence has ended, cut off where gradients stop."""
    if cut is not None:
        state = [where(cut, stop_gradient(s), s) for s in state]
    new = cell.advance(x, state)
    if probe is not None:
        new = [add(new[0], probe), *new[1:]]
    if mask is None:
        return new, new[0]
    kept = [where(mask, a, b) for a, b in zip(new, state, strict=True)]
    return kept, where(mask, new[0], 0)


# --- the three ---------------------------------------------------------------------------


class RNN(Recurrent):
    """A simple recurrent network: h_t = tanh(x_t W_ih + b_ih + h_(t-1) W_hh + b_hh).

    Shapes:  x (batch, time, inputs) -> (batch, time, hidden), or (batch, hidden) with
             output="last"; batch comes first, always
    Options: activation "tanh" or "relu"; the rest as for every `Recurrent` layer
    Raises:  ShapeError that names the layer if an axis does not fit
    Source:  Elman (1990), Finding Structure in Time

    >>> layer = RNN(3, 4, rng=0)
    >>> layer(np.ones((2, 5, 3), np.float32)).shape
    (2, 5, 4)
    """

    cell = RNNCell

    def __init__(
        self,
        inputs: int,
        hidden: int,
        num_layers: int = 1,
        *,
        activation: str = "tanh",
        **options: Unpack[Options],
    ) -> None:
        extra = {"activation": activation}
        super().__init__(inputs, hidden, num_layers, extra_options=extra, **options)


class GRU(Recurrent):
    """A gated recurrent unit over sequences; `GRUCell` has the formulas.

    Shapes:  x (batch, time, inputs) -> (batch, time, hidden), or (batch, hidden) with
             output="last"
    Raises:  ShapeError that names the layer if an axis does not fit
    Source:  Cho et al. (2014), Learning Phrase Representations using RNN Encoder-Decoder

    >>> layer = GRU(3, 4, bidirectional=True, output="last", rng=0)
    >>> layer(np.ones((2, 5, 3), np.float32)).shape
    (2, 8)
    """

    cell = GRUCell

    def __init__(
        self, inputs: int, hidden: int, num_layers: int = 1, **options: Unpack[Options]
    ) -> None:
        super().__init__(inputs, hidden, num_layers, **options)


class LSTM(Recurrent):
    """A long short-term memory over sequences; `LSTMCell` has the formulas.

    Shapes:  x (batch, time, inputs) -> (batch, time, hidden), or (batch, hidden) with
             output="last"; the state is (h, c)
    Options: forget_bias is added to the drawn bias of the gate f; the rest as for every
             `Recurrent` layer
    Raises:  ShapeError that names the layer if an axis does not fit
    Source:  Hochreiter & Schmidhuber (1997), Long Short-Term Memory; Gers et al. (2000)

    >>> layer = LSTM(3, 4, num_layers=2, rng=0)
    >>> out, (h, c) = layer(np.ones((2, 5, 3), np.float32), return_state=True)
    >>> out.shape, h.shape, c.shape
    ((2, 5, 4), (2, 2, 4), (2, 2, 4))
    """

    cell = LSTMCell

    def __init__(
        self,
        inputs: int,
        hidden: int,
        num_layers: int = 1,
        *,
        forget_bias: float = 0.0,
        **options: Unpack[Options],
    ) -> None:
        extra = {"forget_bias": float(forget_bias)} if forget_bias else {}
        super().__init__(inputs, hidden, num_layers, extra_options=extra, **options)


RECURRENT_LAYERS: tuple[type[Module], ...] = (RNN, GRU, LSTM, RNNCell, GRUCell, LSTMCell)

__all__ = ["GRU", "LSTM", "RECURRENT_LAYERS", "RNN", "Recurrent"]
