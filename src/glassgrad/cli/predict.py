"""`glassgrad predict RUN FILE`: what a trained model says of raw rows.

Layer L11.
"""

from __future__ import annotations

import csv
import io
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from glassgrad.cli.helptext import SpokenCommand, flag, spoken
from glassgrad.cli.terminal import Output
from glassgrad.files import atomic_write
from glassgrad.text import say

if TYPE_CHECKING:
    from glassgrad.cli.trained import Rows, Trained


def _examples() -> list[tuple[str, str]]:
    return [
        (
            "glassgrad predict runs/iris flowers.csv",
            say("one line a row: its number and the class"),
        ),
        (
            "glassgrad predict runs/digits pixels.npz --probabilities",
            say("images as rows of raw pixels; with the probability of each class"),
        ),
        ("glassgrad predict runs/iris flowers.csv -o out.csv", say("into a file")),
    ]


@click.command(
    "predict",
    cls=SpokenCommand,
    about=spoken(
        "Predict the class or the quantity of each raw row of a CSV or NPZ file. The columns are "
        "those of the training file, in any order; the target may be absent. Works from the run "
        "directory alone."
    ),
    examples=_examples,
)
@click.argument("run")
@click.argument("file")
@flag("-o", "--output", "target", about="write into this file instead", metavar="FILE")
@flag("--probabilities", about="with the probability of each class", is_flag=True)
@flag("--encoding", about="of the file's text; UTF-8, else CP949, if not given", metavar="NAME")
@flag("--json", "as_json", about="print JSON", is_flag=True)
def predict(
    run: str,
    file: str,
    target: str | None,
    probabilities: bool,
    encoding: str | None,
    as_json: bool,
) -> int:
    from glassgrad.cli.trained import open_trained  # noqa: PLC0415 - help needs none of it

    output = Output(json=as_json)
    trained = open_trained(run)
    rows = trained.read(file, encoding=encoding)
    for remark in rows.remarks:
        output.note(remark)
    found = _records(trained, rows, probabilities)
    if as_json and target is None:
        output.data(found)
        return 0
    text = _json(found) if as_json else _csv(found)
    if target is None:
        sys.stdout.write(text)
        return 0
    atomic_write(Path(target).expanduser(), text.encode("utf-8"))
    output.note(say("{n:,} predictions written to {path}", n=len(found), path=target))
    return 0


def _records(trained: Trained, rows: Rows, with_probabilities: bool) -> list[dict[str, Any]]:
    outputs = trained.outputs(rows.X)
    labels = trained.decoded(outputs).tolist()
    records = [
        {"row": number, "prediction": label}
        for number, label in zip(rows.numbers.tolist(), labels, strict=True)
    ]
    if with_probabilities:
        shares = trained.head.probabilities(outputs).tolist()
        for record, share in zip(records, shares, strict=True):
            pairs = zip(trained.info.classes, share, strict=True)
            record["probabilities"] = dict(pairs)
    return records


def _json(records: list[dict[str, Any]]) -> str:
    import json  # noqa: PLC0415 - its only use

    return json.dumps(records, ensure_ascii=False, allow_nan=False, indent=1) + "\n"


def _csv(records: list[dict[str, Any]]) -> str:
    """`row,prediction` and one column a class."""
    stream = io.StringIO(newline="")
    writer = csv.writer(stream, lineterminator="\n")
    classes = list(records[0].get("probabilities", ())) if records else []
    writer.writerow(["row", "prediction", *(f"p({name})" for name in classes)])
    for record in records:
        shares = [f"{share:.6g}" for share in record.get("probabilities", {}).values()]
        writer.writerow([record["row"], record["prediction"], *shares])
    return stream.getvalue()
