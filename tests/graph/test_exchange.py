"""Graphs as JSON: every bit comes back, and a stranger's text can only be read or refused."""

from __future__ import annotations

import copy
import json
import linecache
import math
import struct
import warnings
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from registry.samples import Sample, all_samples

import glassgrad.autodiff.functions as gf
import glassgrad.primitives.random
import glassgrad.primitives.solve  # noqa: F401 - registers
from glassgrad.backends.numpy_source import emit
from glassgrad.core.interpret import bind
from glassgrad.core.position import Place, line_of, name_of, place_of, statement_of
from glassgrad.core.region import region
from glassgrad.errors import FileFormatError, GraphError
from glassgrad.graph.exchange import from_json, to_json
from glassgrad.graph.ir import Graph
from glassgrad.graph.trace import trace
from glassgrad.graph.values import decoded, encoded

X, W = np.ones((2, 3), np.float32), np.full((3, 4), 0.1, np.float32)


def network(x: Any, w: Any) -> Any:
    with region("fc1"):
        h = np.tanh(x @ w)
    return (h[:, 1:] * np.float32(2)).sum()


def same(one: Any, two: Any) -> bool:
    """Type, shape, dtype and every bit."""
    if isinstance(one, tuple):
        return len(one) == len(two) and all(map(same, one, two))
    a, b = np.asarray(one), np.asarray(two)
    return a.shape == b.shape and a.dtype == b.dtype and a.tobytes() == b.tobytes()


def again(graph: Graph) -> Graph:
    """The graph after a journey, which must not change its text."""
    text = to_json(graph)
    found = from_json(text)
    assert to_json(found) == text
    assert str(found) == str(graph)
    return found


# --- round trip --------------------------------------------------------------------------


@pytest.mark.parametrize("sample", all_samples(), ids=str)
def test_every_primitive_comes_back(sample: Sample) -> None:
    graph = trace(lambda *xs: bind(sample.primitive, *xs, **sample.params), *sample.inputs)
    found = again(graph)
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert same(found.evaluate(*sample.inputs), graph.evaluate(*sample.inputs))


def test_gradients_know_what_they_derive() -> None:
    graph = trace(network, X, W).gradients()
    found = again(graph)
    assert same(found.run(X, W), graph.run(X, W))
    assert emit(found) == emit(graph)  # the text that runs; sizes by name need the function
    derived = [eqn for eqn in found.eqns if eqn.derives is not None]
    assert derived
    assert all(eqn.derives in found.eqns for eqn in derived)
    assert {eqn.region for eqn in derived} == {("backward",), ("backward", "fc1")}


def test_position_is_text_that_is_never_opened(monkeypatch: pytest.MonkeyPatch) -> None:
    graph = trace(network, X, W)
    eqn = again(graph).eqns[1]
    assert place_of(eqn.position) == place_of(graph.eqns[1].position)
    assert line_of(eqn.position) == network.__code__.co_firstlineno + 2
    monkeypatch.setattr(linecache, "getline", lambda *_: pytest.fail("opened"))
    assert (statement_of(Place("/etc/passwd", 1)), name_of(eqn.position)) == ("", "")


def _scan(x: Any) -> Any:
    def step(carry: Any, row: Any) -> Any:
        return carry * 0.5 + row, carry.sum()

    return gf.scan(step, x[0] * 0, x)


@pytest.mark.parametrize(
    "function",
    [
        _scan,
        lambda x: gf.cond(x.sum() > 0, lambda y: y * 2.0, lambda y: -y, x),
        gf.checkpoint(lambda y: np.exp(y).sum()),
    ],
)
def test_inner_graphs_come_back(function: Callable[..., Any]) -> None:
    graph = trace(function, X)
    found = again(graph)
    assert any(eqn.graphs for eqn in found.eqns)
    assert same(found.evaluate(X), graph.evaluate(X))


class Pair(NamedTuple):
    first: Any
    second: Any


@dataclass
class Batch:
    x: Any
    y: Any


