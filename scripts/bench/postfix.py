"""Postfix in a folder of its own, tuned for speed as far as its documentation says: the yardstick of the benches."""

import os
import pathlib
import pwd
import shutil
import subprocess
import sys
import tempfile

from common import cpu_of_family, find, free_port, wait_for_port, wait_until_empty

MAIN = """
compatibility_level = 3.6
queue_directory = {folder}/spool
data_directory = {folder}/data
maillog_file = {folder}/spool/log
maillog_file_prefixes = {folder}
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
myhostname = postfix.test
mydestination =
relay_domains =
relayhost = [127.0.0.1]:{route}
mynetworks = 127.0.0.0/8
smtpd_recipient_restrictions = permit_mynetworks, reject
alias_maps =
alias_database =
local_recipient_maps =
smtp_tls_security_level =
in_flow_delay = 0
default_process_limit = 200
smtpd_client_connection_count_limit = 0
smtp_destination_concurrency_limit = 50
initial_destination_concurrency = 50
qmgr_message_active_limit = 40000
qmgr_message_recipient_limit = 40000
{more}
"""

MASTER = """
127.0.0.1:{port} inet n - n - 200 smtpd
pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
flush unix n - n 1000? 0 flush
proxymap unix - - n - - proxymap
smtp unix - - n - 100 smtp
error unix - - n - - error
retry unix - - n - - error
discard unix - - n - - discard
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
postlog unix-dgram n - n - 1 postlogd
"""


def available():
    """Postfix needs root to start."""
    return os.geteuid() == 0 and find("postfix") is not None


class Postfix:
    """An instance that relays everything to one port of loopback; with `hold` it only takes mail in."""

    def __init__(self, route, hold=False):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="postfix-bench-"))
        self.folder.chmod(0o755)
        for name in ("etc", "spool", "data"):
            (self.folder / name).mkdir()
        os.chown(self.folder / "data", pwd.getpwnam("postfix").pw_uid, -1)
        self.port = free_port()
        more = "defer_transports = smtp" if hold else ""
        (self.folder / "etc/main.cf").write_text(MAIN.format(folder=self.folder, route=route, more=more))
        (self.folder / "etc/master.cf").write_text(MASTER.format(port=self.port))
        self.process = subprocess.Popen([*self.command(), "start-fg"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_for_port(self.port, self.process)

    def command(self):
        return [find("postfix"), "-c", str(self.folder / "etc")]

    def queued(self):
        names = ("incoming", "active", "deferred")
        return sum(len(files) for name in names for _, _, files in os.walk(self.folder / "spool" / name))

    def wait_until_empty(self):
        wait_until_empty(self, "Postfix")

    def stop(self):
        """Ends it; the CPU seconds of all its processes."""
        seconds = cpu_of_family(int((self.folder / "spool/pid/master.pid").read_text()))
        subprocess.run([*self.command(), "stop"], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)
        return seconds


if __name__ == "__main__":
    sys.exit("run scripts/bench/run.py or scripts/bench/peers.py")
