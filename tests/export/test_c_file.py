"""Exported C: compiled as strictly as C99 allows, it says what the package says."""

from __future__ import annotations

import csv
import ctypes
import io
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from export.compiling import GCC, cells, code_of, command, gcc, library, needs_gcc, pointer, said
from export.runs import HEADS, HOSTILE, hostile_rows, passengers, subject_of, write_rows

from glassgrad.export import Subject, c_file
from glassgrad.export.c_words import filled
from glassgrad.nn import MLP
from glassgrad.text import speaking
from glassgrad.train.heads import Head

pytestmark = needs_gcc
EXACT = 2e-6  # relative: sums in another order than those of the machine's BLAS


def _expected(subject: Subject, table: Any) -> tuple[Any, Any, Any]:
    """The rows that count, the predictions for them, and the outputs."""
    assert subject.plan is not None
    batch = subject.plan.transform(table, dtype=np.float32, with_target=False)
    outputs = subject.model.predict(batch.X)
    if not subject.classes:
        return batch.kept, subject.plan.targets(outputs.reshape(-1)), outputs
    return batch.kept, subject.plan.labels(subject.head.codes(outputs)), outputs


def _printed(done: subprocess.CompletedProcess[str]) -> list[list[str]]:
    assert done.returncode == 0, done.stderr
    return list(csv.reader(io.StringIO(done.stdout)))


@pytest.mark.parametrize("missing", ["impute", "drop"])
def test_the_command_prints_what_predict_prints(tmp_path: Path, missing: str) -> None:
    path = passengers(tmp_path)
    subject, table = subject_of(path, "lived", missing=missing, drop=["id"])
    program = command(tmp_path, c_file(subject, "boat").text)
    kept, labels, outputs = _expected(subject, table)
    head, *rows = _printed(said(program, path, "--probabilities"))
    assert head == ["row", "prediction", "p(0)", "p(1)"]
    assert [int(row[0]) for row in rows] == (kept + 1).tolist()
    assert [int(row[1]) for row in rows] == labels.tolist()
    shares = subject.head.probabilities(outputs)
    np.testing.assert_allclose(np.array(rows)[:, 2:].astype(float), shares, rtol=1e-5)
    assert [row[:2] for row in rows] == _printed(said(program, path))[1:]


def test_columns_in_any_order_and_rows_by_position(tmp_path: Path) -> None:
    subject, table = subject_of(passengers(tmp_path), "lived", missing="impute", drop=["id"])
    program = command(tmp_path, c_file(subject, "boat").text)
    words = list(zip(*(c.words(range(len(table))) for c in table.columns), strict=True))
    expected = _printed(said(program, tmp_path / "boat.csv"))
    for order in ([5, 4, 3, 2, 1, 0], [3, 1, 4, 2]):
        head = ["\ufeff" + table.names[order[0]], *(table.names[j] for j in order[1:])]
        rows = [[row[j] for j in order] for row in words]
        assert _printed(said(program, write_rows(tmp_path / "o.csv", head, rows))) == expected
    for places in (range(6), range(5), range(1, 5)):
        rows = [[row[j] for j in places] for row in words]
        assert _printed(said(program, write_rows(tmp_path / "o.csv", [], rows))) == expected
    text = 'age;fare;port;smoker\r\n\r\n  30 ;1e1;"S";"Y""es"""\r\n'
    (tmp_path / "o.csv").write_bytes(text.encode())
    refused = said(program, tmp_path / "o.csv", "--delimiter", ";")
    assert refused.stderr == "row 1: neither of its two words in column smoker\n"
    (tmp_path / "o.csv").write_bytes(text.replace('""', "").encode())
    assert len(_printed(said(program, tmp_path / "o.csv", "--delimiter", ";"))) == 2


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("age,port,smoker\n1,S,no\n", "a column is missing: fare"),
        ("age,age,fare,port,smoker\n1,1,1,S,no\n", "several columns have the name age"),
        ("age,fare,port,smoker\nx,1,S,no\n", "no finite number in column age"),
        ("age,fare,port,smoker\n1,inf,S,no\n", "no finite number in column fare"),
        ("age,fare,port,smoker\n1,2,S\n", "another number of cells than the first"),
        ('age,fare,port,smoker\n1,2,"S,no\n', "a quote is not closed"),
        ('age,fare,port,smoker\n1,2,"S"x,no\n', "text stands behind a closing quote"),
        ("1,2\n", "another number of cells than the rows of training"),
        ("", "another number of cells than the rows of training"),
        ("age,fare,port,smoker\n", "there is no row to predict"),
        ("age,fare,port,smoker\n1,2,S\0,no\n", "a zero byte"),
        (f"age,fare,port,smoker\n1,2,{'S' * 70_000},no\n", "it is too long"),
    ],
)
def test_rows_that_do_not_fit(boat: Path, tmp_path: Path, text: str, problem: str) -> None:
    (tmp_path / "bad.csv").write_text(text, encoding="utf-8")
    done = said(boat, tmp_path / "bad.csv")
    assert done.returncode == 1
    assert problem in done.stderr