def test_containers_become_plain() -> None:
    def function(batch: Batch, params: dict[str, Any]) -> Any:
        total = batch.x + params["손실 (%)"]
        return {"pair": Pair(total, batch.y), "none": None, 3: [total, ()]}

    graph = trace(function, Batch(1.0, 2.0), {"손실 (%)": 3.0})
    found = from_json(to_json(graph))
    assert to_json(found) == to_json(graph)
    out = found.run({"x": 1.0, "y": 2.0}, {"손실 (%)": 3.0})
    assert out == {"pair": (4.0, 2.0), "none": None, 3: [4.0, ()]}


def test_constants_keep_every_bit() -> None:
    bits = np.array([0x7FF0000000000001, 0xFFF8000000000ABC, 1 << 63, 1], np.uint64)
    constant = bits.view(np.float64)
    for array in (constant, constant[::2], constant.reshape(2, 2).T, np.zeros((0, 3)), W[0] > 0):
        found = again(trace(lambda x, c=array: (x, c), 1.0))
        ((var, value),) = found.consts
        assert same(value, array)
        assert var.shape == array.shape
        assert not value.flags.writeable


SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**70), 2**70),
    st.integers(0, 2**64 - 1).map(lambda bits: struct.unpack("<d", struct.pack("<Q", bits))[0]),
    st.floats(width=32).map(np.float32),
    st.integers(-128, 127).map(np.int8),
    st.booleans().map(np.bool_),
    st.sampled_from(["slice", "ij,jk->ik", "...", "", 1j * np.complex64(2), np.dtype("f4"), ...]),
)
VALUES = st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=4).map(tuple), max_leaves=12)


def identical(one: Any, two: Any) -> bool:
    if type(one) is not type(two):
        return False
    if isinstance(one, tuple):
        return len(one) == len(two) and all(map(identical, one, two))
    if isinstance(one, float):
        return struct.pack("<d", one) == struct.pack("<d", two)
    return same(one, two) if isinstance(one, np.generic) else one == two


@given(VALUES)
def test_values_keep_type_and_bits(value: Any) -> None:
    text = json.dumps(encoded(value), allow_nan=False)
    assert identical(decoded(json.loads(text), "value"), value)


def test_slices_come_back() -> None:
    assert decoded(encoded(slice(1, None, -1)), "value") == slice(1, None, -1)


@pytest.mark.parametrize("value", [[1], object(), "a(b)", "a=b", "x" * 201, np.array([1]), 1j])
def test_values_that_the_schema_lacks(value: Any) -> None:
    with pytest.raises(GraphError, match="cannot be stored as a parameter"):
        encoded(value)


def test_constants_that_the_schema_lacks() -> None:
    with pytest.raises(GraphError, match=r"an array of .* cannot be stored in a graph"):
        to_json(trace(lambda x: (x, np.array(["a"])), 1.0))


# --- names -------------------------------------------------------------------------------


def edited(change: Callable[[dict[str, Any]], Any], graph: Graph | None = None) -> str:
    document = json.loads(to_json(graph or trace(network, X, W)))
    change(document["graph"])
    return json.dumps(document)


@pytest.mark.parametrize("name", ["np", "lambda", "x\nimport os", "__x__", "x" * 99, "é", "print"])
def test_names_that_may_not_be_code_are_replaced(name: str) -> None:
    def rename(graph: dict[str, Any]) -> None:
        graph["name"] = name
        for var in graph["vars"]:
            var["name"] = name

    found = from_json(edited(rename))
    assert found.name == "f"
    assert {var.name for var in found.variables()} == {""}
    assert same(found.run(X, W), trace(network, X, W).run(X, W))


def test_regions_and_files_stay_on_one_line() -> None:
    def rename(graph: dict[str, Any]) -> None:
        graph["eqns"][0]["region"] = ["a\nimport os", "계층", "z" * 999]
        graph["eqns"][0]["place"]["file"] = "a\r\nb.py"

    eqn = from_json(edited(rename)).eqns[0]
    assert eqn.region == ("a?import os", "계층", "z" * 200)
    assert place_of(eqn.position).startswith("a??b.py:")


# --- what is refused ---------------------------------------------------------------------


def _eqn(**changes: Any) -> Callable[[dict[str, Any]], None]:
    return lambda graph: graph["eqns"][0].update(changes)


def _var(number: int = 0, **changes: Any) -> Callable[[dict[str, Any]], None]:
    return lambda graph: graph["vars"][number].update(changes)


