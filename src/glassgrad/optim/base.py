"""What every optimiser shares: its parameters, its rate, clipping, decay, and the eager `step()`.

Layer L8. An optimiser is a pure update, `update(params, grads, state, lr, step)`, written once
with primitives. `apply_gradients` puts clipping and weight decay before it; `opt.step()` runs the
text of that graph, and a traced training step holds the same equations. Nothing here knows a model.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, TypedDict, Unpack

import numpy as np

from glassgrad.autodiff.graphs import record
from glassgrad.core.aval import aval_of
from glassgrad.core.position import here
from glassgrad.core.region import region
from glassgrad.errors import (
    DataError,
    GlassgradWarning,
    ShapeError,
    UnreachedParameterWarning,
)
from glassgrad.graph.ir import Graph, Var
from glassgrad.optim.clip import clip_by_value, global_norm, scale_to_norm
from glassgrad.optim.in_place import in_place
from glassgrad.optim.options import above, at_least, whole
from glassgrad.optim.schedules import Schedule
from glassgrad.optim.targets import named_parameters
from glassgrad.primitives import arithmetic
from glassgrad.primitives.layout import astype
from glassgrad.tensor import Parameter, overwritten
from glassgrad.text import say

State = dict[str, list[Any]]
Info = dict[str, Any]
Run = Callable[..., Sequence[Any] | None]
_FLOAT64 = np.dtype(np.float64)


class Common(TypedDict, total=False):
    """The options that every optimiser has."""

    weight_decay: float
    clip_norm: float | None
    clip_value: float | None


class Optimizer:
    """Base of all optimisers; a subclass writes `init` and `update`.

    target:        a Module, or a list of Modules and Parameters; a shared one counts once
    lr:            the learning rate, or a Schedule of it
    weight_decay:  L2 factor, added to the gradient as weight_decay · p; AdamW decays p itself
    clip_value:    every element of every gradient is held in [-clip_value, clip_value]
    clip_norm:     all gradients together are scaled down to this length; decay comes after it

    With either clip, a step whose gradients have no finite length is skipped with a warning:
    parameters, state and the count of updates stay as they were.
    """

    decouples_decay = False

    def __init__(
        self,
        target: Any,
        lr: float | Schedule,
        settings: Mapping[str, Any],
        **common: Unpack[Common],
    ) -> None:
        self.named: dict[str, Parameter] = named_parameters(target)
        self.parameters: list[Parameter] = list(self.named.values())
        self.settings: Mapping[str, Any] = MappingProxyType(
            {**settings, **_checked_common(**common)}
        )
        self.lr = lr
        self.count = 0
        state = self.init([p.data for p in self.parameters])
        self._kinds = tuple(state)
        self._rows = flat_rows(state)
        self._runs: dict[tuple[bool, ...], Run] = {}
        self._warned: set[tuple[str, ...]] = set()

    # --- the pure part -------------------------------------------------------------------

    def init(self, params: Sequence[Any]) -> State:
        """The state before the first update: per name one array a parameter."""
        raise TypeError(f"{type(self).__name__} has no init method")

    def update(
        self, params: Sequence[Any], grads: Sequence[Any], state: State, lr: Any, step: Any
    ) -> tuple[list[Any], State]:
        """New parameters and state; `lr` and `step` (from 1) are float64 scalars."""
        raise TypeError(f"{type(self).__name__} has no update method")

    def apply_gradients(
        self, params: Sequence[Any], grads: Sequence[Any], state: State, lr: Any, step: Any
    ) -> tuple[list[Any], State, Info]:
        """Clip, decay, update: the whole step as a pure function of values of any kind.

        A parameter whose gradient is None keeps its value and its state. With clipping, the info
        holds `grad_norm` (before scaling) and `skipped`, else it is empty.
        """
        held = [i for i, grad in enumerate(grads) if grad is not None]
        if not held:
            return list(params), state, {}
        mine = [params[i] for i in held]
        my_state = {name: [rows[i] for i in held] for name, rows in state.items()}
        with region("update"):
            clipped, info = self._clip([grads[i] for i in held])
            decayed, clipped = self._decay(mine, clipped, _double(lr))
            new, new_state = self.update(decayed, clipped, my_state, _double(lr), _double(step))
            if info:
                new = [
                    arithmetic.where(info["skipped"], *pair) for pair in zip(mine, new, strict=True)
                ]
                new_state = {
                    name: [
                        arithmetic.where(info["skipped"], old, row)
                        for old, row in zip(my_state[name], rows, strict=True)
                    ]
                    for name, rows in new_state.items()
                }
        merged = {name: _merged(rows, held, new_state[name]) for name, rows in state.items()}
        return _merged(params, held, new), merged, info

    def _clip(self, grads: list[Any]) -> tuple[list[Any], Info]:
        if not self.clips:
            return grads, {}
        by_value, by_norm = self.settings["clip_value"], self.settings["clip_norm"]
        if by_value is not None:
            grads = clip_by_value(grads, by_value)
        norm = global_norm(grads)
        if by_norm is not None:
            grads = scale_to_norm(grads, norm, by_norm)
        return grads, {
            "grad_norm": norm,
            "skipped": arithmetic.logical_not(arithmetic.isfinite(norm)),
        }

    def _decay(self, params: list[Any], grads: list[Any], lr: Any) -> tuple[list[Any], list[Any]]:
        """L2 acts on the gradient; decoupled decay on the parameter (Loshchilov & Hutter, 2019)."""
        decay = self.settings["weight_decay"]
        if not decay:
            return params, grads
        if self.decouples_decay:
            return [p * like(1.0 - lr * decay, p) for p in params], grads
        return params, [g + decay * p for g, p in zip(grads, params, strict=True)]

    @property
    def clips(self) -> bool:
        """Whether gradients are clipped, and updates that are not finite skipped."""
        return self.settings["clip_norm"] is not None or self.settings["clip_value"] is not None

    @property
    def state(self) -> State:
        """Per name one array a parameter, in the order of `named`."""
        return self.packed(self._rows)

    def packed(self, rows: Sequence[Any]) -> State:
        """A list of rows, values of any kind, by name."""
        n = len(self.parameters)
        return {kind: list(rows[i * n : (i + 1) * n]) for i, kind in enumerate(self._kinds)}

    @property
    def rows(self) -> list[Any]:
        """The arrays of the state in one list, name after name."""
        return list(self._rows)

    def named_rows(self) -> list[tuple[str, Any]]:
        """`kind.parameter` and array of the state."""
        return list(zip(self.row_paths(), self._rows, strict=True))

    def row_paths(self) -> list[str]:
        """`kind.parameter` for each array of the state, such as `m.layers.0.W`."""
        return [f"{kind}.{name}" for kind in self._kinds for name in self.named]

    def row_names(self) -> list[str]:
        """A name for each array of the state, such as `m_W1`."""
        return [path.replace(".", "_") for path in self.row_paths()]

    def restore(self, rows: Sequence[Any], count: int) -> None:
        """Take over a state and a count of updates, as a traced training step returns them."""
        assert len(rows) == len(self._rows)
        self._rows, self.count = list(rows), count

    # --- the learning rate ---------------------------------------------------------------

    @property
    def lr(self) -> float | Schedule:
        """The learning rate, or its schedule; it may be set between steps."""
        return self._lr

    @lr.setter
    def lr(self, value: float | Schedule) -> None:
        self._lr = value if isinstance(value, Schedule) else at_least("lr", value, 0)

    @property
    def rate(self) -> float:
        """The learning rate of the next update, as a number."""
        return self.rate_after(self.count)

    def rate_after(self, count: int) -> float:
        """The learning rate of the update that follows `count` updates."""
        return self._lr(count) if isinstance(self._lr, Schedule) else self._lr

    # --- the eager loop ------------------------------------------------------------------

    def step(self) -> None:
        """One update of the parameters, in place, from the `.grad` that backward() left.

        Warns:     UnreachedParameterWarning, once, that names parameters without a gradient
        """
        parameters = self.parameters
        grads = [p.grad for p in parameters]
        mask = tuple([grad is not None for grad in grads])
        run = self._runs.get(mask) or self._prepare(mask)
        if not all(mask):
            grads = [g for g in grads if g is not None]
        values = [p._value for p in parameters]
        lr = self._lr(self.count) if isinstance(self._lr, Schedule) else self._lr
        rows = run(values, grads, np.float64(lr), np.float64(self.count + 1), here(2))
        if rows is not None:
            self._rows = list(rows)
            self.count += 1

    def zero_grad(self) -> None:
        """Forget the gradients of the parameters."""
        for parameter in self.parameters:
            parameter.grad = None

    def warn_unreached(self, names: Iterable[str]) -> None:
        """Say once which parameters no gradient reaches."""
        listed = tuple(names)
        if not listed or listed in self._warned:
            return
        self._warned.add(listed)
        message = say(
            "no gradient reaches {names}: left unchanged",
            names=", ".join(listed),
        )
        warnings.warn(message, UnreachedParameterWarning, stacklevel=4)

    def warn_skipped(self, norm: float, number: int) -> None:
        """Say that an update was left out because its gradients have no finite length."""
        message = say(
            "update {number} is skipped: the length of its gradients is {norm}",
            number=number,
            norm=norm,
        )
        warnings.warn(message, GlassgradWarning, stacklevel=4)

    def _prepare(self, mask: tuple[bool, ...]) -> Run:
        """The compiled update for parameters of which those in `mask` have a gradient."""
        named = zip(self.named.items(), mask, strict=True)
        self.warn_unreached(n for (n, p), held in named if not held and p.requires_grad)
        if not any(mask):
            return lambda *inputs: None
        self._runs[mask] = self._guarded(mask) if self.clips else self._writing(mask)
        return self._runs[mask]

    def _writing(self, mask: tuple[bool, ...]) -> Run:
        """An update that writes the new parameters where the old ones are."""
        update, writes = in_place(self.graph(mask), len(self.parameters))
        held = [p for p, is_held in zip(self.parameters, mask, strict=True) if is_held]

        def writing(values: Any, grads: Any, lr: Any, number: Any, where: Any) -> Any:
            results = update(*values, *grads, *self._rows, lr, number)
            overwritten(held, where)  # first, because NumPy may be told to raise half-way
            for write, value, result in zip(writes, values, results, strict=False):
                if write is not None:
                    write(value, result, value)
            return results[len(values) :]

        return writing

    def _guarded(self, mask: tuple[bool, ...]) -> Run:
        """An update that writes nothing where it is skipped, says so, and then returns None."""
        update = self.graph(mask).callable()
        held = [p for p, is_held in zip(self.parameters, mask, strict=True) if is_held]

        def guarded(values: Any, grads: Any, lr: Any, number: Any, where: Any) -> Any:
            with np.errstate(all="ignore"):  # what is not finite is reported in the next lines
                *results, norm, is_skipped = update(*values, *grads, *self._rows, lr, number)
            if is_skipped:
                self.warn_skipped(float(norm), self.count + 1)
                return None
            overwritten(held, where)
            for value, result in zip(values, results, strict=False):
                if result is not value:
                    np.copyto(value, result, casting="same_kind")
            return results[len(values) :]

        return guarded

    def graph(self, mask: Sequence[bool] | None = None) -> Graph:
        """The update as a graph: parameters, gradients, state, lr and step -> new ones."""
        held = (True,) * len(self.parameters) if mask is None else tuple(mask)
        names = [name.replace(".", "_") for name in self.named]
        params = [Var(p.aval, n) for p, n in zip(self.parameters, names, strict=True)]
        grads = [Var(p.aval, f"d{p.name}") for p, given in zip(params, held, strict=True) if given]
        labels = [*names, *self.row_names()]
        rows = [
            Var(aval_of(row), name) for row, name in zip(self._rows, self.row_names(), strict=True)
        ]
        scalar = aval_of(np.float64(0))
        inputs = [*params, *grads, *rows, Var(scalar, "lr"), Var(scalar, "step")]

        def flat(*leaves: Any) -> list[Any]:
            rest = iter(leaves)
            values = [next(rest) for _ in params]
            given = [next(rest) if is_held else None for is_held in held]
            state = self.packed([next(rest) for _ in rows])
            new, new_state, info = self.apply_gradients(values, given, state, *rest)
            return [*new, *flat_rows(new_state), *info.values()]

        graph: Graph = record(flat, inputs, "update")[0].transform("exact")
        name_outputs(graph, [*(f"new_{label}" for label in labels), "norm", "skipped"])
        return graph

    # --- keeping -------------------------------------------------------------------------

    def config(self) -> dict[str, Any]:
        """Name, rate and settings as JSON."""
        lr = self._lr.config() if isinstance(self._lr, Schedule) else self._lr
        return {"name": type(self).__name__.lower(), "lr": lr, **self.settings}

    def state_dict(self) -> dict[str, np.ndarray]:
        """A copy of the state by `kind.parameter`, and the `count` of updates made."""
        arrays = {name: np.array(row) for name, row in self.named_rows()}
        return {**arrays, "count": np.array(self.count, np.int64)}

    def load_state_dict(self, arrays: Mapping[str, Any]) -> None:
        """Take over what `state_dict` gave; all names and shapes are checked first."""
        known = dict(self.named_rows())
        wanted = {*known, "count"}
        if wanted != set(arrays):
            problems = [say("missing {name}", name=n) for n in sorted(wanted - set(arrays))]
            problems += [say("unexpected {name}", name=n) for n in sorted(set(arrays) - wanted)]
            raise DataError("; ".join(problems), operation=type(self).__name__)
        for name, row in known.items():
            if np.shape(arrays[name]) != row.shape:
                shapes = {"name": name, "a": np.shape(arrays[name]), "b": row.shape}
                problem = say("{name} has shape {a}, the optimizer {b}", **shapes)
                raise ShapeError(problem, operation=type(self).__name__)
        self.count = whole("count", np.asarray(arrays["count"]).item(), 0)
        self._rows = [np.array(arrays[name], row.dtype) for name, row in known.items()]

    def __repr__(self) -> str:
        used = {k: v for k, v in self.config().items() if v is not None and k != "name"}
        listed = ", ".join(f"{key}={value!r}" for key, value in used.items())
        return f"{type(self).__name__}({len(self.parameters)} parameters, {listed})"


def _checked_common(
    weight_decay: float = 0.0, clip_norm: float | None = None, clip_value: float | None = None
) -> dict[str, float | None]:
    limits = {"clip_norm": clip_norm, "clip_value": clip_value}
    checked = {name: v if v is None else above(name, v, 0) for name, v in limits.items()}
    return {"weight_decay": at_least("weight_decay", weight_decay, 0), **checked}


# --- helpers for updates -----------------------------------------------------------------


def like(scalar: Any, value: Any) -> Any:
    """A float64 scalar in the dtype of `value`, so that float32 parameters stay float32."""
    dtype = aval_of(value).dtype
    return scalar if dtype == _FLOAT64 else astype(scalar, dtype)


def flat_rows(state: State) -> list[Any]:
    """The arrays of a state in one list, name after name."""
    return [row for column in state.values() for row in column]


def name_outputs(graph: Graph, names: Iterable[str]) -> None:
    """Give results that the user did not name these names, for the readers of the graph."""
    for atom, name in zip(graph.outputs, names, strict=False):
        if isinstance(atom, Var) and not atom.name:
            atom.name = name


def zeros(params: Sequence[Any]) -> list[np.ndarray]:
    """One array of zeros a parameter."""
    return [np.zeros(p.shape, p.dtype) for p in map(aval_of, params)]


def _double(scalar: Any) -> Any:
    return np.float64(scalar) if isinstance(scalar, (int, float)) else scalar


def _merged(rows: Sequence[Any], held: Sequence[int], new: Sequence[Any]) -> list[Any]:
    merged = list(rows)
    for i, value in zip(held, new, strict=True):
        merged[i] = value
    return merged
