"""Names and texts that would like to be code stay names and text."""

from __future__ import annotations

import ast
import keyword
import linecache
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from backends.source_programs import code_of, run_text
from hypothesis import given
from hypothesis import strategies as st

from glassgrad import nn
from glassgrad.backends.source import checks
from glassgrad.backends.source.statements import shown
from glassgrad.core.position import Place
from glassgrad.core.template import check_syntax
from glassgrad.errors import DataError, GraphError
from glassgrad.graph.exchange import from_json, to_json
from glassgrad.graph.ir import Graph
from glassgrad.graph.trace import trace
from glassgrad.text import speaking
from glassgrad.train.source import source

HOSTILE = [
    "x; import os", "x\nimport os", "__import__('os')", "lambda", "class", "np", "numpy", "print",
    "sum", "__builtins__", "__class__", "x y", "1x", "", '"""', "'''", "x#", "x\\", "\u0445",
    "\uff58", "x\u202e", "x\u200b", "\u01c5", "match", "None", "a" * 500, "x.__globals__",
]  # fmt: skip


@pytest.fixture(autouse=True)
def _english() -> Any:
    with speaking("en"):
        yield


def _renamed(graph: Graph, name: str) -> Graph:
    """The graph with every value, and itself, of one name."""
    for var in graph.variables():
        var.name = name
    return replace(graph, name=name)


def _graph() -> Graph:
    return trace(lambda x, w: (np.tanh(x * w) + x).sum(), np.ones(3), np.ones(3)).gradients()  # type: ignore[no-any-return]


def _require_harmless(text: str) -> None:
    tree = ast.parse(text)
    imports = [node for node in ast.walk(tree) if isinstance(node, (ast.Import, ast.ImportFrom))]
    assert [ast.unparse(node) for node in imports] == ["import numpy as np"]
    check_syntax(ast.parse(code_of(text).replace("import numpy as np", "", 1)))
    for node in ast.walk(tree):
        if isinstance(node, ast.Name):
            assert node.id.isascii() and not keyword.iskeyword(node.id)
            assert not node.id.startswith("__")


@pytest.mark.parametrize("style", ["plain", "steps"])
@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_names_are_replaced(name: str, style: str) -> None:
    graph = _renamed(_graph(), name)
    text = graph.source(style=style)
    _require_harmless(text)
    x, w = np.array([0.1, 0.2, 0.3]), np.array([1.0, 2.0, 3.0])
    for one, two in zip(run_text(text, x, w), graph.run(x, w), strict=True):
        np.testing.assert_allclose(one, two, rtol=1e-15)


def _require_harmless_names(text: str, imports: list[str]) -> None:
    """Of classes and scripts, which name more than `check_syntax` lets through."""
    tree = ast.parse(text)
    found = [ast.unparse(n) for n in ast.walk(tree) if isinstance(n, (ast.Import, ast.ImportFrom))]
    assert found == imports
    words = [n.id for n in ast.walk(tree) if isinstance(n, ast.Name)]
    words += [n.attr for n in ast.walk(tree) if isinstance(n, ast.Attribute)]
    words += [n.arg for n in ast.walk(tree) if isinstance(n, ast.arg)]
    for word in words:
        assert word.isascii() and word.isidentifier() and not keyword.iskeyword(word)
        assert not word.startswith("__") or word == "__name__"


@pytest.mark.parametrize(
    "name", [*HOSTILE, "self", "layer", "none", "Network", "dout", "exception"]
)
def test_hostile_names_in_layers(name: str) -> None:
    text = _renamed(_graph(), name).source(style="layers")
    _require_harmless_names(text, ["import numpy as np"])
    assert "class Network:" in text


class _Hostile(nn.Module):
    """A model whose layer has a name of somebody's choice."""

    def __init__(self, name: str) -> None:
        self.name = name
        setattr(self, name, nn.Linear(3, 2, rng=0))

    def forward(self, x: Any) -> Any:
        return getattr(self, self.name)(x)


@pytest.mark.full
@pytest.mark.parametrize("name", [n for n in HOSTILE if n and n not in ("__class__",)])
def test_hostile_names_in_scripts(name: str) -> None:
    x, t = np.ones((4, 3), np.float32), np.array([0, 1, 0, 1])
    with np.errstate(all="ignore"):
        text = source(_Hostile(name), x, t, loss="cross_entropy", optimizer="adam", style="script")
    _require_harmless_names(text, ["import sys", "import numpy as np"])
    assert "os" not in {n.id for n in ast.walk(ast.parse(text)) if isinstance(n, ast.Name)}


