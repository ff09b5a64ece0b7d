"""The commands of the first acceptance, at full length on real data; `--full` runs them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from glassgrad.config import config

pytestmark = pytest.mark.full


@pytest.fixture
def tables(shared_data: Path) -> Path:
    return shared_data / "tabular"


@pytest.fixture
def folder(shared_data: Path) -> Any:
    with config.using(data=shared_data):
        yield shared_data


def _accuracy(result: Any) -> float:
    assert result.code == 0, result.err
    return float(result.json["test"]["accuracy"])


@pytest.mark.parametrize("seed", [0, 1])
def test_digits(cli: Any, seed: int) -> None:
    assert _accuracy(cli("train", "digits", "--json", "--quiet", "--seed", seed)) >= 0.965


@pytest.mark.shared("data/mnist")
def test_the_books_network(cli: Any, folder: Path) -> None:
    found = []
    for seed in range(10):
        result = cli("train", "mnist", "--canon", "--json", "--quiet", "--seed", seed)
        found.append(_accuracy(result))
        rows = result.json["gradient_check"]["rows"]
        assert max(row["difference"] for row in rows) <= 1e-9
    assert np.sum(np.array(found) >= 0.965) >= 9, found
    assert folder.exists()


@pytest.mark.shared("data/fashion-mnist")
def test_fashion_mnist(cli: Any, folder: Path) -> None:
    words = ("train", "fashion-mnist", "--layers", "256,128", "--json", "--quiet")
    assert _accuracy(cli(*words)) >= 0.885
    assert folder.exists()


def _mean(result: Any) -> float:
    assert result.code == 0, result.err
    return float(np.mean([fold["accuracy"] for fold in result.json["folds"]]))


@pytest.mark.shared("data/tabular/iris.csv")
def test_iris(cli: Any, tables: Path) -> None:
    words = ("--target", "-1", "--folds", "5", "--json")
    assert _mean(cli("train", tables / "iris.csv", *words)) >= 0.93


@pytest.mark.shared("data/tabular/titanic_train.csv")
def test_titanic(cli: Any, tables: Path) -> None:
    words = "--target Survived --missing impute --drop Name,Ticket,Cabin,PassengerId --folds 5"
    result = cli("train", tables / "titanic_train.csv", *words.split(), "--json")
    assert _mean(result) >= 0.81
    Path("rows.csv").write_text("Pclass,Sex,Age,SibSp,Parch,Fare\n1,male,22,0,0,7\n")
    refused = cli("predict", "titanic_train", "rows.csv")
    assert refused.code == 1
    assert "column Embarked is missing" in refused.err


@pytest.mark.shared("data/tabular/california_housing.csv")
def test_california(cli: Any, tables: Path) -> None:
    words = ("--target", "median_house_value", "--missing", "impute", "--json")
    result = cli("train", tables / "california_housing.csv", *words)
    assert result.json["task"] == "regression"
    assert result.json["test"]["r2"] >= 0.75
    assert cli("evaluate", "california_housing", "--json").json["r2"] >= 0.75


@pytest.mark.shared("data/tabular/breast_cancer_wdbc.csv")
def test_wdbc(cli: Any, tables: Path) -> None:
    words = ("--target", "diagnosis", "--drop", "rownames", "--folds", "5", "--json")
    result = cli("train", tables / "breast_cancer_wdbc.csv", *words)
    assert _mean(result) >= 0.97
    assert result.json["folds_mean"]["accuracy"] == pytest.approx(_mean(result))
    assert 0 < result.json["folds_deviation"]["accuracy"] < 0.05


@pytest.mark.shared("data/mnist")
def test_every_number_of_the_canon(cli: Any, folder: Path) -> None:
    result = cli("canon", "--all", "--json")
    assert result.code == 0, result.err
    assert all(entry["ok"] is not False for entry in result.json)
    assert folder.exists()
