"""Workers run a function together, meet at barriers, sleep when idle, and survive what happens."""

from __future__ import annotations

import ctypes
import os
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from backends.native.native_texts import ADD, needs_llvm, run_python

from glassgrad.backends.native import cpus, waiting
from glassgrad.backends.native.engine import Code, compile_text
from glassgrad.backends.native.pool import POOL, Pool, aligned_block, barrier_block, default_workers
from glassgrad.errors import GlassgradWarning, OptionError

pytestmark = needs_llvm
forks = pytest.mark.skipif(not hasattr(os, "fork"), reason="processes are not forked here")

# context: barrier, rounds, then a number a worker (on lines of its own), then a count of faults.
# Each round every worker sets its number to the round, meets the others, looks at its neighbour's,
# and meets them again.
ROUNDS = """\
define void @rounds(ptr %context, i64 %worker, i64 %workers) {
entry:
  %barrier = load ptr, ptr %context
  %rounds.at = getelementptr i8, ptr %context, i64 8
  %rounds = load i64, ptr %rounds.at
  %numbers = getelementptr i8, ptr %context, i64 64
  %mine = mul i64 %worker, 64
  %mine.at = getelementptr i8, ptr %numbers, i64 %mine
  %next.worker = add i64 %worker, 1
  %neighbour = urem i64 %next.worker, %workers
  %other = mul i64 %neighbour, 64
  %other.at = getelementptr i8, ptr %numbers, i64 %other
  %faults.at = getelementptr i8, ptr %context, i64 16
  br label %loop
loop:
  %round = phi i64 [ 0, %entry ], [ %next, %loop ]
  %next = add i64 %round, 1
  store i64 %next, ptr %mine.at
  call void @gg_barrier(ptr %barrier, i64 %workers)
  %seen = load i64, ptr %other.at
  %wrong = icmp ne i64 %seen, %next
  %one = zext i1 %wrong to i64
  %old = atomicrmw add ptr %faults.at, i64 %one monotonic
  call void @gg_barrier(ptr %barrier, i64 %workers)
  %more = icmp slt i64 %next, %rounds
  br i1 %more, label %loop, label %done
done:
  ret void
}
"""


# Works until the number at `context` is no longer 0.
HOLD = """\
define void @hold(ptr %context, i64 %worker, i64 %workers) {
entry:
  br label %loop
loop:
  %flag = load volatile i64, ptr %context
  %go.on = icmp eq i64 %flag, 0
  br i1 %go.on, label %loop, label %done
done:
  ret void
}
"""


@pytest.fixture(scope="module")
def add() -> Code:
    return compile_text(ADD, ("add",))


def _meet(pool: Pool, workers: int, rounds: int, *, futex: bool | None = None) -> np.ndarray:
    """Run `@rounds`; gives [faults, the number of each worker]."""
    text = waiting.BARRIER_TEXT if futex is None else waiting.barrier_text(futex=futex)
    code = compile_text(text + ROUNDS, ("rounds",))
    barrier = barrier_block()
    if futex is False:
        sleep = ctypes.CDLL(None).usleep
        barrier[:8].view(np.uint64)[0] = ctypes.cast(sleep, ctypes.c_void_p).value
    context = aligned_block(64 + 64 * workers)
    context[:16].view(np.int64)[:] = barrier.ctypes.data, rounds
    used = pool.run(code.address("rounds"), context.ctypes.data, workers)
    assert used == workers
    numbers = context[64:].view(np.int64)[::8]
    return np.append(context[16:24].view(np.int64), numbers)


# --- running -----------------------------------------------------------------------------


@pytest.mark.parametrize("workers", [1, 2, 3, 7, 2])
def test_each_worker_runs_once(add: Code, workers: int) -> None:
    counts = np.zeros(8, np.int64)
    for _ in range(50):
        assert POOL.run(add.address("add"), counts.ctypes.data, workers) == workers
    assert counts.tolist() == [50 * workers] * workers + [0] * (8 - workers)


@pytest.mark.parametrize(("workers", "rounds"), [(1, 50), (2, 5000), (5, 100)])
def test_nobody_passes_a_barrier_early(workers: int, rounds: int) -> None:
    assert _meet(POOL, workers, rounds).tolist() == [0] + [rounds] * workers


def test_one_barrier_serves_one_job_after_another() -> None:
    for workers in (2, 3, 1, 2):
        assert _meet(POOL, workers, 20)[0] == 0


