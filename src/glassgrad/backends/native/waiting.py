"""How native threads wait for each other: LLVM text of the barrier and of the worker loop.

Layer L6. Text only; `pool.py` compiles it and owns the threads, and a kernel module that has
barriers includes `BARRIER_TEXT`. Nobody spins for longer than some microseconds: after that the
thread sleeps in the kernel (a futex on Linux; elsewhere short sleeps), and the thread that makes
the awaited change wakes it.

A block of memory carries all state. Its first line (64 bytes) is only read:

    0   address of `syscall` (Linux) or of a sleeping function (elsewhere)
    8   i32 number of CPUs: with more workers than that, nobody spins
    12  i32 rounds of spinning before a sleep

Every word that threads write stands on a line of its own, so that one's write does not take the
line from another that spins on its word.

Source:    Drepper, "Futexes Are Tricky" (2011), for the wait loop; Mellor-Crummey and Scott
           (1991), algorithm 7, for the barrier: here with a counting generation instead of a
           sense that flips, because a futex compares a value.
"""

from __future__ import annotations

import platform
import sys

LINE = 64  # bytes of a cache line (128 on Apple's chips, where it costs speed, not correctness)
SPINS = 100  # rounds; one is a `pause`, 20 to 50 ns

# Offsets in a barrier block.
ARRIVED = LINE
GENERATION = 2 * LINE
SLEEPERS = 3 * LINE
BARRIER_BYTES = 4 * LINE

# Offsets in the pool's block.
JOB = LINE  # entry, context, number of workers
BUSY = 2 * LINE
PENDING = 3 * LINE  # workers that still run; at +4 whether the caller sleeps
MAIL = 4 * LINE  # one line a worker: ticket; at +4 whether the worker sleeps

_FUTEX_NUMBERS = {"x86_64": 202, "amd64": 202, "aarch64": 98, "arm64": 98}  # asm/unistd.h
_WAIT_PRIVATE = 128  # FUTEX_WAIT | FUTEX_PRIVATE_FLAG, linux/futex.h
_WAKE_PRIVATE = 129
_SLEEP_MICROSECONDS = 100
EVERYBODY = 2**31 - 1


def has_futex() -> bool:
    """Whether threads can sleep on a word of memory here."""
    return sys.platform == "linux" and platform.machine().lower() in _FUTEX_NUMBERS


def waiting_text() -> str:
    """`@gg_relax()`, `@gg_wait(block, word, value)` and `@gg_wake(block, word, count)`."""
    return _relax_text() + (_futex_text() if has_futex() else _sleep_text())


def _relax_text() -> str:
    machine = platform.machine().lower()
    if machine in ("x86_64", "amd64"):
        declaration, body = (
            "declare void @llvm.x86.sse2.pause()",
            "call void @llvm.x86.sse2.pause()",
        )
    elif machine in ("aarch64", "arm64"):
        declaration, body = (
            "declare void @llvm.aarch64.hint(i32)",
            "call void @llvm.aarch64.hint(i32 1)",
        )
    else:
        declaration, body = "", ""
    return f"""\
{declaration}
define internal void @gg_relax() {{
  {body}
  ret void
}}
"""


def _futex_text() -> str:
    number = _FUTEX_NUMBERS[platform.machine().lower()]
    return f"""\
define internal void @gg_wait(ptr %block, ptr %word, i32 %value) {{
  %syscall = load ptr, ptr %block
  %r = call i64 (i64, ...) %syscall(i64 {number}, ptr %word, i32 {_WAIT_PRIVATE}, i32 %value, ptr null)
  ret void
}}
define internal void @gg_wake(ptr %block, ptr %word, i32 %count) {{
  %syscall = load ptr, ptr %block
  %r = call i64 (i64, ...) %syscall(i64 {number}, ptr %word, i32 {_WAKE_PRIVATE}, i32 %count)
  ret void
}}
"""


