"""A run as arrays and JSON, and back: what a checkpoint holds.

Layer L9. Parameters, states, optimiser state, key, position in the epoch, the epoch's sums, history
and what callbacks remember. A run may only go on with the settings under which it began: anything
else would be another run under the same name.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from glassgrad.errors import DataError, FileFormatError, OptionError
from glassgrad.files import anything, each, integer, one_of, record, table, where_true
from glassgrad.text import say
from glassgrad.train.history import History
from glassgrad.train.step import Carry

if TYPE_CHECKING:
    from glassgrad.train.loop import Run

_KIND = "glassgrad.run"
_WHOLE_COLUMNS = ("epoch", "step")
_float = where_true(lambda value: type(value) in (int, float))
_text = where_true(lambda value: isinstance(value, str))
SCHEMA = record(
    {
        "kind": one_of([_KIND]),
        "step": integer(0),
        "epoch": integer(0),
        "batch": integer(0),
        "updates": integer(0),
        "loss_sum": _float,
        "rows": integer(0),
        "columns": each(_text),
        "settings": table(anything),
        "callbacks": each(record({"kind": _text, "state": table(anything)})),
    }
)


def pack(run: Run) -> tuple[dict[str, Any], dict[str, Any]]:
    """Arrays and meta of a checkpoint of `run` at this moment."""
    moment, trainer = run.moment, run.trainer
    arrays = _named("model", dict(zip(trainer.places.paths, moment.carry.leaves, strict=True)))
    rows = zip(run.optimizer.row_paths(), moment.carry.rows, strict=True)
    arrays |= _named("optimizer", dict(rows))
    arrays |= _named("metric", {str(i): s for i, s in enumerate(moment.statistics)})
    arrays |= _named("history", {name: run.history[name] for name in run.history.columns})
    arrays["key"] = np.asarray(trainer.key)
    arrays["losses"] = np.array(run.history.losses[: run.step], np.float64)
    callbacks = []
    for i, callback in enumerate(run.callbacks):
        state = callback.state()
        held = {name: value for name, value in state.items() if isinstance(value, np.ndarray)}
        arrays |= _named(f"callback.{i}", held)
        plain = {name: value for name, value in state.items() if name not in held}
        callbacks.append({"kind": type(callback).__name__, "state": plain})
    meta = {
        "kind": _KIND,
        "step": run.step,
        "epoch": moment.epoch,
        "batch": moment.batch,
        "updates": moment.carry.counts[0],
        "loss_sum": moment.loss_sum,
        "rows": moment.rows,
        "columns": run.history.columns,
        "settings": run.settings,
        "callbacks": callbacks,
    }
    return arrays, meta


def unpack(
    run: Run, arrays: Mapping[str, Any], meta: Mapping[str, Any], moment: Callable[..., Any]
) -> Any:
    """Put a checkpoint into `run` and its model; returns the moment that it holds."""
    _require_same(run.settings, meta["settings"])
    run.model.load_state_dict(_under("model", arrays))
    rows = [_row(arrays, name, row) for name, row in run.optimizer.named_rows()]
    run.optimizer.restore(rows, meta["updates"])
    run.trainer.key = _array(arrays, "key")
    run.trainer.steps = meta["step"]
    columns = {name: _array(arrays, f"history.{name}") for name in meta["columns"]}
    run.history = History(_rows(columns), _array(arrays, "losses"))
    _restore_callbacks(run, arrays, meta["callbacks"])
    statistics = _under("metric", arrays)
    held = tuple(statistics[str(i)] for i in range(len(statistics)))
    carry: Carry = run.trainer.read()
    return moment(carry, meta["epoch"], meta["batch"], meta["loss_sum"], meta["rows"], held)


def plain(value: Any) -> Any:
    """Settings as JSON gives them back, so that they can be compared."""
    return json.loads(json.dumps(value))


def _require_same(mine: Mapping[str, Any], stored: Mapping[str, Any]) -> None:
    for name in {**stored, **mine}:
        old, new = stored.get(name), mine.get(name)
        if isinstance(old, dict) and isinstance(new, dict):
            inner = [{f"{name}.{key}": v for key, v in side.items()} for side in (new, old)]
            _require_same(*inner)
        elif old != new:
            raise OptionError(
                say(
                    "the checkpoint was made with {name} {old}, this run has {new}",
                    name=name,
                    old=old,
                    new=new,
                ),
                operation="resume",
                hint=say("give the same settings, or another checkpoint folder"),
            )


def _restore_callbacks(run: Run, arrays: Mapping[str, Any], stored: list[Any]) -> None:
    kinds = [type(callback).__name__ for callback in run.callbacks]
    before = [entry["kind"] for entry in stored]
    if kinds != before:
        _require_same({"callbacks": ", ".join(kinds)}, {"callbacks": ", ".join(before)})
    for i, (callback, entry) in enumerate(zip(run.callbacks, stored, strict=True)):
        callback.restore({**entry["state"], **_under(f"callback.{i}", arrays)})


def _rows(columns: Mapping[str, np.ndarray]) -> list[dict[str, float]]:
    names = list(columns)
    lists = [
        [int(v) for v in column.tolist()] if name in _WHOLE_COLUMNS else column.tolist()
        for name, column in columns.items()
    ]
    return [dict(zip(names, values, strict=True)) for values in zip(*lists, strict=True)]


def _named(prefix: str, values: Mapping[str, Any]) -> dict[str, Any]:
    return {f"{prefix}.{name}": np.asarray(value) for name, value in values.items()}


def _under(prefix: str, arrays: Mapping[str, Any]) -> dict[str, Any]:
    start = f"{prefix}."
    return {n.removeprefix(start): v for n, v in arrays.items() if n.startswith(start)}


def _array(arrays: Mapping[str, Any], name: str) -> np.ndarray:
    if name not in arrays:
        raise FileFormatError(say("missing {name}", name=name))
    return np.asarray(arrays[name])


def _row(arrays: Mapping[str, Any], name: str, row: Any) -> np.ndarray:
    found = _array(arrays, f"optimizer.{name}")
    if found.shape != row.shape or found.dtype != row.dtype:
        problem = say(
            "{name} has shape {a}, the optimizer {b}", name=name, a=found.shape, b=row.shape
        )
        raise DataError(problem, operation="resume")
    return found
