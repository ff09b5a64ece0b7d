"""Printed source: golden texts, options, the head, and that it runs with NumPy alone.

    GLASSGRAD_UPDATE_GOLDEN=1 pytest tests/backends/test_source.py

writes the golden texts anew; they are reviewed as a diff. The head is left out of them: it states
versions and measured differences.
"""

from __future__ import annotations

import ast
import inspect
import os
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from backends.source_programs import PROGRAMS, Program, code_of, leaves, run_text

import glassgrad as gg
from glassgrad import nn, optim
from glassgrad.backends.source import checks
from glassgrad.canon import EXAMPLES
from glassgrad.canon.base import Circuit, Experiment
from glassgrad.errors import OptionError, ShapeError
from glassgrad.graph.ir import Graph
from glassgrad.graph.trace import trace
from glassgrad.text import speaking
from glassgrad.train import train_step
from glassgrad.train.source import with_gradients

GOLDEN = Path(__file__).parent / "golden"
UPDATE = bool(os.environ.get("GLASSGRAD_UPDATE_GOLDEN"))
CIRCUITS = {name: example for name, example in EXAMPLES.items() if isinstance(example, Circuit)}
# Measurements that are not about one graph, and why.
NOT_PRINTED = {"conventions.kinks": "five functions, each at one point"}
EXPERIMENTS = {
    name: example
    for name, example in EXAMPLES.items()
    if isinstance(example, Experiment) and name not in NOT_PRINTED
}


@pytest.fixture(autouse=True)
def _english() -> Any:
    with speaking("en"):
        yield


def _circuit_graph(name: str) -> Graph:
    return CIRCUITS[name].graph().gradients()  # type: ignore[no-any-return]


def experiment_graph(name: str) -> Graph:
    """What a measurement is about, with its gradients where it has some."""
    found = EXPERIMENTS[name].subject()
    assert found is not None, name
    return with_gradients(trace(found.function, *found.inputs), found.wrt)


def _require_golden(name: str, text: str) -> None:
    path = GOLDEN / f"{name}.txt"
    if UPDATE:
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
    assert text == path.read_text(encoding="utf-8")


# --- the text ------------------------------------------------------------------------------


@pytest.mark.parametrize("name", PROGRAMS)
def test_golden(name: str) -> None:
    _require_golden(name, code_of(PROGRAMS[name].graph().source()))


@pytest.mark.parametrize("name", CIRCUITS)
def test_golden_of_worked_examples(name: str) -> None:
    _require_golden(name, code_of(_circuit_graph(name).source()))


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_golden_of_measurements(name: str) -> None:
    text = experiment_graph(name).source()
    assert max(map(len, text.splitlines())) <= 100
    _require_golden(name, code_of(text))


def test_every_worked_example_is_printed_or_listed() -> None:
    assert {*CIRCUITS, *EXPERIMENTS, *NOT_PRINTED} == set(EXAMPLES)
    assert all(EXAMPLES[name].subject() is None for name in NOT_PRINTED)


def test_golden_of_a_training_step() -> None:
    model = nn.Sequential(nn.Linear(4, 5, rng=0), nn.ReLU(), nn.Linear(5, 3, rng=1))
    step = train_step(lambda m, x, t: nn.cross_entropy(m(x), t), model, optim.SGD(model, lr=0.1))
    x, t = np.ones((7, 4), np.float32), np.zeros(7, np.int64)
    text = step.graph(x, t).source()
    graph = step.graph(x, t)
    _require_golden("training_step", code_of(text))
    assert "# --- update ---" in text
    arrays = checks.drawn(graph)
    assert arrays is not None
    for one, two in zip(run_text(text, *arrays), graph.callable()(*arrays), strict=True):
        np.testing.assert_allclose(one, two, rtol=1e-5, atol=1e-7)


def test_steps_of_loops_have_the_names_of_the_user() -> None:
    def cell(state: Any, x: Any) -> Any:
        h, c = state
        c = np.tanh(x + h) * c
        return (np.tanh(c), c), c.sum()

    def loss(xs: Any) -> Any:
        _, sums = gg.scan(cell, (np.zeros(2), np.ones(2)), xs)
        return sums.mean()

    text = gg.source(loss, np.ones((5, 2)))
    assert "    def cell(state_0, state_1, x):" in text
    assert "    def cell_backward(dstate_0, dstate_1, state_0, state_1, x, dy):" in text
    assert "        c = np.tanh(x + state_0) * state_1 " in text


