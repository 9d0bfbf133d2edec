# SPDX-License-Identifier: MIT
"""Deliveries: the whole worker against libcurl and against a loop without guarantees."""

from figures import Figure
from measure import ask_limit, ask_outcome, interleave, median, run
from place import CLIENT_CPU

JOBS = 60_000
SLOW = ((100, 500, 10_000), (1000, 2000, 8_000))  # answer after ms, connections, jobs


def figures(place):
    for concurrency in (5, 50, 500):
        yield from to_nginx(place, concurrency)
    for delay, connections, jobs in SLOW:
        yield from to_slow_receiver(place, delay, connections, jobs)
    yield from store_alone(place)
    place.forget_templates()


def drain(place, url, count, concurrency):
    store = place.store_of(count, url)
    return run(place.whworker(store, concurrency, "--drain"), count)


def curl_loop(place, url, count, concurrency):
    return ask_limit(place.tool("curl_loop", url, count, concurrency), {CLIENT_CPU})


def delivery_loop(place, url, count, concurrency):
    store = place.bare_store_of(count)
    return ask_limit(
        place.tool("delivery_loop", store, url, count, concurrency), {CLIENT_CPU})


def to_nginx(place, concurrency):
    url = place.nginx()
    args = (place, url, place.fewer(JOBS), concurrency)
    got = interleave(place.rounds, ours=lambda: drain(*args),
                     loop=lambda: delivery_loop(*args), curl=lambda: curl_loop(*args))
    rate = {name: median(outcomes, "rate") / 1e3 for name, outcomes in got.items()}
    cpu = {name: median(outcomes, "cpu_us") for name, outcomes in got.items()}
    goal = concurrency == 50
    name = f"concurrency {concurrency}"
    if goal:
        yield Figure("delivery", f"{name}, rate", "k/s", rate["ours"], at_least=30)
    yield Figure("delivery", f"{name}, rate : loop without guarantees", "k/s",
                 rate["ours"], rate["loop"], at_least=0.8 if goal else None)
    yield Figure("delivery", f"{name}, rate : bare libcurl", "k/s", rate["ours"],
                 rate["curl"])
    yield Figure("delivery", f"{name}, CPU : loop without guarantees", "us",
                 cpu["ours"], cpu["loop"])


def to_slow_receiver(place, delay, connections, jobs):
    count = max(place.fewer(jobs), 2 * connections)
    with place.slow_receiver(delay) as url:
        args = (place, url, count, connections)
        got = interleave(min(place.rounds, 2), ours=lambda: drain(*args),
                         loop=lambda: delivery_loop(*args), curl=lambda: curl_loop(*args))
    yield Figure("delivery", f"answers after {delay} ms x {connections}, CPU : libcurl",
                 "us", median(got["ours"], "cpu_us"), median(got["curl"], "cpu_us"),
                 at_most=1.5)
    yield Figure("delivery",
                 f"answers after {delay} ms x {connections}, CPU : loop without guarantees",
                 "us", median(got["ours"], "cpu_us"), median(got["loop"], "cpu_us"))
    yield Figure("delivery", f"answers after {delay} ms x {connections}, rate : libcurl",
                 "k/s", median(got["ours"], "rate") / 1e3,
                 median(got["curl"], "rate") / 1e3)


def store_alone(place):
    count = place.fewer(JOBS)
    for batch in (100, 1000):
        got = interleave(
            place.rounds,
            ours=lambda: ask_outcome(place.tool(
                "exchange_loop", place.store_of(count, place.nginx()), count, batch)),
            bare=lambda: ask_outcome(place.tool(
                "store_loop", place.bare_store_of(count), count, batch)))
        yield Figure("delivery", f"claim and settle alone, {batch} a commit : bare", "k/s",
                     median(got["ours"], "rate") / 1e3, median(got["bare"], "rate") / 1e3)
