"""The sets of images: the digits shipped with the package, MNIST, Fashion-MNIST, CIFAR-10.

Layer L8. Pixels are divided by their largest possible value (`Dataset.scale`), rows are flat.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from glassgrad.config import config
from glassgrad.data.dataset import Dataset
from glassgrad.data.fetch import Progress, find_local, find_only, find_or_fetch, search_folders
from glassgrad.data.formats import (
    CIFAR_RECORD,
    parse_cifar,
    read_exactly,
    read_idx,
    read_npz,
    unpack,
)
from glassgrad.data.sources import (
    CIFAR10,
    CIFAR10_SUBSET,
    FASHION_MNIST,
    MNIST,
    Source,
)
from glassgrad.errors import FileFormatError
from glassgrad.files import named_access
from glassgrad.text import say

Folder = str | os.PathLike[str] | None
Part = tuple[NDArray[Any], NDArray[Any]]

_DIGITS_SCALE = 16  # Alpaydin and Kaynak: each of 8 × 8 cells counts the ink in 4 × 4 pixels
_BYTE_SCALE = 255
_CIFAR_FILE = 10_000 * CIFAR_RECORD
_CIFAR_SUBSET_SIZES = {"train": 10_000 * CIFAR_RECORD, "test": 2_000 * CIFAR_RECORD}


def digits(*, dtype: Any = None) -> Dataset:
    """8 × 8 handwritten digits: 3,823 for training, 1,797 for testing, as UCI parts them.

    The file lies in the package; no download. Counts of ink 0 … 16 become 0 … 1.

    >>> digits()
    Dataset('digits', train 3823, test 1797, features (64,), 10 classes)
    """
    arrays = read_npz(Path(__file__).parent / "files" / "digits8x8.npz")
    return _image_dataset(
        "digits",
        (arrays["train_X"], arrays["train_y"]),
        (arrays["test_X"], arrays["test_y"]),
        class_names=tuple("0123456789"),
        image_shape=(1, 8, 8),
        scale=_DIGITS_SCALE,
        dtype=dtype,
        citation="Alpaydin, Kaynak, Optical Recognition of Handwritten Digits, UCI Machine "
        "Learning Repository, 1998, doi:10.24432/C50P49",
        licence="CC BY 4.0",
    )


def mnist(folder: Folder = None, *, dtype: Any = None, progress: Progress | None = None) -> Dataset:
    """28 × 28 handwritten digits: 60,000 for training, 10,000 for testing; pixels 0 … 1."""
    return _idx_dataset("mnist", MNIST, folder, dtype, progress)


def fashion_mnist(
    folder: Folder = None, *, dtype: Any = None, progress: Progress | None = None
) -> Dataset:
    """28 × 28 pictures of clothes: 60,000 for training, 10,000 for testing; pixels 0 … 1."""
    return _idx_dataset("fashion-mnist", FASHION_MNIST, folder, dtype, progress)


def cifar10(
    folder: Folder = None,
    *,
    subset: bool = False,
    dtype: Any = None,
    progress: Progress | None = None,
) -> Dataset:
    """32 × 32 colour photographs, 10 classes: 50,000 for training, 10,000 for testing.

    Where only the subset of 10,000 and 2,000 lies in a local folder, or `subset` asks for it, that
    is used, and `note` says so. Rows are red, green, blue planes; pixels 0 … 1.

    Raises:    FileAccessError if the subset is asked for and lies nowhere: nobody offers it
    """
    folders = search_folders(folder)
    archive = None if subset else find_local(CIFAR10.files["all"], CIFAR10.folder, folders)
    parts: dict[str, Path | None] = {}
    for part, file in CIFAR10_SUBSET.files.items():
        if subset:
            parts[part] = find_only(file, CIFAR10_SUBSET.folder, folder)
        elif not archive:
            parts[part] = find_local(file, CIFAR10_SUBSET.folder, folders)
    note = ""
    train_file, test_file = parts.get("train"), parts.get("test")
    if train_file is not None and test_file is not None:
        train = parse_cifar(unpack(train_file, _CIFAR_SUBSET_SIZES["train"]), "train")
        test = parse_cifar(unpack(test_file, _CIFAR_SUBSET_SIZES["test"]), "test")
        note = say("a subset: 1,000 training and 200 test images a class")
    else:
        archive = archive or find_or_fetch(
            CIFAR10.files["all"], CIFAR10.folder, folder, progress=progress
        )
        train, test = _read_cifar_archive(archive)
    return _image_dataset(
        "cifar-10",
        train,
        test,
        class_names=CIFAR10.class_names,
        image_shape=(3, 32, 32),
        scale=_BYTE_SCALE,
        dtype=dtype,
        citation=CIFAR10.citation,
        licence=CIFAR10.licence,
        note=note,
    )


# --- helpers -----------------------------------------------------------------------------


def _idx_dataset(
    name: str, source: Source, folder: Folder, dtype: Any, progress: Progress | None
) -> Dataset:
    arrays = {}
    for part, file in source.files.items():
        path = find_or_fetch(file, source.folder, folder, progress=progress)
        arrays[part] = read_idx(path)
    height, width = arrays["train_X"].shape[1:]
    return _image_dataset(
        name,
        (arrays["train_X"], arrays["train_y"]),
        (arrays["test_X"], arrays["test_y"]),
        class_names=source.class_names,
        image_shape=(1, int(height), int(width)),
        scale=_BYTE_SCALE,
        dtype=dtype,
        citation=source.citation,
        licence=source.licence,
    )


def _image_dataset(
    name: str, train: Part, test: Part, *, scale: int, dtype: Any, **about: Any
) -> Dataset:
    dtype = np.dtype(dtype or config.float)

    def scaled(images: NDArray[Any]) -> NDArray[Any]:
        rows = images.reshape(len(images), -1).astype(dtype)
        rows /= dtype.type(scale)
        return rows

    return Dataset(
        name=name,
        train_X=scaled(train[0]),
        train_y=train[1].astype(np.int64),
        test_X=scaled(test[0]),
        test_y=test[1].astype(np.int64),
        scale=scale,
        **about,
    )


def _read_cifar_archive(path: Path) -> tuple[Part, Part]:
    """Both parts of the authors' archive, read as a stream; nothing is unpacked to the disk."""
    import tarfile  # noqa: PLC0415 - archives cost 5 ms to import, and only CIFAR-10 needs them
    import zlib  # noqa: PLC0415

    wanted = [f"data_batch_{i}.bin" for i in range(1, 6)] + ["test_batch.bin"]
    found: dict[str, bytes] = {}
    try:
        with named_access(path), tarfile.open(path, "r:gz") as archive:
            for member in archive:
                name = Path(member.name).name
                is_wanted = name in wanted and member.size == _CIFAR_FILE
                stream = archive.extractfile(member) if is_wanted else None
                found.update({name: bytes(read_exactly(stream, _CIFAR_FILE))} if stream else {})
    except (tarfile.TarError, zlib.error, EOFError) as error:
        problem = say("it is corrupt: {reason}", reason=error)
        raise FileFormatError(problem, operation=path.name) from error
    absent = [name for name in wanted if name not in found]
    if absent:
        problem = say("{names} is missing from it", names=", ".join(absent))
        raise FileFormatError(problem, operation=path.name)
    batches = [parse_cifar(found[name], name) for name in wanted]
    train = tuple(np.concatenate(arrays) for arrays in zip(*batches[:-1], strict=True))
    return (train[0], train[1]), batches[-1]
