"""`glassgrad tune config.toml`: searches settings of a training run, and writes the best ones.

Layer L11. The search itself is in `tuning.py`.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from glassgrad.cli.helptext import SpokenCommand, flag, spoken
from glassgrad.cli.terminal import Output, table
from glassgrad.errors import OptionError
from glassgrad.text import say

if TYPE_CHECKING:
    from glassgrad.cli.tuning import Found, Tried

_SHOWN = 10  # trials of the table, the best first


def _examples() -> list[tuple[str, str]]:
    return [
        ("glassgrad tune digits.toml", say("as many trials as the file says")),
        ("glassgrad tune digits.toml --trials 100", say("go on until there are a hundred")),
        ("glassgrad train digits.best.toml", say("train with the best settings")),
    ]


@click.command(
    "tune",
    cls=SpokenCommand,
    about=spoken(
        "Search for settings of a training run with Optuna. The file holds the settings that stay, "
        "a table [search] with what is tried, as in lr.low = 1e-4 with lr.high = 0.1, or "
        "patience = [5, 10], and a table [tune] with trials, metric and study. Each "
        "trial is scored by a validation part of the training rows. The study is kept in a file, "
        "so the same command goes on with it."
    ),
    examples=_examples,
)
@click.argument("config", metavar="CONFIG.TOML")
@flag("--trials", about="how many trials there are to be, earlier ones included", metavar="N")
@flag(
    "--study",
    about="file of the study: NAME.study beside the config; .db makes an SQLite database",
    metavar="FILE",
)
@flag("--best", about="where the best settings are written; NAME.best.toml", metavar="FILE")
@flag("--no-pruning", about="let every trial run to its end", is_flag=True)
@flag("--quiet", about="print the result only", is_flag=True)
@flag("--json", "as_json", about="print JSON on stdout", is_flag=True)
def tune(
    config: str,
    trials: str | None,
    study: str | None,
    best: str | None,
    no_pruning: bool,
    quiet: bool,
    as_json: bool,
) -> int:
    from dataclasses import replace  # noqa: PLC0415 - help needs none of it

    from glassgrad.cli.config_file import write_config  # noqa: PLC0415
    from glassgrad.cli.search_space import read_plan  # noqa: PLC0415
    from glassgrad.cli.settings import whole  # noqa: PLC0415
    from glassgrad.cli.tuning import search  # noqa: PLC0415

    path = Path(config).expanduser()
    if not path.is_file():
        raise OptionError(say("there is no file {path}", path=config))
    output = Output(json=as_json, quiet=quiet)
    plan = read_plan(path)
    if trials is not None:
        plan = replace(plan, trials=whole(1)(trials))
    place = Path(study).expanduser() if study else plan.study or path.with_suffix(".study")

    def tell(tried: Tried, count: int) -> None:
        output.note(_line(tried, count))

    found = search(plan, place, output, tell, prunes=not no_pruning)
    target = Path(best).expanduser() if best else path.with_suffix(".best.toml")
    write_config(target, found.settings)
    output.report(_table(found) + "\n")
    score = say("best {metric} {value:.6g}", metric=found.metric, value=found.best.score)
    output.result(f"{score}: {_values(found.best)}")
    output.note(say("written: {path}", path=target))
    output.data(_facts(found, place, target))
    return 0


def _line(tried: Tried, count: int) -> str:
    place = say("trial {i} of {n}", i=tried.number, n=count)
    score = "–" if tried.score is None else f"{tried.score:.6g}"
    return f"{place}: {score} ({_state(tried.state)}) {_values(tried)}"


def _state(state: str) -> str:
    known = {"complete": say("done"), "pruned": say("cut short"), "fail": say("failed")}
    return known.get(state, state)


def _values(tried: Tried) -> str:
    return ", ".join(
        f"{key}={value:.4g}" if isinstance(value, float) else f"{key}={value}"
        for key, value in tried.values.items()
    )


def _table(found: Found) -> str:
    """The best trials, one a line."""
    sign = -1 if found.metric != "val_loss" else 1
    complete = [t for t in found.trials if t.state == "complete" and t.score is not None]
    ranked = sorted(complete, key=lambda t: sign * (t.score or 0.0))[:_SHOWN]
    keys = list(found.best.values)
    head = (say("trial"), found.metric, *keys)
    body = [
        (str(t.number), f"{t.score:.6g}", *(_value(t.values.get(key)) for key in keys))
        for t in ranked
    ]
    return table([head, *body], right=[0, 1])


def _value(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _facts(found: Found, study: Path, target: Path) -> dict[str, Any]:
    return {
        "study": str(study),
        "config": str(target),
        "metric": found.metric,
        "best": vars(found.best),
        "settings": found.settings.chosen(),
        "trials": [vars(trial) for trial in found.trials],
    }
