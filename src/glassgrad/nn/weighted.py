"""What layers with one tensor of weights and a bias share: names, starting weights, suiting.

Layer L7. `Weighted` is the interface that `containers.settle` looks for; it computes nothing.
"""

from __future__ import annotations

from zlib import crc32

from glassgrad.nn import init as initialisers
from glassgrad.nn.init import Initializer
from glassgrad.nn.module import Module
from glassgrad.tensor import Parameter


class Weighted(Module):
    """A layer with weights `W`, a bias `b` or None, and an `init` that drew the weights."""

    W: Parameter
    b: Parameter | None
    init: Initializer

    def _fan_shape(self) -> tuple[int, ...]:
        """The shape by which an initialiser counts what feeds one unit."""
        return tuple(self.W.shape)

    def _settle_as_drawn(self) -> None:
        """Remember the weights that "auto" drew for the He family."""
        self._family = "he"
        self._drawn = self._fingerprint()

    def suit(self, activation: str) -> None:
        """Scale weights that "auto" drew, and nobody wrote since, to what fits `activation`."""
        if self.init.name != "auto" or self._drawn != self._fingerprint():
            return
        family, shape = initialisers.family_for(activation), self._fan_shape()
        ratio = initialisers.deviation(family, shape) / initialisers.deviation(self._family, shape)
        self.W.assign((self.W.data * ratio).astype(self.W.dtype))
        self._family = family
        self._drawn = self._fingerprint()

    def _fingerprint(self) -> int:
        return crc32(self.W.data.tobytes())

    @property
    def weight(self) -> Parameter:
        """Another name of `W`."""
        return self.W

    @weight.setter
    def weight(self, value: Parameter) -> None:
        self.W = value

    @property
    def bias(self) -> Parameter | None:
        """Another name of `b`."""
        return self.b

    @bias.setter
    def bias(self, value: Parameter | None) -> None:
        self.b = value


__all__ = ["Weighted"]
