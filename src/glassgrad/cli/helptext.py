"""Commands and options whose help is spoken when it is asked for, so that `--lang` reaches it.

Layer L11. A page has a usage line, what the command does, its options in sections, and examples.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from typing import Any

import click

from glassgrad.cli.terminal import padded, width
from glassgrad.errors import OptionError
from glassgrad.text import say

Words = Callable[[], str]
Examples = Callable[[], Sequence[tuple[str, str]]]

_WIDEST = 100
_NARROWEST = 50
_LONGEST_FLAG = 32


def spoken(template: str) -> Words:
    """A text that is spoken in the language of the moment it is asked for."""
    return lambda: say(template)


def no_examples() -> list[tuple[str, str]]:
    return []


# --- options -----------------------------------------------------------------------------


class SpokenOption(click.Option):
    """An option with the words of its help, and the section in which it stands."""

    def __init__(
        self, names: Sequence[str], about: Words, section: Words | None = None, **attributes: Any
    ) -> None:
        super().__init__(names, **attributes)
        self.about = about
        self.section = section

    def left_side(self) -> str:
        """`-o, --output FILE` or `--biases / --no-biases`."""
        names = ", ".join(self.opts)
        if self.secondary_opts:
            names += " / " + ", ".join(self.secondary_opts)
        return names if self.is_flag else f"{names} {self.metavar or 'TEXT'}"


def flag(
    *names: str, about: str, section: Words | None = None, **attributes: Any
) -> Callable[[Any], Any]:
    """A decorator that adds an option; `about` is its English help."""

    help_text = spoken(about)

    def attach(command: Any) -> Any:
        option = SpokenOption(names, help_text, section, **attributes)
        parameters = getattr(command, "__click_params__", [])
        command.__click_params__ = [*parameters, option]
        return command

    return attach


# --- commands ----------------------------------------------------------------------------


class SpokenCommand(click.Command):
    """A command with its words and examples; arguments that are too many are refused in words."""

    def __init__(
        self,
        *arguments: Any,
        about: Words,
        examples: Examples = no_examples,
        **attributes: Any,
    ) -> None:
        super().__init__(*arguments, **attributes)
        self.about = about
        self.examples = examples
        self.allow_extra_args = True

    def invoke(self, ctx: click.Context) -> Any:
        if ctx.args:
            raise too_many(ctx.args)
        return super().invoke(ctx)

    def get_help_option(self, ctx: click.Context) -> click.Option | None:
        return help_option()

    def get_short_help_str(self, limit: int = 45) -> str:
        return self.about()

    def format_help(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        formatter.write(page(self, ctx, self.about(), self.examples()))


def too_many(arguments: Sequence[str]) -> OptionError:
    """The error for arguments that no parameter takes."""
    return OptionError(say("unexpected argument {word!r}", word=arguments[0]))


def help_option() -> click.Option:
    """`--help`, in words of our own."""

    def show(context: click.Context, _: Any, value: bool) -> None:
        if value:
            print(context.get_help())  # click.echo would take ASCII for a mistake
            context.exit()

    return SpokenOption(
        ["-h", "--help"],
        spoken("show this page"),
        is_flag=True,
        is_eager=True,
        expose_value=False,
        callback=show,
    )


# --- pages -------------------------------------------------------------------------------


def page(
    command: click.Command,
    ctx: click.Context,
    about: str,
    examples: Sequence[tuple[str, str]],
    commands: Sequence[tuple[str, str]] = (),
) -> str:
    """The help of a command."""
    size = min(_WIDEST, max(_NARROWEST, shutil.get_terminal_size().columns))
    usage = " ".join(command.collect_usage_pieces(ctx))
    lines = [f"{say('Usage')}: {ctx.command_path} {usage}", ""]
    lines += [*wrapped(about, size, indent=2), ""]
    if commands:
        lines += [f"{say('Commands')}:", *_columns(commands, size), ""]
    for title, rows in _sections(command, ctx).items():
        lines += [f"{title}:", *_columns(rows, size), ""]
    if examples:
        lines.append(f"{say('Examples')}:")
    for line, remark in examples:
        lines += [f"  {line}", *wrapped(remark, size, indent=6)]
    return "\n".join(lines).rstrip() + "\n"


def _sections(command: click.Command, ctx: click.Context) -> dict[str, list[tuple[str, str]]]:
    sections: dict[str, list[tuple[str, str]]] = {}
    for option in command.get_params(ctx):
        if isinstance(option, SpokenOption):
            title = say("Options") if option.section is None else option.section()
            sections.setdefault(title, []).append((option.left_side(), option.about()))
    return sections


def _columns(rows: Sequence[tuple[str, str]], size: int) -> list[str]:
    """Two columns; a left side that is too long stands on a line of its own."""
    left = min(_LONGEST_FLAG, max(width(name) for name, _ in rows)) + 2
    lines = []
    for name, text in rows:
        body = wrapped(text, size, indent=left + 2)
        if width(name) > left - 2:
            lines.append(f"  {name}")
        else:
            body[0] = "  " + padded(name, left) + body[0].lstrip()
        lines += body
    return lines


def wrapped(text: str, size: int, *, indent: int) -> list[str]:
    """`text` in lines of at most `size` columns, broken between words."""
    lines, line = [], " " * indent
    for word in text.split():
        if line.strip() and width(line) + 1 + width(word) > size:
            lines.append(line)
            line = " " * indent
        line += word if not line.strip() else f" {word}"
    return [*lines, line]
