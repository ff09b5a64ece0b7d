"""`glassgrad train` writes a report, `glassgrad report` writes it again."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from cli.conftest import Cli

import glassgrad.report.report
from glassgrad.report import Material

LARGEST = 3 * 2**20


def _page(run: str) -> str:
    return (Path("runs") / run / "report.html").read_text(encoding="utf-8")


def test_train_writes_it(cli: Cli) -> None:
    found = cli("train", "moons", "--epochs", 3, report=True)
    assert "report: runs/moons/report.html" in found.err
    html = _page("moons")
    shown = re.search(r"(\d+(?:\.\d+)?)% of (\d+) test rows", html)
    score = re.search(r"test part: accuracy ([\d.]+) \((\d+) rows\)", found.out)
    assert shown is not None
    assert score is not None
    assert float(shown[1]) == pytest.approx(100 * float(score[1]), abs=0.05)
    assert shown[2] == score[2]
    assert '<p class="fault">' not in html


def test_no_report(cli: Cli) -> None:
    assert cli("train", "moons", "--epochs", 1, "--no-report", report=True).code == 0
    assert not (Path("runs") / "moons" / "report.html").exists()


@pytest.mark.full
def test_again_it_is_the_same(cli: Cli) -> None:
    cli("train", "digits", "--epochs", 1, report=True)
    before = _page("digits")
    assert '<p class="fault">' not in before
    found = cli("report", "runs/digits")
    assert found.code == 0
    assert found.out.strip() == "runs/digits/report.html"
    without_times = re.compile(r"[\d.,]+ (?:µs|ms|s)\b")
    assert without_times.sub("", _page("digits")) == without_times.sub("", before)
    assert len(before) < LARGEST


def test_a_table(cli: Cli, flowers: Path) -> None:
    cli("train", flowers, "--target", "species", "--epochs", 2, report=True)
    html = _page("flowers")
    assert '<p class="fault">' not in html
    assert "colour" in html


def test_the_data_are_gone(cli: Cli, flowers: Path) -> None:
    cli("train", flowers, "--target", "species", "--epochs", 2, report=True)
    flowers.unlink()
    found = cli("report", "flowers", "-o", "again.html")
    assert found.code == 0
    assert "training data are not there" in found.err
    assert "Learning curves" in Path("again.html").read_text(encoding="utf-8")


def test_korean(cli: Cli) -> None:
    cli("train", "moons", "--epochs", 1, "--lang", "ko", report=True)
    assert "학습 곡선" in _page("moons")


def test_a_fault_never_costs_the_model(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_: Material) -> str:
        raise RuntimeError("no paper")

    monkeypatch.setattr(glassgrad.report.report, "report_html", broken)
    found = cli("train", "moons", "--epochs", 1, report=True)
    assert found.code == 0
    assert "the report could not be written: no paper" in found.err
    assert (Path("runs") / "moons" / "model.safetensors").is_file()


def test_bad_input(cli: Cli) -> None:
    cli("train", "moons", "--epochs", 1, report=True)
    assert cli("report", "mons").code == 2
    assert cli("report", "moons", "-o", "nowhere/x.html").code == 1
    (Path("runs") / "moons" / "model.safetensors").unlink()
    found = cli("report", "moons")
    assert found.code == 2
    assert "has not ended" in found.err


@pytest.mark.full
@pytest.mark.shared("data/mnist/train-images-idx3-ubyte.gz")
def test_mnist_fits_a_letter(cli: Cli, shared_data: Path) -> None:
    found = cli("train", "mnist", "--data", shared_data / "mnist", "--steps", 20, report=True)
    assert found.code == 0
    html = _page("mnist")
    assert '<p class="fault">' not in html
    assert 50_000 < len(html.encode()) < LARGEST
