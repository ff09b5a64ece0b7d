"""`glassgrad train DATASET|config.toml|file.csv`: from a name to a trained run directory.

Layer L11. The flags are the table of `settings.py`; what is done is in `training_report.py`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from glassgrad.cli.helptext import SpokenCommand, SpokenOption, flag, spoken
from glassgrad.cli.settings import KEYS, RUN, Settings, read_settings
from glassgrad.cli.terminal import Output
from glassgrad.errors import OptionError
from glassgrad.text import say

_SWITCHES = {"biases": "--biases/--no-biases", "replacement": "--replacement", "canon": "--canon"}
# What a resumed run may be given: how long it lasts, and where things are.
_CHANGEABLE = ("epochs", "steps", "data", "backend", "name", "out", "dataset")


def _examples() -> list[tuple[str, str]]:
    return [
        ("glassgrad train digits", say("handwritten digits that come with the package")),
        ("glassgrad train xor --biases", say("XOR of the study note, now with biases")),
        ("glassgrad train mnist --canon", say("the book's network and settings")),
        ("glassgrad train fashion-mnist --layers 256,128", say("pictures of clothes")),
        (
            "glassgrad train data.csv --target species --layers 32,16 --folds 5",
            say("your own table, with cross-validation"),
        ),
        (
            "glassgrad train houses.csv --target price --missing impute --task regression",
            say("a quantity, with missing cells filled in"),
        ),
        ("glassgrad train runs/digits --resume", say("go on with a run that was interrupted")),
        ("glassgrad train runs/digits/config.toml", say("repeat a run")),
    ]


def _with_settings(command: Any) -> Any:
    """Add the flags of the table."""
    for key in reversed(list(KEYS.values())):
        if key.name == "dataset":
            continue
        names = [_SWITCHES.get(key.name, f"--{key.name}"), key.field]
        is_switch = key.name in _SWITCHES
        attributes: dict[str, Any] = {"is_flag": True} if is_switch else {"metavar": key.shown}
        option = SpokenOption(names, key.about, key.section, default=None, **attributes)
        command.__click_params__ = [*getattr(command, "__click_params__", []), option]
    return command


@click.command(
    "train",
    cls=SpokenCommand,
    about=spoken(
        "Train a network on a data set (xor, moons, circles, spiral, blobs, digits, mnist, "
        "fashion-mnist, cifar-10), on a CSV or NPZ file of your own, or as a config.toml says. "
        "Prints the layers, a gradient check and the test result, and writes runs/NAME."
    ),
    examples=_examples,
)
@click.argument("data_or_config", metavar="DATASET|CONFIG.TOML|FILE")
@_with_settings
@flag("--resume", about="go on with the run from its last checkpoint", section=RUN, is_flag=True)
@flag("--no-report", "bare", about="write no report.html", section=RUN, is_flag=True)
@flag("--quiet", about="print the result only", section=RUN, is_flag=True)
@flag("--json", "as_json", about="print JSON on stdout", section=RUN, is_flag=True)
def train(
    data_or_config: str, resume: bool, bare: bool, quiet: bool, as_json: bool, **flags: Any
) -> int:
    from glassgrad.cli.train_run import resume_run, start_run  # noqa: PLC0415 - help needs no network

    given = {KEYS[name.replace("_", "-")].name: v for name, v in flags.items() if v is not None}
    chosen = read_settings(given, lambda key: f"--{key}")
    output = Output(json=as_json, quiet=quiet)
    config = _config_of(data_or_config)
    if resume:
        return resume_run(
            data_or_config, config, chosen, _refuse_changes, output, with_report=not bare
        )
    settings = Settings(dataset=data_or_config)
    if config is not None:
        settings = _from_config(config)
    return start_run(chosen.over(settings), output, with_report=not bare)


def _config_of(name: str) -> Path | None:
    """The config.toml that a word means: itself, or that of a run directory."""
    from glassgrad.cli.config_file import CONFIG  # noqa: PLC0415 - help needs no TOML

    path = Path(name).expanduser()
    if path.suffix == ".toml" and path.is_file():
        return path
    return path / CONFIG if (path / CONFIG).is_file() else None


def _from_config(path: Path) -> Settings:
    from glassgrad.cli.config_file import read_config  # noqa: PLC0415 - help needs no TOML

    settings = read_config(path)
    if settings.dataset is None:
        problem = say("the key dataset is missing")
        raise OptionError(problem, operation=str(path), rule='dataset = "digits"')
    return settings


def _refuse_changes(chosen: Settings, stored: Settings) -> None:
    """A run goes on as it began; anything else would be another run under the same name."""
    for name, value in chosen.chosen().items():
        before = getattr(stored, name)
        if name not in _CHANGEABLE and value != before:
            flag_name = f"--{name.replace('_', '-')}"
            raise OptionError(
                say("the run began with {old}, not {new}", old=before, new=value),
                operation=flag_name,
                hint=say("leave {flag} out, or start a new run", flag=flag_name),
            )
