"""Writes the golden explanations anew: `python tests/view/renew_explain.py`; review the diff."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from view.canon_circuits import CIRCUITS
from view.test_explain import GOLDEN, explained

from glassgrad.text import speaking


def main() -> None:
    """One text a circuit and language."""
    GOLDEN.mkdir(exist_ok=True)
    for name in CIRCUITS:
        for language in ("en", "ko"):
            with speaking(language):
                text = str(explained(name))
            (GOLDEN / f"{name}.{language}.txt").write_text(f"{text}\n", encoding="utf-8")


if __name__ == "__main__":
    main()
