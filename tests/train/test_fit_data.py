"""What fit refuses before anything has changed, and what it converts."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest
from train.small_networks import assert_same, labelled, line, network, quick, weights

from glassgrad import nn
from glassgrad.errors import DataError, DataWarning, DtypeError, OptionError, ShapeError
from glassgrad.train import fit

# --- labels ------------------------------------------------------------------------------


def test_labels_in_other_forms_are_the_same_labels() -> None:
    X, y = labelled()
    reference = network()
    quick(reference, (X, y))
    for form in (y.astype(bool), y[:, None], np.eye(2, dtype=int)[y], y.tolist()):
        model = network()
        quick(model, (X, form))
        assert_same(reference, model)
    model = network()
    with pytest.warns(DataWarning, match="labels of float64 were converted to integers"):
        quick(model, (X, y.astype(float)))
    assert_same(reference, model)


@pytest.mark.parametrize(
    ("change", "kind", "message"),
    [
        (lambda y: y + 1, DataError, r"y\[1\] is 2, outside the 2 classes"),
        (lambda y: y - 1, DataError, r"y\[0\] is -1, outside the 2 classes"),
        (lambda y: y * 0.5, DataError, r"y\[1\] is 0.5, not an integer"),
        (lambda y: np.eye(3, dtype=int)[y], ShapeError, "one-hot labels have width 3"),
        (lambda y: np.eye(3)[y], ShapeError, "one-hot labels have width 3"),
        (lambda y: y * 0, DataError, "all 20 labels are 0: there is one class only"),
        (lambda y: y[:-1], ShapeError, r"X has 20 rows, y has shape \(19,\)"),
        (lambda y: np.array(["a", "b"])[y], DtypeError, "y of ndarray is no array of numbers"),
    ],
)
def test_labels_that_do_not_fit(change: Any, kind: Any, message: str) -> None:
    X, y = labelled()
    model = network()
    before = weights(model)
    with pytest.raises(kind, match=message):
        quick(model, (X, change(y)))
    for name, value in weights(model).items():
        np.testing.assert_array_equal(value, before[name])


def test_label_outside_the_range_in_a_batch() -> None:
    X, y = labelled()
    with pytest.raises(DataError, match=r"y\[1\] is 7"):
        quick(network(), [(X, y), (X, y * 7)])


def test_binary_targets_are_checked() -> None:
    X, y = labelled()
    model = nn.Linear(3, 1)
    loss = "binary_cross_entropy_with_logits"
    history = quick(model, (X, y), loss=loss, metrics="accuracy")
    assert history.last["accuracy"] == pytest.approx(
        np.mean([((model.predict(X)[:, 0] > 0) == y).mean(), history.last["accuracy"]]), abs=0.3
    )
    with pytest.raises(DataError, match="target holds 2"):
        quick(nn.Linear(3, 1), (X, y * 2), loss=loss)


def test_shapes_that_do_not_fit() -> None:
    X, y = labelled()
    with pytest.raises(ShapeError, match="takes 3 features, got 2"):
        quick(nn.Linear(3, 2), (X[:, :2], y))
    with pytest.raises(ShapeError, match=r"shapes \(20, 2\) and \(20, 3\) differ"):
        quick(network(), (X, X), loss="mse")
    with pytest.raises(ShapeError, match=r"shapes \(20, 2\) and \(20,\) differ"):
        quick(network(), (X, y), loss="mse")


def test_missing_values_are_found_before_the_run() -> None:
    X, y = labelled()
    X[3, 1] = np.nan
    with pytest.raises(DataError, match=r"X holds nan at \[3, 1\], and 1 such values"):
        quick(network(), (X, y))
    values = line()[1]
    values[5] = np.inf
    with pytest.raises(DataError, match=r"y holds inf at \[5\]"):
        fit(nn.Linear(1, 1), (line()[0], values), loss="mse")


# --- options -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"loss": "cross_entrop"}, "did you mean `cross_entropy`"),
        ({"loss": 3}, "the loss is int"),
        ({"optimizer": "adm"}, "did you mean `adam`"),
        ({"optimizer": 3}, "int is no optimizer"),
        ({"metrics": "acuracy"}, "did you mean `accuracy`"),
        ({"schedule": "cosin"}, "did you mean `cosine`"),
        ({"lr": -0.1}, "lr is -0.1"),
        ({"batch_size": 0}, "batch size 0 is below 1"),
        ({"batch_size": "all"}, "batch size 'all' is not an integer"),
        ({"batch_size": 2.5, "accumulate": 2}, "batch_size is 2.5, not an integer"),
        ({"epochs": 0}, "epochs is 0"),
        ({"steps": 1.5}, "steps is 1.5, not an integer"),
        ({"until": "loss"}, "until is 'loss'"),
        ({"until": 3}, "unknown column '3'"),
        ({"until": "acc=1"}, "unknown column 'acc'"),
        ({"until": "val_loss=1"}, "unknown column 'val_loss'"),
        ({"validation": 1.5}, "validation is 1.5"),
        ({"validation": "some"}, "validation data of str"),
        ({"callbacks": 3}, "int is no callback"),
        ({"progress": "loud"}, "progress is 'loud'"),
        ({"backend": "cupy"}, "back end cupy is not part of this version"),
        ({"resume": True}, "there is no checkpoint to resume from"),
        ({"seed": -1}, "-1"),
    ],
)
def test_bad_options(options: dict[str, Any], message: str) -> None:
    with pytest.raises(OptionError, match=message):
        quick(network(), labelled(), **options)


def test_bad_data() -> None:
    X, y = labelled()
    with pytest.raises(OptionError, match="training data of str"):
        quick(network(), "digits")
    with pytest.raises(DataError, match="there are no rows"):
        quick(network(), (X[:0], y[:0]))
    for y_wrong in (None, 3):
        with pytest.raises(ShapeError, match=r"y is \w+, not a target a row"):
            quick(network(), (X, y_wrong))
    with pytest.raises(DataError, match="there are no batches"):
        quick(network(), [])
    with pytest.raises(DataError, match="has no target"):
        quick(network(), [(X,)])


def test_batch_larger_than_the_data_is_clipped() -> None:
    with pytest.warns(DataWarning, match="batch size 64 was clipped to the 20 rows"):
        history = quick(network(), labelled(), batch_size=64)
    assert history["step"] == [1, 2]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        quick(network(), labelled())  # the default size is no request
