"""The size budgets of STYLE 13 hold, and their checker measures what it says."""

from __future__ import annotations

from pathlib import Path

import check_budgets
import pytest


def _problems(text: str) -> list[str]:
    return [str(fault) for fault in check_budgets.check_source(Path("a.py"), text)]


@pytest.mark.full
def test_project_keeps_its_budgets(root: Path) -> None:
    assert len(list(check_budgets.python_files(root))) > 1
    assert [str(fault) for fault in check_budgets.check(root)] == []


def test_long_file_needs_a_reason() -> None:
    body = "x = 1\n" * 400
    assert _problems(body) == []
    assert _problems(body + "x = 1\n") == [
        'a.py:1: 401 lines, at most 400; 600 with "Long because …" at the head'
    ]
    reason = "# Long because it is one table.\n"
    assert _problems(reason + body) == []
    assert _problems(reason + "x = 1\n" * 600) == ["a.py:1: 601 lines, at most 600"]
    assert len(_problems(body + reason)) == 1, "the reason stands at the head"


def test_function_of_41_statements() -> None:
    exact = "def f():\n" + '    """Doc."""\n' + "    x = 1\n" * 40
    assert _problems(exact) == []
    assert _problems(exact + "    return x\n") == ["a.py:1: f has 41 statements, at most 40"]
    inner = "def f():\n    def g():\n" + "        x = 1\n" * 40
    assert _problems(inner) == ["a.py:1: f has 41 statements, at most 40"]


def test_long_line() -> None:
    assert _problems("x = " + "1" * 96 + "\n") == []
    assert _problems("x = " + "1" * 97 + "\n") == ["a.py:1: 101 columns, at most 100"]
    assert _problems("x = " + "1" * 96 + "  # noqa: E501 - one number\n") == []


@pytest.mark.parametrize(
    "block", ["for i in x:", "while x:", "with x:", "if x:", "try:", "match x:"]
)
def test_fourth_level_of_nesting(block: str) -> None:
    lines = ["if x:", "    for i in x:", "        with x:"]
    inner = "                case 1: pass" if block == "match x:" else "                pass"
    tail = ["            finally: pass"] if block == "try:" else []
    text = "\n".join([*lines, f"            {block}", inner, *tail]) + "\n"
    assert _problems("\n".join([*lines, "            pass"]) + "\n") == []
    assert _problems(text) == ["a.py:4: nested 4 deep, at most 3"]


def test_elif_is_no_deeper_than_its_if() -> None:
    chain = "if x:\n    pass\n" + "elif x:\n    pass\n" * 6
    assert _problems(chain) == []
    assert _problems("if x:\n if x:\n  if x:\n   pass\n  else:\n   if x:\n    pass\n") == [
        "a.py:6: nested 4 deep, at most 3"
    ]


def test_a_function_starts_afresh() -> None:
    assert _problems("if x:\n if x:\n  if x:\n   def f():\n    if x:\n     pass\n") == []


def test_code_lines_leave_out_what_is_not_code() -> None:
    text = '"""Module\ndoc."""\n\nx = [  # why\n    # reason\n    1,\n]\n\n\nclass A:\n    "doc"\n'
    assert check_budgets.count_code(text) == len(["x = [", "1,", "]", "class A:"])


def test_heart_budget_is_measured(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    used = check_budgets.heart_lines(root)
    assert used > 0
    monkeypatch.setattr(check_budgets, "HEART_LINES", used - 1)
    problem = f"core + primitives + graph + autodiff hold {used} lines of code, at most {used - 1}"
    assert [fault.problem for fault in check_budgets.check_heart(root)] == [problem]
