"""Settings: one table for flags and config.toml, closed, typed, written as it is read."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from glassgrad.cli.config_file import read_config, toml_value, write_config
from glassgrad.cli.defaults import _BY_NAME, defaults_for
from glassgrad.cli.settings import KEYS, Settings, parse_goal, parse_spec, read_settings
from glassgrad.data import DATASETS, load_dataset
from glassgrad.errors import FileFormatError, OptionError


def _read(**values: Any) -> Settings:
    return read_settings(values, lambda key: f"--{key}")


def test_the_table_has_every_field() -> None:
    assert {key.field for key in KEYS.values()} == {field.name for field in fields(Settings)}


@pytest.mark.parametrize(
    ("key", "raw", "value"),
    [
        ("layers", "32,16", (32, 16)),
        ("layers", "none", ()),
        ("layers", [], ()),
        ("layers", [8], (8,)),
        ("drop", "Name, Ticket", ("Name", "Ticket")),
        ("drop", ["a", 3], ("a", "3")),
        ("target", -1, "-1"),
        ("lr", "1e-3", 1e-3),
        ("epochs", "7", 7),
        ("batch_size", "full", "full"),
        ("init", "uniform:low=-1,high=1", "uniform:low=-1,high=1"),
        ("until", "loss=0.01", "loss=0.01"),
        ("biases", False, False),
    ],
)
def test_values(key: str, raw: Any, value: Any) -> None:
    assert getattr(_read(**{key: raw}), key) == value


@pytest.mark.parametrize(
    ("key", "raw", "problem"),
    [
        ("layers", "32,x", "'x' is not an integer"),
        ("layers", "0", "0 is outside"),
        ("lr", "-1", "-1 is outside"),
        ("lr", "nan", "'nan' is not a number"),
        ("lr", True, "True is not a number"),
        ("epochs", 1.5, "1.5 is not an integer"),
        ("epochs", True, "True is not an integer"),
        ("batch_size", "0", "0 is outside"),
        ("seed", "-1", "-1 is outside"),
        ("folds", "1", "1 is outside"),
        ("validation", "1", "1 is outside"),
        ("dropout", "1", "1 is outside"),
        ("activation", "rellu", "unknown activation 'rellu'"),
        ("optimizer", "adm", "unknown optimizer 'adm'"),
        ("init", "normal:std", "'std' is not an option"),
        ("until", "loss", "'loss' is not a goal"),
        ("missing", "ignore", "unknown way with missing values 'ignore'"),
        ("biases", "yes", "'yes' is neither true nor false"),
        ("target", "", "'' is not a text"),
        ("batchsize", 3, "unknown key 'batchsize'"),
    ],
)
def test_what_does_not_fit_is_refused_by_place(key: str, raw: Any, problem: str) -> None:
    with pytest.raises(OptionError) as caught:
        _read(**{key: raw})
    assert str(caught.value).startswith(f"--{key}: {problem}")


def test_specs_and_goals() -> None:
    assert parse_spec("normal:std=0.01") == ("normal", {"std": 0.01})
    assert parse_spec("adam") == ("adam", {})
    assert parse_goal("val_accuracy=.9") == ("val_accuracy", 0.9)


def test_epochs_and_steps_exclude_each_other() -> None:
    with pytest.raises(OptionError, match="both given"):
        _read(epochs=1, steps=2)
    assert Settings(steps=5).over(Settings(epochs=9, lr=0.1)) == Settings(steps=5, lr=0.1)


# --- config.toml -------------------------------------------------------------------------


def test_config_is_read_as_it_was_written(tmp_path: Path) -> None:
    settings = _read(
        dataset="digits", layers="32,16", drop='a"b,c\\d', lr="1e-05", biases=False, until="loss=1"
    )
    write_config(tmp_path / "config.toml", settings)
    assert read_config(tmp_path / "config.toml") == settings


@given(st.text(st.characters(codec="utf-8"), min_size=1))
def test_any_text_survives_toml(value: str) -> None:
    import tomllib

    assert tomllib.loads(f"x = {toml_value(value)}")["x"] == value


def test_a_data_file_is_looked_up_beside_its_config(tmp_path: Path) -> None:
    (tmp_path / "rows.csv").write_text("a,b\n1,2\n", encoding="utf-8")
    (tmp_path / "c.toml").write_text('dataset = "rows.csv"\ntarget = -1\n', encoding="utf-8")
    settings = read_config(tmp_path / "c.toml")
    assert settings.dataset == str((tmp_path / "rows.csv").resolve())
    assert settings.target == "-1"


def test_unknown_keys_and_broken_files_are_named(tmp_path: Path) -> None:
    path = tmp_path / "c.toml"
    path.write_text("lerning-rate = 1\n", encoding="utf-8")
    with pytest.raises(OptionError, match="unknown key 'lerning-rate'"):
        read_config(path)
    path.write_text("lr = = 1\n", encoding="utf-8")
    with pytest.raises(FileFormatError, match="not valid TOML"):
        read_config(path)
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(FileFormatError, match="not valid TOML"):
        read_config(path)


# --- defaults ----------------------------------------------------------------------------


def test_every_data_set_has_defaults() -> None:
    assert set(_BY_NAME) == set(DATASETS)


def test_a_line_search_has_defaults_of_its_own() -> None:
    chosen = Settings(dataset="digits", optimizer="lbfgs:history=5")
    full = chosen.over(defaults_for(chosen, "digits", load_dataset("digits")))
    assert (full.lr, full.batch_size, full.weight_decay, full.dropout) == (1.0, "full", 0.0, 0.0)


@pytest.mark.parametrize(
    ("optimizer", "decay"), [(None, 0.01), ("adamw:beta1=0.8", 0.01), ("adam", 0.0), ("sgd", 0.0)]
)
def test_a_decay_is_for_its_own_optimiser(optimizer: str | None, decay: float) -> None:
    chosen = Settings(dataset="digits", optimizer=optimizer)
    full = chosen.over(defaults_for(chosen, "digits", load_dataset("digits")))
    assert full.weight_decay == decay


def test_defaults_leave_what_was_chosen() -> None:
    dataset = load_dataset("moons")
    chosen = Settings(dataset="moons", lr=0.5, steps=3)
    full = chosen.over(defaults_for(chosen, "moons", dataset))
    assert (full.lr, full.steps, full.epochs) == (0.5, 3, None)
    assert full.loss == "cross_entropy"


def test_canon_is_for_the_books_data() -> None:
    with pytest.raises(OptionError, match="--canon has no settings for moons"):
        defaults_for(Settings(canon=True), "moons", load_dataset("moons"))
