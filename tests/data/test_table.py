"""Raw tables -> features and targets: fitted on the training part, kept as JSON, applied."""

from __future__ import annotations

import math
import warnings

import numpy as np
import pytest

from glassgrad.data import (
    TablePlan,
    fit_table,
    read_csv,
    table_dataset,
    table_folds,
    table_of,
)
from glassgrad.errors import DataError, DataWarning, OptionError
from glassgrad.text import speaking

ROWS = [
    {"Age": 20, "Sex": "male", "Smokes": "yes", "Class": "a"},
    {"Age": 40, "Sex": "female", "Smokes": "no", "Class": "b"},
    {"Age": 30, "Sex": "male", "Smokes": "No", "Class": "a"},
    {"Age": 30, "Sex": "female", "Smokes": "yes", "Class": "b"},
]


def with_cell(row, column, value):
    return [{**cells, column: value} if i == row else cells for i, cells in enumerate(ROWS)]


def test_what_columns_become():
    plan = fit_table(ROWS, "Class")
    assert plan.task == "classification"
    assert plan.classes == ("a", "b")
    names = ("Age", "Sex=female", "Sex=male", "Sex=(unseen)", "Smokes")
    assert plan.feature_names == names
    assert (plan.n_features, plan.n_outputs) == (5, 2)
    batch = plan.transform(ROWS, dtype=np.float64)
    root = math.sqrt(2)
    np.testing.assert_allclose(batch.X[:, 0], [-root, root, 0, 0], rtol=1e-15)
    expected = [[0, 1, 0, 1], [1, 0, 0, 0], [0, 1, 0, 0], [1, 0, 0, 1]]
    np.testing.assert_array_equal(batch.X[:, 1:], expected)
    np.testing.assert_array_equal(batch.y, [0, 1, 0, 1])
    assert batch.report.lines() == ()
    assert plan.transform(ROWS).X.dtype == np.float32


def test_only_the_selected_rows_are_learnt_from():
    plan = fit_table(ROWS, "Class", select=[0, 1])
    assert (plan.features[0].mean, plan.features[0].scale) == (30, 10)
    changed = with_cell(2, "Age", 1e9)
    assert fit_table(changed, "Class", select=[0, 1]) == plan


def test_unseen_categories_have_a_bucket_and_are_counted():
    plan = fit_table(ROWS, "Class")
    batch = plan.transform(with_cell(1, "Sex", "other"))
    np.testing.assert_array_equal(batch.X[1, 1:4], [0, 0, 1])
    assert batch.report.unseen == {"Sex": 1}
    assert batch.report.lines() == ("Sex: 1 values in categories that training did not have",)


def test_names_make_the_order_free_and_extra_columns_harmless():
    plan = fit_table(ROWS, "Class")
    expected = plan.transform(ROWS).X
    turned = [dict(reversed([*row.items(), ("Extra", "x")])) for row in ROWS]
    np.testing.assert_array_equal(plan.transform(turned).X, expected)
    np.testing.assert_array_equal(plan.transform(ROWS, select=[2, 0]).X, expected[[2, 0]])


def test_rows_without_the_target():
    plan = fit_table(ROWS, "Class")
    raw = [{key: row[key] for key in ("Age", "Sex", "Smokes")} for row in ROWS]
    assert plan.transform(raw).y is None
    assert plan.transform(ROWS, with_target=False).y is None
    with pytest.raises(DataError, match="column Class is missing"):
        plan.transform(raw, with_target=True)


def test_a_missing_column_is_named():
    plan = fit_table(ROWS, "Class")
    raw = [{"age": 1, "Smokes": "no"}]
    with pytest.raises(DataError, match="column Age, Sex is missing from the rows") as caught:
        plan.transform(raw)
    assert "`age`" in caught.value.hint


def test_dropped_columns_are_not_needed():
    plan = fit_table(ROWS, "Class", drop=["Sex", 2])
    assert plan.dropped == ("Sex", "Smokes")
    assert plan.transform([{"Age": 30}]).X.tolist() == [[0]]


