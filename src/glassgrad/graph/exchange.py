"""A graph as JSON of a closed schema, and back: `to_json` and `from_json`.

Layer L3. The text may come from a stranger. Primitives are looked up by name in the registry and
take exactly their own parameters; sizes are checked before anything is decoded; names must pass
the check of `names.checked` or are dropped; regions and places are plain text; and the whole graph
is verified before it is returned. Numbers keep every bit, NaN payloads included.

What a file cannot hold becomes plainer: modules and dataclasses of arguments turn into dicts,
named tuples into tuples, a position into the name of its file and a line.
"""

from __future__ import annotations

import ast
import inspect
import json
import math
from functools import cache
from typing import Any

import numpy as np

from glassgrad.core.aval import Aval
from glassgrad.core.position import Place, line_of, place_of
from glassgrad.core.primitive import REGISTRY, Elementwise, Primitive
from glassgrad.core.template import check_syntax
from glassgrad.errors import FileFormatError, GlassgradError, GraphError
from glassgrad.files import (
    anything,
    each,
    flag,
    integer,
    misfit,
    one_of,
    optional,
    parse_json,
    record,
    table,
    text,
    unfit,
)
from glassgrad.graph.ir import Atom, Eqn, Graph, Literal, Var
from glassgrad.graph.names import checked
from glassgrad.graph.values import DTYPES, array_of, array_text, decoded, dtype_name, encoded, plain
from glassgrad.graph.verify import verify
from glassgrad.text import say
from glassgrad.tree import Structure

FORMAT, VERSION = "glassgrad.graph", 1
_TITLE = "graph"  # how errors name the whole text
_MOST_BYTES = 2**63 - 1  # NumPy's own limit for one array
_MOST_AXES = 64


def to_json(graph: Graph) -> str:
    """The graph as one line of JSON.

    Raises:  GraphError for a parameter or constant of a kind that the schema does not know

    >>> from glassgrad.graph.trace import trace
    >>> from_json(to_json(trace(lambda x: x * x, 3.0))).run(np.float32(3))
    np.float32(9.0)
    """
    document = {"format": FORMAT, "version": VERSION, "graph": _graph_fields(graph)}
    return json.dumps(document, allow_nan=False, separators=(",", ":"))


def from_json(source: str | bytes) -> Graph:
    """The verified graph in a text that `to_json` wrote.

    Raises:  FileFormatError that names the place of what does not fit the schema; GraphError if
             the graph breaks its own rules
    """
    read = _DOCUMENT(parse_json(source, _TITLE), _TITLE)
    try:
        graph = _Reader(read["graph"], f"{_TITLE}.graph").graph
        verify(graph)
    except (FileFormatError, GraphError):
        raise
    except Exception as error:  # the rules of primitives meet operands that nothing can foresee
        problem = error.problem if isinstance(error, GlassgradError) else str(error)
        raise misfit(_TITLE, problem or type(error).__name__) from error
    return graph


# --- schema ------------------------------------------------------------------------------

_INDEX = integer(0)
_VAR = {"name": text, "dtype": one_of(DTYPES), "shape": each(integer(0, _MOST_BYTES))}
_EQN = {
    "primitive": text,
    "inputs": each(anything),
    "outputs": each(_INDEX),
    "params": table(anything),
    "graphs": each(anything),
    "region": each(text),
    "derives": optional(_INDEX),
    "place": optional(record({"file": text, "line": _INDEX})),
}
_GRAPH = record(
    {
        "name": text,
        "vars": each(record({**_VAR, "weak": flag})),
        "inputs": each(_INDEX),
        "consts": each(record({"var": _INDEX, "data": text})),
        "eqns": each(record(_EQN)),
        "outputs": each(anything),
        "in": anything,
        "out": anything,
    }
)
_DOCUMENT = record({"format": one_of([FORMAT]), "version": one_of([VERSION]), "graph": anything})


# --- graphs ------------------------------------------------------------------------------


