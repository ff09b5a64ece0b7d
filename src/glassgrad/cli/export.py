"""`glassgrad export RUN --to FORMAT`: a trained run as a program that needs no glassgrad.

Layer L11.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from glassgrad.cli.helptext import SpokenCommand, flag, spoken
from glassgrad.cli.terminal import Output
from glassgrad.errors import OptionError, unknown_option
from glassgrad.files import atomic_write
from glassgrad.text import say

if TYPE_CHECKING:
    from glassgrad.export import Subject

SUFFIXES = {"numpy": ".py", "c": ".c"}
MOST_ROWS = 65_536


def _examples() -> list[tuple[str, str]]:
    return [
        (
            "glassgrad export runs/iris --to numpy",
            say("iris.py, which predicts from raw rows and needs NumPy alone"),
        ),
        ("python iris.py flowers.csv", say("prints what glassgrad predict prints")),
        (
            "glassgrad export runs/iris --to numpy --train -o learner.py",
            say("with a training step, to go on learning elsewhere"),
        ),
        (
            "glassgrad export runs/iris --to c --freestanding",
            say("iris.c, for machines without Python and without a C library"),
        ),
    ]


@click.command(
    "export",
    cls=SpokenCommand,
    about=spoken(
        "Write a trained run as a program of its own: raw rows in, labels or quantities out, as "
        "glassgrad predict gives them. It holds the weights, the imputation, the scaling, the "
        "categories and the names of the classes."
    ),
    examples=_examples,
)
@click.argument("run")
@flag("--to", "form", about="what it is written in: numpy or c", metavar="FORMAT")
@flag("-o", "--output", "target", about="where to; RUN's name if not given", metavar="FILE")
@flag("--raw", about="the network alone: its own inputs in, its outputs out", is_flag=True)
@flag("--train", "learns", about="with a training step and the optimiser's state", is_flag=True)
@flag("--freestanding", about="C without a library: not even math.h; else math.h", is_flag=True)
@flag("--batch-size", about="rows of one training step in C; 1 by default", type=int, metavar="N")
@flag("--force", about="replace a file that is there", is_flag=True)
@flag("--json", "as_json", about="print JSON", is_flag=True)
def export(run: str, force: bool, as_json: bool, **given: Any) -> int:
    wanted = Wanted(**given)
    suffix = wanted.suffix
    output = Output(json=as_json)
    subject = _subject(run, wanted.learns)
    path = _target(subject.name, wanted.target, suffix)
    files = _files(subject, path, wanted)
    for place in files:
        if place.exists() and not force:
            hint = say("replace it by --force, or choose another -o FILE")
            raise OptionError(say("there is a file {path} already", path=place), hint=hint)
    for place, content in files.items():
        atomic_write(place, content)
    output.data({"run": run, "format": wanted.form, "files": [str(place) for place in files]})
    if not output.json:
        for place in reversed(files):
            output.result(str(place))
    return 0


@dataclass(frozen=True)
class Wanted:
    """What was asked for; the names are those of the options."""

    form: str | None
    target: str | None
    raw: bool
    learns: bool
    freestanding: bool
    batch_size: int | None

    @property
    def suffix(self) -> str:
        """The suffix of the file; what does not fit together is refused."""
        if self.form is None:
            hint = say("offered: {names}", names=", ".join(SUFFIXES))
            raise OptionError(say("{name} is missing", name="--to FORMAT"), hint=hint)
        if self.form not in SUFFIXES:
            raise unknown_option("format", self.form, SUFFIXES)
        if self.form != "c" and (self.freestanding or self.batch_size is not None):
            name = "--freestanding" if self.freestanding else "--batch-size"
            raise OptionError(say("{name} is for --to c", name=name))
        if self.batch_size is not None and not self.learns:
            raise OptionError(say("{name} is for --train", name="--batch-size"))
        if self.batch_size is not None and not 1 <= self.batch_size <= MOST_ROWS:
            raise OptionError(
                say("{value} is outside what is allowed", value=self.batch_size),
                operation="--batch-size",
                rule=f"1 ≤ batch size ≤ {MOST_ROWS:,}",
            )
        return SUFFIXES[self.form]


def _files(subject: Subject, path: Path, wanted: Wanted) -> dict[Path, bytes]:
    """What is written where, in this order."""
    from glassgrad.export import c_file, c_prefix, numpy_program  # noqa: PLC0415 - not for help

    if wanted.form == "c":
        options = {"raw": wanted.raw, "freestanding": wanted.freestanding}
        prefix = c_prefix(path.stem)
        text = c_file(subject, prefix, batch=wanted.batch_size or 1, **options).text
        return {path: text.encode("utf-8")}
    program = numpy_program(subject, raw=wanted.raw)
    files = {path: program.text.encode("utf-8")}
    if program.arrays is not None:  # first: a program never stands there without its weights
        files = {path.with_suffix(".npz"): program.arrays, **files}
    return files


def _subject(run: str, learns: bool) -> Subject:
    from glassgrad.cli.trained import open_trained  # noqa: PLC0415 - help needs none of it
    from glassgrad.cli.trained_step import step_of_run  # noqa: PLC0415
    from glassgrad.export import Learning, Subject  # noqa: PLC0415

    trained = open_trained(run)
    learning = None
    if learns:
        step = step_of_run(trained)
        learning = Learning(step=step, rate=step.optimizers[0].rate)
    return Subject(
        name=trained.folder.path.resolve().name,
        model=trained.model,
        width=trained.info.features,
        head=trained.head,
        classes=trained.info.classes,
        plan=trained.info.plan,
        scale=trained.info.scale,
        learning=learning,
    )


def _target(name: str, given: str | None, suffix: str) -> Path:
    """Where to write; Python looks beside a program first, so it must not hide a module."""
    from glassgrad.export import identifier  # noqa: PLC0415 - help needs none of it

    taken = {*sys.stdlib_module_names, "numpy"} if suffix == ".py" else set()
    if given is None:
        stem = identifier(name)
        return Path(f"network_{stem}{suffix}" if stem in taken else f"{stem}{suffix}")
    path = Path(given).expanduser()
    if path.suffix != suffix:
        rule = say("a file {name}", name=f"NAME{suffix}")
        raise OptionError(say("{path} has another suffix", path=given), rule=rule)
    if path.stem in taken:
        problem = say("{path} would hide a module that the program imports", path=given)
        raise OptionError(problem, hint=say("choose another name"))
    return path
