"""Data sets by name, labels, scaling."""

from __future__ import annotations

import doctest
import gzip
import hashlib
import io
import subprocess
import sys
import tarfile
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest

import glassgrad.data as gd
from glassgrad.config import config
from glassgrad.data import Dataset, Standardizer, check_labels, load_dataset, sources, synthetic
from glassgrad.data.images import _read_cifar_archive
from glassgrad.errors import (
    DataError,
    DataWarning,
    DtypeError,
    FileAccessError,
    FileFormatError,
    OptionError,
    ShapeError,
)

FOLDER = Path(gd.__file__).parent


@pytest.mark.parametrize("file", sorted(path.stem for path in FOLDER.glob("*.py")))
def test_doctests(file):
    module = import_module(f"glassgrad.data.{file}" if file != "__init__" else "glassgrad.data")
    assert doctest.testmod(module).failed == 0


def test_public_names():
    assert all(getattr(gd, name) is not None for name in gd.__all__)
    assert len(set(gd.__all__)) == len(gd.__all__)
    assert set(gd.__all__) <= set(dir(gd))
    with pytest.raises(AttributeError, match="nonsense"):
        gd.nonsense  # noqa: B018


def test_importing_data_reads_no_heavy_module():
    code = (
        "import sys, numpy; before = set(sys.modules); import glassgrad.data;"
        "print(*(set(sys.modules) - before))"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not {"csv", "tarfile", "zipfile", "gzip"} & set(found.stdout.split())
    assert "glassgrad.data.table" not in found.stdout


# --- named sets --------------------------------------------------------------------------


def test_digits_are_the_official_ones():
    digits = load_dataset("digits", dtype=np.float64)
    assert digits.train_X.shape == (3823, 64)
    assert digits.test_X.shape == (1797, 64)
    assert np.bincount(digits.test_y).tolist() == [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]
    assert abs(digits.test_X.mean() * digits.scale - 4.884164579855314) < 1e-12
    assert (digits.train_X.min(), digits.train_X.max()) == (0, 1)
    assert digits.images().shape == (3823, 1, 8, 8)
    assert "10.24432/C50P49" in digits.citation
    assert load_dataset("digits").train_X.dtype == np.float32


def test_digits_are_shipped_as_made(real_data):
    folder = real_data / "digits8x8"
    if not folder.is_dir():
        pytest.skip("no digits8x8")
    digits = load_dataset("digits")
    for name, part in (("optdigits.tra", digits.train), ("optdigits.tes", digits.test)):
        table = np.array([line.split(b",") for line in (folder / name).read_bytes().split()])
        np.testing.assert_array_equal(table[:, :64].astype(float) / 16, part[0])
        np.testing.assert_array_equal(table[:, 64].astype(int), part[1])


def test_a_data_set_is_immutable():
    digits = load_dataset("digits")
    with pytest.raises(ValueError, match="read-only"):
        digits.train_X[0] = 0
    with pytest.raises(AttributeError):
        digits.name = "other"
    own = np.zeros((2, 1))
    Dataset(name="own", train_X=own, train_y=np.array([0, 1]), class_names=("a", "b"))
    own[0] = 1  # the caller's array stays writable


@pytest.mark.parametrize("name", ["moons", "circles", "spiral", "blobs"])
def test_synthetic_sets_are_functions_of_the_seed(name):
    one, two, other = (load_dataset(name, seed=seed) for seed in (1, 1, 2))
    np.testing.assert_array_equal(one.train_X, two.train_X)
    np.testing.assert_array_equal(one.test_X, two.test_X)
    assert not np.array_equal(one.train_X, other.train_X)
    assert one.train_X.dtype == np.float32
    assert load_dataset(name, dtype=np.float64).train_X.dtype == np.float64
    longer = synthetic.SYNTHETIC[name](seed=1, n_test=0)
    assert longer.test is None
    np.testing.assert_array_equal(longer.train_X, one.train_X)


def test_xor():
    xor = load_dataset("xor")
    np.testing.assert_array_equal(xor.train_y, xor.train_X[:, 0] != xor.train_X[:, 1])


def test_the_spiral_is_the_one_of_the_course():
    rng = np.random.default_rng(5)
    expected = []
    for j in range(3):
        r = np.linspace(0.0, 1, 100)
        t = np.linspace(j * 4, (j + 1) * 4, 100) + rng.standard_normal(100) * 0.2
        expected.append(np.c_[r * np.sin(t), r * np.cos(t)])
    spiral = synthetic.spiral(seed=5, dtype=np.float64)
    np.testing.assert_array_equal(spiral.train_X, np.concatenate(expected))
    np.testing.assert_array_equal(spiral.train_y, np.repeat([0, 1, 2], 100))
    assert len(synthetic.spiral(classes=5, n=7).train_X) == 35


def test_moons_and_circles_lie_where_they_should():
    moons = synthetic.moons(noise=0, dtype=np.float64)
    upper = moons.train_X[moons.train_y == 0]
    np.testing.assert_allclose(np.hypot(*upper.T), 1)
    lower = moons.train_X[moons.train_y == 1] - [1, 0.5]
    np.testing.assert_allclose(np.hypot(*lower.T), 1)
    assert (upper[:, 1] >= 0).all()
    assert (lower[:, 1] <= 0).all()
    circles = synthetic.circles(noise=0, dtype=np.float64)
    radii = np.hypot(*circles.train_X.T)
    np.testing.assert_allclose(radii, np.where(circles.train_y == 0, 1, 0.5))
    with pytest.raises(OptionError, match="moons cannot have n=0"):
        synthetic.moons(0)


def test_unknown_names():
    with pytest.raises(OptionError, match="unknown dataset 'minst'") as caught:
        load_dataset("minst")
    assert "did you mean `mnist`" in caught.value.hint


@pytest.mark.parametrize(
    ("name", "size", "shape", "first"),
    [
        ("mnist", 60_000, (1, 28, 28), [5, 0, 4, 1]),
        ("fashion-mnist", 60_000, (1, 28, 28), [9, 0, 0, 3]),
        ("cifar-10", 10_000, (3, 32, 32), None),
    ],
)
def test_real_images(real_data, name, size, shape, first):
    folders = {"cifar-10": "cifar10-subset"}
    if not (real_data / folders.get(name, name)).is_dir():
        pytest.skip(f"no {name}")
    data = load_dataset(name, real_data)
    assert len(data) == size
    assert data.image_shape == shape
    assert data.train_X.dtype == np.float32
    assert (data.train_X.min(), data.train_X.max()) == (0, 1)
    assert len(data.class_names) == 10
    if first:
        assert data.train_y[:4].tolist() == first
    else:
        assert "subset" in data.note
        assert np.bincount(data.test_y).tolist() == [200] * 10


def test_a_set_of_files_from_a_server(site, tmp_path, monkeypatch):
    """The whole way of MNIST, with four small files in place of the real ones."""
    rng = np.random.default_rng(0)
    arrays = {
        "train_X": rng.integers(0, 256, (6, 4, 4)).astype(np.uint8),
        "train_y": np.arange(6, dtype=np.uint8),
        "test_X": rng.integers(0, 256, (3, 4, 4)).astype(np.uint8),
        "test_y": np.arange(3, dtype=np.uint8),
    }
    files = {}
    for part, array in arrays.items():
        gd.write_idx(tmp_path / f"{part}.gz", array)
        content = (tmp_path / f"{part}.gz").read_bytes()
        site.files[f"/{part}.gz"] = content
        digest = hashlib.sha256(content).hexdigest()
        files[part] = sources.RemoteFile(f"{part}.gz", len(content), digest, (site.url + "/",))
    small = sources.Source("mnist", files, sources.MNIST.class_names, "", "")
    monkeypatch.setattr("glassgrad.data.images.MNIST", small)
    with config.using(data=None):
        data = load_dataset("mnist", tmp_path / "kept", dtype=np.float64)
        np.testing.assert_array_equal(data.train_X * 255, arrays["train_X"].reshape(6, 16))
        asked = len(site.ranges)
        load_dataset("mnist", tmp_path / "kept")
    assert len(site.ranges) == asked == 4


def test_the_archive_of_cifar(tmp_path, monkeypatch):
    monkeypatch.setattr("glassgrad.data.images._CIFAR_FILE", 2 * 3073)
    path = tmp_path / "cifar.tar.gz"
    names = [f"data_batch_{i}.bin" for i in range(1, 6)] + ["test_batch.bin"]

    def pack(members):
        with tarfile.open(path, "w:gz") as archive:
            for i, name in enumerate(members):
                record = bytes([i]) + bytes([i]) * 3072
                info = tarfile.TarInfo(f"cifar-10-batches-bin/{name}")
                info.size = 2 * len(record)
                archive.addfile(info, io.BytesIO(record * 2))

    pack(names)
    (train_X, train_y), (test_X, test_y) = _read_cifar_archive(path)
    assert train_X.shape == (10, 3, 32, 32)
    assert train_y.tolist() == [0, 0, 1, 1, 2, 2, 3, 3, 4, 4]
    assert test_X.shape == (2, 3, 32, 32)
    assert test_y.tolist() == [5, 5]
    pack(names[:-1])
    with pytest.raises(FileFormatError, match=r"test_batch\.bin is missing"):
        _read_cifar_archive(path)
    path.write_bytes(path.read_bytes()[:200])
    with pytest.raises(FileFormatError, match="corrupt"):
        _read_cifar_archive(path)
    path.write_bytes(gzip.compress(b"no archive" * 100))
    with pytest.raises(FileFormatError, match="corrupt"):
        _read_cifar_archive(path)


def test_data_sets_that_do_not_fit():
    ok = {"name": "own", "train_X": np.zeros((3, 2)), "class_names": ("a", "b")}
    y = np.array([0, 1, 0])
    with pytest.raises(ShapeError, match="own: X has 3 rows"):
        Dataset(**ok, train_y=y[:2])
    with pytest.raises(DataError, match=r"y\[1\] is 2"):
        Dataset(**ok, train_y=y * 2)
    with pytest.raises(ShapeError, match="together"):
        Dataset(**ok, train_y=y, test_X=np.zeros((1, 2)))
    with pytest.raises(ShapeError, match=r"\(2,\) and \(3,\)"):
        Dataset(**ok, train_y=y, test_X=np.zeros((1, 3)), test_y=y[:1])
    with pytest.raises(OptionError, match="unknown task"):
        Dataset(**ok, train_y=y, task="ranking")
    with pytest.raises(ShapeError, match="holds no images"):
        Dataset(**ok, train_y=y).images()
    regression = Dataset(name="r", train_X=np.zeros((3, 2)), train_y=y / 2, task="regression")
    assert regression.n_outputs == 1
    assert "regression" in repr(regression)


# --- labels ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "labels",
    [[0, 2, 1], np.array([[0], [2], [1]], dtype=np.uint8), np.eye(3)[[0, 2, 1]]],
)
def test_labels(labels):
    got = check_labels(labels, 3)
    assert got.dtype == np.int64
    assert got.tolist() == [0, 2, 1]


