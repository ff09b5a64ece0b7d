"""Program → one LLVM module, with the driver that all workers run.

Layer L6. `run(context, worker, workers)` does some steps of all phases. Tiles are dealt out in
contiguous shares; a barrier ends each phase. The context is a block of int64:

    0 table   1 arena   2 private memory   3 bytes of it a worker   4 barrier   5 steps wanted
    6 steps done   7 whether a step said stop

In the table, behind its start: -1 sgemm, -2 dgemm, -3 the function that Python runs.
"""

from __future__ import annotations

from glassgrad.backends.native.blas_candidates import Blas
from glassgrad.backends.native.llvm import ModulePrinter
from glassgrad.backends.native.loops import Kernel
from glassgrad.backends.native.own_products import blocks_here
from glassgrad.backends.native.program import STOP, Program
from glassgrad.backends.native.waiting import BARRIER_TEXT

CONTEXT_WORDS = 8
TABLE_HEAD = 4  # words in front of the table's slot 0
ENTRY = "run"

_ATTRIBUTES = 'attributes #0 = { nounwind "no-builtins" }\n'

_CALL_BACK = """\
define internal void @call_back(ptr %table, i64 %number) #0 {
  %at = getelementptr i8, ptr %table, i64 -24
  %f = load ptr, ptr %at
  call void %f(i64 %number, ptr %table)
  ret void
}
"""


def module_text(program: Program, blas: Blas | None = None) -> str:
    """The whole module, with products by this BLAS, or by loops of our own."""
    printer = ModulePrinter(has_blas=blas is not None, blocks=blocks_here(), panel=program.panel)
    for kernel in program.kernels:
        printer.kernel(kernel)
    parts = [printer.text()]
    if blas is not None:
        parts.append(product_text("sgemm", "float", 8, blas))
        parts.append(product_text("dgemm", "double", 16, blas))
    parts += [_CALL_BACK, BARRIER_TEXT, driver_text(program), _ATTRIBUTES]
    return "\n".join(parts)


def product_text(name: str, kind: str, offset: int, blas: Blas) -> str:
    """A product in row-major order through the pointer of the table."""
    integers = f"i{blas.integer_bits}"
    given = "i32 %xt, i32 %yt, i64 %m, i64 %n, i64 %k, ptr %x, ptr %y, "
    given += f"{kind} %beta, ptr %out, i64 %xl, i64 %yl, i64 %ol, ptr %table"
    lines = [
        f"define internal void @{name}({given}) #0 {{",
        f"  %at = getelementptr i8, ptr %table, i64 -{offset}",
        "  %f = load ptr, ptr %at, align 8",
    ]
    sizes = {}
    for size in ("m", "n", "k", "xl", "yl", "ol"):
        sizes[size] = f"{integers} %{size}"
        if blas.integer_bits != 64:  # noqa: PLR2004 - bits
            lines.append(f"  %{size}n = trunc i64 %{size} to {integers}")
            sizes[size] += "n"
    lines += _fortran(kind, integers, sizes) if blas.abi == "fortran" else _cblas(kind, sizes)
    return "\n".join([*lines, "  ret void", "}", ""])


def _cblas(kind: str, sizes: dict[str, str]) -> list[str]:
    m, n, k, xl, yl, ol = (sizes[s] for s in ("m", "n", "k", "xl", "yl", "ol"))
    return [
        f"  call void %f(i32 101, i32 %xt, i32 %yt, {m}, {n}, {k}, {kind} 1.0, ptr %x, {xl}, "
        f"ptr %y, {yl}, {kind} %beta, ptr %out, {ol})"
    ]


def _fortran(kind: str, integers: str, sizes: dict[str, str]) -> list[str]:
    """All by reference, columns first: the product of the transposes in the other order."""
    lines = []
    for name, size in sizes.items():
        lines += [f"  %{name}.at = alloca {integers}", f"  store {size}, ptr %{name}.at"]
    for name, value in (("one", "1.0"), ("to", "%beta")):
        lines += [f"  %{name}.at = alloca {kind}", f"  store {kind} {value}, ptr %{name}.at"]
    for name in ("xt", "yt"):  # 'N' or 'T'
        lines += [
            f"  %{name}.is = icmp eq i32 %{name}, 112",
            f"  %{name}.c = select i1 %{name}.is, i8 84, i8 78",
            f"  %{name}.at = alloca i8",
            f"  store i8 %{name}.c, ptr %{name}.at",
        ]
    given = ["%yt.at", "%xt.at", "%n.at", "%m.at", "%k.at", "%one.at", "%y", "%yl.at", "%x"]
    given += ["%xl.at", "%to.at", "%out", "%ol.at"]
    lines.append(f"  call void %f({', '.join(f'ptr {g}' for g in given)})")
    return lines


