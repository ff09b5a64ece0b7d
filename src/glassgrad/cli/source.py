"""`glassgrad source WHAT`: the NumPy source of a backward pass, or of a whole training script.

Layer L11. `file.py:func` runs the user's own program, which is what was asked for.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from glassgrad.cli.helptext import SpokenCommand, flag, spoken
from glassgrad.cli.subject import find_subject
from glassgrad.cli.terminal import Output
from glassgrad.text import say

if TYPE_CHECKING:
    from glassgrad.cli.subject import Subject
    from glassgrad.cli.trained import Trained


def _examples() -> list[tuple[str, str]]:
    return [
        ("glassgrad source net.py:loss", say("the function and its gradients, as a book has them")),
        (
            "glassgrad source net.py:loss --args 3x4,4 --wrt W1",
            say("at arrays of these shapes; only the gradient of W1"),
        ),
        ("glassgrad source canon:cs231n.staged", say("a worked example")),
        (
            "glassgrad source runs/digits --style layers",
            say("a trained network as classes with forward and backward"),
        ),
        (
            "glassgrad source runs/digits --style script -o train.py",
            say("a training script that needs only NumPy"),
        ),
    ]


@click.command(
    "source",
    cls=SpokenCommand,
    about=spoken(
        "Print the value and the gradients of a function, a worked example or a run, or the "
        "outputs of a model that gg.save wrote, as NumPy source that runs alone. It was run "
        "and compared with the graph before it is shown."
    ),
    examples=_examples,
)
@click.argument("what", metavar="FILE.py:FUNCTION|canon:NAME|RUN|MODEL")
@flag("--style", about="plain, layers, script or steps; plain by default", metavar="STYLE")
@flag("--detail", about="regions (functions above the program) or open", metavar="DETAIL")
@flag("--long", "is_long", about="the derived form, without the short forms of books", is_flag=True)
@flag("--wrt", about="inputs whose gradients are printed: W1,b1", metavar="NAMES")
@flag("--no-comments", "is_bare", about="code alone", is_flag=True)
@flag("--args", "shapes", about="shapes of random inputs: 3x4,4,scalar,8:10", metavar="SHAPES")
@flag("-o", "--output", "target", about="write into this file instead", metavar="FILE")
@flag("--json", "as_json", about="print JSON", is_flag=True)
def source(what: str, shapes: str | None, target: str | None, as_json: bool, **given: Any) -> int:
    from glassgrad.files import atomic_write  # noqa: PLC0415 - help needs none of it

    output = Output(json=as_json)
    subject = find_subject(what, shapes, output)
    wrt = given["wrt"]
    options = {
        "style": given["style"] or "plain",
        "detail": given["detail"] or "regions",
        "rewrite": not given["is_long"],
        "comments": not given["is_bare"],
        "wrt": subject.wrt if wrt is None else [name.strip() for name in wrt.split(",")],
    }
    text = _source_of(subject, options)
    output.data({"name": subject.name, "source": text})
    if target is not None:
        atomic_write(Path(target).expanduser(), text.encode("utf-8"))
        output.note(say("source written to {path}", path=target))
    elif not as_json:
        output.result(text.rstrip("\n"))
    return 0


def _source_of(subject: Subject, options: dict[str, Any]) -> str:
    from glassgrad.train.source import source as source_text  # noqa: PLC0415 - help needs none

    trained = subject.trained
    if trained is None:
        return source_text(subject.function, *subject.inputs, **options)
    model, x, t = subject.inputs
    if options["style"] == "script":
        return _script_of(trained, x, t, options)
    return source_text(model, x, t, loss=trained.head.loss, **options)


def _script_of(trained: Trained, x: Any, t: Any, options: dict[str, Any]) -> str:
    """The run's training as a script: its optimiser, rates, epochs and batches."""
    from glassgrad.cli.trained_step import EPOCHS, step_of_run  # noqa: PLC0415 - help needs none
    from glassgrad.train.script import training_of  # noqa: PLC0415
    from glassgrad.train.source import source as source_text  # noqa: PLC0415

    settings = trained.folder.settings()
    if trained.head.classes and t.dtype.kind in "iu":
        t = t.copy()
        t[-1] = trained.head.classes - 1
    size = settings.batch_size
    step = step_of_run(trained)
    training = training_of(
        step,
        (x, t),
        epochs=settings.epochs or EPOCHS,
        batch_size=size if isinstance(size, int) else None,
    )
    return source_text(step, x, t, training=training, **options)


__all__ = ["source"]
