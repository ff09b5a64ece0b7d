"""Gradient checkpointing: regions of a model whose values the backward pass computes again.

Layer L9. Of a region only what enters it is kept; its inside is recomputed when the backward pass
comes to it, for about a third more work. A region is a module, or some layers of a chain in a row.
While a step is recorded, the region's `forward` is replaced by a checkpointed one; nothing of the
model itself changes.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from glassgrad.autodiff.functions import checkpoint
from glassgrad.core.region import provenance
from glassgrad.errors import GraphError, OptionError, nearest
from glassgrad.graph.ir import Graph
from glassgrad.nn.containers import Chain
from glassgrad.nn.module import Module
from glassgrad.optim.groups import matches
from glassgrad.text import byte_size, say

if TYPE_CHECKING:
    from collections.abc import Iterator

BLOCKS = "blocks"
_FEWEST = 3  # layers of a chain from which it is worth to be parted


@dataclass(frozen=True, eq=False)
class Region:
    """A module that is computed again, or of a chain the layers from `start` to `stop`."""

    path: str
    module: Module
    start: int | None = None
    stop: int | None = None

    def __str__(self) -> str:
        if self.start is None or self.stop is None:
            return self.path
        inner = f"{self.path}.layers" if self.path else "layers"
        return f"{inner}.{self.start}–{self.stop - 1}"


# --- which -------------------------------------------------------------------------------


def checkpoint_regions(model: Module, wanted: Any = BLOCKS) -> list[Region]:
    """The regions of a model that `wanted` means.

    wanted:  "blocks": layers that hold layers, such as Residual; simple layers of a chain are put
             together to about √n regions. Or patterns of paths: `["blocks.*", "layers.2"]`
    Raises:  OptionError for a pattern that no module has, or what is no pattern
    Source:  Chen et al. (2016), Training Deep Nets with Sublinear Memory Cost, section 4.1

    >>> from glassgrad import nn
    >>> layers = [nn.Linear(4, 4, rng=i) if i % 2 else nn.Tanh() for i in range(9)]
    >>> [str(region) for region in checkpoint_regions(nn.Sequential(*layers))]
    ['layers.0–2', 'layers.3–5', 'layers.6–8']
    """
    if wanted == BLOCKS:
        return list(_blocks("", model))
    patterns = [wanted] if isinstance(wanted, str) else wanted
    is_listed = isinstance(patterns, (list, tuple))
    if not is_listed or not all(isinstance(pattern, str) for pattern in patterns):
        problem = say("{name} is {value!r}", name="recompute", value=wanted)
        rule = say('"blocks", patterns such as ["layers.0"], or a number of bytes')
        raise OptionError(problem, operation="recompute", rule=rule)
    modules = {path: module for path, module in model.named_modules() if path}
    found: dict[str, Module] = {}
    for pattern in patterns:
        matching = {p: m for p, m in modules.items() if matches(p, pattern)}
        if not matching:
            problem = say("no layer is called {pattern!r}", pattern=pattern)
            raise OptionError(problem, operation="recompute", hint=nearest(pattern, modules))
        found.update(matching)
    outermost = [p for p in found if not any(p.startswith(f"{other}.") for other in found)]
    return [Region(path, found[path]) for path in outermost]


def _blocks(path: str, module: Module) -> Iterator[Region]:
    """Regions of a module, its parts' in place of its own where it is a chain."""
    children = list(_children(path, module))
    if isinstance(module, Chain):
        yield from _of_chain(path, module, children)
        return
    for inner, child in children:
        if isinstance(child, Chain):
            yield from _blocks(inner, child)
        elif any(True for _ in _children(inner, child)):
            yield Region(inner, child)


def _of_chain(path: str, chain: Chain, children: Sequence[tuple[str, Module]]) -> Iterator[Region]:
    plain: list[int] = []
    length = max(2, math.isqrt(len(children)))
    for i, (inner, child) in enumerate(children):
        is_block = any(True for _ in _children(inner, child))
        if is_block:
            yield Region(inner, child)
        if not is_block and len(children) >= _FEWEST:
            plain.append(i)
        is_last = i + 1 == len(children)
        if plain and (is_block or is_last or len(plain) == length):
            if len(plain) > 1:
                yield Region(path, chain, plain[0], plain[-1] + 1)
            plain = []


