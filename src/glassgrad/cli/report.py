"""`glassgrad report RUN`: write the report of a run again.

Layer L11.
"""

from __future__ import annotations

from pathlib import Path

import click

from glassgrad.cli.helptext import SpokenCommand, flag, spoken
from glassgrad.cli.terminal import Output
from glassgrad.text import say


def _examples() -> list[tuple[str, str]]:
    return [
        ("glassgrad report runs/digits", say("into runs/digits/report.html")),
        ("glassgrad --lang ko report digits -o digits.html", say("in Korean, into another file")),
    ]


@click.command(
    "report",
    cls=SpokenCommand,
    about=spoken(
        "Write the report of a trained run again: one HTML file with data, curves, mistakes, "
        "weights, graph, source, diagnosis and costs."
    ),
    examples=_examples,
)
@click.argument("run")
@flag("-o", "--output", "target", about="where to; RUN/report.html if not given", metavar="FILE")
@flag("--json", "as_json", about="print JSON", is_flag=True)
def report(run: str, target: str | None, as_json: bool) -> int:
    from glassgrad.cli.report_material import stored_material  # noqa: PLC0415 - help needs none
    from glassgrad.cli.trained import open_trained  # noqa: PLC0415
    from glassgrad.report import write_report  # noqa: PLC0415

    output = Output(json=as_json)
    trained = open_trained(run)
    path = trained.folder.report if target is None else Path(target).expanduser()
    write_report(stored_material(trained, output), path)
    output.data({"run": str(trained.folder.path), "report": str(path)})
    if not output.json:
        output.result(str(path))
    return 0
