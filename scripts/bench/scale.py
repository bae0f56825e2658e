#!/usr/bin/env python3
"""How the cost of a simulation grows with its recipients (`make bench-scale`).

  scripts/bench/scale.py            10 k, 100 k, 1 M and 10 M recipients of the scenario `everyday`, each on a new process
  scripts/bench/scale.py --write    the same, and put the table into README.md
  scripts/bench/scale.py 10000      only this many

A million is also run on one thread and a second time: the digest of the event log must be the same.
"""

import json
import os
import subprocess
import sys

from common import EMTA, ROWS, build, done, progress, write_readme

SIZES = (10_000, 100_000, 1_000_000, 10_000_000)
INTRODUCTION = f"""### Scale

What `make bench-scale` prints (`scripts/bench/scale.py`): the scenario `everyday` with its 84 hours and what comes back later,
without sockets, on {os.cpu_count()} processors. The first line is what a run costs before anybody is mailed; memory is the peak of
the process. `us each` is all of the time divided by the recipients; `octets each` the memory less that of the first line;
`each more` the difference to the line above, divided by the recipients that came on top."""


def run(recipients, *more):
    command = [str(EMTA), "simulate", "everyday", "--recipients", str(recipients), "--format", "json", *more]
    progress(f"{recipients:,} recipients")
    result = subprocess.run(command, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    summary = json.loads(result.stdout)
    return summary["measured"], digests(summary)


def per_recipient(one, other):
    """Seconds and octets of memory for each recipient that the second run had on top of the first."""
    more = max(other[0] - one[0], 1)
    return (other[1] - one[1]) / more, (other[2] - one[2]) / more


def digests(value):
    """All digests in a summary, wherever they stand."""
    if isinstance(value, dict):
        own = [value["digest"]] if isinstance(value.get("digest"), str) else []
        return own + [digest for inner in value.values() for digest in digests(inner)]
    if isinstance(value, list):
        return [digest for inner in value for digest in digests(inner)]
    return []


def line(text):
    done()
    ROWS.append(text)
    print(text, flush=True)


def main(arguments):
    sizes = [int(argument) for argument in arguments if argument != "--write"] or SIZES
    build()
    line(
        f"{'recipients':>12} {'events':>12} {'seconds':>9} {'us each':>9} {'each more':>10} "
        f"{'memory':>11} {'octets each':>12} {'each more':>10}"
    )
    seen = {}
    empty = before = None
    for size in (1, *sizes):
        measured, seen[size] = run(size)
        now = (size, measured["seconds"], measured["peak_memory"])
        if empty is None:
            empty = before = now
        _, octets = per_recipient(empty, now)
        more_seconds, more_octets = per_recipient(before, now)
        line(
            f"{size:>12,} {measured['events']:>12,} {now[1]:>9.2f} {now[1] / size * 1e6:>9.1f} {more_seconds * 1e6:>10.1f} "
            f"{now[2] / 2**20:>7,.0f} MiB {octets:>12,.0f} {more_octets:>10,.0f}"
        )
        before = now
    size = min(sizes, key=lambda size: abs(size - 1_000_000))
    others = [run(size, "--threads", "1"), run(size, "--threads", "2")]
    same = all(digest == seen[size] and digest for _, digest in others)
    line(f"{size:,} recipients on 1 thread and on 2 again: {'the same digest' if same else 'ANOTHER DIGEST'} {seen[size][0][:16]}")
    if "--write" in arguments:
        write_readme("scale", INTRODUCTION, "make bench-scale")
    return 0 if same else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
