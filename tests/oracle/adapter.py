"""glassgrad as `check_oracle.py` sees it: tensors, gradients, operators by PyTorch's names.

The oracle is a pack of numbers beside the checkout (`../shared/oracle`). This folder only
translates PyTorch's calling conventions; every number is computed by glassgrad's eager tensors.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

if (_TESTS := str(Path(__file__).resolve().parents[1])) not in sys.path:
    sys.path.insert(0, _TESTS)  # the checker loads this file alone, by its path

import numpy as np

from glassgrad.autodiff import tape
from glassgrad.tensor import Tensor, no_grad
from glassgrad.tensor import tensor as new_tensor
from oracle import (
    activations,
    arrangement,
    elements,
    elementwise,
    layers,
    linear,
    losses,
    reductions,
    spatial,
)

OPS: dict[str, Callable[..., Any]] = {
    **elementwise.OPS,
    **reductions.OPS,
    **linear.OPS,
    **arrangement.OPS,
    **elements.OPS,
    **{f"nn.functional.{name}": call for name, call in activations.OPS.items()},
    **{f"nn.functional.{name}": call for name, call in layers.OPS.items()},
    **{f"nn.functional.{name}": call for name, call in losses.OPS.items()},
    **{f"nn.functional.{name}": call for name, call in spatial.OPS.items()},
}
for _name in ("softmax", "log_softmax"):
    OPS[_name] = OPS.pop(f"nn.functional.{_name}")


def tensor(array: np.ndarray, requires_grad: bool) -> Tensor:
    return new_tensor(array, requires_grad=requires_grad)


def to_numpy(value: Any) -> np.ndarray:
    return value.data if isinstance(value, Tensor) else np.asarray(value)


def dtype(name: str) -> np.dtype:
    """'torch.float32' -> float32."""
    return np.dtype(name.removeprefix("torch."))


def vjp(
    outs: Sequence[Any], ins: Sequence[Tensor], cotangents: Sequence[Tensor], create_graph: bool
) -> list[Tensor | None]:
    """d(sum_i <outs_i, cotangents_i>)/d(ins), itself recorded if `create_graph`."""
    pairs = [(o, ct) for o, ct in zip(outs, cotangents, strict=True) if is_recorded(o)]
    if create_graph:
        return _gradients(pairs, ins)
    with no_grad():
        return _gradients(pairs, ins)


def is_recorded(value: Any) -> bool:
    return isinstance(value, Tensor) and value.requires_grad


def _gradients(pairs: Sequence[tuple[Tensor, Tensor]], ins: Sequence[Tensor]) -> list[Any]:
    return tape.gradients(
        [out.origin for out, _ in pairs if out.origin is not None],
        [x.origin for x in ins if x.origin is not None],
        [ct for _, ct in pairs],
        lambda value, node, number: Tensor(value, (node, number)),
    )
