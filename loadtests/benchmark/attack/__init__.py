"""Whether a client without a key can hurt a model server that has keys.

    python -m tenfold.loadtests.benchmark.attack

    a server with keys on one core -> for each kind of attack: [100 connections that send it, at low priority and from
    another address | a client with a key that asks for one row, 200 times a second] -> memory, p99 -> bars, table

`http_kinds.py` and `rpc_kinds.py` say what is sent, as data; `attacker.py` sends it, in a process of its own;
`client.py` is the client that must not notice; `report.py` has the bars.
"""
