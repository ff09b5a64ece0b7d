"""config.toml: the settings of a run as a file, read against a closed schema.

Layer L11. What is written is read back as it was: keys are those of the flags.
"""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

from glassgrad.cli.settings import KEYS, Settings, read_settings
from glassgrad.errors import FileFormatError
from glassgrad.files import atomic_write, read_bytes
from glassgrad.text import say

CONFIG = "config.toml"
_ESCAPES = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\r": "\\r", "\t": "\\t"}
_FIRST_PRINTABLE, _DELETE = 0x20, 0x7F


def read_config(path: Path) -> Settings:
    """The settings in a file; a data file named in it is looked up beside it.

    Raises:    FileFormatError if it is no TOML; OptionError for an unknown key or a bad value
    """
    return settings_of(parsed_toml(path), path)


def parsed_toml(path: Path) -> dict[str, Any]:
    """The tables of a file as they stand.

    Raises:    FileFormatError if it is no TOML
    """
    content = read_bytes(path)
    try:
        return tomllib.loads(content.decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        problem = say("it is not valid TOML: {reason}", reason=error)
        raise FileFormatError(problem, operation=str(path)) from error


def settings_of(values: dict[str, Any], path: Path) -> Settings:
    """The settings in the values of a file."""
    for key in ("dataset", "data"):
        beside = path.parent / str(values.get(key, ""))
        if isinstance(values.get(key), str) and values[key] and beside.exists():
            values[key] = str(beside.resolve()) if _is_path(key, values[key]) else values[key]
    return read_settings(values, lambda key: f"{path.name}: {key}")


def _is_path(key: str, value: str) -> bool:
    """Whether a value names a file rather than a data set."""
    from glassgrad.data import DATASETS  # noqa: PLC0415 - help needs no data

    return key == "data" or value not in DATASETS


def write_config(path: Path, settings: Settings) -> None:
    """Write the settings that were chosen, as `key = value` lines."""
    lines = [say("# How this run was trained; `glassgrad train config.toml` repeats it.")]
    chosen = settings.chosen()
    for name, key in KEYS.items():
        if key.field in chosen:
            lines.append(f"{name} = {toml_value(chosen[key.field])}")
    atomic_write(path, ("\n".join(lines) + "\n").encode("utf-8"))


def toml_value(value: Any) -> str:
    """A text, number, boolean or list of them as TOML writes it.

    >>> toml_value((32, 16)), toml_value(0.1), toml_value(True), toml_value('a"b')
    ('[32, 16]', '0.1', 'true', '"a\\\\"b"')
    """
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (tuple, list)):
        return "[" + ", ".join(map(toml_value, value)) + "]"
    if isinstance(value, str):
        return '"' + "".join(map(_escaped, value)) + '"'
    return repr(value)


def _escaped(character: str) -> str:
    if character in _ESCAPES:
        return _ESCAPES[character]
    code = ord(character)
    return f"\\u{code:04x}" if code < _FIRST_PRINTABLE or code == _DELETE else character
