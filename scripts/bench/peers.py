#!/usr/bin/env python3
"""emta beside Postfix, Exim and OpenSMTPD on this machine (`make bench-peers`).

  scripts/bench/peers.py            prints the table
  scripts/bench/peers.py --write    and puts it into README.md

All relay the same mail from Postfix's smtp-source to Postfix's smtp-sink over loopback, each with its queue on the same disk.
They take turns; the best of three rounds counts. Exim and OpenSMTPD come from Debian's packages, which are unpacked beside the
system and not installed: Debian has them and Postfix, whose programs are the load, exclude each other. This needs root.
"""

import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import time

from common import Emta, build, cpu_of, cpu_of_family, find, free_port, need, progress, rate, row, smtp_sink, smtp_source, wait_for_port, write_readme
from postfix import Postfix, available

ROUNDS = 3
EXIM = """
primary_hostname = exim.test
domainlist relay_to = *
acl_smtp_rcpt = accept_all
log_file_path = {folder}/log/%slog
spool_directory = {folder}/spool
pid_file_path = {folder}/exim.pid
exim_user = Debian-exim
exim_group = Debian-exim
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
smtp limit max-mails 1000000
listen on 127.0.0.1 port {port}
action "relay" relay host smtp://127.0.0.1:{route}
match from any for any action "relay"
mta limit max-conn-per-host 50
mta limit max-conn-per-route 50
mta limit max-conn-per-domain 50
mta limit max-conn-per-connector 50
mta limit session-transaction-delay 0
mta limit session-keepalive 10
mta limit conn-delay-host 0
mta limit conn-delay-route 0
mta limit conn-delay-source 0
mta limit conn-delay-connector 0
mta limit conn-delay-domain 0
"""


# Shows a program the system with the packages laid over it, and runs it there. $1 is the folder of the packages, $2 what lies at
# the place $3, the rest the command. An overlay cannot lie on the file system that it covers, hence the tmpfs.
ENTER = """
set -e
mount -t tmpfs tmpfs /mnt
cp -a "$1" /mnt/added
mkdir /mnt/root /mnt/upper /mnt/work
mount -t overlay overlay -o lowerdir=/mnt/added:/,upperdir=/mnt/upper,workdir=/mnt/work /mnt/root
for folder in dev proc tmp; do mount --rbind /$folder /mnt/root/$folder; done
mount --bind "$2" "/mnt/root$3"
shift 3
exec chroot /mnt/root "$@"
"""
# Accounts that the packages would make.
ACCOUNTS = ("Debian-exim", "opensmtpd", "opensmtpq")
FIRST_ID = 60_000


class Packages:
    """Packages of Debian, with what they need and the system has not, unpacked into a folder."""

    def __init__(self, *packages):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="emta-peers-"))
        self.folder.chmod(0o755)
        self.added = self.folder / "added"
        archives = self.folder / "archives"
        (archives / "partial").mkdir(parents=True)
        for package in packages:
            command = ["apt-get", "install", "-y", "-qq", "--no-install-recommends", "--download-only"]
            subprocess.run([*command, "-o", f"Dir::Cache::archives={archives}", package], stdout=subprocess.DEVNULL, check=True)
        for archive in archives.glob("*.deb"):
            subprocess.run(["dpkg", "-x", archive, self.added], check=True)
        # On the system itself this is a link, which a folder would hide.
        if (self.added / "lib").exists():
            shutil.copytree(self.added / "lib", self.added / "usr/lib", symlinks=True, dirs_exist_ok=True)
            shutil.rmtree(self.added / "lib")
        for name, extra in (("passwd", "::/nonexistent:/usr/sbin/nologin"), ("group", "")):
            numbered = enumerate(ACCOUNTS, FIRST_ID)
            lines = [f"{account}:x:{number}:{number if name == 'passwd' else ''}{extra}\n" for number, account in numbered]
            (self.added / "etc" / name).write_text(pathlib.Path("/etc", name).read_text() + "".join(lines))
        (self.added / "var/spool/peer").mkdir(parents=True)
        (self.added / "var/spool/smtpd").mkdir()

    def command(self, spool, place, *command):
        """The command, seeing the packages, and the spool at this place."""
        # Its children stay its own, whoever forked them, so that their time is counted and none is left behind.
        unshare = ["unshare", "--mount", "--pid", "--fork"]
        return [*unshare, "sh", "-c", ENTER, "enter", str(self.added), str(spool), place, *command]

    def remove(self):
        shutil.rmtree(self.folder, ignore_errors=True)


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
        children = pathlib.Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        seconds = sum(cpu_of_family(int(child)) for child in children)
        # The first process of the peer: with it all others end, and `unshare`, which lets no signal but this end it.
        for child in children:
            os.kill(int(child), signal.SIGKILL)
        self.process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)
        return seconds