def test_labels_that_are_converted():
    assert check_labels([True, False], 2).tolist() == [1, 0]
    with pytest.warns(DataWarning, match="float64 were converted") as caught:
        assert check_labels([0.0, 2.0], 3).tolist() == [0, 2]
    assert caught[0].filename == __file__


@pytest.mark.parametrize(
    ("labels", "error", "complaint"),
    [
        ([0, 3], DataError, r"y\[1\] is 3, outside the 3 classes"),
        ([0, -1], DataError, r"y\[1\] is -1"),
        ([0.5, 1], DataError, r"y\[0\] is 0\.5, not an integer"),
        ([0, np.nan], DataError, r"y\[1\] is nan, not an integer"),
        (["a"], DtypeError, "must be integers"),
        (np.eye(4), ShapeError, "one-hot labels have width 4, the classes are 3"),
        ([[1, 1, 0]], DataError, r"y\[0\] is not one-hot"),
        ([[0, 0, 0]], DataError, "not one-hot"),
        ([[0.2, 0.8, 0]], DataError, "not one-hot"),
        (np.zeros((2, 3, 1)), ShapeError, r"\(2, 3, 1\)"),
        (1, ShapeError, r"shape \(\)"),
    ],
)
def test_labels_that_are_none(labels, error, complaint):
    with pytest.raises(error, match=complaint):
        check_labels(labels, 3)


