# SPDX-License-Identifier: MIT
"""Many processes on one file: eight writers, two workers, and how long each waited."""

import contextlib
import json
import subprocess

from figures import Figure
from measure import Failed, run
from place import wait_for_store

WRITERS, WORKERS, EVENTS = 8, 2, 20_000


def figures(place):
    url, store = place.nginx(), place.fresh_store()
    count = place.fewer(EVENTS)
    log, complaints = place.path("locks"), place.path("locks-stderr")
    with open(complaints, "w", encoding="utf-8") as stderr:
        options = {"env": place.probed(log), "stderr": stderr}
        with contextlib.ExitStack() as workers:
            for _ in range(WORKERS):
                workers.enter_context(
                    place.started(place.whworker(store, 50), **options))
            wait_for_store(store)
            write(place, store, url, count, options)
        run(place.whworker(store, 50, "--drain"), 1, stderr=stderr)
    yield Figure("locks", f"{WRITERS} writers and {WORKERS} workers, worst wait", "ms",
                 worst_ms(log), at_most=250)
    yield Figure("locks", "complaints of a locked or busy store", "lines",
                 complaints_of_locks(complaints), at_most=0)
    yield Figure("locks", "events that were not delivered", "", undelivered(place, store),
                 at_most=0)


def write(place, store, url, count, options):
    """Runs the writers side by side, each with events of its own."""
    writers = []
    for number in range(WRITERS):
        source = subprocess.Popen(place.tool("events", f"evt_{number}", count, url),
                                  stdout=subprocess.PIPE)
        writers.append(source)
        writers.append(subprocess.Popen(place.whenqueue(store), stdin=source.stdout,
                                        stdout=subprocess.DEVNULL, **options))
        source.stdout.close()
    for writer in writers:
        if writer.wait() != 0:
            raise Failed(f"{writer.args[0]}: exit status {writer.returncode}")


def worst_ms(log):
    with open(log, encoding="ascii") as file:
        return max(json.loads(line)["worst_ms"] for line in file)


def complaints_of_locks(path):
    with open(path, encoding="utf-8") as file:
        return sum("locked" in line or "busy" in line for line in file)


def undelivered(place, store):
    stats = subprocess.run(place.program("whqueue", "stats", "--db", store, "-o", "json"),
                           stdout=subprocess.PIPE, check=True)
    total = json.loads(stats.stdout)[0]
    return WRITERS * place.fewer(EVENTS) - total["completed"]
