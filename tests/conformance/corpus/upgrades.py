"""`Upgrade` and `Expect` in all combinations, with the body in the same segment and in a second one."""

from __future__ import annotations

from collections.abc import Iterator

from . import reasons
from .stream import CHUNKED, HOST, LENGTH, ONE, SMUGGLED, Stream, chunks, get, head, post

UPGRADES = {
    "no upgrade": (),
    "h2c with settings": ("Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: AAMAAABkAAQAAP__"),
    "h2c": ("Connection: Upgrade", "Upgrade: h2c"),
    "websocket": (
        "Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13",
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
    ),
    "TLS": ("Connection: Upgrade", "Upgrade: TLS/1.0"),
    "upgrade that is unknown": ("Connection: upgrade", "Upgrade: foo/1, bar"),
    "upgrade that Connection does not name": ("Upgrade: h2c",),
}  # fmt: skip
EXPECTS = {
    "no expectation": (),
    "100-continue": ("Expect: 100-continue",),
    "100-Continue in capitals": ("Expect: 100-CONTINUE",),
    "another expectation": ("Expect: 200-ok",),
}


def _combined() -> Iterator[Stream]:
    for upgrade, asked in UPGRADES.items():
        for expect, expected in EXPECTS.items():
            if upgrade == "no upgrade" and expect == "no expectation":
                continue
            first = head("POST /predict HTTP/1.1", HOST, *asked, *expected, LENGTH)
            name = f"{upgrade}, {expect}"
            after = post(content=b'{"rows": [[4.0]]}')
            continues = "100" in expect
            other = expect == "another expectation"
            same = (
                "200=3 200=9 open"
                + (" | 100 200=3 200=9 open" if continues else "")
                + (" | 417 200=9 open | 417 closed" if other else "")
            )
            later = ("100 " if continues else "") + "200=3 open" + (" | 417 open | 417 closed" if other else "")
            yield Stream(
                f"{name}, body at once",
                (first + ONE + after,),
                "9110 7.8, 10.1.1",
                same,
                ours=("100 " if continues else "") + "200=3 200=9 open",
            )
            yield Stream(f"{name}, body in a second segment", (first, ONE), "9110 7.8, 10.1.1", later)


STREAMS = (
    *_combined(),
    *(
        Stream(f"{upgrade} on GET", (get("/ping", *asked) + get("/ping"),), "9110 7.8", "200 200 open")
        for upgrade, asked in UPGRADES.items()
    ),
    Stream("h2c, and the preface of HTTP/2 behind it",
           (get("/ping", *UPGRADES["h2c with settings"]) + b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",), "9110 7.8",
           "200 400 closed | 200 505 closed", h11="200 404 400 closed", why=reasons.VERSIONS),
    Stream("h2c whose body is a request",
           (head("POST /none HTTP/1.1", HOST, *UPGRADES["h2c"], f"Content-Length: {len(SMUGGLED)}") + SMUGGLED,),
           "9110 7.8", "404 open"),
    Stream("h2c whose body, in a second segment, is a request",
           (head("POST /none HTTP/1.1", HOST, *UPGRADES["h2c"], f"Content-Length: {len(SMUGGLED)}"), SMUGGLED),
           "9110 7.8", "404 open"),
    Stream("h2c with chunks", (chunks().removesuffix(b"\r\n") + head(*UPGRADES["h2c"]) + CHUNKED,), "9110 7.8",
           "200=3 open"),
    Stream("h2c with chunks in a second segment",
           (chunks().removesuffix(b"\r\n") + head(*UPGRADES["h2c"]), CHUNKED), "9110 7.8", "200=3 open"),
    Stream("h2c that closes", (post("Connection: Upgrade, close", "Upgrade: h2c"),), "9110 7.8", "200=3 closed"),
    Stream("h2c in HTTP/1.0", (head("POST /predict HTTP/1.0", *UPGRADES["h2c"], LENGTH) + ONE,), "9110 7.8",
           "200=3 closed"),
    Stream("h2c in a pipeline", (post() + post(*UPGRADES["h2c"]) + post(),), "9110 7.8", "200=3 200=3 200=3 open"),
    Stream("100-continue without a body", (get("/ping", "Expect: 100-continue"),), "9110 10.1.1", "200 open",
           h11="100 200 open", why=reasons.CONTINUE),
    Stream("100-continue in HTTP/1.0", (head("POST /predict HTTP/1.0", LENGTH, "Expect: 100-continue") + ONE,),
           "9110 10.1.1", "200=3 closed"),
    Stream("100-continue with chunks",
           (chunks().removesuffix(b"\r\n") + head("Expect: 100-continue"), CHUNKED), "9110 10.1.1", "100 200=3 open"),
    Stream("100-continue on an unknown path",
           (head("POST /none HTTP/1.1", HOST, LENGTH, "Expect: 100-continue"), ONE), "9110 10.1.1",
           "404 closed | 404 open | 100 404 open", h11="100 404 open", why=reasons.CONTINUE),
    Stream("100-continue, and a length above the limit",
           (head("POST /predict HTTP/1.1", HOST, f"Content-Length: {17 * 2**20}", "Expect: 100-continue"),),
           "9110 10.1.1", "413 closed", h11="100 waiting", why=reasons.BODY),
    Stream("100-continue, and the client never sends", (head("POST /predict HTTP/1.1", HOST, LENGTH,
           "Expect: 100-continue"),),
           "9110 10.1.1", "100 408 closed", h11="100 waiting", why=reasons.TIME),
    Stream("two expectations", (post("Expect: 100-continue, foo"),), "9110 10.1.1",
           "200=3 open | 417 open | 417 closed | 100 200=3 open", h11="100 200=3 open", why=reasons.CONTINUE),
)  # fmt: skip
