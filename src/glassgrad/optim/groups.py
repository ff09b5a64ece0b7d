"""Parameter groups: options for some of an optimiser's parameters.

Layer L8. A group names its parameters by patterns of their paths, or holds them; it may freeze
them, or change the rate, the weight decay and any other setting of the optimiser. Groups are laid
one over the other: of two that set the same option of a parameter, the later one counts.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any

from glassgrad.errors import OptionError, nearest, unknown_option
from glassgrad.optim.options import above, at_least
from glassgrad.optim.targets import named_parameters
from glassgrad.tensor import Parameter
from glassgrad.text import say

Spec = tuple[Any, Mapping[str, Any]] | Mapping[str, Any]
_OF_ALL = ("clip_norm", "clip_value", "ema", "groups")
_RATES = ("lr", "lr_factor")


@dataclass(frozen=True)
class Rule:
    """A group: the paths of its parameters, and its options."""

    names: tuple[str, ...]
    options: Mapping[str, Any]


@dataclass
class Part:
    """Parameters that share all their options: their paths, factor of the rate, settings."""

    factor: float = 1.0
    settings: dict[str, Any] = field(default_factory=dict)
    names: list[str] = field(default_factory=list)


def parted(target: Any) -> tuple[Any, list[Spec]]:
    """A target as `named_parameters` takes it, and the groups of a list of dicts with `params`.

    That is how PyTorch writes groups: `[{"params": model.body}, {"params": …, "lr": 1e-4}]`.
    """
    is_list = isinstance(target, (list, tuple)) and len(target) > 0
    if not is_list or not all(isinstance(g, Mapping) and "params" in g for g in target):
        return target, []
    return [group["params"] for group in target], [group for group in target if len(group) > 1]


def rules_of(
    specs: Iterable[Spec], named: Mapping[str, Parameter], offered: Iterable[str]
) -> list[Rule]:
    """The groups, with every name and option looked at.

    Raises:    OptionError for a pattern that matches nothing, a parameter that is not among
               `named`, or an option that no group can have
    """
    known = {"lr", "lr_factor", "frozen", *offered} - set(_OF_ALL)
    return [_rule(spec, named, known) for spec in specs]


def specs_of(specs: Any) -> list[Spec]:
    """The groups as they were given, in a list; none for None."""
    if specs is None:
        return []
    if isinstance(specs, (list, tuple)):
        return list(specs)
    raise OptionError(
        say("groups of {kind}", kind=type(specs).__name__), rule='[("*.b", {"weight_decay": 0})]'
    )


def _rule(spec: Any, named: Mapping[str, Parameter], known: set[str]) -> Rule:
    if isinstance(spec, Mapping):
        options = {key: value for key, value in spec.items() if key != "params"}
        chosen = spec.get("params")
    elif isinstance(spec, (list, tuple)) and len(spec) == 2 and isinstance(spec[1], Mapping):  # noqa: PLR2004
        chosen, options = spec[0], dict(spec[1])
    else:
        problem = say("{value!r} is no group", value=spec)
        raise OptionError(problem, rule='("*.b", {"weight_decay": 0})')
    for option in options:
        if option not in known:
            raise unknown_option("option", option, known)
    if "lr" in options and "lr_factor" in options:
        raise OptionError(say("a group has both {a} and {b}", a="lr", b="lr_factor"))
    if not isinstance(options.get("frozen", False), bool):
        raise OptionError(say("{name} is {value!r}", name="frozen", value=options["frozen"]))
    return Rule(tuple(_names(chosen, named)), options)


def _names(chosen: Any, named: Mapping[str, Parameter]) -> list[str]:
    """The paths that patterns match, or those of parameters and modules."""
    patterns = [chosen] if isinstance(chosen, str) else chosen
    if isinstance(patterns, (list, tuple)) and all(isinstance(p, str) for p in patterns):
        found: dict[str, None] = {}
        for pattern in patterns:
            matching = [name for name in named if matches(name, pattern)]
            if not matching:
                problem = say("no parameter is called {pattern!r}", pattern=pattern)
                raise OptionError(problem, hint=nearest(pattern, named))
            found.update(dict.fromkeys(matching))
        return list(found)
    names = {id(parameter): name for name, parameter in named.items()}
    held = named_parameters(chosen).items()
    missing = [name for name, parameter in held if id(parameter) not in names]
    if missing:
        problem = say("a group holds {names}, which is not trained", names=", ".join(missing))
        raise OptionError(problem, hint=say("make the optimizer from all parameters"))
    return [names[id(parameter)] for _, parameter in held]


def matches(name: str, pattern: str) -> bool:
    """Whether a path fits a pattern of `*`, `?` and `[…]`; `*.b` fits a bare `b` too.

    >>> matches("layers.0.b", "*.b"), matches("b", "*.b"), matches("layers.0.W", "layers.1.*")
    (True, True, False)
    """
    return fnmatchcase(name, pattern) or fnmatchcase(f".{name}", pattern)


def frozen_names(rules: Iterable[Rule]) -> set[str]:
    """The parameters that stay as they are."""
    last: dict[str, bool] = {}
    for rule in rules:
        if "frozen" in rule.options:
            last.update(dict.fromkeys(rule.names, rule.options["frozen"]))
    return {name for name, is_frozen in last.items() if is_frozen}


def parts_of(rules: Sequence[Rule], names: Iterable[str], lr: Any) -> list[Part]:
    """The parameters by what is common to them, in the order of the first of each part.

    A group's rate is kept as a factor of the optimiser's, so that schedules move all of them.
    """
    found: list[Part] = []
    for name in names:
        options = _options([rule for rule in rules if name in rule.names])
        factor = _factor(options, lr)
        settings = {key: value for key, value in options.items() if key not in _RATES}
        for part in found:
            if part.factor == factor and part.settings == settings:
                part.names.append(name)
                break
        else:
            found.append(Part(factor, settings, [name]))
    return found


def _options(rules: Iterable[Rule]) -> dict[str, Any]:
    """The options of groups laid one over the other."""
    options: dict[str, Any] = {}
    for rule in rules:
        given = {key: value for key, value in rule.options.items() if key != "frozen"}
        if any(rate in given for rate in _RATES):  # one way of saying it takes the other's place
            options = {key: value for key, value in options.items() if key not in _RATES}
        options.update(given)
    return options


def _factor(options: Mapping[str, Any], lr: Any) -> float:
    if "lr_factor" in options:
        return at_least("lr_factor", options["lr_factor"], 0)
    if "lr" not in options:
        return 1.0
    rate = at_least("lr", options["lr"], 0)
    if not isinstance(lr, float):
        problem = say("a group has a rate of its own, the optimizer a schedule")
        raise OptionError(problem, hint=say("give the group lr_factor, a factor of the schedule"))
    return rate / above("lr", lr, 0)


def described(rules: Iterable[Rule]) -> list[list[Any]]:
    """The groups as JSON, which `rules_of` reads back."""
    return [[list(rule.names), dict(rule.options)] for rule in rules]
