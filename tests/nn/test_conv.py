"""Layers that convolve and pool: their numbers, training on both back ends, files, messages."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import glassgrad as gg
from glassgrad import nn
from glassgrad.backends.native import engine
from glassgrad.errors import OptionError, ShapeError
from glassgrad.nn.init import deviation
from glassgrad.tensor import tensor
from glassgrad.text import speaking

RNG = np.random.default_rng(11)


def _x(*shape: int, dtype: Any = np.float32) -> np.ndarray:
    return RNG.standard_normal(shape).astype(dtype)


def network() -> nn.Sequential:
    """Each kind of layer for images once."""
    with nn.init.seeded(5):
        return nn.Sequential(
            nn.Conv2d(1, 4, 3, padding="same"),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Conv2d(4, 6, 3, padding=1, groups=2, padding_mode="reflect"),
            nn.Tanh(),
            nn.AvgPool2d(2),
            nn.ConvTranspose2d(6, 4, 2, stride=2),
            nn.Upsample(2, mode="bilinear"),
            nn.AdaptiveAvgPool(3),
            nn.Flatten(),
            nn.Linear(36, 3),
        )


def bars(n: int = 48) -> tuple[np.ndarray, np.ndarray]:
    """Images with a bright upper half, left half, or neither."""
    y = np.arange(n) % 3
    X = 0.3 * np.random.default_rng(2).standard_normal((n, 1, 8, 8)).astype(np.float32)
    X[y == 1, :, :4] += 1
    X[y == 2, :, :, :4] += 1
    return X, y


# --- numbers -----------------------------------------------------------------------------


def test_conv_is_the_function_and_a_bias() -> None:
    layer = nn.Conv2d(4, 6, (3, 2), stride=2, padding=1, groups=2, rng=0)
    layer.b.assign(_x(6))
    x = _x(2, 4, 7, 7)
    expected = nn.convolution(x, layer.W.data, 2, 1, 1, 2) + layer.b.data.reshape(6, 1, 1)
    np.testing.assert_array_equal(layer(x).data, expected)
    assert layer.W.shape == (6, 2, 3, 2)
    assert layer.weight is layer.W
    assert layer.bias is layer.b
    assert [path for path, _ in layer.named_parameters()] == ["W", "b"]
    assert layer(np.ones((1, 4, 5, 5), np.uint8)).dtype == np.float32


@pytest.mark.parametrize("mode", ["reflect", "replicate", "circular"])
def test_padding_modes_repeat_elements(mode: str) -> None:
    layer = nn.Conv1d(1, 1, 3, padding=1, padding_mode=mode, bias=False, rng=0)
    x = np.arange(4.0, dtype=np.float32).reshape(1, 1, 4)
    numpy_mode = {"replicate": "edge", "circular": "wrap"}.get(mode, mode)
    wide = np.pad(x, ((0, 0), (0, 0), (1, 1)), numpy_mode)  # type: ignore[call-overload]
    np.testing.assert_array_equal(layer(x).data, nn.convolution(wide, layer.W.data))


def test_transposed_conv_is_the_transpose() -> None:
    up = nn.ConvTranspose2d(
        6, 4, 3, stride=2, padding=1, groups=2, output_padding=1, bias=False, rng=0
    )
    y, x = _x(1, 6, 3, 3, dtype=np.float64), _x(1, 4, 6, 6, dtype=np.float64)
    w = up.W.data.astype(np.float64)
    assert w.shape == (6, 2, 3, 3)
    down = nn.convolution(x, w, stride=2, padding=1, groups=2)
    np.testing.assert_allclose((up(y).data * x).sum(), (down * y).sum(), rtol=1e-6)


@pytest.mark.parametrize("rank", [1, 2, 3])
def test_one_to_three_axes(rank: int) -> None:
    conv = getattr(nn, f"Conv{rank}d")(2, 3, 3, padding=1, rng=0)
    up = getattr(nn, f"ConvTranspose{rank}d")(3, 2, 2, stride=2, rng=0)
    pools = [getattr(nn, f"{kind}Pool{rank}d")(2) for kind in ("Max", "Avg")]
    x = _x(2, 2, *(4,) * rank)
    hidden = conv(x)
    assert hidden.shape == (2, 3, *(4,) * rank)
    for pool in pools:
        assert pool(hidden).shape == (2, 3, *(2,) * rank)
        assert up(pool(hidden)).shape == x.shape
    assert nn.GlobalAvgPool()(hidden).shape == nn.GlobalMaxPool()(hidden).shape == (2, 3)


def test_gradients_of_a_layer() -> None:
    model = nn.Sequential(nn.Conv2d(1, 2, 2, stride=2, padding=1), nn.Tanh(), nn.MaxPool2d(2))
    assert gg.check_grads(lambda model, x: np.sum(model(x) ** 2), model, _x(1, 1, 4, 4))


@pytest.mark.full
def test_gradients_of_a_network_of_all_layers() -> None:
    model = network()
    x = _x(1, 1, 8, 8, dtype=np.float64)
    paths = [path for path, _ in model.named_parameters()]
    arrays = {path: 0.5 * _x(*p.shape, dtype=np.float64) for path, p in model.named_parameters()}
    model.load_state_dict(arrays)
    assert len(paths) == 8
    assert gg.check_grads(lambda model, x: np.sum(model(x) ** 2), model, x)


# --- starting weights --------------------------------------------------------------------


def test_starting_weights_suit_the_activation_behind_pools() -> None:
    with nn.init.seeded(0):
        model = nn.Sequential(nn.Conv2d(8, 64, 5), nn.MaxPool2d(2), nn.Dropout(0.1), nn.Tanh())
    wanted = deviation("xavier", (64, 8, 5, 5))
    np.testing.assert_allclose(model[0].W.data.std(), wanted, rtol=0.05)
    with nn.init.seeded(0):
        relu = nn.Sequential(nn.Conv2d(8, 64, 5), nn.AvgPool2d(2), nn.ReLU())
    np.testing.assert_allclose(relu[0].W.data.std(), deviation("he", (64, 8, 5, 5)), rtol=0.05)


def test_a_transpose_is_fed_by_its_inputs() -> None:
    layer = nn.ConvTranspose2d(64, 8, 3, rng=0)
    np.testing.assert_allclose(layer.W.data.std(), np.sqrt(2 / (64 * 9)), rtol=0.05)


# --- training, files ---------------------------------------------------------------------


@pytest.mark.parametrize("backend", ["numpy", "native"])
def test_training_and_files(backend: str, tmp_path: Path) -> None:
    if backend == "native" and engine.problem() is not None:
        pytest.skip(str(engine.problem()))
    model, (X, y) = network(), bars()
    history = gg.fit(
        model, (X, y), loss="cross_entropy", optimizer="adam", lr=0.01, epochs=10, batch_size=8,
        seed=1, progress=False, backend=backend,
    )  # fmt: skip
    losses = history["loss"]
    assert losses[-1] < 0.4 * losses[0]
    gg.save(model, tmp_path / "bars.safetensors")
    loaded = gg.load(tmp_path / "bars.safetensors")
    assert repr(loaded) == repr(model)
    np.testing.assert_array_equal(loaded.predict(X), model.predict(X))


def test_both_back_ends_train_alike() -> None:
    if engine.problem() is not None:
        pytest.skip(str(engine.problem()))
    found = []
    for backend in ("numpy", "native"):
        model, data = network(), bars()
        gg.fit(
            model, data, loss="cross_entropy", optimizer="sgd", lr=0.05, epochs=1, batch_size=16,
            seed=1, progress=False, backend=backend, shuffle=False,
        )  # fmt: skip
        found.append(model.state_dict())
    for path, array in found[0].items():
        np.testing.assert_allclose(found[1][path], array, rtol=1e-4, atol=1e-6, err_msg=path)


# --- what is refused ---------------------------------------------------------------------


@pytest.mark.parametrize("value", [np.asarray, tensor], ids=["array", "tensor"])
def test_channels_last_is_recognised(value: Any) -> None:
    model = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU())
    with pytest.raises(ShapeError) as caught:
        model(value(np.ones((2, 8, 8, 3), np.float32)))
    lines = str(caught.value).splitlines()
    assert lines[0] == "sequential.layers.0: takes 3 channels along axis 1, got 8"
    assert lines[1].split()[:6] == ["x", "(2,", "8,", "8,", "3)", "float32"]
    assert lines[2].split()[:6] == ["W", "(4,", "3,", "3,", "3)", "float32"]
    assert lines[3] == "  rule x (n, 3, h, w) -> (n, 4, h, w)"
    assert lines[-1].endswith("x.transpose(0, 3, 1, 2), or np.moveaxis(x, -1, 1)")


@pytest.mark.parametrize(
    ("layer", "shape", "hint"),
    [
        (nn.Conv2d(1, 2, 3), (5, 784), "x.reshape(-1, 1, 28, 28)"),
        (nn.Conv2d(3, 2, 3), (5, 3072), "x.reshape(-1, 3, 32, 32)"),
        (nn.Conv2d(1, 2, 3), (5, 28, 28), "x[:, None]"),
        (nn.Conv2d(3, 2, 3), (3, 28, 28), "x[None]"),
        (nn.Conv1d(2, 2, 3), (4, 9, 2), "x.transpose(0, 2, 1)"),
        (nn.Conv3d(1, 2, 3), (4, 5, 5, 5), "x[:, None]"),
        (nn.MaxPool2d(2), (3, 8, 8), "x[None]"),
        (nn.Conv2d(3, 2, 3), (3, 4, 8, 8), ""),
    ],
)
def test_hints(layer: nn.Module, shape: tuple[int, ...], hint: str) -> None:
    with pytest.raises(ShapeError) as caught:
        layer(np.ones(shape, np.float32))
    assert hint in caught.value.hint
    assert bool(hint) == bool(caught.value.hint)


def test_the_layer_that_runs_out_of_places_is_named() -> None:
    model = nn.Sequential(nn.MaxPool2d(2), nn.Conv2d(1, 2, 5), nn.AvgPool2d(3))
    with pytest.raises(ShapeError, match=r"^sequential.layers.1: a window of 5 places") as caught:
        model(np.ones((1, 1, 8, 8), np.float32))
    assert [operand.label for operand in caught.value.operands] == ["x", "W"]
    with pytest.raises(ShapeError, match=r"^sequential.layers.2: a window of 3 places"):
        model(np.ones((1, 1, 12, 12), np.float32))
    with pytest.raises(ShapeError, match=r"^convtranspose1d: padding leaves nothing"):
        nn.ConvTranspose1d(1, 1, 3, padding=2)(np.ones((1, 1, 1), np.float32))


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: nn.Conv2d(4, 6, 3, groups=4), "Conv2d: 4 groups for 4 inputs and 6 outputs"),
        (lambda: nn.Conv2d(4, 6, (3, 3, 3)), r"Conv2d: size \(3, 3, 3\) for 2 spatial axes"),
        (lambda: nn.Conv2d(4, 6, 0), "Conv2d: size 0"),
        (lambda: nn.Conv2d(0, 6, 3), "inputs must be at least 1"),
        (lambda: nn.Conv2d(4, 6, 3, padding="full"), "Conv2d: padding 'full'"),
        (lambda: nn.Conv2d(4, 6, 3, 2, "same"), r"Conv2d: padding 'same' with stride \(2, 2\)"),
        (lambda: nn.Conv2d(4, 6, 3, padding_mode="mirror"), "mirror"),
        (lambda: nn.ConvTranspose2d(4, 6, 3, output_padding=1), "ConvTranspose2d: output_padding"),
        (lambda: nn.MaxPool2d(0), "MaxPool2d: size 0"),
    ],
)
def test_options_are_refused_at_once(make: Any, words: str) -> None:
    with pytest.raises(OptionError, match=words):
        make()


def test_messages_in_korean() -> None:
    with speaking("ko"), pytest.raises(ShapeError) as caught:
        nn.Conv2d(3, 4, 3)(np.ones((2, 8, 8, 3), np.float32))
    assert "채널 3개를 받아야 하지만 8개를" in str(caught.value)
    assert "채널이 맨 뒤에" in str(caught.value)


def test_a_residual_block_names_the_shortcut_that_fits() -> None:
    block = nn.Residual(nn.Conv2d(2, 4, 3, padding=1))
    with pytest.raises(ShapeError) as caught:
        block(np.ones((1, 2, 5, 5), np.float32))
    assert "nn.Residual(body, nn.Conv2d(in, out, 1))" in caught.value.hint


# --- shown -------------------------------------------------------------------------------


def test_layers_are_regions_of_the_graph() -> None:
    model = network()
    graph = gg.trace(model, _x(2, 1, 8, 8))
    regions = {eqn.region[:2] for eqn in graph.eqns if eqn.primitive.name == "convolution"}
    assert regions == {("sequential", "layers.0"), ("sequential", "layers.3")}
    text = gg.source(model, _x(2, 1, 8, 8))
    assert "def convolution(" in text
    assert "max_pool(" in text


def test_options_are_printed_where_they_are_not_the_usual() -> None:
    assert repr(nn.Conv2d(3, 8, 3)) == "Conv2d(3, 8, 3)"
    layer = nn.Conv2d(4, 8, (3, 2), 2, ((1, 2), (0, 0)), 2, 2, bias=False)
    assert repr(layer) == (
        "Conv2d(4, 8, (3, 2), stride=2, padding=((1, 2), (0, 0)), dilation=2, groups=2, bias=False)"
    )
    assert repr(nn.MaxPool2d(3, stride=2, padding=1)) == "MaxPool2d(3, stride=2, padding=1)"


def test_source_as_layers_has_the_books_names() -> None:
    model = nn.Sequential(nn.Conv2d(1, 2, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten())
    model = nn.Sequential(*model, nn.Linear(8, 3))
    text = gg.source(model, _x(2, 1, 6, 6), np.array([0, 2]), loss="cross_entropy", style="layers")
    for words in ("class Convolution:", "class Pooling:", "self.dW = convolution_weight("):
        assert words in text
