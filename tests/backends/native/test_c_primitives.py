"""Every primitive as C, with all its samples in one graph: the bits of the LLVM code."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from backends.native.c_running import needs_gcc, require_same, run_c, run_llvm
from registry.samples import FOREIGN, Sample, names, samples

import glassgrad.primitives.random
import glassgrad.primitives.solve  # noqa: F401 - registers
from glassgrad.backends.native.c import c_program
from glassgrad.backends.native.lower.build import lower
from glassgrad.backends.native.lower.site import LOWERINGS
from glassgrad.core.primitive import REGISTRY
from glassgrad.graph.ir import Graph
from glassgrad.graph.trace import trace

pytestmark = needs_gcc

NAMES = sorted({*names()} - FOREIGN)
# One of each kind runs in every suite; all of them in the full one.
FEW = ["argmax", "getitem", "left_shift", "random_permutation"]


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    with np.errstate(all="ignore"):
        yield


def graph_of(found: list[Sample], arrays: list[list[Any]]) -> Graph:
    """All samples of a primitive in one graph, each on operands of its own."""
    counts = [len(row) for row in arrays]

    def calls(*flat: Any) -> tuple[Any, ...]:
        outs: list[Any] = []
        for sample, end, count in zip(found, np.cumsum(counts), counts, strict=True):
            out = REGISTRY[sample.name](*flat[end - count : end], **sample.params)
            outs += out if REGISTRY[sample.name].multiple else [out]
        return tuple(outs)

    return trace(calls, *(x for row in arrays for x in row))


def require_agreement(name: str, dtype: Any, folder: Path, *flags: str) -> None:
    found = [s for s in samples(name) if all(np.ndim(x) >= 0 for x in s.inputs)]
    arrays = [
        [x.astype(dtype) if x.dtype == np.float64 else x for x in map(np.asarray, sample.inputs)]
        for sample in found
    ]
    flat = [x for row in arrays for x in row]
    program = lower(graph_of(found, arrays))
    printed = c_program(program, name="f", freestanding="-ffreestanding" in flags)
    require_same(run_c(printed, flat, folder, *flags), run_llvm(program, flat), name)


@pytest.mark.parametrize("name", FEW)
def test_some_primitives(name: str, tmp_path: Path) -> None:
    require_agreement(name, np.float32, tmp_path, "-O1", "-ffreestanding")


@pytest.mark.full
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("name", NAMES)
def test_every_primitive(name: str, dtype: Any, tmp_path: Path) -> None:
    lowering = LOWERINGS.get(REGISTRY[name])
    if lowering is not None and lowering.calls_back:
        pytest.skip("Python computes it")
    trap = "-fsanitize=undefined,float-cast-overflow", "-fsanitize-undefined-trap-on-error"
    require_agreement(name, dtype, tmp_path, "-O1", *trap)
