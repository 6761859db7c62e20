# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The Spillway authors
"""Figures of several runs made into one: the median, and how far the runs lie apart."""

import statistics


def summary(values):
    """{"median", "min", "max", "runs"} of the values that are there; None when there are none."""
    values = [v for v in values if v is not None]
    if not values:
        return None
    return {"median": statistics.median(values), "min": min(values), "max": max(values),
            "runs": len(values)}


def spread(part):
    """How far the runs of a summary lie apart, as a part of the median; 0 with one run."""
    return (part["max"] - part["min"]) / part["median"] if part["median"] else 0.0


def ratio(ours, theirs):
    """The quotient of two figures; None when either is missing or theirs is 0."""
    if ours is None or not theirs:
        return None
    return ours / theirs


def rotated(items, turn):
    """The items in another order in each turn, so that none always comes after the same one."""
    items = list(items)
    if not items:
        return items
    at = turn % len(items)
    return items[at:] + items[:at]


def rows(runs, keys, figures):
    """One row for each set of equal keys, in the order of first sight.

    A row holds the keys, "good" and "failed" (how many runs), "reason" (of the last failure; a run
    with a key "failed" is one) and a summary of each figure over the good runs.
    """
    out = []
    for key in dict.fromkeys(tuple(r[k] for k in keys) for r in runs):
        mine = [r for r in runs if tuple(r[k] for k in keys) == key]
        good = [r for r in mine if not r.get("failed")]
        bad = [r["failed"] for r in mine if r.get("failed")]
        row = {**dict(zip(keys, key)), "good": len(good), "failed": len(bad),
               "reason": bad[-1] if bad else ""}
        row.update({name: summary([r.get(name) for r in good]) for name in figures})
        out.append(row)
    return out
