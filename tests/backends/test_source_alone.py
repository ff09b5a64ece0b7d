"""Emitted source stands alone: it runs with NumPy and nothing else, and gives the graph's bits."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from backends.alone import Case, entry_of, results_alone
from backends.source_programs import PROGRAMS, two_layer_net
from backends.test_source import CIRCUITS, EXPERIMENTS, experiment_graph
from hypothesis import HealthCheck, given, settings
from optim.rules import UPDATES
from random_graphs import Program, programs

from glassgrad import nn
from glassgrad.backends.source import checks
from glassgrad.graph.ir import Graph
from glassgrad.graph.trace import trace
from glassgrad.nn import LOSSES
from glassgrad.optim import make_optimizer
from glassgrad.text import speaking
from glassgrad.train.source import source
from glassgrad.train.step import TrainStep, train_step

RNG = np.random.default_rng(5)
LABELS = RNG.integers(0, 3, 12)
SHARES = RNG.dirichlet(np.ones(3), 12)
# What the outputs of the network go through, and the targets, of each loss.
TARGETS: dict[str, tuple[Callable[..., Any], Any]] = {
    "cross_entropy": (lambda y: y, LABELS),
    "focal": (lambda y: y, LABELS),
    "nll": (nn.log_softmax, LABELS),
    "hinge": (lambda y: y, LABELS),
    "kl": (nn.log_softmax, SHARES),
    "binary_cross_entropy": (nn.sigmoid, np.eye(3)[LABELS]),
    "binary_cross_entropy_with_logits": (lambda y: y, np.eye(3)[LABELS]),
    "binary_hinge": (lambda y: y, 2.0 * np.eye(3)[LABELS] - 1),
    **dict.fromkeys(
        ("mse", "mae", "half_sse", "huber", "smooth_l1"), (lambda y: y, np.eye(3)[LABELS])
    ),
}


class TwoLayerNet(nn.Module):
    """The book's network, small."""

    def __init__(self, after: Callable[..., Any]) -> None:
        self.fc1 = nn.Linear(5, 6, rng=0, dtype=np.float64)
        self.fc2 = nn.Linear(6, 3, rng=1, dtype=np.float64)
        self.after = after

    def forward(self, x: Any) -> Any:
        h = nn.relu(self.fc1(x))
        return self.after(self.fc2(h))


@pytest.fixture(autouse=True)
def _english() -> Any:
    with speaking("en"):
        yield


def _inputs() -> Any:
    return np.random.default_rng(6).normal(size=(12, 5))


def _loss_graph(name: str) -> Graph:
    after, t = TARGETS[name]

    def loss(model: Any, x: Any, t: Any) -> Any:
        loss = LOSSES[name](model(x), t)
        return loss

    found = trace(loss, TwoLayerNet(after), _inputs(), t)
    wrt = [var.name for var in found.inputs if var.name.startswith("model")]
    return found.gradients(wrt)  # type: ignore[no-any-return]


def _step(loss: str, optimizer: str, **options: Any) -> tuple[TrainStep, tuple[Any, Any]]:
    after, t = TARGETS[loss]
    model = TwoLayerNet(after)
    measure = LOSSES[loss]
    opt = make_optimizer(optimizer, model, **options)
    return train_step(lambda m, x, t: measure(m(x), t), model, opt), (_inputs(), t)


def _graphs() -> dict[str, Graph]:
    found = {name: program.graph() for name, program in PROGRAMS.items()}
    found |= {name: circuit.graph().gradients() for name, circuit in CIRCUITS.items()}
    found |= {name: experiment_graph(name) for name in EXPERIMENTS}
    found |= {f"loss {name}": _loss_graph(name) for name in TARGETS}
    for name in UPDATES:
        step, batch = _step("cross_entropy", name)
        found[f"optimizer {name}"] = step.graph(*batch)
    step, batch = _step("mse", "adam", weight_decay=0.1, clip_norm=1.0)
    found["clipped"] = step.graph(*batch)
    return found


def _require_alone(graphs: dict[str, Graph], folder: Path, **options: Any) -> None:
    """Long texts repeat the graph's bits; short ones those of the rewritten graph, nearly these."""
    cases: dict[str, Case] = {}
    arrays = {}
    for name, graph in graphs.items():
        arrays[name] = checks.drawn(graph)
        assert arrays[name] is not None, name
        for rewrite in (False, True):
            text = graph.source(rewrite=rewrite, **options)
            cases[f"{name}/{rewrite}"] = text, entry_of(text), arrays[name]
    found = results_alone(cases, folder)
    for name, graph in graphs.items():
        expected = graph.callable()(*arrays[name])
        assert all(map(checks.same_bits, found[f"{name}/False"], expected)), name
        assert checks.difference(found[f"{name}/True"], expected) < 1e-12, name


