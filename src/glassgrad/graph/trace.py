"""Recording by running: `trace(f, *args)` calls `f` with tracers and keeps what happens.

Layer L3. Semantics never come from source text, so closures, classes and loops need no support.
A tracer has a shape and a dtype but no number: a Python branch on one is refused at once.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from glassgrad.config import config
from glassgrad.core import interpret, position
from glassgrad.core.aval import Aval, aval_of
from glassgrad.core.primitive import Primitive
from glassgrad.core.region import provenance
from glassgrad.errors import Operand, TraceError
from glassgrad.graph.ir import Atom, Eqn, Graph, Literal, Var
from glassgrad.graph.names import name_gradients, name_values
from glassgrad.graph.watch import watched
from glassgrad.primitives.arithmetic import stop_gradient
from glassgrad.primitives.index import index_set
from glassgrad.primitives.operators import Operators
from glassgrad.text import say
from glassgrad.tree import Structure, flatten, installed, named_leaves

_SCALARS = (bool, int, float, np.generic)


class Tracer(Operators):
    """A value of a graph under construction."""

    __slots__ = ("equation", "interpreter", "symbol")

    def __init__(self, trace: GraphTrace, symbol: Atom, equation: Eqn | None = None) -> None:
        self.interpreter = trace
        self.symbol = symbol
        self.equation = equation

    @property
    def aval(self) -> Aval:
        return self.symbol.aval

    def describe(self) -> tuple[str, str]:
        """The user's name and place, for error messages."""
        where = self.equation.position if self.equation else None
        name = self.symbol.name if isinstance(self.symbol, Var) else ""
        return name or position.name_of(where), position.place_of(where)

    def _refuse(self, wanted: str) -> Any:
        where = position.here()
        name, _ = self.describe()
        statement = position.statement_of(where)
        raise TraceError(
            say("a traced value has no {wanted}", wanted=wanted),
            operation=position.place_of(where),
            operands=[Operand(name or "value", self.shape, self.dtype.name, statement)],
            rule=say("a traced value has a shape and a dtype, but no number"),
            hint=say(
                "choose with np.where(condition, a, b), or call gg.grad, which runs on numbers"
            ),
        )

    def __bool__(self) -> bool:
        return bool(self._refuse("bool()"))

    def __float__(self) -> float:
        return float(self._refuse("float()"))

    def __int__(self) -> int:
        return int(self._refuse("int()"))

    def __index__(self) -> int:
        return int(self._refuse("int()"))

    def __array__(self, dtype: Any = None, copy: Any = None) -> Any:
        return self._refuse("np.asarray()")

    def item(self) -> Any:
        return self._refuse("item()")

    def __setitem__(self, index: Any, value: Any) -> None:
        self.become(index_set(self, index, value))

    def become(self, updated: Any) -> None:
        """Take an updated value: the handle moves on, earlier equations keep what they read."""
        if updated.interpreter is not self.interpreter:
            raise TraceError(say("a value of an inner transform is written into an outer one"))
        self.symbol, self.equation = updated.symbol, updated.equation

    def detach(self) -> Any:
        """The same value, as a constant of the gradients."""
        return stop_gradient(self)

    def __repr__(self) -> str:
        return f"<traced {self.describe()[0] or 'value'}: {self.aval}>"


class GraphTrace:
    """The recording interpreter: every bind becomes an equation.

    from_tape: take eager tensors that require a gradient as inputs too, not as constants
    """

    def __init__(self, level: int, from_tape: bool = False) -> None:
        self.level = level
        self.from_tape = from_tape
        self.eqns: list[Eqn] = []
        self.consts: dict[int, tuple[Var, Any]] = {}
        self.captures: list[tuple[Var, Any]] = []
        self.gradients: dict[Atom, list[Atom]] = {}
        self.depths: dict[Var, int] = {}  # of the frame that named a value

    def new_input(self, aval: Aval, name: str = "") -> Tracer:
        return Tracer(self, Var(aval, name))

    def literal(self, value: Any) -> Tracer:
        """A scalar as a value of this trace, so that what is computed from it is recorded."""
        return Tracer(self, Literal(value))

    def process(
        self, primitive: Primitive, inputs: Sequence[Any], params: Mapping[str, Any]
    ) -> Any:
        atoms = tuple(map(self.atom, inputs))
        avals = interpret.infer(primitive, inputs, params)
        results = avals if primitive.multiple else (avals,)
        now = provenance.now
        names, now.names = now.names, ()
        if len(names) != len(results):
            names = ("",) * len(results)
        outputs = tuple(Var(aval, name) for aval, name in zip(results, names, strict=True))
        params = dict(params)
        equation = Eqn(
            primitive,
            atoms,
            outputs,
            graphs=params.pop("graphs", ()),
            params=params,
            region=now.path,
            position=now.position or position.here(),
            derives=now.derives,
        )
        self.eqns.append(equation)
        tracers = tuple(Tracer(self, var, equation) for var in outputs)
        return tracers if primitive.multiple else tracers[0]

    def atom(self, value: Any) -> Atom:
        """What an equation names: a value of this trace, a literal, or a constant."""
        if isinstance(value, Tracer) and value.interpreter is self:
            return value.symbol
        if isinstance(value, _SCALARS):
            return Literal(value)
        known = self.consts.get(id(value))
        if known is None:
            # The value itself is kept, so that its identity stays taken while we record.
            known = self.consts[id(value)] = (Var(aval_of(value), _name_of(value)), value)
        return known[0]

    def name(self, name: str, value: Any, depth: int) -> None:
        """Call a recorded value what a variable of the user's is called; outer frames win."""
        if not isinstance(value, Tracer) or value.interpreter is not self or name == "_":
            return
        var = value.symbol
        if value.equation is None or not isinstance(var, Var):
            return  # an argument has its name, a literal needs none
        if not var.name or self.depths.get(var, 0) > depth:
            var.name, self.depths[var] = name, depth

    def finish(
        self, inputs: Sequence[Tracer], results: Sequence[Any], structure: Structure, name: str
    ) -> Graph:
        """The graph of everything recorded; values of outer traces become extra inputs."""
        outputs = tuple(map(self.atom, results))
        known = self.consts.values()
        captured = [(v, value) for v, value in known if self._is_outer(value)]
        self.captures = captured
        consts = [(v, _plain(value)) for v, value in known if not self._is_outer(value)]
        eqns = tuple(self.eqns)
        name_values(eqns)
        name_gradients(self.gradients)
        return Graph(
            inputs=(*(v for v, _ in captured), *(_variable(t) for t in inputs)),
            outputs=outputs,
            eqns=eqns,
            consts=tuple(consts),
            name=name,
            out_structure=structure,
        )

    def _is_outer(self, value: Any) -> bool:
        """Whether a value belongs to an outer transform or tape and may not become a constant."""
        interpreter = getattr(value, "interpreter", None)
        if interpreter is None:
            return False
        return interpreter.level > 0 or (self.from_tape and value.requires_grad)


