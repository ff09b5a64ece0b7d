"""Everything that can be chosen for a training run: one table for the flags and for config.toml.

Layer L11. A key has a reader that takes text from the command line or a value from TOML and refuses
what does not fit; both ways in are therefore one. `None` means that nothing was chosen.

Long because it is one table.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

from glassgrad.cli.helptext import Words, spoken
from glassgrad.errors import GlassgradError, OptionError, nearest, unknown_option
from glassgrad.text import say

Read = Callable[[Any], Any]
FULL = "full"  # as a batch size: all rows at once
LEGACY = ("rand", "randn")  # starting weights as np.random.rand and np.random.randn draw them
MOST_FOLDS = 1000
_MOST = 2**64 - 1


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What was chosen; every field is a key of `KEYS`, with `_` for `-`."""

    dataset: str | None = None
    target: str | None = None
    drop: tuple[str, ...] | None = None
    missing: str | None = None
    task: str | None = None
    encoding: str | None = None
    delimiter: str | None = None
    folds: int | None = None
    validation: float | None = None
    data: str | None = None
    layers: tuple[int, ...] | None = None
    activation: str | None = None
    biases: bool | None = None
    init: str | None = None
    dropout: float | None = None
    dtype: str | None = None
    loss: str | None = None
    metrics: tuple[str, ...] | None = None
    optimizer: str | None = None
    lr: float | None = None
    schedule: str | None = None
    epochs: int | None = None
    steps: int | None = None
    batch_size: int | str | None = None
    replacement: bool | None = None
    until: str | None = None
    patience: int | None = None
    weight_decay: float | None = None
    clip_norm: float | None = None
    ema: float | None = None
    accumulate: int | None = None
    seed: int | None = None
    canon: bool | None = None
    backend: str | None = None
    name: str | None = None
    out: str | None = None

    def over(self, defaults: Settings) -> Settings:
        """These settings, with those of `defaults` where nothing was chosen."""
        chosen = {k: v for k, v in self.chosen().items() if v is not None}
        if "epochs" in chosen or "steps" in chosen:  # either way of saying how long
            defaults = replace(defaults, epochs=None, steps=None)
        if _rule_of(self) not in ("", _rule_of(defaults)):
            # A decay is meant for one rule: AdamW's, added to a gradient, is a far larger penalty.
            defaults = replace(defaults, weight_decay=0.0)
        return replace(defaults, **chosen)

    def chosen(self) -> dict[str, Any]:
        """Field -> value, of those that were chosen."""
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        return {name: value for name, value in values.items() if value is not None}


def _rule_of(settings: Settings) -> str:
    """The optimiser's name without its options."""
    return (settings.optimizer or "").partition(":")[0]


# --- readers -----------------------------------------------------------------------------


def text(value: Any) -> str:
    """A text; TOML's integers are taken as the text that they are written as."""
    if isinstance(value, bool) or not isinstance(value, (str, int)) or value == "":
        raise OptionError(say("{value!r} is not a text", value=value))
    return str(value)


def switch(value: Any) -> bool:
    """True or false."""
    if not isinstance(value, bool):
        raise OptionError(say("{value!r} is neither true nor false", value=value))
    return value


def whole(least: int, most: int = _MOST) -> Read:
    """An integer from `least` on."""

    def read(value: Any) -> int:
        try:
            number = value if type(value) is int else int(str(value))
        except ValueError:
            raise OptionError(say("{value!r} is not an integer", value=value)) from None
        if isinstance(value, bool) or not least <= number <= most:
            rule = f"{least} ≤ n" if most == _MOST else f"{least} ≤ n ≤ {most}"
            raise OptionError(say("{value} is outside what is allowed", value=value), rule=rule)
        return number

    return read


def number(rule: str, fits: Callable[[float], bool]) -> Read:
    """A finite number for which `fits`; `rule` says so in an error."""

    def read(value: Any) -> float:
        try:
            found = float("nan") if isinstance(value, bool) else float(value)
        except (TypeError, ValueError):
            found = float("nan")
        if not math.isfinite(found):
            raise OptionError(say("{value!r} is not a number", value=value))
        if not fits(found):
            raise OptionError(say("{value} is outside what is allowed", value=value), rule=rule)
        return found

    return read


def sizes(value: Any) -> tuple[int, ...]:
    """`32,16`, or a list of integers; `none` is no hidden layer."""
    if value in ("none", []):
        return ()
    listed = value if isinstance(value, list) else str(value).split(",")
    return tuple(whole(1, 1_000_000)(item) for item in listed)


def names(value: Any) -> tuple[str, ...]:
    """`a,b`, or a list of texts or positions."""
    listed = value if isinstance(value, list) else str(value).split(",")
    return tuple(text(item if isinstance(item, int) else str(item).strip()) for item in listed)


