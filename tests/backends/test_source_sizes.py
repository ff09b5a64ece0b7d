"""Sizes in printed source are read off the arrays: the text works wherever the function does."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from backends.source_programs import (
    PROGRAMS,
    Net,
    code_of,
    leaves,
    module_loss,
    net_arguments,
    run_text,
    two_layer_net,
)

from glassgrad.backends.source import checks
from glassgrad.backends.source.sizes import Differs, Size, Symbol, align, pattern_text
from glassgrad.graph.ir import Graph
from glassgrad.graph.trace import trace
from glassgrad.text import speaking

RNG = np.random.default_rng(0)


@pytest.fixture(autouse=True)
def _english() -> Any:
    with speaking("en"):
        yield


def _require_same(text: str, graph: Graph, *args: Any) -> None:
    """The text gives the graph's results bit for bit."""
    arrays = leaves(graph, args)
    found, expected = run_text(text, *arrays), graph.callable()(*arrays)
    assert len(found) == len(expected)
    assert all(map(checks.same_bits, found, expected))


# --- any batch size ------------------------------------------------------------------------


@pytest.mark.parametrize("n", [1, 2, 3, 32, 257])
def test_any_batch_size(n: int) -> None:
    args = net_arguments(RNG)
    text = trace(two_layer_net, *args).gradients().source(rewrite=False)
    others = net_arguments(RNG, n=n)
    _require_same(text, trace(two_layer_net, *others).gradients(), *others)


def test_other_layer_sizes_too() -> None:
    text = trace(two_layer_net, *net_arguments(RNG)).gradients().source(rewrite=False)
    others = net_arguments(RNG, n=4, d=6, h=3)
    _require_same(text, trace(two_layer_net, *others).gradients(), *others)


def test_a_batch_of_one_frees_the_size_as_well() -> None:
    args = net_arguments(RNG, n=1)
    text = trace(two_layer_net, *args).gradients().source(rewrite=False)
    others = net_arguments(RNG, n=5)
    _require_same(text, trace(two_layer_net, *others).gradients(), *others)


@pytest.mark.parametrize("sizes", [(50, 784, 50), (10, 12, 5), (7, 7, 7), (10, 10, 10)])
def test_sizes_that_happen_to_be_equal(sizes: tuple[int, int, int]) -> None:
    """n = h = 50: the rows of the data and the columns of the weights are not one size."""
    args = net_arguments(RNG, *sizes)
    text = trace(two_layer_net, *args).gradients().source(rewrite=False)
    assert "Works for any batch size n" in text
    others = net_arguments(RNG, 13, sizes[1], sizes[2])
    _require_same(text, trace(two_layer_net, *others).gradients(), *others)


def test_keys_and_queries_of_other_lengths() -> None:
    attention = PROGRAMS["attention"].function
    args = tuple(RNG.normal(size=(5, 4)) for _ in range(3))
    text = trace(attention, *args).gradients().source(rewrite=False)
    others = RNG.normal(size=(3, 4)), RNG.normal(size=(8, 4)), RNG.normal(size=(8, 4))
    _require_same(text, trace(attention, *others).gradients(), *others)


def test_a_module_keeps_its_own_sizes() -> None:
    model = Net()
    args = model, RNG.normal(size=(7, 4)), RNG.integers(0, 3, 7)
    text = trace(module_loss, *args).gradients().source(rewrite=False)
    assert "fixed sizes: 5, 4, 3" in " ".join(text.split())
    assert "def module_loss_and_gradients(fc1_W, fc1_b, fc2_W, fc2_b, x, t):" in text
    others = model, RNG.normal(size=(12, 4)), RNG.integers(0, 3, 12)
    _require_same(text, trace(module_loss, *others).gradients(), *others)


def test_a_loop_whose_length_is_a_size() -> None:
    scanned = PROGRAMS["scanned"]
    text = scanned.graph().source(rewrite=False)
    others = RNG.normal(size=(2, 2)), RNG.normal(size=(11, 2))
    _require_same(text, trace(scanned.function, *others).gradients(), *others)