@pytest.mark.skipif(sys.platform == "win32", reason="`usleep` is POSIX's")
def test_without_a_futex() -> None:
    """What runs where threads cannot sleep on a word of memory."""
    assert _meet(Pool(futex=False), 3, 20, futex=False).tolist() == [0, 20, 20, 20]


def test_barrier_is_needed_and_checked() -> None:
    """Without the barrier the test above would fail."""
    text = waiting.BARRIER_TEXT + ROUNDS.replace("  call void @gg_barrier(", "  ; (")
    code = compile_text(text, ("rounds",))
    faults = 0
    for _ in range(5):
        context = aligned_block(64 + 64 * 2)
        context[:16].view(np.int64)[:] = 0, 2000
        POOL.run(code.address("rounds"), context.ctypes.data, 2)
        faults += int(context[16:24].view(np.int64)[0])
    assert faults > 0


def test_several_python_threads_at_once(add: Code) -> None:
    """Who finds the workers taken runs alone; nobody's job is lost or run twice."""
    totals: list[bool] = []

    def work() -> None:
        good = True
        for _ in range(300):
            counts = np.zeros(4, np.int64)
            used = POOL.run(add.address("add"), counts.ctypes.data, 4)
            good &= counts.tolist() == ([4] * 4 if used == 4 else [1, 0, 0, 0])
        totals.append(good)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert totals == [True] * 4


def test_a_job_inside_a_job_runs_alone(add: Code) -> None:
    counts = np.zeros(8, np.int64)
    used: list[int] = []

    @ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_int64, ctypes.c_int64)
    def outer(context: int, worker: int, workers: int) -> None:
        if worker == 0:
            used.append(POOL.run(add.address("add"), counts.ctypes.data, 2))

    address = ctypes.cast(outer, ctypes.c_void_p).value
    assert address
    assert POOL.run(address, 0, 2) == 2
    assert used == [1]
    assert counts[:2].tolist() == [1, 0]


def test_interpreter_runs_on_meanwhile() -> None:
    """The caller lets other Python threads run while the job works."""
    ran = threading.Event()

    @ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_int64, ctypes.c_int64)
    def wait(context: int, worker: int, workers: int) -> None:
        assert ran.wait(10)

    threading.Timer(0.01, ran.set).start()
    address = ctypes.cast(wait, ctypes.c_void_p).value
    assert address
    POOL.run(address, 0, 2)
    assert ran.is_set()


# --- idleness and ends -------------------------------------------------------------------


def test_idle_workers_sleep(add: Code) -> None:
    counts = np.zeros(8, np.int64)
    POOL.run(add.address("add"), counts.ctypes.data, 4)
    time.sleep(0.02)
    before = time.process_time()
    time.sleep(0.3)
    assert time.process_time() - before < 0.1, "one spinning thread alone would use 0.3"


def test_workers_are_few_where_threads_are(add: Code, monkeypatch: pytest.MonkeyPatch) -> None:
    pool = Pool()
    real = threading.Thread.start
    started: list[threading.Thread] = []

    def start(thread: threading.Thread) -> None:
        if len(started) == 2:
            raise RuntimeError("can't start new thread")
        started.append(thread)
        real(thread)

    monkeypatch.setattr(threading.Thread, "start", start)
    counts = np.zeros(8, np.int64)
    with pytest.warns(GlassgradWarning, match="only 3 threads work: can't start new thread"):
        assert pool.run(add.address("add"), counts.ctypes.data, 5) == 3
    assert pool.run(add.address("add"), counts.ctypes.data, 5) == 3, "and it is said once"
    assert counts[:4].tolist() == [6, 6, 6, 0]


PROGRAM = f"""
import ctypes, os, signal, sys, threading, time, warnings
import numpy as np
from glassgrad.backends.native.engine import compile_text
from glassgrad.backends.native.pool import POOL
code = compile_text({ADD!r}, ("add",))
def works(workers=2):
    counts = np.zeros(4, np.int64)
    used = POOL.run(code.address("add"), counts.ctypes.data, workers)
    return used == workers and counts.tolist() == [workers] * workers + [0] * (4 - workers)
assert works(2)
"""


def _passes(program: str) -> None:
    result = run_python(PROGRAM + program)
    assert (result.stdout, result.stderr, result.returncode) == ("ok\n", "", 0)


def test_process_ends_while_workers_sleep() -> None:
    _passes("assert works(4)\nprint('ok')")


