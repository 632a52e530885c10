"""Runs alone inside a container: starts the server on a port, asks it, stops it, and prints as JSON what it said."""

from __future__ import annotations

import http.client
import json
import subprocess
import sys
import time

PORT, ROWS = sys.argv[1:3]


def ask(path: str, body: str | None = None) -> object:
    connection = http.client.HTTPConnection("127.0.0.1", int(PORT), timeout=10)
    connection.request("POST" if body else "GET", path, body, {"Content-Type": "application/json"})
    answer = connection.getresponse()
    if answer.status != 200:
        raise OSError(f"{path}: {answer.status}")
    return json.load(answer)


server = subprocess.Popen([sys.executable, "-m", "tenfold.serving", "--host", "127.0.0.1", "--port", PORT])
try:
    deadline = time.monotonic() + 90
    while True:
        try:
            ask("/v2/health/ready")
            break
        except (OSError, http.client.HTTPException):
            if server.poll() is not None or time.monotonic() > deadline:
                raise
            time.sleep(0.1)
    answers = {"predict": ask("/predict", ROWS)}
finally:
    server.terminate()
    code = server.wait(60)
print(json.dumps({**answers, "exit code": code}))
