"""Times, debug output and assembly: what needs llvmlite."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest
from backends.native.test_report import parts_of, two_layer_gradients, xor_step

from glassgrad.backends.native import debug
from glassgrad.backends.native.call import Executable
from glassgrad.backends.native.lower.build import lower
from glassgrad.backends.native.report import report_of
from glassgrad.backends.native.timing import _Clocks, clock, measured
from glassgrad.errors import GlassgradError
from glassgrad.graph.trace import trace

pytest.importorskip("llvmlite")

X, W = np.full((8, 30), 0.25, np.float32), np.full((30, 90), 0.5, np.float32)


def layer(x: Any, W: Any) -> Any:
    return np.tanh(x @ W)


# --- times -------------------------------------------------------------------------------


def test_every_part_has_a_time() -> None:
    report = trace(layer, X, W).native_report(X, W)
    assert report.seconds is not None
    assert 0 < report.seconds < 1
    product, nest = parts_of(report)
    assert product.seconds is not None and nest.seconds is not None
    assert 0 < product.seconds < 1
    assert product.gflops == pytest.approx(product.flops / product.seconds / 1e9)
    assert nest.gigabytes == pytest.approx((nest.read + nest.written) / nest.seconds / 1e9)
    text = str(report)
    assert "GFLOP/s" in text
    assert re.search(r"one step [\d.]+ (ns|µs|ms|s), workers 1", text)


def test_numbers_are_drawn_where_none_are_given() -> None:
    graph = two_layer_gradients()
    report = graph.native_report(measure=True, workers=2)
    assert report.workers == 2
    assert all(part.seconds is not None for part in parts_of(report))


def test_clocks_change_no_number() -> None:
    graph = two_layer_gradients()
    rng = np.random.default_rng(0)
    arrays = [
        np.asarray(rng.standard_normal(v.shape), v.dtype) if v.dtype.kind == "f" else
        rng.integers(0, 10, v.shape) for v in graph.inputs
    ]  # fmt: skip
    clocks: list[_Clocks] = []
    twin = Executable(graph, 2, prepare=lambda p: clocks.append(_Clocks(p, 2)))
    plain = Executable(graph, 2)
    for a, b in zip(twin(*arrays), plain(*arrays), strict=True):
        np.testing.assert_array_equal(a, b)
    (found,) = clocks
    assert found.ticks.shape == (2, len(found.parts) + 1)
    assert (found.ticks >= 0).all()
    assert found.ticks[:, :-1].sum(axis=0).all(), "each part was run by somebody"


def test_the_clock_goes_on() -> None:
    first = clock()
    assert clock() > first


def test_a_step_of_a_run_is_measured() -> None:
    step, x, t = xor_step()
    before = [leaf.copy() for leaf in step.read().leaves]
    report = step.native_report(x, t, measure=True)
    assert report.seconds is not None
    gathered = step.native_report(x, t, batch_size=2, measure=True)
    assert "gather" in [part.form for part in parts_of(gathered)]
    for leaf, old in zip(step.read().leaves, before, strict=True):
        np.testing.assert_array_equal(leaf, old)


def test_wrong_arguments_are_refused_before_anything_is_measured() -> None:
    with pytest.raises(GlassgradError, match="recorded for"):
        trace(layer, X, W).native_report(W, X)


def test_a_programs_report_may_be_given_times() -> None:
    graph = trace(layer, X, W)
    times = measured(graph, [X, W], repeats=3)
    report = report_of(Executable(graph).program, seconds=times.step, parts=times.parts)
    assert [part.seconds for part in parts_of(report)] == list(times.parts.values())


# --- what is compiled --------------------------------------------------------------------


def test_debug_prints_c_and_llvm(monkeypatch: Any, capsys: Any) -> None:
    graph = trace(layer, X, W)
    Executable(graph)
    assert capsys.readouterr().err == ""
    monkeypatch.setenv(debug.VARIABLE, "other, native")
    executable = Executable(graph)
    printed = capsys.readouterr()
    assert printed.out == ""
    first, second = printed.err.split("; layer as LLVM IR\n")
    assert first.startswith("// layer as C\n")
    assert "void layer(const float *x, const float *W, float *out)" in first
    assert second == executable.text + "\n"


def test_debug_says_why_there_is_no_c(monkeypatch: Any, capsys: Any) -> None:
    monkeypatch.setenv(debug.VARIABLE, "native")
    debug.show(lower(trace(np.linalg.inv, np.eye(3))), "the LLVM text")
    printed = capsys.readouterr().err
    assert re.search("^// .*inv has no C form: Python computes it", printed, re.MULTILINE)
    assert printed.endswith("the LLVM text\n")


def test_assembly() -> None:
    executable = Executable(trace(layer, X, W))
    text = executable.assembly()
    assert re.search(r"^_?run:", text, re.MULTILINE)
    assert text == executable.assembly()
