"""The settings of the package: one object, changed only through one context manager.

Layer L0. `config.float` is the dtype that Python floats and lists become.
"""

from __future__ import annotations

import os
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass(frozen=True)
class Settings:
    """float: dtype of new arrays; verify: check every graph that is built; data: data folder;
    cache: folder of compiled code, or "off"; empty for the platform's own."""

    float: np.dtype = field(default_factory=lambda: np.dtype(np.float32))
    verify: bool = False
    data: Path | None = None
    cache: str = ""


class _Config:
    """The only mutable global of the package."""

    def __init__(self) -> None:
        folder = os.environ.get("GLASSGRAD_DATA")
        cache = os.environ.get("GLASSGRAD_CACHE", "")
        self._settings = Settings(data=Path(folder) if folder else None, cache=cache)

    @property
    def float(self) -> np.dtype:
        return self._settings.float

    @property
    def verify(self) -> bool:
        return self._settings.verify

    @property
    def data(self) -> Path | None:
        return self._settings.data

    @property
    def cache(self) -> str:
        return self._settings.cache

    @contextmanager
    def using(self, **changes: object) -> Iterator[None]:
        """Change settings inside a `with` block: `config.using(float=np.float64)`."""
        before = self._settings
        if "float" in changes:
            changes["float"] = np.dtype(changes["float"])  # type: ignore[call-overload]
        self._settings = replace(before, **changes)  # type: ignore[arg-type]
        try:
            yield
        finally:
            self._settings = before


config = _Config()
