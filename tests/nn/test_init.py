"""Starting weights: distributions, reproducibility, and the rule of "auto"."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest

from glassgrad.config import config
from glassgrad.errors import InitializerWarning, OptionError, ShapeError
from glassgrad.nn import ACTIVATIONS, MLP, Linear, ReLU, Sequential, Sigmoid, Tanh, init

SHAPE = (400, 300)


@pytest.mark.parametrize(
    ("spec", "std"),
    [
        ("he", np.sqrt(2 / 400)),
        ("he_uniform", np.sqrt(2 / 400)),
        ("xavier_normal", np.sqrt(2 / 700)),
        ("xavier_uniform", np.sqrt(2 / 700)),
        ("lecun_normal", np.sqrt(1 / 400)),
        ("lecun_uniform", np.sqrt(1 / 400)),
        ("normal", 0.01),
        ({"name": "uniform", "low": -1, "high": 1}, np.sqrt(1 / 3)),
        ({"name": "truncated_normal", "std": 0.5}, 0.5 * 0.8796256610342398),
        (init.orthogonal(2.0), 2 / np.sqrt(400)),
    ],
)
def test_spread(spec: Any, std: float) -> None:
    drawn = init.resolve(spec)(SHAPE, rng=0, dtype=np.float64)
    assert drawn.shape == SHAPE
    assert abs(drawn.mean()) < 5 * std / np.sqrt(drawn.size)
    assert drawn.std() == pytest.approx(std, rel=0.01)


def test_bounds() -> None:
    assert np.abs(init.truncated_normal(0.1, bound=2)((50, 50), rng=0)).max() <= np.float32(0.2)
    limit = np.sqrt(6 / 700)
    drawn = init.resolve("xavier_uniform")(SHAPE, rng=0, dtype=np.float64)
    assert 0.99 * limit < np.abs(drawn).max() <= limit


@pytest.mark.parametrize("shape", [(5, 3), (3, 5), (4, 2, 3)])
def test_orthogonal(shape: tuple[int, ...]) -> None:
    q = init.orthogonal()(shape, rng=1, dtype=np.float64).reshape(shape[0], -1)
    inner = q @ q.T if q.shape[0] <= q.shape[1] else q.T @ q
    np.testing.assert_allclose(inner, np.eye(len(inner)), atol=1e-14)
    with pytest.raises(ShapeError, match="needs two axes"):
        init.orthogonal()((3,))


def test_constants() -> None:
    np.testing.assert_array_equal(init.constant(3)((2,)), [3, 3])
    np.testing.assert_array_equal(init.ones()((2,)) + init.zeros()((2,)), [1, 1])


# --- streams -----------------------------------------------------------------------------


def test_seeds_repeat() -> None:
    first = Linear(4, 3, rng=7).W.data
    np.testing.assert_array_equal(first, Linear(4, 3, rng=np.random.default_rng(7)).W.data)
    with init.seeded(7):
        one, two = Linear(4, 3), Linear(4, 3)
    np.testing.assert_array_equal(first, one.W.data)
    assert (one.W.data != two.W.data).all()


def test_both_precisions_start_alike() -> None:
    double = Linear(4, 3, rng=7, dtype=np.float64)
    np.testing.assert_array_equal(double.W.data.astype(np.float32), Linear(4, 3, rng=7).W.data)
    with config.using(float=np.float64):
        assert Linear(4, 3).W.dtype == np.float64


# --- names -------------------------------------------------------------------------------


def test_descriptions_come_back() -> None:
    for name in init.INITIALIZERS:
        made = init.constant(2) if name == "constant" else init.resolve(name)
        assert init.resolve(made.config()) == made


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        ("hee", "did you mean"),
        ({"std": 1}, "unknown initialiser None"),
        ({"name": "normal", "sigma": 1}, "normal does not take sigma"),
        ("constant", "constant does not take ()"),
        ({"name": "normal", "std": -1}, "std >= 0"),
        ({"name": "uniform", "low": 2}, "low <= 1"),
        ({"name": "normal", "std": float("nan")}, "std is nan"),
    ],
)
def test_refusals(spec: Any, words: str) -> None:
    with pytest.raises(OptionError) as caught:
        init.resolve(spec)
    assert words in str(caught.value)


# --- "auto" and what fits ----------------------------------------------------------------


def spread(layer: Linear) -> float:
    return float(layer.W.data.std())


def test_auto_suits_the_activation() -> None:
    model = Sequential(Linear(400, 300), ReLU(), Linear(300, 200), Tanh(), Linear(200, 100))
    expected = (np.sqrt(2 / 400), np.sqrt(2 / 500), np.sqrt(2 / 300))
    for layer, std in zip(model[::2], expected, strict=True):
        assert spread(layer) == pytest.approx(std, rel=0.02)
    assert spread(MLP((400, 300, 2), "selu")[0]) == pytest.approx(np.sqrt(1 / 400), rel=0.02)


def test_auto_looks_into_inner_chains() -> None:
    encoder = Sequential(Linear(400, 300, rng=0))
    alone = encoder[0].W.data.copy()
    Sequential(encoder, ReLU())
    np.testing.assert_allclose(encoder[0].W.data, alone * np.sqrt(700 / 400), rtol=1e-6)


def test_auto_leaves_written_weights_alone() -> None:
    layer = Linear(4, 3)
    layer.W -= 0.1
    written = layer.W.data.copy()
    Sequential(layer, Tanh())
    np.testing.assert_array_equal(layer.W.data, written)


def test_misfits_are_named() -> None:
    layers = [Linear(4, 3, init="xavier"), ReLU(), Linear(3, 3, init="he"), Sigmoid(), Linear(3, 1)]
    with pytest.warns(InitializerWarning) as caught:
        Sequential(*layers)
    assert str(caught[0].message) == (
        "initialiser and activation do not fit: layers.0: xavier_normal: relu wants he_normal; "
        "layers.2: he_normal: sigmoid wants xavier_normal"
    )
    assert caught[0].filename == __file__
    with pytest.warns(InitializerWarning, match="stay equal"):
        MLP((2, 3, 1), init="zeros")


def test_what_fits_is_silent() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for name in ACTIVATIONS:
            MLP((4, 4, 4), name)
            MLP((4, 4, 4), name, init=init.normal(0.01))
            MLP((4, 4, 4), name, init=init.family_for(name))


def test_every_activation_has_a_family() -> None:
    assert set(init.FAMILIES) == set(ACTIVATIONS)
