"""Tables that name primitives outside their records name only those that there are."""

from __future__ import annotations

import ast
import importlib
import pkgutil
from collections.abc import Iterator
from pathlib import Path

import pytest

import glassgrad.primitives
from glassgrad import inspect
from glassgrad.core.primitive import REGISTRY
from glassgrad.inspect.site import LAYOUT
from glassgrad.view import operations

measure = importlib.import_module("glassgrad.diagnose.measure")
for module in pkgutil.iter_modules(glassgrad.primitives.__path__):
    importlib.import_module(f"glassgrad.primitives.{module.name}")  # each fills the registry
FILES = sorted(Path(inspect.__file__).parent.glob("*.py"))


def named(tree: ast.AST) -> Iterator[str]:
    """Strings that are compared with a primitive's name, or asked of a site by name."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Compare) and ast.unparse(node.left).endswith("primitive.name"):
            yield from _strings(node.comparators)
        if isinstance(node, ast.Call) and ast.unparse(node.func).endswith(("made_by", "used_by")):
            yield from _strings(node.args)


def _strings(nodes: list[ast.expr]) -> Iterator[str]:
    for outer in nodes:
        for node in ast.walk(outer):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                yield node.value


def test_patterns_name_primitives_that_exist() -> None:
    found = {name for path in FILES for name in named(ast.parse(path.read_text("utf-8")))}
    assert len(found) > 5
    assert sorted(found - set(REGISTRY)) == []


@pytest.mark.parametrize("table", [LAYOUT, measure._AFFINE, operations._KERNELS])
def test_tables_name_primitives_that_exist(table: set[str]) -> None:
    assert sorted(set(table) - set(REGISTRY)) == []
