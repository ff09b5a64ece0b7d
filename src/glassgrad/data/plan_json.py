"""A `TablePlan` as JSON of a closed schema: every key known, typed and within its range.

Layer L8. The file comes from a run folder, so it is read as data from a stranger: nothing in it is
evaluated, and what does not fit is named.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

from glassgrad.data.features import KINDS, Feature
from glassgrad.data.labels import TASKS
from glassgrad.data.table import MISSING, TablePlan
from glassgrad.errors import FileFormatError
from glassgrad.text import say

_FORMAT = "glassgrad.table"
_VERSION = 1


def plan_to_dict(plan: TablePlan) -> dict[str, Any]:
    """Plain dicts, lists, text and numbers: what `plan_from_dict` reads."""
    fields = asdict(plan)
    fields["features"] = [asdict(feature) for feature in plan.features]
    return {"format": _FORMAT, "version": _VERSION, **fields}


def plan_to_json(plan: TablePlan) -> str:
    """One JSON object; floats in their shortest exact form."""
    return json.dumps(plan_to_dict(plan), ensure_ascii=False, allow_nan=False, indent=1)


def plan_from_json(text: str) -> TablePlan:
    """The plan in a JSON text."""
    try:
        fields = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise _damaged("JSON", str(error)) from error
    return plan_from_dict(fields)


def plan_from_dict(fields: Any) -> TablePlan:
    """The plan in plain data; a `FileFormatError` names the key that does not fit."""
    read = _checked(fields, {"format": _one_of(_FORMAT), "version": _is_version, **_PLAN}, "plan")
    features = tuple(
        Feature(**{**_checked(item, _FEATURE, f"features[{i}]"), "categories": _texts(item)})
        for i, item in enumerate(read["features"])
    )
    values = {key: read[key] for key in _PLAN if key != "features"}
    for key in ("columns", "dropped", "classes"):
        values[key] = tuple(values[key])
    plan = TablePlan(features=features, **values)
    _check_consistency(plan)
    return plan


# --- schema ------------------------------------------------------------------------------


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _is_flag(value: Any) -> bool:
    return isinstance(value, bool)


def _is_version(value: Any) -> bool:
    return type(value) is int and value == _VERSION


def _is_number(value: Any) -> bool:
    return type(value) in (int, float) and math.isfinite(value)


def _is_scale(value: Any) -> bool:
    return _is_number(value) and value > 0


def _is_fill(value: Any) -> bool:
    return value is None or _is_text(value) or _is_number(value)


def _is_list(value: Any) -> bool:
    return isinstance(value, list | tuple)


def _are_texts(value: Any) -> bool:
    return _is_list(value) and all(isinstance(item, str) for item in value)


def _one_of(*words: str) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, str) and value in words


_PLAN: dict[str, Callable[[Any], bool]] = {
    "columns": _are_texts,
    "has_header": _is_flag,
    "target": _is_text,
    "dropped": _are_texts,
    "missing": _one_of(*MISSING),
    "task": _one_of(*TASKS),
    "features": _is_list,
    "classes": _are_texts,
    "numeric_labels": _is_flag,
    "target_mean": _is_number,
    "target_scale": _is_scale,
}
_FEATURE: dict[str, Callable[[Any], bool]] = {
    "name": _is_text,
    "kind": _one_of(*KINDS),
    "mean": _is_number,
    "scale": _is_scale,
    "categories": _are_texts,
    "fill": _is_fill,
    "indicator": _is_flag,
}


def _checked(fields: Any, schema: dict[str, Callable[[Any], bool]], where: str) -> dict[str, Any]:
    if not isinstance(fields, dict):
        raise _damaged(where, say("{value!r} does not fit", value=_short(fields)))
    for key in schema.keys() - fields.keys():
        raise _damaged(where, say("key {key!r} is missing", key=key))
    for key in fields.keys() - schema.keys():
        raise _damaged(where, say("key {key!r} is unknown", key=_short(key)))
    for key, fits in schema.items():
        if not fits(fields[key]):
            raise _damaged(
                f"{where}.{key}", say("{value!r} does not fit", value=_short(fields[key]))
            )
    return fields


def _check_consistency(plan: TablePlan) -> None:
    names = [feature.name for feature in plan.features]
    used = [*names, plan.target, *plan.dropped]
    if sorted(used) != sorted(plan.columns) or len(set(used)) != len(used) or not names:
        raise _damaged("columns", say("features, target and dropped columns do not make it up"))
    is_classification = plan.task == "classification"
    if is_classification != (len(plan.classes) > 1) or len(set(plan.classes)) < len(plan.classes):
        raise _damaged("classes", say("{value!r} does not fit", value=_short(plan.classes)))
    if plan.numeric_labels and not all(label.lstrip("-").isdecimal() for label in plan.classes):
        raise _damaged("classes", say("{value!r} does not fit", value=_short(plan.classes)))
    for feature in plan.features:
        least, most = {"numeric": (0, 0), "boolean": (2, 2)}.get(feature.kind, (1, math.inf))
        fills = str if feature.kind != "numeric" else (int, float)
        is_filled = plan.missing == "impute"
        fits = isinstance(feature.fill, fills) if is_filled else feature.fill is None
        if not (least <= len(feature.categories) <= most and fits):
            raise _damaged(feature.name, say("{value!r} does not fit", value=_short(feature)))


def _texts(item: dict[str, Any]) -> tuple[str, ...]:
    return tuple(item["categories"])


def _short(value: Any) -> str:
    text = str(value)
    return text if len(text) <= 60 else text[:57] + "…"  # noqa: PLR2004 - one line of a message


def _damaged(where: str, problem: str) -> FileFormatError:
    return FileFormatError(
        say("the stored table plan is damaged: {where}: {problem}", where=where, problem=problem)
    )
