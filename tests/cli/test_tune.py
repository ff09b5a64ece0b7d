"""`glassgrad tune`: the file of a search, its study, going on with it, and what it refuses."""

from __future__ import annotations

import builtins
from pathlib import Path
from typing import Any

import pytest

from glassgrad.cli.config_file import read_config
from glassgrad.cli.search_space import Choice, Range, read_plan
from glassgrad.errors import FileFormatError, OptionError

SEARCH = """
dataset = "blobs"
epochs = 4

[tune]
trials = 3

[search]
lr = { low = 1e-3, high = 1e-1, log = true }
layers = [[4], [8, 4]]
batch-size = { low = 16, high = 64, step = 16 }
"""


def _write(folder: Path, text: str, name: str = "blobs.toml") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def test_the_file_is_read(tmp_path: Path) -> None:
    plan = read_plan(_write(tmp_path, SEARCH))
    assert plan.trials == 3
    assert plan.fixed.dataset == "blobs"
    lr, layers, size = plan.space
    assert lr == Range("lr", 1e-3, 1e-1, log=True)
    assert layers == Choice("layers", ([4], [8, 4]))
    assert isinstance(size, Range)
    assert size.is_whole
    found = plan.settings({"lr": 0.01, "layers": "[8, 4]", "batch-size": 32})
    assert (found.lr, found.layers, found.batch_size, found.epochs) == (0.01, (8, 4), 32, 4)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('dataset = "blobs"', r"there is no table \[search\]"),
        ("[search]\nlr = [0.1]", "the key dataset is missing"),
        ('dataset = "blobs"\n[search]\nrate = [0.1]', "unknown key 'rate'"),
        ('dataset = "blobs"\n[search]\nlr = [-1]', r"search\.lr: -1.* is outside"),
        ('dataset = "blobs"\n[search]\nlr = []', "is nothing to search"),
        ('dataset = "blobs"\n[search]\nlr = {low = 1}', "needs the numbers low and high"),
        ('dataset = "blobs"\n[search]\nlr = {low = 1, high = 0.5}', r"the range 1 … 0\.5"),
        ('dataset = "blobs"\n[search]\nlr = {low = 1, high = 2, base = 3}', "unknown key 'base'"),
        (
            'dataset = "blobs"\n[search]\nlr = {low = 1, high = 2, log = true, step = 0.1}',
            "a range by ratios has no step",
        ),
        ('dataset = "blobs"\n[search]\nlr = [1979-05-27]', "is not a number"),
        ('dataset = "blobs"\n[search]\nlr = {low = 0.1, high = 2.0, step = 0}', "step is "),
        ('dataset = "blobs"\n[search]\nlr = {low = 0.1, high = 2.0, step = -1}', "step is "),
        ('dataset = "blobs"\n[search]\nlr = {low = 0.1, high = 2.0, step = nan}', "step is "),
        ('dataset = "blobs"\n[search]\nlr = {low = 0.1, high = 2.0, step = "x"}', "step is "),
        ('dataset = "blobs"\n[search]\nlr = {low = 0.1, high = 2.0, step = true}', "step is "),
        ('dataset = "blobs"\n[search]\nlr = {low = 0.1, high = 2.0, step = 5.0}', "step is "),
        (
            'dataset = "blobs"\n[search]\nbatch-size = {low = 8, high = 32, step = 0.5}',
            "step is 0.5",
        ),
        (
            'dataset = "blobs"\n[search]\nbatch-size = [8]\nbatch_size = [9]',
            "searched for twice",
        ),
        ('dataset = "blobs"\nepochs = 2\n[search]\nsteps = [3]', "epochs and steps are both given"),
        ('dataset = "blobs"\nlr = 0.1\n[search]\nlr = [0.1]', "lr is fixed and searched for"),
        ('dataset = "blobs"\n[tune]\ntrial = 3\n[search]\nlr = [1]', "unknown key 'trial'"),
        ('dataset = "blobs"\n[tune]\ntrials = 0\n[search]\nlr = [1]', "0 is outside"),
    ],
)
def test_bad_files(text: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(OptionError, match=message):
        read_plan(_write(tmp_path, text))
    with pytest.raises(FileFormatError, match="not valid TOML"):
        read_plan(_write(tmp_path, "[search"))


def test_without_optuna(cli: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _write(tmp_path, SEARCH)
    real = builtins.__import__

    def no_optuna(name: str, *rest: Any, **more: Any) -> Any:
        if name == "optuna":
            raise ImportError(name)
        return real(name, *rest, **more)

    monkeypatch.setattr(builtins, "__import__", no_optuna)
    result = cli("tune", "blobs.toml")
    assert result.code == 1
    assert "glassgrad[tune]" in result.err


def test_help_in_both_languages(cli: Any) -> None:
    assert "Search for settings" in cli("tune", "--help").out
    assert "Optuna로 학습 설정을 찾습니다" in cli("--lang", "ko", "tune", "--help").out


def test_a_search_goes_on_with_its_study(cli: Any, tmp_path: Path) -> None:
    pytest.importorskip("optuna")
    _write(tmp_path, SEARCH)
    first = cli("tune", "blobs.toml", "--json", "--quiet")
    assert first.code == 0, first.err
    assert len(first.json["trials"]) == 3
    assert (tmp_path / "blobs.study").is_file()
    again = cli("tune", "blobs.toml", "--json", "--trials", "5")
    assert again.code == 0, again.err
    trials = again.json["trials"]
    assert [t["number"] for t in trials] == [1, 2, 3, 4, 5]
    assert trials[:3] == first.json["trials"]
    best = max((t for t in trials if t["state"] == "complete"), key=lambda t: t["score"])
    assert again.json["best"]["score"] == best["score"]
    assert "trial 5 of 5" in again.err
    settings = read_config(tmp_path / "blobs.best.toml")
    assert settings.lr == best["values"]["lr"]
    assert settings.validation == 0.2
    trained = cli("train", "blobs.best.toml", "--json", "--quiet")
    assert trained.code == 0, trained.err
    assert "more trials" not in again.out


@pytest.mark.full  # databases take long
def test_a_database_another_metric_and_another_search(cli: Any, tmp_path: Path) -> None:
    pytest.importorskip("optuna")
    text = SEARCH.replace("trials = 3", 'trials = 2\nmetric = "val_loss"\nstudy = "blobs.db"')
    _write(tmp_path, text)
    result = cli("tune", "blobs.toml", "--no-pruning", "--best", "other.toml")
    assert result.code == 0, result.err
    assert (tmp_path / "blobs.db").read_bytes().startswith(b"SQLite format 3")
    assert "best val_loss" in result.out
    assert (tmp_path / "other.toml").is_file()
    _write(tmp_path, text.replace("1e-1", "1.0"))
    refused = cli("tune", "blobs.toml")
    assert refused.code == 2
    assert "is of another search" in refused.err


@pytest.mark.parametrize("content", [b"no study\n", b'{"a": 1}\n', b"\xff\xfe\0"])
def test_a_file_that_is_no_study(cli: Any, tmp_path: Path, content: bytes) -> None:
    pytest.importorskip("optuna")
    _write(tmp_path, SEARCH)
    (tmp_path / "blobs.study").write_bytes(content)
    result = cli("tune", "blobs.toml")
    assert result.code == 1
    assert "blobs.study: it holds no study" in result.err
    assert (tmp_path / "blobs.study").read_bytes().startswith(content)


def test_what_it_refuses(cli: Any, tmp_path: Path) -> None:
    pytest.importorskip("optuna")
    assert "there is no file none.toml" in cli("tune", "none.toml").err
    _write(tmp_path, SEARCH.replace("trials = 3", 'metric = "val_r2"'))
    assert "unknown column 'val_r2'" in cli("tune", "blobs.toml").err
    _write(tmp_path, SEARCH.replace("epochs = 4", "epochs = 4\nfolds = 3"))
    assert "not by folds" in cli("tune", "blobs.toml").err
