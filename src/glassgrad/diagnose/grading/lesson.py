"""The function and its derived backward pass as one program, whose values can be changed.

Layer L9. Every forward value and every gradient is a variable of one graph in float64. A `Hook`
replaces what one equation gives; what hangs on it is then computed again. "Which single change of
the right backward pass gives exactly the student's numbers?" is answered by trying hooks.
"""

from __future__ import annotations

import inspect
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from glassgrad.autodiff.graphs import record
from glassgrad.autodiff.vjp import Reverse, ReverseTracer, accumulate, ancestors, sweep
from glassgrad.core.aval import is_float
from glassgrad.core.interpret import evaluate as evaluate_one
from glassgrad.core.interpret import new_level
from glassgrad.core.position import place_of, statement_of
from glassgrad.diagnose.grading.numbers import array
from glassgrad.diagnose.grading.watch import Watch
from glassgrad.errors import DataError
from glassgrad.graph.evaluate import apply
from glassgrad.graph.ir import Atom, Eqn, Graph, Literal, Var
from glassgrad.graph.names import checked
from glassgrad.graph.trace import trace
from glassgrad.primitives.arithmetic import positive
from glassgrad.text import say
from glassgrad.tree import flatten, named_leaves, unflatten

Values = Mapping[Var, Any]
Hook = Callable[[Mapping[Var, Any], Any], Any]
Hooks = Mapping[Var, Sequence[Hook]]


@dataclass(frozen=True, eq=False)
class Lesson:
    """A function at given arguments, with everything that its derivation says.

    names:      the names of the arguments that can have a gradient, in order
    gradients:  of a forward variable, the variable of its gradient; none where nothing comes back
    own:        of a named forward variable that shares its gradient with others (both operands of
                a sum), a copy of the gradient that can be changed alone
    called:     the forward variables that a name of the function stood for, oldest first
    codes:      the function's code objects, to tell its lines from those of what it calls
    places:     of a named forward variable, the function's line: ("net.py:4", "h = np.tanh(a)")
    """

    graph: Graph  # as traced
    joint: Graph  # forward and backward; the last input is the gradient of the result
    inputs: tuple[Any, ...]
    seed: Any
    arguments: Mapping[str, Var]
    gradients: Mapping[Var, Var]
    called: Mapping[str, tuple[Var, ...]]
    places: Mapping[Var, tuple[str, str]]
    out: Var
    codes: frozenset[Any] = frozenset()
    own: dict[Var, Var] = field(default_factory=dict)
    labels: dict[Var, str] = field(default_factory=dict)

    @property
    def names(self) -> list[str]:
        return [name for name, var in self.arguments.items() if is_float(var.dtype)]

    def start(self, leaves: Sequence[Any] | None = None) -> dict[Var, Any]:
        values: dict[Var, Any] = dict(self.joint.consts)
        given = self.inputs if leaves is None else tuple(leaves)
        values.update(zip(self.joint.inputs, (*given, self.seed), strict=True))
        return values

    def run(self, hooks: Hooks, leaves: Sequence[Any] | None = None) -> dict[Var, Any]:
        """Every value, with the hooks applied."""
        values = self.start(leaves)
        dirty = set(values)
        return self._run(values, hooks, dirty)

    def rerun(self, before: Values, hooks: Hooks, changed: Sequence[Var]) -> dict[Var, Any]:
        """Every value after more hooks on `changed`; only what hangs on those is computed."""
        return self._run(dict(before), hooks, set(changed))

    def _run(self, values: dict[Var, Any], hooks: Hooks, dirty: set[Var]) -> dict[Var, Any]:
        with np.errstate(all="ignore"):
            for eqn in self.joint.eqns:
                hooked = any(var in dirty for var in eqn.outputs)
                if not hooked and dirty.isdisjoint(a for a in eqn.inputs if isinstance(a, Var)):
                    continue
                self._step(eqn, values, hooks)
                dirty.update(eqn.outputs)
        return values

    def _step(self, eqn: Eqn, values: dict[Var, Any], hooks: Hooks) -> None:
        result = compute(eqn, [read(atom, values) for atom in eqn.inputs])
        results = tuple(result) if eqn.primitive.multiple else (result,)
        for var, out in zip(eqn.outputs, results, strict=True):
            values[var] = out
            for hook in hooks.get(var, ()):
                values[var] = hook(values, values[var])

    # --- words -----------------------------------------------------------------------------

    def name_of(self, var: Atom) -> str:
        """What the function calls a value, or what its gradient is called; empty for neither."""
        return self.labels.get(var, "") if isinstance(var, Var) else ""

    def place(self, eqn: Eqn) -> tuple[str, str]:
        """The line of the function that an equation, or the one it differentiates, stands in."""
        forward = eqn.derives or eqn
        named = next((self.places[var] for var in forward.outputs if var in self.places), None)
        if named is None and not self._is_own(forward):
            named = self._caller(forward)
        return named or (place_of(forward.position), statement_of(forward.position))

    def _is_own(self, eqn: Eqn) -> bool:
        """Whether an equation stands in the function itself, not in one that it calls."""
        return isinstance(eqn.position, tuple) and eqn.position[0] in self.codes

    def _caller(self, eqn: Eqn) -> tuple[str, str] | None:
        """The function's line that the call of a helper stands in: the next that names a value."""
        behind = self.joint.eqns[self.joint.eqns.index(eqn) :]
        for later in behind:
            if later.derives is not None:
                return None
            if later.outputs[0] in self.places:
                return self.places[later.outputs[0]]
            if self._is_own(later):
                return place_of(later.position), statement_of(later.position)
        return None