class Exim(Peer):
    def __init__(self, packages, route):
        super().__init__("exim")
        for name in ("spool", "log"):
            (self.folder / name).mkdir()
            os.chown(self.folder / name, FIRST_ID, FIRST_ID)
        config = self.folder / "exim.conf"
        config.write_text(EXIM.format(folder=self.folder, route=route))
        command = ["/usr/sbin/exim4", "-C", str(config), "-bdf", "-q10s", "-oX", f"127.0.0.1:{self.port}"]
        self.start(packages.command(self.folder, "/var/spool/peer", *command))


class OpenSmtpd(Peer):
    """Keeps its queue at the place that it was built with."""

    def __init__(self, packages, route):
        super().__init__("opensmtpd")
        config = self.folder / "smtpd.conf"
        config.write_text(OPENSMTPD.format(port=self.port, route=route))
        spool = self.folder / "spool"
        spool.mkdir()
        spool.chmod(0o711)
        self.start(packages.command(spool, "/var/spool/smtpd", "/usr/sbin/smtpd", "-d", "-f", str(config)))


def through(start, stop, messages):
    """Relays through a server; rate, and CPU microseconds a message."""
    with smtp_sink() as (port, sink):
        server, relay_port = start(port)
        delivered_before = cpu_of(sink.pid)
        try:
            begin = time.monotonic()
            smtp_source(relay_port, 20, 4096, messages)
            wait = getattr(server, "wait_until_empty", None)
            if wait:
                wait()
                end = time.monotonic()
            else:
                # No queue to ask: it is over when the sink has had nothing to do for a while.
                end = idle_since(sink, delivered_before)
        finally:
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


INTRODUCTION = f"""What `make bench-peers` prints (`scripts/bench/peers.py`), on {os.cpu_count()} processors: smtp-source through each into smtp-sink,
each with its queue on the same disk and as packaged, but for what else would limit a session. emta syncs each group of messages."""


def main(arguments):
    if unknown := [argument for argument in arguments if argument != "--write"]:
        sys.exit(f"`{unknown[0]}` is no option; there is `--write`")
    need("smtp-source", "smtp-sink")
    if not available():
        sys.exit("the peers need root to start, and Postfix must be installed")
    build()
    progress("unpacking the peers")
    packages = Packages("exim4-daemon-light", "opensmtpd")
    contestants = {
        "emta": lambda: run_emta(20_000),
        "Postfix": lambda: run(Postfix, 2_000),
        "Exim": lambda: run(lambda route: Exim(packages, route), 1_000),
        "OpenSMTPD": lambda: run(lambda route: OpenSmtpd(packages, route), 2_000),
    }
    results = {name: [] for name in contestants}
    try:
        for turn in range(ROUNDS):
            for name, measure in contestants.items():
                progress(f"round {turn + 1} of {ROUNDS}: {name}")
                results[name].append(measure())
    finally:
        packages.remove()
    ours = max(rate for rate, _ in results["emta"])
    for name, rounds in results.items():
        fastest, cpu = max(rate for rate, _ in rounds), min(cpu for _, cpu in rounds)
        note = "" if name == "emta" else f"emta: {ours / fastest:.1f} times"
        row(f"{name}, end to end, 20 sessions, 4 KiB", rate(fastest), f"CPU {cpu:,.0f} us a message  {note}")
    if arguments:
        write_readme("peers", INTRODUCTION, "make bench-peers")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
