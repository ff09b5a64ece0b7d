"""Functions that only rearrange elements: shape, joining, splitting, repetition, padding."""

from __future__ import annotations

from itertools import accumulate
from typing import Any

import numpy as np

from glassgrad.primitives import triangle
from glassgrad.primitives.padding import pad
from oracle.convention import Function, at, like, numbers, vector

# --- axes --------------------------------------------------------------------------------


def _flatten(x: Any, start_dim: int = 0, end_dim: int = -1) -> Any:
    x = vector(x)
    end = end_dim % x.ndim + 1
    return x.reshape(*x.shape[:start_dim], -1, *x.shape[end:])


def _unflatten(x: Any, dim: int, sizes: tuple[int, ...]) -> Any:
    dim %= x.ndim
    return x.reshape(*x.shape[:dim], *sizes, *x.shape[dim + 1 :])


def _transpose(x: Any, dim0: int, dim1: int) -> Any:
    return like(np.swapaxes(vector(x), dim0, dim1), x)


def _squeeze(x: Any, dim: Any = None) -> Any:
    """An axis that is named and is not of size 1 stays."""
    if dim is None:
        return np.squeeze(x)
    named = (dim,) if isinstance(dim, int) else dim
    return np.squeeze(x, tuple(a for a in named if x.ndim and x.shape[a] == 1))


def _expand(x: Any, sizes: tuple[int, ...]) -> Any:
    """-1 keeps the size that is there."""
    own = (1,) * (len(sizes) - x.ndim) + x.shape
    shape = tuple(a if n == -1 else n for n, a in zip(sizes, own, strict=True))
    return np.broadcast_to(x, shape)


# --- together and apart ------------------------------------------------------------------


def _cat(xs: Any, dim: int = 0) -> Any:
    """An empty vector joins anything, from the time when PyTorch had no other empty tensor."""
    kept = [x for x in xs if x.shape != (0,)] or xs
    return np.concatenate(kept, axis=dim)


