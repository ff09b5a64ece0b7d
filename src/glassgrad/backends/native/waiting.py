"""How native threads wait for each other: LLVM text of a barrier, and of the loop of a worker.

Layer L6. Text and offsets only: `pool.py` compiles it and owns the threads; a module of kernels
with barriers includes `BARRIER_TEXT`. Whoever waits looks at a word in memory for some
microseconds and then sleeps in the kernel (on a futex; where there is none, for short times),
until the thread that changes the word wakes it. All state lies in a block of memory:

    0    address of the function that waits: `syscall`, or one that sleeps
    8    i32 CPUs: with more workers than that, nobody looks before sleeping
    12   i32 rounds of looking by an idle worker, who may be idle for hours
    16   i32 most rounds of looking in the middle of work
    64   i32 waits in the middle of work that ended in a sleep, since the last that did not
    …    then words that threads write, each on a line of its own, lest one's write take the
         line from another that looks at its word

Source:    Drepper, "Futexes Are Tricky" (2011), for the sleep; Mellor-Crummey and Scott (1991),
           algorithm 7, for the barrier, with a count of generations instead of a sense that
           flips; Karlin et al. (1991): look about as long as a sleep costs, and the wait is never
           longer than twice the best.
"""

from __future__ import annotations

import platform
import sys

LINE = 64  # bytes of a cache line (128 on Apple's chips: that costs speed, not correctness)

# --- offsets -----------------------------------------------------------------------------

CPUS, IDLE, MOST = 8, 12, 16
FAILURES = LINE

# in a barrier's block
ARRIVED, GENERATION, SLEEPERS = 2 * LINE, 3 * LINE, 4 * LINE
BARRIER_BYTES = 5 * LINE

# in the pool's block
JOB = 2 * LINE  # the job's function, its context, the number of workers
BUSY = 3 * LINE
PENDING = 4 * LINE  # workers that have not finished; at +4 whether the caller sleeps
MAIL = 5 * LINE  # a line a worker: jobs given to it so far; at +4 whether it sleeps

# --- sleeping ----------------------------------------------------------------------------

_FUTEX_NUMBERS = {"x86_64": 202, "amd64": 202, "aarch64": 98, "arm64": 98}  # asm/unistd.h
_WAIT, _WAKE = 128, 129  # FUTEX_WAIT and FUTEX_WAKE with FUTEX_PRIVATE_FLAG, linux/futex.h
_FIRST_SLEEP, _LONGEST_SLEEP = 20, 1000  # microseconds, doubled from one to the next
_EVERYBODY = 2**31 - 1


def machine() -> str:
    """The processor's family, in small letters."""
    return platform.machine().lower()


def has_futex() -> bool:
    """Whether threads can sleep on a word of memory here."""
    return sys.platform == "linux" and machine() in _FUTEX_NUMBERS


def relax_text() -> str:
    """`@gg_relax()`: tell the processor that this thread only looks."""
    calls = {
        "x86_64": ("@llvm.x86.sse2.pause()", ""),
        "amd64": ("@llvm.x86.sse2.pause()", ""),
        "aarch64": ("@llvm.aarch64.hint(i32 1)", "declare void @llvm.aarch64.hint(i32)"),
        "arm64": ("@llvm.aarch64.hint(i32 1)", "declare void @llvm.aarch64.hint(i32)"),
    }
    call, declaration = calls.get(machine(), ("", ""))
    body = f"call void {call}" if call else ""
    return f"""\
{declaration or f"declare void {call}" if call else ""}
define internal void @gg_relax() {{
  {body}
  ret void
}}
"""


def sleep_text(*, futex: bool) -> str:
    """`@gg_sleep(block, word, value, microseconds)` and `@gg_wake(block, word, count)`.

    The sleep may end for no reason, so it stands in a loop that looks at the word.
    """
    if not futex:
        return """\
define internal void @gg_sleep(ptr %block, ptr %word, i32 %value, i32 %microseconds) {
  %sleep = load ptr, ptr %block
  %r = call i32 %sleep(i32 %microseconds)
  ret void
}
define internal void @gg_wake(ptr %block, ptr %word, i32 %count) {
  ret void
}
"""
    number = _FUTEX_NUMBERS.get(machine(), 0)
    return f"""\
define internal void @gg_sleep(ptr %block, ptr %word, i32 %value, i32 %microseconds) {{
  %call = load ptr, ptr %block
  %r = call i64 (i64, ...) %call(i64 {number}, ptr %word, i32 {_WAIT}, i32 %value, ptr null)
  ret void
}}
define internal void @gg_wake(ptr %block, ptr %word, i32 %count) {{
  %call = load ptr, ptr %block
  %r = call i64 (i64, ...) %call(i64 {number}, ptr %word, i32 {_WAKE}, i32 %count)
  ret void
}}
"""