def compute(eqn: Eqn, inputs: Sequence[Any]) -> Any:
    """One equation on other operands."""
    return evaluate_one(eqn.primitive, inputs, eqn.all_params)


def read(atom: Atom, values: Values) -> Any:
    return atom.value if isinstance(atom, Literal) else values[atom]


# --- building ----------------------------------------------------------------------------


def lesson_of(function: Callable[..., Any], args: Sequence[Any]) -> Lesson:
    """Trace `function` and derive its backward pass, in float64.

    A result that is no number gets fixed random numbers as its upstream gradient.
    """
    wide = widened(args)
    watch = Watch(codes_of(function), objects_only=True)
    with watch.watching():
        graph = trace(function, *wide)
    leaves, _ = flatten(tuple(wide))
    paths, _, _ = named_leaves(dict(zip(_parameters(function, len(wide)), wide, strict=True)))
    out = graph.outputs[0]
    if not isinstance(out, Var) or not is_float(out.dtype):
        raise DataError(say("the result does not depend on the arguments"), operation=graph.name)
    joint, new, gradients = _joined(graph)
    called, places = _called(graph, watch, new)
    arguments = dict(zip(_short(paths), joint.inputs, strict=False))
    for name, var in arguments.items():
        called[name] = (var, *(v for v in called.get(name, ()) if v is not var))
    lesson = Lesson(
        graph,
        joint,
        tuple(leaves),
        _seed(out),
        arguments,
        gradients,
        called,
        places,
        new[out],
        frozenset(watch.codes),
    )
    _label(lesson)
    return _with_own_gradients(lesson)


def _with_own_gradients(lesson: Lesson) -> Lesson:
    """The lesson with a copy of each gradient that several named values share."""
    makers = {var: eqn for eqn in lesson.joint.eqns for var in eqn.outputs}
    shared = Counter(lesson.gradients.values())
    copies = []
    for var, gradient in lesson.gradients.items():
        maker = makers.get(gradient)
        if shared[gradient] > 1 and var in lesson.labels and maker is not None:
            copy = lesson.own[var] = Var(gradient.aval, f"d{lesson.labels[var]}")
            source = maker.derives or maker
            copies.append(Eqn(positive, (gradient,), (copy,), {}, derives=source))
            lesson.labels[copy] = copy.name
    joint = lesson.joint.with_eqns([*lesson.joint.eqns, *copies])
    return replace(lesson, joint=joint)


def widened(args: Sequence[Any]) -> list[Any]:
    """The arguments with every float array in float64; lists of numbers become arrays."""
    leaves, structure = flatten(tuple(_listed(arg) for arg in args))
    wide = [_float64(leaf) for leaf in leaves]
    return list(unflatten(structure, wide))


def _listed(arg: Any) -> Any:
    plain = isinstance(arg, list) and np.asarray(arg).dtype.kind in "biuf"
    return np.asarray(arg) if plain else arg


def _float64(leaf: Any) -> Any:
    value = np.asarray(leaf.data if hasattr(leaf, "interpreter") else leaf)
    return value.astype(np.float64)[()] if value.dtype.kind == "f" else leaf


