"""The benchmark that anyone can repeat: tenfold, its peers and the limits, measured one after the other, in rounds.

    python -m tenfold.loadtests.benchmark

    environments (a virtual one per peer) -> models (fitted in each) -> rounds: for every server and model
    [start -> first right answer -> answers are scikit-learn's -> load -> memory -> stop] -> result -> bars, table

What is measured is data: `servers.py` says who, `workloads.py` what is asked, `protocols.py` how. `docs/performance.md`
holds what came out. Commands of their own:

    tune                      the best configuration of a peer
    profile, instructions     where the time of a request goes
    attack                    what a client without a key costs others
    overload, inference_log, parsers, local_replicas
"""
