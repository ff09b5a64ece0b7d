"""Printed source of random programs: it runs, repeats the graph's bits, and frees sizes rightly."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest
from backends.source_programs import run_text
from hypothesis import given, settings
from random_graphs import Program, programs

from glassgrad.backends.source import checks
from glassgrad.graph.trace import trace
from glassgrad.text import speaking


def _require_equal(text: str, arrays: Any, expected: Any, rtol: float) -> None:
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = run_text(text, *arrays)
    if rtol == 0:
        assert all(map(checks.same_bits, found, expected)), text
    for one, two in zip(found, expected, strict=True):
        np.testing.assert_allclose(one, two, rtol=rtol, atol=1e-9)


def _check(program: Program) -> None:
    arrays = program.arrays()
    graph = trace(program.of(np), *arrays).gradients()
    expected = graph.callable()(*arrays)
    with speaking("en"):
        _require_equal(graph.source(rewrite=False), arrays, expected, 0)
        _require_equal(graph.source(rewrite=False, detail="open"), arrays, expected, 0)
        _require_equal(graph.source(comments=False), arrays, expected, 1e-9)
        assert max(map(len, graph.source().splitlines())) <= 100


@pytest.mark.full
@settings(max_examples=40)
@given(programs(most_steps=10))
def test_random_programs(program: Program) -> None:
    _check(program)


@pytest.mark.full
@settings(max_examples=500)
@given(programs(most_steps=14))
def test_five_hundred_random_programs(program: Program) -> None:
    _check(program)
