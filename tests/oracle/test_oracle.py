"""Every operator that glassgrad offers against PyTorch's numbers, to the second derivative."""

from __future__ import annotations

import importlib.util
import os
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest
from backends.native.native_texts import needs_llvm

from glassgrad.tensor import Tensor
from oracle import adapter, by_native

pytestmark = [
    pytest.mark.shared("oracle/check_oracle.py", "oracle/opinfo-dev.json"),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),  # the checker leaves closing to Python
]


@pytest.fixture(scope="module")
def checker(shared: Path) -> ModuleType:
    """The oracle's own program; it is not copied, so that it stays independent of us."""
    spec = importlib.util.spec_from_file_location("check_oracle", shared / "oracle/check_oracle.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _replay(checker: ModuleType, shared: Path, library: Any, f32: bool) -> dict[str, Counter[str]]:
    with np.errstate(all="ignore"):  # the samples divide by zero and take roots of -1 on purpose
        found: dict[str, Counter[str]] = checker.run(
            str(shared / "oracle/opinfo-dev"), library, f32=f32, verbose=True
        )
    return found


def _failed(found: dict[str, Counter[str]]) -> list[str]:
    return [name for name, counts in found.items() if counts["fail"]]


@pytest.mark.parametrize("f32", [False, True], ids=["float64", "float32"])
def test_every_offered_case_passes(checker: ModuleType, shared: Path, f32: bool) -> None:
    found = _replay(checker, shared, adapter, f32)
    assert _failed(found) == []  # the cases are printed above
    assert not any(counts["absent"] for counts in found.values())
    whole = [name for name, counts in found.items() if counts.keys() == {"pass"}]
    assert len(whole) >= 260  # of 264


def _first_cases(checker: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the checker see the first case of every operator alone."""
    load = checker.load

    def firsts(pack: str) -> Any:
        meta, array_of = load(pack)
        first = {case["op"]: case for case in reversed(meta["cases"])}
        return {**meta, "cases": list(first.values())}, array_of

    monkeypatch.setattr(checker, "load", firsts)


@needs_llvm
@pytest.mark.full
@pytest.mark.parametrize("f32", [False, True], ids=["float64", "float32"])
def test_machine_code_passes_too(
    checker: ModuleType, shared: Path, f32: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One case of each operator; with GLASSGRAD_MILLION=1 all, six minutes a precision."""
    if "GLASSGRAD_MILLION" not in os.environ:
        _first_cases(checker, monkeypatch)
    by_native.results.clear()
    found = _replay(checker, shared, by_native, f32)
    assert _failed(found) == []
    assert sum(counts["pass"] > 0 for counts in found.values()) >= 255
    assert by_native.results["native"] > 10 * by_native.results["constant"]


def _by_backward(
    outs: Sequence[Any], ins: Sequence[Tensor], cotangents: Sequence[Tensor], create_graph: bool
) -> list[Any]:
    """The gradients that `backward()` leaves: swept, then swept by emitted text, bit for bit."""
    recorded = adapter.vjp(outs, ins, cotangents, create_graph)
    if create_graph or len(outs) > 1 or not adapter.is_recorded(outs[0]):
        return recorded
    for _ in range(3):  # the second pass compiles the text, the third finds it
        outs[0].backward(cotangents[0])
        for x, expected in zip(ins, recorded, strict=True):
            wanted = np.zeros(x.shape, x.dtype) if expected is None else expected.data
            left = np.zeros(x.shape, x.dtype) if x.grad is None else x.grad
            assert left.dtype == x.dtype
            np.testing.assert_array_equal(left, wanted)
    return recorded


@pytest.mark.full
def test_backward_and_its_text_give_the_same_bits(checker: ModuleType, shared: Path) -> None:
    library = SimpleNamespace(**{**vars(adapter), "vjp": _by_backward})
    assert _failed(_replay(checker, shared, library, False)) == []


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        ("tanh", lambda x: np.tanh(x) + 1e-9 * x),
        ("mul", lambda x, other: np.multiply(x.detach(), other) + (x - x.detach())),
        ("nn.functional.softplus", lambda x, **_: adapter.OPS["nn.functional.softplus"](x)),
        ("cumsum", lambda x, dim, **_: np.flip(np.cumsum(np.flip(x, -1), axis=dim), -1)),
    ],
)
def test_a_wrong_operator_is_found(
    checker: ModuleType, shared: Path, name: str, wrong: Any
) -> None:
    library = SimpleNamespace(**{**vars(adapter), "OPS": {name: wrong}})
    with np.errstate(all="ignore"):
        found = checker.run(str(shared / "oracle/opinfo-dev"), library, ops={name})
    assert _failed(found) == [name]
