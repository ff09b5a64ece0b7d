"""Images changed at random before each step, as a key says: crop, flip, rotate, mix and so on.

Layer L8. Vectorised NumPy on batches (n, c, h, w). The same key and batch give the same images on
every machine, up to the rounding of sine, cosine and logarithm. Nothing here is differentiated:
`fit` applies it to batches on the host (`augment=`).
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from glassgrad.data.sampling import beta, bilinear, box, picked
from glassgrad.errors import DataError, DtypeError, OptionError, ShapeError
from glassgrad.primitives.random import as_key, fold_in, normal, uniform
from glassgrad.text import say

Images = NDArray[Any]
_STREAM = 0x41554720  # keys of augmentation; those of dropout are not folded
_IMAGE_AXES = 4
_HALF_TURN = 180


class Augmentation(ABC):
    """A random change of a batch: `change(X, y, key) -> (X, y)`, a pure function of its arguments.

    X is (n, c, h, w) of floats, which keeps its shape and dtype; y is the targets, as they are for
    all but `Mixup`.
    """

    @abstractmethod
    def change(self, X: Images, y: Any, key: Any) -> tuple[Images, Any]: ...


@dataclass(frozen=True)
class Crop(Augmentation):
    """A window of the image's own size, out of the image with `padding` zeros around it.

    Source:    He et al. (2016), Deep Residual Learning, 4.2 (padding 4 for CIFAR-10)
    """

    padding: int = 4

    def __post_init__(self) -> None:
        _require(self, "padding", self.padding, type(self.padding) is int and self.padding >= 0)

    def change(self, X: Images, y: Any, key: Any) -> tuple[Images, Any]:
        p = self.padding
        moved = np.floor(uniform((2, len(X)), 0, 2 * p + 1, key=key)).astype(np.int64)
        # NOTE: low + (high - low) · u may round up to high itself.
        return _moved(X, np.minimum(moved, 2 * p) - p), y


@dataclass(frozen=True)
class Shift(Augmentation):
    """The image moved by at most `pixels` rows and columns (whole ones); zeros come in."""

    pixels: int = 2

    def __post_init__(self) -> None:
        _require(self, "pixels", self.pixels, type(self.pixels) is int and self.pixels >= 0)

    def change(self, X: Images, y: Any, key: Any) -> tuple[Images, Any]:
        return Crop(self.pixels).change(X, y, key)


@dataclass(frozen=True)
class Flip(Augmentation):
    """Left and right exchanged, or above and below, with probability `p`."""

    p: float = 0.5
    vertical: bool = False

    def __post_init__(self) -> None:
        _require(self, "p", self.p, 0 <= self.p <= 1)

    def change(self, X: Images, y: Any, key: Any) -> tuple[Images, Any]:
        turned = X[:, :, ::-1] if self.vertical else X[:, :, :, ::-1]
        return np.where(picked(key, len(X), self.p)[:, None, None, None], turned, X), y


@dataclass(frozen=True)
class Rotate(Augmentation):
    """The image turned about its centre by an angle uniform in ± `degrees`; zeros come in.

    Formula:   out[i, j] = X at R(−θ) ((i, j) − centre) + centre, bilinear between pixels
    """

    degrees: float = 15.0

    def __post_init__(self) -> None:
        _require(self, "degrees", self.degrees, 0 <= self.degrees <= _HALF_TURN)

    def change(self, X: Images, y: Any, key: Any) -> tuple[Images, Any]:
        limit = math.radians(self.degrees)
        angle = uniform(len(X), -limit, limit, dtype=np.float64, key=key)
        height, width = X.shape[2:]
        rows = np.arange(height)[:, None] - (height - 1) / 2
        columns = np.arange(width)[None, :] - (width - 1) / 2
        cosine, sine = np.cos(angle)[:, None, None], np.sin(angle)[:, None, None]
        down = cosine * rows + sine * columns + (height - 1) / 2  # (n, h, w)
        right = cosine * columns - sine * rows + (width - 1) / 2
        return bilinear(X, down, right), y


@dataclass(frozen=True)
class Noise(Augmentation):
    """Normal noise of deviation `std` added to every pixel; of any shape (n, …)."""

    std: float = 0.1

    def __post_init__(self) -> None:
        _require(self, "std", self.std, self.std >= 0)

    def change(self, X: Images, y: Any, key: Any) -> tuple[Images, Any]:
        return X + normal(X.shape, 0.0, self.std, dtype=X.dtype, key=key), y


@dataclass(frozen=True)
class Cutout(Augmentation):
    """A square of `size` pixels set to 0, its centre anywhere, so that part of it may lie outside.

    Source:    DeVries & Taylor (2017), Improved Regularization of CNNs with Cutout
    """

    size: int = 8

    def __post_init__(self) -> None:
        _require(self, "size", self.size, type(self.size) is int and self.size >= 1)

    def change(self, X: Images, y: Any, key: Any) -> tuple[Images, Any]:
        height, width = X.shape[2:]
        centre = uniform((2, len(X)), dtype=np.float64, key=key)
        top = np.floor(centre[0] * height) - self.size // 2
        left = np.floor(centre[1] * width) - self.size // 2
        hidden = box((height, width), top, left, top + self.size, left + self.size)
        return np.where(hidden[:, None], X.dtype.type(0), X), y


@dataclass(frozen=True)
class Erase(Augmentation):
    """With probability `p` a rectangle inside the image becomes noise, uniform in [0, 1).

    area       the least and the largest share of the image that it covers
    aspect     the least and the largest ratio of height to width, uniform in its logarithm
    Numerics:  a side longer than the image is cut to the image's
    Source:    Zhong et al. (2020), Random Erasing Data Augmentation, algorithm 1
    """

    p: float = 0.5
    area: tuple[float, float] = (0.02, 0.33)
    aspect: tuple[float, float] = (0.3, 3.3)

    def __post_init__(self) -> None:
        _require(self, "p", self.p, 0 <= self.p <= 1)
        _require(self, "area", self.area, 0 < self.area[0] <= self.area[1] <= 1)
        _require(self, "aspect", self.aspect, 0 < self.aspect[0] <= self.aspect[1])

    def change(self, X: Images, y: Any, key: Any) -> tuple[Images, Any]:
        n, _, height, width = X.shape
        draws = uniform((4, n), dtype=np.float64, key=fold_in(key, 0))
        area = height * width * (self.area[0] + (self.area[1] - self.area[0]) * draws[0])
        low, high = np.log(self.aspect)
        aspect = np.exp(low + (high - low) * draws[1])
        tall = np.clip(np.rint(np.sqrt(area * aspect)), 1, height)
        wide = np.clip(np.rint(np.sqrt(area / aspect)), 1, width)
        top = np.floor(draws[2] * (height - tall + 1))
        left = np.floor(draws[3] * (width - wide + 1))
        erased = box((height, width), top, left, top + tall, left + wide)
        erased &= picked(fold_in(key, 1), n, self.p)[:, None, None]
        fresh = uniform(X.shape, dtype=X.dtype, key=fold_in(key, 2))
        return np.where(erased[:, None], fresh, X), y


@dataclass(frozen=True)
class Mixup(Augmentation):
    """Each row mixed with another of the batch, its targets in the same shares.

    Formula:   λ x + (1 − λ) x′, and of targets λ t + (1 − λ) t′ with labels as one-hot rows of
               width `classes`; λ ~ Beta(alpha, alpha), one a row; x′ by a random order of the batch
    Source:    Zhang et al. (2018), mixup: Beyond Empirical Risk Minimization
    """

    classes: int
    alpha: float = 0.2

    def __post_init__(self) -> None:
        _require(self, "classes", self.classes, type(self.classes) is int and self.classes >= 1)
        _require(self, "alpha", self.alpha, 0 < self.alpha <= 2)  # noqa: PLR2004 - see `beta`

    def change(self, X: Images, y: Any, key: Any) -> tuple[Images, Any]:
        n = len(X)
        share = beta(fold_in(key, 0), n, self.alpha).astype(X.dtype)
        other = np.argsort(uniform(n, dtype=np.float64, key=fold_in(key, 1)), kind="stable")
        targets = self._one_hot(np.asarray(y), X.dtype)

        def mixed(values: NDArray[Any]) -> NDArray[Any]:
            part = share.reshape(n, *(1,) * (values.ndim - 1))
            return np.asarray(part * values + (1 - part) * values[other], dtype=X.dtype)

        return mixed(X), mixed(targets)

    def _one_hot(self, y: NDArray[Any], dtype: Any) -> NDArray[Any]:
        if y.dtype.kind not in "iu":
            return y
        if y.ndim != 1 or (len(y) and not 0 <= y.min() <= y.max() < self.classes):
            problem = say("labels that are not 0 … {last} cannot be mixed", last=self.classes - 1)
            raise DataError(problem, operation="Mixup", rule=f"y (n,), 0 ≤ y < {self.classes}")
        return np.asarray(np.eye(self.classes, dtype=dtype)[y])


# --- several, and the keys ---------------------------------------------------------------


def augmented(
    X: Images, y: Any, changes: Augmentation | Sequence[Augmentation], key: Any
) -> tuple[Images, Any]:
    """A batch changed by each of `changes` in turn; `key` is a seed or a key.

    >>> X = np.arange(4, dtype=np.float32).reshape(1, 1, 1, 4)
    >>> augmented(X, None, Flip(p=1.0), key=0)[0].ravel().tolist()
    [3.0, 2.0, 1.0, 0.0]
    """
    X = np.asarray(X)
    if X.dtype.kind != "f":
        raise DtypeError(
            say("images of {dtype} cannot be augmented", dtype=X.dtype.name),
            operation="augment",
            hint=say("convert them to floats first"),
        )
    for number, change in enumerate(as_changes(changes)):
        if X.ndim != _IMAGE_AXES and not isinstance(change, Noise | Mixup):
            problem = say(
                "{name} takes images, not shape {shape}", name=type(change).__name__, shape=X.shape
            )
            raise ShapeError(problem, operation="augment", rule="X (n, c, h, w)")
        X, y = change.change(X, y, fold_in(as_key(key), number))
    return X, y


def as_changes(given: Any) -> tuple[Augmentation, ...]:
    """One or several augmentations as a tuple."""
    changes = tuple(given) if isinstance(given, Sequence) else (given,)
    for change in changes:
        if not isinstance(change, Augmentation):
            raise OptionError(
                say("{kind} is no augmentation", kind=type(change).__name__),
                hint=say("give such as gg.data.Flip(), or a list of them"),
            )
    return changes


def batch_key(seed: int, epoch: int, number: int) -> Any:
    """The key of a batch: a function of the seed, the epoch and the batch's number."""
    return fold_in(fold_in(fold_in(as_key(seed), _STREAM), epoch), number)


def _moved(X: Images, offset: NDArray[np.int64]) -> Images:
    """Each image as seen from (row, column) `offset` (2, n); 0 outside."""
    n, channels, height, width = X.shape
    rows = np.arange(height) + offset[0][:, None]  # (n, h)
    columns = np.arange(width) + offset[1][:, None]  # (n, w)
    rows_in, columns_in = (rows >= 0) & (rows < height), (columns >= 0) & (columns < width)
    found = X[
        np.arange(n)[:, None, None, None],
        np.arange(channels)[None, :, None, None],
        np.clip(rows, 0, height - 1)[:, None, :, None],
        np.clip(columns, 0, width - 1)[:, None, None, :],
    ]
    inside = rows_in[:, None, :, None] & columns_in[:, None, None, :]
    return np.asarray(np.where(inside, found, X.dtype.type(0)))


def _require(change: Augmentation, name: str, value: Any, is_good: bool) -> None:
    if not is_good:
        problem = say("{name} is {value!r}", name=name, value=value)
        raise OptionError(problem, operation=type(change).__name__)