def test_rows_by_position():
    table = [[1.0, 5, "a"], [3.0, 5, "b"], [2.0, 5, "b"]]
    plan = fit_table(table, "-1")
    assert (plan.target, plan.has_header) == ("x2", False)
    full = plan.transform(table)
    np.testing.assert_array_equal(full.y, [0, 1, 1])
    np.testing.assert_array_equal(plan.transform(np.array([[1.0, 5], [3, 5], [2, 5]])).X, full.X)
    assert full.X[:, 1].tolist() == [0, 0, 0]
    with pytest.raises(DataError, match="have 1 columns, training had 3"):
        plan.transform([[1.0]])
    middle = fit_table([[1.0, "a", 5], [3.0, "b", 7]], 1)
    np.testing.assert_array_equal(middle.transform([[1.0, 5]]).X, middle.transform([[1, "b", 5]]).X)


def test_a_plan_with_names_takes_nameless_rows_by_position():
    plan = fit_table(ROWS, "Class")
    batch = plan.transform([[20, "male", "yes", "a"]])
    np.testing.assert_array_equal(batch.X, plan.transform(ROWS[:1]).X)
    assert batch.y.tolist() == [0]
    few = fit_table(ROWS, "Class", drop=["Sex"])
    np.testing.assert_array_equal(few.transform([[20, "yes"]]).X, few.transform(ROWS[:1]).X)


def test_a_plan_reads_files_by_its_own_header(tmp_path):
    path = tmp_path / "rows.csv"
    plan = fit_table(ROWS, "Class")
    path.write_text("Sex,Smokes,Age\nmale,yes,20\n")
    np.testing.assert_array_equal(plan.transform(plan.read(path)).X, plan.transform(ROWS[:1]).X)
    np.savez(tmp_path / "rows.npz", Age=[20], Sex=["male"], Smokes=["yes"])
    batch = plan.transform(plan.read(tmp_path / "rows.npz"))
    np.testing.assert_array_equal(batch.X, plan.transform(ROWS[:1]).X)
    path.write_text("20,male,yes\n")
    np.testing.assert_array_equal(plan.transform(plan.read(path)).X, plan.transform(ROWS[:1]).X)


# --- missing cells -----------------------------------------------------------------------


def test_missing_cells_are_named_by_row_and_column():
    rows = [*with_cell(0, "Age", None), {"Age": 1, "Sex": "?", "Smokes": "no", "Class": "a"}]
    message = r"missing values \(2\): row 1, column Age; row 5, column Sex"
    with pytest.raises(DataError, match=message) as caught:
        fit_table(rows, "Class")
    assert "--missing drop | impute" in caught.value.hint
    plan = fit_table(ROWS, "Class")
    with pytest.raises(DataError, match="row 1, column Age"):
        plan.transform(rows)
    with pytest.raises(DataError, match=r"row 5, column Age; … \(9 in all\)"):
        fit_table([{"Age": "", "Class": c} for c in "ababababa"], "Class")
    assert fit_table(rows, "Class", drop=["Age", "Sex"]).n_features == 1


def test_rows_with_missing_cells_can_be_left_out():
    rows = with_cell(0, "Age", "NA") + ROWS
    plan = fit_table(rows, "Class", missing="drop")
    batch = plan.transform(rows)
    assert batch.kept.tolist() == [1, 2, 3, 4, 5, 6, 7]
    assert batch.report.lines() == ("1 rows with missing values were left out",)
    assert fit_table(ROWS + rows[1:4], "Class").features == plan.features
    with pytest.raises(DataError, match="every row has a missing value"):
        plan.transform(rows[:1])


def test_missing_cells_can_be_filled():
    rows = [
        *({"Age": age, "Sex": "f", "Smokes": "y", "Class": "a"} for age in (1, 2, 10)),
        {"Age": None, "Sex": None, "Smokes": "n", "Class": "b"},
        {"Age": 3, "Sex": "m", "Smokes": "y", "Class": "b"},
    ]
    plan = fit_table(rows, "Class", missing="impute")
    age, sex, smokes = plan.features
    assert (age.fill, age.indicator, age.mean) == (2.5, True, 4.0)
    assert (sex.fill, sex.indicator) == ("f", True)
    assert (smokes.fill, smokes.indicator) == ("y", False)
    batch = plan.transform(rows, dtype=np.float64)
    np.testing.assert_allclose(batch.X[3], [-1.5 / age.scale, 1, 1, 0, 0, 1, 0])
    assert batch.report.filled == {"Age": 1, "Sex": 1}
    later = plan.transform([{"Age": 4, "Sex": "m", "Smokes": None}])
    np.testing.assert_array_equal(later.X, [[0, 0, 0, 1, 0, 0, 1]])
    assert plan.feature_names[1] == "Age=(missing)"


