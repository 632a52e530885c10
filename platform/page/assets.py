"""The page's own files and plotly's, held in memory with a digest in their address.

Who uses it: `app.py` serves them, the templates link them as `static/<build>/<name>`. The build is a digest of all
of them, so that a browser may keep each for a year and still gets every file anew, all at once, after an update.
plotly.min.js comes out of the plotly package (the only bundle that version 7 ships besides its notebook widget):
4.8 MB, 1.5 MB as it is sent.
"""

from __future__ import annotations

import gzip
import hashlib
import re
from dataclasses import dataclass
from functools import cached_property
from importlib.resources import files
from importlib.resources.abc import Traversable

PLOTLY = "plotly.min.js"
_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}


@dataclass(frozen=True)
class Asset:
    """One file; text, so worth compressing."""

    name: str
    content: bytes

    @property
    def media_type(self) -> str:
        """What the Content-Type header says."""
        return _TYPES[self.name[self.name.rindex(".") :]]

    @cached_property
    def compressed(self) -> bytes:
        """The content as gzip; made on first use, since plotly takes a third of a second."""
        return gzip.compress(self.content, 6, mtime=0)


class Assets:
    """All files by name; a name that is not among them does not exist, whatever is on the disk."""

    def __init__(self) -> None:
        self._by_name = {a.name: a for a in map(_read, _files())}
        together = hashlib.sha256()
        for name in sorted(self._by_name):
            together.update(name.encode() + b"\0" + hashlib.sha256(self._by_name[name].content).digest())
        self.build = together.hexdigest()[:12]
        self.plotly_styles = _style_ids(self._by_name[PLOTLY].content)

    def get(self, name: str) -> Asset | None:
        """The file of that name."""
        return self._by_name.get(name)


def _style_ids(bundle: bytes) -> tuple[str, ...]:
    """Ids of the style elements that plotly makes when it is loaded, unless an element of that id is there already.

    They belong to its maps, which the page does not draw, and the page's policy would refuse them with an error.
    """
    return tuple(sorted({found.decode() for found in re.findall(rb'getElementById\("([0-9a-f]{64})"\)', bundle)}))


def _files() -> list[Traversable]:
    own = [f for f in files(__package__ or "").joinpath("static").iterdir() if not f.name.startswith((".", "_"))]
    return [*own, files("plotly").joinpath("package_data", PLOTLY)]


def _read(file: Traversable) -> Asset:
    return Asset(file.name, file.read_bytes())
