"""The results of `glassgrad bench` in words and tables.

Layer L11.
"""

from __future__ import annotations

from typing import Any

from glassgrad.cli.terminal import table
from glassgrad.text import say

_UNITS = ((1.0, "s"), (1e-3, "ms"), (1e-6, "µs"), (1e-9, "ns"))
_RATIOS = ("best_peer", "best_single", "numpy", "floor", "memory")


def header(data: dict[str, Any]) -> str:
    """The machine and the settings."""
    machine, settings = data["machine"], data["settings"]
    versions = [f"{name} {number}" for name, number in machine["versions"].items() if number]
    rows = [
        ("CPU", f"{machine['cpu']} ({', '.join(machine['vectors']) or '?'})"),
        (say("cores"), str(machine["cores"])),
        (say("threads"), str(settings["threads"])),
        (say("system"), machine["system"]),
        (say("versions"), ", ".join([machine["python"], *versions])),
        ("BLAS", machine["blas"]),
        (say("back end"), settings["backend"]),
        (
            say("rounds"),
            say("{n} of {seconds:g} s each", n=settings["rounds"], seconds=settings["seconds"]),
        ),
        (say("date"), machine["date"]),
    ]
    absent = [say("{name} is not installed", name=name) for name in data["absent"]]
    return "\n".join([table(rows), *absent])


def workload_table(name: str, data: dict[str, Any]) -> str:
    """Contestants, floor, ratios and aims of one workload."""
    if "failed" in data:
        return f"{name}: {say('FAILED')}"
    head = (
        say("contestant"),
        say("a step"),
        say("fastest round"),
        say("slowest round"),
        say("first call"),
        say("memory"),
        say("differs by"),
    )
    rows = [head, *(_row(name, timed) for name, timed in data["contestants"].items())]
    lines = [f"{name}: {about(data['sizes'])}", table(rows, right=range(1, len(head)))]
    lines += [f"{peer}: {reason}" for peer, reason in data["skipped"].items()]
    if data["floor"] is not None:
        lines.append(_floor(data["floor"]))
    lines += ["", table(_verdicts(data))]
    wrong = [peer for peer, timed in data["contestants"].items() if not timed["agrees"]]
    lines += [say("{name} computes something else", name=peer) for peer in wrong]
    return "\n".join(lines)


def _row(name: str, timed: dict[str, Any]) -> tuple[str, ...]:
    return (
        name,
        duration(timed["seconds"]),
        duration(timed["least"]),
        duration(timed["most"]),
        duration(timed["first_call"]),
        size(timed["peak"]),
        f"{timed['error']:.0e}",
    )


def about(sizes: dict[str, Any]) -> str:
    """The workload in a line."""
    if "columns" in sizes:
        return say(
            "value and gradients of layer norm, SiLU, tanh and softmax for {rows} × {columns}",
            rows=sizes["rows"],
            columns=sizes["columns"],
        )
    if "architecture" in sizes:
        batch = say("batch {n}", n=sizes["batch"])
        return f"{_architecture(sizes['architecture'])}, {sizes['optimizer']}, {batch}"
    layers = list(map(str, sizes["sizes"]))
    hidden = layers[1:-1]
    if len(set(hidden)) == 1 and len(hidden) > 3:  # noqa: PLR2004 - as many as one reads
        layers = [layers[0], f"{len(hidden)}×{hidden[0]}", layers[-1]]
    parts = ["-".join(layers), sizes["activation"], sizes["optimizer"]]
    parts.append(say("batch {n}", n=sizes["batch"]))
    if sizes["dropout"]:
        parts.append(say("dropout {rate:g}", rate=sizes["dropout"]))
    return ", ".join(parts)


def _architecture(sizes: dict[str, Any]) -> str:
    """A network of several kinds of layers: a CNN, an LSTM or a transformer."""
    if "channels" in sizes:
        return say(
            "two convolutions of {window} to {channels} channels, maxima of 2×2, {layers}",
            window=f"{sizes['kernel']}×{sizes['kernel']}",
            channels=" + ".join(map(str, sizes["channels"])),
            layers=f"{sizes['hidden']}-{sizes['classes']}",
        )
    if "steps" in sizes:
        return say(
            "embedding {embedding}, LSTM {hidden}, {characters} characters, {steps} steps", **sizes
        )
    return say(
        "{layers} blocks of {heads} heads, {width} wide, context {context}, "
        "{characters} characters",
        **sizes,
    )


def _floor(floor: dict[str, Any]) -> str:
    names = {"products": say("products"), "split products": say("products, rows shared out")}
    parts = [f"{names[way]} {duration(spent)}" for way, spent in floor["products"].items()]
    moved, speed = floor["bytes_moved"], floor["bytes_per_second"] / 1e9
    parts.append(
        say(
            "{moved} of memory at {speed:.0f} GB/s {time}",
            moved=size(moved),
            speed=speed,
            time=duration(floor["traffic"]),
        )
    )
    text = say("floor: {time}", time=duration(floor["seconds"])) + f" ({', '.join(parts)})"
    if floor["functions"] is None:
        return text
    return f"{text}; {say('exp and tanh alone {time}', time=duration(floor['functions']))}"


def _verdicts(data: dict[str, Any]) -> list[tuple[str, str, str]]:
    """Ratios and times: their words, their values, and the aims that go with them."""
    labels = {
        "best_peer": say("time / that of the fastest peer, {name}", name=data["best_peer"]),
        "best_single": say(
            "time / that of the fastest of one step a call, {name}", name=data["best_single"]
        ),
        "numpy": say("time / NumPy's"),
        "floor": say("time / floor"),
        "cold": say("first call, cold"),
        "cached": say("first call, from the cache"),
        "memory": say("peak memory / what training holds"),
        "predict": say("prediction for one row"),
    }
    rows = []
    for key, value in data["values"].items():
        aim = data["aims"].get(key)
        if aim is None and (value is None or key == "memory"):  # small ones are all overhead
            continue
        if key == "best_single" and data["best_single"] == data["best_peer"]:
            continue
        rows.append((labels[key], _value(key, value), "" if aim is None else _aim(key, aim)))
    return rows


def _value(key: str, value: float | None) -> str:
    if value is None:
        return "–"
    return f"{value:.3g}" if key in _RATIOS else duration(value)


def _aim(key: str, aim: dict[str, Any]) -> str:
    limit = _value(key, aim["limit"])
    if aim["met"] is None:
        return say("aim ≤ {limit}: not measured", limit=limit)
    if aim["met"]:
        return say("aim ≤ {limit}: met", limit=limit)
    return say("aim ≤ {limit}: missed", limit=limit)


def duration(seconds: float) -> str:
    """Three digits and a unit.

    >>> duration(0.000254), duration(1.5), duration(9.1e-8)
    ('254 µs', '1.5 s', '91 ns')
    """
    factor, unit = next((pair for pair in _UNITS if seconds >= pair[0]), _UNITS[-1])
    number = seconds / factor
    text = f"{number:.0f}" if number >= 100 else f"{number:.3g}"  # noqa: PLR2004 - three digits
    return f"{text} {unit}"


def size(count: int | None) -> str:
    """Bytes in MiB or KiB; a dash where nothing is known.

    >>> size(52 * 2**20), size(4096), size(None)
    ('52 MiB', '4 KiB', '–')
    """
    if count is None:
        return "–"
    mib = count / 2**20
    return f"{mib:.3g} MiB" if mib >= 1 else f"{count / 2**10:.3g} KiB"
