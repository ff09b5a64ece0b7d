"""What errors say, in both languages, reviewed as a diff.

After a message was changed on purpose:

    GLASSGRAD_UPDATE_GOLDEN=1 pytest tests/golden/test_errors.py
"""

from __future__ import annotations

import os
import re
import warnings
from pathlib import Path

import pytest
from golden.faults import FAULTS

from glassgrad.errors import GlassgradError
from glassgrad.text import speaking

HERE = Path(__file__).parent
_PLACE = re.compile(r"[\w.]+\.py:\d+")


def said(name: str) -> str:
    """The error of one faulty call, with `<place>` for every file and line."""
    with warnings.catch_warnings(), pytest.raises(GlassgradError) as caught:
        warnings.simplefilter("ignore")
        FAULTS[name]()
    error = caught.value
    text = f"{type(error).__name__}: {error}"
    lines = [re.sub(r" {3,}", "   ", line) for line in _PLACE.sub("<place>", text).splitlines()]
    return "\n".join(lines)


def everything_said(language: str) -> str:
    with speaking(language):
        return "".join(f"=== {name}\n{said(name)}\n\n" for name in FAULTS)


@pytest.mark.parametrize("language", ["en", "ko"])
def test_messages_are_as_reviewed(language: str) -> None:
    path = HERE / f"errors_{language}.txt"
    found = everything_said(language)
    if os.environ.get("GLASSGRAD_UPDATE_GOLDEN"):
        path.write_text(found, encoding="utf-8", newline="\n")
    expected = path.read_text(encoding="utf-8")
    assert found.split("=== ") == expected.split("=== ")


def test_there_are_enough_of_them() -> None:
    assert len(FAULTS) >= 50


def test_korean_messages_hold_no_english_sentence() -> None:
    """Names, code and dtypes stay; two lower-case words in a row are a sentence left behind."""
    code = re.compile(r"`[^`]*`|\S*[_.()=\[\]<>/:]\S*|rule .*")
    with speaking("ko"):
        for name in FAULTS:
            problem = said(name).splitlines()[0]
            left = re.findall(r"\b[a-z]{2,} [a-z]{2,}\b", code.sub(" ", problem))
            assert left == [], f"{name}: {problem}"
