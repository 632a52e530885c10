"""The API key with which the platform's own callers ask a model that wants one: `Service`, and the page's try-it.

The operator keeps the keys in a file or a Secret, of which the server knows every key; a caller takes the first.
"""

from __future__ import annotations

import os

from ..serving.keys import keys_in
from .errors import KeyUnknown
from .spec import ServiceSpec

VARIABLE = "TENFOLD_API_KEY"


def given() -> str | None:
    """The key that this process was given for all models that it asks."""
    return os.environ.get(VARIABLE) or None


def first(content: bytes, where: str) -> str:
    """The first key of a file.

    Raises:
        KeyUnknown: it has none.
    """
    found = keys_in(content)
    if not found:
        raise KeyUnknown(where, "it holds no key")
    return found[0].decode(errors="replace")


def of_file(spec: ServiceSpec) -> str | None:
    """The first key of a local service's file; None where nobody needs one.

    Raises:
        KeyUnknown: it cannot be read, or has none.
    """
    file = spec.server.api_keys_file
    if file is None:
        return None
    try:
        return first(file.read_bytes(), str(file))
    except OSError as e:
        raise KeyUnknown(str(file), e.strerror or str(e)) from e
