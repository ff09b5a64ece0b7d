"""Layer L0: containers, errors, language, settings."""

from __future__ import annotations

import threading
from collections import namedtuple
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from glassgrad.config import config
from glassgrad.errors import (
    DataError,
    GlassgradError,
    Operand,
    ShapeError,
    missing_extra,
    nearest,
    unknown_option,
)
from glassgrad.nn.module import Module
from glassgrad.tensor import parameter
from glassgrad.text import Writer, josa, language, oxford, say, speaking
from glassgrad.tree import flatten, installed, map_leaves, named_leaves, unflatten

Point = namedtuple("Point", "x y")


@dataclass
class Pair:
    first: Any
    second: Any


class Tied(Module):
    def __init__(self) -> None:
        self.W = parameter(np.ones(2))
        self.again = self.W


TREE = {"b": [1, (2, None)], "a": Pair(3, Point(4, {})), "empty": []}


# --- containers --------------------------------------------------------------------------


def test_flatten_and_rebuild() -> None:
    leaves, structure = flatten(TREE)
    assert leaves == [1, 2, 3, 4]
    assert unflatten(structure, leaves) == TREE
    assert unflatten(structure, "wxyz")["a"] == Pair("y", Point("z", {}))
    assert named_leaves(TREE)[0] == ["b.0", "b.1.0", "a.first", "a.second.x"]
    assert flatten(TREE)[1] == structure
    assert hash(flatten(TREE)[1]) == hash(structure)
    assert flatten({**TREE, "empty": [0]})[1] != structure
    assert flatten(5)[0] == [5]
    assert flatten(None) == ([], flatten(None)[1])


def test_map_leaves_needs_one_structure() -> None:
    assert map_leaves(lambda a, b: a + b, {"x": [1, 2]}, {"x": [10, 20]}) == {"x": [11, 22]}
    for other in ({"x": [1]}, {"y": [1, 2]}, [1, 2]):
        with pytest.raises(DataError, match="do not have the same structure"):
            map_leaves(lambda a, b: a, {"x": [1, 2]}, other)


def test_a_tied_leaf_is_one_leaf_and_modules_are_restored() -> None:
    model = Tied()
    leaves, structure = flatten([model])
    assert len(leaves) == 1
    before = model.W
    with pytest.raises(ZeroDivisionError), installed(structure, ["stand-in"]) as (inside,):
        assert inside is model
        assert model.W == model.again == "stand-in"
        1 / 0  # noqa: B018 - an error inside the block
    assert model.W is before
    assert model.again is before
    assert unflatten(structure, ["leaf"]) == [{"W": "leaf", "again": "leaf"}]


# --- errors ------------------------------------------------------------------------------


def test_the_form_of_an_error() -> None:
    error = ShapeError(
        "inner sizes differ, 4 and 3",
        operation="matmul",
        operands=[
            Operand("x", (2, 4), "float32", "h", "train.py:31"),
            Operand("y", (3, 5), "float32", "W1", "model.py:12"),
        ],
        rule="(n, k) @ (k, m) -> (n, m)",
        hint="`W1` looks transposed",
    )
    assert str(error) == (
        "matmul: inner sizes differ, 4 and 3\n"
        "  x   (2, 4) float32   h    train.py:31\n"
        "  y   (3, 5) float32   W1   model.py:12\n"
        "  rule (n, k) @ (k, m) -> (n, m)\n"
        "\n"
        "hint: `W1` looks transposed"
    )
    assert isinstance(error, ValueError)
    assert isinstance(error, GlassgradError)
    assert str(ShapeError("bare")) == "bare"


def test_context_is_added_once_at_the_edge() -> None:
    error = ShapeError("bare", operation="inner")
    assert error.at("outer", [Operand("x")]) is error
    assert str(error) == "inner: bare\n  x"
    assert str(ShapeError("bare").at("outer")) == "outer: bare"


def test_near_names_are_offered() -> None:
    assert nearest("rellu", ["relu", "tanh"]) == "did you mean `relu`? offered: relu, tanh"
    assert nearest("xyz", ["relu"]) == "offered: relu"
    error = unknown_option("loss", "mze", ["mse", "mae"])
    assert str(error).startswith("unknown loss 'mze'")
    assert 'glassgrad[onnx]"' in missing_extra("onnx", "onnx", "export").hint


# --- language ----------------------------------------------------------------------------


def test_language_is_chosen_per_context(monkeypatch: pytest.MonkeyPatch) -> None:
    assert language() == "en"
    with speaking("ko"):
        assert say("rule") == "규칙"
        with speaking("en"):
            assert say("rule") == "rule"
        seen: list[str] = []
        worker = threading.Thread(target=lambda: seen.append(language()))
        worker.start()
        worker.join()
        assert seen == ["en"]
    with pytest.raises(ValueError, match="language must be one of"), speaking("fr"):
        pass
    for variable in ("GLASSGRAD_LANG", "LC_ALL", "LC_MESSAGES", "LANG"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("LANG", "ko_KR.UTF-8")
    from glassgrad import text

    text._language_of_environment.cache_clear()
    assert language() == "ko"
    monkeypatch.setenv("GLASSGRAD_LANG", "en")
    assert language() == "en"
    monkeypatch.undo()
    text._language_of_environment.cache_clear()


@pytest.mark.parametrize(
    ("word", "pair", "expected"),
    [
        ("W1", "은/는", "W1은"), ("b2", "은/는", "b2는"), ("x3", "을/를", "x3을"),
        ("h", "을/를", "h를"),
        ("계층", "으로/로", "계층으로"), ("파일", "으로/로", "파일로"), ("값", "이/가", "값이"),
        ("x0", "이/가", "x0이"), ("(2, 3)", "과/와", "(2, 3)과"), ("`n`", "은/는", "`n`은"),
        ("float64", "을/를", "float64를"), ("", "이/가", "가"), ("10", "으로/로", "10으로"),
        ("1", "으로/로", "1로"), ("l", "으로/로", "l로"),
    ],
)  # fmt: skip
def test_particles_follow_the_reading(word: str, pair: str, expected: str) -> None:
    assert josa(word, pair) == expected


def test_writer_and_lists_of_words() -> None:
    out = Writer()
    out.line("for x in xs:")
    with out.indented():
        out.lines("a = x\nb = a")
        out.line()
    assert out.text() == "for x in xs:\n    a = x\n    b = a\n\n"
    assert [oxford(w) for w in ([], ["x"], ["x", "y"], ["x", "y", "z"])] == [
        "", "x", "x and y", "x, y and z",
    ]  # fmt: skip


# --- settings ----------------------------------------------------------------------------


def test_settings_change_inside_a_block_only() -> None:
    before = config.float
    with pytest.raises(ZeroDivisionError), config.using(float="float64"):
        assert config.float == np.float64
        1 / 0  # noqa: B018 - an error inside the block
    assert config.float == before
    with pytest.raises(TypeError), config.using(unknown=1):
        pass