def metric_names(value: Any) -> tuple[str, ...]:
    """`f1,roc_auc`, or a list of names of scores."""
    from glassgrad.train.metrics import metric_named  # noqa: PLC0415 - help needs none of it

    return tuple(metric_named(name).name for name in names(value))


def one_of(offered: Callable[[], Any], what: Words) -> Read:
    """A name of a closed list, which is looked up when it is needed."""

    def read(value: Any) -> str:
        listed = list(offered())
        if value not in listed:
            problem = say("unknown {what} {word!r}", what=what(), word=value)
            raise OptionError(problem, hint=nearest(str(value), listed))
        return str(value)

    return read


def spec(offered: Callable[[], Any], what: Words) -> Read:
    """A name of a closed list with options, as in `momentum:momentum=0.8` or `normal:std=0.01`."""
    read_name = one_of(offered, what)

    def read(value: Any) -> str:
        name, _ = parse_spec(text(value))
        read_name(name)
        return str(value)

    return read


def parse_spec(value: str) -> tuple[str, dict[str, float]]:
    """The name and the options of a spec.

    >>> parse_spec("uniform:low=0,high=1")
    ('uniform', {'low': 0.0, 'high': 1.0})
    """
    name, _, rest = value.partition(":")
    options = {}
    for pair in filter(None, rest.split(",")):
        key, equals, number_text = pair.partition("=")
        try:
            options[key.strip()] = float(number_text)
        except ValueError:
            equals = ""
        if not equals:
            rule = "name:option=number,option=number"
            raise OptionError(say("{value!r} is not an option", value=pair), rule=rule)
    return name.strip(), options


def optimizer_spec(value: str) -> tuple[str, dict[str, float]]:
    """The name and the options of an optimiser: numbers without a fraction are whole.

    >>> optimizer_spec("lbfgs:history=5")
    ('lbfgs', {'history': 5})
    """
    name, options = parse_spec(value)
    return name, {k: int(v) if v.is_integer() else v for k, v in options.items()}


def batch_size(value: Any) -> int | str:
    """A number of rows, or `full` for all."""
    return FULL if value == FULL else int(whole(1)(value))


def goal(value: Any) -> str:
    """`loss=0.01`: a column of the history and the number that ends the run."""
    parse_goal(text(value))
    return str(value)


def parse_goal(value: str) -> tuple[str, float]:
    """The column and the number of a goal."""
    column, equals, bound = value.partition("=")
    try:
        return column.strip(), float(bound if equals and column.strip() else "")
    except ValueError:
        rule = "loss=0.01, accuracy=0.98"
        raise OptionError(say("{value!r} is not a goal", value=value), rule=rule) from None


# --- what is offered ---------------------------------------------------------------------


def _activations() -> Any:
    from glassgrad.nn.functional import ACTIVATIONS  # noqa: PLC0415 - help needs no network

    return ACTIVATIONS


def _initializers() -> Any:
    from glassgrad.nn.init import INITIALIZERS  # noqa: PLC0415

    return (*INITIALIZERS, *LEGACY)


def _losses() -> Any:
    from glassgrad.nn.losses import LOSSES  # noqa: PLC0415

    return LOSSES


def _optimizers() -> Any:
    from glassgrad.optim import OPTIMIZERS  # noqa: PLC0415

    return OPTIMIZERS


def _schedules() -> Any:
    from glassgrad.optim.schedules import PLANS  # noqa: PLC0415

    return PLANS


# --- the table ---------------------------------------------------------------------------


@dataclass(frozen=True)
class Key:
    """A name with its reader, how its value is shown in the help, its section and its words."""

    name: str
    read: Read
    shown: str
    section: Words
    about: Words

    @property
    def field(self) -> str:
        return self.name.replace("-", "_")


DATA, NETWORK, TRAINING, RUN = spoken("Data"), spoken("Network"), spoken("Training"), spoken("Run")
_TABLE: dict[str, Key] = {}


def _key(name: str, read: Read, shown: str, section: Words, about: str) -> None:
    _TABLE[name] = Key(name, read, shown, section, lambda: say(about))


_above_0 = number("0 < x", lambda x: x > 0)
_from_0 = number("0 ≤ x", lambda x: x >= 0)
_share = number("0 ≤ x < 1", lambda x: 0 <= x < 1)