def _variable(tracer: Tracer) -> Var:
    assert isinstance(tracer.symbol, Var)
    return tracer.symbol


def trace(function: Callable[..., Any], *args: Any) -> Graph:
    """Record `function` as a graph.

    Arguments are arrays, Python numbers, anything with `shape` and `dtype`, or nested containers
    and modules of these; only their shapes and dtypes matter.

    >>> print(trace(lambda x, y: (x + y) * x, 2.0, 3.0))
    f(x: float32[], y: float32[]):
        t1: float32[] = add x y
        t2: float32[] = multiply t1 x
        return t2
    """
    graph, captures = trace_with_captures(function, *args)
    if captures:
        raise TraceError(
            say("the function uses a value of an outer trace, which cannot outlive it"),
            hint=say("pass the value as an argument"),
        )
    return graph


def trace_with_captures(function: Callable[..., Any], *args: Any) -> tuple[Graph, list[Any]]:
    """The graph, and the values of outer traces or tapes that it takes as its first inputs."""
    leaves, structure = flatten(args)
    names = leaf_names(function, args)
    with interpret.new_level() as level:
        recorder = GraphTrace(level)
        avals = [input_aval(leaf) for leaf in leaves]
        tracers = list(map(recorder.new_input, avals, names))
        with installed(structure, tracers) as arguments, watched(recorder.eqns, recorder.name):
            result = function(*arguments)
            outputs, out_structure = flatten(result)
            _require_values(function, outputs)
        graph = recorder.finish(tracers, outputs, out_structure, _function_name(function))
    object.__setattr__(graph, "in_structure", structure)
    object.__setattr__(graph, "retrace", lambda *others: trace(function, *others))
    if config.verify:
        from glassgrad.graph.verify import verify  # noqa: PLC0415 - verify imports trace's types

        verify(graph)
    return graph, [value for _, value in recorder.captures]


def input_aval(leaf: Any) -> Aval:
    """The aval of an argument: Python floats become `config.float`, others NumPy's default."""
    aval = aval_of(interpret.as_operand(leaf) if not hasattr(leaf, "dtype") else leaf)
    if not aval.weak:
        return aval
    return Aval((), config.float if aval.dtype.kind == "f" else aval.dtype)


def _require_values(function: Callable[..., Any], outputs: Sequence[Any]) -> None:
    for value in outputs:
        if not isinstance(value, (*_SCALARS, np.ndarray)) and not hasattr(value, "aval"):
            raise TraceError(
                say("returned {value!r}, which is not an array", value=type(value).__name__),
                operation=_function_name(function),
            )
    if not outputs:
        raise TraceError(
            say("returned nothing"),
            operation=_function_name(function),
            hint=say("end the function with `return value`"),
        )


def leaf_names(function: Callable[..., Any], args: Sequence[Any]) -> list[str]:
    """The arrays among the arguments by the function's own names: `h`, `state_c`.

    Parts of an argument `_` or `__` go by their own names."""
    pairs = zip(argument_names(function, len(args)), args, strict=True)
    paths = named_leaves(dict(pairs))[0]
    return [p.removeprefix("_.").removeprefix("__.").replace(".", "_") for p in paths]


def argument_names(function: Callable[..., Any], count: int) -> list[str]:
    try:
        parameters = list(inspect.signature(function).parameters.values())
    except (TypeError, ValueError):
        parameters = []
    names: list[str] = []
    for parameter in parameters:
        if parameter.kind is parameter.VAR_POSITIONAL:
            names += [f"{parameter.name}{i}" for i in range(count - len(names))]
        elif parameter.kind is not parameter.KEYWORD_ONLY:
            names.append(parameter.name)
    names += [f"x{i}" for i in range(count)]
    unique = list(dict.fromkeys(names))[:count]
    return unique + [f"argument{i}" for i in range(count - len(unique))]


def _function_name(function: Callable[..., Any]) -> str:
    name = getattr(function, "__name__", "") or type(function).__name__
    return name if name.isidentifier() else "f"


def _name_of(value: Any) -> str:
    describe = getattr(value, "describe", None)
    return describe()[0] if describe is not None else position.local_name(value)


def _plain(value: Any) -> Any:
    """The array of a constant; an eager tensor in a closure gives its numbers."""
    return value.data if hasattr(value, "interpreter") else value