def test_every_loss_has_targets() -> None:
    assert TARGETS.keys() == LOSSES.keys()


@pytest.mark.full
def test_examples_losses_and_optimisers(tmp_path: Path) -> None:
    _require_alone(_graphs(), tmp_path)


def test_open_regions(tmp_path: Path) -> None:
    graphs = {f"loss {name}": _loss_graph(name) for name in TARGETS}
    _require_alone(graphs, tmp_path, detail="open")


def _random_graphs(count: int) -> dict[str, Graph]:
    drawn: list[Program] = []

    @settings(max_examples=count, suppress_health_check=list(HealthCheck))
    @given(programs(most_steps=12))
    def collect(program: Program) -> None:
        drawn.append(program)

    collect()
    pairs = enumerate(drawn[:count])
    return {f"{i}": trace(p.of(np), *p.arrays()).gradients() for i, p in pairs}


@pytest.mark.full
def test_random_graphs(tmp_path: Path) -> None:
    _require_alone(_random_graphs(25), tmp_path)


@pytest.mark.full
def test_five_hundred_random_graphs(tmp_path: Path) -> None:
    _require_alone(_random_graphs(500), tmp_path)


# --- scripts -------------------------------------------------------------------------------


def _scripts() -> dict[str, str]:
    found = {}
    for name in TARGETS:
        step, batch = _step(name, "adam", lr=0.01)
        found[f"loss {name}"] = source(step, *batch, style="script")
    for name in UPDATES:
        step, batch = _step("cross_entropy", name)
        found[f"optimizer {name}"] = source(step, *batch, style="script")
    step, batch = _step("mse", "adam", lr=0.01, weight_decay=0.01, clip_norm=1.0)
    found["clipped"] = source(step, *batch, style="script")
    args = PROGRAMS["two_layer_net"].arguments(np.random.default_rng(0))
    found["function"] = source(two_layer_net, *args, style="script")
    found["no data"] = source(
        lambda x0, x1: (1 - x0) ** 2 + (x1 - x0**2) ** 2, 0.0, 2.0, style="script"
    )
    model = nn.Sequential(nn.Linear(5, 8, rng=0), nn.ReLU(), nn.Dropout(0.2), nn.Linear(8, 3))
    x = _inputs().astype(np.float32)
    found["dropout"] = source(
        model, x, LABELS, loss="cross_entropy", optimizer="momentum", style="script"
    )
    return found


@pytest.mark.full
def test_scripts_train(tmp_path: Path) -> None:
    """Every loss and every optimiser: the loss of the last epoch is below that of the first."""
    cases: dict[str, Case] = {name: (text, "losses", []) for name, text in _scripts().items()}
    cases = {name: (text + _LOSSES, entry, []) for name, (text, entry, _) in cases.items()}
    for name, (losses,) in results_alone(cases, tmp_path).items():
        assert np.isfinite(losses).all(), name
        tenth = max(1, len(losses) // 10)
        assert losses[-tenth:].mean() < losses[:tenth].mean(), name


_LOSSES = """

def losses():
    return np.array(train())
"""


# --- layers --------------------------------------------------------------------------------


@pytest.mark.parametrize("detail", ["regions", "open"])
def test_layers_stand_alone(detail: str, tmp_path: Path) -> None:
    cases: dict[str, Case] = {}
    graphs = {f"loss {name}": _loss_graph(name) for name in TARGETS}
    graphs |= {name: PROGRAMS[name].graph() for name in ("two_layer_net", "attention")}
    expected = {}
    for name, graph in graphs.items():
        arrays = checks.drawn(graph)
        assert arrays is not None and graph.wrt is not None
        listed = [var for i, var in enumerate(graph.inputs) if i in graph.wrt]
        data = [i for i in range(len(graph.inputs)) if i not in graph.wrt]
        used = {atom for eqn in graph.eqns for atom in eqn.inputs}
        data = [i for i in data if graph.inputs[i] in used]
        text = graph.source(style="layers", detail=detail) + _CALL.format(count=len(listed))
        ordered = [arrays[i] for i in graph.wrt] + [arrays[i] for i in data]
        cases[name] = text, "call", ordered
        expected[name] = graph.callable()(*arrays)
    for name, found in results_alone(cases, tmp_path).items():
        assert checks.difference(found, expected[name]) < 1e-12, name


_CALL = """

def call(*arrays):
    network = Network(*arrays[:{count}])
    value = network.loss(*arrays[{count}:])
    return (value, *network.gradient(*arrays[{count}:]).values())
"""