@forks
def test_a_forked_child_has_workers_of_its_own() -> None:
    _passes("""
warnings.simplefilter("ignore")
child = os.fork()
if child == 0:
    os._exit(0 if works(2) and works(3) and works(1) else 1)
assert os.waitpid(child, 0)[1] == 0
assert works(3)
print("ok")
""")


@forks
def test_fork_in_the_middle_of_anothers_job() -> None:
    """The child inherits a pool that is taken, and locks that nobody will open."""
    _passes("""
warnings.simplefilter("ignore")
inside, leave = threading.Event(), threading.Event()
@ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_int64, ctypes.c_int64)
def hold(context, worker, workers):
    inside.set()
    leave.wait(30)
address = ctypes.cast(hold, ctypes.c_void_p).value
thread = threading.Thread(target=lambda: POOL.run(address, 0, 2))
thread.start()
inside.wait(10)
child = os.fork()
if child == 0:
    os._exit(0 if works(2) else 1)
assert os.waitpid(child, 0)[1] == 0
leave.set()
thread.join()
assert works(2)
print("ok")
""")


@pytest.mark.skipif(sys.platform == "win32", reason="signals are POSIX's")
def test_interrupt_comes_when_the_job_is_done() -> None:
    _passes(f"""
flag = np.zeros(1, np.int64)
hold = compile_text({HOLD!r}, ("hold",))
def interrupt():
    os.kill(os.getpid(), signal.SIGINT)
    time.sleep(0.05)
    flag[0] = 1
threading.Timer(0.02, interrupt).start()
try:
    POOL.run(hold.address("hold"), flag.ctypes.data, 2)
except KeyboardInterrupt:
    assert flag[0] == 1
    assert works(2)
    print("ok")
""")


# --- how many ----------------------------------------------------------------------------


def test_default_workers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GLASSGRAD_NUM_THREADS", " 4 ")
    assert default_workers() == 4
    assert default_workers(limit=3) == 3
    assert default_workers(limit=0) == 1
    monkeypatch.delenv("GLASSGRAD_NUM_THREADS")
    assert default_workers() == cpus.available_cpus() <= (os.cpu_count() or 1)
    monkeypatch.setattr(cpus, "available_cpus", lambda: 1000)
    assert default_workers() == cpus.MOST_WORKERS


@pytest.mark.parametrize("text", ["0", "-1", "two", "1.5", "257", "9" * 30, "٣"])
def test_wrong_number_of_threads(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setenv("GLASSGRAD_NUM_THREADS", text)
    with pytest.raises(OptionError, match="GLASSGRAD_NUM_THREADS is a whole number from 1 to 256"):
        default_workers()


@pytest.mark.skipif(not hasattr(os, "sched_getaffinity"), reason="no masks of CPUs here")
def test_mask_of_cpus(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda process: {3})
    assert cpus.available_cpus() == 1


@pytest.mark.parametrize(
    ("files", "membership", "expected"),
    [
        ({"cpu.max": "200000 100000"}, "0::/\n", 2),
        ({"cpu.max": "150000 100000"}, "0::/\n", 1),
        ({"cpu.max": "20000 100000"}, "0::/\n", 1),
        ({"cpu.max": "max 100000"}, "0::/\n", None),
        ({"a/cpu.max": "300000 100000", "a/b/cpu.max": "max 100000"}, "0::/a/b\n", 3),
        ({"a/cpu.max": "300000 100000"}, "0::/somewhere/else\n", None),
        (
            {"cpu/x/cpu.cfs_quota_us": "400000", "cpu/x/cpu.cfs_period_us": "100000"},
            "5:memory:/x\n4:cpu,cpuacct:/x\n",
            4,
        ),
        (
            {"cpu/x/cpu.cfs_quota_us": "-1", "cpu/x/cpu.cfs_period_us": "100000"},
            "4:cpu,cpuacct:/x\n",
            None,
        ),
        ({"cpu.max": "nonsense"}, "nonsense\n0::/\n", None),
        ({"cpu.max": "100000 0"}, "0::/\n", None),
        ({}, "", None),
    ],
)
def test_quota_of_a_container(
    tmp_path: Path, files: dict[str, str], membership: str, expected: int | None
) -> None:
    for name, content in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(content + "\n", encoding="ascii")
    (tmp_path / "membership").write_text(membership, encoding="ascii")
    assert cpus.quota(tmp_path, tmp_path / "membership") == expected
