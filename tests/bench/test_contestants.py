"""All contestants compute the same, and do it with the sizes that the workloads state."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from glassgrad.bench.by_numpy import NumpyChain, NumpyNetwork
from glassgrad.bench.contestant import Settings
from glassgrad.bench.contestants import (
    FLOORS,
    MEMORY,
    PEERS,
    PREDICTION,
    PRODUCTS,
    SPLIT,
    is_installed,
    make,
)
from glassgrad.bench.floor import share
from glassgrad.bench.models import Architecture, Convolutional, Recurrent, Transformer
from glassgrad.bench.own_models import GlassgradModel
from glassgrad.bench.worker import Worker, chain_numbers
from glassgrad.bench.workloads import WORKLOADS, Chain, Model, Network, Order

NETWORKS = [name for name, workload in WORKLOADS.items() if isinstance(workload, Network)]
MODELS = [name for name, workload in WORKLOADS.items() if isinstance(workload, Model)]
OPTIMISERS = ["sgd", "momentum", "adam", "adamw"]
SMALL = Network(name="small", sizes=(30, 8, 6, 4), batch=16, optimizer="sgd", lr=0.05)
CHAIN = Chain(name="chain", rows=7, columns=11)


def _losses(contestant: Any, steps: int) -> np.ndarray:
    contestant.load()
    contestant.build()
    calls = -(-steps // contestant.unit)
    return np.asarray(contestant.run(calls * contestant.unit), np.float64)[:steps]


def _made(name: str, workload: Any) -> Any:
    contestant = make(name, workload, Settings(threads=1))
    assert contestant is not None
    return contestant


def _reference(workload: Network, steps: int) -> np.ndarray:
    return _losses(NumpyNetwork(workload, np.float64), steps)


# --- the same losses ---------------------------------------------------------------------


@pytest.mark.parametrize("name", ["numpy", "glassgrad"])
@pytest.mark.parametrize("optimizer", OPTIMISERS)
def test_optimisers_agree(name: str, optimizer: str) -> None:
    workload = replace(SMALL, optimizer=optimizer)
    found = _losses(_made(name, workload), 4)
    np.testing.assert_allclose(found, _reference(workload, 4), rtol=1e-5)


@pytest.mark.parametrize("name", ["numpy", "glassgrad"])
@pytest.mark.parametrize("activation", ["relu", "tanh", "sigmoid"])
def test_activations_agree(name: str, activation: str) -> None:
    workload = replace(SMALL, activation=activation)
    found = _losses(_made(name, workload), 4)
    np.testing.assert_allclose(found, _reference(workload, 4), rtol=1e-5)


@pytest.mark.parametrize("name", ["numpy", "glassgrad"])
def test_xor_agrees(name: str) -> None:
    xor = WORKLOADS["xor"]
    assert isinstance(xor, Network)
    found = _losses(_made(name, xor), 50)
    np.testing.assert_allclose(found, _reference(xor, 50), rtol=1e-5)
    assert found[0] > found[-1]


@pytest.mark.parametrize("name", ["numpy", "glassgrad"])
def test_chain_agrees(name: str) -> None:
    found, wanted = (_numbers(c) for c in (_made(name, CHAIN), NumpyChain(CHAIN, np.float64)))
    np.testing.assert_allclose(found, wanted, rtol=1e-5)


def _numbers(contestant: Any) -> list[float]:
    value = _losses(contestant, 1)[0]
    return chain_numbers(float(value), contestant.gradients())


def test_chain_by_hand_is_the_derivative() -> None:
    """The reference against central differences, for nothing else stands above it."""
    chain = NumpyChain(CHAIN, np.float64)
    chain.load()
    chain.build()
    chain.run(1)
    rng = np.random.default_rng(0)
    gradients = [gradient.copy() for gradient in chain.gradients()]
    for name, gradient in zip(("x", "gamma", "beta"), gradients, strict=True):
        along = rng.standard_normal(gradient.shape)
        middle, values = getattr(chain, name), []
        for h in (1e-5, -1e-5):
            setattr(chain, name, middle + h * along)
            values.append(chain.run(1)[0])
        setattr(chain, name, middle)
        slope = float((gradient * along).sum())
        assert (values[0] - values[1]) / 2e-5 == pytest.approx(slope, rel=1e-6)


@pytest.mark.full
@pytest.mark.parametrize("workload", [*NETWORKS, "wide-elementwise", *MODELS])
@pytest.mark.parametrize("name", ["glassgrad", *PEERS])
@pytest.mark.filterwarnings("ignore")  # those of other libraries
def test_every_contestant_agrees(name: str, workload: str) -> None:
    if name in PEERS and not is_installed(name):
        pytest.skip(f"{name} is not installed")
    if make(name, WORKLOADS[workload], Settings()) is None:
        pytest.skip(f"{name} cannot express {workload}")
    worker = Worker(name, workload, Settings(threads=1))
    for command in (worker.load, worker.build, worker.first):
        command()
    chosen = WORKLOADS[workload]
    if isinstance(chosen, Chain):
        wanted = _numbers(NumpyChain(chosen, np.float64))
    elif isinstance(chosen, Model):
        wanted = list(_in_double(chosen))
    else:
        wanted = list(_reference(chosen.without_dropout(), chosen.checked))
    np.testing.assert_allclose(worker.check()["numbers"], wanted, rtol=1e-3)


def test_a_wrong_optimiser_is_seen() -> None:
    wrong = replace(SMALL, optimizer="adam", lr=1.01e-3)
    found = _losses(_made("numpy", wrong), 10)
    assert np.max(np.abs(found / _reference(replace(wrong, lr=1e-3), 10) - 1)) > 1e-5


@pytest.mark.parametrize("name", ["numpy", "glassgrad"])
def test_dropout_is_at_work(name: str) -> None:
    workload = replace(SMALL, dropout=0.1)
    found = _losses(_made(name, workload), 10)
    plain = _losses(_made(name, workload.without_dropout()), 10)
    assert not np.allclose(found, plain, rtol=1e-3)
    np.testing.assert_allclose(found.mean(), plain.mean(), rtol=0.2)


# --- several kinds of layers -------------------------------------------------------------

TINY = [
    Convolutional(side=8, kernel=3, channels=(2, 3), hidden=5, classes=4),
    Recurrent(characters=5, embedding=3, hidden=4, steps=6),
    Transformer(characters=5, layers=1, heads=2, width=8, context=6),
]


def _in_double(workload: Model) -> np.ndarray:
    """The reference: our own derivative, by NumPy in float64."""
    reference = GlassgradModel(workload, Settings(backend="numpy"), np.float64)
    return _losses(reference, workload.checked)


@pytest.mark.parametrize("architecture", TINY)
@pytest.mark.parametrize("name", ["glassgrad", "torch", "jax"])
@pytest.mark.filterwarnings("ignore")  # those of other libraries
def test_models_agree(name: str, architecture: Architecture) -> None:
    if name in PEERS and not is_installed(name):
        pytest.skip(f"{name} is not installed")
    workload = Model(name="tiny", architecture=architecture, batch=4, rows=20)
    found = _losses(_made(name, workload), workload.checked)
    np.testing.assert_allclose(found, _in_double(workload), rtol=1e-5)
    assert len(set(found)) == workload.checked, "weights move"


@pytest.mark.parametrize(("name", "millions"), [("cnn", 1121), ("lstm", 1024), ("gpt", 3964)])
def test_models_cost_what_is_said(name: str, millions: int) -> None:
    workload = WORKLOADS[name]
    assert isinstance(workload, Model)
    operations = sum(2 * m * n * k * times for m, n, k, times in workload.products())
    assert round(operations / 1e6) == millions
    weights = workload.weights()
    assert sum(array.size for array in weights.values()) == workload.parameters
    assert workload.needed_bytes > workload.held_bytes == 12 * workload.parameters


# --- what they can express ---------------------------------------------------------------


def test_who_can_run_what() -> None:
    settings = Settings(threads=2)
    able = {
        peer: [name for name, w in WORKLOADS.items() if make(peer, w, settings) is not None]
        for peer in PEERS
    }
    assert able["sklearn"] == ["two", "mid", "mlp", "deep"]
    assert able["jax-scan"] == [*NETWORKS, *MODELS]
    assert able["numpy"] == [name for name in WORKLOADS if name not in MODELS]
    for peer in ("torch", "torch-compile", "jax"):
        assert able[peer] == list(WORKLOADS)
    assert make(SPLIT, SMALL, Settings(threads=1)) is None


def test_prediction_runs() -> None:
    contestant = _made(PREDICTION, SMALL)
    contestant.load()
    contestant.build()
    assert contestant.run(3) == []


# --- sizes -------------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "millions"), [("two", 16), ("mid", 64), ("mlp", 1224)])
def test_products_are_those_of_a_step(name: str, millions: int) -> None:
    contestant = _made(PRODUCTS, WORKLOADS[name])
    contestant.load()
    operations = sum(2 * a.shape[1] * out.size for a, _, out in contestant.products)
    assert round(operations / 1e6) == millions


@pytest.mark.parametrize("name", FLOORS)
def test_floors_run(name: str) -> None:
    settings = Settings(threads=2)
    for workload in (SMALL, CHAIN):
        contestant = make(name, workload, settings)
        if contestant is not None:
            contestant.load()
            contestant.build()
            assert contestant.run(2) == []


def test_rows_shared_out_give_the_same_product() -> None:
    contestant = _made(PRODUCTS, SMALL)
    contestant.load()
    for a, b, out in contestant.products:
        parts = [share((a, b, out), part, 3) for part in range(3)]
        for rows, b_again, written in parts:
            np.dot(rows, b_again, out=written)
        np.testing.assert_allclose(out, a @ b, rtol=1e-5, atol=1e-5)


def test_memory_moves_what_it_says() -> None:
    mlp = WORKLOADS["mlp"]
    assert isinstance(mlp, Network)
    assert mlp.parameters == 784 * 1024 + 1024 + 1024 * 1024 + 1024 + 1024 * 10 + 10
    assert mlp.traffic.moved == 2 * 3 * 4 * mlp.parameters  # p, m and v; read and written
    contestant = make(MEMORY, mlp, Settings(threads=2))
    assert contestant is not None
    contestant.load()
    arrays = [read for read, _ in contestant.pairs]  # type: ignore[attr-defined]
    assert len(arrays) == 2
    assert sum(array.nbytes for array in arrays) == pytest.approx(mlp.held_bytes, abs=8)
    wide = WORKLOADS["wide-elementwise"]
    assert wide.traffic.moved == 8_000_000


def test_order_has_no_partial_batch_and_starts_again() -> None:
    order = Order(replace(SMALL, batch=3000))
    assert [len(order.take(2)) for _ in range(3)] == [2, 2, 2]
    short = Order(replace(SMALL, batch=3000, chunk=4))
    assert len(short.rows) == 6  # two epochs of three whole batches
    for epoch in short.rows[:3], short.rows[3:]:
        assert len(np.unique(epoch)) == 9000
    assert len(short.take(4)) == 4
    assert len(short.take(4)) == 2, "then the end comes first"
    np.testing.assert_array_equal(short.take(1), short.rows[:1])