def test_an_empty_column_is_left_out_and_announced():
    rows = [{**row, "Note": ""} for row in ROWS]
    with pytest.warns(DataWarning, match="column Note is empty"):
        plan = fit_table(rows, "Class", missing="impute")
    assert plan.dropped == ("Note",)
    assert plan.transform(ROWS).X.shape == (4, 5)
    with pytest.warns(DataWarning, match="column Note is empty"):
        assert fit_table(rows, "Class", missing="drop").n_features == 5
    with pytest.raises(DataError, match="row 1, column Note"):
        fit_table(rows, "Class")


def test_a_target_is_never_made_up():
    rows = with_cell(1, "Class", "")
    for missing in ("error", "impute"):
        with pytest.raises(DataError, match="row 2, column Class"):
            fit_table(rows + ROWS, "Class", missing=missing)
    assert fit_table(rows + ROWS, "Class", missing="drop").classes == ("a", "b")


# --- what is refused or remarked ---------------------------------------------------------


def numbers(*cells):
    return [{"n": cell, "y": "ab"[i % 2]} for i, cell in enumerate(cells)]


def test_text_among_numbers_is_named():
    with pytest.raises(DataError, match="row 3, column n is 'abc': text in a numeric column"):
        fit_table(numbers(1, 2, "abc", 4), "y")
    plan = fit_table(numbers(1, 2, 3, 4), "y")
    with pytest.raises(DataError, match="row 2, column n is '1_0'"):
        plan.transform([{"n": "5"}, {"n": "1_0"}])
    many = numbers(*range(30), "x", "y", "z")
    with pytest.raises(DataError, match="'x'") as caught:
        fit_table(many, "y")
    assert "row 31, column n; row 32, column n; row 33, column n" in caught.value.hint
    mixed = fit_table(numbers(1, "a", "b", 1, "a", "b", 2, 2), "y")
    assert mixed.features[0].kind == "categorical"


def test_errors_speak_korean():
    with speaking("ko"):
        with pytest.raises(DataError) as caught:
            fit_table(numbers(1, 2, "abc", 4), "y")
        assert str(caught.value) == (
            "주어진 행: 3행 n 열의 'abc'는 숫자 열에 든 글자입니다\n\n"
            "도움말: 그 칸을 고치거나 열을 빼십시오: --drop n"
        )


def test_infinities_and_decimal_commas_are_named():
    with pytest.raises(DataError, match="row 2, column n is 'inf': no finite number"):
        fit_table(numbers(1, "inf", 3), "y")
    with pytest.raises(DataError, match="row 2, column n is '1e999'"):
        fit_table(numbers(1, "1e999", 3), "y")
    with pytest.raises(DataError, match="written with a comma, such as '1,5'"):
        fit_table(numbers("1,5", "2,5", "1,000"), "y")


def test_columns_that_only_name_rows_are_remarked():
    people = [{"Name": f"P. {i * 7 % 10}", "v": i % 3, "y": "ab"[i % 2]} for i in range(10)]
    with pytest.warns(DataWarning, match=r"10 different texts in 10 rows; .*--drop Name"):
        fit_table(people, "y")
    counted = [{"Id": i + 5, "v": i % 3, "y": "ab"[i % 2]} for i in range(20)]
    with pytest.warns(DataWarning, match=r"Id only counts the rows; .*--drop Id"):
        fit_table(counted, "y")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        fit_table(people, "y", drop=["Name"])
        fit_table(counted, "y", drop=["Id"])


def test_too_many_categories():
    rows = [{"t": f"w{i % 1001}", "y": "ab"[i % 2]} for i in range(2100)]
    with pytest.raises(DataError, match="1001 different texts in 2100 rows") as caught:
        fit_table(rows, "y")
    assert "--drop t" in caught.value.hint


def test_numbers_can_be_taken_as_categories():
    rows = [{"code": i % 3, "y": "ab"[i % 2]} for i in range(12)]
    plan = fit_table(rows, "y", categorical=["code"])
    assert plan.feature_names == ("code=0", "code=1", "code=2", "code=(unseen)")
    assert plan.transform([{"code": 1.0}, {"code": 7}]).X.tolist() == [[0, 1, 0, 0], [0, 0, 0, 1]]


