"""bind: which interpreter answers, what operands become, how errors are told; records."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pytest

from glassgrad.config import config
from glassgrad.core.interpret import as_operand, bind, infer, new_level
from glassgrad.core.primitive import REGISTRY, Elementwise, Primitive, literal
from glassgrad.errors import GlassgradError, ShapeError
from glassgrad.primitives import arithmetic
from glassgrad.primitives.linalg import matmul_p


class Recorder:
    """An interpreter that says its name and passes on what stands below it."""

    def __init__(self, level: int) -> None:
        self.level = level

    def process(
        self, primitive: Primitive, inputs: Sequence[Any], params: Mapping[str, Any]
    ) -> Any:
        log.append((self.level, primitive.name))
        below = [x.value if getattr(x, "interpreter", None) is self else x for x in inputs]
        return Boxed(bind(primitive, *below, **params), self)


class Boxed:
    def __init__(self, value: Any, interpreter: Recorder) -> None:
        self.value = value
        self.interpreter = interpreter
        self.shape, self.dtype = np.shape(value), getattr(value, "dtype", np.dtype(float))


log: list[tuple[int, str]] = []


def test_the_highest_level_answers_first() -> None:
    log.clear()
    with new_level() as one, new_level() as two:
        assert two == one + 1
        low, high = Recorder(one), Recorder(two)
        bind(arithmetic.add, Boxed(np.ones(2), low), Boxed(Boxed(np.ones(2), low), high))
    assert log == [(two, "add"), (one, "add")]
    with new_level() as again:
        assert again == one


def test_levels_close_after_an_error() -> None:
    with new_level() as before:
        pass
    with pytest.raises(ZeroDivisionError), new_level():
        1 / 0  # noqa: B018 - an error inside the block
    with new_level() as after:
        assert after == before


def test_plain_arrays_are_evaluated() -> None:
    assert bind(arithmetic.add, 1, 2) == 3
    assert bind(arithmetic.add, np.float32(1), 2.0).dtype == np.float32
    out = bind(arithmetic.add, [1.0, 2.0], np.ones(2))
    assert out.tolist() == [2.0, 2.0] or out.tolist() == [2.0, 3.0]


def test_operands_from_what_users_write() -> None:
    assert as_operand([1.0, 2.0]).dtype == np.float32
    assert as_operand([1, 2]).dtype == np.int64
    with config.using(float=np.float64):
        assert as_operand([1.0]).dtype == np.float64
    x = np.ones(2)
    assert as_operand(x) is x
    assert as_operand(2.0) == 2.0


def test_a_list_beside_a_float64_array_keeps_its_digits() -> None:
    out = bind(arithmetic.add, [0.1], np.zeros(1))
    assert out[0] == 0.1


def test_errors_name_operation_and_operands() -> None:
    with pytest.raises(ShapeError) as caught:
        bind(arithmetic.add, np.ones((2, 3)), np.ones((2, 4)))
    text = str(caught.value)
    assert text.startswith("add: sizes 3 and 4 do not broadcast")
    assert "x   (2, 3) float64" in text
    with pytest.raises(ShapeError, match="matmul: inner sizes differ"):
        infer(matmul_p, (np.ones((2, 3)), np.ones((2, 3))), {})
    with pytest.raises(GlassgradError):
        bind(REGISTRY["reshape"], np.ones(3), shape=(2, 2))


def test_records_are_callable_and_say_what_they_are() -> None:
    assert arithmetic.add(1.0, 2.0) == 3.0
    assert repr(arithmetic.add) == "<Elementwise add>"
    assert REGISTRY["concat"].is_variadic
    assert not arithmetic.add.is_variadic


def test_a_name_is_defined_once_and_partials_fit_the_operands() -> None:
    with pytest.raises(AssertionError, match="add is defined twice"):
        Elementwise(name="add", formula="x", partials=(1,))
    with pytest.raises(AssertionError):
        Elementwise(name="test_two_partials", formula="x", partials=(1, 1))
    REGISTRY.pop("test_two_partials")


def test_parameters_print_as_python() -> None:
    values: list[Any] = [
        (1, None), (), (2.5,), True, "ij->ji", -0.0, np.inf, -np.inf, np.dtype("float32"),
        np.dtype(bool), ..., 5e-324, (("slice", None, 2, -1),),
    ]  # fmt: skip
    expected = [
        "(1, None)", "()", "(2.5,)", "True", "'ij->ji'", "-0.0", "np.inf", "-np.inf", "np.float32",
        "bool", "...", "5e-324", "(('slice', None, 2, -1),)",
    ]  # fmt: skip
    assert [literal(value) for value in values] == expected
    assert literal(float("nan")) == "np.nan"
