"""What a process held at most: the kernel counts it (VmHWM), so that no short peak is missed as between two samples."""

from __future__ import annotations

import re
from pathlib import Path

_FORGET_PEAK = "5"


def forget_peak(pid: int) -> None:
    """Begin to count anew (proc(5), clear_refs)."""
    Path(f"/proc/{pid}/clear_refs").write_text(_FORGET_PEAK)


def held(pid: int) -> float:
    """MiB that the process holds, resident (RSS).

    Raises:
        OSError: there is no such process.
    """
    return _field(pid, "VmRSS")


def peak(pid: int) -> float:
    """MiB that it held at most since `forget_peak`.

    Raises:
        OSError: there is no such process.
    """
    return _field(pid, "VmHWM")


def _field(pid: int, name: str) -> float:
    text = Path(f"/proc/{pid}/status").read_text()
    found = re.search(rf"^{name}:\s+(\d+) kB", text, re.MULTILINE)
    return int(found[1]) / 1024 if found else 0.0