@given(st.text(max_size=30))
def test_any_name_is_harmless(name: str) -> None:
    with speaking("en"):
        _require_harmless(_renamed(_graph(), name).source())


@pytest.mark.parametrize("name", ["sech_squared", "place", "f", "n", "t1", "dx", "scan", "axis"])
def test_names_of_helpers_and_sizes_are_not_shadowed(name: str) -> None:
    def function(x: Any) -> Any:
        return (np.tanh(x[:2]) ** 2).mean() + x.mean()

    graph = trace(function, np.ones(5)).gradients()
    graph.inputs[0].name = name
    x = np.array([0.1, 0.2, 0.3, 0.4, 0.5])
    for one, two in zip(run_text(graph.source(), x), graph.run(x), strict=True):
        np.testing.assert_allclose(one, two, rtol=1e-15)


# --- comments ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    ["a\nimport os", "a\r\nb", "\x0cb", "\u2028import os", "\u202eabc", "\u0430 = 1", "\x00"],
)
def test_text_from_elsewhere_is_escaped(text: str) -> None:
    safe = shown(text)
    assert safe.isascii()
    assert safe.isprintable()
    assert ast.parse(f"# {safe}\npass").body


def test_korean_statements_stay_readable() -> None:
    assert shown("손실 = 오차.mean()") == "손실 = 오차.mean()"
    assert shown("\u3164 = 1") == "\\u3164 = 1", "an invisible letter"


def test_a_hostile_statement_stays_in_its_comment() -> None:
    name = '<hostile\n"""import os>'
    lines = 'def f(x):\n    y = np.sin(x); "\u202e#"; z = (y * x).sum()  # """\n    return z\n'
    linecache.cache[name] = (len(lines), None, lines.splitlines(keepends=True), name)
    namespace: dict[str, Any] = {"np": np}
    exec(compile(lines, name, "exec"), namespace)  # noqa: S102 - a program of the test
    text = trace(namespace["f"], np.ones(3)).gradients().source()
    _require_harmless(text)
    assert "\u202e" not in text
    assert "dx" in text


def test_a_file_name_cannot_leave_the_head() -> None:
    graph = _graph()
    place = Place('x"""\nimport os\n"""\\', 3)
    eqns = tuple(replace(eqn, position=place) for eqn in graph.eqns)
    _require_harmless(graph.with_eqns(eqns).source())


# --- graphs from files ---------------------------------------------------------------------


def test_a_stored_graph_prints_as_a_program() -> None:
    graph = trace(lambda x, w: (np.tanh(x * w) ** 2).sum(), np.ones(3), np.ones(3)).gradients()
    found = from_json(to_json(graph))
    text = found.source()
    _require_harmless(text)
    assert "finite\ndifferences" in text or "finite differences" in text
    x, w = np.array([0.1, 0.2, 0.3]), np.array([1.0, 2.0, 3.0])
    for one, two in zip(run_text(text, x, w), graph.run(x, w), strict=True):
        np.testing.assert_allclose(one, two, rtol=1e-15)


# --- too much ------------------------------------------------------------------------------


def test_a_huge_constant_is_refused() -> None:
    table = np.random.default_rng(0).normal(size=400_000)
    with pytest.raises(DataError, match="holds 400000 numbers"):
        trace(lambda x: (x * table).sum(), np.ones(400_000)).source()


def test_a_constant_keeps_every_digit() -> None:
    table = np.random.default_rng(0).normal(size=(50, 3)).astype(np.float32)
    table[0] = np.inf, -np.inf, np.nan
    text = trace(lambda x: x * table, np.ones((50, 3), np.float32)).source()
    with np.errstate(all="ignore"):
        (found,) = run_text(text, np.ones((50, 3), np.float32))
    assert checks.same_bits(found, table)
    assert max(map(len, text.splitlines())) <= 100


def test_text_outside_the_allow_list_is_not_run() -> None:
    with pytest.raises(GraphError, match="may not"):
        checks.compiled("import numpy as np\n\n\ndef f(x):\n    return np.load(x)\n", "f")
