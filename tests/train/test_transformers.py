"""Transformers in `fit` and `train_step`: both back ends, saved and loaded, their gradients."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from glassgrad import nn
from glassgrad.autodiff.check import check_grads
from glassgrad.errors import DataError, OptionError, ShapeError
from glassgrad.io.model import load, save
from glassgrad.optim import Adam
from glassgrad.primitives.random import random_key
from glassgrad.train import fit
from glassgrad.train.step import train_step

RNG = np.random.default_rng(0)
X = RNG.normal(size=(8, 5, 8)).astype(np.float32)
IDS = (np.arange(9) + RNG.integers(0, 7, (24, 1))) % 7  # each number is followed by the next


def gpt(**options: Any) -> nn.GPT:
    return nn.GPT(7, 8, 16, 2, 1, rng=0, **options)


# --- training ----------------------------------------------------------------------------


@pytest.mark.parametrize("backend", ["numpy", "native"])
@pytest.mark.parametrize("tied", [True, False], ids=["tied", "untied"])
def test_a_gpt_learns_to_count(backend: str, tied: bool, tmp_path: Path) -> None:
    model = gpt(tied=tied)
    history = fit(
        model, (IDS[:, :-1], IDS[:, 1:]), loss="cross_entropy", optimizer="adam", lr=0.02,
        batch_size=8, epochs=12, backend=backend,
    )  # fmt: skip
    assert history["loss"][0] > 1.3
    assert history["loss"][-1] < 0.2
    written = model.generate([3, 4], 9, temperature=0)
    np.testing.assert_array_equal(written, (np.arange(11) + 3) % 7)
    loaded = load(save(model, tmp_path))
    assert isinstance(loaded, nn.GPT)
    assert repr(loaded) == repr(model)
    np.testing.assert_array_equal(loaded.predict(IDS[:, :-1]), model.predict(IDS[:, :-1]))


@pytest.mark.parametrize("backend", ["numpy", "native"])
@pytest.mark.parametrize(
    "model",
    [
        nn.TransformerEncoderBlock(8, 2, rng=0),
        nn.TransformerEncoderBlock(8, 2, 12, prenorm=False, norm="rms", activation="relu", rng=0),
        nn.TransformerEncoder(2, width=8, heads=2, rotary=True, bias=False, rng=0),
        nn.MultiHeadAttention(8, 4, causal=True, rng=0),
        nn.Sequential(nn.SinusoidalPositions(8), nn.FeedForward(8, rng=0), nn.RMSNorm(8)),
        nn.Sequential(nn.LearnedPositions(6, 8, rng=0), nn.LayerNorm(8)),
    ],
    ids=["pre", "post", "stack", "attention", "mlp", "positions"],
)
def test_layers_in_fit(model: nn.Module, backend: str, tmp_path: Path) -> None:
    start = model.state_dict()
    target = np.roll(X, 1, axis=1)
    history = fit(model, (X, target), loss="mse", optimizer="adam", lr=0.01, epochs=6,
                  batch_size=4, backend=backend)  # fmt: skip
    assert history["loss"][-1] < history["loss"][0]
    loaded = load(save(model, tmp_path))
    np.testing.assert_array_equal(loaded.predict(X), model.predict(X))
    model.load_state_dict(start)


def test_back_ends_agree() -> None:
    losses = {}
    for backend in ("numpy", "native"):
        model = gpt(dropout=0.1)
        step = train_step(
            lambda m, x, t: nn.cross_entropy(m(x), t), model, Adam(model, lr=0.01), backend=backend
        )
        losses[backend] = [step(IDS[:12, :-1], IDS[:12, 1:]) for _ in range(5)]
    np.testing.assert_allclose(losses["numpy"], losses["native"], rtol=2e-4)


@pytest.mark.parametrize("workers", ["2", "3"])
def test_bits_do_not_depend_on_workers(workers: str, monkeypatch: pytest.MonkeyPatch) -> None:
    found = []
    for count in ("1", workers):
        monkeypatch.setenv("GLASSGRAD_NUM_THREADS", count)
        model = nn.GPT(7, 64, 32, 2, 1, rng=0)
        step = train_step(
            lambda m, x, t: nn.cross_entropy(m(x), t), model, Adam(model, lr=0.01), backend="native"
        )
        ids = np.random.default_rng(1).integers(0, 7, (12, 65))
        found.append([step(ids[:, :-1], ids[:, 1:]) for _ in range(3)])
        found[-1] += [value.tobytes() for value in model.state_dict().values()]
    assert found[0] == found[1]


# --- encoder and decoder -----------------------------------------------------------------


def test_padding_of_the_source_changes_nothing() -> None:
    model = nn.Transformer(1, width=8, heads=2, rng=0)
    source, target = X[:2], X[2:4, :3]
    mask = np.array([[True] * 5, [True] * 3 + [False] * 2])
    out = model(source, target, source_mask=mask).data
    np.testing.assert_allclose(out[1], model(source[1:, :3], target[1:]).data[0], atol=1e-5)
    changed = target.copy()
    changed[:, 2] += 1
    np.testing.assert_array_equal(
        model(source, changed).data[:, :2], model(source, target).data[:, :2]
    )


def test_gradients_of_blocks() -> None:
    encoder = nn.TransformerEncoderBlock(4, 2, 6, causal=True, rng=0, dtype=np.float64)
    decoder = nn.TransformerDecoderBlock(4, 2, 6, prenorm=False, rng=0, dtype=np.float64)
    x, memory = (RNG.normal(size=(2, 3, 4)) for _ in range(2))
    assert check_grads(lambda m, x: m(x), encoder, x, elements=24, verbose=False)
    assert check_grads(
        lambda m, x, y: m(x, y), decoder, x, memory, order=2, elements=4, verbose=False
    )


def test_saving_and_loading_a_transformer(tmp_path: Path) -> None:
    model = nn.Transformer(2, width=8, heads=2, hidden=12, norm="rms", dropout=0.1, rng=0).eval()
    loaded = load(save(model, tmp_path)).eval()
    np.testing.assert_array_equal(loaded(X, X[:, :2]).data, model(X, X[:, :2]).data)


def test_dropout_draws_from_the_key() -> None:
    model = gpt(dropout=0.5)
    with random_key(0):
        one = model(IDS[:2, :4]).data
    with random_key(0):
        np.testing.assert_array_equal(model(IDS[:2, :4]).data, one)
    with random_key(1):
        assert not np.array_equal(model(IDS[:2, :4]).data, one)
    assert model.generate([1], 3).shape == (4,)  # in evaluation mode: no key is needed


# --- GPT ---------------------------------------------------------------------------------


def test_starting_weights() -> None:
    model = nn.GPT(50, 8, 64, 4, 8, rng=0)
    assert abs(model.blocks[3].mlp.fc1.W.data.std() - 0.02) < 0.001
    assert abs(model.blocks[3].mlp.fc2.W.data.std() - 0.02 / 4) < 0.0005
    assert "head" not in dict(model.named_parameters())


def test_generation() -> None:
    model = gpt()
    a = model.generate([1, 2], 30, seed=5)
    np.testing.assert_array_equal(a, model.generate([1, 2], 30, seed=5))
    assert not np.array_equal(a, model.generate([1, 2], 30, seed=6))
    both = model.generate(np.array([[1, 2], [3, 4]]), 5, top_k=3)
    assert both.shape == (2, 7)
    np.testing.assert_array_equal(
        model.generate([1], 8, temperature=1e-6), model.generate([1], 8, temperature=0)
    )
    drawn = model.generate(np.ones((400, 1), np.int64), 1, top_k=2)[:, 1]
    scores = model.predict(np.array([[1]]))[0, -1]
    assert set(drawn) <= set(np.argsort(scores)[-2:])
    many = model.generate(np.ones((4000, 1), np.int64), 1)[:, 1]
    shares = np.bincount(many, minlength=7) / 4000
    np.testing.assert_allclose(shares, nn.softmax(scores.astype(float)), atol=0.04)


def test_gpt_refuses() -> None:
    model = gpt()
    with pytest.raises(ShapeError, match="gpt: 9 steps do not fit into a context of 8") as caught:
        model(np.zeros((1, 9), int))
    assert caught.value.hint == "keep the last ones: `x[:, -8:]`"
    with pytest.raises(DataError, match="tokens: id 7 is outside the 7 rows"):
        model(np.array([[7]]))
    with pytest.raises(DataError, match="a prompt holds integers"):
        model.generate([], 3)
    with pytest.raises(OptionError, match="top_k is 8"):
        model.generate([1], 3, top_k=8)
    with pytest.raises(OptionError, match="temperature is -1"):
        model.generate([1], 3, temperature=-1)
    with pytest.raises(OptionError, match="a width of 16 does not divide into 3 heads"):
        nn.GPT(7, 8, 16, 3, 1)
    with pytest.raises(OptionError, match="unknown norm 'batch'"):
        nn.TransformerEncoderBlock(8, 2, norm="batch")
