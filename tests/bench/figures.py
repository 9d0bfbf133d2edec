# SPDX-License-Identifier: MIT
"""The figures, the goal each has to meet, and the table they are printed as."""

import dataclasses
import json
import sys
from dataclasses import dataclass
from typing import Optional

HEADINGS = ("", "ours", "limit", "ratio", "goal", "met")
WIDTHS = (66, 11, 11, 7, 9, 4)


@dataclass
class Figure:
    """
    One line of the table. `limit` is what ours is compared with, measured in the same
    run; `goal` bounds the ratio if there is a limit, else ours. A figure without a goal
    is there for information.
    """

    group: str
    name: str
    unit: str
    ours: Optional[float] = None
    limit: Optional[float] = None
    at_least: Optional[float] = None
    at_most: Optional[float] = None

    @property
    def ratio(self):
        if self.ours is None or not self.limit:
            return None
        return self.ours / self.limit

    @property
    def met(self):
        value = self.ours if self.limit is None else self.ratio
        if value is None or (self.at_least is None and self.at_most is None):
            return None
        if self.at_least is not None and value < self.at_least:
            return False
        return self.at_most is None or value <= self.at_most


def number(value):
    """Three figures are as many as a shared machine can tell apart."""
    if value is None:
        return ""
    if value != 0 and abs(value) < 0.01:
        return f"{value:.1g}"
    for digits, bound in ((2, 10), (1, 100)):
        if abs(value) < bound:
            return f"{value:.{digits}f}"
    return f"{value:.0f}"


def goal_text(figure):
    if figure.at_least is not None:
        return f">= {figure.at_least:g}"
    if figure.at_most is not None:
        return f"<= {figure.at_most:g}"
    return ""


def cells(figure):
    met = {True: "yes", False: "NO", None: ""}[figure.met]
    return (f"  {figure.name}, {figure.unit}", number(figure.ours), number(figure.limit),
            number(figure.ratio), goal_text(figure), met)


def print_cells(row):
    first, *others = row
    text = first.ljust(WIDTHS[0])
    text += "".join(cell.rjust(width) for cell, width in zip(others, WIDTHS[1:]))
    print(text.rstrip())


def print_table(figures):
    group = None
    print_cells(HEADINGS)
    for figure in figures:
        if figure.group != group:
            group = figure.group
            print(group)
        print_cells(cells(figure))
    goals = [figure.met for figure in figures if figure.met is not None]
    print(f"{goals.count(True)} of {len(goals)} goals met")
    sys.stdout.flush()


def write_json(path, figures, about):
    rows = [dict(dataclasses.asdict(figure), ratio=figure.ratio, met=figure.met)
            for figure in figures]
    with open(path, "w", encoding="utf-8") as file:
        json.dump({"about": about, "figures": rows}, file, indent=1)
        file.write("\n")
