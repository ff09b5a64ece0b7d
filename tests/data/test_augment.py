"""Augmentations: what each does by hand, that a key fixes it, what they refuse."""

from __future__ import annotations

import numpy as np
import pytest

from glassgrad.data import (
    Crop,
    Cutout,
    Erase,
    Flip,
    Mixup,
    Noise,
    Rotate,
    Shift,
    augmented,
)
from glassgrad.data.augment import batch_key
from glassgrad.data.sampling import beta
from glassgrad.errors import DataError, DtypeError, OptionError, ShapeError
from glassgrad.primitives.random import as_key

X = np.random.default_rng(0).random((40, 2, 6, 5)).astype(np.float32) + 1  # no zeros
ALL = [
    Crop(2), Shift(1), Flip(), Flip(vertical=True), Rotate(30), Noise(0.2), Cutout(3), Erase(),
    Mixup(4, 0.4),
]  # fmt: skip
Y = np.arange(40) % 4


@pytest.mark.parametrize("change", ALL, ids=repr)
def test_a_key_fixes_the_images(change) -> None:
    before = X.copy()
    one, y = augmented(X, Y, change, 7)
    two, _ = augmented(X, Y, change, 7)
    np.testing.assert_array_equal(one, two)
    np.testing.assert_array_equal(X, before)
    assert (augmented(X, Y, change, 8)[0] != one).any()
    assert (one.shape, one.dtype) == (X.shape, X.dtype)
    assert (one != X).any()
    assert len(y) == len(Y)


def test_moved_images_by_hand() -> None:
    found, _ = augmented(X, None, Crop(2), 0)
    seen = set()
    for image, moved in zip(X, found, strict=True):
        padded = np.pad(image, ((0, 0), (2, 2), (2, 2)))
        places = [
            (i, j)
            for i in range(5)
            for j in range(5)
            if (padded[:, i : i + 6, j : j + 5] == moved).all()
        ]
        assert len(places) == 1
        seen.update(places)
    assert len(seen) > 12  # of 25 places


def test_flips_by_hand() -> None:
    found, _ = augmented(X, None, Flip(), 0)
    turned = [(f == x[:, :, ::-1]).all() for f, x in zip(found, X, strict=True)]
    kept = [(f == x).all() for f, x in zip(found, X, strict=True)]
    assert all(a != b for a, b in zip(turned, kept, strict=True))
    assert 10 < sum(turned) < 30
    np.testing.assert_array_equal(augmented(X, None, Flip(1.0, True), 0)[0], X[:, :, ::-1])
    np.testing.assert_array_equal(augmented(X, None, Flip(0.0), 0)[0], X)


def test_rotation_by_hand() -> None:
    np.testing.assert_allclose(augmented(X, None, Rotate(0), 0)[0], X, rtol=1e-6)
    # A linear ramp stays one under rotation: its slope turns by the angle.
    row, column = np.mgrid[-10:11, -10:11].astype(np.float64)
    ramp = np.stack([row, column])[None].repeat(30, axis=0)
    inner = augmented(ramp, None, Rotate(40), 3)[0][:, :, 6:15, 6:15]
    slope_down, slope_right = np.gradient(inner, axis=2), np.gradient(inner, axis=3)
    np.testing.assert_allclose(slope_down[:, 0] ** 2 + slope_right[:, 0] ** 2, 1, rtol=1e-9)
    angle = np.arctan2(slope_right[:, 0], slope_down[:, 0])[:, 0, 0]
    assert np.abs(angle).max() <= np.radians(40)
    assert np.abs(angle).max() > np.radians(30)
    assert angle.min() < 0 < angle.max()


def test_boxes_by_hand() -> None:
    hidden = augmented(X, None, Cutout(3), 1)[0] == 0
    assert (hidden[:, 0] == hidden[:, 1]).all()
    rows, columns = hidden[:, 0].any(axis=2).sum(axis=1), hidden[:, 0].any(axis=1).sum(axis=1)
    assert 1 <= rows.min() <= rows.max() == 3
    assert 1 <= columns.min() <= columns.max() == 3
    assert (hidden[:, 0].sum(axis=(1, 2)) == rows * columns).all()
    erased = augmented(X, None, Erase(p=0.5), 1)[0]
    changed = (erased != X).any(axis=(1, 2, 3))
    assert 8 < changed.sum() < 32
    fresh = erased[erased != X]
    assert 0 <= fresh.min() <= fresh.max() < 1


def test_mixup_mixes_targets_alike() -> None:
    images = np.eye(40, dtype=np.float64)  # a row is what it is made of
    mixed, targets = augmented(images, Y, Mixup(4, alpha=1.0), 5)
    np.testing.assert_allclose(mixed.sum(axis=1), 1)
    np.testing.assert_allclose(targets, mixed @ np.eye(4)[Y])
    assert ((mixed > 0).sum(axis=1) <= 2).all()
    with pytest.raises(DataError, match="cannot be mixed"):
        augmented(images, Y + 1, Mixup(4), 5)


@pytest.mark.parametrize("alpha", [0.1, 1.0, 2.0])
def test_beta_has_its_moments(alpha: float) -> None:
    found = beta(as_key(3), 40_000, alpha)
    assert abs(found.mean() - 0.5) < 0.01
    assert abs(found.var() - 1 / (4 * (2 * alpha + 1))) < 0.003
    assert 0 <= found.min() <= found.max() <= 1


def test_keys_of_batches_differ() -> None:
    keys = {tuple(batch_key(s, e, b).tolist()) for s in (0, 1) for e in range(5) for b in range(5)}
    assert len(keys) == 50


@pytest.mark.parametrize(
    "make",
    [
        lambda: Crop(-1), lambda: Flip(1.5), lambda: Rotate(-1), lambda: Noise(-0.1),
        lambda: Cutout(0), lambda: Erase(area=(0.5, 0.1)), lambda: Mixup(4, 0.0),
        lambda: augmented(X, None, "flip", 0),
    ],
)  # fmt: skip
def test_wrong_options(make) -> None:
    with pytest.raises(OptionError):
        make()


def test_unfit_images_are_refused() -> None:
    with pytest.raises(ShapeError, match="Flip takes images, not shape"):
        augmented(X[0], None, [Noise(), Flip()], 0)
    with pytest.raises(DtypeError, match="uint8 cannot be augmented"):
        augmented(np.zeros((1, 1, 2, 2), np.uint8), None, Flip(), 0)
