"""Resident memory of this process: now, and the most since a moment.

Layer L10. Linux tells both exactly. Elsewhere `resource` tells the most since the start, and on
Windows nothing does.

NOTE: not `resource` on Linux: a child inherits the peak of whoever forked it, and shows that if its
own is lower.
"""

from __future__ import annotations

import re
import sys
from contextlib import suppress
from pathlib import Path

_STATUS, _CLEAR = Path("/proc/self/status"), Path("/proc/self/clear_refs")
_RESET_PEAK = "5"  # proc(5): the peak becomes the present size


class Peak:
    """The most resident memory above that of the moment at which this is made.

    >>> peak = Peak()
    >>> bytes_above = peak.above()
    >>> bytes_above is None or bytes_above >= 0
    True
    """

    def __init__(self) -> None:
        if _STATUS.exists():
            with suppress(OSError):  # then what came before counts too: an upper bound
                _CLEAR.write_text(_RESET_PEAK, encoding="ascii")
        self.before = _resident()

    def above(self) -> int | None:
        """Bytes; None where the system does not tell."""
        most = _most()
        return None if most is None or self.before is None else max(0, most - self.before)


def _resident() -> int | None:
    found = _of_status("VmRSS")
    return _most() if found is None else found


def _most() -> int | None:
    found = _of_status("VmHWM")
    if found is not None:
        return found
    try:
        import resource  # noqa: PLC0415 - Windows has none
    except ImportError:
        return None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def _of_status(field: str) -> int | None:
    try:
        text = _STATUS.read_text(encoding="ascii", errors="replace")
    except OSError:
        return None
    found = re.search(rf"^{field}:\s+(\d+) kB", text, re.MULTILINE)
    return None if found is None else 1024 * int(found[1])