def _graph_fields(graph: Graph) -> dict[str, Any]:
    numbers = {var: i for i, var in enumerate(dict.fromkeys(graph.variables()))}
    makers = {var: i for i, eqn in enumerate(graph.eqns) for var in eqn.outputs}

    def atom(value: Atom) -> Any:
        return {"literal": encoded(value.value)} if isinstance(value, Literal) else numbers[value]

    def equation(number: int, eqn: Eqn) -> dict[str, Any]:
        # A forward equation that a pass rebuilt is found by its result.
        origin = eqn.derives.outputs if eqn.derives is not None else ()
        derives = min((makers.get(var, number) for var in origin), default=number)
        file, _, _ = place_of(eqn.position).rpartition(":")
        place = {"file": plain(file), "line": line_of(eqn.position)}
        return {
            "primitive": eqn.primitive.name,
            "inputs": [atom(value) for value in eqn.inputs],
            "outputs": [numbers[var] for var in eqn.outputs],
            "params": {name: encoded(value) for name, value in eqn.params.items()},
            "graphs": [_graph_fields(inner) for inner in eqn.graphs],
            "region": [plain(name) for name in eqn.region],
            "derives": derives if derives < number else None,
            "place": place if file else None,
        }

    return {
        "name": checked(graph.name) or "f",
        "vars": [_var_fields(var) for var in numbers],
        "inputs": [numbers[var] for var in graph.inputs],
        "consts": [{"var": numbers[var], "data": array_text(v)} for var, v in graph.consts],
        "eqns": [equation(i, eqn) for i, eqn in enumerate(graph.eqns)],
        "outputs": [atom(value) for value in graph.outputs],
        "in": _structure_fields(graph.in_structure),
        "out": _structure_fields(graph.out_structure),
    }


def _var_fields(var: Var) -> dict[str, Any]:
    dtype, shape = dtype_name(var.dtype), list(var.shape)
    return {"name": _name(var.name), "dtype": dtype, "shape": shape, "weak": var.aval.weak}


def _name(name: str) -> str:
    """A name that may become code, as `numpy_source` asks for it, or none."""
    return name if checked(name.replace(".", "_")) else ""


class _Reader:
    """One graph out of its fields; inner graphs have readers of their own."""

    def __init__(self, fields: Any, where: str) -> None:
        self.where = where
        read = _GRAPH(fields, where)
        self.vars = [self._var(item, f"vars[{i}]") for i, item in enumerate(read["vars"])]
        inputs = tuple(self._lookup(i, "inputs") for i in read["inputs"])
        consts = tuple(self._const(item, f"consts[{i}]") for i, item in enumerate(read["consts"]))
        self.eqns: list[Eqn] = []
        for i, item in enumerate(read["eqns"]):
            self.eqns.append(self._eqn(item, f"eqns[{i}]"))
        outputs = tuple(self._atom(item, "outputs") for item in read["outputs"])
        self.graph = Graph(
            inputs=inputs,
            outputs=outputs,
            eqns=tuple(self.eqns),
            consts=consts,
            name=checked(read["name"]) or "f",
            in_structure=_structure(read["in"], len(inputs), f"{where}.in"),
            out_structure=_structure(read["out"], len(outputs), f"{where}.out"),
        )

    def _var(self, item: dict[str, Any], place: str) -> Var:
        aval = Aval(tuple(item["shape"]), DTYPES[item["dtype"]], item["weak"])
        sizes = [max(size, 1) for size in aval.shape]  # as NumPy counts against its limit
        if len(sizes) > _MOST_AXES or math.prod(sizes) * aval.dtype.itemsize > _MOST_BYTES:
            raise unfit(aval.shape, f"{self.where}.{place}.shape")
        return Var(aval, _name(item["name"]))

    def _lookup(self, number: int, place: str) -> Var:
        if number >= len(self.vars):
            raise unfit(number, f"{self.where}.{place}")
        return self.vars[number]

    def _atom(self, item: Any, place: str) -> Atom:
        if type(item) is int and item >= 0:
            return self._lookup(item, place)
        read = _LITERAL(item, f"{self.where}.{place}")
        value = decoded(read["literal"], f"{self.where}.{place}")
        if not isinstance(value, (bool, int, float, np.generic)):
            raise unfit(item, f"{self.where}.{place}")
        return Literal(value)

    def _const(self, item: dict[str, Any], place: str) -> tuple[Var, Any]:
        var = self._lookup(item["var"], place)
        return var, array_of(item["data"], var.aval, f"{self.where}.{place}.data")

    def _eqn(self, item: dict[str, Any], place: str) -> Eqn:
        where = f"{self.where}.{place}"
        primitive = REGISTRY.get(item["primitive"])
        if primitive is None:
            raise unfit(item["primitive"], f"{where}.primitive")
        params = {k: decoded(v, f"{where}.params") for k, v in item["params"].items()}
        if params.keys() != _parameters(primitive):
            raise unfit(sorted(params), f"{where}.params")
        if item["derives"] is not None and item["derives"] >= len(self.eqns):
            raise unfit(item["derives"], f"{where}.derives")
        found = item["place"]
        eqn = Eqn(
            primitive,
            tuple(self._atom(atom, f"{place}.inputs") for atom in item["inputs"]),
            tuple(self._lookup(i, f"{place}.outputs") for i in item["outputs"]),
            params,
            region=tuple(map(plain, item["region"])),
            position=None if found is None else Place(plain(found["file"]), found["line"]),
            derives=None if item["derives"] is None else self.eqns[item["derives"]],
            graphs=tuple(_Reader(g, f"{where}.graphs").graph for g in item["graphs"]),
        )
        _check_text(eqn)
        return eqn


