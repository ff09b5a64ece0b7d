"""What the documentation says is so: code runs, links lead somewhere, commands exist."""

from __future__ import annotations

import doctest
import importlib
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from pages import blocks, run_page

import glassgrad
from glassgrad.core.primitive import REGISTRY

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = Path(glassgrad.__file__).parent
PAGES = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md"))]
TOOLS = ("check_budgets", "check_layers")


def _module_names() -> list[str]:
    names = []
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = [p for p in path.relative_to(PACKAGE).with_suffix("").parts if p != "__init__"]
        if parts != ["__main__"]:
            names.append(".".join(["glassgrad", *parts]))
    return names


def _name(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


@pytest.fixture
def registry() -> Iterator[None]:
    """Primitives that a page defines are forgotten afterwards."""
    before = dict(REGISTRY)
    yield
    REGISTRY.clear()
    REGISTRY.update(before)


# --- code --------------------------------------------------------------------------------


@pytest.mark.parametrize("module", [*_module_names(), *TOOLS])
def test_doctests(module: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    result = doctest.testmod(importlib.import_module(module), optionflags=doctest.ELLIPSIS)
    assert result.failed == 0


@pytest.mark.parametrize("page", [p for p in PAGES if blocks(p, "python")], ids=_name)
@pytest.mark.usefixtures("registry")
def test_python_blocks(page: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    run_page(page)


def test_readme_has_code_to_run() -> None:
    assert blocks(ROOT / "README.md", "python")
    assert blocks(ROOT / "CONTRIBUTING.md", "python")


def test_commands_exist() -> None:
    from click import Context

    from glassgrad.cli import main

    offered = main.program.list_commands(Context(main.program))
    used = {(_name(page), command) for page in PAGES for command in _commands(page)}
    assert used
    assert sorted((page, command) for page, command in used if command not in offered) == []


def _commands(page: Path) -> list[str]:
    """The subcommands of `glassgrad` that a page tells its reader to type."""
    code = [block.text for block in blocks(page, "sh", "powershell")]
    code += re.findall(r"`(glassgrad [^`]+)`", page.read_text(encoding="utf-8"))
    return re.findall(r"\bglassgrad ([a-z]+)", "\n".join(code))


# --- pages -------------------------------------------------------------------------------


@pytest.mark.parametrize("page", PAGES, ids=_name)
def test_links_lead_somewhere(page: Path) -> None:
    targets = re.findall(r"\]\(([^)#\s]+)", page.read_text(encoding="utf-8"))
    local = [target for target in targets if "://" not in target]
    assert [target for target in local if not (page.parent / target).exists()] == []


def test_picture_is_the_one_drawn_today() -> None:
    from glassgrad.canon import find

    example = find("cs231n.sigmoid_circuit")
    drawn = example.graph().svg(*example.inputs.values())
    assert (ROOT / "docs" / "pictures" / "sigmoid_circuit.svg").read_text("utf-8") == drawn


def test_decisions_are_listed() -> None:
    index = (ROOT / "docs" / "index.md").read_text(encoding="utf-8")
    records = sorted((ROOT / "docs" / "decisions").glob("*.md"))
    assert records
    assert [record.name for record in records if f"decisions/{record.name}" not in index] == []


TWINS = [
    "README",
    *(f"docs/{name}" for name in ("seeing", "grading", "deploying", "compiler", "data")),
    *(f"docs/{name}" for name in ("recurrent", "training")),
]


@pytest.mark.parametrize("name", TWINS)
def test_a_page_and_its_twin_show_the_same_code(name: str) -> None:
    def code(page: str) -> list[str]:
        found = blocks(ROOT / page, "python", "sh", "powershell")
        return [re.sub(r"\s*# .*$", "", block.text, flags=re.MULTILINE) for block in found]

    assert code(f"{name}.md") == code(f"{name}.ko.md") != []


def test_the_table_of_examples_and_its_twin_show_the_same_figures() -> None:
    def rows(page: str) -> list[tuple[list[str], list[str]]]:
        lines = (ROOT / "examples" / page).read_text(encoding="utf-8").splitlines()
        cells = [line.split(" | ") for line in lines if line.startswith("| ") and "`" in line]
        return [(row[1:3], sorted(re.findall(r"[\d.]*\d", " ".join(row[3:])))) for row in cells]

    assert rows("README.md") == rows("README.ko.md") != []


# --- the tester tested -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "fault"),
    [
        ("print(1 + 1)  # 3", r"the page says \['3'\], it prints \['2'\]"),
        ("print('a\\nb 1')\n# a\n# b 2", r"it prints \['a', 'b 1'\]"),
        ("assert 1 > 2, 'no'", "no"),
    ],
)
def test_planted_fault_is_found(tmp_path: Path, code: str, fault: str) -> None:
    page = tmp_path / "page.md"
    page.write_text(f"Text.\n\n```python\n{code}\n```\n", encoding="utf-8")
    with pytest.raises(AssertionError, match=fault):
        run_page(page)


def test_right_page_passes(tmp_path: Path) -> None:
    code = "x = 2  # two\nprint(x)  # 2\nprint('값', 1)  # 값 1\nprint(x)  # as before\n"
    page = tmp_path / "page.md"
    page.write_text(f"```python\n{code}```\n\n```python\nassert x == 2\n```\n", encoding="utf-8")
    run_page(page)
