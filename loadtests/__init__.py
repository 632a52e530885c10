"""Load tests: Locust users, limits that fail a run, and the runner behind `tenfold loadtest`.

Only `locustfile.py` imports Locust, whose import replaces the standard library's sockets by gevent's: it is loaded by
Locust alone, in a process of its own. Everything else here is safe to import anywhere.
"""
