# SPDX-License-Identifier: MIT
"""An idle worker: how soon it delivers what comes, and what it costs while nothing does."""

import time

from figures import Figure
from measure import ask, cpu_seconds_of
from place import wait_for_store

EVENTS = 200
PAUSE_MS = 20
IDLE_SECONDS = 10


def figures(place):
    store = place.fresh_store()
    with place.started(place.whworker(store, 5)) as worker:
        wait_for_store(store)
        time.sleep(0.5)  # so that starting up does not count as being idle
        idle = idle_share(worker.pid, 3 if place.quick else IDLE_SECONDS)
        answer = ask(place.tool("latency", place.fewer(EVENTS), PAUSE_MS,
                                *place.whenqueue(store)))
    yield Figure("latency", "receipt to request, p50", "ms", answer["p50_ms"], at_most=5)
    yield Figure("latency", "receipt to request, p99", "ms", answer["p99_ms"], at_most=25)
    yield Figure("latency", "CPU of an idle worker", "%", idle * 100, at_most=0.2)


def idle_share(pid, seconds):
    before = cpu_seconds_of(pid)
    time.sleep(seconds)
    return (cpu_seconds_of(pid) - before) / seconds
