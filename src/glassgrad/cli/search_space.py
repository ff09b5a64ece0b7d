"""The `[search]` and `[tune]` tables of a config.toml: what is tried, and how long.

Layer L11. A key of `[search]` is a key of training. A list holds the values to choose from; a table
with `low` and `high` is a range, of whole numbers if both are, with `log = true` by ratios and with
`step` in steps. Every value is read as the flag of that name would be.

    [tune]
    trials = 30
    metric = "val_accuracy"

    [search]
    lr = { low = 1e-4, high = 1e-1, log = true }
    layers = [[32], [64, 32]]
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from glassgrad.cli.config_file import parsed_toml, settings_of
from glassgrad.cli.settings import KEYS, Settings, text, whole
from glassgrad.errors import GlassgradError, OptionError, unknown_option
from glassgrad.text import say

_TUNE, _SEARCH = "tune", "search"
_FIXED = ("dataset", "target", "task", "folds", "canon", "name", "out", "data", "until")
_RANGE = ("low", "high", "log", "step")
TRIALS = 20


@dataclass(frozen=True)
class Choice:
    """One of some values, as the file has them."""

    key: str
    values: tuple[Any, ...]

    def codes(self) -> list[Any]:
        """The values as a study keeps them: lists as JSON."""
        plain = (str, int, float, bool)
        return [v if isinstance(v, plain) else json.dumps(v, default=str) for v in self.values]

    def read(self, code: Any) -> Any:
        """The setting that a code stands for."""
        return KEYS[self.key].read(self.values[self.codes().index(code)])


@dataclass(frozen=True)
class Range:
    """A number between two ends, both of them included."""

    key: str
    low: float
    high: float
    log: bool = False
    step: float | None = None

    @property
    def is_whole(self) -> bool:
        return isinstance(self.low, int) and isinstance(self.high, int)

    def read(self, number: Any) -> Any:
        """The setting of a number."""
        return KEYS[self.key].read(number)


@dataclass(frozen=True)
class Plan:
    """A search: the settings that stay, what is tried, and the `[tune]` table."""

    fixed: Settings
    space: tuple[Choice | Range, ...]
    trials: int
    metric: str | None
    study: Path | None

    def settings(self, found: Mapping[str, Any]) -> Settings:
        """The settings of a trial, from the values that a study keeps."""
        chosen = {KEYS[part.key].field: part.read(found[part.key]) for part in self.space}
        return replace(self.fixed, **chosen)


def read_plan(path: Path) -> Plan:
    """The search that a file describes.

    Raises:    FileFormatError if it is no TOML; OptionError for what is missing or does not fit
    """
    values = parsed_toml(path)
    tune, search = values.pop(_TUNE, {}), values.pop(_SEARCH, None)
    if not isinstance(search, dict) or not search:
        rule = "[search] lr = { low = 1e-4, high = 1e-1, log = true }"
        raise OptionError(say("there is no table [search]"), operation=str(path), rule=rule)
    if not isinstance(tune, dict):
        raise OptionError(say("{name} is no table", name=_TUNE), operation=str(path))
    for key in tune:
        if key not in ("trials", "metric", "study"):
            raise unknown_option("key", key, ("trials", "metric", "study")).at(f"{path.name}: tune")
    where = f"{path.name}: {_SEARCH}"
    space = tuple(_part(key.replace("_", "-"), given, where) for key, given in search.items())
    _require_one_of_each([part.key for part in space], values, where)
    fixed = settings_of(values, path)
    if fixed.dataset is None:
        problem = say("the key dataset is missing")
        raise OptionError(problem, operation=str(path), rule='dataset = "digits"')
    study = tune.get("study")
    return Plan(
        fixed,
        space,
        whole(1)(tune.get("trials", TRIALS)),
        None if "metric" not in tune else text(tune["metric"]),
        None if study is None else path.parent / text(study),
    )


def _require_one_of_each(searched: list[str], values: Mapping[str, Any], where: str) -> None:
    """Refuse what is chosen in two ways."""
    fixed = {name.replace("_", "-") for name in values}
    for number, key in enumerate(searched):
        if key in fixed:
            raise OptionError(say("{key} is fixed and searched for", key=key), operation=where)
        if key in searched[:number]:
            raise OptionError(say("{key} is searched for twice", key=key), operation=where)
    if {"epochs", "steps"} <= fixed | set(searched):
        raise OptionError(say("epochs and steps are both given"), operation=where)


def _part(key: str, given: Any, where: str) -> Choice | Range:
    offered = [name for name in KEYS if name not in _FIXED]
    if key not in offered:
        raise unknown_option("key", key, offered).at(where)
    try:
        return _range(key, given) if isinstance(given, dict) else _choice(key, given)
    except GlassgradError as error:
        raise error.at(f"{where}.{key}") from None


def _choice(key: str, given: Any) -> Choice:
    if not isinstance(given, list) or not given:
        rule = say("a list of values, or a table with low and high")
        raise OptionError(say("{value!r} is nothing to search", value=given), rule=rule)
    part = Choice(key, tuple(given))
    for code in part.codes():
        part.read(code)
    return part


def _range(key: str, given: Mapping[str, Any]) -> Range:
    for name in given:
        if name not in _RANGE:
            raise unknown_option("key", name, _RANGE)
    ends: list[Any] = [given.get("low"), given.get("high")]
    if any(isinstance(end, bool) or not isinstance(end, (int, float)) for end in ends):
        raise OptionError(say("a range needs the numbers low and high"), rule="low < high")
    low, high = ends
    is_log = given.get("log", False)
    if not low < high or (is_log and low <= 0):
        rule = "0 < low < high" if is_log else "low < high"
        raise OptionError(say("the range {low} … {high}", low=low, high=high), rule=rule)
    if not isinstance(is_log, bool) or (is_log and "step" in given):
        raise OptionError(say("a range by ratios has no step"), rule="log = true | step = 0.1")
    part = Range(key, low, high, is_log, _step(low, high, given.get("step")))
    for end in (low, high):
        part.read(end)
    return part


def _step(low: float, high: float, given: Any) -> float | None:
    """The step of a range: whole where its ends are, and no longer than it."""
    if given is None:
        return None
    is_whole = isinstance(low, int) and isinstance(high, int)
    kinds = (int,) if is_whole else (int, float)
    if isinstance(given, bool) or not isinstance(given, kinds) or not 0 < given <= high - low:
        rule = say("0 < step ≤ high − low, whole if low and high are")
        raise OptionError(say("{name} is {value!r}", name="step", value=given), rule=rule)
    return given
