"""The excerpts of docs/compiler.md are what the tools print today.

    GLASSGRAD_UPDATE_GOLDEN=1 pytest tests/test_compiler_page.py

writes them anew, in both languages. An excerpt stands below a comment that names it:
`<!-- from: loops -->`.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import glassgrad as gg
from glassgrad.backends.native.blas_candidates import Blas
from glassgrad.backends.native.engine import assembly, versions
from glassgrad.backends.native.lower.build import lower
from glassgrad.backends.native.module import module_text
from glassgrad.graph.ir import Graph
from glassgrad.text import speaking

UPDATE = bool(os.environ.get("GLASSGRAD_UPDATE_GOLDEN"))
DOCS = Path(__file__).resolve().parent.parent / "docs"
PAGES = {"en": DOCS / "compiler.md", "ko": DOCS / "compiler.ko.md"}
CPU = "x86-64-v3"  # AVX2 and FMA: what the page's machine instructions are for
LLVM = "22"  # another version may choose other instructions
_EXCERPT = re.compile(r"<!-- from: (\w+) -->\n```\w*\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def layer(x: Any, W: Any, b: Any) -> Any:
    a = x @ W + b
    h = np.maximum(a, 0)
    return h


@cache
def graph() -> Graph:
    shapes = (64, 784), (784, 32), (32,)
    return gg.trace(layer, *(np.ones(shape, np.float32) for shape in shapes))


@cache
def step() -> tuple[Any, Any, Any]:
    model = gg.nn.Sequential(gg.nn.Linear(784, 32, rng=0), gg.nn.ReLU())

    def loss(model: Any, x: Any, t: Any) -> Any:
        return ((model(x) - t) ** 2).mean()

    x, t = np.ones((64, 784), np.float32), np.ones((64, 32), np.float32)
    return gg.train_step(loss, model, gg.optim.SGD(model, 0.1)), x, t


# --- excerpts ----------------------------------------------------------------------------


def report() -> str:
    return str(graph().native_report())


def training() -> str:
    """The kernels of the training step, and why values go through memory."""
    found, x, t = step()
    return str(found.native_report(x, t)).rsplit("\n\n", 1)[0]


def loops() -> str:
    """The function of the kernel."""
    text = graph().c_source()
    return text[text.index("static void compute_h") : text.index("\nvoid layer(")].rstrip()


def _text() -> str:
    """The module as with the BLAS of NumPy's own wheel, whichever is here."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GLASSGRAD_CPU", CPU)
        blas = Blas("OpenBLAS", "", "", "", abi="cblas", integer_bits=64, sgemm=0, dgemm=0)
        return module_text(lower(graph()), blas)


def vectors() -> str:
    """The block of LLVM's text that adds the bias and takes the maximum."""
    kernel = _text().partition("define internal void @k0_0(")[2]
    blocks = re.split(r"^(?=\w+:$)", kernel, flags=re.MULTILINE)
    (block,) = (block for block in blocks if "fcmp ugt" in block)
    return _renumbered(block.rstrip())


def _renumbered(text: str) -> str:
    """Names counted from 1: what stands before the block is not shown, and may change."""
    numbers: dict[str, str] = {}

    def count(match: re.Match[str]) -> str:
        stem, number = match.groups()
        return stem + numbers.setdefault(number, str(len(numbers) + 1))

    return re.sub(r"(%[vb]|loop|after)(\d+)", count, text)


def instructions() -> str:
    """The same block as machine instructions."""
    lines = assembly(_text()).splitlines()
    middle = next(i for i, line in enumerate(lines) if "vcmpnleps" in line)
    first = max(i for i in range(middle) if re.match(r"\.?L\w+:", lines[i]))
    last = next(i for i in range(middle, len(lines)) if re.match(r"\s+j", lines[i]))
    return "\n".join(line.expandtabs(8) for line in lines[first : last + 1])


EXCERPTS: dict[str, Callable[[], str]] = {
    "report": report,
    "training": training,
    "loops": loops,
    "vectors": vectors,
    "instructions": instructions,
}


def _replaced(page: Path, name: str, text: str) -> str:
    whole = page.read_text(encoding="utf-8")
    (match,) = (found for found in _EXCERPT.finditer(whole) if found[1] == name)
    return f"{whole[: match.start(2)]}{text}\n{whole[match.end(2) :]}"


def _require(name: str, language: str) -> None:
    page = PAGES[language]
    with speaking(language):
        text = EXCERPTS[name]()
    if UPDATE:
        page.write_text(_replaced(page, name, text), encoding="utf-8")
    shown = dict(_EXCERPT.findall(page.read_text(encoding="utf-8")))
    assert shown[name] == f"{text}\n"


@pytest.mark.parametrize("language", PAGES)
@pytest.mark.parametrize("name", [name for name in EXCERPTS if name != "instructions"])
def test_excerpts(name: str, language: str) -> None:
    _require(name, language)


@pytest.mark.parametrize("language", PAGES)
def test_machine_instructions(language: str, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("llvmlite")
    if not versions()["llvm"].startswith(f"{LLVM}."):
        pytest.skip(f"the page shows what LLVM {LLVM} makes")
    monkeypatch.setenv("GLASSGRAD_CPU", CPU)
    _require("instructions", language)


@pytest.mark.parametrize("language", PAGES)
def test_each_excerpt_is_on_the_page_once(language: str) -> None:
    found = [name for name, _ in _EXCERPT.findall(PAGES[language].read_text(encoding="utf-8"))]
    assert sorted(found) == sorted(EXCERPTS)