# --- scaling -----------------------------------------------------------------------------


def test_standardizer():
    X = np.random.default_rng(0).normal(5, 3, (50, 4))
    X[:, 2] = 0.1
    scaler = Standardizer.fit(X)
    Z = scaler.transform(X)
    np.testing.assert_allclose(Z.mean(axis=0), 0, atol=1e-14)
    np.testing.assert_allclose(Z.std(axis=0), [1, 1, 0, 1])
    np.testing.assert_allclose(scaler.inverse(Z), X)
    assert (Z[:, 2] == 0).all()
    assert scaler.transform(X.astype(np.float32)).dtype == np.float32
    again = Standardizer.from_dict(scaler.to_dict())
    np.testing.assert_array_equal(again.transform(X), Z)
    with pytest.raises(ShapeError, match=r"\(3,\)"):
        scaler.transform(X[:, :3])
    with pytest.raises(DataError, match="no rows"):
        Standardizer.fit(X[:0])
    with pytest.raises(DataError, match="NaN"):
        Standardizer.fit([[np.nan]])
    for damage in ({"mean": [0]}, {"mean": [0], "scale": [0]}, {"mean": ["x"], "scale": [1]}):
        with pytest.raises(FileFormatError, match="damaged"):
            Standardizer.from_dict(damage)
    with pytest.raises(FileFormatError, match="damaged"):
        Standardizer.from_dict({"mean": [0], "scale": [1, 1]})


def test_extreme_values_are_scaled_without_overflow():
    scaler = Standardizer.fit([[1e308, 1e-308], [-1e308, -1e-308]])
    assert scaler.mean.tolist() == [0, 0]
    np.testing.assert_array_equal(scaler.scale, [1e308, 1e-308])


@pytest.mark.shared("data/cifar10-subset/train_10000.bin.gz")
def test_the_subset_by_name(real_data, tmp_path):
    found = load_dataset("cifar10-subset", real_data)
    assert (len(found), len(found.test_X), found.image_shape) == (10_000, 2_000, (3, 32, 32))
    assert "subset" in found.note
    with pytest.raises(FileAccessError, match=r"train_10000.bin.gz is in none"):
        load_dataset("cifar-10-subset", tmp_path)
