"""What every test stands on: language, settings, the shared folder, `--full`, no network.

Tests mirror `src/`. A test marked `full` runs only with `--full`, which CI gives. A test that
needs files of the shared folder beside the checkout asks for a fixture (`shared`, `shared_data`)
or is marked `@pytest.mark.shared("data/tabular/iris.csv")`; without the files it is skipped with a
reason, and the last lines of the run say how many such tests ran.
"""

from __future__ import annotations

import filecmp
import os
import signal
import socket
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

# Before glassgrad is imported anywhere, child processes included.
os.environ["GLASSGRAD_LANG"] = "en"
os.environ.pop("GLASSGRAD_DATA", None)
os.environ.pop("GLASSGRAD_BLAS", None)
os.environ.pop("GLASSGRAD_CPU", None)
os.environ.pop("GLASSGRAD_DEBUG", None)
os.environ.pop("GLASSGRAD_NUM_THREADS", None)
# Compiled code stays in the checkout; its names tell all that it was made from.
os.environ["GLASSGRAD_CACHE"] = str(Path(__file__).resolve().parent.parent / ".pytest_cache")

import hypothesis
import pytest

import glassgrad
from glassgrad.config import config as settings

INSTALLED = Path(glassgrad.__file__).parent
ROOT = Path(__file__).resolve().parent.parent
SHARED = ROOT.parent / "shared"
_SHARED_FIXTURES = {"shared", "shared_data"}
_ON_SHARED = "on ../shared"  # what a report of such a test says
_open = ExitStack()


# --- options -----------------------------------------------------------------------------


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--backend",
        choices=("auto", "native", "numpy"),
        help='what the back end "auto" means; by default it is NumPy where a test is not about '
        "native code, because compiling takes most of the time",
    )
    parser.addoption("--full", action="store_true", help="run the long tests too, as CI does")


def pytest_configure(config: pytest.Config) -> None:
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        # Begun in the background, where Ctrl-C is ignored; tests of Ctrl-C would wait for ever.
        signal.signal(signal.SIGINT, signal.default_int_handler)
    _refuse_stale_install()
    _open.enter_context(settings.using(verify=True))
    full = config.getoption("--full")
    hypothesis.settings.register_profile(
        "glassgrad",
        derandomize=True,  # the same examples on every machine and every run
        database=None,
        deadline=None,  # a timed assertion fails on a busy machine
        max_examples=200 if full else 25,
        suppress_health_check=[hypothesis.HealthCheck.too_slow],
    )
    hypothesis.settings.load_profile("glassgrad")


def pytest_unconfigure() -> None:
    _open.close()


def pytest_report_header() -> str:
    return f"glassgrad: {INSTALLED}"


def _refuse_stale_install() -> None:
    """Testing an old installed copy beside edited sources would prove nothing."""
    source = ROOT / "src" / "glassgrad"
    if source.resolve() == INSTALLED.resolve():
        return
    names = [str(path.relative_to(source)) for path in source.rglob("*.py")]
    _, differing, missing = filecmp.cmpfiles(source, INSTALLED, names, shallow=False)
    if differing or missing:
        raise pytest.UsageError(
            f"the installed glassgrad differs from src/ in {(differing + missing)[0]}: "
            "install it again (pip install .), or once and for all with pip install -e ."
        )


# Tests about native code, by a word of their file's or folder's name.
_NATIVE = ("native", "backend.py", "bench", "jit", "doctor", "compiler")

# --- which tests run ---------------------------------------------------------------------


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    for item in items:
        if _uses_shared(item):
            item.user_properties.append((_ON_SHARED, True))
        reason = _missing_files(item)
        if reason:
            item.add_marker(pytest.mark.skip(reason=reason))
    if config.getoption("--full"):
        return
    long = [item for item in items if item.get_closest_marker("full")]
    if long:
        items[:] = [item for item in items if not item.get_closest_marker("full")]
        config.hook.pytest_deselected(items=long)


def _missing_files(item: pytest.Item) -> str:
    """Why a test cannot run without the shared folder; empty if it can."""
    if not _uses_shared(item):
        return ""
    wanted = [name for mark in item.iter_markers("shared") for name in mark.args]
    for path in [SHARED, *(SHARED / name for name in wanted)]:
        if not path.exists():
            return f"needs ../shared: {path.relative_to(SHARED.parent)} is not there"
    return ""


def _uses_shared(item: pytest.Item) -> bool:
    fixtures = set(getattr(item, "fixturenames", ()))
    return bool(fixtures & _SHARED_FIXTURES) or item.get_closest_marker("shared") is not None


class _SharedCount:
    """How many tests on shared files ran, and how many were skipped, in all processes."""

    ran = 0
    skipped = 0


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    if (_ON_SHARED, True) not in report.user_properties:
        return
    if report.skipped:
        _SharedCount.skipped += 1
    elif report.when == "call":
        _SharedCount.ran += 1


def pytest_terminal_summary(terminalreporter: Any) -> None:
    if _SharedCount.ran or _SharedCount.skipped:
        counts = f"{_SharedCount.ran} ran, {_SharedCount.skipped} skipped"
        terminalreporter.write_line(f"tests on ../shared: {counts}")


# --- fixtures ----------------------------------------------------------------------------


@pytest.fixture(scope="session")
def root() -> Path:
    """The checkout."""
    return ROOT


@pytest.fixture(scope="session")
def shared() -> Path:
    """The shared folder beside the checkout; the test is skipped where there is none."""
    return SHARED


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The real data sets; the test is skipped where there are none."""
    return SHARED / "data"


@pytest.fixture(autouse=True, scope="module")
def _backend(request: pytest.FixtureRequest) -> Iterator[None]:
    """What "auto" means in this file: for its fixtures and for processes that it starts too."""
    chosen = request.config.getoption("--backend")
    if chosen is None:
        is_native = any(word in part for word in _NATIVE for part in request.path.parts[-3:])
        chosen = "auto" if is_native else "numpy"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GLASSGRAD_BACKEND", chosen)
        yield


@pytest.fixture(autouse=True, scope="session")
def _no_network() -> Iterator[None]:
    """Nothing is downloaded in tests: only this machine can be reached."""
    connect = socket.socket.connect

    def refuse(self: socket.socket, address: Any) -> None:
        host = address[0] if isinstance(address, tuple) else ""
        if host not in ("", "127.0.0.1", "::1", "localhost"):
            raise OSError(f"a test reached for the network: {address}")
        connect(self, address)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket.socket, "connect", refuse)
        yield
