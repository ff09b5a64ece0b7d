"""`jit(f)`: record a function once per kind of argument, then run its graph on a back end.

Layer L6. Arrays, tensors, NumPy scalars and Python floats are inputs of the program; so are the
parameters and states of modules. Everything else (integers, flags, names, fields of modules) is
part of the program: another value records another one.
"""

from __future__ import annotations

import functools
import inspect
from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from types import MethodType
from typing import Any

import numpy as np

from glassgrad.autodiff.graphs import record
from glassgrad.backends.chosen import (
    Runner,
    require_offered,
    resolve_backend,
    runner_of,
)
from glassgrad.backends.quick import Guard, guard_of
from glassgrad.config import config
from glassgrad.core.aval import aval_of
from glassgrad.core.interpret import as_operand
from glassgrad.errors import DtypeError, TraceError
from glassgrad.graph.ir import Graph, Var
from glassgrad.graph.trace import input_aval
from glassgrad.passes.pipeline import exact
from glassgrad.primitives import random as draws
from glassgrad.text import say
from glassgrad.tree import (
    Slot,
    Structure,
    flatten,
    installed,
    module_slots,
    named_leaves,
    unflatten,
)

_REMEMBERED = 256
_GUARDS = 4
_STATIC = (bool, int, float, str, bytes, tuple, type(None))


def jit(function: Callable[..., Any] | None = None, *, backend: str = "auto") -> Any:
    """`function`, recorded once per shapes and dtypes of its arguments and then run as one program.

    backend: "native" is machine code, compiled at the first call for a form of arguments; "numpy"
             the text of `source()`; "auto" is native where llvmlite is installed and every
             primitive has a native form, else numpy. `.backend_of(...)` says what runs a call

    Results come back in the containers that `function` returns: tensors if a tensor was given,
    else arrays. Values that it takes from outside, as closures do, are constants of the program.
    A tensor argument that requires a gradient is recorded on the tape as usual; the parameters of
    a module argument are not, so take gradients inside `function`.

    Raises:    TraceError for a Python branch on a traced value; OptionError for a back end that
               this version does not have; MissingExtraError for "native" without llvmlite;
               GraphError under "native" for a primitive without a native form

    >>> double = jit(lambda x: {"twice": x + x})
    >>> double(np.arange(3.0))
    {'twice': array([0., 2., 4.])}
    """
    require_offered(backend)
    if backend == "native":
        resolve_backend(backend)
    if function is None:
        return functools.partial(jit, backend=backend)
    return Jitted(function, backend)


@dataclass(frozen=True)
class _Program:
    """One recorded version of a function."""

    graph: Graph
    runner: Runner
    out_structure: Structure
    states: tuple[int, ...]  # leaves of modules that the function assigns, returned last
    draws: dict[str, int]  # how often each module draws random numbers


class Jitted:
    """A function and the programs recorded from it."""

    def __init__(self, function: Callable[..., Any], backend: str = "auto") -> None:
        functools.update_wrapper(self, function)
        self.function = function
        self._wanted = backend
        self._programs: OrderedDict[Any, _Program] = OrderedDict()
        self._guards: list[tuple[Guard, _Program]] = []  # of the newest calls, for `quick.py`

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if not kwargs:
            for guard, program in self._guards:
                inputs = guard.inputs(args)
                if inputs is not None:
                    return unflatten(program.out_structure, program.runner.run(*inputs))
        call = _Call(self.function, args, kwargs, self._wanted)
        found = self._program(call)
        if found is None:
            return self.function(*args, **kwargs)
        results = call.finish(found, call.run(found))
        if not kwargs and not found.states:
            self._remember(call, found)
        return results

    def _remember(self, call: _Call, program: _Program) -> None:
        """Let a call like this one find its program at once."""
        guard = guard_of(call.args, call.structure, call.leaves)
        if guard is not None:
            older = [pair for pair in self._guards if pair[1] is not program]
            self._guards = [(guard, program), *older[: _GUARDS - 1]]

    @property
    def backend(self) -> str:
        """What programs run on here: "native" or "numpy"."""
        return resolve_backend(self._wanted)

    def backend_of(self, *args: Any, **kwargs: Any) -> Runner:
        """What runs a call with these arguments: its `backend`, and as `reason` why not "native".

        >>> jit(lambda x: x + x, backend="numpy").backend_of(np.arange(3.0)).backend
        'numpy'
        """
        return self._required(args, kwargs).runner

    def __get__(self, instance: Any, owner: Any = None) -> Any:
        return self if instance is None else MethodType(self, instance)

    def graph(self, *args: Any, **kwargs: Any) -> Graph:
        """The graph that arguments like these run."""
        return self._required(args, kwargs).graph

    def _required(self, args: Any, kwargs: Any) -> _Program:
        program = self._program(_Call(self.function, args, kwargs, self._wanted))
        if program is None:
            problem = say("the function uses a value of an outer trace, which cannot outlive it")
            raise TraceError(problem, hint=say("pass the value as an argument"))
        return program

    def _program(self, call: _Call) -> _Program | None:
        key = call.key()
        program = self._programs.get(key)
        if program is None:
            program = call.record()
            if program is None:
                return None
            self._programs[key] = program
            while len(self._programs) > _REMEMBERED:
                self._programs.popitem(last=False)
        else:
            self._programs.move_to_end(key)
            call.count_draws(program)
        return program