def codes_of(*functions: Any) -> list[Any]:
    """The code objects of Python functions and methods, behind their decorators."""
    found = []
    for function in functions:
        inner = inspect.unwrap(function) if callable(function) else function
        code = getattr(getattr(inner, "__func__", inner), "__code__", None)
        found += [] if code is None else [code]
    return found


def _parameters(function: Callable[..., Any], count: int) -> list[str]:
    from glassgrad.graph.trace import argument_names  # noqa: PLC0415 - beside its only use

    return argument_names(function, count)


def _short(paths: Sequence[str]) -> list[str]:
    """`params.W1` as W1, where that is clear."""
    last = [path.rpartition(".")[2] for path in paths]
    clear = len(set(last)) == len(last) and all(name.isidentifier() for name in last)
    return last if clear else [path.replace(".", "_") for path in paths]


def _seed(out: Var) -> Any:
    if out.shape == ():
        return np.float64(1.0)
    return np.random.default_rng(0).standard_normal(out.shape)


def _joined(graph: Graph) -> tuple[Graph, dict[Var, Var], dict[Var, Var]]:
    """Forward and backward in one graph; the new variable of each old one, and its gradient."""
    order: list[tuple[Var, bool]] = []

    def forward_and_backward(*given: Any) -> list[Any]:
        *inputs, seed = given
        with new_level() as level:
            sweeper = Reverse(level)
            values: dict[Var, Any] = dict(graph.consts)
            for var, leaf in zip(graph.inputs, inputs, strict=True):
                values[var] = sweeper.new_input(leaf) if is_float(var.dtype) else leaf
            for eqn in graph.eqns:
                apply(eqn, values)
        traced = values[graph.outputs[0]]  # type: ignore[index]
        cts: dict[Any, list[Any]] = {}
        if isinstance(traced, ReverseTracer):
            accumulate(cts, (traced.node, traced.number), seed)
            sweep(ancestors(list(cts)), cts)
        listed = []
        for var, value in values.items():
            listed.append(sweeper.lower(value))
            order.append((var, False))
            held = cts.get(value.node) if isinstance(value, ReverseTracer) else None
            if held is not None and held[value.number] is not None:
                listed.append(held[value.number])
                order.append((var, True))
        return listed

    out = graph.outputs[0]
    joint, _ = record(forward_and_backward, [*graph.inputs, Var(out.aval, "dout")], graph.name)
    new: dict[Var, Var] = {}
    gradients: dict[Var, Var] = {}
    for (var, is_gradient), atom in zip(order, joint.outputs, strict=True):
        if isinstance(atom, Var) and not is_gradient:
            new[var] = atom
        elif isinstance(atom, Var):
            gradients[new[var]] = atom
    return joint, new, gradients


def _called(
    graph: Graph, watch: Watch, new: Mapping[Var, Var]
) -> tuple[dict[str, tuple[Var, ...]], dict[Var, tuple[str, str]]]:
    """What the function's names stood for: its variables while it was traced, else its lines."""
    import linecache  # noqa: PLC0415 - beside its only use

    called: dict[str, tuple[Var, ...]] = {}
    places: dict[Var, tuple[str, str]] = {}
    for name, versions in watch.versions.items():
        for version in versions:
            symbol = getattr(version.thing, "symbol", None)
            var = new.get(symbol)  # type: ignore[arg-type]
            if var is None:
                continue
            called[name] = (*called.get(name, ()), var)
            if var not in places and symbol not in graph.inputs:
                statement = linecache.getline(version.file, version.line).strip()
                places[var] = version.place, statement
            old = symbol if isinstance(symbol, Var) else var
            old.name = old.name or checked(name)
    for old, var in new.items():
        if old.name and old.name not in called:
            called[old.name] = (var,)
    return called, places


def _label(lesson: Lesson) -> None:
    for name, variables in lesson.called.items():
        for var in variables:
            lesson.labels.setdefault(var, name)
    for var, gradient in lesson.gradients.items():
        if var in lesson.labels:
            lesson.labels.setdefault(gradient, f"d{lesson.labels[var]}")
    for var, name in lesson.labels.items():
        var.name = var.name or checked(name)


def scale_of(lesson: Lesson, values: Values) -> float:
    """The largest element of any gradient."""
    found = [np.abs(array(values[g])).max(initial=0) for g in lesson.gradients.values()]
    return float(max(found, default=0.0))
