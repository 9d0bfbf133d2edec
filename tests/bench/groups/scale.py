# SPDX-License-Identifier: MIT
"""What the store's operations cost with many delayed jobs, against 10 000 of them."""

from figures import Figure
from measure import ask

FEW = 10_000
ROUNDS = 50
OPERATIONS = {"claim_us": "claim of 100", "promote_us": "promote and claim of 100",
              "stats_us": "stats", "list_us": "list, a page of 50"}


def figures(place):
    few, many = (ask(place.tool("scale", place.fresh_store(), rows, ROUNDS))
                 for rows in (FEW, place.rows))
    for key, name in OPERATIONS.items():
        yield Figure("scale", f"{name}, {place.rows:,} delayed : {FEW:,}", "ms",
                     many[key] / 1e3, few[key] / 1e3, at_most=2)