class _Call:
    """The arguments of one call, split into inputs and the static rest."""

    def __init__(self, function: Callable[..., Any], args: Any, kwargs: Any, backend: str) -> None:
        self.function = function
        self.backend = backend
        self.args = args
        self.leaves, self.structure = flatten((args, kwargs))
        self.slots: dict[int, Slot] = {}
        for slot, index in module_slots(self.structure):
            self.slots.setdefault(index, slot)
        self.numbers = [i for i, leaf in enumerate(self.leaves) if _is_input(leaf)]
        taken = set(self.numbers)
        self.static = [leaf for i, leaf in enumerate(self.leaves) if i not in taken]
        self.source = draws._ambient.source

    # --- what makes two calls run one program --------------------------------------------

    def key(self) -> Any:
        try:
            static = tuple([(type(leaf), leaf) for leaf in self.static])
            hash(static)
        except TypeError:
            names = ", ".join(sorted({type(leaf).__name__ for leaf in self.static}))
            raise DtypeError(
                say("an argument is neither an array nor hashable: {names}", names=names),
                operation=getattr(self.function, "__name__", "jit"),
            ) from None
        avals = tuple([input_aval(self.leaves[i]) for i in self.numbers])
        modules = modules_of(self.structure)
        fields = static_fields(inner for module in modules for _, inner in module.named_modules())
        return self.structure, static, avals, fields, self._drawing_from(), config.float

    def _drawing_from(self) -> Any:
        """Where the stream of random numbers stands: addresses are part of the program."""
        if self.source is None:
            return draws._ambient.path
        step = aval_of(as_operand(self.source.step))
        return draws._ambient.path, tuple(self.source.calls.items()), aval_of(self.source.key), step

    def count_draws(self, program: _Program) -> None:
        """Let later draws outside continue behind those of the program."""
        if self.source is not None:
            self.source.calls.update(program.draws)

    # --- recording -----------------------------------------------------------------------

    def record(self) -> _Program | None:
        """The program of this call; None if the function uses values of an outer transform."""
        inputs = [Var(input_aval(self.leaves[i]), name) for i, name in self._names()]
        if self.source is not None:
            step = input_aval(self.source.step)
            inputs += [Var(aval_of(self.source.key), "key"), Var(step, "step")]
        packed: list[Any] = []

        def flat(*tracers: Any) -> list[Any]:
            leaves = list(self.leaves)
            for i, tracer in zip(self.numbers, tracers, strict=False):
                leaves[i] = tracer
            with installed(self.structure, leaves) as (args, kwargs):
                result, counts = self._draw(tracers[len(self.numbers) :], args, kwargs)
                outputs, out_structure = flatten(result)
                states = [i for i, s in self._states() if s.get() is not leaves[i]]
                outputs += [self.slots[i].get() for i in states]
            _require_values(self.function, outputs)
            packed[:] = out_structure, tuple(states), counts
            return [as_operand(out) for out in outputs]

        name = getattr(self.function, "__name__", "f")
        graph, captures = record(flat, inputs, name if name.isidentifier() else "f")
        if captures:
            return None
        graph = exact(graph)
        lasting = [n for n, i in enumerate(self.numbers) if i in self.slots]
        return _Program(graph, runner_of(graph, self.backend, lasting=lasting), *packed)

    def _draw(self, traced: Sequence[Any], args: Any, kwargs: Any) -> tuple[Any, dict[str, int]]:
        """Call the function with the ambient key traced; also how often it drew."""
        if self.source is None:
            return self.function(*args, **kwargs), {}
        with draws.random_key(*traced):
            inner = draws._ambient.source
            assert inner is not None
            inner.calls.update(self.source.calls)
            result = self.function(*args, **kwargs)
        self.source.calls.update(inner.calls)
        return result, dict(inner.calls)

    def _names(self) -> list[tuple[int, str]]:
        args, kwargs = unflatten_calls(self.structure, self.leaves)
        try:
            bound: Any = inspect.signature(self.function).bind(*args, **kwargs).arguments
        except ValueError:  # a callable without a signature
            bound = (args, kwargs)
        paths, _, _ = named_leaves(dict(bound) if isinstance(bound, dict) else bound)
        if len(paths) != len(self.leaves):
            paths = [""] * len(self.leaves)
        return [(i, paths[i].replace(".", "_")) for i in self.numbers]

    def _states(self) -> list[tuple[int, Slot]]:
        return [(i, slot) for i, slot in self.slots.items() if slot.role == "state"]

    # --- running -------------------------------------------------------------------------

    def run(self, program: _Program) -> Sequence[Any]:
        """Flat results: compiled, or recorded again where gradients or transforms pass through."""
        inputs = [self.leaves[i] for i in self.numbers]
        if self.source is not None:
            inputs += [self.source.key, self.source.step]
        if any(self._is_live(i, x) for i, x in zip(self.numbers, inputs, strict=False)):
            return program.graph.evaluate(*inputs)  # type: ignore[no-any-return]
        arrays = [
            x if type(x) is np.ndarray else np.asarray(getattr(x, "data", x), var.dtype)
            for x, var in zip(inputs, program.graph.inputs, strict=True)
        ]
        results = program.runner.run(*arrays)
        given = [x for i, x in zip(self.numbers, inputs, strict=False) if i not in self.slots]
        tensors = [x for x in given if hasattr(x, "interpreter")]
        if not tensors:
            return results
        kind = type(tensors[0].detach())
        count = len(results) - len(program.states)
        return [*map(kind, results[:count]), *results[count:]]

    def _is_live(self, index: int, value: Any) -> bool:
        interpreter = getattr(value, "interpreter", None)
        if interpreter is None:
            return False
        return interpreter.level > 0 or (index not in self.slots and value.requires_grad)

    def finish(self, program: _Program, results: Sequence[Any]) -> Any:
        """Write assigned states back; the rest in the container that the function returned."""
        count = len(results) - len(program.states)
        for i, value in zip(program.states, results[count:], strict=True):
            if getattr(getattr(value, "interpreter", None), "level", 0) > 0:
                self.slots[i].put(value)
            else:
                np.copyto(self.leaves[i]._value, getattr(value, "data", value), casting="same_kind")
        return unflatten(program.out_structure, results[:count])


