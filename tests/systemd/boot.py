"""with-systemd.sh itself: what goes in, what comes out, with which status, and that nothing stays. Exit 77: it
cannot boot here, for the reason it gives.
"""
import contextlib
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import unittest

# The directory that /run/cmd.d is bound to: fields 4 and 5 of proc_pid_mountinfo(5).
NAME = "awk '$5 == \"/run/cmd.d\" { print $4 }' /proc/self/mountinfo"
SCRIPT = pathlib.Path(__file__).resolve().parents[1] / "with-systemd.sh"


def boot(*command, options=(), limit=None):
    """Exit status, standard output and standard error of a command in a booted systemd."""
    variables = dict(os.environ)
    if limit:
        variables["WITH_SYSTEMD_TIMEOUT"] = str(limit)
    done = subprocess.run([str(word) for word in (SCRIPT, *options, "--", *command)], capture_output=True,
                          text=True, check=False, timeout=300, env=variables)
    return done.returncode, done.stdout, done.stderr


def left_behind(name):
    """Control groups, mounts, files and processes of a boot, by the name of its work directory."""
    found = [str(path) for path in pathlib.Path(tempfile.gettempdir()).glob(name)]
    for line in pathlib.Path("/proc/mounts").read_text(encoding="utf-8").splitlines():
        _, where, kind, *_ = line.split()
        if kind in ("cgroup", "cgroup2"):
            found += [str(path) for path in pathlib.Path(where).rglob(name)]
        elif name in where:
            found.append(where)
    for pid in filter(str.isdigit, os.listdir("/proc")):
        with contextlib.suppress(OSError):
            command = pathlib.Path(f"/proc/{pid}/cmdline").read_bytes()
            if name.encode() in command:
                found.append(command.replace(b"\0", b" ").decode())
    return found


class Boot(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)

    def test_a_command_runs_under_systemd(self):
        code, out, _ = boot("sh", "-c", "cat /proc/1/comm; systemctl is-active basic.target; id -u")
        self.assertEqual((code, out.split()), (0, ["systemd", "active", "0"]))

    def test_its_status_comes_out(self):
        self.assertEqual(boot("sh", "-c", "exit 3")[0], 3)
        self.assertEqual(boot("sh", "-c", "echo why; exit 77")[:2], (77, "why\n"))
        self.assertEqual(boot("/nowhere/to/be/found")[0], 127)
        self.assertEqual(boot("sh", "-c", "kill -9 $$")[0], 255)

    def test_words_stay_as_they_are(self):
        words = ["a b", "$HOME", "it's", "", "*", "ä\\n"]
        code, out, _ = boot("printf", "[%s]", *words)
        self.assertEqual((code, out), (0, "".join(f"[{word}]" for word in words)))

    def test_what_is_staged_is_there_and_what_comes_out_stays(self):
        stage, out = pathlib.Path(self.folder.name, "stage"), pathlib.Path(self.folder.name, "out")
        (stage / "opt" / "staged").mkdir(parents=True)
        (stage / "opt" / "staged" / "file").write_text("staged\n", encoding="utf-8")
        out.mkdir()
        for path in (stage, stage / "opt", stage / "opt" / "staged"):
            path.chmod(0o755)
        code, text, _ = boot("sh", "-c", "cat /opt/staged/file; touch /run/out/made; stat -c %a /",
                             options=("-d", stage, "-o", out))
        self.assertEqual((code, text), (0, "staged\n755\n"))
        self.assertTrue((out / "made").exists())
        self.assertFalse(pathlib.Path("/opt/staged").exists())

    def test_a_stage_that_would_lock_everybody_out_is_refused(self):
        stage = pathlib.Path(self.folder.name, "closed")
        stage.mkdir(mode=0o700)
        code, _, error = boot("true", options=("-d", stage))
        self.assertEqual(code, 2)
        self.assertIn("0755", error)

    def test_what_hangs_is_ended(self):
        self.assertEqual(boot("sleep", "infinity", limit=3)[0], 124)

    def test_this_machine_is_out_of_reach(self):
        # Each with its control: it is root, and may do so inside.
        self.assertEqual(boot("sh", "-c", "touch /etc/touched && ip link add name v0 type veth")[0], 0)
        self.assertFalse(pathlib.Path("/etc/touched").exists())
        code, out, _ = boot("sh", "-c", "grep CapBnd /proc/self/status; ip -o link")
        self.assertEqual(code, 0)
        bounding = int(re.search(r"CapBnd:\s+(\w+)", out).group(1), 16)
        self.assertEqual(bounding & (1 << 25 | 1 << 16), 0, "CAP_SYS_TIME, CAP_SYS_MODULE")
        self.assertNotEqual(bounding & 1 << 21, 0, "CAP_SYS_ADMIN: the control")
        self.assertEqual(len(out.strip().splitlines()), 2, "lo alone")

    def test_control_what_would_stay_is_seen(self):
        out = pathlib.Path(self.folder.name)
        for name in ("told", "go"):
            os.mkfifo(out / name)
        command = [SCRIPT, "-o", out, "--", "sh", "-c", NAME + " >/run/out/told; read _ </run/out/go"]
        running = subprocess.Popen(command, stdout=subprocess.PIPE)
        name = pathlib.Path((out / "told").read_text(encoding="utf-8").strip()).parent.name
        self.assertGreater(len(left_behind(name)), 3)
        (out / "go").write_text("\n", encoding="utf-8")
        running.communicate(timeout=300)
        self.assertEqual(running.returncode, 0)
        self.assertEqual(left_behind(name), [])

    def test_six_at_once_and_nothing_stays(self):
        command = [SCRIPT, "--", "sh", "-c", "systemctl start --wait systemd-tmpfiles-clean; " + NAME]
        running = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(6)]
        names = set()
        for each in running:
            text = each.communicate(timeout=300)[0]
            self.assertEqual(each.returncode, 0, text)
            names.add(pathlib.Path(text.strip()).parent.name)
        self.assertEqual(len(names), 6)
        for each in names:
            self.assertTrue(each.startswith("with-systemd."), each)
            self.assertEqual(left_behind(each), [])


if __name__ == "__main__":
    status, text, _ = boot("true")
    if status == 77:
        print(text.strip().splitlines()[-1])
        sys.exit(77)
    unittest.main(verbosity=2)
