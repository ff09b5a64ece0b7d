"""`glassgrad train`: what it shows, what it writes, what it refuses, how it goes on."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from glassgrad.cli.config_file import read_config
from glassgrad.cli.network import build_network
from glassgrad.cli.run_folder import RunFolder
from glassgrad.cli.settings import Settings
from glassgrad.cli.trained import open_trained
from glassgrad.cli.training import HistoryFile
from glassgrad.io import load, load_arrays, run_lock
from glassgrad.train.heads import Head

QUICK = ("--epochs", "3", "--layers", "8")
FILES = {"config.toml", "run.json", "model.safetensors", "history.csv", "checkpoint"}


def _files(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir() if path.name != ".lock"}


def _column(run: str, name: str) -> list[str]:
    text = Path(f"runs/{run}/history.csv").read_text(encoding="utf-8")
    return [row[name] for row in csv.DictReader(text.splitlines())]


# --- what it shows and writes ------------------------------------------------------------


def test_digits(cli: Any, tmp_path: Path) -> None:
    result = cli("train", "digits", "--epochs", "4")
    assert result.code == 0
    assert "digits: 3,823 rows for training, 1,797 for testing, 64 features" in result.out
    assert "Linear(64, 128)" in result.out
    assert "all gradients agree" in result.out
    assert "confusion matrix" in result.out
    accuracy = float(result.out.split("test part: accuracy ")[1].split()[0])
    assert accuracy > 0.9
    assert "written: runs/digits" in result.err
    assert _files(tmp_path / "runs" / "digits") == FILES
    assert _column("digits", "epoch") == ["1", "2", "3", "4"]
    evaluated = cli("evaluate", "runs/digits")
    assert f"accuracy {accuracy:.4f}" in evaluated.out


def test_further_scores(cli: Any) -> None:
    chosen = ("--metrics", "f1,roc_auc")
    assert cli("train", "moons", *QUICK, *chosen, "--until", "roc_auc=2", "--quiet").code == 0
    assert len(_column("moons", "roc_auc")) == len(_column("moons", "f1")) == 3
    scores = cli("evaluate", "runs/moons", *chosen, "--json").json
    assert 0.5 < scores["roc_auc"] <= 1
    assert 0 < scores["f1"] <= 1
    assert "f1 0." in cli("evaluate", "runs/moons", "--metrics", "f1").out
    refused = cli("train", "moons", *QUICK, "--metrics", "roc")
    assert refused.code == 2
    assert "did you mean `roc_auc`" in refused.err


def test_json_has_everything(cli: Any) -> None:
    result = cli("train", "moons", *QUICK, "--json", "--quiet")
    assert result.code == 0
    facts = result.json
    assert facts["gradient_check"]["ok"]
    assert facts["parameters"] == 2 * 8 + 8 + 8 * 2 + 2
    assert [layer["output"] for layer in facts["layers"]] == [[8], [8], [2]]
    assert (facts["epochs"], facts["stopped"]) == (3, "epochs")
    assert np.sum(facts["test"]["confusion"]) == facts["test"]["rows"] == 200
    assert facts["settings"]["layers"] == [8]
    assert result.err == ""


def test_quiet_prints_the_result_only(cli: Any) -> None:
    result = cli("train", "blobs", *QUICK, "--quiet")
    assert len(result.out.splitlines()) == 1
    assert result.err == ""


def test_names_of_runs(cli: Any, tmp_path: Path) -> None:
    for _ in range(2):
        cli("train", "moons", *QUICK)
    assert {p.name for p in (tmp_path / "runs").iterdir()} == {"moons", "moons-2"}
    assert cli("train", "moons", *QUICK, "--name", "mine", "--out", "elsewhere").code == 0
    assert _files(tmp_path / "elsewhere" / "mine") == FILES
    again = cli("train", "moons", *QUICK, "--name", "mine", "--out", "elsewhere")
    assert again.code == 2
    assert "there is a run elsewhere/mine already" in again.err
    assert "cannot name a folder" in cli("train", "moons", "--name", "../x").err


def test_a_run_is_repeated_from_its_config(cli: Any) -> None:
    cli("train", "moons", *QUICK, "--seed", "3")
    assert cli("train", "runs/moons/config.toml").code == 0
    first, second = (load_arrays(f"runs/{n}/model.safetensors")[0] for n in ("moons", "moons-2"))
    assert all(np.array_equal(first[key], second[key]) for key in first)
    assert cli("train", "runs/moons/config.toml", "--seed", "4").code == 0
    third = load_arrays("runs/moons-3/model.safetensors")[0]
    assert not np.array_equal(first["layers.0.W"], third["layers.0.W"])


def test_everything_the_notes_adapt_is_a_flag(cli: Any) -> None:
    words = (
        "train moons --layers 6,5 --activation gelu --no-biases --init he --loss mse "
        "--optimizer momentum:momentum=0.8 --lr 0.05 --steps 20 --batch-size 50 --seed 5 "
        "--dropout 0.1 --weight-decay 0.001 --clip-norm 1 --schedule warm_up_cosine "
        "--validation 0.2 --patience 3 --dtype float64 --backend numpy --json --replacement"
    )
    result = cli(*words.split())
    assert result.code == 0, result.err
    assert "layers.6: he_normal: sigmoid wants xavier_normal" in result.err
    assert result.json["steps"] == 20
    model = open_trained("moons").model
    assert [p.shape for p in model.parameters()] == [(2, 6), (6, 5), (5, 1)]
    assert model.parameters()[0].dtype == np.float64


def test_until_stops_the_run(cli: Any) -> None:
    result = cli("train", "blobs", "--until", "accuracy=0.9", "--json", "--quiet")
    assert result.json["stopped"] == "until"
    assert result.json["epochs"] < 50


# --- xor ---------------------------------------------------------------------------------


def _note(W1: Any, W2: Any, steps: int) -> tuple[Any, Any]:
    """The study note's loop, in plain NumPy."""
    x = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
    y = np.array([[0.0], [1.0], [1.0], [0.0]])
    for _ in range(steps):
        hidden = 1 / (1 + np.exp(-(x @ W1)))
        o = 1 / (1 + np.exp(-(hidden @ W2)))
        d_o = (o - y) * o * (1 - o)
        d_hidden = d_o @ W2.T * hidden * (1 - hidden)
        W2 = W2 - 0.1 * (hidden.T @ d_o)
        W1 = W1 - 0.1 * (x.T @ d_hidden)
    return W1, W2


