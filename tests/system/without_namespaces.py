"""Where namespaces of its own are refused, finwait works on the host's loopback and says so."""
import json
import subprocess
import unittest

import support
from support import finwait

# A user namespace that permits no further ones, and a process in it without any capability: what a
# hardened host looks like to an ordinary user. user_namespaces(7), namespaces(7).
BEFORE = (
    "unshare", "--user", "--map-root-user", "sh", "-c",
    'echo 0 > /proc/sys/user/max_user_namespaces && '
    'exec setpriv --bounding-set=-all --inh-caps=-all --no-new-privs "$@"', "sh",
)


class WithoutNamespaces(unittest.TestCase):
    def test_the_environment_says_what_is_missing_and_what_would_cure_it(self):
        status, out, err = finwait("worker", "--environment", before=BEFORE)
        self.assertEqual(status, 0, err)
        told = json.loads(out)
        self.assertEqual(told["lab"], "host")
        missing = {cell["what"]: cell for cell in told["not_run"]}
        self.assertIn("sock_destroy", missing)
        self.assertIn("resolve", missing)
        for cell in missing.values():
            self.assertTrue(cell["reason"])
            self.assertTrue(cell["cure"])

    def test_an_audit_leaves_out_what_cannot_be_done_and_lists_it(self):
        status, out, err = finwait(
            "audit", "--at", "idle,await_response", "-o", "json", before=BEFORE)
        audit = json.loads(out)
        self.assertEqual((status, audit["outcome"]), (0, "clean"), err)
        self.assertEqual(audit["environment"]["lab"], "host")
        methods = {report["plan"]["by"] for report in audit["reports"]}
        self.assertNotIn("sock_destroy", methods)
        self.assertIn("close", methods)
        self.assertIn("sock_destroy", [c["what"] for c in audit["environment"]["not_run"]])

    def test_what_is_asked_for_by_name_is_unverified(self):
        for choice, code in ((("--at", "idle", "--by", "sock_destroy"), "not_permitted"),
                             (("--at", "resolve", "--by", "cancel"), "not_permitted")):
            with self.subTest(choice):
                status, out, _ = finwait("probe", *choice, "-o", "json", before=BEFORE)
                report = json.loads(out)
                self.assertEqual((status, report["verdict"]), (3, "unverified"))
                self.assertEqual(report["reasons"][0]["code"], code)
                status, out, _ = finwait("audit", *choice, "-o", "json", before=BEFORE)
                self.assertEqual((status, json.loads(out)["outcome"]), (3, "unverified"))

    def test_the_table_names_the_cure(self):
        _, out, _ = finwait("audit", "--at", "idle", "--by", "close", before=BEFORE)
        self.assertIn("Not run here", out)
        self.assertIn("cure: ", out)


if __name__ == "__main__":
    trial = subprocess.run([*BEFORE, "true"], capture_output=True, check=False)
    if trial.returncode != 0:
        support.skip("no user namespace can be made here: " + trial.stderr.decode().strip())
    support.main()
