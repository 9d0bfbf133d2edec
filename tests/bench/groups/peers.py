# SPDX-License-Identifier: MIT
"""Bull 4 and BullMQ on Redis with appendfsync always, beside ours."""

import contextlib
import os
import shutil
import subprocess
import time

from figures import Figure
from groups.delivery import drain
from groups.enqueue import enqueue
from measure import Failed, ask, interleave, median, outcome_of
from place import RECEIVER_CPU, pin_to

HERE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
JOBS = {5: 20_000, 50: 100_000, 500: 20_000}  # by concurrency; 100 000 are "warm"
RATE_GOALS = {5: 3, 50: 2, 500: 3}
KINDS = ("bull", "bullmq")


def figures(place):
    install(place)
    for concurrency, jobs in JOBS.items():
        yield from at_concurrency(place, concurrency, place.fewer(jobs))
    place.forget_templates()


def install(place):
    """The packages of peers/package.json, under the build directory."""
    directory = os.path.join(place.tools, "peers")
    shutil.copytree(os.path.join(HERE, "peers"), directory, dirs_exist_ok=True)
    if not os.path.isdir(os.path.join(directory, "node_modules")):
        subprocess.run(["npm", "install", "--no-audit", "--no-fund", "--no-package-lock",
                        "--ignore-scripts", "--loglevel=error"], cwd=directory, check=True)


@contextlib.contextmanager
def redis(place):
    """An empty Redis on a socket, every write synced; yields its process and socket."""
    directory = place.path("redis")
    shutil.rmtree(directory, ignore_errors=True)
    os.mkdir(directory)
    socket = os.path.join(directory, "socket")
    argv = ["redis-server", "--port", "0", "--unixsocket", socket, "--dir", directory,
            "--appendonly", "yes", "--appendfsync", "always", "--save", ""]
    with place.started(argv, preexec_fn=pin_to(RECEIVER_CPU)) as process:
        until = time.monotonic() + 10
        while not os.path.exists(socket):
            if time.monotonic() > until:
                raise Failed("redis-server does not start")
            time.sleep(0.02)
        yield process, socket


def peer(place, kind, jobs, concurrency):
    with redis(place) as (process, socket):
        return ask(["node", os.path.join(place.tools, "peers", "peer.mjs"), kind, socket,
                    str(jobs), str(concurrency), place.sample_event(place.nginx())],
                   env=dict(os.environ, REDIS_PID=str(process.pid)))


def at_concurrency(place, concurrency, jobs):
    url = place.nginx()
    got = interleave(
        place.rounds, ours=lambda: drain(place, url, jobs, concurrency),
        ours_added=lambda: enqueue(place, jobs),
        **{kind: lambda kind=kind: peer(place, kind, jobs, concurrency)
           for kind in KINDS})
    rate, cpu = median(got["ours"], "rate") / 1e3, median(got["ours"], "cpu_us")
    for kind in KINDS:
        delivered = [outcome_of(answer["delivered"]) for answer in got[kind]]
        added = [outcome_of(answer["added"]) for answer in got[kind]]
        name = f"concurrency {concurrency}, {jobs // 1000} k jobs"
        goal = kind == "bull"
        yield Figure("peers", f"{name}, rate : {kind}", "k/s", rate,
                     median(delivered, "rate") / 1e3,
                     at_least=RATE_GOALS[concurrency] if goal else None)
        yield Figure("peers", f"{name}, CPU : {kind} with Redis", "us", cpu,
                     median(delivered, "cpu_us"), at_most=0.25 if goal else None)
        if concurrency == 50:
            yield Figure("peers", f"pipe of events : {kind} addBulk", "k/s",
                         median(got["ours_added"], "rate") / 1e3,
                         median(added, "rate") / 1e3, at_least=3 if goal else None)
            yield Figure("peers", f"{name}, peak RSS : {kind}'s worker", "MiB",
                         max(outcome.peak_kib for outcome in got["ours"]) / 1024,
                         max(answer["peak_kib"] for answer in got[kind]) / 1024)