@pytest.mark.parametrize("steps", [2_000, pytest.param(20_000, marks=pytest.mark.full)])
def test_xor_is_the_notes_loop(cli: Any, steps: int) -> None:
    assert cli("train", "xor", "--steps", steps, "--seed", "0").code == 0
    source = np.random.RandomState(0)
    W1, W2 = _note(source.rand(2, 2), source.rand(2, 1), steps)
    arrays, _ = load_arrays("runs/xor/model.safetensors")
    assert np.abs(arrays["layers.0.W"] - W1).max() < 1e-10
    assert np.abs(arrays["layers.2.W"] - W2).max() < 1e-10


@pytest.mark.full
@pytest.mark.parametrize(
    ("flag", "outputs", "words"),
    [
        ("--no-biases", [0.12, 0.82, 0.82, 0.23], "Not 0 1 1 0, because the network has no biases"),
        ("--biases", [0.03, 0.97, 0.97, 0.03], "With biases each layer can shift its threshold"),
    ],
)
def test_xor_says_why(cli: Any, flag: str, outputs: list[float], words: str) -> None:
    result = cli("train", "xor", flag)
    assert result.code == 0
    assert words in result.out
    found = open_trained("xor").model.predict(np.array([[0, 0], [0, 1], [1, 0], [1, 1.0]]))
    assert np.abs(found.ravel() - outputs).max() < 0.01


def test_xor_without_enough_steps_says_so(cli: Any) -> None:
    assert "do not round to 0 1 1 0" in cli("train", "xor", "--steps", "5").out


def test_rand_draws_as_numpy_does() -> None:
    settings = Settings(layers=(3,), init="randn", seed=7, dtype="float64")
    model = build_network(settings, Head("mse", 0), 2)
    source = np.random.RandomState(7)
    assert np.array_equal(model.layers[0].W.data, source.randn(2, 3))
    assert np.array_equal(model.layers[2].W.data, source.randn(3, 1))


# --- going on ----------------------------------------------------------------------------


