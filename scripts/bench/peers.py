#!/usr/bin/env python3
"""emta beside Postfix, Exim and OpenSMTPD on this machine (`make bench-peers`).

All relay the same mail from Postfix's smtp-source to Postfix's smtp-sink over loopback, each with its queue on the same disk.
They take turns; the best of three rounds counts. Peers that are not installed are installed from Debian, as root, or left out.
"""

import os
import pathlib
import pwd
import shutil
import subprocess
import sys
import tempfile
import time

from common import Emta, build, cpu_of, cpu_of_family, find, free_port, need, progress, rate, row, smtp_sink, smtp_source, wait_for_port
from postfix import Postfix, available

ROUNDS = 3
EXIM = """
primary_hostname = exim.test
domainlist relay_to = *
acl_smtp_rcpt = accept_all
log_file_path = {folder}/log/%slog
spool_directory = {folder}/spool
pid_file_path = {folder}/exim.pid
exim_user = {user}
exim_group = {group}
never_users =
smtp_accept_max = 0
smtp_accept_max_per_connection = 0
smtp_accept_queue_per_connection = 0
queue_run_max = 5
remote_max_parallel = 20
begin acl
accept_all:
  accept
begin routers
sink:
  driver = manualroute
  domains = *
  transport = smtp
  route_list = * 127.0.0.1
  self = send
begin transports
smtp:
  driver = smtp
  port = {route}
  hosts_try_chunking =
begin retry
* * F,2h,1s
"""
OPENSMTPD = """
listen on 127.0.0.1 port {port}
action "relay" relay host smtp://127.0.0.1:{route}
match from any for any action "relay"
mta limit max-conn-per-host 50
mta limit max-conn-per-route 50
mta limit max-conn-per-domain 50
mta limit max-conn-per-connector 50
mta limit session-transaction-delay 0
mta limit session-keepalive 10
mta limit inet4
mta limit conn-delay-host 0
mta limit conn-delay-route 0
mta limit conn-delay-source 0
mta limit conn-delay-connector 0
mta limit conn-delay-domain 0
"""


def install(program, package):
    if find(program):
        return True
    if os.geteuid() != 0 or not find("apt-get"):
        return False
    progress(f"installing {package}")
    command = ["apt-get", "install", "-y", "-qq", "--no-install-recommends", package]
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    subprocess.run(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
    return find(program) is not None


class Peer:
    """A server in a folder of its own, of which all processes are its children."""

    def __init__(self, name):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix=f"{name}-bench-"))
        self.folder.chmod(0o755)
        self.port = free_port()

    def start(self, command):
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_for_port(self.port, self.process)

    def stop(self):
        """Ends it; the CPU seconds of all its processes."""
        seconds = cpu_of_family(self.process.pid)
        self.process.terminate()
        self.process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)
        return seconds


class Exim(Peer):
    def __init__(self, route):
        super().__init__("exim")
        user = pwd.getpwnam("Debian-exim")
        for name in ("spool", "log"):
            (self.folder / name).mkdir()
            os.chown(self.folder / name, user.pw_uid, user.pw_gid)
        config = self.folder / "exim.conf"
        config.write_text(EXIM.format(folder=self.folder, route=route, user=user.pw_uid, group=user.pw_gid))
        self.start([find("exim4"), "-C", str(config), "-bdf", "-q10s", "-oX", f"127.0.0.1:{self.port}"])


class OpenSmtpd(Peer):
    """Keeps its queue in the folder that it was built with."""

    def __init__(self, route):
        super().__init__("opensmtpd")
        config = self.folder / "smtpd.conf"
        text = OPENSMTPD.format(port=self.port, route=route).replace("mta limit inet4\n", "")
        config.write_text(text)
        self.start([find("smtpd"), "-d", "-f", str(config)])


def through(start, stop, messages):
    """Relays through a server; rate, and CPU microseconds a message."""
    with smtp_sink() as (port, sink):
        server, relay_port = start(port)
        delivered_before = cpu_of(sink.pid)
        begin = time.monotonic()
        smtp_source(relay_port, 20, 4096, messages)
        wait = getattr(server, "wait_until_empty", None)
        if wait:
            wait()
            end = time.monotonic()
        else:
            # No queue to ask: it is over when the sink has had nothing to do for a while.
            end = idle_since(sink, delivered_before)
        cpu = stop(server)
        return messages / (end - begin), cpu / messages * 1e6


def idle_since(sink, before):
    last, since = before, time.monotonic()
    while time.monotonic() - since < 3:
        time.sleep(0.05)
        now = cpu_of(sink.pid)
        if now > last:
            last, since = now, time.monotonic()
    return since


def run_emta(messages):
    cpu = {}

    def start(route):
        server = Emta(route=route)
        cpu["before"] = cpu_of(server.pid)
        return server, server.smtp

    def stop(server):
        spent = cpu_of(server.pid) - cpu["before"]
        server.stop()
        return spent

    return through(start, stop, messages)


def run(peer, messages):
    def start(route):
        server = peer(route)
        return server, server.port

    return through(start, lambda server: server.stop(), messages)


def main():
    need("smtp-source", "smtp-sink")
    build()
    contestants = {"emta": lambda: run_emta(20_000)}
    if available():
        contestants["Postfix"] = lambda: run(Postfix, 2_000)
    if install("exim4", "exim4-daemon-light"):
        contestants["Exim"] = lambda: run(Exim, 1_000)
    if install("smtpd", "opensmtpd"):
        contestants["OpenSMTPD"] = lambda: run(OpenSmtpd, 2_000)
    results = {name: [] for name in contestants}
    for turn in range(ROUNDS):
        for name, measure in contestants.items():
            progress(f"round {turn + 1} of {ROUNDS}: {name}")
            results[name].append(measure())
    ours = max(rate for rate, _ in results["emta"])
    for name, rounds in results.items():
        fastest, cpu = max(rate for rate, _ in rounds), min(cpu for _, cpu in rounds)
        note = "" if name == "emta" else f"emta: {ours / fastest:.1f} times"
        row(f"{name}, end to end, 20 sessions, 4 KiB", rate(fastest), f"CPU {cpu:,.0f} us a message  {note}")


if __name__ == "__main__":
    sys.exit(main())