_LITERAL = record({"literal": anything})


@cache
def _parameters(primitive: Primitive) -> set[str]:
    """The names of the parameters that its equations have, inner graphs aside."""
    if isinstance(primitive, Elementwise):
        return set()
    rule: Any = primitive.infer  # type: ignore[attr-defined]
    source: Any = primitive.text  # type: ignore[attr-defined]
    found = [p for p in inspect.signature(rule).parameters.values() if p.kind is p.KEYWORD_ONLY]
    # A rule that several primitives share has a default for what only one of them takes.
    used = [p for p in found if p.default is p.empty or f"{{{p.name}}}" in str(source)]
    return {p.name for p in used} - {"graphs"}


def _check_text(eqn: Eqn) -> None:
    """Refuse parameters of which the equation's source would be more than one plain expression."""
    operands = [f"x{i}" for i in range(len(eqn.inputs))]
    graphs = {"graphs": tuple(f"f{i}" for i in range(len(eqn.graphs)))} if eqn.graphs else {}
    written = eqn.primitive.numpy_text(operands, {**eqn.params, **graphs})
    tree = ast.parse(written)
    check_syntax(tree)
    if [type(statement) for statement in tree.body] != [ast.Expr]:
        raise GraphError(say("{text!r} is no expression", text=written))


# --- how arguments and results are packed --------------------------------------------------


def _structure_fields(structure: Structure | None) -> Any:
    if structure is None or structure.kind == "leaf":
        return None if structure is None else structure.index
    children = [_structure_fields(child) for child in structure.children]
    if structure.kind in ("none", "list"):
        return {structure.kind: children}
    if structure.kind in ("tuple", "named"):
        return {"tuple": children}
    keys = [slot.path for slot in structure.slots] or structure.keys
    named = [key if isinstance(key, str) else encoded(key) for key in keys]
    return {"dict": [[key, child] for key, child in zip(named, children, strict=True)]}


def _structure(item: Any, leaves: int, where: str, inside: bool = False) -> Structure | None:
    if type(item) is int and 0 <= item < leaves:
        return Structure("leaf", index=item)
    if item is None and not inside:
        return None
    if not isinstance(item, dict) or len(item) != 1:
        raise unfit(item, where)
    ((kind, children),) = item.items()
    if kind not in _CONTAINERS or not isinstance(children, list) or (kind == "none" and children):
        raise unfit(item, where)
    keys: tuple[Any, ...] = tuple(range(len(children)))
    if kind == "dict":
        pairs = each(each(anything, length=2))(children, where)
        keys = tuple(k if isinstance(k, str) else decoded(k, where) for k, _ in pairs)
        children = [child for _, child in pairs]
        if len(set(keys)) != len(keys):
            raise unfit(keys, where)
    inner = (_structure(child, leaves, where, inside=True) for child in children)
    found = tuple(child for child in inner if child is not None)
    return Structure(kind, keys, found, _CONTAINERS[kind])


_CONTAINERS = {"none": None, "list": list, "tuple": tuple, "dict": dict}
