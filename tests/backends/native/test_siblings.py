"""Derivatives that move next to their function: where they do, where they stay, what comes out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from backends.native.agreement import complaints
from backends.native.native_texts import needs_llvm

from glassgrad.autodiff.api import grad
from glassgrad.backends.native.call import Executable
from glassgrad.backends.native.engine import assembly
from glassgrad.backends.native.lower import siblings
from glassgrad.backends.native.lower.siblings import beside_siblings
from glassgrad.graph.ir import Graph
from glassgrad.graph.trace import trace
from glassgrad.primitives.transcendental import sigmoid

_LAYERS: dict[str, Callable[[Any], Any]] = {"tanh": np.tanh, "sigmoid": sigmoid}
_DERIVATIVES = {"tanh": "sech_squared", "sigmoid": "logistic_density"}


def _step(function: Callable[[Any], Any], x: np.ndarray, W: np.ndarray) -> Graph:
    """Two layers and the gradient of what they end in."""

    def loss(x: Any, W: Any) -> Any:
        return (function(function(x @ W) @ W) ** 2).sum()

    return trace(grad(loss, 1), x, W)


def _names(graph: Graph) -> list[str]:
    return [eqn.primitive.name for eqn in graph.eqns]


@pytest.fixture
def operands() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    return rng.normal(size=(40, 20)).astype(np.float32), rng.normal(size=(20, 20)).astype("f")


@pytest.mark.parametrize("name", _LAYERS)
def test_the_derivative_follows_its_function(name: str, operands: tuple[Any, Any]) -> None:
    graph = _step(_LAYERS[name], *operands)
    before, after = _names(graph), _names(beside_siblings(graph))
    assert sorted(before) == sorted(after)
    places = [i for i, found in enumerate(after) if found == name]
    assert len(places) == 2
    assert [after[i + 1] for i in places] == [_DERIVATIVES[name]] * 2
    assert before.index(_DERIVATIVES[name]) > before.index(name) + 1


def test_it_stays_where_more_memory_would_be_held(operands: tuple[Any, Any]) -> None:
    x, W = operands
    silu = trace(grad(lambda W: (np.tanh(x @ W) * (x @ W)).sum()), W).transform("exact")
    assert _names(beside_siblings(silu)) == _names(silu)  # x @ W is read once more
    whole = trace(grad(lambda x: np.tanh(x).sum()), x)
    assert _names(beside_siblings(whole)) == _names(whole)  # x is there anyway


def test_few_elements_stay(operands: tuple[Any, Any]) -> None:
    x, W = operands
    graph = _step(np.tanh, x[:2], W)
    assert _names(beside_siblings(graph)) == _names(graph)


@needs_llvm
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", _LAYERS)
def test_every_equation_is_right(name: str, dtype: Any, operands: tuple[Any, Any]) -> None:
    x, W = (3 * operand.astype(dtype) for operand in operands)
    assert complaints(beside_siblings(_step(_LAYERS[name], x, W)), [x, W]) == []


@needs_llvm
@pytest.mark.parametrize("name", _LAYERS)
def test_one_quotient_serves_both(
    name: str, operands: tuple[Any, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    def divisions() -> int:
        return assembly(Executable(_step(_LAYERS[name], *operands), 1).text).count("div")

    together = divisions()
    monkeypatch.setattr(siblings, "_FEW", 10**9)
    assert together < divisions()
