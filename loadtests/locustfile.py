"""The file that Locust is given: it takes up the users named here.

    locust -f .../tenfold/loadtests/locustfile.py --host http://127.0.0.1:8080 [PredictUser V2User InvocationsUser]

Locust loads it by its path, outside of its package: hence the absolute import. `users.py` has everything, so that a
locustfile of one's own starts with the same line.
"""

from tenfold.loadtests.users import InvocationsUser, PredictUser, V2User  # pyright: ignore[reportMissingImports]

__all__ = ["InvocationsUser", "PredictUser", "V2User"]