def driver_text(program: Program) -> str:
    """`run`: steps, phases, tiles and barriers."""
    lines = [
        f"define void @{ENTRY}(ptr %context, i64 %worker, i64 %workers) #0 {{",
        "entry:",
        *_fields(),
        "  %offset = mul i64 %worker, %size",
        "  %private = getelementptr i8, ptr %base, i64 %offset",
        f"  %flag = getelementptr i8, ptr %private, i64 {STOP}",
        "  store i64 0, ptr %flag",
        *_own_table(program),
        "  %some = icmp sgt i64 %steps, 0",
        "  br i1 %some, label %step, label %done",
        "step:",
        "  %s = phi i64 [0, %entry], [%next, %stepped]",
        "  store i64 %s, ptr %private",
        "  br label %phase0",
    ]
    for number, kernels in enumerate(program.phases):
        lines.append(f"phase{number}:")
        lines += _phase(number, kernels)
    lines += [
        f"phase{len(program.phases)}:",
        *_move_on(program),
        "  br label %stepped",
        "stepped:",
        "  %next = add i64 %s, 1",
        "  %more = icmp slt i64 %next, %steps",
        "  br i1 %more, label %step, label %done",
        "done:",
        "  %count = phi i64 [0, %entry], [%next, %stepped], [%s, %halt]",
        "  %said = phi i64 [0, %entry], [0, %stepped], [1, %halt]",
        "  %first = icmp eq i64 %worker, 0",
        "  br i1 %first, label %tell, label %out",
        "tell:",
        "  %at.count = getelementptr i64, ptr %context, i64 6",
        "  store i64 %count, ptr %at.count",
        "  %at.said = getelementptr i64, ptr %context, i64 7",
        "  store i64 %said, ptr %at.said",
        "  br label %out",
        "out:",
        "  ret void",
        "halt:",
        "  br label %done",
        "}",
        "",
    ]
    return "\n".join(lines)


def _fields() -> list[str]:
    rows = (
        ("shared", 0, "ptr"),
        ("arena", 1, "ptr"),
        ("base", 2, "ptr"),
        ("size", 3, "i64"),
        ("barrier", 4, "ptr"),
        ("steps", 5, "i64"),
    )
    lines = []
    for name, word, kind in rows:
        lines.append(f"  %at.{name} = getelementptr i64, ptr %context, i64 {word}")
        lines.append(f"  %{name} = load {kind}, ptr %at.{name}")
    return lines


def table_words(program: Program) -> int:
    """Words of a worker's own table, behind its private memory; 0 where pointers stay."""
    if not program.stepped and not program.swapped:
        return 0
    return TABLE_HEAD + len(program.arguments) + len(program.constants)


def _own_table(program: Program) -> list[str]:
    words = table_words(program)
    if not words:
        return ["  %table = getelementptr i8, ptr %shared, i64 0"]
    lines = [
        f"  %own = getelementptr i8, ptr %private, i64 {program.private_bytes}",
        f"  %table = getelementptr i8, ptr %own, i64 {8 * TABLE_HEAD}",
    ]
    for word in range(-TABLE_HEAD, words - TABLE_HEAD):
        name = f"%w{word + TABLE_HEAD}"
        lines += [
            f"  {name}.from = getelementptr i8, ptr %shared, i64 {8 * word}",
            f"  {name} = load i64, ptr {name}.from",
            f"  {name}.to = getelementptr i8, ptr %table, i64 {8 * word}",
            f"  store i64 {name}, ptr {name}.to",
        ]
    return lines


