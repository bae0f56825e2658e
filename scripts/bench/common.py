"""What the benches share: servers that are started and ended, load, and figures.

Everything listens on free ports of loopback and lives in a temporary folder. CPU time is user and system time of a server with
all its processes; it is the figure that busy neighbours hurt least.
"""

import contextlib
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parents[2]
TARGET = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
EMTA = TARGET / "release" / "emta"
LOAD = TARGET / "release" / "examples" / "bench_load"
TICKS = os.sysconf("SC_CLK_TCK")
START_TIMEOUT = 60.0
DRAIN_TIMEOUT = 120.0


def build():
    """The release programs that are measured."""
    cargo = ["cargo", "build", "--quiet", "--release"]
    subprocess.run([*cargo, "-p", "emta"], cwd=ROOT, check=True)
    subprocess.run([*cargo, "-p", "emta-sandbox", "--example", "bench_load"], cwd=ROOT, check=True)


def need(*programs):
    missing = [program for program in programs if not find(program)]
    if missing:
        sys.exit(f"`{', '.join(missing)}` is missing: on Debian, `apt-get install postfix` has smtp-source and smtp-sink")


def find(program):
    return shutil.which(program, path=os.environ["PATH"] + ":/usr/sbin:/sbin:/usr/local/sbin")


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_for_port(port, process=None):
    end = time.monotonic() + START_TIMEOUT
    while time.monotonic() < end:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        if process is not None and process.poll() is not None:
            sys.exit(f"`{process.args[0]}` ended with {process.returncode} before it listened")
        time.sleep(0.02)
    sys.exit(f"nothing listens on port {port} after {START_TIMEOUT:.0f} s")


def stat_of(pid):
    """The fields of /proc/PID/stat behind the name."""
    return pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()


def cpu_of(pid):
    """User and system seconds of one process."""
    fields = stat_of(pid)
    return (int(fields[11]) + int(fields[12])) / TICKS


def cpu_of_family(parent):
    """User and system seconds of a process, of its children, and of those that it has had."""
    fields = stat_of(parent)
    seconds = cpu_of(parent) + (int(fields[13]) + int(fields[14])) / TICKS
    for entry in pathlib.Path("/proc").iterdir():
        # A process may end while it is looked at.
        with contextlib.suppress(OSError):
            if entry.name.isdigit() and stat_of(entry.name)[1] == str(parent):
                seconds += cpu_of(entry.name)
    return seconds


def memory_of(pid, field="VmRSS"):
    """Resident octets of one process; `VmHWM` for the peak."""
    for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(field + ":"):
            return int(line.split()[1]) * 1024
    return 0


def wait_until_empty(server, name):
    """Until a server has sent all that it had; ends the bench where that does not happen."""
    end = time.monotonic() + DRAIN_TIMEOUT
    while left := server.queued():
        if time.monotonic() > end:
            sys.exit(f"{name} still has {left} messages after {DRAIN_TIMEOUT:.0f} s")
        time.sleep(0.01)


