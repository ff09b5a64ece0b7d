"""`glassgrad canon`: the famous worked examples, listed, shown and checked.

Layer L11.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from glassgrad.cli.helptext import SpokenCommand, flag, spoken
from glassgrad.cli.terminal import Output, complain, table
from glassgrad.errors import OptionError, nearest
from glassgrad.text import say

if TYPE_CHECKING:
    from glassgrad.canon.base import Example

_MOST_DIGITS = 17


def _examples() -> list[tuple[str, str]]:
    return [
        ("glassgrad canon", say("the list")),
        ("glassgrad canon cs231n.sigmoid_circuit", say("every value and gradient of one example")),
        ("glassgrad canon cs231n.sigmoid_circuit --precision 2", say("as on the slides")),
        ("glassgrad canon cs231n.sigmoid_circuit --code", say("its source text")),
        ("glassgrad canon xor.starts --picture -o xor.svg", say("its picture")),
        ("glassgrad canon --all --json", say("check every number of every example")),
    ]


@click.command(
    "canon",
    cls=SpokenCommand,
    about=spoken(
        "Show and check the famous worked examples: CS231n, the book, micrograd, DeZero and others."
    ),
    examples=_examples,
)
@click.argument("name", required=False)
@flag("--all", "everything", about="check every number of every example", is_flag=True)
@flag("--code", about="print the example's source text", is_flag=True)
@flag("--picture", about="draw the example as an SVG", is_flag=True)
@flag("-o", "--output", "path", about="the file of the picture", metavar="FILE")
@flag("--precision", about="decimals of the numbers; 15 digits by default", metavar="N")
@flag("--json", "as_json", about="print JSON", is_flag=True)
def canon(
    name: str | None,
    everything: bool,
    code: bool,
    picture: bool,
    path: str | None,
    precision: str | None,
    as_json: bool,
) -> int:
    output = Output(json=as_json)
    decimals = _decimals(precision)
    if path is not None and not picture:
        raise OptionError(say("-o is for pictures: add --picture"))
    if everything:
        if name is not None:
            raise OptionError(say("a name and --all are both given"))
        return _check_all(output)
    if name is None:
        if code or picture:
            option = "--code" if code else "--picture"
            raise OptionError(say("{option} needs the name of an example", option=option))
        return _list(output)
    example = find_example(name)
    if code:
        print(example.code().rstrip())
        return 0
    if picture:
        return _draw(example, path, output)
    return _show(example, decimals, output)


def _draw(example: Example, path: str | None, output: Output) -> int:
    """The picture, to a file or to standard output."""
    from glassgrad.files import atomic_write  # noqa: PLC0415 - the list writes nothing

    if example.is_slow:
        output.note(say("{name} takes a while", name=example.name))
    drawn = example.picture()
    if path is None:
        print(drawn)
        return 0
    atomic_write(Path(path).expanduser(), drawn.encode("utf-8"))
    output.note(say("written: {path}", path=path))
    return 0


def _decimals(value: str | None) -> int | None:
    from glassgrad.cli.settings import whole  # noqa: PLC0415 - the list needs no settings

    if value is None:
        return None
    try:
        return int(whole(0, _MOST_DIGITS)(value))
    except OptionError as error:
        raise error.at("--precision") from None


def find_example(name: str) -> Example:
    """The example of a name; its room may be left out where one alone has the name."""
    from glassgrad.canon import EXAMPLES  # noqa: PLC0415 - it builds all examples

    if name in EXAMPLES:
        return EXAMPLES[name]
    alike = [full for full in EXAMPLES if full.partition(".")[2] == name]
    if len(alike) == 1:
        return EXAMPLES[alike[0]]
    problem = say("unknown {what} {word!r}", what=say("example"), word=name)
    raise OptionError(problem, hint=nearest(name, EXAMPLES))


# --- the list ----------------------------------------------------------------------------


def _list(output: Output) -> int:
    from glassgrad.canon import EXAMPLES  # noqa: PLC0415 - it builds all examples

    examples = list(EXAMPLES.values())
    if output.json:
        output.data([_described(example) for example in examples])
        return 0
    rows = [(example.name, example.title) for example in examples]
    output.result(table([(say("name"), say("title")), *rows]))
    return 0


def _described(example: Example) -> dict[str, Any]:
    return {
        "name": example.name,
        "title": example.title_in("en"),
        "title_ko": example.title_in("ko"),
        "source": example.source,
        "seeds": example.seeds,
    }


# --- one example -------------------------------------------------------------------------


def _show(example: Example, decimals: int | None, output: Output) -> int:
    reason = example.missing()
    if reason:
        complain(f"{example.name}: {reason}")
        return 1
    if example.is_slow:
        output.note(say("{name} takes a while", name=example.name))
    checks = example.check()
    wrong = [check for check in checks if not check.ok]
    if output.json:
        output.data({**_described(example), "table": _table_data(example), **_verdict(example)})
        return 1 if wrong else 0
    output.result(f"{example.name}: {example.title}")
    output.result(f"{say('source')}: {example.source}")
    if example.seeds:
        output.result(f"{say('seeds')}: {example.seeds}")
    output.result("")
    output.result(table([example.columns, *example.table(decimals)]))
    if example.notes is not None:
        output.result("\n" + example.notes())
    output.result("")
    for check in wrong:
        text = say("{label} is {computed!r}", label=check.label, computed=check.computed)
        output.result(f"{text}, {say('printed: {number}', number=check.printed)}")
    right = len(checks) - len(wrong)
    output.result(
        say("{right} of {all} numbers agree with the source", right=right, all=len(checks))
    )
    return 1 if wrong else 0


def _table_data(example: Example) -> dict[str, Any]:
    """The example's numbers by label, unrounded."""
    return dict(example.results.values)


def _verdict(example: Example) -> dict[str, Any]:
    checks = example.check()
    is_fine = all(check.ok for check in checks)
    return {"ok": is_fine, "checks": [check.as_dict() for check in checks]}


# --- all of them -------------------------------------------------------------------------


def _check_all(output: Output) -> int:
    """Every number; 1 if one differs. What lacks its data set is skipped and named."""
    from glassgrad.canon import EXAMPLES  # noqa: PLC0415 - it builds all examples

    rows: list[tuple[str, str, str]] = []
    found = []
    for example in EXAMPLES.values():
        reason = example.missing()
        if example.is_slow and not reason:
            output.note(say("{name} takes a while", name=example.name))
        verdict = {"ok": None, "checks": []} if reason else _verdict(example)
        found.append({**_described(example), **verdict, "skipped": reason})
        right = sum(check["ok"] for check in verdict["checks"])
        word = say("skipped") if reason else say("ok") if verdict["ok"] else say("DIFFERS")
        rows.append((example.name, f"{right}/{len(verdict['checks'])}", word))
        if reason:
            output.note(f"{example.name}: {reason}")
    output.data(found)
    if not output.json:
        output.result(table([(say("name"), say("numbers"), ""), *rows], right=[1]))
    failed = [entry["name"] for entry in found if entry["ok"] is False]
    for name in failed:
        output.note(say("{name} differs from its source", name=name))
    return 1 if failed else 0
