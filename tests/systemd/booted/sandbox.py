"""What the service may not do, each with its control: the same without the sandbox does succeed. And
what it must be able to do: a whole audit, and clients of other programs.

Run with the word `attempts` or `client`, it tries everything and prints what came of it as JSON; that is
what the units below run.
"""
import ctypes
import errno
import json
import os
import pathlib
import re
import socket
import stat
import subprocess
import sys

LIBC = ctypes.CDLL(None, use_errno=True)
METADATA = ("169.254.169.254", 8099)
CLONE_NEWNS, CLONE_NEWUTS, CLONE_NEWUSER, CLONE_NEWNET = 0x00020000, 0x04000000, 0x10000000, 0x40000000


def check(result):
    if result == -1:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


def write(path):
    with open(path, "w", encoding="utf-8") as file:
        file.write("1\n")
    if not path.startswith("/proc"):
        os.unlink(path)


def in_child(action):
    """In a process of its own, since it cannot be taken back."""
    read, written = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(read)
        try:
            action()
            os._exit(0)
        except OSError as failed:
            os.write(written, str(failed.errno).encode())
        finally:
            os._exit(1)
    os.close(written)
    with os.fdopen(read) as told:
        text = told.read()
    if os.waitpid(pid, 0)[1] != 0:
        raise OSError(int(text or errno.ECHILD), "in a child")


def set_user_id():
    path = "/tmp/set-user-id"
    with open(path, "w", encoding="utf-8"):
        pass
    os.chmod(path, stat.S_IRWXU | stat.S_ISUID)


def make_device():
    os.mknod("/tmp/device", stat.S_IFCHR | 0o600, os.makedev(1, 7))
    os.unlink("/tmp/device")


def say_to_metadata_service():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as speaker:
        speaker.sendto(b"?", METADATA)


def look_at_process_1():
    os.stat("/proc/1/cgroup")


def gain_by_exec():
    """Whether a set-user-ID program could give anything: proc_pid_status(5), NoNewPrivs."""
    text = pathlib.Path("/proc/self/status").read_text(encoding="utf-8")
    if re.search(r"^NoNewPrivs:\s+1$", text, re.M):
        raise OSError(errno.EPERM, "NoNewPrivs")


def has_capabilities():
    text = pathlib.Path("/proc/self/status").read_text(encoding="utf-8")
    sets = [int(value, 16) for value in re.findall(r"^Cap(?:Inh|Prm|Eff|Bnd|Amb):\s+(\w+)$", text, re.M)]
    if not any(sets):
        raise OSError(errno.EPERM, "none")


BLOCKED = {
    "write to /etc": lambda: write("/etc/attempt"),
    "write to /usr": lambda: write("/usr/attempt"),
    "write to /var": lambda: write("/var/attempt"),
    "list /root": lambda: os.listdir("/root"),
    "make a device": make_device,
    "mount": lambda: in_child(lambda: check(LIBC.mount(b"none", b"/tmp", b"tmpfs", 0, None))),
    "a mount namespace": lambda: in_child(lambda: check(LIBC.unshare(CLONE_NEWNS))),
    "a UTS namespace": lambda: in_child(lambda: check(LIBC.unshare(CLONE_NEWUTS))),
    "a packet socket": lambda: socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0).close(),
    "send to the metadata service": say_to_metadata_service,
    "set a file's user id bit": set_user_id,
    "real-time scheduling": lambda: in_child(
        lambda: os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))),
    "another personality": lambda: in_child(lambda: check(LIBC.personality(0x0008))),
    "change the network's settings": lambda: write_back("/proc/sys/net/ipv4/tcp_fin_timeout"),
    "see other processes": look_at_process_1,
    "signal other processes": lambda: os.kill(1, 0),
    "gain by exec": gain_by_exec,
    "have capabilities": has_capabilities,
}
ALLOWED = {
    "user and network namespaces": lambda: in_child(
        lambda: check(LIBC.unshare(CLONE_NEWUSER | CLONE_NEWNET))),
    "netlink": lambda: socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 4).close(),
    "memory that is written and executed": lambda: check_mapping(),
    "write to its state": lambda: write("/var/lib/finwait/attempt"),
}


def write_back(path):
    with open(path, encoding="utf-8") as file:
        value = file.read()
    with open(path, "w", encoding="utf-8") as file:
        file.write(value)


def check_mapping():
    import mmap
    mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC).close()


def connect(family, where):
    with socket.socket(family, socket.SOCK_STREAM) as client:
        client.connect(where)


CLIENT = {
    "the daemon's socket": lambda: connect(socket.AF_UNIX, "/run/finwait/api.sock"),
    "the daemon's port": lambda: connect(socket.AF_INET, ("127.0.0.1", 9793)),
    "netlink": ALLOWED["netlink"],
    "namespaces": ALLOWED["user and network namespaces"],
    "the history": lambda: os.stat("/var/lib/finwait/history.db"),
    "the daemon's process": lambda: [os.stat(f"/proc/{pid}/cmdline") for pid in
                                     pathlib.Path("/run/finwait.pid").read_text(encoding="utf-8").split()],
}


def attempts(what):
    """What came of each: `done`, or the name of the error."""
    found = {}
    for name, action in what.items():
        try:
            action()
            found[name] = "done"
        except OSError as failed:
            found[name] = errno.errorcode.get(failed.errno, str(failed))
    return found


