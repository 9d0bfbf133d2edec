# SPDX-License-Identifier: MIT
"""The groups of figures, in the order of the table; each yields its figures."""

from groups import (classify, delivery, enqueue, fairness, latency, locks, memory, peers,
                    scale)

OURS = {
    "delivery": delivery.figures,
    "enqueue": enqueue.figures,
    "scale": scale.figures,
    "latency": latency.figures,
    "memory": memory.figures,
    "locks": locks.figures,
    "classify": classify.figures,
    "fairness": fairness.figures,
}
PEERS = {"peers": peers.figures}
