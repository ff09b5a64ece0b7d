"""A matrix product as LLVM text: through a pointer to the machine's BLAS, or three loops.

Layer L6. Each form defines one function, in row-major order:

    @sgemm(xt, yt, m, n, k, x, y, beta, out, xl, yl, ol, table)   out = x @ y + beta * out

xt and yt are 111 for a matrix as it lies and 112 for one that lies transposed; xl, yl and ol are
elements from row to row; with beta = 0 `out` is not read.
"""

from __future__ import annotations

_SIZES = ("m", "n", "k", "xl", "yl", "ol")


def product_text(name: str, kind: str, offset: int, integer: str, abi: str = "cblas") -> str:
    """The function `name` for numbers of `kind`.

    offset:  where the library's pointer lies, in bytes before the table
    integer: the type of the library's sizes
    abi:     "cblas", "fortran", or "own": three loops, without a library
    """
    given = "i32 %xt, i32 %yt, i64 %m, i64 %n, i64 %k, ptr %x, ptr %y, "
    given += f"{kind} %beta, ptr %out, i64 %xl, i64 %yl, i64 %ol, ptr %table"
    if abi == "own":
        body = _loops(kind)
    else:
        load = [
            f"  %at = getelementptr i8, ptr %table, i64 -{offset}",
            "  %f = load ptr, ptr %at, align 8",
        ]
        form = _by_value if abi == "cblas" else _by_reference
        body = [*load, *form(kind, integer)]
    return "\n".join([f"define internal void @{name}({given}) #0 {{", *body, "  ret void", "}", ""])


def _by_value(kind: str, integer: str) -> list[str]:
    """A call of `cblas_sgemm`."""
    lines, names = _sizes(integer)
    m, n, k, xl, yl, ol = (f"{integer} {names[size]}" for size in _SIZES)
    call = f"  call void %f(i32 101, i32 %xt, i32 %yt, {m}, {n}, {k}, {kind} 1.0, ptr %x, {xl}, "
    return [*lines, call + f"ptr %y, {yl}, {kind} %beta, ptr %out, {ol})"]


def _by_reference(kind: str, integer: str) -> list[str]:
    """A call of Fortran's `sgemm`: columns lie together there, so it computes outᵀ = yᵀ @ xᵀ."""
    lines, names = _sizes(integer)
    for size in _SIZES:
        lines += [
            f"  %{size}.at = alloca {integer}",
            f"  store {integer} {names[size]}, ptr %{size}.at",
        ]
    for number, value in (("one", "1.0"), ("factor", "%beta")):
        lines += [f"  %{number} = alloca {kind}", f"  store {kind} {value}, ptr %{number}"]
    for factor in ("x", "y"):  # 'N' or 'T'
        lines += [
            f"  %{factor}.lies = icmp eq i32 %{factor}t, 111",
            f"  %{factor}.word = select i1 %{factor}.lies, i8 78, i8 84",
            f"  %{factor}.form = alloca i8",
            f"  store i8 %{factor}.word, ptr %{factor}.form",
        ]
    call = "  call void %f(ptr %y.form, ptr %x.form, ptr %n.at, ptr %m.at, ptr %k.at, ptr %one, "
    return [*lines, call + "ptr %y, ptr %yl.at, ptr %x, ptr %xl.at, ptr %factor, ptr %out, ptr %ol.at)"]


def _sizes(integer: str) -> tuple[list[str], dict[str, str]]:
    """The sizes as the library's integers."""
    if integer == "i64":
        return [], {size: f"%{size}" for size in _SIZES}
    lines = [f"  %{size}.short = trunc i64 %{size} to {integer}" for size in _SIZES]
    return lines, {size: f"%{size}.short" for size in _SIZES}


def _loops(kind: str) -> list[str]:
    """Rows of `out` are first scaled, then multiples of y's rows are added to them."""
    return [
        "entry:",
        *(
            line
            for factor in ("x", "y")
            for line in (
                f"  %{factor}.lies = icmp eq i32 %{factor}t, 111",
                f"  %{factor}.down = select i1 %{factor}.lies, i64 %{factor}l, i64 1",
                f"  %{factor}.right = select i1 %{factor}.lies, i64 1, i64 %{factor}l",
            )
        ),
        f"  %fresh = fcmp oeq {kind} %beta, 0.0",
        "  br label %i.head",
        *_head("i", "entry", "m", "done"),
        "  %row = mul i64 %i, %ol",
        "  br label %s.head",
        *_head("s", "i.body", "n", "p.start"),
        "  %s.at = add i64 %row, %s",
        f"  %s.to = getelementptr {kind}, ptr %out, i64 %s.at",
        f"  %before = load {kind}, ptr %s.to",
        f"  %scaled = fmul {kind} %before, %beta",
        f"  %first = select i1 %fresh, {kind} 0.0, {kind} %scaled",
        f"  store {kind} %first, ptr %s.to",
        *_next("s"),
        "p.start:",
        "  br label %p.head",
        *_head("p", "p.start", "k", "i.last"),
        "  %x.row = mul i64 %i, %x.down",
        "  %x.col = mul i64 %p, %x.right",
        "  %x.at = add i64 %x.row, %x.col",
        f"  %x.from = getelementptr {kind}, ptr %x, i64 %x.at",
        f"  %a = load {kind}, ptr %x.from",
        "  %y.row = mul i64 %p, %y.down",
        "  br label %j.head",
        *_head("j", "p.body", "n", "p.last"),
        "  %y.col = mul i64 %j, %y.right",
        "  %y.at = add i64 %y.row, %y.col",
        f"  %y.from = getelementptr {kind}, ptr %y, i64 %y.at",
        f"  %b = load {kind}, ptr %y.from",
        "  %o.at = add i64 %row, %j",
        f"  %o.to = getelementptr {kind}, ptr %out, i64 %o.at",
        f"  %old = load {kind}, ptr %o.to",
        f"  %part = fmul {kind} %a, %b",
        f"  %new = fadd {kind} %old, %part",
        f"  store {kind} %new, ptr %o.to",
        *_next("j"),
        "p.last:",
        *_next("p"),
        "i.last:",
        *_next("i"),
        "done:",
    ]


def _head(index: str, before: str, size: str, after: str) -> list[str]:
    """The top of a loop over range(size), and its body's label."""
    last = f"{index}.last" if index in "ip" else f"{index}.body"  # the block that ends its body
    return [
        f"{index}.head:",
        f"  %{index} = phi i64 [ 0, %{before} ], [ %{index}.next, %{last} ]",
        f"  %{index}.more = icmp slt i64 %{index}, %{size}",
        f"  br i1 %{index}.more, label %{index}.body, label %{after}",
        f"{index}.body:",
    ]


def _next(index: str) -> list[str]:
    """The end of a loop."""
    return [f"  %{index}.next = add i64 %{index}, 1", f"  br label %{index}.head"]
