"""`glassgrad evaluate RUN [FILE]`: how good a trained model is.

Layer L11.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from glassgrad.cli.helptext import SpokenCommand, flag, spoken
from glassgrad.cli.settings import metric_names
from glassgrad.cli.terminal import Output
from glassgrad.errors import OptionError
from glassgrad.text import say

if TYPE_CHECKING:
    from glassgrad.cli.trained import Rows, Trained


def _examples() -> list[tuple[str, str]]:
    return [
        ("glassgrad evaluate runs/digits", say("on the test part of its data")),
        ("glassgrad evaluate runs/iris more.csv", say("on labelled raw rows of a file")),
    ]


@click.command(
    "evaluate",
    cls=SpokenCommand,
    about=spoken(
        "Score a trained model: accuracy and confusion matrix, or R² and the mean absolute error. "
        "Works from the run directory alone, on raw rows."
    ),
    examples=_examples,
)
@click.argument("run")
@click.argument("file", required=False)
@flag("--encoding", about="of the file's text; UTF-8, else CP949, if not given", metavar="NAME")
@flag("--data", about="where data sets lie; else GLASSGRAD_DATA, else a download", metavar="FOLDER")
@flag("--metrics", about="further scores by name, such as f1,roc_auc", metavar="A,B")
@flag("--json", "as_json", about="print JSON", is_flag=True)
def evaluate(
    run: str,
    file: str | None,
    encoding: str | None,
    data: str | None,
    metrics: str | None,
    as_json: bool,
) -> int:
    from glassgrad.cli.scores import confusion_text, scores_data, scores_text  # noqa: PLC0415
    from glassgrad.cli.trained import open_trained  # noqa: PLC0415 - help needs none of it

    output = Output(json=as_json)
    further = metric_names(metrics) if metrics else ()
    trained = open_trained(run)
    if file is not None:
        rows = trained.read(file, encoding=encoding, with_target=True)
    else:
        rows = _test_rows(trained, data)
    for remark in rows.remarks:
        output.note(remark)
    scores = trained.scores(rows, further)
    output.data({"run": str(trained.folder.path), "task": trained.info.task, **scores_data(scores)})
    if not output.json:
        output.result(scores_text(scores))
        if scores.confusion is not None:
            output.result(confusion_text(scores, trained.info.classes))
    return 0


def _test_rows(trained: Trained, folder: str | None) -> Rows:
    """The test part of what the model was trained on."""
    if trained.folder.test.is_file():
        return trained.kept_rows()
    if trained.info.source:
        raise OptionError(
            say("{path} was trained on all rows of its file", path=trained.folder.path),
            hint=say("name a file of labelled rows: glassgrad evaluate RUN FILE"),
        )
    from glassgrad.cli.trained import labelled  # noqa: PLC0415 - help needs none of it
    from glassgrad.data import load_dataset  # noqa: PLC0415

    seed = trained.folder.settings().seed or 0
    dataset = load_dataset(trained.info.dataset, folder, dtype=trained.dtype, seed=seed)
    return labelled(*(dataset.train if dataset.test is None else dataset.test))
