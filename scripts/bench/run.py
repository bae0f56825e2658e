#!/usr/bin/env python3
"""How fast mail is taken in and relayed, against Postfix and against the machine's limit, in one run (`make bench`).

  scripts/bench/run.py              everything, in under five minutes
  scripts/bench/run.py intake tls   only these
  scripts/bench/run.py queued       ten million queued messages, which takes some minutes and 8 GB of disk (`make bench-queued`)
  scripts/bench/run.py --write      everything, and put the figures into README.md

Rates are the best of three rounds in which the programs take turns, since other programs on the machine only ever make one
slower. Ratios compare figures of one run; absolute figures are those of this machine today.
"""

import os
import pathlib
import subprocess
import sys
import tempfile
import time

from common import (
    LOAD, ROOT, Emta, Helper, build, cpu_of, load, memory_of, need, progress, rate, row, smtp_sink, smtp_source, write_readme,
)
from postfix import Postfix, available

ROUNDS = 3
# One message in five minutes is sent on, so that intake is measured alone, in real time as that of the others.
INTAKE_ONLY = ("queue.limits.messages_per_hour=12",)
# Nothing is sent on while the clock stands still and an hourly limit makes first attempts wait for the next second.
STANDS_STILL = ("clock.mode=frozen", "queue.limits.messages_per_hour=100000000")


def best(measure):
    return max(measure() for _ in range(ROUNDS))


def raw(sessions, size, messages):
    with smtp_sink() as (port, _):
        return messages / smtp_source(port, sessions, size, messages)


def intake(sessions, size, messages):
    with Emta(settings=INTAKE_ONLY) as emta:
        return messages / smtp_source(emta.smtp, sessions, size, messages)


def postfix_intake(sessions, size, messages):
    postfix = Postfix(route=9, hold=True)
    try:
        return messages / smtp_source(postfix.port, sessions, size, messages)
    finally:
        postfix.stop()


def bench_intake():
    for sessions, size in ((20, 4096), (50, 4096), (20, 10240), (50, 10240)):
        progress(f"intake, {sessions} sessions, {size} octets")
        ours, limit, theirs = [], [], []
        for _ in range(ROUNDS):
            limit.append(raw(sessions, size, 20_000))
            ours.append(intake(sessions, size, 20_000))
            if available():
                theirs.append(postfix_intake(sessions, size, 2_000))
        note = f"{max(ours) / max(limit):.2f} of smtp-source into smtp-sink ({rate(max(limit))})"
        if theirs:
            note += f"; {max(ours) / max(theirs):.1f} times Postfix ({rate(max(theirs))})"
        row(f"durable intake, {sessions} sessions, {size // 1024} KiB", rate(max(ours)), note)


def relay(messages, sessions=20, size=4096):
    """Rate and CPU microseconds a message, from the first command to the last event on disk."""
    with smtp_sink() as (port, _), Emta(route=port) as emta:
        before = cpu_of(emta.pid)
        start = time.monotonic()
        smtp_source(emta.smtp, sessions, size, messages)
        emta.wait_until_empty()
        seconds = time.monotonic() - start
        return messages / seconds, (cpu_of(emta.pid) - before) / messages * 1e6


def postfix_relay(messages, sessions=20, size=4096):
    with smtp_sink() as (port, _):
        postfix = Postfix(route=port)
        start = time.monotonic()
        smtp_source(postfix.port, sessions, size, messages)
        postfix.wait_until_empty()
        seconds = time.monotonic() - start
        return messages / seconds, postfix.stop() / messages * 1e6


def bench_relay():
    progress("relay, end to end")
    ours, theirs = [], []
    for _ in range(ROUNDS):
        ours.append(relay(20_000))
        if available():
            theirs.append(postfix_relay(2_000))
    fastest, cpu = max(ours)[0], min(cpu for _, cpu in ours)
    note = cpu_note = ""
    if theirs:
        note = f"{fastest / max(theirs)[0]:.1f} times Postfix ({rate(max(theirs)[0])})"
        cpu_note = f"Postfix: {min(cpu for _, cpu in theirs):,.0f} us"
    row("relay, end to end, 20 sessions, 4 KiB", rate(fastest), note)
    row("relay, CPU a message", f"{cpu:,.0f} us", cpu_note)


