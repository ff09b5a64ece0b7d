"""Tasks and targets of tables; plans as JSON, whole and damaged."""

from __future__ import annotations

import json

import numpy as np
import pytest

from glassgrad.data import (
    TablePlan,
    fit_table,
    plan_to_dict,
)
from glassgrad.errors import DataError, FileFormatError

ROWS = [
    {"Age": 20, "Sex": "male", "Smokes": "yes", "Class": "a"},
    {"Age": 40, "Sex": "female", "Smokes": "no", "Class": "b"},
    {"Age": 30, "Sex": "male", "Smokes": "No", "Class": "a"},
    {"Age": 30, "Sex": "female", "Smokes": "yes", "Class": "b"},
]


# --- targets -----------------------------------------------------------------------------


def targets(*values):
    return [{"x": i, "y": value} for i, value in enumerate(values)]


@pytest.mark.parametrize(
    ("values", "task"),
    [
        (("a", "b", "a"), "classification"),
        ((0, 1, 1, 0), "classification"),
        (("1.0", "2.0", "1.0"), "classification"),
        ((3, 3, 4, 4, 5, 5), "classification"),
        ((3, 4, 5, 6, 7, 8), "regression"),
        ((0.5, 1, 1), "regression"),
        (tuple(range(21)) * 3, "regression"),
        (("true", "false", "true"), "classification"),
    ],
)
def test_the_task_is_inferred(values, task):
    assert fit_table(targets(*values), "y").task == task


def test_the_task_can_be_said():
    assert fit_table(targets(0, 1, 1, 0), "y", task="regression").task == "regression"
    plan = fit_table(targets(3, 7, 5, 9), "y", task="classification")
    assert plan.classes == ("3", "5", "7", "9")
    assert plan.decode(np.eye(4)).tolist() == [3, 5, 7, 9]
    with pytest.raises(DataError, match=r"row 2, column y is 0\.5, no integer label"):
        fit_table(targets(0, 0.5, 1), "y", task="classification")
    with pytest.raises(DataError, match="row 1, column y is 'a'"):
        fit_table(targets("a", 1, 2, 3), "y", task="regression")


def test_labels_are_one_class_however_they_are_spelled():
    plan = fit_table(targets("10", "2", "10.0", "2"), "y")
    assert plan.classes == ("2", "10")
    assert plan.transform(targets("2.0", "1e1")).y.tolist() == [0, 1]
    assert plan.labels([1, 0]).tolist() == [10, 2]
    with pytest.raises(DataError, match="'3', a class that training did not have"):
        plan.transform(targets("3"))


def test_text_labels_come_back():
    plan = fit_table(ROWS, "Class")
    assert plan.decode([[1, 0], [0, 2]]).tolist() == ["a", "b"]
    with pytest.raises(ValueError, match=r"\(2, 3\)"):
        plan.decode(np.zeros((2, 3)))


def test_regression_targets_are_standardised_and_come_back():
    rows = targets(1.5, 2.5, 3.5, 100.25)
    plan = fit_table(rows, "y", select=[0, 1, 2])
    assert plan.target_mean == 2.5
    y = plan.transform(rows, dtype=np.float64).y
    np.testing.assert_allclose(y[:3].std(), 1)
    np.testing.assert_allclose(plan.decode(y), [1.5, 2.5, 3.5, 100.25], rtol=1e-15)
    assert plan.decode(y[:, None]).shape == (4,)


@pytest.mark.parametrize(
    ("values", "complaint"),
    [
        (("a", "a"), "one class only, 'a'"),
        ((1, 1), "one class only, '1'"),
        ((1.5, 1.5), "every target is 1.5"),
        ((1.5, "inf", 2), "no finite number"),
        ((1.5, "nan", 2), "row 2, column y"),
        ((1.5, "oops", 2.5, 3.5), "text in a numeric column"),
        (tuple(f"w{i}" for i in range(30)), "30 different texts in 30 rows"),
    ],
)
def test_targets_that_cannot_be_learnt(values, complaint):
    with pytest.raises(DataError, match=complaint):
        fit_table(targets(*values), "y")


# --- stored ------------------------------------------------------------------------------


def plans():
    missing = [*ROWS, {"Age": None, "Sex": "female", "Smokes": "no", "Class": "b"}]
    yield fit_table(ROWS, "Class")
    yield fit_table(missing, "Class", missing="impute", drop=["Smokes"])
    yield fit_table(targets(1.1, 2.2, 3.3), "y")
    yield fit_table([[1, "a"], [2, "b"]], -1)


@pytest.mark.parametrize("plan", list(plans()), ids=["plain", "imputed", "regression", "positions"])
def test_a_plan_survives_json(plan):
    assert TablePlan.from_json(plan.to_json()) == plan


def mutations():
    good = plan_to_dict(fit_table(ROWS, "Class"))
    feature = good["features"][0]
    yield "JSON", "{"
    yield "JSON", "[" * 100_000
    yield "plan", []
    for key in good:
        yield key, {k: v for k, v in good.items() if k != key}
        yield f"plan.{key}", {**good, key: {"nonsense": 1}}
    yield "'extra'", {**good, "extra": 1}
    yield "plan.version", {**good, "version": 2}
    yield "plan.task", {**good, "task": "clustering"}
    yield "plan.target_scale", {**good, "target_scale": 0}
    yield "columns", {**good, "columns": ["Age"]}
    yield "columns", {**good, "target": "Age"}
    yield "columns", {**good, "features": []}
    yield "classes", {**good, "classes": ["a"]}
    yield "classes", {**good, "classes": ["a", "a"]}
    yield "classes", {**good, "numeric_labels": True}
    for key, value in [("scale", -1), ("mean", "x"), ("kind", "text"), ("indicator", 1)]:
        yield f"features[0].{key}", {**good, "features": [{**feature, key: value}]}
    others = good["features"][1:]
    for change in ({"fill": 3.0}, {"categories": ["a"]}, {"kind": "boolean"}):
        yield "Age", {**good, "features": [{**feature, **change}, *others]}


@pytest.mark.parametrize(("where", "content"), list(mutations()))
def test_a_damaged_plan_is_named(where, content):
    text = content if isinstance(content, str) else json.dumps(content)
    with pytest.raises(FileFormatError, match="damaged") as caught:
        TablePlan.from_json(text)
    assert where in str(caught.value)


def test_nan_is_no_json():
    text = fit_table(ROWS, "Class").to_json().replace('"target_mean": 0.0', '"target_mean": NaN')
    with pytest.raises(FileFormatError, match="target_mean"):
        TablePlan.from_json(text)
