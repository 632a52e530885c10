"""A digest of a model's files: what was registered is what is served.

The registry tags a version with it (`training/registry.py`); `locate` compares before anything of the files is read.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

DIGEST_TAG = "tenfold.digest"
# MLflow writes it into a folder that it downloads by a models:/ URI.
_NOT_OF_THE_MODEL = "registered_model_meta"


def digest(folder: Path) -> str:
    """`sha256:` and 64 hexadecimal digits, over the names and contents of all files below `folder`."""
    whole = hashlib.sha256()
    files = {file.relative_to(folder).as_posix(): file for file in folder.rglob("*") if file.is_file()}
    for name in sorted(files.keys() - {_NOT_OF_THE_MODEL}):
        with files[name].open("rb") as content:
            own = hashlib.file_digest(content, "sha256")
        # Of a digest the length is known, and a name holds no zero byte: no two folders give the same bytes.
        whole.update(name.encode() + b"\0" + own.digest())
    return f"sha256:{whole.hexdigest()}"
