#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""
Runs the benchmark: every group of figures in turn, then the table and the JSON. Everything
it starts is on this machine, bounded, and ended by it. See README.md for the method.
"""

import argparse
import os
import platform
import subprocess
import sys
import time

import groups
from figures import print_table, write_json
from measure import Failed
from place import Place

BUSY_LOAD = 0.7


def parse_options():
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.add_argument("--bin", required=True, help="where our programs are")
    parser.add_argument("--tools", required=True, help="where the built limits are")
    parser.add_argument("--json", help="write the figures there too")
    parser.add_argument("--rows", type=int, help="delayed jobs of the scale group")
    parser.add_argument("--quick", action="store_true", help="one round, a fifth of it")
    parser.add_argument("--peers", action="store_true", help="Bull and BullMQ instead")
    parser.add_argument("--only", action="append", help="one group of figures")
    return parser.parse_args()


def chosen(options):
    available = groups.PEERS if options.peers else groups.OURS
    unknown = set(options.only or ()) - set(available)
    if unknown:
        sys.exit(f"bench: {unknown.pop()}: no such group; there are "
                 + ", ".join(available))
    return [name for name in available if not options.only or name in options.only]


def measure(place, names, available):
    """All figures, and the groups that could not be measured with their reasons."""
    figures, failures = [], []
    for name in names:
        start = time.monotonic()
        try:
            figures.extend(available[name](place))
        except (Failed, OSError, ValueError, subprocess.SubprocessError) as error:
            failures.append(f"{name}: {error}")
        print(f"bench: {name}: {time.monotonic() - start:.0f} s", file=sys.stderr)
    return figures, failures


def about(options, load, failures):
    version = subprocess.run([os.path.join(options.bin, "whworker"), "--version"],
                             stdout=subprocess.PIPE, text=True, check=False).stdout
    return {"version": version.strip(), "at": time.strftime("%FT%TZ", time.gmtime()),
            "machine": platform.machine(), "kernel": platform.release(),
            "processors": os.cpu_count(), "load_before": load,
            "quick": options.quick, "not_measured": failures}


def main():
    options = parse_options()
    available = groups.PEERS if options.peers else groups.OURS
    names = chosen(options)
    load = os.getloadavg()[0]
    if load > BUSY_LOAD:
        print(f"bench: load {load:.1f}: others are at work here, so trust ratios only",
              file=sys.stderr)
    with Place(options) as place:
        figures, failures = measure(place, names, available)
    print_table(figures)
    for failure in failures:
        print(f"bench: not measured: {failure}", file=sys.stderr)
    if options.json:
        write_json(options.json, figures, about(options, load, failures))
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
