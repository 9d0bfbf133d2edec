# SPDX-License-Identifier: MIT
"""Accepting events: a pipe of them against bare inserts, and one in one process."""

import json
import os

from figures import Figure
from measure import ask_outcome, interleave, median, run_fed
from place import CLIENT_CPU

LINES = 200_000
PROCESSES = 200
URL = "http://127.0.0.1:9/hook"  # nothing is delivered

SHELL_SCHEMA = """
PRAGMA journal_mode=WAL;
CREATE TABLE job(id INTEGER PRIMARY KEY, event_id TEXT UNIQUE, url TEXT, payload BLOB);
"""


def figures(place):
    yield from pipe(place)
    yield from one_process(place)


def enqueue(place, count, log=None):
    env = place.probed(log) if log else None
    return run_fed(place.tool("events", "evt_bench", count, URL),
                   place.whenqueue(place.fresh_store()), count, env=env)


def rows_per_commit(place, count):
    """How many rows whenqueue commits at once, from the number of its locks."""
    log = place.path("enqueue-locks")
    enqueue(place, count, log)
    with open(log, encoding="ascii") as file:
        return max(1, count // json.loads(file.readline())["locks"])


def insert_ours(place, count, batch):
    store = place.fresh_store()
    run_fed(place.tool("events", "evt_first", 1, URL), place.whenqueue(store), 1)
    return ask_outcome(place.tool("insert_ours", store, count, batch), {CLIENT_CPU})


def insert_loop(place, count, batch):
    store = place.fresh_store()
    return ask_outcome(place.tool("insert_loop", store, count, batch), {CLIENT_CPU})


def pipe(place):
    count = place.fewer(LINES)
    batch = rows_per_commit(place, count)
    got = interleave(place.rounds, ours=lambda: enqueue(place, count),
                     same=lambda: insert_ours(place, count, batch),
                     bare=lambda: insert_loop(place, count, batch))
    ours = median(got["ours"], "rate") / 1e3
    name = f"pipe of 1 KB events, {batch} a commit"
    yield Figure("enqueue", f"{name} : same rows", "k/s", ours,
                 median(got["same"], "rate") / 1e3, at_least=0.7)
    yield Figure("enqueue", f"{name} : two-table rows", "k/s", ours,
                 median(got["bare"], "rate") / 1e3)
    yield Figure("enqueue", "pipe, CPU per event", "us", median(got["ours"], "cpu_us"),
                 median(got["same"], "cpu_us"))


def one_process(place):
    count = place.fewer(PROCESSES)
    event = place.sample_event(URL)
    store = place.fresh_store()
    shell_store = os.path.join(os.path.dirname(store), "shell.db")
    insert = ("PRAGMA synchronous=FULL; INSERT INTO job(event_id, url, payload) VALUES("
              f"hex(randomblob(16)), '{URL}', '{'x' * 1000}')")
    run_fed(["true"], ["sqlite3", shell_store, SHELL_SCHEMA], 1)
    got = interleave(
        place.rounds,
        ours=lambda: ask_outcome(
            place.tool("spawn_loop", count, event, *place.whenqueue(store))),
        shell=lambda: ask_outcome(
            place.tool("spawn_loop", count, "/dev/null", "sqlite3", shell_store, insert)))
    yield Figure("enqueue", "one event in one process : sqlite3 shell", "ms",
                 1e3 / median(got["ours"], "rate"), 1e3 / median(got["shell"], "rate"),
                 at_most=1)
    yield Figure("enqueue", "one event in one process, CPU : sqlite3 shell", "ms",
                 median(got["ours"], "cpu_us") / 1e3,
                 median(got["shell"], "cpu_us") / 1e3)
