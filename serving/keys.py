"""API keys, from a file that may change while the server runs.

One key per line; several are valid at once, so that a new one can be handed out before the old one is taken away. Empty
lines and lines that begin with # do not count. A mounted Secret of Kubernetes is such a file.
"""

from __future__ import annotations

import hashlib
import hmac
import logging
import time
from pathlib import Path

from .errors import KeysUnreadable, Unauthorized

_LOOK_SECONDS = 0.5

logger = logging.getLogger(__name__)


class ApiKeys:
    """The keys of one file. What it says at two looks in a row is valid, which is within a second; while it cannot be
    read, its last keys are.
    """

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
        self._seen = self._read  # when it was looked at last
        self._digests = _digests(self._read)
        self._looked = time.monotonic()

    def accept(self, given: bytes) -> bool:
        """Whether `given` is one of the keys; takes as long for a key that is nearly right as for any other."""
        self._look()
        digest = _digest(given)
        matches = [hmac.compare_digest(digest, known) for known in self._digests]
        return any(matches)

    def check(self, authorization: bytes) -> None:
        """Let pass who sends `Bearer KEY` with a valid key, as it stands in the file.

        Raises:
            Unauthorized: anyone else.
        """
        given = _bearer(authorization)
        if not given or not self.accept(given):
            raise Unauthorized(bool(given))

    def has(self, authorization: bytes) -> bool:
        """Whether `check` lets it pass."""
        given = _bearer(authorization)
        return bool(given) and self.accept(given)

    def _look(self) -> None:
        now = time.monotonic()
        if now - self._looked < _LOOK_SECONDS:
            return
        self._looked = now
        try:
            read = self._file.read_bytes()
        except OSError as e:
            logger.warning(
                "The API keys in %s cannot be read (%s); those read before stay valid", self._file, e.strerror
            )
            return
        if read != self._read:
            if read != self._seen:  # maybe it is only half written
                self._seen = read
                return
            self._read, self._digests = read, _digests(read)
            logger.info("%s holds %d API keys now", self._file, len(self._digests))


def keys_in(content: bytes) -> list[bytes]:
    """The keys of a file, in its order."""
    lines = (line.strip() for line in content.splitlines())
    return [line for line in lines if line and not line.startswith(b"#")]


def _bearer(authorization: bytes) -> bytes:
    scheme, _, key = authorization.partition(b" ")
    return key.strip() if scheme.lower() == b"bearer" else b""


def _digests(content: bytes) -> list[bytes]:
    return [_digest(form) for key in keys_in(content) for form in _forms(key)]


def _forms(key: bytes) -> list[bytes]:
    """A key as clients send it: in UTF-8, or in Latin-1 as browsers and Node do, whatever the file is written in."""
    try:
        latin = key.decode().encode("latin-1")
    except UnicodeError:
        return [key]
    return [key] if latin == key else [key, latin]


def _digest(key: bytes) -> bytes:
    return hashlib.sha256(key).digest()
