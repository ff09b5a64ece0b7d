"""Layers and containers: what they compute, how they are named, what they refuse."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from glassgrad import nn
from glassgrad.autodiff.api import grad
from glassgrad.errors import DataError, DtypeError, OptionError, ShapeError
from glassgrad.graph.trace import trace
from glassgrad.primitives.random import random_key
from glassgrad.tensor import parameter, tensor
from glassgrad.text import speaking


class Net(nn.Module):
    """Two layers, written as a user writes them."""

    def __init__(self) -> None:
        self.fc1 = nn.Linear(4, 3, rng=0)
        self.fc2 = nn.Linear(3, 2, rng=1)

    def forward(self, x: Any) -> Any:
        return self.fc2(nn.relu(self.fc1(x)))


X = np.random.default_rng(0).normal(size=(5, 4)).astype(np.float32)

# --- Linear ------------------------------------------------------------------------------


def test_linear_computes_x_w_plus_b() -> None:
    layer = nn.Linear(4, 3, rng=0)
    layer.b.assign(np.array([1.0, 2.0, 3.0]))
    np.testing.assert_array_equal(layer(X).data, X @ layer.W.data + layer.b.data)
    np.testing.assert_array_equal(layer(X[0]).data, (X[:1] @ layer.W.data + layer.b.data)[0])
    assert layer(np.ones((2, 5, 4), np.float32)).shape == (2, 5, 3)
    assert layer(np.ones((2, 4), np.int64)).dtype == np.float32
    assert [path for path, _ in layer.named_parameters()] == ["W", "b"]


def test_linear_without_bias() -> None:
    layer = nn.Linear(4, 3, bias=False, rng=0)
    assert layer.b is None
    assert layer.bias is None
    assert list(layer.state_dict()) == ["W"]
    assert repr(layer) == "Linear(4, 3, bias=False)"


def test_weight_and_bias_are_other_names() -> None:
    layer = nn.Linear(4, 3)
    assert layer.weight is layer.W
    assert layer.bias is layer.b
    shared = parameter(np.zeros((4, 3)))
    layer.weight = shared
    assert layer.W is shared
    layer.weight -= 1.0
    assert (layer.W.data == -1).all()
    assert [path for path, _ in layer.named_parameters()] == ["W", "b"]


@pytest.mark.parametrize("value", [np.asarray, tensor], ids=["array", "tensor"])
def test_wrong_features_name_the_layer(value: Any) -> None:
    with pytest.raises(ShapeError) as caught:
        Net()(value(np.ones((5, 3), np.float32)))
    lines = str(caught.value).splitlines()
    assert lines[0] == "net.fc1: takes 4 features, got 3"
    assert lines[1].split()[:4] == ["x", "(5,", "3)", "float32"]
    assert lines[2].split()[:5] == ["W", "(4,", "3)", "float32", "fc1.W"]
    assert lines[3] == "  rule x (..., in) @ W (in, out) -> (..., out)"


def test_wrong_features_in_korean() -> None:
    with speaking("ko"), pytest.raises(ShapeError) as caught:
        nn.Linear(4, 3)(np.ones((5, 3)))
    assert "linear: 특성 4개를 받는 계층에 3개가 들어왔습니다" in str(caught.value)


@pytest.mark.parametrize(
    ("inputs", "shape", "hint"),
    [
        (4, (2, 2, 2), "nn.Flatten()"),
        (4, (4, 7), "transposed"),
        (1, (7,), "x[:, None]"),
    ],
)
def test_hints(inputs: int, shape: tuple[int, ...], hint: str) -> None:
    with pytest.raises(ShapeError) as caught:
        nn.Linear(inputs, 3)(np.ones(shape))
    assert hint in caught.value.hint


@pytest.mark.parametrize("sizes", [(0, 3), (4, -1), (4.0, 3), (True, 3), ("4", 3)])
def test_sizes_are_positive_integers(sizes: Any) -> None:
    with pytest.raises(OptionError, match="must be"):
        nn.Linear(*sizes)


# --- Embedding ---------------------------------------------------------------------------


def test_embedding_reads_rows_and_adds_gradients() -> None:
    layer = nn.Embedding(5, 3, rng=0)
    ids = np.array([[0, 4], [4, 4]])
    np.testing.assert_array_equal(layer(ids).data, layer.W.data[ids])
    gradient = grad(lambda m: m(ids).sum())(layer)["W"]
    np.testing.assert_array_equal(gradient[:, 0], [1, 0, 0, 0, 3])


def test_gradient_of_an_embedding_is_scattered() -> None:
    layer = nn.Embedding(50, 3, rng=0)
    ids = np.array([[0, 4], [4, 4]])
    graph = trace(lambda m: (m(ids) ** 2).sum(), layer).gradients()
    names = [eqn.primitive.name for eqn in graph.eqns]
    assert "add_at" in names
    assert "matmul" not in names
    assert all(np.prod(out.shape) <= 50 * 3 for eqn in graph.eqns for out in eqn.outputs)


def test_embedding_refuses() -> None:
    layer = nn.Embedding(5, 3)
    with pytest.raises(DataError, match="embedding: id 5 is outside the 5 rows"):
        layer(np.array([1, 5]))
    with pytest.raises(DataError, match="id -1"):
        layer(np.array([1, -1]))
    with pytest.raises(DtypeError, match="indices must be integers"):
        layer(np.array([1.0]))


# --- containers --------------------------------------------------------------------------


def test_sequential() -> None:
    model = nn.Sequential(nn.Linear(4, 3, rng=0), nn.ReLU(), nn.Linear(3, 2, rng=1))
    assert len(model) == 3
    assert list(model)[1] is model[1]
    assert model[-1] is model.layers[2]
    assert model[:2] == model.layers[:2]
    assert [p for p, _ in model.named_parameters()] == [
        "layers.0.W", "layers.0.b", "layers.2.W", "layers.2.b",
    ]  # fmt: skip
    hidden = np.maximum(X @ model[0].W.data + model[0].b.data, 0)
    np.testing.assert_array_equal(model(X).data, hidden @ model[2].W.data + model[2].b.data)


def test_regions_follow_the_layers() -> None:
    model = nn.Sequential(nn.Linear(4, 3, rng=0), nn.GELU())
    graph = trace(model.forward, X)
    assert {eqn.region for eqn in graph.eqns} == {("layers.0",), ("layers.1", "gelu")}


@pytest.mark.parametrize(
    ("layer", "hint"),
    [(nn.relu, "nn.ReLU() for nn.relu"), (nn.ReLU, "write `ReLU()`"), (3, "module twins")],
)
def test_only_modules_are_contained(layer: Any, hint: str) -> None:
    with pytest.raises(DtypeError) as caught:
        nn.Sequential(nn.Linear(2, 2), layer)
    assert "layer 1 is" in str(caught.value)
    assert hint in caught.value.hint


def test_mlp() -> None:
    model = nn.MLP((4, 8, 6, 2), "tanh", biases=False, dropout=0.2, output_activation="softmax")
    kinds = [type(layer).__name__ for layer in model]
    assert kinds == [
        "Linear", "Tanh", "Dropout", "Linear", "Tanh", "Dropout", "Linear", "Softmax",
    ]  # fmt: skip
    assert list(model.state_dict()) == ["layers.0.W", "layers.3.W", "layers.6.W"]
    np.testing.assert_allclose(model.eval()(X).data.sum(-1), 1, rtol=1e-6)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (((4,),), "1 sizes do not make a layer"),
        (((4, 0),), "must be at least 1"),
        (((4, 3, 2), "rellu"), "did you mean `relu`"),
        (((4, 3, 2), "relu", 0.5), "dropout"),
    ],
)
def test_mlp_refuses(arguments: Any, words: str) -> None:
    with pytest.raises((OptionError, TypeError)) as caught:
        if words == "dropout":
            nn.MLP(*arguments[:2], dropout=1.0)
        nn.MLP(*arguments)
    assert words in str(caught.value)


def test_dropout_only_in_training() -> None:
    model = nn.Sequential(nn.Linear(4, 50, rng=0), nn.Dropout(0.5))
    with random_key(0):
        dropped = model(X).data
    assert 0.3 < (dropped == 0).mean() < 0.7
    assert (model.eval()(X).data != 0).all()
    np.testing.assert_allclose(dropped[dropped != 0], 2 * model(X).data[dropped != 0], rtol=1e-6)


def test_residual() -> None:
    block = nn.Residual(nn.Linear(4, 4, rng=0))
    np.testing.assert_array_equal(block(X).data, X + block.body(X).data)
    wide = nn.Residual(nn.Linear(4, 6, rng=0), nn.Linear(4, 6, rng=1))
    assert wide(X).shape == (5, 6)
    with pytest.raises(ShapeError, match=r"residual: shapes \(5, 4\) and \(5, 6\) differ"):
        nn.Residual(nn.Linear(4, 6))(X)


def test_unflatten_undoes_flatten() -> None:
    x = np.arange(24.0).reshape(2, 3, 2, 2)
    np.testing.assert_array_equal(nn.Unflatten((3, 2, 2))(nn.Flatten()(x)), x)
    with pytest.raises(ShapeError, match="unflatten: takes 12 features, got 11"):
        nn.Unflatten((3, 2, 2))(np.ones((2, 11)))


def test_flatten() -> None:
    images = np.zeros((0, 2, 3))
    assert nn.Flatten()(images).shape == (0, 6)
    assert nn.Flatten(0)(np.zeros((2, 3))).shape == (6,)


@pytest.mark.parametrize("name", nn.ACTIVATION_LAYERS)
def test_activation_layers_are_their_functions(name: str) -> None:
    layer = nn.ACTIVATION_LAYERS[name]()
    np.testing.assert_array_equal(layer(X), nn.ACTIVATIONS[name](X))
    assert set(nn.ACTIVATION_LAYERS) == set(nn.ACTIVATIONS)


@pytest.mark.parametrize("name", nn.LOSSES)
def test_loss_layers_are_their_functions(name: str) -> None:
    target = np.zeros(5, int) if name in nn.losses.LABEL_LOSSES else np.ones((5, 4))
    pred = np.full((5, 4), 0.25)
    layer = nn.LOSS_LAYERS[name](reduction="sum")
    assert layer(pred, target) == nn.LOSSES[name](pred, target, reduction="sum")
    assert set(nn.LOSS_LAYERS) == set(nn.LOSSES) | set(nn.FURTHER_LOSSES)
    with pytest.raises(OptionError, match="did you mean `reduction`"):
        nn.LOSS_LAYERS[name](reducton="sum")