def _sleep_text() -> str:
    return f"""\
define internal void @gg_wait(ptr %block, ptr %word, i32 %value) {{
  %sleep = load ptr, ptr %block
  %r = call i32 %sleep(i32 {_SLEEP_MICROSECONDS})
  ret void
}}
define internal void @gg_wake(ptr %block, ptr %word, i32 %count) {{
  ret void
}}
"""


def _spin_text() -> str:
    """`@gg_until(block, word, old, sleeps, workers)`: return when `word` is no longer `old`."""
    return """\
define internal void @gg_until(ptr %block, ptr %word, i32 %old, ptr %sleeps, i64 %workers) {
entry:
  %cpus.at = getelementptr i8, ptr %block, i64 8
  %cpus = load i32, ptr %cpus.at
  %cpus.wide = sext i32 %cpus to i64
  %spins.at = getelementptr i8, ptr %block, i64 12
  %spins = load i32, ptr %spins.at
  %crowded = icmp sgt i64 %workers, %cpus.wide
  %rounds = select i1 %crowded, i32 0, i32 %spins
  br label %spin
spin:
  %round = phi i32 [ 0, %entry ], [ %next, %again ]
  %seen = load atomic i32, ptr %word acquire, align 4
  %changed = icmp ne i32 %seen, %old
  br i1 %changed, label %done, label %more
more:
  %tired = icmp sge i32 %round, %rounds
  br i1 %tired, label %lie.down, label %again
again:
  call void @gg_relax()
  %next = add i32 %round, 1
  br label %spin
lie.down:
  %before = atomicrmw add ptr %sleeps, i32 1 seq_cst
  br label %sleep
sleep:
  %now = load atomic i32, ptr %word seq_cst, align 4
  %same = icmp eq i32 %now, %old
  br i1 %same, label %wait, label %get.up
wait:
  call void @gg_wait(ptr %block, ptr %word, i32 %old)
  br label %sleep
get.up:
  %after = atomicrmw sub ptr %sleeps, i32 1 seq_cst
  br label %done
done:
  ret void
}
"""


def _barrier_text() -> str:
    return f"""\
define internal void @gg_barrier(ptr %barrier, i64 %workers) {{
entry:
  %alone = icmp sle i64 %workers, 1
  br i1 %alone, label %done, label %arrive
arrive:
  %generation.at = getelementptr i8, ptr %barrier, i64 {GENERATION}
  %generation = load atomic i32, ptr %generation.at monotonic, align 4
  %arrived.at = getelementptr i8, ptr %barrier, i64 {ARRIVED}
  %before = atomicrmw add ptr %arrived.at, i32 1 acq_rel
  %sleepers.at = getelementptr i8, ptr %barrier, i64 {SLEEPERS}
  %count = trunc i64 %workers to i32
  %others = sub i32 %count, 1
  %last = icmp eq i32 %before, %others
  br i1 %last, label %open, label %wait
open:
  store atomic i32 0, ptr %arrived.at monotonic, align 4
  %passed = atomicrmw add ptr %generation.at, i32 1 seq_cst
  %sleepers = load atomic i32, ptr %sleepers.at seq_cst, align 4
  %asleep = icmp ne i32 %sleepers, 0
  br i1 %asleep, label %wake, label %done
wake:
  call void @gg_wake(ptr %barrier, ptr %generation.at, i32 {EVERYBODY})
  br label %done
wait:
  call void @gg_until(ptr %barrier, ptr %generation.at, i32 %generation, ptr %sleepers.at, i64 %workers)
  br label %done
done:
  ret void
}}
"""


BARRIER_TEXT = waiting_text() + _spin_text() + _barrier_text()


