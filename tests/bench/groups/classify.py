# SPDX-License-Identifier: MIT
"""whclassify over failure reports with a payload of 1 KB, on one core."""

import subprocess

from figures import Figure
from measure import median, run
from place import CLIENT_CPU

LINES = 200_000


def figures(place):
    count = place.fewer(LINES)
    reports = place.path("failures.ndjson")
    with open(reports, "wb") as file:
        subprocess.run(place.tool("events", "evt_bench", count,
                                  "http://127.0.0.1:9/hook", "failures"),
                       stdout=file, check=True)
    got = [classify(place, reports, count) for _ in range(place.rounds)]
    yield Figure("classify", "reports of 1 KB on one core", "k/s",
                 median(got, "rate") / 1e3, at_least=100)


def classify(place, reports, count):
    with open(reports, "rb") as file:
        return run(place.program("whclassify"), count, stdin=file, cpus={CLIENT_CPU})
