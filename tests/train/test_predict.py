"""predict and evaluate: NumPy out, evaluation mode, batch by batch."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from train.small_networks import labelled, network, weights

from glassgrad import nn
from glassgrad.errors import DataError, DtypeError, OptionError, ShapeError
from glassgrad.tensor import tensor
from glassgrad.train import evaluate, predict


def test_batches_do_not_matter() -> None:
    X, _ = labelled()
    model = network(dropout=0.5)
    whole = model.predict(X)
    assert type(whole) is np.ndarray
    assert whole.dtype == np.float32
    np.testing.assert_allclose(predict(model, X, batch_size=3), whole, rtol=1e-6)
    np.testing.assert_array_equal(predict(model, tensor(X)), whole)
    np.testing.assert_array_equal(predict(model, X.astype(np.float64)), whole)
    assert predict(model, X[:0]).shape == (0, 2)


def test_evaluation_mode_is_left_as_it_was() -> None:
    X, y = labelled()
    model = network(dropout=0.5)
    model.layers[3].eval()
    before = weights(model)
    model.evaluate(X, y, loss="cross_entropy")
    assert [layer.training for layer in model.layers] == [True, True, True, False, True]
    for name, value in weights(model).items():
        np.testing.assert_array_equal(value, before[name])
    assert all(p.grad is None for p in model.parameters())


def test_scores_by_default_and_by_name() -> None:
    X, y = labelled()
    model = network()
    expected = float(np.mean(model.predict(X).argmax(1) == y))
    assert evaluate(model, X, y) == {"accuracy": expected}
    found = evaluate(model, X, y, loss="cross_entropy", metrics=["accuracy"])
    assert found["accuracy"] == expected
    loss = nn.losses.cross_entropy(model.predict(X), y)
    assert found["loss"] == pytest.approx(float(loss), rel=1e-6)
    line = nn.Linear(3, 1)
    assert set(evaluate(line, X, X[:, 0])) == {"mse", "r2"}


def test_containers_come_back() -> None:
    class Two(nn.Module):
        def forward(self, x: Any) -> Any:
            return {"twice": x * 2, "rows": x.sum(axis=1)}

    X, _ = labelled()
    found = predict(Two(), X, batch_size=7)
    np.testing.assert_array_equal(found["twice"], X * 2)
    assert found["rows"].shape == (20,)


def test_what_does_not_fit() -> None:
    X, y = labelled()
    model = network()
    with pytest.raises(OptionError, match="batch size 0 is below 1"):
        model.predict(X, batch_size=0)
    with pytest.raises(ShapeError, match="takes 3 features, got 2"):
        nn.Linear(3, 2).predict(X[:, :2])
    with pytest.raises(DataError, match="there are no rows"):
        model.predict(1.0)
    with pytest.raises(DtypeError, match="no array of numbers"):
        model.predict([["a", "b"]])
    with pytest.raises(ShapeError, match=r"the inputs have \[20, 19\] rows"):
        model.predict((X, X[:-1]))
    with pytest.raises(ShapeError, match=r"X has 20 rows, y has shape \(19,\)"):
        model.evaluate(X, y[:-1])
    with pytest.raises(DataError, match=r"y\[1\] is 5"):
        model.evaluate(X, y * 5, loss="cross_entropy")