WORKER_TEXT = f"""\
define void @gg_worker(ptr %block, i64 %worker) {{
entry:
  %offset = mul i64 %worker, {LINE}
  %lines = getelementptr i8, ptr %block, i64 {MAIL}
  %ticket.at = getelementptr i8, ptr %lines, i64 %offset
  %asleep.at = getelementptr i8, ptr %ticket.at, i64 4
  %entry.at = getelementptr i8, ptr %block, i64 {JOB}
  %context.at = getelementptr i8, ptr %block, i64 {JOB + 8}
  %workers.at = getelementptr i8, ptr %block, i64 {JOB + 16}
  %pending.at = getelementptr i8, ptr %block, i64 {PENDING}
  %caller.at = getelementptr i8, ptr %block, i64 {PENDING + 4}
  br label %next
next:
  %ticket = phi i32 [ 0, %entry ], [ %taken, %work ], [ %taken, %wake ]
  %crew = phi i64 [ 1, %entry ], [ %workers, %work ], [ %workers, %wake ]
  call void @gg_until(ptr %block, ptr %ticket.at, i32 %ticket, ptr %asleep.at, i64 %crew)
  br label %work
work:
  %taken = add i32 %ticket, 1
  %job = load ptr, ptr %entry.at
  %context = load ptr, ptr %context.at
  %workers = load i64, ptr %workers.at
  call void %job(ptr %context, i64 %worker, i64 %workers)
  %left = atomicrmw sub ptr %pending.at, i32 1 seq_cst
  %last = icmp eq i32 %left, 1
  %caller = load atomic i32, ptr %caller.at seq_cst, align 4
  %waits = icmp ne i32 %caller, 0
  %call = and i1 %last, %waits
  br i1 %call, label %wake, label %next
wake:
  call void @gg_wake(ptr %block, ptr %pending.at, i32 1)
  br label %next
}}
"""


CALLER_TEXT = f"""\
define i64 @gg_run(ptr %block, ptr %job, ptr %context, i64 %workers) {{
entry:
  %several = icmp sgt i64 %workers, 1
  br i1 %several, label %claim, label %alone
claim:
  %busy.at = getelementptr i8, ptr %block, i64 {BUSY}
  %claimed = cmpxchg ptr %busy.at, i32 0, i32 1 acquire monotonic
  %free = extractvalue {{ i32, i1 }} %claimed, 1
  br i1 %free, label %post, label %alone
alone:
  call void %job(ptr %context, i64 0, i64 1)
  ret i64 1
post:
  %entry.at = getelementptr i8, ptr %block, i64 {JOB}
  store ptr %job, ptr %entry.at
  %context.at = getelementptr i8, ptr %block, i64 {JOB + 8}
  store ptr %context, ptr %context.at
  %workers.at = getelementptr i8, ptr %block, i64 {JOB + 16}
  store i64 %workers, ptr %workers.at
  %pending.at = getelementptr i8, ptr %block, i64 {PENDING}
  %caller.at = getelementptr i8, ptr %block, i64 {PENDING + 4}
  %count = trunc i64 %workers to i32
  %others = sub i32 %count, 1
  store atomic i32 %others, ptr %pending.at monotonic, align 4
  %lines = getelementptr i8, ptr %block, i64 {MAIL}
  br label %send
send:
  %worker = phi i64 [ 1, %post ], [ %next, %sent ]
  %offset = mul i64 %worker, {LINE}
  %ticket.at = getelementptr i8, ptr %lines, i64 %offset
  %asleep.at = getelementptr i8, ptr %ticket.at, i64 4
  %ticket = atomicrmw add ptr %ticket.at, i32 1 seq_cst
  %asleep = load atomic i32, ptr %asleep.at seq_cst, align 4
  %sleeps = icmp ne i32 %asleep, 0
  br i1 %sleeps, label %wake, label %sent
wake:
  call void @gg_wake(ptr %block, ptr %ticket.at, i32 1)
  br label %sent
sent:
  %next = add i64 %worker, 1
  %more = icmp slt i64 %next, %workers
  br i1 %more, label %send, label %work
work:
  call void %job(ptr %context, i64 0, i64 %workers)
  br label %look
look:
  %left = load atomic i32, ptr %pending.at acquire, align 4
  %finished = icmp eq i32 %left, 0
  br i1 %finished, label %done, label %wait
wait:
  call void @gg_until(ptr %block, ptr %pending.at, i32 %left, ptr %caller.at, i64 %workers)
  br label %look
done:
  store atomic i32 0, ptr %busy.at release, align 4
  ret i64 %workers
}}
"""