# --- static parts ------------------------------------------------------------------------


def modules_of(structure: Structure) -> list[Any]:
    """The modules of an argument tree, outermost ones only."""
    if structure.kind == "module":
        return [structure.type]
    return [module for child in structure.children for module in modules_of(child)]


def static_fields(modules: Iterable[Any]) -> tuple[Any, ...]:
    """The kinds and plain fields of modules: what a program recorded from them depends on."""
    found: list[Any] = []
    for module in modules:
        found.append(type(module))
        found += [
            (name, type(value), value)
            for name, value in vars(module).items()
            if type(value) in _STATIC and _is_hashable(value)
        ]
    return tuple(found)


def unflatten_calls(structure: Structure, leaves: Sequence[Any]) -> Any:
    """The arguments again, modules as themselves."""
    with installed(structure, leaves) as arguments:
        return arguments


def _is_hashable(value: Any) -> bool:
    if type(value) is not tuple:
        return True
    return all(type(item) in _STATIC and _is_hashable(item) for item in value)


def _is_input(leaf: Any) -> bool:
    kinds = (np.ndarray, np.generic, float)
    return isinstance(leaf, kinds) or hasattr(leaf, "interpreter") or hasattr(leaf, "__array__")


def _require_values(function: Any, outputs: Sequence[Any]) -> None:
    name = getattr(function, "__name__", "f")
    if not outputs:
        hint = say("end the function with `return value`")
        raise TraceError(say("returned nothing"), operation=name, hint=hint)
    for value in outputs:
        if not hasattr(value, "aval") and np.asarray(value).dtype.kind not in "biuf":
            problem = say("returned {value!r}, which is not an array", value=type(value).__name__)
            raise TraceError(problem, operation=name)