@pytest.mark.parametrize(
    "function",
    [
        lambda x: (x.mean(axis=0) ** 2).sum(),
        lambda x: x.reshape(-1)[::2].sum(),
        lambda x: np.concatenate([x, x * 2]).std(),
        lambda x: (x[1:] - x[:-1]).mean(),
        lambda x: (np.arange(x.shape[0]) * x.sum(axis=1)).sum(),
        lambda x: (x @ x.T / x.shape[0]).sum(),
        lambda x: np.pad(x, ((1, 2), (0, 0)))[2:].var(),
        lambda x: (x * np.ones(x.shape) + np.eye(x.shape[0]) @ x).max(),
        lambda x: (np.tile(x, (2, 1)) * 1.5).sum(),
    ],
)
def test_sizes_inside_operations(function: Any) -> None:
    graph = trace(function, RNG.normal(size=(6, 3))).gradients()
    text = graph.source(rewrite=False)
    assert "Works for" in text
    for shape in ((4, 3), (9, 3)):
        other = RNG.normal(size=shape)
        _require_same(text, trace(function, other).gradients(), other)


# --- what cannot vary ----------------------------------------------------------------------


def test_a_constant_array_freezes_its_sizes() -> None:
    weights = RNG.normal(size=(6, 3))
    text = trace(lambda x: (x * weights).sum(), RNG.normal(size=(6, 3))).gradients().source()
    assert "Written for the shapes that were recorded" in " ".join(text.split())


def test_a_python_loop_freezes_its_length() -> None:
    def total(x: Any) -> Any:
        out = 0.0
        for i in range(x.shape[0]):
            out = out + x[i] ** i
        return out

    text = trace(total, RNG.uniform(1, 2, 5)).source()
    assert "Written for the shapes" in " ".join(text.split())


def test_numbers_drawn_while_recording_are_not_generalised() -> None:
    def noisy(x: Any) -> Any:
        return (x + np.random.default_rng().normal(size=x.shape)).sum()

    assert "Works for" not in trace(noisy, np.ones(5)).source()


def test_a_function_that_fails_elsewhere_keeps_its_size() -> None:
    def picky(x: Any) -> Any:
        if x.shape[0] != 6:
            raise RuntimeError("only six")
        return (x**2).sum()

    assert "x ** 2" in trace(picky, np.ones(6)).source()


def test_a_number_that_depends_on_size_in_no_known_way() -> None:
    """sqrt(n) is no quotient of sizes: the text keeps the number, and says so."""
    text = trace(lambda x: x.sum() * np.sqrt(x.shape[0]), np.ones(5)).source()
    assert "2.23606797749979" in text
    assert "Works for" not in text


# --- the pieces ----------------------------------------------------------------------------


def test_a_size_prints_as_its_expression() -> None:
    symbol = Symbol("n", (17, 19), 100, "{input}.shape[0]", 0, True)
    size = Size(35, "2 * {n} + 1", 201, [symbol])
    assert (str(size), f"{size}", repr((size, 3))) == ("(2 * n + 1)",) * 2 + ("((2 * n + 1), 3)",)
    assert size.text(lambda s: False) == "201"
    assert size == 35


def test_two_different_programs_do_not_align() -> None:
    one, two = trace(lambda x: x + 1, np.ones(3)), trace(lambda x: x * 1.5, np.ones(5))
    with pytest.raises(Differs):
        align([one, two], [])


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (np.zeros((2, 3)), "np.zeros((2, 3))"),
        (np.ones(4, np.float32), "np.ones(4, dtype=np.float32)"),
        (np.full(2, 0.1, np.float32), "np.full(2, 0.1, dtype=np.float32)"),
        (np.full(2, -0.0), "np.full(2, -0.0, dtype=np.float64)"),
        (np.arange(5), "np.arange(5)"),
        (np.eye(3), "np.eye(3)"),
        (np.array([1.0, 2.0]), None),
        (np.float64(3), None),
    ],
)
def test_constants_with_a_pattern(value: Any, text: str | None) -> None:
    found = pattern_text(value, np.shape(value))
    assert found == text
    if found is not None:
        again = run_text(f"import numpy as np\n\n\ndef f():\n    return {found}\n")[0]
        assert checks.same_bits(again, value)


def test_code_stands_behind_the_head() -> None:
    assert code_of(PROGRAMS["regression"].graph().source()).startswith("import numpy as np\n\n\n")