def test_a_cut_run_goes_on_bit_for_bit(cli: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    words = ("train", "moons", "--layers", "8", "--epochs", "6", "--dropout", "0.2")
    assert cli(*words, "--name", "whole").code == 0

    def cut(run: Any) -> None:
        if run.epoch == 3:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(HistoryFile, "on_epoch", lambda self, run: cut(run))
        result = cli(*words, "--name", "cut")
    assert result.code == 1
    assert "go on: glassgrad train runs/cut --resume" in result.err
    assert not Path("runs/cut/model.safetensors").exists()
    assert "has not ended" in cli("evaluate", "cut").err
    assert cli("train", "runs/cut", "--resume").code == 0
    whole, resumed = (load_arrays(f"runs/{n}/model.safetensors")[0] for n in ("whole", "cut"))
    assert all(np.array_equal(whole[key], resumed[key]) for key in whole)
    assert _column("whole", "loss") == _column("cut", "loss")


def test_resume_takes_the_newest_run_and_no_other_settings(cli: Any) -> None:
    cli("train", "moons", *QUICK, "--schedule", "constant")
    cli("train", "moons", *QUICK, "--schedule", "constant")
    assert "going on with runs/moons-2" in cli("train", "moons", "--resume").err
    longer = cli("train", "moons", "--resume", "--epochs", "5", "--json", "--name", "moons")
    assert longer.json["epochs"] == 5
    assert read_config(Path("runs/moons/config.toml")).epochs == 5
    refused = cli("train", "moons", "--resume", "--lr", "0.5")
    assert refused.code == 2
    assert "--lr: the run began with 0.01, not 0.5" in refused.err
    assert cli("train", "circles", "--resume").code == 2


def test_a_planned_rate_cannot_be_lengthened(cli: Any) -> None:
    cli("train", "moons", *QUICK)
    result = cli("train", "moons", "--resume", "--epochs", "9")
    assert result.code == 2
    assert "cosine was planned for the run's length" in result.err


def test_a_run_in_use_is_left_alone(cli: Any) -> None:
    cli("train", "moons", *QUICK)
    with run_lock("runs/moons"):
        result = cli("train", "runs/moons", "--resume")
    assert result.code == 1
    assert "in use" in result.err


# --- what is refused ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "code", "problem"),
    [
        ("digits --batch-size 0", 2, "--batch-size: 0 is outside what is allowed"),
        ("digits --lr -0.1", 2, "--lr: -0.1 is outside what is allowed"),
        ("digits --loss mze", 2, "unknown loss 'mze'"),
        ("digits --target x", 2, "--target is for files"),
        ("digits --until speed=3", 2, "unknown column 'speed'"),
        ("digits --optimizer sgd:beta1=0.5", 2, "unknown option 'beta1'"),
        ("digits --init he:std=1", 2, "he does not take std"),
        ("digits --init rand:low=1", 2, "rand has no options"),
        ("digits --data nowhere", 2, "there is no folder nowhere"),
        ("digits --canon", 2, "--canon has no settings for digits"),
        ("nowhere.csv", 2, "there is no file nowhere.csv"),
        ("folder", 2, "folder is a folder without a config.toml"),
        ("moons --lr 1e30 --optimizer sgd --epochs 20 --activation relu", 1, "is not finite"),
    ],
)
def test_refusals_leave_nothing_behind(cli: Any, words: str, code: int, problem: str) -> None:
    Path("folder").mkdir()
    result = cli("train", *words.split())
    assert result.code == code
    assert problem in result.err
    assert "Traceback" not in result.err
    if code == 2:
        assert not list(Path("runs").glob("*")) if Path("runs").exists() else True


def test_an_unwritable_place_is_named(cli: Any, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    result = cli("train", "moons", *QUICK, "--out", "file/runs")
    assert result.code == 1
    assert "FileAccessError: file/runs cannot be read or written" in result.err


def test_a_damaged_run_is_named(cli: Any) -> None:
    cli("train", "moons", *QUICK)
    info = Path("runs/moons/run.json")
    text = info.read_text(encoding="utf-8")
    for broken, problem in [
        (text[:-40], "not valid JSON"),
        (text.replace('"features": 2', '"features": 3'), "does not fit the 3 features"),
        (text.replace('"task": "classification"', '"task": "regression"'), "do not fit the task"),
        (text.replace('"scale"', '"scales"'), "'scale"),
    ]:
        info.write_text(broken, encoding="utf-8")
        result = cli("evaluate", "moons")
        assert result.code == 1
        assert problem in result.err
    info.write_text(text, encoding="utf-8")
    Path("runs/moons/model.safetensors").write_bytes(b"\x08")
    assert cli("evaluate", "moons").code == 1


def test_run_info_survives(cli: Any) -> None:
    cli("train", "moons", *QUICK)
    folder = RunFolder(Path("runs/moons"))
    info = folder.read_info()
    folder.write_info(info)
    assert folder.read_info() == info
    assert info.classes == ("0", "1")
    assert load(folder.model).predict(np.zeros((1, 2))).shape == (1, 2)
