"""The API key of a service that asks for one: `TENFOLD_API_KEY` of this process, which those of a run inherit."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from ..serving.keys import keys_in

VARIABLE: Final = "TENFOLD_API_KEY"
# A pod is shown the service's own keys.
FILE_VARIABLE: Final = "TENFOLD_API_KEYS_FILE"


def headers() -> Mapping[str, str]:
    """What a request needs to be let in; nothing where no key is known."""
    key = os.environ.get(VARIABLE)
    return {"Authorization": f"Bearer {key}"} if key else {}


def take_from_file() -> None:
    """Use the first key of the file that the pod was given, if it was."""
    if file := os.environ.get(FILE_VARIABLE):
        os.environ[VARIABLE] = next((key.decode(errors="replace") for key in keys_in(Path(file).read_bytes())), "")
