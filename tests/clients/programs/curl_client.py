"""The program curl, started for each request: as it comes, by HTTP/1.0, and asking for compressed answers."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from answers import Answer, Ask, run

ADDRESS = sys.argv[1]


def curl(*options: str) -> Ask:
    folder = Path(tempfile.mkdtemp())

    def ask(request: dict[str, Any], body: bytes) -> Answer:
        headers = dict(request["headers"])
        if request["chunked"] and "--http1.0" not in options:
            headers["Transfer-Encoding"] = "chunked"
        if request["expect"]:
            headers["Expect"] = "100-continue"
        command = ["curl", "--silent", "--show-error", "--max-time", "300", "--noproxy", "*", *options]
        command += ["--dump-header", str(folder / "head"), "--output", str(folder / "body")]
        command += [word for name, value in headers.items() for word in ("--header", f"{name}: {value}")]
        command += ["--head"] if request["method"] == "HEAD" else ["--request", request["method"]]
        command += ["--data-binary", "@-"] if body else []
        (folder / "body").write_bytes(b"")
        subprocess.run([*command, ADDRESS + request["path"]], input=body, check=True, capture_output=True)
        return read(folder, head_only=request["method"] == "HEAD")

    return ask


def read(folder: Path, *, head_only: bool) -> Answer:
    # After an interim answer, 100 Continue, comes the one that counts.
    last = (folder / "head").read_text().rstrip().split("\n\n")[-1].splitlines()
    fields = (line.partition(":") for line in last[1:])
    headers = {name.lower(): value.strip() for name, _, value in fields}
    return int(last[0].split()[1]), headers, b"" if head_only else (folder / "body").read_bytes()


if __name__ == "__main__":
    run(lambda: curl(), lambda: curl("--http1.0"), lambda: curl("--compressed"))
