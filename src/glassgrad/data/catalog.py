"""Data sets by name: `load_dataset("digits")`.

Layer L8.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from glassgrad.data.dataset import Dataset
from glassgrad.data.fetch import Progress
from glassgrad.data.images import Folder, cifar10, digits, fashion_mnist, mnist
from glassgrad.data.synthetic import SYNTHETIC
from glassgrad.errors import unknown_option

_IMAGES: dict[str, Callable[..., Dataset]] = {
    "mnist": mnist,
    "fashion-mnist": fashion_mnist,
    "cifar-10": cifar10,
    "cifar-10-subset": partial(cifar10, subset=True),
}
_SPELLINGS = {
    "cifar10": "cifar-10",
    "cifar10-subset": "cifar-10-subset",
    "fashionmnist": "fashion-mnist",
}

DATASETS = (*SYNTHETIC, "digits", *_IMAGES)


def load_dataset(
    name: str,
    folder: Folder = None,
    *,
    dtype: Any = None,
    seed: int = 0,
    progress: Progress | None = None,
) -> Dataset:
    """The data set of a name.

    `folder` is looked into first, then GLASSGRAD_DATA, then the user's own data folder; what is
    not there is downloaded and verified. `dtype` is that of the features (`config.float` if None),
    `seed` that of the synthetic sets, `progress(done, total)` reports a download in bytes.

    Raises:    OptionError for an unknown name; FileFormatError for a file with a wrong checksum;
               FileAccessError if it is neither found nor downloaded

    >>> load_dataset("xor").train_X.tolist()
    [[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]]
    """
    key = str(name).lower().replace("_", "-")
    key = _SPELLINGS.get(key, key)
    if key in _IMAGES:
        return _IMAGES[key](folder, dtype=dtype, progress=progress)
    if key == "digits":
        return digits(dtype=dtype)
    if key == "xor":
        return SYNTHETIC[key](dtype=dtype)
    if key in SYNTHETIC:
        return SYNTHETIC[key](seed=seed, dtype=dtype)
    raise unknown_option("dataset", name, DATASETS)