def test_constants_of_loops_keep_clear_of_the_names_outside() -> None:
    """The array `x` that a step reads is not the argument `x` of the function around it."""

    def step_of(x: Any) -> Any:
        return lambda h, row: (h + x * row, None)

    step = step_of(np.array([0.3, 0.7]))

    def loss(x: Any) -> Any:
        last, _ = gg.scan(step, np.zeros(2), x)
        return last.sum()

    text = gg.source(loss, np.ones((5, 2)))
    (dx,) = run_text(text, np.ones((5, 2)))[1:]
    np.testing.assert_array_equal(dx, np.tile([0.3, 0.7], (5, 1)))


def test_two_layer_net_reads_like_a_book() -> None:
    """The standard: at most 30 lines of code for the value and all four gradients."""
    text = code_of(PROGRAMS["two_layer_net"].graph().source())
    tree = ast.parse(text)
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef) and ast.get_docstring(node):
            node.body = node.body[1:]
    assert len(ast.unparse(tree).replace("\n\n", "\n").splitlines()) <= 30
    for line in (
        "a1 = x @ W1 + b1 ",
        "# (n, 784) @ (784, 50) + (50,) -> (n, 50)",
        "# z1 = np.maximum(a1, 0): passes where a1 > 0",
        "da1 = dz1 * (a1 > 0)",
        "dW1 = x.T @ da1 ",
        "db1 = da1.sum(axis=0) ",
        "da2 = (p - onehot) / n",
        "return loss, dW1, db1, dW2, db2",
    ):
        assert line in text, line
    assert not re.search(r"\bt\d", text), "no generated names"


@pytest.mark.parametrize("name", [*PROGRAMS, *CIRCUITS])
def test_no_line_is_too_wide(name: str) -> None:
    graph = PROGRAMS[name].graph() if name in PROGRAMS else _circuit_graph(name)
    assert [line for line in graph.source().splitlines() if len(line) > 100] == []


def test_gradients_of_forks_are_added_up() -> None:
    def staged(x: Any, w: Any) -> Any:
        a = x * w
        b = np.sin(x)
        c = a * b
        return c.sum()

    text = trace(staged, np.ones(3), np.ones(3)).gradients().source()
    assert re.search(r"dx = .*\n(.*\n)*?.*dx \+= ", text)


def test_an_array_that_is_read_elsewhere_is_not_added_to() -> None:
    """`dx = dz; dx += ...` would change dz too."""

    def shared(x: Any, y: Any) -> Any:
        z = x + y
        u = np.sin(z) * x
        return (u + z).sum()

    args = np.array([0.3, 0.4]), np.array([1.0, 2.0])
    graph = trace(shared, *args).gradients()
    for one, two in zip(run_text(graph.source(), *args), graph.run(*args), strict=True):
        np.testing.assert_array_equal(one, two)


# --- options -------------------------------------------------------------------------------


def test_long_form_on_request() -> None:
    graph = PROGRAMS["two_layer_net"].graph()
    long = graph.source(rewrite=False)
    assert "onehot" not in long
    assert "expm1" in long
    assert "Rewritten for reading" not in long


def test_regions_are_folded_or_opened() -> None:
    graph = PROGRAMS["attention"].graph()
    assert "def softmax(x):" in graph.source()
    assert "def softmax" not in graph.source(detail="open")


def test_one_operation_a_line_as_the_runner_has_it() -> None:
    graph = PROGRAMS["regression"].graph()
    text = graph.source(style="steps", comments=False)
    assert "t1 = x @ W\n" in text
    body = inspect.getsource(graph.callable())
    assert [line.strip() for line in body.splitlines()[1:-1]] == [
        line.strip() for line in text.partition("def regression")[2].splitlines()[1:-1]
    ]


def test_without_comments() -> None:
    text = PROGRAMS["regression"].graph().source(comments=False)
    assert "#" not in text
    assert text.startswith("import numpy as np\n")


def test_unknown_options_are_refused() -> None:
    graph = PROGRAMS["regression"].graph()
    with pytest.raises(OptionError, match="style 'plane'"):
        graph.source(style="plane")
    with pytest.raises(OptionError, match="detail 'all'"):
        graph.source(detail="all")
    with pytest.raises(ShapeError):
        graph.source(args=(np.ones(2),) * 4)


def test_arguments_to_check_with() -> None:
    program = PROGRAMS["logistic"]
    assert "bit for bit" in program.graph().source(args=program.args())


def test_source_of_a_tensor() -> None:
    w = gg.parameter(np.ones((3, 2)), name="w")
    y = ((gg.tensor(np.ones((4, 3))) @ w) ** 2).mean()
    assert "mean()" in y.source()


# --- the head ------------------------------------------------------------------------------


