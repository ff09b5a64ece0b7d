"""CSV files: what is guessed about them, and what is refused."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

from glassgrad.data import read_csv, read_table, table_of
from glassgrad.errors import (
    DataError,
    DataWarning,
    FileAccessError,
    FileFormatError,
    OptionError,
)


def write(tmp_path, content):
    path = tmp_path / "file.csv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def cells(table):
    return [list(column.words(range(len(table)))) for column in table.columns]


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_delimiters_are_found(tmp_path, delimiter):
    text = 'name,size\n"a;b, c\td",1\nx,2\n'.replace(",", delimiter)
    if delimiter == ",":
        text = 'name,size\n"a;b, c",1\nx,2\n'
    table = read_csv(write(tmp_path, text))
    assert table.names == ("name", "size")
    assert table.delimiter == delimiter
    np.testing.assert_array_equal(table.columns[1].numbers, [1, 2])


def test_one_column_needs_no_delimiter(tmp_path):
    table = read_csv(write(tmp_path, "a\n1\n2\n"))
    assert cells(table) == [["1", "2"]]


def test_a_semicolon_file_with_commas_in_its_cells(tmp_path):
    table = read_csv(write(tmp_path, "a;b\n1,5;x\n2,5;y\n"))
    assert cells(table) == [["1,5", "2,5"], ["x", "y"]]
    assert read_csv(write(tmp_path, "a|b\n1|2\n"), delimiter="|").names == ("a", "b")


@pytest.mark.parametrize(
    ("encoding", "found"),
    [("utf-8", "utf-8"), ("utf-8-sig", "utf-8-sig"), ("utf-16", "utf-16")],
)
def test_encodings_that_say_what_they_are(tmp_path, encoding, found):
    table = read_csv(write(tmp_path, "이름,나이\n영희,7\n".encode(encoding)))
    assert table.names == ("이름", "나이")
    assert table.encoding == found


def test_cp949_is_announced(tmp_path):
    path = write(tmp_path, "이름,나이\n똠방,7\n".encode("cp949"))
    with pytest.warns(DataWarning, match="CP949") as caught:
        table = read_csv(path)
    assert table.names == ("이름", "나이")
    assert caught[0].filename == __file__
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert read_csv(path, encoding="cp949").names == table.names


def test_text_that_cannot_be_decoded(tmp_path):
    path = write(tmp_path, b"a,b\n\xff\xff,1\n")
    with pytest.raises(FileFormatError, match="byte 4 is no cp949 text") as caught:
        read_csv(path)
    assert "--encoding" in caught.value.hint
    with pytest.raises(FileFormatError, match="utf-8"):
        read_csv(path, encoding="utf-8")
    with pytest.raises(OptionError, match="unknown encoding 'utf8x'"):
        read_csv(path, encoding="utf8x")
    assert read_csv(path, encoding="latin-1").columns[0].word(0) == "ÿÿ"
    with pytest.raises(FileFormatError, match="zero byte"):
        read_csv(write(tmp_path, b"\x7fELF\0\0\1"))


HEADERS = {
    "numbers below": ("a,b\n1,x\n2,y\n", True),
    "numbers on top": ("5.1,3.5,setosa\n4.9,3.0,setosa\n", False),
    "all text, a header": ("color,shape\nred,round\nred,square\n", True),
    "all text, recurring": ("red,round\nred,square\nblue,round\n", False),
    "all text, the same twice": ("p,p\nx,s\ny,s\n", False),
    "one row of numbers": ("1,2,3\n", False),
    "missing below": ("a,b\n,x\nNA,y\n3,z\n", True),
    "missing on top": (",2\n1,2\n3,4\n", False),
    "a name for the index is absent": (",a\n1,2\n2,3\n", True),
    "a number among names": ("name,2019,size,weight\na,1,2,3\nb,4,5,6\n", True),
    "only numbers": ("1,2\n3,4\n", False),
    "a mistake below": ("a,b\n" + "1,x\n" * 30 + "oops,y\n", True),
}


@pytest.mark.parametrize("case", HEADERS)
def test_headers_are_recognised(tmp_path, case):
    text, has_header = HEADERS[case]
    table = read_csv(write(tmp_path, text))
    assert table.has_header == has_header
    if not has_header:
        assert table.names[0] == "x0"


def test_headers_can_be_said(tmp_path):
    path = write(tmp_path, "1,2\n3,4\n")
    assert read_csv(path, header=True).names == ("1", "2")
    assert len(read_csv(path, header=False)) == 2
    path = write(tmp_path, "Age,Sex\n")
    with pytest.raises(DataError, match="a header but no rows"):
        read_csv(path, header=True)
    path = write(tmp_path, "Sex,Age\nmale,3\n")
    assert read_csv(path, expected=("Age", "Sex")).has_header
    assert not read_csv(path, expected=("x0",)).has_header
    assert read_csv(write(tmp_path, ",a\n1,2\n")).names == ("x0", "a")


def test_rows_of_other_lengths_are_named(tmp_path):
    path = write(tmp_path, 'a,b\n1,2\n\n"x\ny",2\n3\n4,5,6\n')
    with pytest.raises(DataError) as caught:
        read_csv(path)
    assert "row 3 (line 6) has 1; row 4 (line 7) has 3" in str(caught.value)
    many = "a,b\n" + "1,2\n" * 20 + "1\n" * 9
    with pytest.raises(DataError, match=r"row 25 \(line 26\) has 1; … \(9 in all\)"):
        read_csv(write(tmp_path, many))


@pytest.mark.parametrize("text", ["", "\n\n", "  \r\n", "\ufeff"])
def test_empty_files(tmp_path, text):
    with pytest.raises(DataError, match="the file is empty"):
        read_csv(write(tmp_path, text))


def test_broken_quotes_and_repeated_names(tmp_path):
    with pytest.raises(FileFormatError, match="line 3 is no CSV"):
        read_csv(write(tmp_path, 'a,b\n1,"2\n3,4\n'))
    with pytest.raises(DataError, match="several columns are named a"):
        read_csv(write(tmp_path, "a,a\n1,2\n"))
    with pytest.raises(FileAccessError, match="No such file"):
        read_table(tmp_path / "none.csv")


def test_cells(tmp_path):
    text = "a,b\n 1 , x\n?,NaN\n1e3,null\n-.5,<NA>\n1_000,n/a\n,none\ninf,0x10\n"
    table = read_csv(write(tmp_path, text))
    numbers, words = table.columns
    np.testing.assert_array_equal(numbers.missing, [0, 1, 0, 0, 0, 1, 0])
    np.testing.assert_array_equal(numbers.numbers[[0, 2, 3, 6]], [1, 1000, -0.5, np.inf])
    assert numbers.is_text.tolist() == [False] * 4 + [True, False, False]
    assert words.missing.tolist() == [False] + [True] * 5 + [False]
    assert words.word(0) == "x"


def test_a_row_of_blanks_is_a_row(tmp_path):
    assert len(read_csv(write(tmp_path, "a,b\n1,2\n,\n\n3,4\n"))) == 3


# --- NPZ ---------------------------------------------------------------------------------


def test_npz_tables(tmp_path):
    path = tmp_path / "a.npz"
    np.savez(path, X=np.arange(12.0).reshape(3, 2, 2), y=np.array(["a", "b", "a"]))
    table = read_table(path)
    assert table.names == ("x0", "x1", "x2", "x3", "y")
    assert table.columns[4].words([0, 1]) == ["a", "b"]
    np.savez(path, Age=np.array([1, 2]), Sex=np.array(["m", "f"]))
    assert read_table(path).names == ("Age", "Sex")
    np.savez(
        path,
        x_train=np.zeros((3, 2)),
        y_train=np.arange(3),
        x_test=np.ones((2, 2)),
        y_test=np.arange(2),
    )
    table = read_table(path)
    assert table.test_rows.tolist() == [3, 4]
    assert table.columns[0].numbers.tolist() == [0, 0, 0, 1, 1]


def test_npz_tables_that_do_not_fit(tmp_path):
    path = tmp_path / "a.npz"
    np.savez(path, X=np.zeros((3, 2)), y=np.zeros(4))
    with pytest.raises(DataError, match="different lengths"):
        read_table(path)
    np.savez(path, X=np.zeros((3, 2), dtype=complex), y=np.zeros(3))
    with pytest.raises(DataError, match="complex128"):
        read_table(path)
    np.savez(path, x_train=np.zeros((3, 2)), y_train=np.zeros(3), x_test=np.zeros((1, 3)))
    with pytest.raises(DataError, match="different lengths"):
        read_table(path)
    np.savez(path)
    with pytest.raises(DataError, match="no rows"):
        read_table(path)


# --- rows that a program holds -----------------------------------------------------------


class Frame:
    """What is used of a pandas DataFrame."""

    columns = ("Age", "Sex")

    def __getitem__(self, name):
        return {"Age": np.array([1.0, np.nan]), "Sex": ["m", None]}[name]


@pytest.mark.parametrize(
    "rows",
    [
        [{"Age": 1, "Sex": "m"}, {"Age": None}],
        {"Age": [1.0, float("nan")], "Sex": ["m", None]},
        {"Age": np.array([1.0, np.nan]), "Sex": np.array(["m", ""])},
        Frame(),
    ],
)
def test_named_rows(rows):
    table = table_of(rows)
    assert table.names == ("Age", "Sex")
    assert table.has_header
    np.testing.assert_array_equal(table.columns[0].numbers, [1, np.nan])
    assert table.columns[1].missing.tolist() == [False, True]


def test_nameless_rows():
    for rows in ([[1, "m"], (2, "f")], np.array([[1, "m"], [2, "f"]], dtype=object)):
        table = table_of(rows)
        assert not table.has_header
        assert cells(table) == [["1", "2"], ["m", "f"]]
    assert table_of(np.eye(2)).columns[0].numbers.tolist() == [1, 0]
    assert len(table_of({"Age": 3, "Sex": "m"})) == 1


@pytest.mark.parametrize(
    ("rows", "complaint"),
    [
        ([1, 2], "sequences or mappings"),
        (["ab"], "sequences or mappings"),
        ([[1, 2], [3]], "row 2 has 1 cells, not 2"),
        (np.zeros(3), "two axes"),
        ({"a": [1, 2], "b": [1]}, "different lengths"),
        ([], "no rows"),
    ],
)
def test_rows_that_are_none(rows, complaint):
    with pytest.raises(DataError, match=complaint):
        table_of(rows)