def _children(path: str, module: Module) -> Iterator[tuple[str, Module]]:
    """The modules that a module holds directly."""
    below = [(name, inner) for name, inner in module.named_modules() if name]
    inside = {id(deeper) for _, inner in below for name, deeper in inner.named_modules() if name}
    for name, inner in below:
        if id(inner) not in inside:
            yield (f"{path}.{name}" if path else name), inner


# --- how ---------------------------------------------------------------------------------


@contextmanager
def recomputing(regions: Iterable[Region]) -> Iterator[None]:
    """Let these regions be computed again by the backward passes of a `with` block."""
    replaced: list[Module] = []
    by_chain: dict[int, list[Region]] = {}
    for region in regions:
        if region.start is not None:
            by_chain.setdefault(id(region.module), []).append(region)
    try:
        for region in regions:
            module = region.module
            if module in replaced:
                continue
            forward = module.forward
            if region.start is None:
                module.__dict__["forward"] = _checkpointed(module, forward)
            else:
                module.__dict__["forward"] = _segmented(module, by_chain[id(module)])
            replaced.append(module)
        yield
    finally:
        for module in replaced:
            module.__dict__.pop("forward", None)


def _checkpointed(holder: Any, forward: Callable[..., Any]) -> Callable[..., Any]:
    """`forward` as a checkpoint; states that it assigns leave it as results."""

    def run(*inputs: Any, **options: Any) -> Any:
        holders = holder if isinstance(holder, list) else [holder]
        slots = [s for module in holders for s in module.tree_slots() if s.role == "state"]

        def inside(*values: Any) -> Any:
            now = provenance.now
            path, now.path = now.path, ()  # where it is computed again, it stands there already
            try:
                out = forward(*values, **options)
            finally:
                now.path = path
            return out, [slot.get() for slot in slots]

        inside.__name__ = "region"
        out, states = checkpoint(inside)(*inputs)
        for slot, value in zip(slots, states, strict=True):
            slot.put(value)
        return out

    return run


def _segmented(chain: Any, segments: Sequence[Region]) -> Callable[..., Any]:
    starts = {segment.start: segment.stop for segment in segments}

    def run(x: Any) -> Any:
        i = 0
        while i < len(chain.layers):
            stop = starts.get(i)
            if stop is None:
                x, i = chain.layers[i](x), i + 1
                continue
            layers = chain.layers[i:stop]
            x, i = _checkpointed(list(layers), lambda v, row=layers: _through(row, v))(x), stop
        return x

    return run


def _through(layers: Sequence[Any], x: Any) -> Any:
    for layer in layers:
        x = layer(x)
    return x


# --- a budget ----------------------------------------------------------------------------


def planned_bytes(graph: Graph) -> int:
    """The memory that a step plans for its values: that of native code, else what stays alive."""
    from glassgrad.backends.native.lower.build import lower  # noqa: PLC0415 - many modules

    try:
        return lower(graph).arena_bytes
    except GraphError:
        return int(graph.cost().total.kept)


def within(
    budget: int, candidates: Sequence[Region], record: Callable[[Sequence[Region]], Graph]
) -> list[Region]:
    """The fewest of the first candidates for which a step stays within `budget` bytes.

    What comes first in a model is kept longest, so it is the first to be computed again.
    Raises:    OptionError that says how low the bytes can go
    """
    known: dict[int, int] = {}

    def needed(count: int) -> int:
        if count not in known:
            known[count] = planned_bytes(record(candidates[:count]))
        return known[count]

    if needed(0) <= budget:
        return []
    low, high = 0, len(candidates)
    if needed(high) > budget:
        least = min(known.values())
        raise OptionError(
            say("the step needs {least}, more than {budget}", least=byte_size(least),
                budget=byte_size(budget) or "0 B"),
            operation="recompute",
            hint=say("give a larger budget, smaller batches, or accumulate="),
        )  # fmt: skip
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if needed(middle) <= budget else (middle, high)
    return list(candidates[:high])