_key("dataset", text, "NAME", DATA, "a data set's name, or a file of rows")
_key("target", text, "COLUMN", DATA, "the column to predict, by name or position (-1: the last)")
_key("drop", names, "A,B", DATA, "columns to leave out")
_key(
    "missing",
    one_of(lambda: ("error", "drop", "impute"), spoken("way with missing values")),
    "error|drop|impute",
    DATA,
    "missing cells: refuse them, drop their rows, or fill them in",
)
_key(
    "task",
    one_of(lambda: ("classification", "regression"), spoken("task")),
    "KIND",
    DATA,
    "classification or regression; by default text and few distinct integers are classes",
)
_key("encoding", text, "NAME", DATA, "of the file's text; UTF-8, else CP949, if not given")
_key("delimiter", text, "C", DATA, "what parts the cells; found out if not given")
_key("folds", whole(2, MOST_FOLDS), "K", DATA, "cross-validation: train and test k times")
_key("validation", _share, "SHARE", DATA, "share of the training rows that early stopping watches")
_key("data", text, "FOLDER", DATA, "where data sets lie; else GLASSGRAD_DATA, else a download")
_key("layers", sizes, "32,16", NETWORK, "sizes of the hidden layers; none for no hidden layer")
_key(
    "activation",
    one_of(_activations, spoken("activation")),
    "NAME",
    NETWORK,
    "activation function of the hidden layers: relu, tanh, sigmoid, gelu …",
)
_key("biases", switch, "", NETWORK, "layers with or without biases")
_key(
    "init",
    spec(_initializers, spoken("initialiser")),
    "NAME",
    NETWORK,
    "starting weights: auto, he, xavier, normal:std=0.01, uniform:low=-1,high=1, rand …",
)
_key("dropout", _share, "P", NETWORK, "share of hidden activations that dropout sets to 0")
_key(
    "dtype",
    one_of(lambda: ("float32", "float64"), spoken("dtype")),
    "NAME",
    NETWORK,
    "float32 or float64",
)
_key(
    "loss",
    one_of(_losses, spoken("loss")),
    "NAME",
    TRAINING,
    "loss function: cross_entropy, mse, half_sse, huber …",
)
_key(
    "metrics",
    metric_names,
    "A,B",
    TRAINING,
    "further scores: f1, precision, recall, roc_auc, top_5_accuracy, perplexity …",
)
_key(
    "optimizer",
    spec(_optimizers, spoken("optimizer")),
    "NAME",
    TRAINING,
    "optimizer: sgd, momentum, nesterov, adagrad, rmsprop, adam, adamw, adadelta, adamax, nadam, "
    "radam, lion, lamb, muon, lbfgs",
)
_key("lr", _above_0, "X", TRAINING, "learning rate")
_key(
    "schedule",
    one_of(_schedules, spoken("schedule")),
    "NAME",
    TRAINING,
    "how the learning rate changes: constant, step, exponential, cosine, warm_up, one_cycle, "
    "plateau …",
)
_key("epochs", whole(1), "N", TRAINING, "how often all rows are seen")
_key("steps", whole(1), "N", TRAINING, "how many updates, instead of epochs")
_key("batch-size", batch_size, "N", TRAINING, "rows of one update; full for all of them")
_key("replacement", switch, "", TRAINING, "draw each batch from all rows, as the book does")
_key("until", goal, "loss=X", TRAINING, "stop as soon as a column of the history reaches a number")
_key("patience", whole(1), "N", TRAINING, "epochs without a better validation loss before it stops")
_key("weight-decay", _from_0, "X", TRAINING, "weight decay")
_key("clip-norm", _above_0, "X", TRAINING, "longest gradient; longer ones are scaled down")
_key("ema", _share, "X", TRAINING, "average the weights with this factor, and end with the average")
_key("accumulate", whole(1), "N", TRAINING, "how many batches make one update")
_key("seed", whole(0), "N", TRAINING, "of starting weights, batches and splits; 0 by default")
_key("canon", switch, "", TRAINING, "the book's own settings, and its gradient check")
_key(
    "backend",
    one_of(lambda: ("auto", "native", "numpy"), spoken("back end")),
    "NAME",
    TRAINING,
    "what runs the training step: native code, numpy, or auto: native where it can be made",
)
_key("name", text, "NAME", RUN, "name of the run directory")
_key("out", text, "FOLDER", RUN, "where run directories are made; runs by default")

KEYS: Mapping[str, Key] = _TABLE


def read_settings(values: Mapping[str, Any], where: Callable[[str], str]) -> Settings:
    """Settings from raw values by key; `where(key)` names the place in an error.

    Raises:    OptionError for an unknown key or a value that does not fit
    """
    found = {}
    for name, value in values.items():
        key = KEYS.get(name.replace("_", "-"))
        if key is None:
            raise unknown_option("key", name, KEYS).at(where(name))
        try:
            found[key.field] = key.read(value)
        except GlassgradError as error:
            raise error.at(where(name)) from None
    settings = Settings(**found)
    if settings.epochs is not None and settings.steps is not None:
        raise OptionError(say("epochs and steps are both given"), operation=where("steps"))
    return settings
