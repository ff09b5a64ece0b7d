"""The parameters of what an optimiser is given, each once and with a name. Layer L8."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from glassgrad.errors import OptionError
from glassgrad.tensor import Parameter
from glassgrad.text import say


def named_parameters(target: Any) -> dict[str, Parameter]:
    """Path and parameter of everything in `target`, each parameter once."""
    named: dict[str, Parameter] = {}
    seen: set[int] = set()
    for name, parameter in _walk(target, ""):
        if id(parameter) not in seen:
            seen.add(id(parameter))
            named[_unused(name, named)] = parameter
    if not named:
        raise OptionError(
            say("there is no parameter to train"),
            hint=say("give a Module with parameters, or a list of gg.parameter(...)"),
        )
    return named


def _walk(target: Any, prefix: str) -> Iterator[tuple[str, Parameter]]:
    if isinstance(target, Parameter):
        yield prefix.rstrip(".") if not target.describe()[0] else target.describe()[0], target
    elif hasattr(target, "named_parameters"):
        yield from ((f"{prefix}{path}", p) for path, p in target.named_parameters())
    elif isinstance(target, Mapping):
        for key, item in target.items():
            yield from _walk(item, f"{prefix}{key}.")
    elif isinstance(target, Iterable) and not (hasattr(target, "shape") or isinstance(target, str)):
        items = list(target)
        for i, item in enumerate(items):
            yield from _walk(item, f"{prefix}{i}." if len(items) > 1 else prefix)
    else:
        raise OptionError(
            say("{kind} cannot be trained", kind=type(target).__name__),
            hint=say("give a Module with parameters, or a list of gg.parameter(...)"),
        )


def _unused(name: str, named: Mapping[str, Parameter]) -> str:
    name = name or "p"
    if name not in named:
        return name
    number = 2
    while f"{name}_{number}" in named:
        number += 1
    return f"{name}_{number}"
