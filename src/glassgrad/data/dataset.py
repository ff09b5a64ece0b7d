"""`Dataset`: a named, immutable bundle of training and test arrays and of what they mean.

Layer L8. It holds read-only views of arrays that it was given; it reads no file.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from glassgrad.data.labels import check_labels, check_task
from glassgrad.data.splits import check_lengths
from glassgrad.errors import DtypeError, GlassgradError, ShapeError
from glassgrad.text import say


@dataclass(frozen=True, eq=False, kw_only=True)
class Dataset:
    """Arrays for training and, where there are any, for testing.

    train_X, test_X   features (n, d); of images, flattened rows of `image_shape` (c, h, w)
    train_y, test_y   labels (n,) int64 in the order of `class_names`, or targets (n,) of floats
    task              "classification" or "regression"
    scale             what the raw numbers were divided by to make `train_X` (255, 16), else 1
    note              anything a user should know, such as that this is a subset
    """

    name: str
    train_X: NDArray[Any]
    train_y: NDArray[Any]
    test_X: NDArray[Any] | None = None
    test_y: NDArray[Any] | None = None
    task: str = "classification"
    class_names: tuple[str, ...] = ()
    feature_names: tuple[str, ...] = ()
    target_names: tuple[str, ...] = ()
    image_shape: tuple[int, int, int] | None = None
    scale: float = 1.0
    citation: str = ""
    licence: str = ""
    note: str = ""

    def __post_init__(self) -> None:
        check_task(self.task)
        try:
            self._check()
        except GlassgradError as error:
            raise error.at(self.name) from None
        for field in ("train_X", "train_y", "test_X", "test_y"):
            array = getattr(self, field)
            if array is not None:
                view = np.asarray(array).view()
                view.flags.writeable = False
                object.__setattr__(self, field, view)

    def __len__(self) -> int:
        return len(self.train_X)

    def __repr__(self) -> str:
        test = 0 if self.test_X is None else len(self.test_X)
        kinds = f"{self.n_outputs} classes" if self.class_names else self.task
        return (
            f"Dataset({self.name!r}, train {len(self)}, test {test}, "
            f"features {self.train_X.shape[1:]}, {kinds})"
        )

    @property
    def train(self) -> tuple[NDArray[Any], NDArray[Any]]:
        """(train_X, train_y)"""
        return self.train_X, self.train_y

    @property
    def test(self) -> tuple[NDArray[Any], NDArray[Any]] | None:
        """(test_X, test_y), or None."""
        if self.test_X is None or self.test_y is None:
            return None
        return self.test_X, self.test_y

    @property
    def n_outputs(self) -> int:
        """What a model for it puts out: one score a class, or one number a target."""
        if self.task == "classification":
            return len(self.class_names)
        return 1 if self.train_y.ndim == 1 else int(self.train_y.shape[1])

    def images(self, X: NDArray[Any] | None = None) -> NDArray[Any]:
        """Rows (`train_X` if None) as images (n, c, h, w)."""
        if self.image_shape is None:
            raise ShapeError(say("{name} holds no images", name=self.name))
        rows = self.train_X if X is None else X
        return rows.reshape(len(rows), *self.image_shape)

    def _check(self) -> None:
        check_lengths(np.asarray(self.train_X), np.asarray(self.train_y))
        parts = [self.train_y]
        if (self.test_X is None) != (self.test_y is None):
            raise ShapeError(say("test features and test targets come together or not at all"))
        if self.test_X is not None and self.test_y is not None:
            check_lengths(np.asarray(self.test_X), np.asarray(self.test_y))
            parts.append(self.test_y)
            if self.test_X.shape[1:] != self.train_X.shape[1:]:
                problem = say(
                    "training and test rows have shapes {a} and {b}",
                    a=self.train_X.shape[1:],
                    b=self.test_X.shape[1:],
                )
                raise ShapeError(problem)
        if self.task == "classification":
            for part in parts:
                check_labels(part, len(self.class_names))


def as_array(value: Any, name: str) -> np.ndarray:
    """Numbers as an array; text and ragged rows are refused."""
    try:
        array = np.asarray(value.data if hasattr(value, "interpreter") else value)
    except ValueError:
        array = np.array(None)
    if array.dtype.kind not in "biuf":
        raise DtypeError(
            say("{name} of {kind} is no array of numbers", name=name, kind=type(value).__name__),
            hint=say("rows of one length, and numbers only"),
        )
    return array
