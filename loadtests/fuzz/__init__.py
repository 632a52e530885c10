"""A fuzzer on all protocols of a model server: `python -m tenfold.loadtests.fuzz --start`.

Request number n of a seed is always the same bytes, so a failure is sent again by its number.

    target.py      what the server serves, and what it must answer to a pool of rows
    valid.py       requests that must be answered with those predictions
    broken.py      what is done to them, to bodies, to heads, and to connections
    monsters.py    bodies with too much of something
    raw.py         streams of bytes that are nearly HTTP/1.1
    cases.py       request number n
    exchange.py    sends it over a socket and reads the answers; rpc.py does so over gRPC
    traffic.py     cases, and the connections that carry them out
    costs.py       processor time and memory of each kind
    run.py         several connections, at a bounded rate
    memory.py      what the server's process holds meanwhile
    result.py      what came of it, and which bars broke
    server.py      a server of its own, with a model of its own
"""
