"""Make `src/glassgrad/data/files/digits8x8.npz` from the UCI files optdigits.tra and .tes.

    python tools/ship_digits.py FOLDER_WITH_THE_TWO_FILES

The result depends on the two files (whose sha256 is checked) and on zlib only: four uint8 arrays,
no pickle, the dates in the archive fixed. Run once; the file is kept in the repository.
"""

from __future__ import annotations

import hashlib
import sys
import zipfile
from pathlib import Path

import numpy as np

SHA256 = {
    "optdigits.tra": "e1b683cc211604fe8fd8c4417e6a69f31380e0c61d4af22e93cc21e9257ffedd",
    "optdigits.tes": "85f89a0333cbbcf5b1a42f3d4d74013ee35f5e44dbeb5f9b54f78ce5b4f94910",
}
ROWS = {"optdigits.tra": 3823, "optdigits.tes": 1797}
PARTS = {"optdigits.tra": "train", "optdigits.tes": "test"}
MOST_INK = 16
TARGET = Path(__file__).parents[1] / "src" / "glassgrad" / "data" / "files" / "digits8x8.npz"


def main(folder: Path, target: Path = TARGET) -> None:
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for name, part in PARTS.items():
            table = read(folder, name)
            add(archive, f"{part}_X.npy", table[:, :64])
            add(archive, f"{part}_y.npy", table[:, 64])
    print(f"{target}: {target.stat().st_size:,} bytes")


def read(folder: Path, name: str) -> np.ndarray:
    content = (folder / name).read_bytes()
    if hashlib.sha256(content).hexdigest() != SHA256[name]:
        raise SystemExit(f"{name} is not the file of the UCI repository")
    table = np.array([line.split(b",") for line in content.split()], dtype=np.uint8)
    if table.shape != (ROWS[name], 65) or table[:, :64].max() > MOST_INK:
        raise SystemExit(f"{name} does not hold {ROWS[name]} rows of 64 counts and a class")
    return table


def add(archive: zipfile.ZipFile, name: str, array: np.ndarray) -> None:
    entry = zipfile.ZipInfo(name)  # dated 1980-01-01, so that the file repeats itself
    entry.compress_type = zipfile.ZIP_DEFLATED
    with archive.open(entry, "w") as stream:
        np.lib.format.write_array(stream, np.ascontiguousarray(array))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
