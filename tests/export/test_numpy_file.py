"""Exported NumPy programs: the same numbers as the package, from raw rows, whatever their names."""

from __future__ import annotations

import ast
import importlib.util
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from export.runs import (
    HEADS,
    HOSTILE,
    alone,
    here,
    hostile_rows,
    passengers,
    subject_of,
    write_rows,
)

from glassgrad.errors import GraphError
from glassgrad.export import Subject, numpy_program
from glassgrad.export.numpy_file import FEW
from glassgrad.nn import MLP
from glassgrad.text import speaking
from glassgrad.train.heads import Head


def _written(folder: Path, subject: Subject, **options: Any) -> Path:
    program = numpy_program(subject, **options)
    path = folder / "program.py"
    path.write_text(program.text, encoding="utf-8")
    if program.arrays is not None:
        path.with_suffix(".npz").write_bytes(program.arrays)
    return path


def _imported(path: Path) -> Any:
    spec = importlib.util.spec_from_file_location("exported", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("missing", ["impute", "drop"])
def test_a_table_with_gaps(tmp_path: Path, missing: str) -> None:
    path = passengers(tmp_path)
    subject, table = subject_of(path, "lived", missing=missing, drop=["id"])
    module = _imported(_written(tmp_path, subject))
    assert subject.plan is not None
    batch = subject.plan.transform(table, dtype=np.float32)
    X, numbers = module.features_in_file(path, None)
    assert X.tobytes() == batch.X.tobytes()
    assert numbers.tolist() == (batch.kept + 1).tolist()
    expected = subject.model.predict(batch.X)
    assert module.outputs(X).tobytes() == expected.tobytes()
    assert module.decoded(expected).tolist() == subject.plan.decode(expected).tolist()
    shares = subject.head.probabilities(expected)
    assert module.probabilities_of(expected).tobytes() == shares.tobytes()


def test_rows_that_a_program_holds(tmp_path: Path) -> None:
    subject, table = subject_of(passengers(tmp_path), "lived", missing="impute", drop=["id"])
    module = _imported(_written(tmp_path, subject))
    assert subject.plan is not None
    rows = [[column.words([i])[0] for column in table.columns] for i in range(20)]
    expected = subject.plan.transform(table, select=range(20), dtype=np.float32).X
    assert module.features(rows).tobytes() == expected.tobytes()
    assert module.features([row[:-1] for row in rows]).tobytes() == expected.tobytes()
    assert module.features([row[1:-1] for row in rows]).tobytes() == expected.tobytes()
    dicts = [dict(zip(reversed(table.names), reversed(row), strict=True)) for row in rows]
    assert module.features(dicts).tobytes() == expected.tobytes()
    numbers = [{"age": 3, "fare": 7.5, "port": None, "smoker": "YES"}]
    texts = [{"age": "3.0", "fare": "7.5", "port": "", "smoker": "yes"}]
    assert module.features(numbers).tobytes() == module.features(texts).tobytes()
    assert module.predict(rows).dtype.kind == "i"
    assert module.probabilities(rows).shape == (20, 2)


@pytest.mark.parametrize(
    ("row", "problem"),
    [
        ({"age": "x", "fare": 1, "port": "S", "smoker": "no"}, "row 1, column age is 'x'"),
        ({"age": "1_0", "fare": 1, "port": "S", "smoker": "no"}, "row 1, column age is '1_0'"),
        ({"age": "inf", "fare": 1, "port": "S", "smoker": "no"}, "row 1, column age is 'inf'"),
        ({"age": 1, "fare": 1, "port": "S", "smoker": "maybe"}, "column smoker is 'maybe'"),
        ({"age": 1, "port": "S", "smoker": "no"}, "column fare is missing from the rows"),
        ([1, 2], "the rows have 2 columns, training had 6"),
    ],
)
def test_rows_that_do_not_fit(tmp_path: Path, row: Any, problem: str) -> None:
    subject, _ = subject_of(passengers(tmp_path), "lived", missing="impute", drop=["id"])
    module = _imported(_written(tmp_path, subject))
    with pytest.raises(ValueError, match="row") as caught:
        module.predict([row])
    assert problem in str(caught.value)


def test_missing_cells_are_refused_where_training_refused_them(tmp_path: Path) -> None:
    rows = [[i, i % 2] for i in range(20)]
    subject, _ = subject_of(write_rows(tmp_path / "a.csv", ("x", "y"), rows), "y")
    module = _imported(_written(tmp_path, subject))
    with pytest.raises(ValueError, match="row 2 has a missing value"):
        module.predict([[1], [""]])


def test_hostile_names_are_only_ever_text(tmp_path: Path) -> None:
    path = hostile_rows(tmp_path)
    subject, table = subject_of(path, 'class"*/', categorical=[3])
    program = numpy_program(subject)
    tree = ast.parse(program.text)
    words = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    assert not words & {"evil", "hi"}
    comments = [line for line in program.text.splitlines() if line.lstrip().startswith("#")]
    assert not any(name in line for name in HOSTILE[:6] for line in comments)
    written = _written(tmp_path, subject)
    module = _imported(written)
    assert list(table.names) == module.COLUMNS
    assert list(HOSTILE[:6]) == [c for c in HOSTILE if c in module.CLASSES]
    assert subject.plan is not None
    batch = subject.plan.transform(table, dtype=np.float32)
    assert module.features_in_file(path, None)[0].tobytes() == batch.X.tobytes()
    done = alone(written, path, "--probabilities")
    assert done.returncode == 0, done.stderr


def test_a_quantity_in_its_own_unit(tmp_path: Path) -> None:
    rows = [[f"{i / 7:.3f}", f"{1000 + 3.25 * i:.2f}"] for i in range(60)]
    path = write_rows(tmp_path / "q.csv", ("x", "price"), rows)
    subject, table = subject_of(path, "price", loss="mse")
    module = _imported(_written(tmp_path, subject))
    assert subject.plan is not None
    batch = subject.plan.transform(table, dtype=np.float32)
    expected = subject.plan.targets(subject.model.predict(batch.X).reshape(-1))
    assert module.predict([row[:1] for row in rows]).tolist() == expected.tolist()
    assert not hasattr(module, "probabilities")


@pytest.mark.parametrize(("loss", "classes"), HEADS)
def test_every_head(tmp_path: Path, loss: str, classes: int) -> None:
    rows = [[f"{i * 7 % 11}", "abc"[i % classes]] for i in range(30)]
    path = write_rows(tmp_path / "h.csv", ("x", "y"), rows)
    subject, table = subject_of(path, "y", loss=loss, learns="sgd")
    module = _imported(_written(tmp_path, subject))
    assert subject.plan is not None
    assert subject.learning is not None
    batch = subject.plan.transform(table, dtype=np.float32)
    found = module.outputs(batch.X)
    codes = subject.head.codes(subject.model.predict(batch.X))
    assert module.decoded(found).tolist() == subject.plan.labels(codes).tolist()
    if subject.head.link:
        shares = subject.head.probabilities(found)
        assert module.probabilities_of(found).tobytes() == shares.tobytes()
    labels = [row[1] for row in rows]
    target = subject.head.encode(np.asarray(batch.y), np.float32)
    encoded = module.encoded_targets(labels)
    assert encoded.dtype == target.dtype
    assert encoded.tobytes() == target.tobytes()
    found = module.learn([row[:1] for row in rows], labels)
    assert found == subject.learning.step(batch.X, target)


# --- training ----------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["sgd", "momentum", "adam", "adamw"])
def test_learning_takes_the_packages_own_steps(tmp_path: Path, name: str) -> None:
    subject, table = subject_of(
        passengers(tmp_path), "lived", missing="impute", drop=["id"], learns=name
    )
    module = _imported(_written(tmp_path, subject))
    assert subject.plan is not None
    assert subject.learning is not None
    batch = subject.plan.transform(table, dtype=np.float32)
    assert batch.y is not None
    rows = [[column.words([i])[0] for column in table.columns] for i in range(len(table))]
    for start in (0, 16, 32, 40):
        part = slice(start, start + 16)
        expected = subject.learning.step(batch.X[part], batch.y[part])
        assert module.learn(rows[part], [row[-1] for row in rows[part]]) == expected
    for found, value in zip(module.WEIGHTS.values(), subject.weights(), strict=True):
        assert found.tobytes() == value.tobytes()
    assert module.outputs(batch.X).tobytes() == subject.model.predict(batch.X).tobytes()


def test_dropout_drops_in_training_alone(tmp_path: Path) -> None:
    from glassgrad.export import Learning
    from glassgrad.nn.losses import find_loss
    from glassgrad.optim import make_optimizer
    from glassgrad.train.model_loss import loss_of
    from glassgrad.train.step import train_step

    model = MLP((4, 8, 3), dropout=0.5, rng=0)
    optimizer = make_optimizer("sgd", model)
    step = train_step(loss_of(find_loss("cross_entropy")), model, optimizer, backend="numpy")
    subject = Subject(
        name="d",
        model=model,
        width=4,
        head=Head("cross_entropy", 3),
        classes=("a", "b", "c"),
        learning=Learning(step=step, rate=0.1),
    )
    module = _imported(_written(tmp_path, subject))
    X = np.random.default_rng(0).random((9, 4)).astype(np.float32)
    t = np.arange(9) % 3
    assert module.outputs(X).tobytes() == model.predict(X).tobytes()
    rate = step.optimizers[0].rate
    assert [module.learn(X, t, rate) for _ in range(3)] == [step(X, t) for _ in range(3)]


def test_a_loss_that_is_not_finite_changes_nothing(tmp_path: Path) -> None:
    rows = [[f"{i / 7:.3f}", f"{i}.5"] for i in range(30)]
    path = write_rows(tmp_path / "q.csv", ("x", "y"), rows)
    subject, _ = subject_of(path, "y", loss="mse", learns="sgd")
    module = _imported(_written(tmp_path, subject))
    before = {name: value.copy() for name, value in module.WEIGHTS.items()}
    with np.errstate(all="ignore"), pytest.raises(ValueError, match="left as they are"):
        module.learn([["1e30"]], [1e300])
    assert all(np.array_equal(before[name], module.WEIGHTS[name]) for name in before)


# --- weights, raw, command ---------------------------------------------------------------


def _plain_subject(width: int, hidden: int, scale: float = 16.0) -> Subject:
    model = MLP((width, hidden, 3), rng=0)
    head = Head("cross_entropy", 3)
    return Subject(
        name="p", model=model, width=width, head=head, classes=("x", "y", "z"), scale=scale
    )


def test_many_weights_lie_beside_the_program(tmp_path: Path) -> None:
    small, large = _plain_subject(4, 8), _plain_subject(40, 40)
    assert numpy_program(small).arrays is None
    assert sum(value.size for value in large.weights()) > FEW
    path = _written(tmp_path, large)
    X = np.arange(80).reshape(2, 40) % 17
    expected = large.model.predict((X / 16).astype(np.float32))
    assert _imported(path).outputs(X / 16).tobytes() == expected.tobytes()
    moved = path.rename(tmp_path / "other.py")
    with pytest.raises(FileNotFoundError):
        _imported(moved)
    path.with_suffix(".npz").rename(tmp_path / "other.npz")
    assert _imported(moved).outputs(X / 16).tobytes() == expected.tobytes()
    (tmp_path / "other.npz").write_bytes(numpy_program(_plain_subject(41, 40)).arrays or b"")
    with pytest.raises(ValueError, match="does not belong to this program"):
        _imported(moved)


def test_pixels_of_another_scale_are_refused(tmp_path: Path) -> None:
    module = _imported(_written(tmp_path, _plain_subject(4, 8)))
    images = np.array([[[0, 1], [2, 16]]])
    assert module.features(images).tolist() == [[0, 1 / 16, 1 / 8, 1]]
    with pytest.raises(ValueError, match="not in 0"):
        module.predict([[0, 0, 0, 255]])
    with pytest.raises(ValueError, match="3 columns, the network takes 4"):
        module.predict([[0, 0, 0]])


def test_raw(tmp_path: Path) -> None:
    subject = _plain_subject(4, 8)
    path = _written(tmp_path, subject, raw=True)
    text = path.read_text(encoding="utf-8")
    assert "CLASSES" not in text
    assert "SCALE" not in text
    X = np.random.default_rng(0).random((5, 4)).astype(np.float32)
    expected = subject.model.predict(X)
    assert _imported(path).outputs(X).tobytes() == expected.tobytes()
    np.save(tmp_path / "X.npy", X)
    np.savetxt(tmp_path / "X.csv", X, delimiter=",", fmt="%.9g")
    for name in ("X.npy", "X.csv"):
        done = here(path, tmp_path / name)
        assert done.returncode == 0, done.stderr
        lines = done.stdout.splitlines()
        assert lines[0] == "row,y0,y1,y2"
        cells = np.array([line.split(",")[1:] for line in lines[1:]], np.float32)
        assert cells.tobytes() == expected.tobytes()


def test_the_command_says_what_is_wrong(tmp_path: Path) -> None:
    path = _written(tmp_path, _plain_subject(4, 8))
    (tmp_path / "bad.csv").write_text("1,2,3,x\n1,2,3,4\n", encoding="utf-8")
    for words, problem in (
        (["bad.csv"], "no finite number"),
        (["none.csv"], "No such file"),
        (["bad.csv", "--encoding", "klingon"], "unknown encoding"),
    ):
        done = here(path, tmp_path / words[0], *words[1:])
        assert done.returncode == 1
        assert done.stdout == ""
        assert problem in done.stderr


def test_a_program_is_written_in_english(tmp_path: Path) -> None:
    subject = _plain_subject(4, 8)
    with speaking("ko"):
        assert numpy_program(subject).text == numpy_program(subject).text
        assert not any("가" <= c <= "힣" for c in numpy_program(subject).text)


def test_a_network_that_its_text_does_not_give_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    from glassgrad.export import numpy_file

    subject = _plain_subject(4, 8)
    compiled = numpy_file.compile_functions

    def wrong(text: str, name: str) -> Any:
        return compiled(text.replace("np.maximum", "np.minimum"), name)

    monkeypatch.setattr(numpy_file, "compile_functions", wrong)
    with pytest.raises(GraphError, match="differs from the model"):
        numpy_program(subject)
