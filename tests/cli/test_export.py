"""`glassgrad export`: programs that print what `glassgrad predict` prints, byte for byte."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from export.compiling import GCC, code_of, command, needs_gcc, said
from export.runs import alone, here, passengers

QUICK = ("--epochs", "10", "--lr", "0.02", "--layers", "8")


def _same(cli: Any, run: str, file: str, *words: str, program: str = "") -> str:
    """What the program of a run prints, if `glassgrad predict` prints it too."""
    expected = cli("predict", run, file, *words)
    done = here(Path(program or f"{run}.py"), file, *words)
    assert done.returncode == 0, done.stderr
    assert done.stdout == expected.out
    return done.stdout


def test_a_table(cli: Any, flowers: Path) -> None:
    assert cli("train", flowers, "--target", "species", *QUICK).code == 0
    result = cli("export", "flowers", "--to", "numpy")
    assert (result.code, result.out) == (0, "flowers.py\n"), result.err
    assert _same(cli, "flowers", "flowers.csv").count("\n") == 61
    _same(cli, "flowers", "runs/flowers/test.csv", "--probabilities")
    Path("new.csv").write_text("colour,width,length\ngreen,1,2\n, 3,1e0\n", encoding="utf-8")
    assert cli("predict", "flowers", "new.csv").code == 1  # a missing cell
    done = here(Path("flowers.py"), "new.csv")
    assert (done.returncode, done.stdout) == (1, "")
    assert "row 2 has a missing value" in done.stderr
    Path("new.csv").write_text("colour,width,length\ngreen,1,2\nred, 3,1e0\n", encoding="utf-8")
    _same(cli, "flowers", "new.csv", "--probabilities")


@pytest.mark.parametrize("missing", ["impute", "drop"])
def test_gaps_and_an_unknown_target(cli: Any, tmp_path: Path, missing: str) -> None:
    path = passengers(tmp_path)
    words = ("--target", "lived", "--drop", "id", "--missing", missing)
    assert cli("train", path, *words, *QUICK).code == 0
    assert cli("export", "boat", "--to", "numpy").code == 0
    _same(cli, "boat", "boat.csv", "--probabilities")
    lines = path.read_text(encoding="utf-8").splitlines()
    unknown = [lines[0], *(line.rpartition(",")[0] + "," for line in lines[1:])]
    Path("unknown.csv").write_text("\n".join(unknown), encoding="utf-8")
    assert cli("predict", "boat", "unknown.csv").out == cli("predict", "boat", "boat.csv").out
    _same(cli, "boat", "unknown.csv")


def test_a_quantity(cli: Any) -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(200, 2))
    y = 1000 + 50 * x[:, 0] - 20 * x[:, 1]
    lines = ["a,b,price", *(f"{a:.5f},{b:.5f},{p:.3f}" for (a, b), p in zip(x, y, strict=True))]
    Path("houses.csv").write_text("\n".join(lines), encoding="utf-8")
    assert cli("train", "houses.csv", "--target", "price", *QUICK).code == 0
    assert cli("export", "houses", "--to", "numpy").code == 0
    assert float(_same(cli, "houses", "houses.csv").split()[1].split(",")[1]) > 500


def test_digits_as_text_and_as_arrays(cli: Any) -> None:
    from glassgrad.data import digits

    data = digits()
    assert cli("train", "digits", "--epochs", "1").code == 0
    result = cli("export", "runs/digits", "--to", "numpy", "-o", "d.py", "--json")
    assert result.json == {
        "run": "runs/digits",
        "format": "numpy",
        "files": ["d.npz", "d.py"],
    }
    pixels = np.rint(data.test_X * 16).astype(int)
    assert data.test_y is not None
    rows = np.column_stack([pixels, data.test_y])[:40]
    np.savetxt("rows.csv", rows, fmt="%d", delimiter=",")
    np.savez("rows.npz", X=pixels.reshape(-1, 8, 8), y=data.test_y)
    _same(cli, "digits", "rows.csv", "--probabilities", program="d.py")
    expected = _same(cli, "digits", "rows.npz", program="d.py")
    assert expected.count("\n") == 1798
    np.save("rows.npy", pixels)
    done = alone(Path("d.py"), "rows.npy")
    assert done.stdout == expected


def test_a_headerless_table(cli: Any, flowers: Path) -> None:
    body = flowers.read_text(encoding="utf-8").splitlines()[1:]
    Path("plain.data").write_text("\n".join(body), encoding="utf-8")
    assert cli("train", "plain.data", "--target", "-1", *QUICK).code == 0
    assert cli("export", "plain", "--to", "numpy").code == 0
    _same(cli, "plain", "plain.data")
    Path("new.csv").write_text("1.0,2.0,red\n", encoding="utf-8")
    _same(cli, "plain", "new.csv")
    _same(cli, "plain", "flowers.csv")


def test_raw_and_training(cli: Any) -> None:
    words = ("--steps", "5", "--layers", "4", "--dropout", "0.2", "--optimizer", "momentum")
    assert cli("train", "moons", *words).code == 0
    assert cli("export", "moons", "--to", "numpy", "--raw", "--train").code == 0
    text = Path("moons.py").read_text(encoding="utf-8")
    assert "def learn(X: Any, targets: Any" in text
    assert "def predict" not in text
    Path("X.csv").write_text("0.5,1\n-1,2\n", encoding="utf-8")
    assert here(Path("moons.py"), "X.csv").stdout.startswith("row,y0,y1\n1,")


def test_files_that_are_there_stay(cli: Any) -> None:
    assert cli("train", "moons", "--steps", "3", "--layers", "4").code == 0
    Path("moons.py").write_text("mine", encoding="utf-8")
    refused = cli("export", "moons", "--to", "numpy")
    assert refused.code == 2
    assert "there is a file moons.py already" in refused.err
    assert Path("moons.py").read_text(encoding="utf-8") == "mine"
    assert cli("export", "moons", "--to", "numpy", "--force").code == 0
    assert Path("moons.py").read_text(encoding="utf-8") != "mine"
    assert not list(Path().glob(".*.part"))


WRONG = {
    "moons": "--to FORMAT is missing",
    "moons --to nunpy": "did you mean `numpy`?",
    "moons --to numpy --freestanding": "--freestanding is for --to c",
    "moons --to c --batch-size 4": "--batch-size is for --train",
    "moons --to c --train --batch-size 0": "1 ≤ batch size",
    "moons --to numpy -o csv.py": "csv.py would hide a module",
    "moons --to numpy -o moons.txt": "moons.txt has another suffix",
    "mons --to numpy": "there is no run mons",
    "moons --to numpy -o nowhere/moons.py": "nowhere",
}


def test_wrong_usage(cli: Any) -> None:
    assert cli("train", "moons", "--steps", "3", "--layers", "4").code == 0
    for words, problem in WRONG.items():
        result = cli("export", *words.split())
        assert result.code in (1, 2), words
        assert problem in result.err
        assert result.out == ""


def test_a_run_named_like_a_module(cli: Any) -> None:
    assert cli("train", "moons", "--steps", "3", "--layers", "4", "--name", "random").code == 0
    assert cli("export", "random", "--to", "numpy").out == "network_random.py\n"
    assert cli("train", "moons", "--steps", "3", "--layers", "4", "--name", "내 달").code == 0
    assert cli("export", "내 달", "--to", "numpy").out == "network.py\n"


def test_help_in_both_languages(cli: Any) -> None:
    assert "glassgrad export runs/iris --to numpy" in cli("export", "--help").out
    assert "선택 사항" in cli("--lang", "ko", "export", "--help").out


# --- C -----------------------------------------------------------------------------------


def _same_in_c(cli: Any, run: str, file: str, folder: Path) -> None:
    """The program in C prints the labels that `glassgrad predict` prints."""
    text = Path(f"{run}.c").read_text(encoding="utf-8")
    done = said(command(folder, text), Path(file))
    assert done.returncode == 0, done.stderr
    assert done.stdout == cli("predict", run, file).out


@needs_gcc
def test_a_table_in_c(cli: Any, flowers: Path, tmp_path: Path) -> None:
    assert cli("train", flowers, "--target", "species", *QUICK).code == 0
    result = cli("export", "flowers", "--to", "c", "--freestanding")
    assert (result.code, result.out) == (0, "flowers.c\n"), result.err
    _same_in_c(cli, "flowers", "runs/flowers/test.csv", tmp_path)
    _same_in_c(cli, "flowers", "flowers.csv", tmp_path)
    text = Path("flowers.c").read_text(encoding="utf-8")
    assert "flowers_predict_row(" in code_of(text)
    assert "math.h" not in code_of(text)


# --- real data ---------------------------------------------------------------------------


@pytest.mark.full
@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("iris", "--target -1"),
        ("wine", "--target -1"),
        ("titanic_train", "--target Survived --missing impute --drop Name,Ticket,Cabin"),
        ("breast_cancer_wdbc", "--target 1 --drop 0"),
        ("winequality-red", "--target -1 --task regression"),
        ("california_housing", "--target median_house_value --missing impute --epochs 3"),
    ],
)
def test_real_tables(cli: Any, shared_data: Path, tmp_path: Path, name: str, words: str) -> None:
    path = shared_data / "tabular" / f"{name}.csv"
    trained = cli("train", path, "--epochs", "10", "--layers", "16", "--name", "t", *words.split())
    assert trained.code == 0, trained.err
    assert cli("export", "t", "--to", "numpy").code == 0
    _same(cli, "t", "runs/t/test.csv")
    _same(cli, "t", str(path))
    is_classes = "median" not in words and "regression" not in words
    if is_classes:
        _same(cli, "t", str(path), "--probabilities")
    if is_classes and GCC is not None:
        assert cli("export", "t", "--to", "c").code == 0
        _same_in_c(cli, "t", str(path), tmp_path)
