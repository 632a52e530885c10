"""What Locust's master says in a pod of a cluster, as lines of its log, and how they are read. Pure.

`pod.py` writes them, `tenfold.platform.kubernetes.loadtest` reads them. Both files of a run travel as numbered parts,
so that a log that is cut off is not taken for a result.
"""

from __future__ import annotations

import base64
import gzip
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import orjson

# With the words around it a line stays below 8 KiB; the cluster cuts lines of 16 KiB in two.
PART = 8000


@dataclass(frozen=True)
class Transcript:
    """What a log says.

    Attributes:
        begun: whether the run has begun.
        error: why it could not be done; "" when nothing says so.
        files: what was measured and the HTML report, as the run left them; None when they are not there as a whole.
        last: the last line that is none of these, such as the end of a traceback; "" when there is none.
    """

    begun: bool
    error: str
    files: tuple[bytes, bytes] | None
    last: str


def beginning() -> str:
    """The line that says that the run has begun."""
    return _line(begun=True)


def failure(sentence: str) -> str:
    """The line that says why the run could not be done."""
    return _line(error=sentence)


def result(measured: bytes, html: bytes) -> Iterator[str]:
    """The lines that carry the files of a run."""
    packed = base64.b64encode(gzip.compress(orjson.dumps([measured.decode(), html.decode()]))).decode()
    parts = [packed[at : at + PART] for at in range(0, len(packed), PART)]
    for number, part in enumerate(parts, start=1):
        yield _line(part=number, of=len(parts), data=part)


def read(lines: Iterable[str]) -> Transcript:
    """What these lines say."""
    begun, error, last = False, "", ""
    parts: dict[int, str] = {}
    wanted = 0
    for line in lines:
        said = _said(line)
        match said:
            case {"begun": True}:
                begun = True
            case {"error": str(sentence)}:
                error = sentence
            case {"part": int(number), "of": int(of), "data": str(data)}:
                parts[number], wanted = data, of
            case _:
                last = line.strip() or last
    whole = wanted > 0 and len(parts) == wanted
    return Transcript(begun, error, _unpacked("".join(parts[n] for n in sorted(parts))) if whole else None, last)


def _line(**words: Any) -> str:
    return orjson.dumps(words).decode()


def _said(line: str) -> Any:
    try:
        return orjson.loads(line)
    except orjson.JSONDecodeError:
        return None


def _unpacked(packed: str) -> tuple[bytes, bytes]:
    measured, html = orjson.loads(gzip.decompress(base64.b64decode(packed)))
    return measured.encode(), html.encode()
