"""Trained runs for tests of exports: small tables with all that a table can have, and subjects."""

from __future__ import annotations

import csv
import io
import runpy
import subprocess
import sys
from collections.abc import Sequence
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from glassgrad.data.fitting import fit_table
from glassgrad.data.read import read_table
from glassgrad.export import Learning, Subject
from glassgrad.nn import MLP
from glassgrad.nn.losses import LOSSES, find_loss
from glassgrad.optim import make_optimizer
from glassgrad.train.heads import head_of
from glassgrad.train.model_loss import loss_of
from glassgrad.train.step import train_step

# What may stand in a file and must never become code, in Python or in C.
HOSTILE = (
    'say "hi"', "it's", "line\nbreak", "*/ evil(); /*", "// x", "??/", "??'", "back\\slash", "\\",
    '"""', "'''", "한글 이름", "%s%n", "#define x", "{name}", "\u202eright", "\x07bell", "é\u0301",
    "\N{GRINNING FACE}", "a\\", "0", "-1e5x", "`", "$(x)", "\\u0041", "trailing\\\\",
)  # fmt: skip

# Every loss over classes; a few of them, of each kind, in the plain suite.
HEADS = [
    pytest.param(loss, classes, marks=[] if few else pytest.mark.full)
    for loss in sorted(LOSSES)
    for classes in (2, 3)
    for few in [(loss, classes) in (("nll", 3), ("binary_hinge", 2), ("mse", 3), ("mse", 2))]
]


def write_rows(path: Path, head: Sequence[str], rows: Sequence[Sequence[object]]) -> Path:
    with path.open("w", newline="", encoding="utf-8") as stream:
        csv.writer(stream).writerows([head, *rows] if head else rows)
    return path


def passengers(folder: Path, count: int = 80) -> Path:
    """Numbers, a pair of words, a category, gaps in all of them, and two classes as integers."""
    rng = np.random.default_rng(0)
    rows: list[list[object]] = []
    for i in range(count):
        age = "" if i % 9 == 4 else f"{rng.uniform(1, 80):.1f}"
        port = ("S", "C", "Q", "", "?")[rng.integers(5)]
        smoker = ("yes", "no", "No", "NA")[rng.integers(4)]
        fare = f"{rng.lognormal(3, 1):.4f}"
        rows.append([i, age, fare, port, smoker, int(float(fare) > 20 or smoker == "yes")])
    return write_rows(folder / "boat.csv", ("id", "age", "fare", "port", "smoker", "lived"), rows)


def hostile_rows(folder: Path) -> Path:
    """Every column, category and class has a name that no program may take for its own."""
    rng = np.random.default_rng(1)
    head = [*HOSTILE[:4], 'class"*/']
    rows: list[list[object]] = []
    for i in range(len(HOSTILE) * 4):
        text, other = HOSTILE[i % len(HOSTILE)], HOSTILE[-1 - i % len(HOSTILE)]
        number = f"{rng.normal():.3e}"
        rows.append([number, text, other, f"{i}", HOSTILE[i % 6]])
    return write_rows(folder / "hostile.csv", head, rows)


def subject_of(
    path: Path, target: str, *, loss: str = "cross_entropy", learns: str = "", **options: Any
) -> tuple[Subject, Any]:
    """A network that was not trained, for the rows of a file; and the rows as a table."""
    table = read_table(path)
    plan = fit_table(table, target, **options)
    head = head_of(loss, plan.task, len(plan.classes))
    model = MLP(
        (plan.n_features, 6, head.outputs), "tanh", output_activation=head.activation, rng=3
    )
    learning = None
    if learns:
        optimizer = make_optimizer(learns, model, lr=0.05)
        step = train_step(loss_of(find_loss(loss)), model, optimizer, backend="numpy")
        learning = Learning(step=step, rate=optimizer.rate)
    subject = Subject(
        name=path.stem,
        model=model,
        width=plan.n_features,
        head=head,
        classes=plan.classes,
        plan=plan,
        learning=learning,
    )
    return subject, table


def here(path: Path, *words: object) -> subprocess.CompletedProcess[str]:
    """Run a program in this process, which takes less time; what it prints, and its exit code."""
    out, err = io.TextIOWrapper(io.BytesIO(), "utf-8"), io.StringIO()
    code: Any = 0
    before, sys.argv = sys.argv, [str(path), *map(str, words)]
    try:
        with redirect_stdout(out), redirect_stderr(err):
            runpy.run_path(str(path), run_name="__main__")
    except SystemExit as stop:
        code = stop.code
        err.write(code if isinstance(code, str) else "")
    finally:
        sys.argv = before
    out.flush()
    printed = out.buffer.getvalue().decode()  # type: ignore[attr-defined]
    code = 1 if isinstance(code, str) else code or 0
    return subprocess.CompletedProcess(sys.argv, code, printed, err.getvalue())


def alone(path: Path, *words: object) -> subprocess.CompletedProcess[str]:
    """Run a program in a Python that has NumPy and cannot find glassgrad."""
    listed = [str(path), *map(str, words)]
    code = f"import runpy, sys; sys.modules['glassgrad'] = None; sys.argv = {listed!r}; "
    code += f"runpy.run_path({str(path)!r}, run_name='__main__')"
    command = [sys.executable, "-I", "-X", "utf8", "-W", "error", "-c", code]
    return subprocess.run(command, capture_output=True, encoding="utf-8", check=False)
