"""API keys, from a file that may change while the server runs.

One key per line; several are valid at once, so that a new one can be handed out before the old one is taken away. Empty
lines and lines that begin with # do not count. A mounted Secret of Kubernetes is such a file.
"""

from __future__ import annotations

import codecs
import hashlib
import hmac
import logging
import time
from pathlib import Path

from .errors import KeysUnreadable

_LOOK_SECONDS = _QUIET_SECONDS = 0.5

logger = logging.getLogger(__name__)


class ApiKeys:
    """The keys of a file, as it is once nobody writes it any more; while it cannot be read, the last ones are valid."""

    def __init__(self, file: Path) -> None:
        """Read the file.

        Raises:
            KeysUnreadable: it cannot be read.
        """
        self._file = file
        try:
            self._read = file.read_bytes()
        except OSError as e:
            raise KeysUnreadable(str(file), e.strerror or str(e)) from e
        self._digests = _digests(self._read)
        self._looked = time.monotonic()

    def accept(self, given: bytes) -> bool:
        """Whether `given` is one of the keys; takes as long for a key that is nearly right as for any other."""
        self._look()
        digest = _digest(given)
        matches = [hmac.compare_digest(digest, known) for known in self._digests]
        return any(matches)

    def _look(self) -> None:
        now = time.monotonic()
        if now - self._looked < _LOOK_SECONDS:
            return
        self._looked = now
        try:
            read, written = self._file.read_bytes(), self._file.stat().st_mtime
        except OSError as e:
            logger.warning(
                "The API keys in %s cannot be read (%s); those read before stay valid", self._file, e.strerror
            )
            return
        # Written a moment ago, it may only be half of what it will be.
        if read != self._read and not 0 <= time.time() - written < _QUIET_SECONDS:
            self._read, self._digests = read, _digests(read)
            logger.info("%s holds %d API keys now", self._file, len(self._digests))


def keys_in(content: bytes) -> list[bytes]:
    """The keys of a file, in its order."""
    lines = (line.strip() for line in content.removeprefix(codecs.BOM_UTF8).splitlines())
    return [line for line in lines if line and not line.startswith(b"#")]


def bearer(authorization: bytes) -> bytes:
    """The key in `Bearer KEY`; empty where there is none."""
    scheme, _, key = authorization.partition(b" ")
    return key.strip() if scheme.lower() == b"bearer" else b""


def _digests(content: bytes) -> list[bytes]:
    return [_digest(form) for key in keys_in(content) for form in _forms(key)]


def _forms(key: bytes) -> list[bytes]:
    """A key as clients send it: in UTF-8, or in Latin-1 as browsers and Node do, whichever the file is written in."""
    try:
        text = key.decode()
    except UnicodeDecodeError:
        text = key.decode("latin-1")
    try:
        return [*{text.encode(), text.encode("latin-1")}]
    except UnicodeEncodeError:
        return [text.encode()]


def _digest(key: bytes) -> bytes:
    return hashlib.sha256(key).digest()
