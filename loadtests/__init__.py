"""Load tests: Locust users, limits that fail a run, and the runner behind `tenfold loadtest`.

Only `users.py` and `hooks.py` import Locust, whose import replaces the standard library's sockets by gevent's: they
are loaded by Locust alone, in a process of its own. Everything else here is safe to import anywhere.
"""
