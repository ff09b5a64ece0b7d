"""Small made-up sets with known shapes: xor, moons, circles, spiral, blobs.

Layer L8. A set is a function of its arguments; points are drawn by `np.random.default_rng(seed)`
in the order in which the code draws them, the test points after the training points.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from glassgrad.config import config
from glassgrad.data.dataset import Dataset
from glassgrad.errors import OptionError
from glassgrad.text import say

# A seed, or any source with `standard_normal` and `random`: also the legacy RandomState, with
# which the CS231n page drew its spiral.
Seed = Any
Points = tuple[NDArray[np.float64], NDArray[np.int64]]


def xor(*, dtype: Any = None) -> Dataset:
    """The four rows of exclusive or; no test part.

    >>> xor().train_y.tolist()
    [0, 1, 1, 0]
    """
    X = np.array([[0, 0], [0, 1], [1, 0], [1, 1]])
    return _dataset("xor", (X, np.array([0, 1, 1, 0])), None, 2, dtype)


def moons(
    n: int = 400, *, noise: float = 0.1, n_test: int = 200, seed: Seed = 0, dtype: Any = None
) -> Dataset:
    """Two interleaving half circles, 2 classes.

    Formula:   class 0: (cos t, sin t), class 1: (1 − cos t, 1/2 − sin t), t uniform in [0, π);
               plus `noise` · normal; row i has class i mod 2
    """

    def draw(rng: Any, count: int) -> Points:
        y = np.arange(count) % 2
        t = np.pi * rng.random(count)
        upper = np.column_stack([np.cos(t), np.sin(t)])
        lower = np.column_stack([1 - np.cos(t), 0.5 - np.sin(t)])
        X = np.where(y[:, None] == 0, upper, lower)
        return X + noise * rng.standard_normal((count, 2)), y

    return _drawn("moons", draw, n, n_test, 2, seed, dtype)


def circles(
    n: int = 400,
    *,
    factor: float = 0.5,
    noise: float = 0.1,
    n_test: int = 200,
    seed: Seed = 0,
    dtype: Any = None,
) -> Dataset:
    """A circle within a circle, 2 classes.

    Formula:   r (cos t, sin t), t uniform in [0, 2π), r = 1 for class 0, `factor` for class 1;
               plus `noise` · normal; row i has class i mod 2
    """

    def draw(rng: Any, count: int) -> Points:
        y = np.arange(count) % 2
        t = 2 * np.pi * rng.random(count)
        r = np.where(y == 0, 1.0, factor)
        X = np.column_stack([r * np.cos(t), r * np.sin(t)])
        return X + noise * rng.standard_normal((count, 2)), y

    return _drawn("circles", draw, n, n_test, 2, seed, dtype)


def spiral(
    n: int = 100,
    *,
    classes: int = 3,
    noise: float = 0.2,
    n_test: int = 50,
    seed: Seed = 0,
    dtype: Any = None,
) -> Dataset:
    """The spiral arms of CS231n: `n` points for each of `classes` classes, class after class.

    Formula:   r (sin t, cos t), r from 0 to 1, t from 4j to 4(j + 1) in class j, both in n even
               steps, t plus `noise` · normal
    Source:    CS231n, "Putting it together: minimal neural network case study"
    """

    def draw(rng: Any, count: int) -> Points:
        arms = []
        for j in range(classes):
            r = np.linspace(0.0, 1.0, count)
            t = np.linspace(j * 4, (j + 1) * 4, count) + noise * rng.standard_normal(count)
            arms.append(np.column_stack([r * np.sin(t), r * np.cos(t)]))
        return np.concatenate(arms), np.repeat(np.arange(classes), count)

    return _drawn("spiral", draw, n, n_test, classes, seed, dtype)


def blobs(
    n: int = 300,
    *,
    classes: int = 3,
    features: int = 2,
    spread: float = 1.0,
    n_test: int = 150,
    seed: Seed = 0,
    dtype: Any = None,
) -> Dataset:
    """Normal clouds, one a class.

    Formula:   x = centre of the class + `spread` · normal, centres uniform in [−5, 5) and drawn
               first; row i has class i mod `classes`
    """
    rng = _source(seed)
    centres = 10 * rng.random((classes, features)) - 5

    def draw(rng: Any, count: int) -> Points:
        y = np.arange(count) % classes
        return centres[y] + spread * rng.standard_normal((count, features)), y

    return _drawn("blobs", draw, n, n_test, classes, rng, dtype)


SYNTHETIC: dict[str, Callable[..., Dataset]] = {
    "xor": xor,
    "moons": moons,
    "circles": circles,
    "spiral": spiral,
    "blobs": blobs,
}


# --- helpers -----------------------------------------------------------------------------


def _source(seed: Seed) -> Any:
    return seed if hasattr(seed, "standard_normal") else np.random.default_rng(seed)


def _drawn(
    name: str,
    draw: Callable[[Any, int], Points],
    n: int,
    n_test: int,
    classes: int,
    seed: Seed,
    dtype: Any,
) -> Dataset:
    if n < 1 or n_test < 0 or classes < 2:  # noqa: PLR2004 - one class is no problem to learn
        problem = say("{name} cannot have n={n}, n_test={n_test}", name=name, n=n, n_test=n_test)
        raise OptionError(problem, rule="1 ≤ n, 0 ≤ n_test, 2 ≤ classes")
    rng = _source(seed)
    train = draw(rng, n)
    test = draw(rng, n_test) if n_test else None
    return _dataset(name, train, test, classes, dtype)


def _dataset(name: str, train: Points, test: Points | None, classes: int, dtype: Any) -> Dataset:
    dtype = np.dtype(dtype or config.float)
    return Dataset(
        name=name,
        train_X=train[0].astype(dtype),
        train_y=train[1].astype(np.int64),
        test_X=None if test is None else test[0].astype(dtype),
        test_y=None if test is None else test[1].astype(np.int64),
        class_names=tuple(str(j) for j in range(classes)),
        feature_names=tuple(f"x{j}" for j in range(train[0].shape[1])),
    )
