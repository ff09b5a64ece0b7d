"""The pieces against the parts of the package that they stand for."""

from __future__ import annotations

import ast
import codecs
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from export.runs import HOSTILE

from glassgrad.data.columns import Table, number_in, text_column
from glassgrad.data.delimited import read_csv
from glassgrad.data.read import read_table
from glassgrad.errors import GlassgradError
from glassgrad.export.pieces import files, guessed_header, piece, pieces

FILES = (
    "a,b\n1,2\n3,4\n",
    "1,2\n3,4\n",
    "a;b\n1;2,5\n3;4,5\n",
    "a\tb\n1\t\n\n\n3\t?\n",
    'a,b\n"x, y",2\n"he said ""hi""",3\n',
    "name\nx\ny\n",
    "x\nx\ny\n",
    "p,q\nr,s\nt,u\n",
    "a, b\n 1, 2 \n3 ,4\n",
    ",a\n0,1\n1,2\n",
    "1,2\n",
    "a,b\n",
    "a,b\n1\n",
    "",
    "\n\n",
    'a,b\n"x,1\n',
    "a,a\n1,2\n",
    "1_000,2\n3,inf\nnan,4\n",
)


def _of_package(path: Path) -> Any:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            table = read_table(path)
    except GlassgradError:
        return None
    names = list(table.names) if table.has_header else None
    return names, [column.words(range(len(table))) for column in table.columns]


def _of_piece(path: Path) -> Any:
    try:
        names, columns = files.read_file(path)
    except ValueError:
        return None
    return names, [[files.word(cell) for cell in cells] for cells in columns]


@pytest.fixture(autouse=True)
def _words(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guessed_header, "MISSING_WORDS", files.MISSING_WORDS)


@pytest.mark.parametrize("text", FILES)
def test_files_of_text(tmp_path: Path, text: str) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(text.encode())
    assert _of_piece(path) == _of_package(path)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp949"])
def test_encodings(tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes("이름,값\n가,1\n나,2\n".encode(encoding))
    found = _of_piece(path)
    assert found == _of_package(path)
    assert found[0] == ["이름", "값"]
    path.write_bytes(codecs.BOM_UTF8[:2] + b"\0")
    assert _of_piece(path) is None


@pytest.mark.parametrize(
    "arrays",
    [
        {"X": np.arange(6.0).reshape(3, 2), "y": np.array([0, 1, 2])},
        {"x": np.arange(12).reshape(3, 2, 2), "y": np.array(["a", "b", "c"])},
        {"data": np.ones((2, 1), bool), "target": np.array([0.5, np.nan])},
        {"age": np.array([1, 2]), "name": np.array([" p", "q"])},
        {"X": np.ones((2, 2)), "y": np.ones(3)},
        {
            "x_train": np.ones((2, 3)), "y_train": np.zeros(2),
            "x_test": np.zeros((1, 3)), "y_test": np.ones(1),
        },
    ],
)  # fmt: skip
def test_archives_of_arrays(tmp_path: Path, arrays: dict[str, Any]) -> None:
    path = tmp_path / "a.npz"
    np.savez(path, **arrays)
    assert _of_piece(path) == _of_package(path)


def test_cells() -> None:
    words = ["", "NA", "1", "-1.5e3", "1_0", "inf", "nan", "NaN", " 2 ", "None", "?", "½", "٣"]
    column = text_column("x", [*words, *HOSTILE])
    for i, cell in enumerate([*words, *HOSTILE]):
        assert files.is_missing(cell) == column.missing[i]
        assert files.word(cell) == column.texts[i] if column.texts else False
        if not files.is_missing(cell):
            np.testing.assert_equal(files.number(cell), number_in(cell.strip()))
    assert [files.word(c) for c in (1.0, 2, 0.1, np.float32(3), True)] == "1 2 0.1 3 True".split()
    assert files.is_missing(None)
    assert files.is_missing(float("nan"))


def test_the_tables_of_missing_words_are_one() -> None:
    from glassgrad.data.columns import MISSING_WORDS

    assert files.MISSING_WORDS == MISSING_WORDS


def test_a_known_header(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from glassgrad.export.pieces import known_header

    monkeypatch.setattr(known_header, "COLUMNS", ["a", "b"])
    for text in ("a,c\n1,2\n", "c,d\n1,2\n"):
        path = tmp_path / "k.csv"
        path.write_text(text)
        table: Table = read_csv(path, expected=("a", "b"))
        first = text.splitlines()[0].split(",")
        assert known_header.looks_like_header(first, []) == table.has_header


@pytest.mark.parametrize(
    "module",
    "command files guessed_header known_header learning plain results table weights".split(),
)
def test_pieces_stand_alone(module: str) -> None:
    """They import NumPy and the standard library, and hold no mark for our checkers."""
    for name in pieces(module):
        text = piece(module, name)
        assert "noqa" not in text
        assert "glassgrad" not in text.replace("glassgrad.", "")
        assert not any(
            isinstance(n, ast.Import | ast.ImportFrom) for n in ast.walk(ast.parse(text))
        )
