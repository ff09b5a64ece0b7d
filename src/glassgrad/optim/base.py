"""What every optimiser shares: its parameters, its rate, clipping, decay, and the eager `step()`.

Layer L8. An optimiser is a pure update, `update(params, grads, state, lr, step)`, written once
with primitives. `apply_gradients` puts clipping and weight decay before it, and the average of
weights behind it; `opt.step()` runs the text of that graph, and a traced training step holds the
same equations. Nothing here knows a model.

Long because an optimiser is one class: the pure part, the rate, the eager loop, what is kept.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
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
    OptionError,
    ShapeError,
    UnreachedParameterWarning,
)
from glassgrad.graph.ir import Graph, Var
from glassgrad.optim.averages import EMA, by_name, moved, placed
from glassgrad.optim.clip import clip_by_value, global_norm, scale_to_norm
from glassgrad.optim.groups import (
    Part,
    described,
    frozen_names,
    parted,
    parts_of,
    rules_of,
    specs_of,
)
from glassgrad.optim.in_place import in_place
from glassgrad.optim.options import above, at_least, fraction, whole
from glassgrad.optim.rows import (
    State,
    double,
    flat_rows,
    like,
    merged,
    name_outputs,
    picked,
)
from glassgrad.optim.schedules import Schedule
from glassgrad.optim.targets import named_parameters
from glassgrad.primitives import arithmetic
from glassgrad.tensor import Parameter, overwritten
from glassgrad.text import say

Info = dict[str, Any]
Run = Callable[..., Sequence[Any] | None]
_OF_ALL = ("clip_norm", "clip_value", "groups", EMA)


class Limits(TypedDict, total=False):
    """The options that every optimiser has, besides weight decay."""

    clip_norm: float | None
    clip_value: float | None
    groups: Any
    ema: float | None


class Common(Limits, total=False):
    """The options that every optimiser has."""

    weight_decay: float


class Optimizer:
    """Base of all optimisers; a subclass writes `init` and `update`.

    target:        a Module, or a list of Modules and Parameters; a shared one counts once. A list
                   of dicts with `params` is read as PyTorch's groups
    lr:            the learning rate, or a Schedule of it
    weight_decay:  L2 factor, added to the gradient as weight_decay · p; AdamW decays p itself
    clip_value:    every element of every gradient is held in [-clip_value, clip_value]
    clip_norm:     all gradients together are scaled down to this length; decay comes after it
    groups:        options for some parameters, named by path: `[("*.b", {"weight_decay": 0})]`.
                   Offered: lr (kept as a factor of the optimiser's), lr_factor, frozen, and the
                   optimiser's own settings. Later groups are laid over earlier ones
    ema:           keep a moving average of the weights that forgets with this factor

    With either clip, a step whose gradients have no finite length is skipped with a warning:
    parameters, state and the count of updates stay as they were.
    """

    decouples_decay = False  # shrinks the parameter itself
    decays_itself = False  # `update` reads the setting

    def __init__(
        self,
        target: Any,
        lr: float | Schedule,
        settings: Mapping[str, Any],
        **common: Unpack[Common],
    ) -> None:
        target, listed = parted(target)
        named = named_parameters(target)
        checked = {**settings, **_checked_common(**common)}
        rules = rules_of([*listed, *specs_of(common.get("groups"))], named, checked)
        if rules:
            checked["groups"] = described(rules)
        frozen = frozen_names(rules)
        self.named: dict[str, Parameter] = {n: p for n, p in named.items() if n not in frozen}
        if not self.named:
            raise OptionError(say("every parameter is frozen"), operation=type(self).__name__)
        self.parameters: list[Parameter] = list(self.named.values())
        self.settings: Mapping[str, Any] = MappingProxyType(checked)
        self.lr = lr
        self.count = 0
        self._parts = self._made(parts_of(rules, self.named, self._lr)) if rules else []
        state = self._first_state([p.data for p in self.parameters])
        if EMA in checked:
            state[EMA] = [np.array(p.data) for p in self.parameters]
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
        mine = picked(params, held)
        my_state = {name: picked(rows, held) for name, rows in state.items()}
        step = double(step)
        with region("update"):
            clipped, info = self._clip([grads[i] for i in held])
            rest = {name: rows for name, rows in my_state.items() if name != EMA}
            new, new_state = self._updated(held, mine, clipped, rest, double(lr), step)
            if EMA in my_state:
                new_state[EMA] = moved(my_state[EMA], new, self.settings[EMA], step)
            if info:
                new = _unless(info["skipped"], mine, new)
                new_state = {
                    name: _unless(info["skipped"], my_state[name], rows)
                    for name, rows in new_state.items()
                }
        whole_state = {name: merged(rows, held, new_state[name]) for name, rows in state.items()}
        return merged(params, held, new), whole_state, info

    def _updated(
        self, held: Sequence[int], params: list[Any], grads: list[Any], state: State, lr: Any,
        step: Any,
    ) -> tuple[list[Any], State]:  # fmt: skip
        """Decay and update, part by part where there are groups."""
        if not self._parts:
            decayed, grads = self._decay(params, grads, lr)
            return self.update(decayed, grads, state, lr, step)
        new, new_state = list(params), {name: list(rows) for name, rows in state.items()}
        for optimizer, factor, numbers in self._parts:
            places = [place for place, i in enumerate(held) if i in numbers]
            if not places:
                continue
            rate = lr if factor == 1 else lr * factor
            some, given = optimizer._decay(picked(params, places), picked(grads, places), rate)
            rows = {name: picked(column, places) for name, column in state.items()}
            found, found_state = optimizer.update(some, given, rows, rate, step)
            new = merged(new, places, found)
            for name, column in found_state.items():
                new_state[name] = merged(new_state[name], places, column)
        return new, new_state

    def _first_state(self, params: Sequence[Any]) -> State:
        """`init`, part by part where there are groups."""
        if not self._parts:
            return self.init(params)
        state: State = {}
        for optimizer, _, numbers in self._parts:
            places = sorted(numbers)
            for name, rows in optimizer.init(picked(params, places)).items():
                state[name] = merged(state.get(name, params), places, rows)
        return state

    def _made(self, parts: Sequence[Part]) -> list[tuple[Optimizer, float, frozenset[int]]]:
        """Per part an optimiser with its settings, the factor of the rate, and its parameters."""
        order = {name: i for i, name in enumerate(self.named)}
        common = {key: value for key, value in self.settings.items() if key not in _OF_ALL}
        found: list[tuple[Optimizer, float, frozenset[int]]] = []
        for part in parts:
            members = {name: self.named[name] for name in part.names}
            kind: Any = type(self)
            with_settings = kind(members, 1.0, **{**common, **part.settings})
            places = frozenset(order[name] for name in part.names)
            found.append((with_settings, part.factor, places))
        return found

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
        if not decay or self.decays_itself:
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

    # --- averages ------------------------------------------------------------------------

    def keep_average(self, decay: float) -> None:
        """Keep the average of weights from now on, as the option `ema` does from the start."""
        self.settings = MappingProxyType({**self.settings, EMA: fraction(EMA, decay)})
        if EMA not in self._kinds:
            self._kinds = (*self._kinds, EMA)
            self._rows += [np.array(p.data) for p in self.parameters]
        self._runs = {}

    @property
    def averages(self) -> dict[str, np.ndarray]:
        """The average of each parameter by its path; empty without `ema`."""
        return by_name(self.named, self.state[EMA]) if EMA in self._kinds else {}

    def averaged(self) -> AbstractContextManager[None]:
        """The averages in the parameters for the length of a `with` block, to evaluate them."""
        if EMA not in self._kinds:
            return nullcontext()
        return placed(self.parameters, self.state[EMA])

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
    weight_decay: float = 0.0,
    clip_norm: float | None = None,
    clip_value: float | None = None,
    groups: Any = None,
    ema: float | None = None,
) -> dict[str, Any]:
    del groups  # read where the parameters are known
    limits = {"clip_norm": clip_norm, "clip_value": clip_value}
    checked = {name: v if v is None else above(name, v, 0) for name, v in limits.items()}
    average = {} if ema is None else {EMA: fraction(EMA, ema)}
    return {"weight_decay": at_least("weight_decay", weight_decay, 0), **checked, **average}


def _unless(skipped: Any, old: Sequence[Any], new: Sequence[Any]) -> list[Any]:
    """The old values where the update is skipped."""
    return [arithmetic.where(skipped, *pair) for pair in zip(old, new, strict=True)]