class Emta:
    """`emta up` in a folder of its own, with every domain routed to one foreign server on loopback, if one is given."""

    def __init__(self, route=None, settings=(), yaml="", folder=None, reply="250 2.0.0 Ok"):
        self.own = folder is None
        self.folder = pathlib.Path(folder or tempfile.mkdtemp(prefix="emta-bench-"))
        provider = "name: foreign\ndomains: ['*']\n"
        if route:
            provider += f"route: 127.0.0.1:{route}\nlimits: {{ connections: 20, messages_per_connection: 10000 }}\n"
        else:
            provider += f"outcomes: [{{ weight: 100, name: always, script: '{reply}' }}]\n"
        (self.folder / "provider.yaml").write_text(provider)
        config = self.folder / "emta.yaml"
        config.write_text(f"data: {self.folder}/data\nproviders: [provider.yaml]\nrelay: {{ sessions: 1000 }}\n{yaml}")
        command = [str(EMTA), "up", "-c", str(config), "--ephemeral", "--ready-json", "--exit-on-stdin-close"]
        for setting in settings:
            command += ["--set", setting]
        self.started = time.monotonic()
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        line = self.process.stdout.readline()
        if not line:
            sys.exit("emta did not start")
        self.ready = time.monotonic() - self.started
        addresses = json.loads(line)
        self.smtp = int(addresses["smtp"].rpartition(":")[2])
        self.http = "http://" + addresses["http"].removeprefix("http://")

    @property
    def pid(self):
        return self.process.pid

    def get(self, path):
        with urllib.request.urlopen(self.http + path, timeout=60) as answer:
            return json.load(answer)

    def queued(self):
        total = self.get("/api/v1/queue")["total"]
        return total["ready"] + total["scheduled"] + total["in_flight"]

    def wait_until_empty(self):
        wait_until_empty(self, "emta")

    def kill(self):
        """As a loss of power would, for this process; the folder stays."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def stop(self):
        self.process.stdin.close()
        self.process.wait(timeout=60)
        if self.own:
            shutil.rmtree(self.folder, ignore_errors=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.stop()
        elif self.own:
            shutil.rmtree(self.folder, ignore_errors=True)


@contextlib.contextmanager
def smtp_sink():
    """Postfix's smtp-sink; its port and its process."""
    port = free_port()
    command = [find("smtp-sink")]
    if os.geteuid() == 0:
        command += ["-u", "nobody"]
    process = subprocess.Popen([*command, f"127.0.0.1:{port}", "1000"], stdout=subprocess.DEVNULL)
    try:
        wait_for_port(port, process)
        yield port, process
    finally:
        process.terminate()
        process.wait()


def smtp_source(port, sessions, size, messages, recipients=1):
    """Postfix's smtp-source, over connections that are kept; the seconds it took."""
    command = [find("smtp-source"), "-d", "-s", str(sessions), "-l", str(size), "-m", str(messages), "-r", str(recipients)]
    start = time.monotonic()
    subprocess.run([*command, "-f", "bounce@source.test", "-t", "user@load.test", f"127.0.0.1:{port}"], check=True)
    return time.monotonic() - start


def load(*arguments):
    """bench_load, until it has done; what it says."""
    done = subprocess.run([str(LOAD), *arguments], check=True, stdout=subprocess.PIPE)
    return json.loads(done.stdout)


class Helper:
    """bench_load as a server, until it is stopped; what it says first and last."""

    def __init__(self, *arguments):
        self.process = subprocess.Popen([str(LOAD), *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.first = json.loads(self.process.stdout.readline())

    def stop(self):
        self.process.stdin.close()
        last = json.loads(self.process.stdout.readline())
        self.process.wait()
        return last


def progress(text):
    if sys.stderr.isatty():
        print(f"\r\033[K{text} ...", end="", file=sys.stderr, flush=True)


def done():
    if sys.stderr.isatty():
        print("\r\033[K", end="", file=sys.stderr, flush=True)


ROWS = []


def row(name, figure, note=""):
    """One figure, for people and for the README."""
    done()
    line = f"{name:<50} {figure:>12}  {note}".rstrip()
    ROWS.append(line)
    print(line, flush=True)


def write_readme(section, introduction, command):
    """Puts the rows of this run between the README's marks of that name."""
    readme = ROOT / "README.md"
    text = readme.read_text()
    begin, end = f"<!-- {section}: begin", f"<!-- {section}: end"
    head, marked, rest = text.partition(begin)
    mark, _, _ = rest.partition("\n")
    _, found, tail = rest.partition(end)
    if not marked or not found:
        sys.exit(f"README.md has no `{begin}` and `{end}`")
    console = "\n".join(["```console", f"$ {command}", *ROWS, "```"])
    readme.write_text(f"{head}{begin}{mark}\n{introduction}\n\n{console}\n\n{end}{tail}")


def rate(figure):
    return f"{figure:,.0f}/s"
