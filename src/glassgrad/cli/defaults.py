"""What a run does where nothing was chosen: by data set, by task and by the number of rows.

Layer L11. The numbers for tables were tried on iris, wine, titanic and california_housing; those
for images on each set. Everything is a flag.
"""

from __future__ import annotations

from dataclasses import replace

from glassgrad.cli.settings import FULL, Settings, parse_spec
from glassgrad.data import Dataset
from glassgrad.errors import OptionError
from glassgrad.text import say
from glassgrad.train.heads import CLASSIFICATION

_COMMON = Settings(
    activation="relu",
    biases=True,
    init="auto",
    dropout=0.0,
    dtype="float32",
    optimizer="adam",
    schedule="cosine",
    replacement=False,
    validation=0.0,
    weight_decay=0.0,
    seed=0,
    backend="auto",
)
_PLANE = Settings(layers=(16, 16), activation="tanh", lr=0.01, batch_size=32, epochs=100)
_IMAGES = Settings(
    layers=(256, 128), optimizer="adamw", lr=1e-3, weight_decay=0.01, dropout=0.2, batch_size=128
)
_BY_NAME = {
    # The study note's network: 2-2-1, sigmoid, no biases, uniform [0, 1), full batches (CANON C16).
    "xor": Settings(
        layers=(2,),
        activation="sigmoid",
        biases=False,
        init="rand",
        dtype="float64",
        loss="half_sse",
        optimizer="sgd",
        lr=0.1,
        schedule="constant",
        steps=20_000,
        batch_size=FULL,
    ),
    "moons": _PLANE,
    "circles": _PLANE,
    "blobs": Settings(layers=(16,), activation="tanh", lr=0.01, batch_size=32, epochs=50),
    "spiral": Settings(layers=(64, 32), lr=0.005, batch_size=32, epochs=200),
    "digits": Settings(
        layers=(128, 64),
        optimizer="adamw",
        lr=3e-3,
        weight_decay=0.01,
        dropout=0.3,
        batch_size=32,
        epochs=50,
    ),
    "mnist": Settings(epochs=8).over(_IMAGES),
    "fashion-mnist": Settings(epochs=12).over(_IMAGES),
    "cifar-10": Settings(epochs=15, lr=5e-4, weight_decay=0.05, dropout=0.1).over(_IMAGES),
    "cifar-10-subset": Settings(epochs=30, lr=5e-4, weight_decay=0.1, dropout=0.2).over(_IMAGES),
}
# "Deep Learning from Scratch", chapter 5, train_neuralnet.py (CANON C12).
BOOK = Settings(
    layers=(50,),
    activation="relu",
    biases=True,
    init="normal:std=0.01",
    loss="cross_entropy",
    optimizer="sgd",
    lr=0.1,
    schedule="constant",
    steps=10_000,
    batch_size=100,
    replacement=True,
)
# What a line search needs: the same loss wherever it looks, and Newton's rate.
LINE_SEARCH = Settings(
    lr=1.0, schedule="constant", batch_size=FULL, weight_decay=0.0, dropout=0.0, epochs=100
)
_WITH_BOOK = ("mnist", "fashion-mnist")

# Rows of a table from which a part can be spared for early stopping.
_MANY, _TINY = 2_000, 500
_WATCHED = 0.1


def defaults_for(settings: Settings, name: str, dataset: Dataset) -> Settings:
    """Settings for everything that was not chosen; `name` is empty for a file."""
    if settings.canon:
        if name not in _WITH_BOOK:
            rule = say("offered: {names}", names=", ".join(_WITH_BOOK))
            problem = say("--canon has no settings for {dataset}", dataset=name or dataset.name)
            raise OptionError(problem, rule=rule)
        return BOOK.over(_COMMON)
    by_data = _BY_NAME[name] if name else _by_size(len(dataset))
    if parse_spec(settings.optimizer or "")[0] == "lbfgs":
        by_data = LINE_SEARCH.over(by_data)
    if settings.validation is not None and not settings.validation:
        by_data = replace(by_data, patience=None)  # nothing is left for it to watch
    loss = "cross_entropy" if dataset.task == CLASSIFICATION else "mse"
    return by_data.over(Settings(loss=loss).over(_COMMON))


def _by_size(rows: int) -> Settings:
    """For a table: few rows are seen often, and held back by weight decay instead of a part."""
    if rows < _MANY:
        return Settings(
            layers=(64, 32),
            lr=3e-3,
            weight_decay=0.01,
            batch_size=min(rows, 16 if rows < _TINY else 32),
            epochs=min(200, max(30, 24_000 // rows)),
        )
    return Settings(
        layers=(128, 64),
        optimizer="adamw",
        lr=2e-3,
        weight_decay=0.01,
        batch_size=64 if rows < 50 * _MANY else 256,
        epochs=min(60, max(10, 900_000 // rows)),
        validation=_WATCHED,
        patience=10,
    )
