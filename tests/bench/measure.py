# SPDX-License-Identifier: MIT
"""Running a program and knowing what it cost: time, CPU and memory, from the kernel."""

import json
import os
import statistics
import subprocess
import time
from dataclasses import dataclass


@dataclass
class Outcome:
    """What a number of deliveries, rows or lines cost one program."""

    count: int
    seconds: float
    cpu_seconds: float
    peak_kib: int = 0

    @property
    def rate(self):
        return self.count / self.seconds

    @property
    def cpu_us(self):
        return self.cpu_seconds * 1e6 / self.count


class Failed(Exception):
    """A program of the benchmark failed: there is no figure."""


def reap(process):
    """Waits for a process to end well; what it used, from the kernel."""
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        raise Failed(f"{process.args[0]}: exit status {process.returncode}")
    return usage


def run(argv, count, stdin=None, env=None, cpus=None, stderr=None):
    """Runs a program to its end; its output is thrown away."""
    pin = (lambda: os.sched_setaffinity(0, cpus)) if cpus else None
    start = time.monotonic()
    process = subprocess.Popen(argv, stdin=stdin or subprocess.DEVNULL, env=env,
                               stdout=subprocess.DEVNULL, stderr=stderr, preexec_fn=pin)
    usage = reap(process)
    seconds = time.monotonic() - start
    return Outcome(count, seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss)


def run_fed(producer, argv, count, **options):
    """As run(), with the producer's output as standard input."""
    with subprocess.Popen(producer, stdout=subprocess.PIPE) as source:
        outcome = run(argv, count, stdin=source.stdout, **options)
        source.stdout.close()
    return outcome


def ask(argv, cpus=None, env=None, timeout=600):
    """Runs a program that prints its own figures as one line of JSON."""
    pin = (lambda: os.sched_setaffinity(0, cpus)) if cpus else None
    done = subprocess.run(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, env=env,
                          preexec_fn=pin, timeout=timeout, check=False)
    if done.returncode != 0:
        raise Failed(f"{argv[0]}: exit status {done.returncode}")
    return json.loads(done.stdout)


def outcome_of(answer):
    return Outcome(answer["count"], answer["seconds"], answer["cpu_seconds"])


def ask_outcome(argv, cpus=None):
    return outcome_of(ask(argv, cpus))


def ask_limit(argv, cpus):
    """Its own count and time, so without its start and end, but the CPU of the whole
    process, as run() has it for ours: libraries, handles and memory cost it too."""
    with subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          preexec_fn=lambda: os.sched_setaffinity(0, cpus)) as process:
        answer = json.load(process.stdout)
        usage = reap(process)
    return Outcome(answer["count"], answer["seconds"], usage.ru_utime + usage.ru_stime)


def interleave(rounds, **contenders):
    """Runs the contenders in turn, A B A B …; the outcomes of each, in a list."""
    outcomes = {name: [] for name in contenders}
    for _ in range(rounds):
        for name, contender in contenders.items():
            outcomes[name].append(contender())
    return outcomes


def median(outcomes, attribute):
    return statistics.median(getattr(outcome, attribute) for outcome in outcomes)


def cpu_seconds_of(pid):
    """The CPU time of all threads of a running process, to the nanosecond."""
    total = 0
    for thread in os.listdir(f"/proc/{pid}/task"):
        with open(f"/proc/{pid}/task/{thread}/schedstat", encoding="ascii") as file:
            total += int(file.read().split()[0])
    return total / 1e9


def rss_kib_of(pid):
    with open(f"/proc/{pid}/status", encoding="ascii") as file:
        for line in file:
            if line.startswith("VmRSS:"):
                return int(line.split()[1])
    raise Failed(f"process {pid} has ended")