WORDS = {"attempts": {**BLOCKED, **ALLOWED}, "client": CLIENT}
if len(sys.argv) == 2 and sys.argv[1] in WORDS:
    print(json.dumps(attempts(WORDS[sys.argv[1]])))
    sys.exit(0)

import support  # noqa: E402
from support import run  # noqa: E402

UNIT = "/lib/systemd/system/finwait.service"
OUTSIDE = "[Service]\nType=oneshot\nStateDirectory=finwait\n"


def run_in(name, text, word="attempts"):
    """The attempts in a unit."""
    pathlib.Path("/run/finwait.pid").write_text(str(support.main_pid()), encoding="utf-8")
    path = pathlib.Path(f"/etc/systemd/system/{name}.service")
    result = pathlib.Path(f"/run/{name}.json")
    path.write_text(
        text + f"ExecStart=/usr/bin/python3 {__file__} {word}\nStandardOutput=truncate:{result}\n",
        encoding="utf-8")
    run("systemctl", "daemon-reload")
    run("systemctl", "start", name + ".service")
    return json.loads(result.read_text(encoding="utf-8"))


class Sandbox(support.Case):
    @classmethod
    def setUpClass(cls):
        support.install()
        run("systemctl", "stop", "finwait-audit.timer")
        run("ip", "address", "add", METADATA[0] + "/32", "dev", "lo")
        cls.listener = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        cls.listener.bind(METADATA)

    @classmethod
    def tearDownClass(cls):
        cls.listener.close()

    def test_what_is_blocked_and_what_is_not(self):
        # The unit as it is shipped, but for what it runs and how that is waited for.
        lines = pathlib.Path(UNIT).read_text(encoding="utf-8").split("\n[Install]")[0].splitlines()
        replaced = ("Type=", "NotifyAccess=", "ExecStart=", "ExecReload=", "WatchdogSec=", "Restart",
                    "RuntimeDirectory")
        text = "\n".join(line for line in lines if not line.startswith(replaced))
        inside = run_in("attempts-inside", text + "\nType=oneshot\n")
        outside = run_in("attempts-outside", OUTSIDE)
        for name in BLOCKED:
            with self.subTest(name):
                self.assertEqual(outside[name], "done", "the control")
                self.assertNotEqual(inside[name], "done")
        for name in ALLOWED:
            with self.subTest(name):
                self.assertEqual(outside[name], "done", "the control")
                self.assertEqual(inside[name], "done")

    def test_the_daemon_has_no_capability(self):
        text = pathlib.Path(f"/proc/{support.main_pid()}/status").read_text(encoding="utf-8")
        for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"):
            self.assertRegex(text, rf"(?m)^{name}:\s+0+$")
        self.assertRegex(text, r"(?m)^NoNewPrivs:\s+1$")
        self.assertRegex(text, r"(?m)^Seccomp:\s+2$")

    def test_the_score_of_what_is_loaded(self):
        for unit, threshold in (("finwait.service", 17), ("finwait-audit.service", 9),
                                ("finwait-audit@x.service", 9)):
            with self.subTest(unit):
                code, text = run("systemd-analyze", "security", f"--threshold={threshold}", "--no-pager",
                                 unit, check=False)
                self.assertEqual(code, 0, text)

    def test_the_whole_audit_is_clean_in_it(self):
        inside = support.run_audit(name="default")
        self.assertEqual(inside["outcome"], "clean")
        self.assertEqual(inside["summary"]["unverified"], 0)
        self.assertGreater(inside["controls"]["planned"], 0)
        self.assertEqual(inside["controls"]["caught"], inside["controls"]["planned"])
        # Control: nothing is missing that can be run outside, by root.
        done = subprocess.run(["finwait", "audit", "-o", "json"], stdout=subprocess.PIPE, text=True,
                              timeout=support.LIMIT, check=False)
        outside = json.loads(done.stdout)
        self.assertEqual(inside["environment"]["not_run"], outside["environment"]["not_run"])
        self.assertEqual(inside["environment"]["observers"], outside["environment"]["observers"])
        self.assertEqual(len(inside["reports"]), len(outside["reports"]))

    def test_other_programs_clients_run_in_it(self):
        # A C program, two of an interpreter, and one with a JIT compiler.
        there = ["curl", "http_client", "requests", "node_http"]
        done = support.run_audit(
            at=["await_response"], by=["own", "sigkill"], framing=["none"], subjects=there)
        reasons = [report["reasons"] for report in done["reports"] if report["verdict"] == "unverified"]
        self.assertEqual(reasons, [])
        self.assertEqual(done["outcome"], "clean")
        self.assertEqual({report["plan"]["subject"].split(":")[0] for report in done["reports"]}, set(there))

    def test_the_audit_units_reach_the_socket_and_nothing_else(self):
        unit = pathlib.Path("/lib/systemd/system/finwait-audit.service").read_text(encoding="utf-8")
        replaced = ("ExecStart=", "Restart", "OnFailure=")
        text = "\n".join(line for line in unit.splitlines() if not line.startswith(replaced))
        inside = run_in("client-inside", text + "\n", "client")
        outside = run_in("client-outside", OUTSIDE, "client")
        self.assertEqual(set(outside.values()), {"done"}, "the control")
        self.assertEqual(inside.pop("the daemon's socket"), "done")
        self.assertNotIn("done", inside.values())


if __name__ == "__main__":
    support.main()
