"""`gg.show`: what it takes, where it shows it, and what notebooks get."""

from __future__ import annotations

import re
import sys
import types
from html import unescape
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import glassgrad as gg
from glassgrad import nn
from glassgrad.errors import FileAccessError, OptionError, TraceError
from glassgrad.view import show as module


def f(x: Any, y: Any) -> Any:
    return (x + y) * x


def test_a_function_with_its_arguments(capsys: Any) -> None:
    assert gg.show(f, 2.0, 3.0) is None
    assert "× " not in capsys.readouterr().err
    gg.show(gg.trace(f, 2.0, 3.0), 2.0, 3.0)
    assert "10.00" in capsys.readouterr().out


def test_a_graph_without_numbers(capsys: Any) -> None:
    gg.show(gg.trace(f, 2.0, 3.0))
    out = capsys.readouterr().out
    assert "t1 = x + y" in out
    assert "gradient" not in out


def test_a_tensor_shows_how_it_was_made(capsys: Any) -> None:
    w = gg.parameter([2.0, 3.0], name="w")
    loss = (w * w).sum()
    gg.show(loss)
    assert "13.00" in capsys.readouterr().out


def test_a_module_with_inputs() -> None:
    model = nn.Sequential(nn.Linear(2, 3, rng=0), nn.ReLU())
    shown = module.look_at(model, np.ones((1, 2), np.float32))
    assert shown.graph.name == "Sequential"
    assert "Linear" in shown.html()


def test_a_notebook_gets_an_object(monkeypatch: Any) -> None:
    shell = types.SimpleNamespace(kernel=object())
    fake = types.SimpleNamespace(get_ipython=lambda: shell)
    monkeypatch.setitem(sys.modules, "IPython", fake)
    shown = gg.show(f, 2.0, 3.0, precision=3)
    assert shown is not None
    frame = shown._repr_html_()
    found = re.fullmatch(
        r'<iframe [^>]*sandbox="allow-scripts"[^>]*srcdoc="([^"]*)"></iframe>', frame
    )
    assert found is not None
    assert unescape(found[1]) == shown.html()


def test_graphs_and_tensors_show_themselves_in_notebooks() -> None:
    assert gg.trace(f, 2.0, 3.0)._repr_html_().startswith("<iframe")
    assert gg.tensor([1.0])._repr_html_() is None
    w = gg.parameter(2.0)
    assert w._repr_html_() is None
    assert (w * w)._repr_html_().startswith("<iframe")


def test_a_long_tape_does_not_show_itself() -> None:
    total = gg.parameter(1.0)
    for _ in range(600):
        total = total * 1.0
    assert total._repr_html_() is None


def test_a_browser_opens_a_file(monkeypatch: Any, capsys: Any) -> None:
    opened = []
    monkeypatch.setattr(module, "has_browser", lambda: True)
    monkeypatch.setattr(module.webbrowser, "open", lambda uri: opened.append(uri) or True)
    gg.show(f, 2.0, 3.0)
    path = Path(capsys.readouterr().out.strip())
    assert opened == [path.as_uri()]
    assert path.read_text("utf-8").startswith("<!DOCTYPE html>")
    path.unlink()
    path.parent.rmdir()


def test_no_terminal_no_browser() -> None:
    assert not module.has_browser()


def test_saving(tmp_path: Path) -> None:
    shown = module.look_at(f, 2.0, 3.0)
    shown.save(tmp_path / "f.html")
    assert (tmp_path / "f.html").read_text("utf-8") == shown.html()
    with pytest.raises(FileAccessError):
        shown.save(tmp_path / "nowhere" / "f.html")


def test_what_cannot_be_shown() -> None:
    with pytest.raises(OptionError, match="str cannot be shown"):
        gg.show("text")
    with pytest.raises(TraceError, match="returned nothing"):
        gg.show(lambda x: None, 1.0)
    with pytest.raises(TraceError, match="bool"):
        gg.show(lambda x: x if x > 0 else -x, 1.0)