def encrypted(tls, messages=20_000):
    """Both legs in plain text or in TLS, with our own source and sink."""
    sink = Helper("sink", f"tls={tls}")
    port = int(sink.first["address"].rpartition(":")[2])
    with Emta(route=port) as emta:
        start = time.monotonic()
        # The source sends nothing without TLS where it is to use it; the MTA would, so the sink is asked.
        load("source", f"127.0.0.1:{emta.smtp}", f"messages={messages}", f"tls={tls}")
        emta.wait_until_empty()
        seconds = time.monotonic() - start
    seen = sink.stop()
    expected = messages if tls == "yes" else 0
    if (seen["messages"], seen["encrypted"]) != (messages, expected):
        sys.exit(f"the sink took {seen['messages']} messages, {seen['encrypted']} of them over TLS; expected {expected} of {messages}")
    return messages / seconds


def bench_tls():
    progress("relay with TLS")
    plain, tls = [], []
    for _ in range(ROUNDS):
        plain.append(encrypted("no"))
        tls.append(encrypted("yes"))
    row("relay, own pipelining source and sink", rate(max(plain)))
    row("the same, TLS on both legs", rate(max(tls)), f"{max(tls) / max(plain):.2f} of plain text")


def bench_latency():
    progress("latency at half of the maximum load")
    with smtp_sink() as (port, _), Emta(route=port) as emta:
        most = load("source", f"127.0.0.1:{emta.smtp}", "messages=20000")["per_second"]
        emta.wait_until_empty()
        half = most / 2
        seen = load("source", f"127.0.0.1:{emta.smtp}", f"messages={int(half * 8)}", f"rate={half}")
    row("final dot to 250 at half load, median", f"{seen['p50_ms']:.1f} ms", f"at {rate(half)}")
    row("final dot to 250 at half load, 99th percentile", f"{seen['p99_ms']:.1f} ms", f"longest {seen['max_ms']:.0f} ms")


def hooked(delay_ms, messages):
    """Relays with a webhook; the rate, and what the receiver saw while and after."""
    hook = Helper("hook", f"delay-ms={delay_ms}")
    yaml = f"webhooks: [{{ url: '{hook.first['url']}', batch: {{ max: 1000 }}, timeout: 30s }}]\n"
    with smtp_sink() as (port, _), Emta(route=port, yaml=yaml) as emta:
        start = time.monotonic()
        smtp_source(emta.smtp, 20, 4096, messages)
        emta.wait_until_empty()
        relayed = messages / (time.monotonic() - start)
    return relayed, hook.stop()


def bench_feedback():
    progress("feedback: a log to catch up with")
    messages, recipients = 400, 500
    with Emta() as first:
        folder, first.own = first.folder, False
        smtp_source(first.smtp, 4, 1_000, messages, recipients)
        first.wait_until_empty()
    hook = Helper("hook")
    yaml = f"webhooks: [{{ url: '{hook.first['url']}', batch: {{ max: 1000 }} }}]\n"
    with Emta(folder=folder, yaml=yaml) as second:
        second.own = True
        previous = -1
        while (now := cpu_of(second.pid)) - previous > 0.02:
            previous = now
            time.sleep(0.5)
    seen = hook.stop()
    row("webhook feedback, batches of 1,000", f"{seen['events'] / seen['seconds']:,.0f}/s", f"{seen['events']:,} events")
    progress("feedback: a slow receiver")
    fast, slow = best(lambda: hooked(0, 10_000)[0]), best(lambda: hooked(1_000, 10_000)[0])
    row("relay with a webhook that takes 1 s to answer", rate(slow), f"{slow / fast:.2f} of one that answers at once")


