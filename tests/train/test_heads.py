"""Heads: every loss over classes learns the same small problem, and says the same classes."""

from __future__ import annotations

import numpy as np
import pytest

from glassgrad.cli.problem import Part
from glassgrad.cli.settings import Settings
from glassgrad.cli.training import held_out_scores, set_up, train
from glassgrad.data import Dataset
from glassgrad.errors import OptionError
from glassgrad.nn.losses import LOSSES
from glassgrad.train.heads import Head, head_of

_PROBABILISTIC = sorted(set(LOSSES) - {"hinge", "binary_hinge"})


def _blobs(classes: int) -> Dataset:
    rng = np.random.default_rng(0)
    y = np.arange(60) % classes
    angle = 2 * np.pi * y / classes
    X = 3 * np.stack([np.cos(angle), np.sin(angle)], axis=1) + rng.normal(0, 0.3, (60, 2))
    names = tuple("abcdef"[:classes])
    X = X.astype(np.float32)
    return Dataset(name="b", train_X=X, train_y=y, test_X=X, test_y=y, class_names=names)


@pytest.mark.parametrize("classes", [2, 3])
@pytest.mark.parametrize("loss", sorted(LOSSES))
def test_every_loss_learns_classes(loss: str, classes: int) -> None:
    settings = Settings(
        layers=(), loss=loss, optimizer="adam", lr=0.1, epochs=40, batch_size=20, dtype="float32"
    )
    setup = set_up(settings, Part(_blobs(classes)))
    train(setup)
    scores = held_out_scores(setup)
    assert scores is not None
    assert scores.values["accuracy"] > 0.95
    if loss in _PROBABILISTIC:
        shares = setup.head.probabilities(setup.model.predict(setup.part.dataset.train_X))
        assert shares.shape == (60, classes)
        assert np.allclose(shares.sum(axis=1), 1)
        assert (shares.argmax(axis=1) == setup.part.dataset.train_y).mean() > 0.95


def test_scores_of_margins_are_no_probabilities() -> None:
    with pytest.raises(OptionError, match="no probabilities"):
        Head("hinge", 3).probabilities(np.zeros((1, 3)))
    with pytest.raises(OptionError, match="no class probabilities"):
        Head("mse", 0).probabilities(np.zeros((1, 1)))


def test_a_loss_over_classes_is_refused_for_quantities() -> None:
    with pytest.raises(OptionError, match="cross_entropy is a loss over classes"):
        head_of("cross_entropy", "regression", 0)


def test_probabilities_of_large_scores_are_finite() -> None:
    shares = Head("cross_entropy", 2).probabilities(np.array([[1e4, -1e4]]))
    assert shares.tolist() == [[1.0, 0.0]]
    logits = np.array([[-1e4], [1e4]])
    assert Head("binary_cross_entropy_with_logits", 2).probabilities(logits).tolist() == [
        [1.0, 0.0],
        [0.0, 1.0],
    ]