@pytest.fixture(scope="module")
def boat(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The command of a table with gaps, with the checks of gcc for addresses and overflows."""
    folder = tmp_path_factory.mktemp("boat")
    subject, _ = subject_of(passengers(folder), "lived", missing="impute", drop=["id"])
    text = c_file(subject, "boat").text
    return command(folder, text, "-fsanitize=address,undefined", "-fno-sanitize-recover=all")


def test_a_row_at_a_time(tmp_path: Path) -> None:
    subject, table = subject_of(passengers(tmp_path), "lived", missing="impute", drop=["id"])
    made = library(tmp_path, c_file(subject, "boat").text)
    _, _, outputs = _expected(subject, table)
    label, shares = ctypes.c_int32(-1), (ctypes.c_double * 2)()
    rows = list(zip(*(c.words(range(len(table))) for c in table.columns), strict=True))
    for i, row in enumerate(rows):
        some = [cell or None for cell in row]
        assert made.boat_predict_row(cells(some), 6, ctypes.byref(label), shares) == 0
        assert label.value == outputs[i].argmax()
        np.testing.assert_allclose(shares, subject.head.probabilities(outputs[i : i + 1])[0], 1e-5)
    assert made.boat_predict_row(cells(rows[0][1:5]), 4, ctypes.byref(label), None) == 0
    assert label.value == outputs[0].argmax()
    statuses = [
        made.boat_predict_row(cells(row), len(row), ctypes.byref(label), None)
        for row in (["x", "1", "S", "no"], ["1", "1", "S", "maybe"], ["1"], ["1", "", "S", "no"])
    ]
    assert statuses == [2, 3, 4, 0]  # no number, no word, wrong count, fine


def test_hostile_names_are_only_ever_text(tmp_path: Path) -> None:
    path = hostile_rows(tmp_path)
    subject, table = subject_of(path, 'class"*/', categorical=[3])
    text = c_file(subject, "hostile").text
    assert "evil" in text
    assert "evil" not in code_of(text)
    assert not any(f"{mark}" in text for mark in ("??/", "??'", "\u202e", "\x07"))
    program = command(tmp_path, text, "-trigraphs")
    head, *rows = _printed(said(program, path, "--probabilities"))
    _, labels, _ = _expected(subject, table)
    assert [row[1] for row in rows] == labels.tolist()
    assert head[2:] == [f"p({name})" for name in subject.classes]
    assert set(subject.classes) == set(HOSTILE[:6])
    names = (ctypes.c_char_p * 5).in_dll(library(tmp_path, text), "hostile_columns")
    assert [name.decode() for name in names] == list(table.names)


def test_a_quantity_in_its_own_unit(tmp_path: Path) -> None:
    rows = [[f"{i / 7:.3f}", f"{i % 5}e-1", f"{1000 + 3.25 * i:.2f}"] for i in range(60)]
    path = write_rows(tmp_path / "q.csv", ("x", "z", "price"), rows)
    subject, table = subject_of(path, "price", loss="mse")
    text = c_file(subject, "q").text
    _, values, _ = _expected(subject, table)
    found = np.array(_printed(said(command(tmp_path, text), path))[1:])[:, 1]
    np.testing.assert_allclose(found.astype(float), values, rtol=EXACT)
    assert all(repr(float(word)) == word for word in found), "digits as Python writes them"
    made = library(tmp_path, text)
    numbers = np.array([row[:2] for row in rows], np.float64)
    out = np.zeros(60)
    assert made.q_predict_rows(pointer(numbers), 60, pointer(out)) == 0
    assert out.tolist() == found.astype(float).tolist()
    numbers[3, 1] = np.nan
    assert made.q_predict_rows(pointer(numbers), 60, pointer(out)) == 1  # missing
    numbers[3, 1] = np.inf
    assert made.q_predict_rows(pointer(numbers), 60, pointer(out)) == 2  # no number


def test_numbers_are_written_as_python_writes_them(tmp_path: Path) -> None:
    values = [0.0, -0.0, 1.0, 0.1, 1e15, 1e16, 123456789.125, 1e-4, 1e-5, 5e-324, 1 / 3, 1e300]
    printed = "".join(f"    t_print_number({x.hex()});\n    putchar(10);\n" for x in values)
    text = "#include <stdio.h>\n#include <stdlib.h>\n#include <string.h>\n\n"
    text += filled("print_number", {"p": "t", "P": "T_"})
    text += f"\nint main(void)\n{{\n{printed}    return 0;\n}}\n"
    found = subprocess.check_output([command(tmp_path, text)], encoding="utf-8").split()
    assert found == list(map(repr, values))


@pytest.mark.parametrize(("loss", "classes"), HEADS)
def test_every_head(tmp_path: Path, loss: str, classes: int) -> None:
    rows = [[f"{i * 7 % 11}", "abc"[i % classes]] for i in range(30)]
    path = write_rows(tmp_path / "h.csv", ("x", "y"), rows)
    subject, table = subject_of(path, "y", loss=loss)
    made = library(tmp_path, c_file(subject, "h").text)
    _, labels, outputs = _expected(subject, table)
    numbers = np.array([[float(row[0])] for row in rows])
    codes, shares = np.zeros(30, np.int32), np.zeros((30, classes))
    given = [pointer(shares)] if subject.head.link else []
    assert made.h_predict_rows(pointer(numbers), 30, pointer(codes), *given) == 0
    assert [subject.classes[code] for code in codes] == labels.tolist()
    if subject.head.link:
        expected = subject.head.probabilities(outputs)
        np.testing.assert_allclose(shares, expected, rtol=1e-5, atol=1e-12)


# --- what it needs -----------------------------------------------------------------------


def _plain_subject(scale: float = 16.0) -> Subject:
    model = MLP((4, 8, 3), "tanh", rng=0)
    head = Head("cross_entropy", 3)
    return Subject(name="p", model=model, width=4, head=head, classes=tuple("xyz"), scale=scale)


def test_a_freestanding_file_needs_nothing(tmp_path: Path) -> None:
    subject, table = subject_of(passengers(tmp_path), "lived", missing="impute", drop=["id"])
    text = c_file(subject, "boat", freestanding=True).text
    above = text.partition("#ifdef GLASSGRAD_MAIN")[0]
    included = {line.split()[1] for line in above.splitlines() if line.startswith("#include")}
    assert included == {"<float.h>", "<stddef.h>", "<stdint.h>"}
    path = tmp_path / "alone.c"
    path.write_text(text, encoding="utf-8")
    gcc("-O2", "-ffreestanding", "-c", path, "-o", tmp_path / "alone.o")
    listed = subprocess.check_output(["nm", "-u", tmp_path / "alone.o"], encoding="utf-8").split()
    assert set(listed) - {"U"} <= {"memcpy", "memset", "memmove", "memcmp"}  # gcc's own
    _, labels, _ = _expected(subject, table)
    rows = _printed(said(command(tmp_path, text), tmp_path / "boat.csv"))[1:]
    assert [int(row[1]) for row in rows] == labels.tolist()


def test_another_file_sees_declarations_alone(tmp_path: Path) -> None:
    (tmp_path / "p.c").write_text(c_file(_plain_subject(), "p").text, encoding="utf-8")
    user = """
#define P_DECLARATIONS_ONLY
#include "p.c"
#include "p.c"
int main(void)
{
    const double pixels[2 * P_FEATURES] = {0, 16, 4, 3, 1, 1, 1, 16};
    int32_t labels[2] = {-1, -1};
    double probabilities[2 * P_CLASSES];
    const int status = p_predict_rows(pixels, 2, labels, probabilities);
    return status == P_FINE && labels[0] >= 0 && labels[1] >= 0 && p_labels[0][0] == 'x' ? 0 : 1;
}
"""
    (tmp_path / "user.c").write_text(user, encoding="utf-8")
    gcc(tmp_path / "user.c", tmp_path / "p.c", "-o", tmp_path / "user", "-lm")
    assert subprocess.run([tmp_path / "user"], check=False).returncode == 0


def _written_to(folder: Path, text: str) -> int:
    """The bytes of all arrays of the compiled file that are no constants."""
    (folder / "sizes.c").write_text(text, encoding="utf-8")
    gcc("-O1", "-fno-pie", "-c", folder / "sizes.c", "-o", folder / "sizes.o")
    listed = subprocess.check_output(["nm", "-S", folder / "sizes.o"], encoding="utf-8")
    rows = [line.split() for line in listed.splitlines()]
    return sum(int(row[1], 16) for row in rows if len(row) == 4 and row[2] in "bBdD")


@pytest.mark.parametrize("learns", ["", "adam"])
def test_sizes_at_the_head(tmp_path: Path, learns: str) -> None:
    subject, _ = subject_of(
        passengers(tmp_path), "lived", missing="impute", drop=["id"], learns=learns
    )
    made = c_file(subject, "boat", batch=3)
    weights = sum(value.nbytes for value in subject.weights())
    assert made.constant_bytes >= (0 if learns else weights)
    assert f"{made.constant_bytes:,} bytes of constants" in made.text
    assert f"{made.memory_bytes:,} bytes that are written to" in made.text
    assert 0 <= made.memory_bytes - _written_to(tmp_path, made.text) < 64
    assert "malloc" not in code_of(made.text)


def test_pixels(tmp_path: Path) -> None:
    subject = _plain_subject()
    program = command(tmp_path, c_file(subject, "p").text)
    pixels = np.arange(40).reshape(10, 4) * 7 % 17
    outputs = subject.model.predict((pixels / 16).astype(np.float32))
    labels = [subject.classes[code] for code in outputs.argmax(axis=1)]
    for head, named in (([], [*pixels.T, labels]), (["label", *"abcd"], [labels, *pixels.T])):
        path = write_rows(tmp_path / "p.csv", head, list(zip(*named, strict=True)))
        assert [row[1] for row in _printed(said(program, path))[1:]] == labels
    for row, problem in (([0, 0, 0, 17], "outside"), ([0, 0, 0, "x"], "no finite number")):
        path = write_rows(tmp_path / "p.csv", [], [[1, 2, 3, 4], row])
        assert problem in said(program, path).stderr


def test_raw(tmp_path: Path) -> None:
    subject = _plain_subject()
    text = c_file(subject, "p", raw=True).text
    assert "p_labels" not in text
    X = np.random.default_rng(0).random((5, 4)).astype(np.float32)
    expected = subject.model.predict(X)
    made, y = library(tmp_path, text), np.zeros(3, np.float32)
    for i in range(5):
        made.p_network(pointer(X[i]), pointer(y))
        np.testing.assert_allclose(y, expected[i], rtol=1e-5, atol=1e-6)
    np.savetxt(tmp_path / "X.csv", X, delimiter=",", fmt="%.9g")
    rows = _printed(said(command(tmp_path, text), tmp_path / "X.csv"))
    assert rows[0] == ["row", "y0", "y1", "y2"]
    np.testing.assert_allclose(np.array(rows[1:], float)[:, 1:], expected, rtol=1e-5, atol=1e-6)


def test_a_file_is_written_in_english() -> None:
    with speaking("ko"):
        assert not any("가" <= c <= "힣" for c in c_file(_plain_subject(), "p").text)


def test_an_alphabet_of_labels_stands_in_a_comment_too(tmp_path: Path) -> None:
    rows = [[i, ("붓꽃", "장미")[i % 2]] for i in range(20)]
    subject, _ = subject_of(write_rows(tmp_path / "k.csv", ("길이", "꽃"), rows), "꽃")
    text = c_file(subject, "k").text
    assert "/* 붓꽃, 장미 */" in text
    assert code_of(text).isascii()
    assert GCC is not None
