"""`glassgrad`: finds the command, chooses the language, and turns faults into exit codes.

Layer L11. 0 is fine, 1 means that the work failed, 2 that it was asked for wrongly. Commands stand
in one file each, and are imported when they are called.
"""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Sequence
from typing import Any

import click

from glassgrad.cli.helptext import SpokenOption, help_option, page, spoken
from glassgrad.cli.terminal import (
    can_write_korean,
    complain,
    show_error,
    spoken_warnings,
    use_safe_streams,
)
from glassgrad.errors import GlassgradError, OptionError, unknown_option
from glassgrad.files import access_error
from glassgrad.text import LANGUAGES, language, say, speaking

FINE, FAILED, MISUSED = 0, 1, 2

COMMANDS = {
    "train": "glassgrad.cli.train:train",
    "evaluate": "glassgrad.cli.evaluate:evaluate",
    "predict": "glassgrad.cli.predict:predict",
    "export": "glassgrad.cli.export:export",
    "report": "glassgrad.cli.report:report",
    "show": "glassgrad.cli.show:show",
    "source": "glassgrad.cli.source:source",
    "explain": "glassgrad.cli.explain:explain",
    "diagnose": "glassgrad.cli.diagnose:diagnose",
    "gradcheck": "glassgrad.cli.gradcheck:gradcheck",
    "grade": "glassgrad.cli.grade:grade",
    "canon": "glassgrad.cli.canon:canon",
    "tune": "glassgrad.cli.tune:tune",
    "bench": "glassgrad.cli.bench:bench",
    "doctor": "glassgrad.cli.doctor:doctor",
}


def main() -> None:
    """The program `glassgrad`."""
    sys.exit(run(sys.argv[1:]))


def run(arguments: Sequence[str]) -> int:
    """Run one command line; the exit code."""
    use_safe_streams()
    try:
        chosen = _chosen_language(arguments)
    except OptionError as error:
        show_error(error)
        return MISUSED
    with speaking(chosen), spoken_warnings():
        try:
            return _run(_without_language(arguments))
        except BrokenPipeError:
            # Whoever read our output is gone; nothing may be flushed to it at exit.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return FAILED


def _run(arguments: Sequence[str]) -> int:
    try:
        code = program.main(list(arguments), prog_name="glassgrad", standalone_mode=False)
        sys.stdout.flush()
    except click.UsageError as error:
        show_error(_translated(error))
        where = error.ctx.command_path if error.ctx else "glassgrad"
        complain(say("see: {command}", command=f"{where} --help"))
        return MISUSED
    except (KeyboardInterrupt, click.Abort):
        complain(say("interrupted"))
        return FAILED
    except GlassgradError as error:
        show_error(error)
        return MISUSED if isinstance(error, OptionError) else FAILED
    except BrokenPipeError:
        raise
    except OSError as error:
        show_error(access_error(error.filename or say("a file"), error))
        return FAILED
    return int(code or FINE)


# --- language ----------------------------------------------------------------------------


def _chosen_language(arguments: Sequence[str]) -> str:
    """That of `--lang`, wherever it stands, else that of the environment."""
    wanted = [code for _, code in _language_flags(arguments)]
    if wanted and wanted[-1] not in LANGUAGES:
        raise unknown_option("language", wanted[-1], LANGUAGES)
    code = wanted[-1] if wanted else language()
    return code if code == "en" or can_write_korean() else "en"


def _without_language(arguments: Sequence[str]) -> list[str]:
    """The arguments less every `--lang`, which counts before and behind a command alike."""
    taken = {i + k for i, _ in _language_flags(arguments) for k in (0, arguments[i] == "--lang")}
    return [word for i, word in enumerate(arguments) if i not in taken]


def _language_flags(arguments: Sequence[str]) -> list[tuple[int, str]]:
    """Position and value of each `--lang ko` or `--lang=ko` before a bare `--`."""
    found = []
    end = arguments.index("--") if "--" in arguments else len(arguments)
    for i, word in enumerate(arguments[:end]):
        if word == "--lang":
            found.append((i, arguments[i + 1] if i + 1 < end else ""))
        elif word.startswith("--lang="):
            found.append((i, word.removeprefix("--lang=")))
    return found


# --- wrong usage -------------------------------------------------------------------------


def _translated(error: click.UsageError) -> OptionError:
    """What click found wrong, in the package's own form and language."""
    context = error.ctx
    if isinstance(error, click.NoSuchOption) and context is not None:
        offered = [name for p in context.command.get_params(context) for name in p.opts]
        long_names = [name for name in offered if name.startswith("--")]
        return unknown_option("option", error.option_name, long_names)
    if isinstance(error, click.BadOptionUsage):
        return OptionError(say("{name} needs a value", name=error.option_name))
    if isinstance(error, click.MissingParameter) and error.param is not None:
        name = error.param.make_metavar(context) if context else error.param.name
        return OptionError(say("{name} is missing", name=name))
    return OptionError(error.format_message())


# --- the group ---------------------------------------------------------------------------


class _Program(click.Group):
    """The commands by name, each imported when it is needed."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module, _, name = COMMANDS[cmd_name].partition(":")
        command: click.Command = getattr(importlib.import_module(module), name)
        return command

    def resolve_command(self, ctx: click.Context, args: list[str]) -> Any:
        if args[0] not in COMMANDS and not args[0].startswith("-"):
            raise unknown_option("command", args[0], COMMANDS)
        return super().resolve_command(ctx, args)

    def get_help_option(self, ctx: click.Context) -> click.Option | None:
        return help_option()

    def format_help(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        found = [(name, self.get_command(ctx, name)) for name in COMMANDS]
        rows = [(name, command.get_short_help_str()) for name, command in found if command]
        formatter.write(page(self, ctx, _about(), _examples(), rows))


def _about() -> str:
    return say(
        "Deep learning you can see through: train networks, check gradients, and run the famous "
        "worked examples to the digit."
    )


def _examples() -> list[tuple[str, str]]:
    return [
        ("glassgrad train digits", say("a network for real handwritten digits, in seconds")),
        ("glassgrad predict runs/digits rows.csv", say("what it says of the user's own rows")),
        ("glassgrad train --help", say("everything that can be chosen")),
        ("glassgrad --lang ko train --help", say("the same in Korean")),
    ]


def _show_version(ctx: click.Context, _: Any, value: bool) -> None:
    if value:
        from importlib.metadata import PackageNotFoundError, version  # noqa: PLC0415 - 10 ms

        try:
            print(f"glassgrad {version('glassgrad')}")
        except PackageNotFoundError:  # run from a checkout
            print("glassgrad")
        ctx.exit()


program = _Program(
    "glassgrad",
    invoke_without_command=True,
    params=[
        SpokenOption(["--lang"], spoken("language: en or ko"), metavar="en|ko", expose_value=False),
        SpokenOption(
            ["--version"],
            spoken("show the version"),
            is_flag=True,
            is_eager=True,
            expose_value=False,
            callback=_show_version,
        ),
    ],
)


@program.result_callback()
def _finished(code: Any) -> int:
    return int(code or FINE)


def _alone() -> int:
    """Without a command: the page, as for wrong usage."""
    context = click.get_current_context()
    if context.invoked_subcommand is not None:
        return FINE
    complain(context.get_help().rstrip())
    return MISUSED


program.callback = _alone