def _move_on(program: Program) -> list[str]:
    """Pointers at the end of a step."""
    lines = []
    for slot, size in program.stepped:
        name = f"%m{slot}"
        lines += [
            f"  {name}.at = getelementptr i8, ptr %table, i64 {8 * slot}",
            f"  {name}.a = load i64, ptr {name}.at",
            f"  {name}.b = add i64 {name}.a, {size}",
            f"  store i64 {name}.b, ptr {name}.at",
        ]
    for one, other in program.swapped:
        name = f"%x{one}"
        lines += [
            f"  {name}.at = getelementptr i8, ptr %table, i64 {8 * one}",
            f"  {name}.to = getelementptr i8, ptr %table, i64 {8 * other}",
            f"  {name}.a = load i64, ptr {name}.at",
            f"  {name}.b = load i64, ptr {name}.to",
            f"  store i64 {name}.a, ptr {name}.to",
            f"  store i64 {name}.b, ptr {name}.at",
        ]
    return lines


def _phase(number: int, kernels: list[Kernel]) -> list[str]:
    """Scalars first, by everybody; then shares of the tiles; then the barrier."""
    lines: list[str] = []
    own = [k for k in kernels if k.tiles == 0]
    for kernel in own:
        lines.append(f"  {_call(kernel, '0')}")
    if own:  # the scalars may say that the step must not go on
        lines += [
            f"  %flag{number} = load i64, ptr %flag",
            f"  %stop{number} = icmp ne i64 %flag{number}, 0",
            f"  br i1 %stop{number}, label %halt, label %tiles{number}",
            f"tiles{number}:",
        ]
    single = [k for k in kernels if k.tiles == 1]
    total, before = sum(k.work for k in single) or 1.0, 0.0  # nothing to do for empty arrays
    for kernel in single:
        lines += _single(kernel, (before + kernel.work / 2) / total)
        before += kernel.work
    for kernel in kernels:
        if kernel.tiles > 1:
            lines += _tiles(kernel)
    if kernels:  # scalars alone too: the next phase may write where a slower worker still reads
        lines.append("  call void @gg_barrier(ptr %barrier, i64 %workers)")
    lines.append(f"  br label %phase{number + 1}")
    return lines


def _call(kernel: Kernel, tile: str) -> str:
    given = f"ptr %table, ptr %arena, ptr %private, i64 {tile}, i64 %worker"
    return f"call void @{kernel.name}({given})"


SHARES = 1 << 20


def _single(kernel: Kernel, share: float) -> list[str]:
    """A kernel of one tile belongs to the worker in whose share of the work its middle lies; one
    behind all others that takes no work, such as zeros for empty sums, to the last worker."""
    name = kernel.name
    return [
        f"  %{name}.share = mul i64 %workers, {min(int(share * SHARES), SHARES - 1)}",
        f"  %{name}.owner = lshr i64 %{name}.share, {SHARES.bit_length() - 1}",
        f"  %{name}.mine = icmp eq i64 %worker, %{name}.owner",
        f"  br i1 %{name}.mine, label %{name}.do, label %{name}.after",
        f"{name}.do:",
        f"  {_call(kernel, '0')}",
        f"  br label %{name}.after",
        f"{name}.after:",
    ]


def _tiles(kernel: Kernel) -> list[str]:
    """This worker's share: tiles floor(w·T/n) to floor((w+1)·T/n)."""
    name, count = kernel.name, kernel.tiles
    return [
        f"  %{name}.a = mul i64 %worker, {count}",
        f"  %{name}.from = udiv i64 %{name}.a, %workers",
        f"  %{name}.b = add i64 %{name}.a, {count}",
        f"  %{name}.to = udiv i64 %{name}.b, %workers",
        f"  %{name}.some = icmp ult i64 %{name}.from, %{name}.to",
        f"  br i1 %{name}.some, label %{name}.pre, label %{name}.after",
        f"{name}.pre:",
        f"  br label %{name}.do",
        f"{name}.do:",
        f"  %{name}.t = phi i64 [%{name}.from, %{name}.pre], [%{name}.u, %{name}.do]",
        f"  {_call(kernel, f'%{name}.t')}",
        f"  %{name}.u = add i64 %{name}.t, 1",
        f"  %{name}.more = icmp ult i64 %{name}.u, %{name}.to",
        f"  br i1 %{name}.more, label %{name}.do, label %{name}.after",
        f"{name}.after:",
    ]