# --- waiting -----------------------------------------------------------------------------

# `gg_until` returns when `word` is no longer `old`, and whether it had to sleep for that. The
# sleeper counts itself before it looks once more, and the waker changes the word before it looks
# for sleepers, all in one order (seq_cst): one of them sees the other.
_UNTIL_TEXT = f"""\
define internal i1 @gg_until(ptr %block, ptr %word, i32 %old, ptr %sleepers, i32 %rounds) {{
entry:
  br label %look
look:
  %round = phi i32 [ 0, %entry ], [ %next, %again ]
  %seen = load atomic i32, ptr %word acquire, align 4
  %same = icmp eq i32 %seen, %old
  br i1 %same, label %patience, label %done
patience:
  %left = icmp slt i32 %round, %rounds
  br i1 %left, label %again, label %lie.down
again:
  call void @gg_relax()
  %next = add i32 %round, 1
  br label %look
lie.down:
  %before = atomicrmw add ptr %sleepers, i32 1 seq_cst
  br label %look.again
look.again:
  %time = phi i32 [ {_FIRST_SLEEP}, %lie.down ], [ %longer, %sleep ]
  %now = load atomic i32, ptr %word seq_cst, align 4
  %still = icmp eq i32 %now, %old
  br i1 %still, label %sleep, label %get.up
sleep:
  call void @gg_sleep(ptr %block, ptr %word, i32 %old, i32 %time)
  %twice = mul i32 %time, 2
  %too.long = icmp sgt i32 %twice, {_LONGEST_SLEEP}
  %longer = select i1 %too.long, i32 {_LONGEST_SLEEP}, i32 %twice
  br label %look.again
get.up:
  %after = atomicrmw sub ptr %sleepers, i32 1 seq_cst
  br label %done
done:
  %slept = phi i1 [ false, %look ], [ true, %get.up ]
  ret i1 %slept
}}
"""

# `gg_meet` waits for somebody who works. Each sleep in a row halves how long it looks, to an
# eighth, so that little is wasted on a machine that others use. Every 32nd wait looks as long as
# the first: two workers that sleep by turns would never be quick enough to meet awake again.
_MEET_TEXT = f"""\
define internal void @gg_meet(ptr %block, ptr %word, i32 %old, ptr %sleepers, i64 %workers) {{
entry:
  %cpus.at = getelementptr i8, ptr %block, i64 {CPUS}
  %cpus = load i32, ptr %cpus.at
  %cpus.wide = sext i32 %cpus to i64
  %crowded = icmp sgt i64 %workers, %cpus.wide
  br i1 %crowded, label %sleep, label %look
sleep:
  %ignored = call i1 @gg_until(ptr %block, ptr %word, i32 %old, ptr %sleepers, i32 0)
  ret void
look:
  %failures.at = getelementptr i8, ptr %block, i64 {FAILURES}
  %failures = load atomic i32, ptr %failures.at monotonic, align 4
  %most.at = getelementptr i8, ptr %block, i64 {MOST}
  %most = load i32, ptr %most.at
  %many = icmp ugt i32 %failures, 3
  %halvings = select i1 %many, i32 3, i32 %failures
  %fewer = lshr i32 %most, %halvings
  %turn = and i32 %failures, 31
  %again = icmp eq i32 %turn, 31
  %rounds = select i1 %again, i32 %most, i32 %fewer
  %slept = call i1 @gg_until(ptr %block, ptr %word, i32 %old, ptr %sleepers, i32 %rounds)
  %one.more = add i32 %failures, 1
  %learnt = select i1 %slept, i32 %one.more, i32 0
  %is.news = icmp ne i32 %learnt, %failures
  br i1 %is.news, label %learn, label %done
learn:
  store atomic i32 %learnt, ptr %failures.at monotonic, align 4
  br label %done
done:
  ret void
}}
"""

_BARRIER_TEXT = f"""\
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
  call void @gg_wake(ptr %barrier, ptr %generation.at, i32 {_EVERYBODY})
  br label %done
wait:
  call void @gg_meet(ptr %barrier, ptr %generation.at, i32 %generation, ptr %sleepers.at,
                     i64 %workers)
  br label %done
done:
  ret void
}}
"""


def barrier_text(*, futex: bool) -> str:
    """`@gg_barrier(barrier, workers)` and what it needs, for inclusion in a module."""
    return relax_text() + sleep_text(futex=futex) + _UNTIL_TEXT + _MEET_TEXT + _BARRIER_TEXT


