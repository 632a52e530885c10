"""`python -m tenfold.serving`: one model server, configured by its environment or by flags of the same names.

`tenfold serve` calls `serve` with what its own options say. Everything that is wrong before the server runs ends in
one sentence and exit code 1.
"""

from __future__ import annotations

import ctypes
import gc
import os
import sys
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from pydantic import ValidationError
from pydantic_settings import CliApp, SettingsError

from .errors import KeysUnreadable, ModelUnloadable
from .inference_log.errors import InvalidLogUrl
from .lean import import_lean
from .listener import bound
from .settings import Settings

# What a request leaves behind goes without the collector, which need not look for it every 700 objects: that took a
# tenth of the time of a quick model's predictions.
_COLLECTOR = (20_000, 20, 100)
_M_ARENA_MAX, _M_MMAP_THRESHOLD, _M_TRIM_THRESHOLD = -8, -3, -1  # of glibc's malloc.h


def serve(values: Mapping[str, Any]) -> int:
    """Run a server with these settings, the environment's for the rest, until a signal. Returns the exit code."""
    try:
        return run(Settings(**values))
    except (ValidationError, SettingsError) as e:
        return _fail(_sentence(e))


def run(settings: Settings) -> int:
    """Run a server until a signal. Returns the exit code."""
    limit_threads(settings.cpu)
    share_heap()
    gc.set_threshold(*_COLLECTOR)
    import_lean()
    from . import logs
    from .server import ModelServer

    listener = None
    if settings.listen_fd is None:
        try:
            listener = bound(settings.host, settings.port)
        except OSError as e:
            return _fail(
                f"Nothing can listen on {settings.host}:{settings.port} ({e.strerror or e}). "
                f"Stop the program that does, or choose another port"
            )
    logs.set_up(f"{settings.name or settings.model} {settings.version}".strip())
    try:
        server = ModelServer(settings)
        if listener is not None and sys.stderr.isatty():
            host, port = listener.getsockname()[:2]
            sys.stderr.write(
                f"Serving {settings.model} on http://{host}:{port} (documentation at /docs, Ctrl-C ends it)\n"
            )
        server.run_on(listener)
    except (ModelUnloadable, InvalidLogUrl, KeysUnreadable) as e:
        return _fail(str(e))
    finally:
        if listener is not None:
            listener.close()
    return 0


def limit_threads(cpu: float) -> None:
    """Let BLAS and OpenMP use as many threads as the process has cores, unless the environment says otherwise.

    They read it once, when numpy is imported: so before that.
    """
    for library in ("OMP", "OPENBLAS", "MKL"):
        os.environ.setdefault(f"{library}_NUM_THREADS", str(max(1, int(cpu))))


def share_heap() -> None:
    """Have all threads allocate from one heap, where the C library is glibc. Before other threads allocate.

    It would give each thread a heap of its own, which keeps what it once had, though threads of Python hardly ever
    allocate at the same time. What is larger than 1 MiB lies outside of the heap, and goes back to the system with
    its request: glibc would raise that limit to 32 MiB by itself, and a small object that outlives a large body above
    it keeps the whole of the body's place. Up to 4 MiB at the heap's end stay, for the next request.
    """
    with suppress(AttributeError):
        libc = ctypes.CDLL(None)
        libc.mallopt(_M_ARENA_MAX, 1)
        libc.mallopt(_M_MMAP_THRESHOLD, 1 << 20)
        libc.mallopt(_M_TRIM_THRESHOLD, 4 << 20)


def _sentence(error: ValidationError | SettingsError) -> str:
    if isinstance(error, SettingsError):
        return f"The settings cannot be read: {error}"
    # The values stay out: one of them may be a URL with a password.
    wrong = (f"{'.'.join(map(str, e['loc'])) or 'settings'}: {e['msg']}" for e in error.errors(include_url=False))
    return f"The server's settings are wrong: {'; '.join(wrong)}. Each is TENFOLD_<NAME> in the environment, or a flag"


def _fail(sentence: str) -> int:
    sys.stderr.write(f"Error: {sentence}\n")
    return 1


def main() -> int:
    """Parse flags and environment, and serve."""
    try:
        settings = CliApp.run(Settings, cli_args=sys.argv[1:])
    except (ValidationError, SettingsError) as e:
        return _fail(_sentence(e))
    return run(settings)


if __name__ == "__main__":
    sys.exit(main())
