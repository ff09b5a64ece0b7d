"""What an exported program does with a file: the table that `glassgrad predict` prints.

Layer L10. Three forms of `main`, of which a program has one.
"""

from __future__ import annotations

import argparse
import csv
import sys
from pathlib import Path
from typing import Any

import numpy as np

CLASSES: list[Any] = []
DTYPE: Any = np.float32
WIDTH = 1


def features_in_file(path: Any, encoding: Any) -> Any:
    """Stands for that of `table.py` or `plain.py`."""


def outputs(X: Any) -> Any:
    """Stands for the network."""


def decoded(values: Any) -> Any:
    """Stands for what the outputs mean."""


def probabilities_of(values: Any) -> Any:
    """Stands for the probabilities of classes."""


def main_with_probabilities(words: Any = None) -> None:
    """Print the number and the prediction of each row of a file, as CSV."""
    parser = argparse.ArgumentParser(description=main_with_probabilities.__doc__)
    parser.add_argument("file", help="raw rows: CSV, NPZ or NPY")
    parser.add_argument("--probabilities", action="store_true", help="one column more a class")
    parser.add_argument("--encoding", help="of CSV; UTF-8, else CP949, if not given")
    given = parser.parse_args(words)
    try:
        X, numbers = features_in_file(given.file, given.encoding)
    except (OSError, LookupError, ValueError) as error:
        sys.exit(f"{given.file}: {error}")
    values = outputs(X)
    labels = decoded(values).tolist()
    table = [[number, label] for number, label in zip(numbers, labels, strict=True)]
    names = CLASSES if given.probabilities else []
    if given.probabilities:
        for row, shares in zip(table, probabilities_of(values), strict=True):
            row += [f"{share:.6g}" for share in shares]
    write_csv([["row", "prediction", *(f"p({name})" for name in names)], *table])


def main_of_predictions(words: Any = None) -> None:
    """Print the number and the prediction of each row of a file, as CSV."""
    parser = argparse.ArgumentParser(description=main_of_predictions.__doc__)
    parser.add_argument("file", help="raw rows: CSV, NPZ or NPY")
    parser.add_argument("--encoding", help="of CSV; UTF-8, else CP949, if not given")
    given = parser.parse_args(words)
    try:
        X, numbers = features_in_file(given.file, given.encoding)
    except (OSError, LookupError, ValueError) as error:
        sys.exit(f"{given.file}: {error}")
    labels = decoded(outputs(X)).tolist()
    write_csv([["row", "prediction"], *zip(numbers, labels, strict=True)])


def main_of_outputs(words: Any = None) -> None:
    """Print what the network puts out for each row of its own inputs, as CSV."""
    parser = argparse.ArgumentParser(description=main_of_outputs.__doc__)
    parser.add_argument("file", help="inputs of the network: NPY, or numbers with commas")
    given = parser.parse_args(words)
    try:
        is_npy = Path(given.file).read_bytes()[:6] == b"\x93NUMPY"
        X = np.load(given.file) if is_npy else np.loadtxt(given.file, delimiter=",", ndmin=2)
        if X.shape[1:] != (WIDTH,):
            raise ValueError(f"rows of shape {X.shape[1:]}; the network takes {WIDTH} numbers")
    except (OSError, ValueError) as error:
        sys.exit(f"{given.file}: {error}")
    values = outputs(X)
    table = [[number, *map(str, row)] for number, row in enumerate(values, start=1)]
    write_csv([["row", *(f"y{j}" for j in range(values.shape[1]))], *table])


def write_csv(rows: Any) -> None:
    """Rows of cells on standard output."""
    sys.stdout.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
    csv.writer(sys.stdout, lineterminator="\n").writerows(rows)
