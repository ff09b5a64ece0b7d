"""`glassgrad show WHAT --native`: what becomes of a training step or a function in native code.

Layer L11.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from glassgrad.backends.native import engine
from glassgrad.backends.native.report import NativeReport, native_report
from glassgrad.cli.problem import open_problem
from glassgrad.cli.subject import find_subject
from glassgrad.cli.terminal import Output
from glassgrad.cli.training import optimizer_of, prepared, set_up
from glassgrad.errors import GlassgradError, OptionError
from glassgrad.files import atomic_write
from glassgrad.graph.trace import trace
from glassgrad.nn.losses import find_loss
from glassgrad.nn.module import evaluating
from glassgrad.text import say
from glassgrad.train.model_loss import forward, loss_of
from glassgrad.train.native_report import step_report
from glassgrad.train.step import train_step

if TYPE_CHECKING:
    from glassgrad.cli.subject import Subject
    from glassgrad.cli.trained import Trained

_ROWS = 100  # of a batch, where a run took all rows at once


def show_native(what: str, shapes: str | None, path: str | None, output: Output) -> int:
    """Print the reports; with `path` write them as text. Times are measured where that can be."""
    if path is not None and Path(path).suffix.lower() != ".txt":
        raise OptionError(say("the native report is text: -o FILE.txt"), operation="-o")
    problem = engine.problem()
    if problem is not None:
        output.note(say("without times: {reason}", reason=problem))
    is_measured = problem is None
    subject = find_subject(what, shapes, output, rows=_ROWS)
    if subject.trained is None:
        reports = _of_function(subject, is_measured)
    else:
        reports = _of_run(subject, subject.trained, output, is_measured)
    output.data({"name": subject.name, **{k: r.to_dict() for k, (_, r) in reports.items()}})
    text = "\n\n".join(f"{title}\n\n{report}" for title, report in reports.values())
    if path is not None:
        atomic_write(Path(path), f"{text}\n".encode())
        output.note(say("{path} is written", path=path))
    elif not output.json:
        output.result(text)
    return 0


Reports = dict[str, tuple[str, NativeReport]]


def _of_function(subject: Subject, is_measured: bool) -> Reports:
    """A function, and its gradients where it has any."""
    given = subject.inputs if is_measured else ()
    graph = subject.graph
    reports = {"forward": (say("the function"), native_report(graph, *given))}
    try:
        derived = graph.gradients(subject.wrt)
    except GlassgradError:
        return reports
    return reports | {"gradients": (say("its gradients"), native_report(derived, *given))}


def _of_run(subject: Subject, trained: Trained, output: Output, is_measured: bool) -> Reports:
    """The training step of a run as it was trained, and its forward pass."""
    model, x, _ = subject.inputs
    with evaluating(model):
        graph = trace(forward, model, x)
        found = native_report(graph, *((model, x) if is_measured else ()))
    return {
        "step": (say("the training step"), _step(subject, trained, output, is_measured)),
        "forward": (say("the forward pass"), found),
    }


def _step(subject: Subject, trained: Trained, output: Output, is_measured: bool) -> NativeReport:
    settings = trained.folder.settings()
    try:
        part = open_problem(settings, Output(quiet=True)).part
    except (GlassgradError, OSError):
        return _drawn_step(subject, trained, is_measured)
    run = prepared(set_up(settings, part))
    data: Any = run.feed.arrays
    assert data is not None, "a run's data stand in arrays"
    run.model.train()
    size, whole = run.feed.whole
    if whole == 0:
        size = len(data[0])
    if size == len(data[0]):
        return step_report(run.trainer, *data, measure=is_measured)
    return step_report(run.trainer, *data, batch_size=size, measure=is_measured)


def _drawn_step(subject: Subject, trained: Trained, is_measured: bool) -> NativeReport:
    """The step of a run whose data are gone: rows were drawn, the batch has as many."""
    settings = trained.folder.settings()
    model, x, t = subject.inputs
    loss = loss_of(find_loss(trained.head.loss))
    step = train_step(loss, model.train(), optimizer_of(settings, model), backend="numpy")
    return step_report(step, x, t, measure=is_measured)
