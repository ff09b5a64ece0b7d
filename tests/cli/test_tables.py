"""Files of rows: train, evaluate and predict on what a user has, from the run directory alone."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Any

import numpy as np

QUICK = ("--epochs", "60", "--lr", "0.02", "--layers", "16")


def _train(cli: Any, path: Path, *words: str, target: str = "species") -> Any:
    result = cli("train", path, "--target", target, *QUICK, *words)
    assert result.code == 0, result.err
    return result


def _rows(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def test_a_table_with_categories(cli: Any, flowers: Path) -> None:
    result = _train(cli, flowers)
    assert "classification, 3 classes" in result.out
    assert "flowers.csv: 48 rows for training, 12 for testing, 5 features" in result.out
    score = result.out.split("test part: ")[1].splitlines()[0]
    flowers.unlink()
    assert cli("evaluate", "flowers").out.splitlines()[0] == score


def test_rows_in_any_order_of_columns_and_without_the_target(cli: Any, flowers: Path) -> None:
    _train(cli, flowers)
    rows = _rows(flowers.read_text(encoding="utf-8"))
    shuffled = "colour,more,width,length\n"
    shuffled += "".join(f"{r['colour']},?,{r['width']},{r['length']}\n" for r in rows)
    Path("new.csv").write_text(shuffled, encoding="utf-8")
    predicted = _rows(cli("predict", "flowers", "new.csv").out)
    same = [row["species"] == p["prediction"] for row, p in zip(rows, predicted, strict=True)]
    assert np.mean(same) > 0.95
    assert [int(row["row"]) for row in predicted] == list(range(1, 61))


def test_a_missing_column_is_named(cli: Any, flowers: Path) -> None:
    _train(cli, flowers)
    Path("new.csv").write_text("length,colour\n1,red\n", encoding="utf-8")
    result = cli("predict", "flowers", "new.csv")
    assert result.code == 1
    assert "column width is missing from the rows" in result.err
    assert result.out == ""


def test_probabilities_and_json_and_files(cli: Any, flowers: Path) -> None:
    _train(cli, flowers)
    result = cli("predict", "flowers", flowers, "--probabilities")
    first = _rows(result.out)[0]
    shares = [float(first[f"p({name})"]) for name in "abc"]
    assert abs(sum(shares) - 1) < 1e-5
    assert first["prediction"] == "abc"[int(np.argmax(shares))]
    found = cli("predict", "flowers", flowers, "--probabilities", "--json").json
    assert found[0]["prediction"] == first["prediction"]
    assert set(found[0]["probabilities"]) == {"a", "b", "c"}
    written = cli("predict", "flowers", flowers, "-o", "out.csv")
    assert (written.code, written.out) == (0, "")
    assert len(_rows(Path("out.csv").read_text(encoding="utf-8"))) == 60


def test_an_unseen_category_is_counted(cli: Any, flowers: Path) -> None:
    _train(cli, flowers)
    Path("new.csv").write_text("length,width,colour\n1,2,green\n", encoding="utf-8")
    result = cli("predict", "flowers", "new.csv")
    assert result.code == 0
    assert "colour: 1 values in categories that training did not have" in result.err


def test_folds(cli: Any, flowers: Path) -> None:
    result = _train(cli, flowers, "--folds", "4", "--json")
    folds = result.json["folds"]
    assert [fold["rows"] for fold in folds] == [15] * 4
    assert np.mean([fold["accuracy"] for fold in folds]) > 0.9
    assert "cross-validation of 4 folds" in result.err
    refused = cli("evaluate", "flowers")
    assert refused.code == 2
    assert "was trained on all rows" in refused.err
    assert cli("evaluate", "flowers", flowers).code == 0


def test_folds_of_a_built_in_set(cli: Any) -> None:
    result = cli("train", "moons", "--epochs", "4", "--folds", "2", "--json")
    assert [fold["rows"] for fold in result.json["folds"]] == [200, 200]
    assert result.json["test"]["rows"] == 200


def test_a_headerless_file_by_position(cli: Any, flowers: Path) -> None:
    body = flowers.read_text(encoding="utf-8").splitlines()[1:]
    Path("plain.data").write_text("\n".join(body), encoding="utf-8")
    _train(cli, Path("plain.data"), target="-1")
    assert cli("evaluate", "plain").code == 0
    Path("new.csv").write_text("1.0,2.0,red\n", encoding="utf-8")
    assert _rows(cli("predict", "plain", "new.csv").out)[0]["prediction"] in "abc"


def test_missing_cells(cli: Any, flowers: Path) -> None:
    lines = flowers.read_text(encoding="utf-8").splitlines()
    lines[5] = lines[5].replace(lines[5].split(",")[1], "", 1)
    Path("gaps.csv").write_text("\n".join(lines), encoding="utf-8")
    refused = cli("train", "gaps.csv", "--target", "species")
    assert refused.code == 1
    assert "row 5, column width" in refused.err
    for way in ("drop", "impute"):
        assert cli("train", "gaps.csv", "--target", "species", *QUICK, "--missing", way).code == 0


def test_a_quantity(cli: Any) -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(300, 2))
    y = 1000 + 50 * x[:, 0] - 20 * x[:, 1]
    lines = ["a,b,price", *(f"{a:.5f},{b:.5f},{p:.3f}" for (a, b), p in zip(x, y, strict=True))]
    Path("houses.csv").write_text("\n".join(lines), encoding="utf-8")
    result = _train(cli, Path("houses.csv"), target="price")
    assert "regression of price" in result.out
    score = result.out.split("test part: ")[1]
    assert score.startswith("R² 0.9")
    assert cli("evaluate", "houses", "houses.csv").out.startswith("R² 0.9")
    Path("new.csv").write_text("b,a\n0,0\n", encoding="utf-8")
    predicted = float(_rows(cli("predict", "houses", "new.csv").out)[0]["prediction"])
    assert abs(predicted - 1000) < 10
    assert "no class probabilities" in cli("predict", "houses", "new.csv", "--probabilities").err


def test_an_npz_with_its_own_test_rows(cli: Any) -> None:
    rng = np.random.default_rng(0)
    y = np.arange(90) % 3
    X = rng.normal(size=(90, 4)) + 4 * np.eye(4)[y]
    np.savez("rows.npz", x_train=X[:60], y_train=y[:60], x_test=X[60:], y_test=y[60:])
    result = cli("train", "rows.npz", "--target", "y", *QUICK, "--json")
    assert result.json["rows"] == {"train": 60, "test": 30}
    assert cli("evaluate", "rows", "--json").json["rows"] == 30
    np.savez("new.npz", X=X[60:], y=y[60:])
    assert cli("evaluate", "rows", "new.npz", "--json").json["accuracy"] > 0.9


def test_delimiter_encoding_and_drop(cli: Any, flowers: Path) -> None:
    text = flowers.read_text(encoding="utf-8").replace(",", ";").replace("red", "빨강")
    Path("k.csv").write_bytes(text.encode("cp949"))
    words = ("--delimiter", ";", "--encoding", "cp949", "--drop", "colour")
    result = cli("train", "k.csv", "--target", "species", *QUICK, *words, "--json")
    assert result.json["layers"][0]["kind"] == "Linear(2, 16)"


def test_resuming_on_changed_rows_is_refused(cli: Any, flowers: Path) -> None:
    _train(cli, flowers)
    text = flowers.read_text(encoding="utf-8")
    flowers.write_text(text.replace("red", "green"), encoding="utf-8")
    result = cli("train", "runs/flowers", "--resume")
    assert result.code == 1
    assert "has changed since the run began" in result.err


# --- rows of built-in sets ---------------------------------------------------------------


def test_images_are_rows_of_raw_pixels(cli: Any) -> None:
    from glassgrad.data import digits

    data = digits()
    cli("train", "digits", "--epochs", "4")
    pixels = np.rint(data.test_X[:50] * 16).astype(int)
    lines = [
        ",".join(map(str, [*row, label])) for row, label in zip(pixels, data.test_y, strict=False)
    ]
    Path("rows.csv").write_text("\n".join(lines), encoding="utf-8")
    scores = cli("evaluate", "digits", "rows.csv", "--json").json
    assert scores["rows"] == 50
    assert scores["accuracy"] > 0.9
    np.savez("rows.npz", X=pixels.reshape(50, 8, 8), y=data.test_y[:50])
    assert cli("evaluate", "digits", "rows.npz", "--json").json == {**scores, "run": "runs/digits"}
    predicted = cli("predict", "digits", "rows.csv", "--json").json
    assert len(predicted) == 50


def test_pixels_of_another_scale_are_noticed(cli: Any) -> None:
    cli("train", "digits", "--steps", "5", "--layers", "4")
    row = ",".join(["255"] * 64)
    Path("bright.csv").write_text(f"{row}\n{row}\n", encoding="utf-8")
    result = cli("predict", "digits", "bright.csv")
    assert result.code == 1
    assert "0 ≤ pixel ≤ 16" in result.err
    row = ",".join(["0.25"] * 64)
    Path("scaled.csv").write_text(f"{row}\n{row}\n", encoding="utf-8")
    assert "look scaled already" in cli("predict", "digits", "scaled.csv").err
    Path("narrow.csv").write_text("1,2,3\n4,5,6\n", encoding="utf-8")
    assert (
        "the rows have 3 columns, the model takes 64" in cli("predict", "digits", "narrow.csv").err
    )


def test_unknown_runs_and_files(cli: Any) -> None:
    cli("train", "digits", "--steps", "5", "--layers", "4")
    missing = cli("predict", "digitz", "x.csv")
    assert missing.code == 2
    assert "runs/digits" in missing.err
    assert "there is no file x.csv" in cli("predict", "digits", "x.csv").err