def _split(x: Any, size: Any, dim: int = 0) -> Any:
    n = x.shape[dim]
    sizes = [size] * -(-n // size) if isinstance(size, int) else list(size)
    return np.split(x, list(accumulate(sizes))[:-1], axis=dim)


def _chunk(x: Any, chunks: int, dim: int = 0) -> Any:
    return _split(x, -(-x.shape[dim] // chunks), dim)


def _tensor_split(x: Any, sections: Any, dim: int = 0) -> Any:
    plain = sections if isinstance(sections, (int, tuple)) else numbers(sections).tolist()
    return np.array_split(x, plain, axis=dim)


def _unbind(x: Any, dim: int = 0) -> Any:
    return [x[at(x, dim, i)] for i in range(x.shape[dim])]


# --- repetition --------------------------------------------------------------------------


def _repeat_interleave(x: Any, repeats: Any, dim: int | None = None, **_: Any) -> Any:
    counts = repeats if isinstance(repeats, int) else numbers(repeats)
    return np.repeat(x, counts, axis=dim)


def _windows(x: Any, dim: int, size: int, step: int) -> Any:
    """Overlapping pieces of one axis, each piece along a new last axis."""
    if not x.ndim:
        return vector(x)
    starts = np.arange(0, x.shape[dim] - size + 1, step)
    pieces = np.take(x, starts[:, None] + np.arange(size), axis=dim)
    return np.moveaxis(pieces, dim % x.ndim + 1, -1)


def _pad(x: Any, pad_sizes: tuple[int, ...], mode: str = "constant", value: Any = 0) -> Any:
    """PyTorch lists the sides from the last axis; negative ones cut."""
    pairs = [(0, 0)] * (x.ndim - len(pad_sizes) // 2)
    pairs += list(zip(pad_sizes[::2], pad_sizes[1::2], strict=True))[::-1]
    cuts = tuple(
        slice(max(-a, 0), n - max(-b, 0)) for (a, b), n in zip(pairs, x.shape, strict=True)
    )
    widths = [(max(a, 0), max(b, 0)) for a, b in pairs]
    return pad(x[cuts], widths, mode, 0 if value is None else value)


def _pixel_shuffle(x: Any, upscale_factor: int) -> Any:
    n, c, h, w = x.shape
    r = upscale_factor
    parts = x.reshape(n, c // r**2, r, r, h, w)
    return parts.transpose(0, 1, 4, 2, 5, 3).reshape(n, c // r**2, h * r, w * r)


def _pixel_unshuffle(x: Any, downscale_factor: int) -> Any:
    n, c, h, w = x.shape
    r = downscale_factor
    parts = x.reshape(n, c, h // r, r, w // r, r)
    return parts.transpose(0, 1, 3, 5, 2, 4).reshape(n, c * r**2, h // r, w // r)


def _pair(value: Any) -> tuple[int, int]:
    return (value, value) if isinstance(value, int) else tuple(value)


def _patches(x: Any, kernel_size: Any, dilation: Any = 1, padding: Any = 0, stride: Any = 1) -> Any:
    """The patches under a sliding kernel, one a column: (n, c, h, w) -> (n, c kh kw, places)."""
    (kh, kw), (dh, dw) = _pair(kernel_size), _pair(dilation)
    (ph, pw), (sh, sw) = _pair(padding), _pair(stride)
    x = pad(x, [(0, 0), (0, 0), (ph, ph), (pw, pw)])
    n, c, h, w = x.shape
    rows = dh * np.arange(kh)[:, None] + np.arange(0, h - dh * (kh - 1), sh)  # (kh, places)
    columns = dw * np.arange(kw)[:, None] + np.arange(0, w - dw * (kw - 1), sw)
    picked = x[:, :, rows[:, None, :, None], columns[None, :, None, :]]
    return picked.reshape(n, c * kh * kw, rows.shape[1] * columns.shape[1])


OPS: dict[str, Function] = {
    "broadcast_to": np.broadcast_to,
    "cat": _cat,
    "chunk": _chunk,
    "constant_pad_nd": lambda x, sizes, value=0: _pad(x, sizes, "constant", value),
    "diag": np.diag,
    "diag_embed": lambda x, offset=0: triangle.diag_embed(x, offset),
    "diagflat": lambda x, offset=0: np.diagflat(x, offset),
    "diagonal": lambda x, offset=0, dim1=0, dim2=1: np.diagonal(x, offset, dim1, dim2),
    "dstack": np.dstack,
    "expand": _expand,
    "flatten": _flatten,
    "flip": lambda x, *, dims: np.flip(x, dims),
    "fliplr": np.fliplr,
    "flipud": np.flipud,
    "hstack": np.hstack,
    "mT": lambda x: x.mT,
    "meshgrid.variadic_tensors": lambda *xs, indexing: np.meshgrid(*xs, indexing=indexing),
    "movedim": np.moveaxis,
    "narrow": lambda x, dim, start, n: x[at(x, dim, slice(int(start), int(start) + n))],
    "nn.functional.pad.circular": _pad,
    "nn.functional.pad.constant": _pad,
    "nn.functional.pad.reflect": _pad,
    "nn.functional.pad.replicate": _pad,
    "nn.functional.pixel_shuffle": _pixel_shuffle,
    "nn.functional.pixel_unshuffle": _pixel_unshuffle,
    "nn.functional.unfold": _patches,
    "permute": np.transpose,
    "ravel": np.ravel,
    "repeat": np.tile,
    "repeat_interleave": _repeat_interleave,
    "reshape": np.reshape,
    "roll": lambda x, shifts, dims=None: np.roll(x, shifts, dims),
    "rot90": lambda x, k=1, dims=(0, 1): np.rot90(x, k, dims),
    "split": _split,
    "split.list_args": _split,
    "split_with_sizes": _split,
    "squeeze": _squeeze,
    "squeeze.multiple": _squeeze,
    "stack": lambda xs, dim=0: np.stack(xs, axis=dim),
    "t": lambda x: x.T,
    "tensor_split": _tensor_split,
    "tile": np.tile,
    "transpose": _transpose,
    "tril": np.tril,
    "triu": np.triu,
    "unbind": _unbind,
    "unflatten": _unflatten,
    "unfold": _windows,
    "unsqueeze": np.expand_dims,
    "view": np.reshape,
    "vstack": np.vstack,
}
