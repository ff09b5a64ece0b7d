"""`glassgrad canon` and `glassgrad doctor`."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from glassgrad import canon
from glassgrad.cli import doctor as doctor_module
from glassgrad.cli import doctor_native
from glassgrad.config import config


def test_the_list_names_all_examples(cli: Any) -> None:
    result = cli("canon")
    assert result.code == 0
    assert {line.split()[0] for line in result.out.splitlines()[1:]} == set(canon.EXAMPLES)
    assert {entry["name"] for entry in cli("canon", "--json").json} == set(canon.EXAMPLES)


def test_one_example(cli: Any) -> None:
    result = cli("canon", "cs231n.sigmoid_circuit")
    assert result.code == 0
    assert "-0.196611933241482" in result.out
    assert "source: CS231n" in result.out
    short = cli("canon", "sigmoid_circuit", "--precision", "2")
    assert "-0.20" in short.out
    assert "0.196" not in short.out.split("node")[1].split("With 2")[0]
    assert "def " in cli("canon", "cs231n.sigmoid_circuit", "--code").out


def test_one_example_in_korean(cli: Any) -> None:
    assert "출처:" in cli("canon", "cs231n.sigmoid_circuit", "--lang", "ko").out


def test_one_example_for_programs(cli: Any) -> None:
    found = cli("canon", "cs231n.product_of_sum", "--json").json
    assert found["ok"] is True
    assert found["table"]["f"] == -12
    assert all(check["ok"] for check in found["checks"])


def test_wrong_names(cli: Any) -> None:
    result = cli("canon", "cs231n.sigmoid")
    assert result.code == 2
    assert "cs231n.sigmoid_circuit" in result.err
    assert cli("canon", "x", "--all").code == 2
    assert cli("canon", "--code").code == 2


def _only(monkeypatch: pytest.MonkeyPatch, **examples: Any) -> None:
    monkeypatch.setattr(canon, "EXAMPLES", {e.name: e for e in examples.values()})


def test_all_are_checked(cli: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    _only(monkeypatch, one=canon.cs231n.product_of_sum, two=canon.book.one_fruit)
    result = cli("canon", "--all", "--json")
    assert result.code == 0
    assert [entry["ok"] for entry in result.json] == [True, True]


def test_a_number_that_differs_is_1(cli: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    wrong = replace(canon.cs231n.product_of_sum, expected={"f": -11.0})
    _only(monkeypatch, wrong=wrong)
    result = cli("canon", "--all")
    assert result.code == 1
    assert "DIFFERS" in result.out
    assert "printed: -11" in cli("canon", wrong.name).out


def test_what_lacks_its_data_is_skipped(cli: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    lacking = canon.book.shipped_weights
    _only(monkeypatch, lacking=lacking)
    result = cli("canon", "--all", "--json")
    assert result.code == 0
    assert result.json[0]["skipped"]
    assert cli("canon", lacking.name).code == 1


def test_doctor(cli: Any) -> None:
    result = cli("doctor")
    assert result.code == 0
    for word in ("numpy", "BLAS", "back ends", "data folder", "self-test"):
        assert word in result.out
    facts = cli("doctor", "--json").json
    assert facts["self_test"]["ok"]
    assert "numpy" in facts["backends"]
    assert ("native" in facts["backends"]) == (facts["native"]["problem"] is None)
    assert facts["packages"]["numpy"]


def test_doctor_tells_of_native_code(
    cli: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("GLASSGRAD_NUM_THREADS", "3")
    with config.using(cache=str(tmp_path)):
        result = cli("doctor")
        facts = cli("doctor", "--json").json["native"]
    for word in ("native code", "products", "workers", "compiled code"):
        assert word in result.out
    assert facts["workers"] == 3
    assert facts["cache"]["folder"] == str(tmp_path / "native")
    assert facts["available"] == (facts["problem"] is None)
    if facts["available"]:
        assert facts["llvm"]
        assert facts["cpu"]
        assert facts["features"]
    if facts["blas"]["name"]:
        assert facts["blas"]["fault"] is None
        assert "self-test: ok" in result.out


def test_doctor_where_native_code_lacks_everything(
    cli: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("GLASSGRAD_NUM_THREADS", "many")
    monkeypatch.setenv("GLASSGRAD_BLAS", "none")
    monkeypatch.setattr(doctor_native.engine, "problem", lambda: "llvmlite is not installed")
    with config.using(cache="off"):
        result = cli("doctor")
        facts = cli("doctor", "--json").json["native"]
    assert result.code == 0
    for words in (
        "llvmlite is not installed",
        "no BLAS was found; kernels of our own serve",
        "GLASSGRAD_NUM_THREADS is a whole number from 1 to 256, not 'many'",
        "is not kept (GLASSGRAD_CACHE=off)",
    ):
        assert words in result.out
    assert not facts["available"]
    monkeypatch.setenv("GLASSGRAD_BLAS", "nonsense")
    (tmp_path / "native").mkdir(mode=0o755)
    with config.using(cache=str(tmp_path)):
        result = cli("doctor")
    assert "unknown matrix library 'nonsense'" in result.out
    assert "lets other users in" in result.out or os.name == "nt"


def test_doctor_without_threadpoolctl(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "threadpoolctl", None)
    assert doctor_module.blas()["description"]


def test_a_failed_self_test_is_1(cli: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor_module, "_self_test", lambda: {"ok": False, "error": 0.5})
    assert cli("doctor").code == 1


def test_pictures(cli: Any, tmp_path: Path) -> None:
    path = tmp_path / "fruit.svg"
    assert cli("canon", "one_fruit", "--picture", "-o", path).code == 0
    picture = path.read_text(encoding="utf-8")
    assert picture.startswith("<svg")
    assert cli("canon", "one_fruit", "--picture").out == picture + "\n"
    for words, said in (
        (("--picture",), "needs the name"),
        (("one_fruit", "-o", path), "add --picture"),
    ):
        result = cli("canon", *words)
        assert result.code == 2
        assert said in result.err
    result = cli("canon", "one_fruit", "--picture", "-o", tmp_path / "no" / "x.svg")
    assert result.code in (1, 2)
    assert "x.svg" in result.err