def test_unknown_names_get_the_nearest():
    with pytest.raises(OptionError, match="unknown column 'Clas'") as caught:
        fit_table(ROWS, "Clas")
    assert "did you mean `Class`" in caught.value.hint
    with pytest.raises(OptionError, match="unknown column 'sex'"):
        fit_table(ROWS, "Class", drop=["sex"])
    with pytest.raises(OptionError, match="unknown column 4"):
        fit_table(ROWS, 4)
    with pytest.raises(OptionError, match="'imputed'"):
        fit_table(ROWS, "Class", missing="imputed")
    with pytest.raises(OptionError, match="unknown task 'regresion'"):
        fit_table(ROWS, "Class", task="regresion")
    with pytest.raises(OptionError, match="no target column was named") as caught:
        fit_table(ROWS, None)
    assert "Age, Sex, Smokes, Class" in caught.value.hint
    with pytest.raises(OptionError, match="both the target and dropped"):
        fit_table(ROWS, "Class", drop=["Class"])
    with pytest.raises(DataError, match="no column is left"):
        fit_table(ROWS, "Class", drop=["Age", "Sex", "Smokes"])


# --- whole tables ------------------------------------------------------------------------


def test_numbers_near_the_largest_float():
    plan = fit_table(numbers(1e308, -1e308, 1e308, -1e308), "y")
    assert plan.features[0].scale == 1e308
    constant = fit_table(numbers(0.1, 0.1, 0.1), "y")
    assert constant.transform(numbers(0.1)).X.tolist() == [[0]]


def test_a_table_becomes_a_data_set():
    rows = [{"v": i * i % 7, "y": "ab"[i % 2]} for i in range(40)]
    data = table_dataset(rows, "y", test=0.25, seed=3)
    assert (len(data.dataset.train_X), len(data.dataset.test_X)) == (30, 10)
    assert np.bincount(data.dataset.test_y).tolist() == [5, 5]
    assert data.dataset.class_names == ("a", "b")
    assert data.dataset.feature_names == ("v",)
    assert table_dataset(rows, "y", test=0).dataset.test is None
    parts = list(table_folds(rows, "y", 4))
    assert [len(part.dataset.test_X) for part in parts] == [10] * 4
    assert len({part.plan.features[0].mean for part in parts}) > 1


@pytest.mark.parametrize(
    ("name", "target", "options", "shape", "task"),
    [
        ("iris.csv", "-1", {}, (4, 3), "classification"),
        ("wine.csv", "-1", {}, (13, 3), "classification"),
        ("winequality-red.csv", "-1", {}, (11, 6), "classification"),
        ("winequality-red.csv", "-1", {"task": "regression"}, (11, 1), "regression"),
        ("breast_cancer_wdbc.csv", "diagnosis", {"drop": ["rownames"]}, (30, 2), "classification"),
        (
            "titanic_train.csv",
            "Survived",
            {"drop": "Name Ticket Cabin PassengerId".split(), "missing": "impute"},
            (14, 2),
            "classification",
        ),
        (
            "california_housing.csv",
            "median_house_value",
            {"missing": "impute"},
            (15, 1),
            "regression",
        ),
    ],
)
def test_real_tables(real_table, name, target, options, shape, task):
    table = read_csv(real_table / name)
    folds = list(table_folds(table, target, 5, **options))
    assert sum(len(fold.dataset.test_X) for fold in folds) == len(table)
    for fold in folds:
        assert (fold.plan.n_features, fold.plan.n_outputs) == shape
        assert fold.plan.task == task
        assert np.isfinite(fold.dataset.train_X).all()
        assert TablePlan.from_json(fold.plan.to_json()) == fold.plan


def test_titanic_says_what_is_missing(real_table):
    table = read_csv(real_table / "titanic_train.csv")
    with pytest.raises(DataError) as caught:
        fit_table(table, "Survived", drop=["Cabin"])
    assert "missing values (179): row 6, column Age" in str(caught.value)
    with pytest.warns(DataWarning) as remarks:
        fit_table(table, "Survived", missing="impute")
    text = "\n".join(str(remark.message) for remark in remarks)
    assert [name for name in table.names if f"--drop {name} " in text] == [
        "PassengerId",
        "Name",
        "Ticket",
        "Cabin",
    ]
    plan = fit_table(
        table, "Survived", missing="impute", drop="Name Ticket Cabin PassengerId".split()
    )
    rows = {name: ["1"] for name in table.names if name != "Sex"}
    with pytest.raises(DataError, match="column Sex is missing"):
        plan.transform(table_of(rows))