def bench_restart():
    progress("a million queued messages")
    settings = (*STANDS_STILL, "relay.recipients=1000")
    # Whatever is tried as soon as it is found again stays in the queue.
    later = "451 4.3.0 Try again later"
    with Emta(settings=settings, reply=later) as emta:
        folder, emta.own = emta.folder, False
        # From the first half on all caches, which have limits, are full: what the second half adds is the queue.
        smtp_source(emta.smtp, 8, 1_000, 1_000, recipients=500)
        half, before = emta.queued(), memory_of(emta.pid)
        smtp_source(emta.smtp, 8, 1_000, 1_000, recipients=500)
        queued, total = emta.queued(), memory_of(emta.pid)
        emta.kill()
    with Emta(settings=settings, folder=folder, reply=later) as again:
        again.own = True
        found, start = again.queued(), again.ready
    each = (total - before) / (queued - half)
    row("memory a queued message", f"{each:,.0f} octets", f"the second half of {queued:,}; {total / 2**20:,.0f} MiB in all")
    row("start after kill -9", f"{start:.1f} s", f"{found:,} of {queued:,} queued")


def bench_queued():
    """Ten million messages in the files, put there by the store itself: through SMTP it would take half an hour."""
    progress("filling a store with ten million messages")
    count = 10_000_000
    cargo = ["cargo", "build", "--quiet", "--release", "-p", "emta-store", "--example", "bench_store"]
    subprocess.run(cargo, cwd=ROOT, check=True)
    with tempfile.TemporaryDirectory(prefix="emta-bench-", dir=os.environ.get("BENCH_FOLDER")) as folder:
        data = pathlib.Path(folder, "data")
        fill = [str(LOAD.with_name("bench_store")), "fill", str(data), str(count)]
        subprocess.run(fill, check=True, stdout=subprocess.DEVNULL)
        on_disk = sum(file.stat().st_blocks * 512 for file in data.rglob("*") if file.is_file())
        progress("starting with ten million messages")
        # The clock goes on where the data ends, so that nothing expires.
        with Emta(folder=folder, settings=("clock.mode=frozen", *INTAKE_ONLY)) as emta:
            queued, total = emta.queued(), memory_of(emta.pid)
            row("memory a queued message, all of the program", f"{total / queued:,.0f} octets", f"{queued:,} queued; {total / 2**20:,.0f} MiB in all")
            row("disk a queued message", f"{on_disk / queued:,.0f} octets", "with bodies of 100")
            row("start", f"{emta.ready:.0f} s")


BENCHES = {
    "intake": bench_intake,
    "relay": bench_relay,
    "tls": bench_tls,
    "latency": bench_latency,
    "feedback": bench_feedback,
    "restart": bench_restart,
}
# Only when asked for.
MORE = {"queued": bench_queued}


INTRODUCTION = f"""### Speed

What `make bench` prints (`scripts/bench/run.py`), on {os.cpu_count()} processors that load, relay and sink share. Rates are the best of
{ROUNDS} rounds in which the programs take turns; what is said to be `times` something is a ratio within the run."""


def main(arguments):
    write = "--write" in arguments
    arguments = [argument for argument in arguments if argument != "--write"]
    benches = {**BENCHES, **MORE}
    unknown = [name for name in arguments if name not in benches]
    if unknown:
        sys.exit(f"`{unknown[0]}` is not a bench; there are {', '.join(benches)}")
    need("smtp-source", "smtp-sink")
    progress("building")
    build()
    assert LOAD.exists(), LOAD
    if not available():
        print("Postfix is not installed, or this is not root: no ratios to it", file=sys.stderr)
    for name in arguments or BENCHES:
        benches[name]()
    if write:
        write_readme("bench", INTRODUCTION, "make bench")


if __name__ == "__main__":
    main(sys.argv[1:])
