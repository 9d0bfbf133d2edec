# SPDX-License-Identifier: MIT
"""A healthy endpoint alone, and beside one that accepts and never answers."""

import time

from figures import Figure
from measure import ask, run_fed
from place import wait_for_store

BACKLOG = 100_000
EVENTS = 300
PAUSE_MS = 20
CONCURRENCY = 50


def figures(place):
    alone = healthy_p99(place, 0)
    beside = healthy_p99(place, place.fewer(BACKLOG))
    yield Figure("fairness", f"healthy p99 beside {place.fewer(BACKLOG):,} black-hole jobs"
                 " : alone", "ms", beside, alone, at_most=1.5)


def healthy_p99(place, backlog):
    """From due to the request, in ms, of a trickle, while a black hole has a backlog."""
    store = place.fresh_store()
    with place.slow_receiver("never") as url:
        if backlog > 0:
            run_fed(place.tool("events", "evt_hole", backlog, url),
                    place.whenqueue(store), backlog)
        with place.started(place.whworker(store, CONCURRENCY, "--grace", "1s")):
            wait_for_store(store)
            time.sleep(1)  # the black hole has taken what it will get
            answer = ask(place.tool("latency", place.fewer(EVENTS), PAUSE_MS,
                                    *place.whenqueue(store)))
    return answer["p99_ms"]
