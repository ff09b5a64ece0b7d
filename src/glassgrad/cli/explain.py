"""`glassgrad explain WHAT [INPUT]`: why a gradient is what it is, and what an update does.

Layer L11.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from glassgrad.cli.helptext import SpokenCommand, flag, spoken
from glassgrad.cli.settings import number, whole
from glassgrad.cli.subject import Subject, find_subject
from glassgrad.cli.terminal import Output
from glassgrad.errors import OptionError
from glassgrad.text import say

if TYPE_CHECKING:
    from glassgrad.view.explain import Explanation

_MOST_DIGITS = 16


def _examples() -> list[tuple[str, str]]:
    return [
        (
            "glassgrad explain canon:cs231n.sigmoid_circuit x1",
            say("why the gradient of f by x1 is −0.5898"),
        ),
        (
            'glassgrad explain net.py:loss "W1[0, 1]" --args 8x4,4x3,8:3',
            say("a function of your own, at random arrays of these shapes"),
        ),
        (
            'glassgrad explain runs/digits "W1[20, 3]" --paths 5',
            say("a weight of a trained network, on rows of its training data"),
        ),
        (
            "glassgrad explain canon:mazur.network --update --lr 0.5",
            say("each weight's error signal and update, output layer first"),
        ),
        (
            'glassgrad explain runs/digits --update "W1[20, 3]"',
            say("the same for one weight of a run, by the run's own optimizer"),
        ),
    ]


@click.command(
    "explain",
    cls=SpokenCommand,
    about=spoken(
        "Explain a gradient: the paths from the result to one input or parameter, as products of "
        "local derivatives with their numbers, the strongest first, and their sum. WHAT is a "
        "worked example (canon:NAME), a function in a Python file, a run, or a model that gg.save "
        "wrote. With --update: a weight, its error signal, its change and its new value, layer by "
        "layer, the output layer first."
    ),
    examples=_examples,
)
@click.argument("what", metavar="WHAT")
@click.argument("target", required=False, metavar="[INPUT]")
@flag("--update", is_flag=True, about="what one step of training does to the weights")
@flag("--of", about="what is explained, if not the result: E_o1, scores[0,3]", metavar="NAME")
@flag("--paths", about="how many paths are listed; 10 by default", metavar="K")
@flag("--precision", about="decimals of the numbers shown", metavar="N")
@flag("--lr", about="learning rate of --update; a run has its own, else 0.1", metavar="RATE")
@flag("--args", "shapes", about="shapes of random inputs: 3x4,4,scalar,8:10", metavar="SHAPES")
@flag("--latex", "as_latex", about="print LaTeX", is_flag=True)
@flag("--html", "as_html", about="print a page", is_flag=True)
@flag("--json", "as_json", about="print JSON", is_flag=True)
@flag("-o", "--output", "place", about="write to a file", metavar="FILE")
def explain(  # noqa: PLR0917 - the options of the command
    what: str,
    target: str | None,
    update: bool,
    of: str | None,
    paths: str | None,
    precision: str | None,
    lr: str | None,
    shapes: str | None,
    as_latex: bool,
    as_html: bool,
    as_json: bool,
    place: str | None,
) -> int:
    if as_latex + as_html + as_json > 1:
        raise OptionError(say("--latex, --html and --json exclude each other"))
    _require_fitting(update, of, paths, lr, as_latex or as_html)
    output = Output(json=as_json)
    decimals = None if precision is None else _whole("--precision", precision, 0, _MOST_DIGITS)
    subject = find_subject(what, shapes, output)
    if update:
        rate = None if lr is None else _rate(lr)
        from glassgrad.cli.explain_update import update_of_subject  # noqa: PLC0415 - not for help

        shown: Any = update_of_subject(subject, leaves_of(subject), target, rate, decimals)
    else:
        count = 10 if paths is None else _whole("--paths", paths, 1, 10_000)
        shown = _explanation(subject, target, of, count, decimals)
    if as_json:
        return _give(_json(shown), place)
    if as_html:
        return _give(_page(shown, subject.name), place)
    return _give(shown.latex() if as_latex else str(shown), place)


def _require_fitting(
    update: bool, of: str | None, paths: str | None, lr: str | None, as_markup: bool
) -> None:
    if update and (of is not None or paths is not None or as_markup):
        raise OptionError(say("--update goes with --lr, --precision and --json only"))
    if not update and lr is not None:
        raise OptionError(say("--lr is for --update"))


def _whole(name: str, value: str, least: int, most: int) -> int:
    try:
        return int(whole(least, most)(value))
    except OptionError as error:
        raise error.at(name) from None


def _rate(value: str) -> float:
    try:
        return float(number("> 0", lambda rate: rate > 0)(value))
    except OptionError as error:
        raise error.at("--lr") from None


def leaves_of(subject: Subject) -> list[Any]:
    """A value for each input of its graph."""
    from glassgrad.graph.ir import Var  # noqa: PLC0415 - help needs none of it
    from glassgrad.view.explain.situation import plain  # noqa: PLC0415

    out = subject.graph.outputs[0]
    if subject.trained is not None and isinstance(out, Var):
        out.name = subject.graph.name  # a run's loss comes from no program of the user's
    return list(map(plain, subject.graph.flatten_arguments(subject.inputs)))


def _explanation(
    subject: Subject, target: str | None, of: str | None, k: int, precision: int | None
) -> Explanation:
    from glassgrad.view.explain import explain as explained  # noqa: PLC0415 - help needs none

    leaves = leaves_of(subject)
    return explained(subject.graph, target, *leaves, of=of, k=k, precision=precision)


# --- giving it out -----------------------------------------------------------------------


def _json(shown: Any) -> str:
    import json  # noqa: PLC0415

    from glassgrad.cli.terminal import plain  # noqa: PLC0415

    return json.dumps(plain(shown.to_dict()), ensure_ascii=False, allow_nan=False, indent=1)


def _page(shown: Any, title: str) -> str:
    from glassgrad.text import language  # noqa: PLC0415
    from glassgrad.view.markup import words  # noqa: PLC0415

    head = f'<meta charset="utf-8"><title>{words(title)}</title>'
    width = '<meta name="viewport" content="width=device-width">'
    return (
        f'<!doctype html><html lang="{language()}">{head}{width}<body>{shown.html()}</body></html>'
    )


def _give(text: str, place: str | None) -> int:
    """To stdout, or as a whole into a file."""
    if place is None:
        print(text)
        return 0
    from glassgrad.files import atomic_write, named_access  # noqa: PLC0415

    path = Path(place).expanduser()
    with named_access(path):
        atomic_write(path, f"{text}\n".encode())
    return 0
