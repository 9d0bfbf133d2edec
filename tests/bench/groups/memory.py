# SPDX-License-Identifier: MIT
"""Memory: an enqueue of many lines, and the worker that then drains them."""

import time

from figures import Figure
from measure import Failed, rss_kib_of, run_fed

JOBS = 1_000_000
CONCURRENCY = 500


def figures(place):
    count = place.fewer(JOBS) // (2 if place.quick else 1)
    url = place.nginx()
    store = place.fresh_store()
    outcome = run_fed(place.tool("events", "evt_bench", count, url),
                      place.whenqueue(store), count)
    yield Figure("memory", f"whenqueue over {count:,} lines, peak RSS", "MiB",
                 outcome.peak_kib / 1024, at_most=32)
    samples = rss_while_draining(place, store)
    yield Figure("memory", f"worker, {count:,} queued, concurrency {CONCURRENCY}, peak RSS",
                 "MiB", max(samples), at_most=64)
    yield Figure("memory", "worker, RSS at its end : a quarter of the way", "MiB",
                 samples[-1], samples[len(samples) // 4], at_most=1.1)


def rss_while_draining(place, store):
    """The worker's memory in MiB, every fifth of a second until it is done."""
    samples = []
    argv = place.whworker(store, CONCURRENCY, "--drain")
    with place.running(argv) as worker:
        while worker.poll() is None:
            samples.append(rss_kib_of(worker.pid) / 1024)
            time.sleep(0.2)
    if worker.returncode != 0 or len(samples) < 4:
        raise Failed(f"whworker: exit status {worker.returncode}")
    return samples