def _const(text: str, shape: list[int], dtype: str = "float64") -> Callable[[dict[str, Any]], None]:
    def change(graph: dict[str, Any]) -> None:
        number = len(graph["vars"])
        graph["vars"].append({"name": "", "dtype": dtype, "shape": shape, "weak": False})
        graph["consts"].append({"var": number, "data": text})

    return change


INJECTION = {"index": {"tuple": [{"tuple": ["slice", "0].dump('x'); x[0", None, None]}]}}


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (lambda graph: graph.pop("name"), "graph.graph is damaged: key 'name' is missing"),
        (lambda graph: graph.update(x=1), "key 'x' is unknown"),
        (lambda graph: graph.update(vars={}), r"graph\.vars is damaged"),
        (lambda graph: graph.update(inputs=[0, True]), r"inputs\[1\] is damaged: 'True'"),
        (lambda graph: graph.update(inputs=[0, 99]), "inputs is damaged: '99' does not fit"),
        (lambda graph: graph.update(inputs=[0, 0]), "assigned twice"),
        (lambda graph: graph.update(inputs=[0]), "in is damaged: '1' does not fit"),
        (lambda g: g.update(inputs=[0], **{"in": None}), "reads a value before it is computed"),
        (lambda graph: graph.update(outputs=[99]), "outputs is damaged: '99'"),
        (lambda graph: graph.update(outputs=[{"literal": "x"}]), "outputs is damaged"),
        (lambda graph: graph.update(outputs=[{"literal": {"tuple": []}}]), "outputs is damaged"),
        (lambda graph: graph.update(out=7), "out is damaged: '7'"),
        (lambda graph: graph.update(out={"set": []}), "out is damaged"),
        (lambda graph: graph.update(out={"none": [0]}), "out is damaged"),
        (lambda graph: graph.update(out={"tuple": [None]}), "out is damaged"),
        (lambda graph: graph.update(out={"dict": [["a", 0], ["a", 0]]}), "out is damaged"),
        (lambda graph: graph.update(out={"dict": [["a"]]}), r"out\[0\] is damaged"),
        (_eqn(primitive="os.system"), "primitive is damaged: 'os.system'"),
        (_eqn(inputs=[0, "x"]), "inputs is damaged"),
        (_eqn(inputs=[0]), "graph is damaged"),
        (_eqn(outputs=[0]), "declares|twice"),
        (_eqn(outputs=[]), "declares"),
        (_eqn(params={"axis": 0}), "params is damaged"),
        (_eqn(params={"graphs": 0}), "params is damaged"),
        (_eqn(graphs=[{}]), "key .* is missing"),
        (_eqn(primitive="place", params={"index": None, "shape": None}), "graph is damaged"),
        (_eqn(derives=0), "derives is damaged"),
        (_eqn(region=[1]), r"region\[0\] is damaged"),
        (_eqn(place={"file": "x"}), "key 'line' is missing"),
        (_eqn(primitive="getitem", inputs=[0], params=INJECTION), r"params\[0\]\[1\] is dam"),
        (_eqn(primitive="sum", params={"axis": {"exec": 1}, "keepdims": True}), "params is dam"),
        (_var(dtype="object"), "dtype is damaged: 'object'"),
        (_var(shape=[-1]), "shape.* is damaged"),
        (_var(shape=[2**62, 0, 2**62]), "shape is damaged"),
        (_var(shape=[1] * 65), "shape is damaged"),
        (_var(shape=[2, 4]), "matmul|inner sizes"),
        (_var(2, dtype="float64"), "declares"),
        (_var(weak=1), "weak is damaged"),
        (_const("AAAAAAAAAAA=", [10**12]), "12 characters hold no 8000000000000 bytes"),
        (_const("AAAAAAAAAAA", []), "11 characters hold no 8 bytes"),
        (_const("AAAAAAAAAA!=", []), "data is damaged"),
        (_const("AAAAAAAAAAAA", []), "data is damaged"),
        (_const("Ag==", [1], "bool"), "data is damaged: '2' does not fit"),
    ],
)
def test_what_does_not_fit_is_named(change: Callable[[dict[str, Any]], Any], problem: str) -> None:
    with pytest.raises((FileFormatError, GraphError), match=problem):
        from_json(edited(change))


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "not valid JSON"),
        ("[]", "'\\[\\]' does not fit"),
        ("{}", "is missing"),
        (b"\xff\xfe", "not valid JSON"),
        ("[" * 10**6, "not valid JSON"),
        ('{"format": NaN}', "NaN is no JSON number"),
        ('{"format": 1, "format": 1}', "a key stands twice"),
        ('{"format":"glassgrad.graph","version":1.0,"graph":{}}', "version is damaged"),
        ('{"format":"glassgrad.graph","version":2,"graph":{}}', "version is damaged"),
    ],
)
def test_what_is_no_graph(text: str | bytes, problem: str) -> None:
    with pytest.raises(FileFormatError, match=problem):
        from_json(text)


