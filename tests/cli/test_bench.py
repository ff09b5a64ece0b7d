"""`glassgrad bench`: one short run, its JSON and its tables, and what it refuses."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from typing import Any

import pytest

from glassgrad.bench.workloads import WORKLOADS
from glassgrad.cli.bench_table import about, header, workload_table
from glassgrad.text import speaking

SHORT = ("--rounds", "1", "--seconds", "0.001", "--threads", "1", "--backend", "numpy")


@pytest.mark.full
def test_a_short_run(cli: Callable[..., Any]) -> None:
    result = cli("bench", "xor", "two", "--peers", "numpy", *SHORT, "--json")
    assert result.code == 0, result.err
    data = result.json
    assert data["settings"]["threads"] == data["settings"]["rounds"] == 1
    assert data["machine"]["versions"]["numpy"]
    xor, two = data["workloads"]["xor"], data["workloads"]["two"]
    for found in (xor, two):
        _check_workload(found)
    assert xor["floor"] is None
    assert xor["aims"].keys() == {"best_peer", "best_single", "numpy", "cold", "cached"}
    assert two["floor"]["seconds"] > two["floor"]["traffic"] > 0
    assert two["prediction"]["seconds"] > 0
    assert "two: round 1 of 1" in result.err
    _check_tables(data)


def _check_workload(found: dict[str, Any]) -> None:
    assert found["agree"]
    assert found["best_peer"] == "numpy"
    for name in ("glassgrad", "numpy"):
        contestant = found["contestants"][name]
        assert contestant["seconds"] == contestant["rounds"][0] > 0
        assert contestant["error"] < 1e-5
    assert found["values"]["numpy"] == pytest.approx(
        found["contestants"]["glassgrad"]["seconds"] / found["contestants"]["numpy"]["seconds"]
    )
    assert found["first_call"]["cold"][0] > 0
    assert found["first_call"]["cached"] is None, "NumPy programs are not kept"


def _check_tables(data: dict[str, Any]) -> None:
    two = data["workloads"]["two"]
    with speaking("en"):
        assert "back end  numpy" in header(data)
        text = workload_table("two", two)
    assert text.startswith("two: 784-50-10, relu, sgd, batch 100\n")
    assert "time / floor" in text
    assert "first call, from the cache" in text
    assert "aim ≤ 30 ms: not measured" in text
    with speaking("ko"):
        assert "하한:" in workload_table("two", two)
    assert workload_table("mlp", {"failed": "why"}).startswith("mlp:")


@pytest.mark.parametrize(
    ("name", "english", "korean"),
    [
        ("cnn", "two convolutions of 5×5 to 16 + 32 channels, maxima of 2×2, 128-10", "합성곱 둘"),
        ("lstm", "embedding 64, LSTM 128, 65 characters, 50 steps", "문자 65가지, 50단계"),
        ("gpt", "4 blocks of 4 heads, 128 wide, context 64, 65 characters", "블록 4개"),
    ],
)
def test_models_in_a_line(name: str, english: str, korean: str) -> None:
    sizes = asdict(WORKLOADS[name])
    batch = sizes["batch"]
    with speaking("en"):
        assert about(sizes) == f"{english}, adam, batch {batch}"
    with speaking("ko"):
        assert korean in about(sizes)


def test_help_names_every_workload_and_peer(cli: Callable[..., Any]) -> None:
    from glassgrad.bench.contestants import PEERS
    from glassgrad.bench.workloads import WORKLOADS

    words = cli("bench", "--help").out.replace(",", " ").replace(".", " ").split()
    assert {*WORKLOADS, *PEERS} <= set(words)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("tow",), "two"),
        (("xor", "--peers", "tensorflow"), "torch"),
        (("xor", "--rounds", "0"), "--rounds"),
        (("xor", "--seconds", "-1"), "--seconds"),
        (("xor", "--threads", "4096"), "--threads"),
        (("xor", "--backend", "fpga"), "fpga"),
    ],
)
def test_wrong_usage(cli: Callable[..., Any], words: tuple[str, ...], told: str) -> None:
    result = cli("bench", *words)
    assert result.code == 2
    assert told in result.err
    assert result.out == ""


def test_what_is_not_installed_is_named(
    cli: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    from glassgrad.bench import contestants
    from glassgrad.cli import bench as module

    monkeypatch.setattr(contestants, "is_installed", lambda peer: peer == "numpy")
    monkeypatch.setattr(module, "_measured", lambda name, plan, output: {"failed": "not run"})
    result = cli("bench", "xor", "--peers", "all")
    assert result.code == 1, "a workload that failed is no success"
    assert "torch-compile is not installed" in result.out
    assert "numpy is not installed" not in result.out
