"""`glassgrad show WHAT [-o FILE]`: the picture of a computation, as a page, an SVG or text.

Layer L11.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from glassgrad.cli.helptext import SpokenCommand, flag, spoken
from glassgrad.cli.terminal import Output
from glassgrad.errors import OptionError, unknown_option
from glassgrad.text import say

if TYPE_CHECKING:
    from glassgrad.cli.subject import Subject
    from glassgrad.graph.ir import Graph

FORMATS = (".html", ".svg", ".txt")


def _examples() -> list[tuple[str, str]]:
    return [
        ("glassgrad show canon:cs231n.sigmoid_circuit", say("the drawing, here in the terminal")),
        (
            "glassgrad show canon:cs231n.sigmoid_circuit -o s.html",
            say("a page to step through, forward and back"),
        ),
        (
            "glassgrad show net.py:loss --args 3x4,4 -o loss.svg",
            say("a picture of a function of your own"),
        ),
        (
            "glassgrad show runs/digits -o net.html --level layers",
            say("the network of a run, a box a layer"),
        ),
        (
            "glassgrad show runs/digits --network -o neurons.svg",
            say("its neurons and synapses, by weight"),
        ),
        (
            "glassgrad show cnn.safetensors --args 1x1x28x28 --network -o cnn.svg",
            say("a model that gg.save wrote, for an input of this shape"),
        ),
        (
            "glassgrad show runs/digits --time-machine 120",
            say("what step 120 of its training computed, bit for bit"),
        ),
        (
            "glassgrad show runs/digits --native",
            say("the kernels of its training step in native code, and their times"),
        ),
    ]


@click.command(
    "show",
    cls=SpokenCommand,
    about=spoken(
        "Draw a computation with its values, gradients and local derivatives: a worked example, a "
        "function in a Python file, a run, or a model that gg.save wrote. The ending of -o chooses "
        "what is written: .html a page to step through, .svg a picture, .txt text. Without -o the "
        "text is printed."
    ),
    examples=_examples,
)
@click.argument("what", metavar="canon:NAME|FILE.py:FUNCTION|RUN|MODEL")
@flag("-o", "--output", "path", about="the file to write: .html, .svg or .txt", metavar="FILE")
@flag("--precision", about="decimals of the numbers; 2 by default", metavar="N")
@flag("--level", about="layers, arrays or numbers; found out by default", metavar="LEVEL")
@flag("--backward", about="the graph of the gradients, the backward pass as nodes", is_flag=True)
@flag("--open", "opened", about="a region to look into", metavar="REGION", multiple=True)
@flag("--node", about="the value whose node is selected first in a page", metavar="NAME")
@flag("--network", about="neurons and synapses instead of operations (.svg)", is_flag=True)
@flag("--args", "shapes", about="shapes of random inputs: 3x4,4,scalar,8:10", metavar="SHAPES")
@flag("--time-machine", "step", about="what this step of a run computed", metavar="STEP")
@flag("--native", about="kernels, loops, memory and times in native code", is_flag=True)
@flag("--json", "as_json", about="print JSON, for --time-machine and --native", is_flag=True)
def show(
    what: str,
    *,
    path: str | None,
    precision: str | None,
    level: str | None,
    backward: bool,
    opened: Sequence[str],
    node: str | None,
    network: bool,
    shapes: str | None,
    step: str | None,
    native: bool,
    as_json: bool,
) -> int:
    if step is not None:
        return _past(what, step, path, as_json)
    if native:
        from glassgrad.cli.native import show_native  # noqa: PLC0415 - help needs none of it

        return show_native(what, shapes, path, Output(json=as_json))
    from glassgrad.cli.subject import find_subject  # noqa: PLC0415 - help needs none of it

    output = Output()
    kind = _format(path)
    options: dict[str, Any] = {"precision": _decimals(precision), "opened": opened}
    options |= {"level": level} if level else {}
    subject = find_subject(what, shapes, output)
    graph = subject.graph.gradients() if backward else subject.graph
    if network:
        written = _neurons(kind, subject, options["precision"])
    else:
        written = _drawn(kind, graph, subject, options, node or "")
    if path is None:
        print(written)
        return 0
    _write(Path(path), written)
    output.note(say("{path} is written", path=path))
    return 0


def _past(what: str, step: str, path: str | None, as_json: bool) -> int:
    """A step of a run, computed again."""
    from glassgrad.cli.settings import whole  # noqa: PLC0415 - help needs none of it
    from glassgrad.cli.time_machine import show_step  # noqa: PLC0415

    if path is not None and _format(path) != ".html":
        raise OptionError(say("a step is written as a page: -o FILE.html"))
    try:
        number = int(whole(1)(step))
    except OptionError as error:
        raise error.at("--time-machine") from None
    return show_step(what, number, path, Output(json=as_json))


def _format(path: str | None) -> str:
    """The ending of a file's name; nothing for the terminal."""
    if path is None:
        return ""
    kind = Path(path).suffix.lower()
    if kind not in FORMATS:
        raise unknown_option("ending", kind or Path(path).name, FORMATS).at("-o")
    return kind


def _decimals(value: str | None) -> int:
    from glassgrad.cli.settings import whole  # noqa: PLC0415 - help needs no settings
    from glassgrad.view.digits import PRECISIONS  # noqa: PLC0415

    if value is None:
        return 2
    try:
        return int(whole(0, PRECISIONS[-1])(value))
    except OptionError as error:
        raise error.at("--precision") from None


def _drawn(kind: str, graph: Graph, subject: Subject, options: dict[str, Any], node: str) -> str:
    inputs = subject.inputs
    if kind == ".html":
        return graph.html(*inputs, **options, select=node, title=subject.name)
    if node:
        raise OptionError(say("--node is for pages: -o FILE.html"))
    if kind == ".svg":
        return graph.svg(*inputs, **options, title=subject.name)
    if kind == ".txt":
        return graph.text(*inputs, **options) + "\n"
    return graph.text(*inputs, **options, color=_has_colour(), ascii_only=not _has_boxes())


def _neurons(kind: str, subject: Subject, precision: int) -> str:
    """The network of a run with its class names, that of a saved model or of a function."""
    from glassgrad.view.network import network_svg  # noqa: PLC0415 - help draws nothing

    if kind not in ("", ".svg"):
        raise OptionError(say("--network draws an SVG"), rule="-o FILE.svg")
    if not subject.has_model:
        return network_svg(subject.graph, subject.inputs, precision=precision, title=subject.name)
    model, x, *_ = subject.inputs
    names: Sequence[str] = ()
    if subject.trained is not None:
        outputs, classes = subject.trained.head.outputs, subject.trained.info.classes
        names = classes if len(classes) == outputs else ()
    return network_svg(model, x, precision=precision, title=subject.name, output_names=names)


def _has_colour() -> bool:
    is_plain = os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb"
    return sys.stdout.isatty() and not is_plain


def _has_boxes() -> bool:
    """Whether the terminal can write the drawing's lines and signs."""
    try:
        "│─╰╯┴├┤┼◆○□●■−×÷∂·…Σ".encode(sys.stdout.encoding or "ascii")
    except (UnicodeEncodeError, LookupError):
        return False
    return True


def _write(path: Path, content: str) -> None:
    from glassgrad.files import atomic_write  # noqa: PLC0415 - help writes nothing

    atomic_write(path, content.encode("utf-8"))