def test_deep_nesting_is_refused() -> None:
    text = edited(_eqn(primitive="getitem", inputs=[0], params={"index": "deep"}))
    for depth in (400, 900, 10**5):
        deep = '{"tuple":[' * depth + "1" + "]}" * depth
        with pytest.raises(FileFormatError):
            from_json(text.replace('"deep"', deep))


def test_every_truncation_is_refused() -> None:
    text = to_json(trace(network, X, W))
    for end in range(0, len(text), 7):
        with pytest.raises(FileFormatError):
            from_json(text[:end])


# --- random damage -----------------------------------------------------------------------

DOCUMENTS = [
    json.loads(to_json(graph))
    for graph in (
        trace(network, X, W).gradients(),
        trace(_scan, X),
        trace(lambda x: {"a": np.pad(x, 1) + np.arange(5.0), "b": x[None, ..., [0, 1]]}, X),
    )
]
ODD = [None, True, 0, 1, -1, 2, 7, 2**31, 2**63, 2**200, 0.5, 1e300, "", "x", "sum", "int8", [], {}]
ODD += [{"tuple": []}, {"dtype": "float16"}, {"literal": 1.5}, {"float": "00"}, [0], "\ud800"]
ODD += [{"scalar": ["int8", "ff"]}, {"slice": [None] * 3}, {"ellipsis": True}, "matmul", "reshape"]


def _places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    if not isinstance(value, (dict, list)):
        return [path]
    items = value.items() if isinstance(value, dict) else enumerate(value)
    return [path, *(found for key, item in items for found in _places(item, (*path, key)))]


PLACES = [_places(document)[1:] for document in DOCUMENTS]


@st.composite
def damaged(draw: st.DrawFn) -> str:
    """One of the documents with up to three places overwritten, deleted or copied about."""
    number = draw(st.integers(0, len(DOCUMENTS) - 1))
    document = copy.deepcopy(DOCUMENTS[number])
    for _ in range(draw(st.integers(1, 3))):
        *path, last = draw(st.sampled_from(PLACES[number]))
        with suppress(KeyError, IndexError, TypeError):  # an earlier change took the place away
            holder = document
            for key in path:
                holder = holder[key]
            how = draw(st.integers(0, 3))
            if how == 0:
                del holder[last]
            elif how == 1 and isinstance(holder, list):
                holder.insert(draw(st.integers(0, len(holder))), holder[last])
            else:
                holder[last] = copy.deepcopy(draw(st.sampled_from(ODD)))
    return json.dumps(document)


@given(damaged())
def test_random_damage_is_read_or_refused(text: str) -> None:
    with suppress(FileFormatError, GraphError):
        found = from_json(text)
        assert to_json(from_json(to_json(found))) == to_json(found)
        assert found.source(comments=False).count("import") == 1


@given(st.integers(0, 2), st.integers(0, 10**6), st.integers(0, 255))
def test_a_flipped_byte_is_read_or_refused(number: int, place: int, byte: int) -> None:
    text = bytearray(json.dumps(DOCUMENTS[number]).encode())
    text[place % len(text)] = byte
    with suppress(FileFormatError, GraphError):
        from_json(bytes(text))


def test_infinite_numbers_come_back() -> None:
    found = again(trace(lambda x: np.maximum(x, -math.inf) * math.nan, 1.0))
    assert same(found.run(np.float32(1)), np.float32(math.nan))
