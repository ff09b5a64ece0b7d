"""The program itself: pages, languages, encodings, exit codes."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from typing import Any

import pytest
from click import Context

from glassgrad.cli import train as train_module
from glassgrad.cli.main import COMMANDS, program, run
from glassgrad.text import speaking


def test_every_command_has_a_page_with_examples(cli: Any) -> None:
    for name in COMMANDS:
        result = cli(name, "--help")
        assert result.code == 0
        assert f"Usage: glassgrad {name}" in result.out
        assert f"\nExamples:\n  glassgrad {name}" in result.out
        assert result.err == ""


def test_pages_are_korean_where_that_is_asked_for(cli: Any) -> None:
    for words in (("--lang", "ko", "train", "-h"), ("train", "--help", "--lang=ko")):
        result = cli(*words)
        assert result.code == 0
        assert "사용법: glassgrad train" in result.out
        assert "은닉층의 크기" in result.out
        assert "Usage" not in result.out


@pytest.mark.parametrize("name", [*COMMANDS, ""])
def test_no_english_sentence_is_left_in_a_korean_page(cli: Any, name: str) -> None:
    page = cli("--lang", "ko", *filter(None, [name]), "--help").out
    for line in page.splitlines():
        is_command = line.startswith("  glassgrad ")
        assert is_command or not re.search(r"(?<![\w-])[a-z]{3,} [a-z]{3,} [a-z]{3,}", line), line


def test_lines_of_a_page_fit(cli: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    for line in cli("train", "--help").out.splitlines():
        is_example = line.startswith("  glassgrad ")
        assert is_example or len(line) <= 80, line


def test_language_of_the_environment(cli: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GLASSGRAD_LANG", "ko")
    assert "명령:" in cli("--help").out
    assert "Commands:" in cli("--help", "--lang", "en").out


def test_wrong_usage_is_2(cli: Any) -> None:
    for words, problem in [
        (("trian",), "unknown command 'trian'"),
        (("train",), "is missing"),
        (("train", "xor", "--lr"), "--lr needs a value"),
        (("train", "xor", "--lerning-rate", "1"), "unknown option '--lerning-rate'"),
        (("train", "xor", "spam"), "unexpected argument 'spam'"),
        (("--lang", "fr", "doctor"), "unknown language 'fr'"),
        (("canon", "--precision", "x"), "--precision: 'x' is not an integer"),
    ]:
        result = cli(*words)
        assert (result.code, result.out) == (2, ""), words
        assert problem in result.err
        assert "Traceback" not in result.err


def test_nearest_names_are_offered(cli: Any) -> None:
    assert "did you mean `train`?" in cli("trian").err
    assert "did you mean `--layers`" in cli("train", "xor", "--layer", "3").err
    assert "did you mean `digits`?" in cli("train", "digts").err


def test_without_a_command_the_page_is_shown_as_wrong_usage(cli: Any) -> None:
    result = cli()
    assert result.code == 2
    assert "Commands:" in result.err


def test_version(cli: Any) -> None:
    assert cli("--version").out.startswith("glassgrad")


def test_interruption_is_1(cli: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(**_: Any) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr(train_module.train, "callback", interrupt)
    result = cli("train", "xor")
    assert result.code == 1
    assert "interrupted" in result.err


def test_a_full_disk_is_named(cli: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(**_: Any) -> int:
        raise OSError(28, "No space left on device", "history.csv")

    monkeypatch.setattr(train_module.train, "callback", fail)
    result = cli("train", "xor")
    assert result.code == 1
    expected = "FileAccessError: history.csv cannot be read or written: No space left on device"
    assert result.err.strip() == expected


def test_help_of_the_group_needs_no_network() -> None:
    code = (
        "import sys; from glassgrad.cli.main import run; run(['--help']); "
        "print([m for m in sys.modules if m.startswith('glassgrad.nn')], file=sys.stderr)"
    )
    found = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert found.stderr.strip() == "[]"


# --- encodings ---------------------------------------------------------------------------


def _piped(encoding: str, *words: str) -> subprocess.CompletedProcess[bytes]:
    environment = {**os.environ, "PYTHONIOENCODING": encoding}
    command = [sys.executable, "-m", "glassgrad", *words]
    return subprocess.run(command, env=environment, capture_output=True, check=False, timeout=120)


def test_cp949_takes_korean() -> None:
    result = _piped("cp949", "train", "--help", "--lang", "ko")
    assert result.returncode == 0
    assert "은닉층의 크기" in result.stdout.decode("cp949")


@pytest.mark.parametrize("language", ["en", "ko"])
def test_ascii_takes_everything(language: str) -> None:
    result = _piped("ascii", "train", "--help", "--lang", language)
    assert result.returncode == 0
    text = result.stdout.decode("ascii")
    assert "Usage: glassgrad train" in text
    assert "gelu ..." in text
    assert "?" not in text


def test_errors_in_cp949() -> None:
    result = _piped("cp949", "train", "digts", "--lang", "ko")
    assert result.returncode == 2
    assert "digits" in result.stderr.decode("cp949")


def test_a_closed_pipe_is_no_traceback() -> None:
    shell = f"{sys.executable} -m glassgrad train --help | head -1"
    result = subprocess.run(
        shell, shell=True, capture_output=True, text=True, timeout=60, check=False
    )
    assert "Traceback" not in result.stderr


def test_run_leaves_the_language_alone() -> None:
    with speaking("ko"):
        run(["--lang", "en", "--version"])
        assert "사용법" in program.get_help(Context(program, info_name="glassgrad"))