BARRIER_TEXT = barrier_text(futex=has_futex())


# --- the pool ----------------------------------------------------------------------------

_WORKER_TEXT = f"""\
define void @gg_worker(ptr %block, i64 %worker) {{
entry:
  %offset = mul i64 %worker, {LINE}
  %lines = getelementptr i8, ptr %block, i64 {MAIL}
  %given.at = getelementptr i8, ptr %lines, i64 %offset
  %asleep.at = getelementptr i8, ptr %given.at, i64 4
  %job.at = getelementptr i8, ptr %block, i64 {JOB}
  %context.at = getelementptr i8, ptr %block, i64 {JOB + 8}
  %workers.at = getelementptr i8, ptr %block, i64 {JOB + 16}
  %pending.at = getelementptr i8, ptr %block, i64 {PENDING}
  %caller.at = getelementptr i8, ptr %block, i64 {PENDING + 4}
  %idle.at = getelementptr i8, ptr %block, i64 {IDLE}
  %cpus.at = getelementptr i8, ptr %block, i64 {CPUS}
  br label %wait
wait:
  %done = phi i32 [ 0, %entry ], [ %given, %work ], [ %given, %wake ]
  %crew = phi i64 [ 1, %entry ], [ %workers, %work ], [ %workers, %wake ]
  %idle = load i32, ptr %idle.at
  %cpus = load i32, ptr %cpus.at
  %cpus.wide = sext i32 %cpus to i64
  %crowded = icmp sgt i64 %crew, %cpus.wide
  %rounds = select i1 %crowded, i32 0, i32 %idle
  %slept = call i1 @gg_until(ptr %block, ptr %given.at, i32 %done, ptr %asleep.at, i32 %rounds)
  br label %work
work:
  %given = add i32 %done, 1
  %job = load ptr, ptr %job.at
  %context = load ptr, ptr %context.at
  %workers = load i64, ptr %workers.at
  call void %job(ptr %context, i64 %worker, i64 %workers)
  %left = atomicrmw sub ptr %pending.at, i32 1 seq_cst
  %last = icmp eq i32 %left, 1
  %caller = load atomic i32, ptr %caller.at seq_cst, align 4
  %sleeps = icmp ne i32 %caller, 0
  %call = and i1 %last, %sleeps
  br i1 %call, label %wake, label %wait
wake:
  call void @gg_wake(ptr %block, ptr %pending.at, i32 1)
  br label %wait
}}
"""

_CALLER_TEXT = f"""\
define i64 @gg_run(ptr %block, ptr %job, ptr %context, i64 %workers) {{
entry:
  %several = icmp sgt i64 %workers, 1
  br i1 %several, label %claim, label %alone
claim:
  %busy.at = getelementptr i8, ptr %block, i64 {BUSY}
  %claimed = cmpxchg ptr %busy.at, i32 0, i32 1 acquire monotonic
  %is.free = extractvalue {{ i32, i1 }} %claimed, 1
  br i1 %is.free, label %post, label %alone
alone:
  call void %job(ptr %context, i64 0, i64 1)
  ret i64 1
post:
  %job.at = getelementptr i8, ptr %block, i64 {JOB}
  store ptr %job, ptr %job.at
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
  %given.at = getelementptr i8, ptr %lines, i64 %offset
  %asleep.at = getelementptr i8, ptr %given.at, i64 4
  %given = atomicrmw add ptr %given.at, i32 1 seq_cst
  %asleep = load atomic i32, ptr %asleep.at seq_cst, align 4
  %sleeps = icmp ne i32 %asleep, 0
  br i1 %sleeps, label %wake, label %sent
wake:
  call void @gg_wake(ptr %block, ptr %given.at, i32 1)
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
  call void @gg_meet(ptr %block, ptr %pending.at, i32 %left, ptr %caller.at, i64 %workers)
  br label %look
done:
  store atomic i32 0, ptr %busy.at release, align 4
  ret i64 %workers
}}
"""

# How long one look is, for `pool.py` to measure.
_PAUSE_TEXT = """\
define void @gg_pause(i64 %rounds) {
entry:
  br label %loop
loop:
  %round = phi i64 [ 0, %entry ], [ %next, %loop ]
  call void @gg_relax()
  %next = add i64 %round, 1
  %more = icmp slt i64 %next, %rounds
  br i1 %more, label %loop, label %done
done:
  ret void
}
"""


def pool_text(*, futex: bool) -> str:
    """The module of the pool: `gg_run`, `gg_worker` and `gg_pause`."""
    return barrier_text(futex=futex) + _WORKER_TEXT + _CALLER_TEXT + _PAUSE_TEXT
