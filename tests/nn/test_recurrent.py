"""RNN, GRU and LSTM against the same formulas and their backward passes by hand in NumPy.

Long because three backward passes are written out.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import glassgrad as gg
from glassgrad import nn
from glassgrad.autodiff.api import grad, hvp, vmap
from glassgrad.autodiff.check import check_grads
from glassgrad.errors import DataError, DtypeError, OptionError, ShapeError
from glassgrad.graph.trace import trace
from glassgrad.nn.registry import build, describe

LAYERS = {"RNN": nn.RNN, "GRU": nn.GRU, "LSTM": nn.LSTM}
rng = np.random.default_rng(3)
X = rng.normal(size=(2, 5, 3))
WEIGHTS = rng.normal(size=(2, 5, 4))
LENGTHS = np.array([5, 3])


def made(kind: str, **options: Any) -> Any:
    return LAYERS[kind](3, 4, dtype=np.float64, rng=0, **options)


# --- by hand -----------------------------------------------------------------------------


def sigmoid(x: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-x))


def rnn_by_hand(cell: Any, x: np.ndarray, dy: np.ndarray) -> dict[str, np.ndarray]:
    """Outputs, and gradients of sum(dy * outputs), by a loop forward and one backward."""
    W, U, b = cell.W_ih.data, cell.W_hh.data, cell.b_ih.data + cell.b_hh.data
    h = np.zeros((len(x), U.shape[0]))
    hs = [h]
    for t in range(x.shape[1]):
        h = np.tanh(x[:, t] @ W + h @ U + b)
        hs.append(h)
    found = {"W_ih": np.zeros_like(W), "W_hh": np.zeros_like(U), "b_ih": np.zeros_like(b)}
    dh = np.zeros_like(h)
    for t in reversed(range(x.shape[1])):
        raw = (dh + dy[:, t]) * (1 - hs[t + 1] ** 2)
        found["W_ih"] += x[:, t].T @ raw
        found["W_hh"] += hs[t].T @ raw
        found["b_ih"] += raw.sum(axis=0)
        dh = raw @ U.T
    return {"out": np.stack(hs[1:], axis=1), "b_hh": found["b_ih"], **found}


def gru_by_hand(cell: Any, x: np.ndarray, dy: np.ndarray) -> dict[str, np.ndarray]:
    W, U, b, d = (getattr(cell, name).data for name in ("W_ih", "W_hh", "b_ih", "b_hh"))
    size = U.shape[0]
    h, kept = np.zeros((len(x), size)), []
    outs = []
    for t in range(x.shape[1]):
        a, m = x[:, t] @ W + b, h @ U + d
        r = sigmoid(a[:, :size] + m[:, :size])
        z = sigmoid(a[:, size : 2 * size] + m[:, size : 2 * size])
        n = np.tanh(a[:, 2 * size :] + r * m[:, 2 * size :])
        kept.append((h, r, z, n, m[:, 2 * size :]))
        h = (1 - z) * n + z * h
        outs.append(h)
    found = {name: np.zeros_like(getattr(cell, name).data) for name in ("W_ih", "W_hh")}
    found |= {name: np.zeros_like(getattr(cell, name).data) for name in ("b_ih", "b_hh")}
    dh = np.zeros_like(h)
    for t in reversed(range(x.shape[1])):
        before, r, z, n, m = kept[t]
        dh = dh + dy[:, t]
        dn = dh * (1 - z) * (1 - n**2)
        dz = dh * (before - n) * z * (1 - z)
        dr = dn * m * r * (1 - r)
        da, dm = np.hstack([dr, dz, dn]), np.hstack([dr, dz, dn * r])
        found["W_ih"] += x[:, t].T @ da
        found["W_hh"] += before.T @ dm
        found["b_ih"] += da.sum(axis=0)
        found["b_hh"] += dm.sum(axis=0)
        dh = dh * z + dm @ U.T
    return {"out": np.stack(outs, axis=1), **found}


def lstm_by_hand(cell: Any, x: np.ndarray, dy: np.ndarray) -> dict[str, np.ndarray]:
    W, U, b = cell.W_ih.data, cell.W_hh.data, cell.b_ih.data + cell.b_hh.data
    h = c = np.zeros((len(x), U.shape[0]))
    kept, outs = [], []
    for t in range(x.shape[1]):
        a_i, a_f, a_g, a_o = np.split(x[:, t] @ W + h @ U + b, 4, axis=1)
        i, f, g, o = sigmoid(a_i), sigmoid(a_f), np.tanh(a_g), sigmoid(a_o)
        kept.append((h, c, i, f, g, o))
        c = f * c + i * g
        h = o * np.tanh(c)
        outs.append((h, c))
    found = {"W_ih": np.zeros_like(W), "W_hh": np.zeros_like(U), "b_ih": np.zeros_like(b)}
    dh = dc = np.zeros_like(h)
    for t in reversed(range(x.shape[1])):
        before, c_before, i, f, g, o = kept[t]
        squashed = np.tanh(outs[t][1])
        dh = dh + dy[:, t]
        dc = dc + dh * o * (1 - squashed**2)
        da = np.hstack([
            dc * g * i * (1 - i), dc * c_before * f * (1 - f), dc * i * (1 - g**2),
            dh * squashed * o * (1 - o),
        ])  # fmt: skip
        found["W_ih"] += x[:, t].T @ da
        found["W_hh"] += before.T @ da
        found["b_ih"] += da.sum(axis=0)
        dh, dc = da @ U.T, dc * f
    return {"out": np.stack([h for h, _ in outs], axis=1), "b_hh": found["b_ih"], **found}


BY_HAND = {"RNN": rnn_by_hand, "GRU": gru_by_hand, "LSTM": lstm_by_hand}


@pytest.mark.parametrize("kind", LAYERS)
def test_values_and_gradients_are_those_of_the_loops_by_hand(kind: str) -> None:
    layer = made(kind)
    expected = BY_HAND[kind](layer.cells[0], X, WEIGHTS)
    np.testing.assert_allclose(layer(X).data, expected["out"], rtol=0, atol=1e-14)
    (layer(X) * WEIGHTS).sum().backward()
    for name in ("W_ih", "W_hh", "b_ih", "b_hh"):
        found = getattr(layer.cells[0], name).grad
        np.testing.assert_allclose(found, expected[name], rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("kind", LAYERS)
def test_a_layer_is_its_cell_repeated(kind: str) -> None:
    layer = made(kind)
    state = None
    for t in range(X.shape[1]):
        state = layer.cells[0](X[:, t], state)
    out, final = layer(X, return_state=True)
    pairs = zip(state, final, strict=True) if kind == "LSTM" else [(state, final)]
    for a, b in pairs:
        np.testing.assert_allclose(a.data, b.data[0], rtol=0, atol=1e-15)
    np.testing.assert_array_equal(out.data[:, -1], (final[0] if kind == "LSTM" else final).data[0])


@pytest.mark.parametrize(
    ("kind", "options"),
    [("RNN", {}), ("GRU", {}), ("LSTM", {}), ("GRU", {"num_layers": 2, "bidirectional": True})],
)
def test_first_and_second_derivatives(kind: str, options: dict[str, Any]) -> None:
    layer = made(kind, **options)
    f = lambda x: (layer(x, lengths=np.array([3, 2])) ** 2).sum()  # noqa: E731
    assert check_grads(f, X[:, :3], order=2)


def test_second_order_by_the_weights_of_an_lstm() -> None:
    layer = made("LSTM")
    cell = layer.cells[0]
    W = cell.W_hh.data.copy()
    direction = rng.normal(size=W.shape)

    def loss(W: Any) -> Any:
        h = c = np.zeros((2, 4))
        total = 0.0
        for t in range(3):
            gates = X[:, t] @ cell.W_ih.data + cell.b_ih.data + cell.b_hh.data + h @ W
            i, f, o = (nn.sigmoid(gates[:, 4 * k : 4 * k + 4]) for k in (0, 1, 3))
            c = f * c + i * np.tanh(gates[:, 8:12])
            h = o * np.tanh(c)
            total = total + (h**2).sum()
        return total

    moved = made("LSTM")
    for path, parameter in moved.named_parameters():
        parameter.assign(direction if path == "cells.0.W_hh" else np.zeros(parameter.shape))
    (found,) = hvp(lambda m: (m(X[:, :3]) ** 2).sum(), (layer,), (moved,))
    (expected,) = hvp(loss, (W,), (direction,))
    np.testing.assert_allclose(found["cells.0.W_hh"].data, expected, rtol=1e-10, atol=1e-12)


# --- shapes, states, directions ----------------------------------------------------------


@pytest.mark.parametrize("kind", LAYERS)
def test_both_directions_and_layers_are_plain_layers_put_together(kind: str) -> None:
    layer = made(kind, num_layers=2, bidirectional=True)
    x = X
    for number in range(2):
        halves = []
        for cells, turn in ((layer.cells, 1), (layer.reverse_cells, -1)):
            single = LAYERS[kind](x.shape[-1], 4, dtype=np.float64)
            single.cells = [cells[number]]
            halves.append(single(x[:, ::turn]).data[:, ::turn])
        x = np.concatenate(halves, axis=-1)
    np.testing.assert_allclose(layer(X).data, x, rtol=0, atol=1e-15)
    last = made(kind, num_layers=2, bidirectional=True, output="last")
    last.load_state_dict(layer.state_dict())
    np.testing.assert_array_equal(
        last(X).data, np.concatenate([x[:, -1, :4], x[:, 0, 4:]], axis=-1)
    )


@pytest.mark.parametrize("kind", LAYERS)
def test_rows_with_lengths_are_rows_cut_short(kind: str) -> None:
    layer = made(kind, num_layers=2, bidirectional=True).freeze()
    out, final = layer(X, lengths=LENGTHS, return_state=True)
    for row, length in enumerate(LENGTHS):
        alone, end = layer(X[row : row + 1, :length], return_state=True)
        np.testing.assert_allclose(out.data[row, :length], alone.data[0], rtol=0, atol=1e-15)
        assert not out.data[row, length:].any()
        states = zip(final, end, strict=True) if kind == "LSTM" else [(final, end)]
        for a, b in states:
            np.testing.assert_allclose(a.data[:, row], b.data[:, 0], rtol=0, atol=1e-15)
    grads = grad(lambda x: (layer(x, lengths=LENGTHS) ** 2).sum())(X)
    assert not grads[1, 3:].any()


@pytest.mark.parametrize("kind", LAYERS)
def test_a_sequence_in_two_parts(kind: str) -> None:
    layer = made(kind, num_layers=2)
    first, state = layer(X[:, :2], return_state=True)
    second, _ = layer(X[:, 2:], state, return_state=True)
    together = np.concatenate([first.data, second.data], axis=1)
    np.testing.assert_allclose(together, layer(X).data, rtol=0, atol=1e-15)


@pytest.mark.parametrize("kind", LAYERS)
def test_batches_by_vmap(kind: str) -> None:
    layer = made(kind).freeze()
    stack = np.stack([X, X * 0.5, -X])
    f = lambda x: (layer(x) ** 2).sum()  # noqa: E731
    for function in (f, grad(f)):
        rows = [np.asarray(function(x)) for x in stack]
        np.testing.assert_allclose(np.asarray(vmap(function)(stack)), rows, rtol=1e-12, atol=1e-15)


# --- the graph, truncation, states between batches ---------------------------------------


def test_the_graph_does_not_grow_with_the_steps() -> None:
    layer = made("LSTM", num_layers=2)

    def loss(model: Any, x: Any) -> Any:
        return (model(x) ** 2).sum()

    sizes = [
        len(trace(loss, layer, np.zeros((2, steps, 3))).gradients().eqns) for steps in (3, 300)
    ]
    assert sizes[0] == sizes[1] < 80


@pytest.mark.parametrize("reverse", [False, True])
def test_truncated_gradients_reach_back_so_many_steps(reverse: bool) -> None:
    layer = made("RNN", truncate=2, bidirectional=reverse).freeze()
    whole = made("RNN", bidirectional=reverse)
    np.testing.assert_array_equal(layer(X).data, whole(X).data)
    half = slice(4, 8) if reverse else slice(0, 4)
    for t in range(5):
        loss = lambda x, t=t: layer(x)[:, t, half].sum()  # noqa: E731
        by_step = np.abs(grad(loss)(X)).sum(axis=(0, 2))
        read = 4 - t if reverse else t  # how many steps were read before this one
        start = 2 * (read // 2)
        expected = [start <= (4 - s if reverse else s) <= read for s in range(5)]
        np.testing.assert_array_equal(by_step > 0, expected)


def test_states_go_on_from_batch_to_batch() -> None:
    layer = made("LSTM", stateful=2, num_layers=2)
    whole = made("LSTM", num_layers=2)
    parts = [layer(X[:, :2]).data, layer(X[:, 2:]).data]
    np.testing.assert_allclose(np.concatenate(parts, axis=1), whole(X).data, rtol=0, atol=1e-15)
    layer.reset()
    np.testing.assert_array_equal(layer(X[:, :2]).data, parts[0])
    layer.eval()
    np.testing.assert_array_equal(layer(X[:, :2]).data, parts[0])
    assert [path for path, _ in layer.named_states()] == ["h", "c"]
    layer.train()
    with pytest.raises(ShapeError, match="lstm: keeps the states of 2 rows, got 1"):
        layer(X[:1])


def test_kept_states_keep_their_dtype() -> None:
    layer = nn.LSTM(3, 4, stateful=2, rng=0)
    layer(X.astype(np.float64))
    assert layer.h.dtype == layer.c.dtype == np.float32


@pytest.mark.parametrize("backend", ["numpy", "native"])
def test_states_go_on_in_a_compiled_step(backend: str) -> None:
    model = nn.Sequential(made("GRU", stateful=2), nn.Linear(4, 1, rng=0, dtype=np.float64))
    loss = lambda m, x: (m(x) ** 2).mean()  # noqa: E731
    step = gg.train_step(loss, model, gg.optim.SGD(model, lr=0.0), backend=backend)
    step(X[:, :2])
    plain = made("GRU")
    _, state = plain(X[:, :2], return_state=True)
    np.testing.assert_allclose(model[0].h.data, state.data, rtol=0, atol=1e-14)
    step(X[:, 2:4])
    _, state = plain(X[:, :4], return_state=True)
    np.testing.assert_allclose(model[0].h.data, state.data, rtol=0, atol=1e-14)


@pytest.mark.parametrize(
    ("kind", "options"),
    [("LSTM", {"bidirectional": True}), ("GRU", {"num_layers": 2, "truncate": 2})],
)
def test_compiled_with_lengths_and_cuts(kind: str, options: dict[str, Any]) -> None:
    """Native steps of the loss and of all gradients are those of NumPy."""
    layer = made(kind, **options)

    def loss(model: Any, x: Any, lengths: Any) -> Any:
        return (model(x, lengths=lengths) ** 2).sum()

    arrays = layer.state_dict()
    for backend in ("numpy", "native"):
        again = made(kind, **options)
        optimizer = gg.optim.SGD(again, lr=0.1)
        step = gg.train_step(loss, again, optimizer, backend=backend)
        found = [step(X, LENGTHS) for _ in range(3)]
        arrays[backend] = np.concatenate([found, *map(np.ravel, again.state_dict().values())])
    np.testing.assert_allclose(arrays["numpy"], arrays["native"], rtol=1e-12, atol=1e-13)


def test_gradients_by_the_state_of_each_step() -> None:
    model = nn.Sequential(made("RNN"), nn.Linear(4, 1, rng=0, dtype=np.float64))
    found = nn.step_gradients(model, lambda m, x: m(x).sum(), X)
    cell, W = model[0].cells[0], model[1].W.data
    out = model[0](X).data
    expected = np.zeros((5, 2, 4))
    dh = np.zeros((2, 4))
    for t in reversed(range(5)):
        expected[t] = dh + W[:, 0]
        dh = (expected[t] * (1 - out[:, t] ** 2)) @ cell.W_hh.data.T
    np.testing.assert_allclose(found["layers.0"][0], expected, rtol=1e-12)
    both = made("LSTM", bidirectional=True, num_layers=2)
    assert nn.step_gradients(both, lambda m, x: m(x).sum(), X)[""].shape == (4, 5, 2, 4)
    with pytest.raises(OptionError, match="no recurrent layer"):
        nn.step_gradients(nn.Linear(3, 1), lambda m, x: m(x).sum(), X)


# --- training, saving --------------------------------------------------------------------


@pytest.mark.parametrize("backend", ["numpy", "native"])
@pytest.mark.parametrize("kind", LAYERS)
def test_fit_learns_and_a_saved_network_is_the_same(
    kind: str, backend: str, tmp_path: Path
) -> None:
    X = np.random.default_rng(0).normal(size=(64, 6, 3)).astype(np.float32)
    y = (X[:, :, 0].sum(axis=1) > 0).astype(np.int64)
    layer = LAYERS[kind](3, 6, output="last", rng=0)
    model = nn.Sequential(layer, nn.Linear(6, 2, rng=1))
    history = gg.fit(
        model, (X, y), loss="cross_entropy", optimizer="adam", lr=0.03, epochs=12, batch_size=16,
        backend=backend,
    )  # fmt: skip
    losses = [row["loss"] for row in history.rows]
    assert history.backend == backend
    assert losses[-1] < 0.7 * losses[0]
    gg.save(model, tmp_path / "model.safetensors")
    again = gg.load(tmp_path / "model.safetensors")
    np.testing.assert_array_equal(again.predict(X), model.predict(X))


@pytest.mark.parametrize("kind", LAYERS)
def test_descriptions(kind: str) -> None:
    options = {"num_layers": 2, "bidirectional": True, "dropout": 0.1, "truncate": 3}
    extra = {"RNN": {"activation": "relu"}, "LSTM": {"forget_bias": 1.0}, "GRU": {}}[kind]
    layer = made(kind, output="last", **options, **extra)
    again: Any = build(describe(layer))
    assert again.config() == layer.config()
    assert {p: a.shape for p, a in again.state_dict().items()} == {
        p: a.shape for p, a in layer.state_dict().items()
    }
    cell = layer.cells[0]
    assert build(describe(cell)).config() == cell.config()
    assert build(describe(made(kind, stateful=2))).state_dict().keys() >= {"h"}
    assert repr(made(kind)).startswith(f"{kind}(3, 4")


def test_a_description_cannot_ask_for_more_than_a_file_holds() -> None:
    huge = {"class": "LSTM", "config": {"inputs": 1, "hidden": 10**9}}
    with pytest.raises(ValueError, match="more weights"):
        build(huge, limit=1000)


def test_starting_weights() -> None:
    layer = nn.LSTM(3, 16, forget_bias=1.0, bias_init="zeros", recurrent_init="orthogonal")
    cell = layer.cells[0]
    np.testing.assert_array_equal(cell.b_ih.data, np.repeat([0, 1, 0, 0], 16))
    for block in np.split(cell.W_hh.data, 4, axis=1):
        np.testing.assert_allclose(block @ block.T, np.eye(16), atol=1e-6)
    assert np.abs(cell.W_ih.data).max() <= 0.25
    assert nn.GRU(3, 4, bias=False).cells[0].b_hh is None


# --- what is refused ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("x", "problem", "hint"),
    [
        (np.zeros((2, 3), np.int64), "takes sequences of 3 axes, got 2", "nn.Embedding"),
        (np.zeros((5, 3)), "takes sequences of 3 axes", "`x[None]`"),
        (np.zeros((2, 3, 5)), "takes 3 features, got 5", "`x.swapaxes(1, 2)`"),
        (np.zeros((2, 4, 5)), "takes 3 features, got 5", ""),
        (np.zeros((2, 0, 3)), "a sequence has at least one step", ""),
    ],
)
def test_sequences_that_do_not_fit(x: np.ndarray, problem: str, hint: str) -> None:
    model = nn.Sequential(nn.Identity(), made("GRU"))
    with pytest.raises(ShapeError) as caught:
        model(x)
    assert str(caught.value).startswith(f"sequential.layers.1: {problem}")
    assert hint in caught.value.hint
    assert caught.value.rule == "x (batch, time, features)"


def test_one_number_a_step() -> None:
    with pytest.raises(ShapeError) as caught:
        nn.RNN(1, 2)(np.zeros((4, 7)))
    assert caught.value.hint == "one number a step: `x[:, :, None]`"


def test_states_and_lengths_that_do_not_fit() -> None:
    layer = made("LSTM")
    with pytest.raises(ShapeError, match="a state of 1 arrays where 2 are kept"):
        layer(X, np.zeros((1, 2, 4)))
    with pytest.raises(ShapeError, match=r"the state c has shape \(2, 4\), wanted is \(1, 2, 4\)"):
        layer(X, (np.zeros((1, 2, 4)), np.zeros((2, 4))))
    with pytest.raises(ShapeError, match=r"the state h has shape \(3, 4\), wanted is \(2, 4\)"):
        layer.cells[0](X[:, 0], (np.zeros((3, 4)), np.zeros((2, 4))))
    with pytest.raises(DtypeError, match="lengths must be integers, not float64"):
        layer(X, lengths=np.array([1.0, 2.0]))
    with pytest.raises(ShapeError, match=r"lengths of shape \(3,\) for 2 sequences"):
        layer(X, lengths=np.array([1, 2, 3]))
    with pytest.raises(DataError, match="a length of 6 in sequences of 5 steps"):
        layer(X, lengths=np.array([6, 2]))


def test_options_that_are_not_offered() -> None:
    for name, value in (("output", "first"), ("dropout", 1.5), ("truncate", 0), ("stateful", -1)):
        with pytest.raises(OptionError):
            nn.LSTM(3, 4, **{name: value})  # type: ignore[arg-type]
    with pytest.raises(OptionError, match="no state for the next batch"):
        nn.LSTM(3, 4, bidirectional=True, stateful=2)
    with pytest.raises(OptionError, match="bidirectional"):
        nn.LSTM(3, 4, bidirectonal=True)  # type: ignore[call-arg]
    with pytest.raises(OptionError):
        nn.RNN(3, 4, activation="sin")
    with pytest.raises(OptionError):
        nn.LSTMCell(3, 4, forget_bias=float("nan"))
    with pytest.raises(ShapeError, match="rnncell: takes 3 features, got 2"):
        nn.RNNCell(3, 4)(np.zeros((1, 2)))