def test_head_says_how_it_was_checked() -> None:
    head = PROGRAMS["two_layer_net"].graph().source().partition("import numpy")[0]
    assert head.startswith('"""Value and gradients of `two_layer_net` (source_programs.py:')
    found = re.search(r"finite\s+differences (\S+?)\. ", head)
    assert found is not None and 0 < float(found[1]) < 1e-7
    found = re.search(r"at most (\S+) from", " ".join(head.split()))
    assert found is not None and 0 < float(found[1]) < 1e-14
    assert "Works for any batch size n." in " ".join(head.split())
    assert f"NumPy {np.__version__}" in " ".join(head.split())


def test_head_in_korean() -> None:
    with speaking("ko"):
        text = PROGRAMS["two_layer_net"].graph().source()
    assert "연쇄 법칙" in text
    assert "a1 > 0인 곳만 통과" in text


def test_a_large_function_is_checked_at_small_sizes() -> None:
    tall = np.broadcast_to(np.float64(1), (10**5, 10**4))
    graph = trace(lambda x: x.reshape(-1)[:3].sum(), tall)
    assert "bit for bit" in graph.source()
    assert "Not run before it was written" in replace(graph, retrace=None).source()


# --- the checks find what is wrong ---------------------------------------------------------


def test_a_wrong_text_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    compiled = checks.compiled
    monkeypatch.setattr(
        checks, "compiled", lambda t, *rest: compiled(t.replace("a1 > 0", "a1 < 0"), *rest)
    )
    with pytest.raises(gg.errors.GraphError, match="differs from its graph"):
        PROGRAMS["two_layer_net"].graph().source()


def test_a_text_that_does_not_run_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    compiled = checks.compiled
    monkeypatch.setattr(checks, "compiled", lambda t, *rest: compiled(t.replace("x.T", "x"), *rest))
    with pytest.raises(gg.errors.GraphError, match="does not run"):
        PROGRAMS["two_layer_net"].graph().source()


@pytest.mark.parametrize("factor", [1.001, -1.0])
def test_finite_differences_see_a_wrong_gradient(factor: float) -> None:
    graph = PROGRAMS["regression"].graph()
    run = checks.compiled(code_of(graph.source()), "regression_and_gradients")
    arrays = leaves(graph, PROGRAMS["regression"].args())
    pairs = checks.gradient_outputs(graph)
    assert pairs == [(0, 1), (1, 2)]
    right = checks.gradient_error(run, pairs, arrays)
    wrong = checks.gradient_error(
        lambda *xs: tuple(r * (factor if i == 1 else 1) for i, r in enumerate(run(*xs))),
        pairs,
        arrays,
    )
    assert right is not None and right < 1e-8
    assert wrong is not None and wrong > 5e-4


# --- it stands alone -----------------------------------------------------------------------

_ALONE = """
import sys
class Blocked:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] not in sys.stdlib_module_names | {"numpy"}:
            raise ImportError(name)
sys.meta_path.insert(0, Blocked())
import numpy as np
inputs = np.load("inputs.npz")
namespace = {}
exec(open("emitted.py", encoding="utf-8").read(), namespace)
results = namespace[sys.argv[1]](*[inputs[f"arr_{i}"][()] for i in range(len(inputs.files))])
np.savez("results.npz", *results)
"""


@pytest.mark.parametrize("name", ["two_layer_net", "scanned", "attention"])
def test_runs_with_only_numpy_importable(name: str, tmp_path: Path) -> None:
    program: Program = PROGRAMS[name]
    graph = program.graph()
    arrays = leaves(graph, program.args())
    text = graph.source(rewrite=False)
    (tmp_path / "emitted.py").write_text(text, encoding="utf-8")
    np.savez(tmp_path / "inputs.npz", *arrays)
    command = [sys.executable, "-I", "-c", _ALONE, f"{program.function.__name__}_and_gradients"]
    subprocess.run(command, cwd=tmp_path, check=True, timeout=60)
    with np.load(tmp_path / "results.npz") as found:
        for i, expected in enumerate(graph.callable()(*arrays)):
            assert checks.same_bits(found[f"arr_{i}"], expected)


@pytest.mark.parametrize("name", ["two_layer_net", "regression", "attention", "normalized"])
def test_emitted_text_traced_again_gives_the_same(name: str) -> None:
    program = PROGRAMS[name]
    graph = program.graph()
    arrays = leaves(graph, program.args())
    text = code_of(graph.source())
    namespace: dict[str, Any] = {}
    exec(compile(text, "<emitted>", "exec"), namespace)  # noqa: S102 - the text under test
    function = namespace[f"{program.function.__name__}_and_gradients"]
    if name == "two_layer_net":  # its helper writes into arrays, which a traced value refuses
        expected = function(*arrays)
        assert len(expected) == 5
        return
    again = trace(function, *arrays)
    for one, two in zip(again.run(*arrays), function(*arrays), strict=True):
        np.testing.assert_allclose(one, two, rtol=1e-12, atol=1e-14)
