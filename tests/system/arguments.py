"""Wrong words, exit statuses and streams of the command line."""
import json
import os
import socket
import tempfile
import threading
import unittest
import xml.etree.ElementTree

import support
from support import finwait

CELL = ("--at", "idle", "--by", "close")


class WrongUsage(unittest.TestCase):
    def refused(self, *arguments):
        status, out, err = finwait(*arguments)
        self.assertEqual(status, 2, err)
        self.assertEqual(out, "")
        return err

    def test_unknown_words_are_answered_with_the_nearest(self):
        for arguments, expected in [
            (("adit",), '"audit"'),
            (("audit", "--at", "requst_body"), '"request_body"'),
            (("audit", "--at", "idle,conect"), '"connect"'),
            (("audit", "--by", "clsoe"), '"close"'),
            (("audit", "--tsl"), '"--tls"'),
            (("audit", "--repaet", "3"), '"--repeat"'),
            (("probe", *CELL, "--request", "chuncked:1k"), '"chunked"'),
            (("probe", *CELL, "--response", "lenght:1k"), '"length"'),
            (("probe", *CELL, "--after", "anser"), '"answer"'),
            (("probe", *CELL, "--subject", "baest"), '"beast"'),
            (("probe", *CELL, "-o", "jsn"), '"json"'),
            (("status", "--wait-for", "pas"), '"pass"'),
            (("worker", "--in-fligth", "3"), '"--in-flight"'),
        ]:
            with self.subTest(arguments):
                self.assertIn(f"did you mean {expected}", self.refused(*arguments))

    def test_wrong_values_are_named(self):
        for arguments, expected in [
            (("probe", *CELL, "--response", "length:6x"), "length:6x"),
            (("probe", *CELL, "--position", "2"), "--position"),
            (("probe", *CELL, "--target", "ftp://x"), "--target"),
            (("probe", *CELL, "--ca", "/x"), "--ca and --tls-min are for a --target"),
            (("probe", *CELL, "--target", "http://x/", "--tls-min", "1.3"), "https:// URL"),
            (("probe", *CELL, "--target", "https://x/", "--tls-min", "1.1"), '"1.2"'),
            (("probe", *CELL, "--target", "https://x/", "--ca", "/no/such"), "--ca: "),
            (("audit", "--daemon", "--target", "shop", "--ca", "/x"), "--daemon takes"),
            (("audit", "--daemon", "--target", "shop", "--tls-min", "1.3"), "--daemon takes"),
            (("audit", "--jobs", "0"), "--jobs"),
            (("audit", "--in-flight", "x"), "--in-flight"),
            (("audit", "--repeat", "-1"), "--repeat"),
            (("serve", "--every", "soon"), "--every"),
            (("serve", "--every", "0s"), "--every"),
            (("serve", "--listen", "localhost"), "--listen"),
            (("serve", "--listen", "0.0.0.0:0"), "loopback"),
            (("status", "--url", "ftp://x"), "--url"),
            (("probe", "--at", "idle"), "--by"),
            (("audit", "idle"), "idle"),
            ((), "a command is needed"),
        ]:
            with self.subTest(arguments):
                self.assertIn(expected, self.refused(*arguments))

    def test_an_impossible_plan_is_refused_with_the_reason(self):
        err = self.refused("probe", "--at", "idle_peer_closed", "--by", "peer_close")
        self.assertIn("idle_peer_closed by peer_close cannot be probed", err)
        self.refused("audit", "--at", "idle_peer_closed", "--by", "peer_close")

    def test_help_shows_examples_first(self):
        for arguments in [(), ("audit",), ("probe",), ("serve",), ("status",), ("worker",)]:
            status, out, err = finwait(*arguments, "--help")
            self.assertEqual((status, err), (0, ""))
            self.assertTrue(out.startswith("Examples:\n"), out[:80])
            self.assertNotIn("child-of", out)
        self.assertNotIn("client", finwait("--help")[1].split("Subcommands:")[1])
        self.assertRegex(finwait("--version")[1], r"^finwait \d+\.\d+\.\d+\n$")


class Output(unittest.TestCase):
    def test_a_probe_is_one_report(self):
        status, out, _ = finwait("probe", *CELL, "-o", "json")
        self.assertEqual(status, 0)
        self.assertEqual(out.count("\n"), 1)
        report = json.loads(out)
        self.assertEqual(report["schema"], "finwait.report/1")
        self.assertEqual((report["plan"]["at"], report["plan"]["by"]), ("idle", "close"))
        self.assertEqual(report["verdict"], "released")

    def test_a_caught_control_is_clean(self):
        status, out, _ = finwait("probe", "--at", "idle", "--by", "abandon", "-o", "json")
        report = json.loads(out)
        self.assertEqual((report["control"], report["verdict"]), (True, "leaked"))
        self.assertEqual(status, 0)

    def test_a_probe_for_people_shows_both_ends_and_why(self):
        status, out, _ = finwait("probe", *CELL)
        self.assertEqual(status, 0)
        for text in ("✓ released", "client", "origin", "── kill: close", "── first look",
                     "── second look", "can the port", "Why"):
            self.assertIn(text, out)
        self.assertNotIn("\x1b", out)
        self.assertIn("\x1b[", finwait("probe", *CELL, "--color", "always")[1])

    def test_an_audit_is_a_table_a_document_or_lines(self):
        choice = ("--at", "idle,connected", "--by", "close,reset,abandon")
        status, table, err = finwait("audit", *choice)
        self.assertEqual((status, err), (0, ""))
        self.assertIn("abandon (c)", table)
        self.assertTrue(table.splitlines()[-1].startswith("clean: "), table)
        status, text, _ = finwait("audit", *choice, "-o", "json")
        self.assertEqual(status, 0)
        audit = json.loads(text)
        self.assertEqual((audit["schema"], audit["outcome"]), ("finwait.audit/1", "clean"))
        controls = audit["controls"]["planned"]
        self.assertEqual(sum(audit["summary"].values()) + controls, len(audit["reports"]))
        self.assertEqual(controls, audit["controls"]["caught"])
        self.assertGreater(controls, 0)
        status, lines, _ = finwait("audit", *choice, "-o", "ndjson")
        self.assertEqual(status, 0)
        self.assertEqual(len(support.reports_in(lines)), len(audit["reports"]))

    def test_repeat_runs_each_cell_again(self):
        status, out, _ = finwait(
            "audit", *CELL, "--tls", "--repeat", "7", "--jobs", "2", "--in-flight", "2", "-o", "ndjson")
        self.assertEqual(status, 0)
        reports = support.reports_in(out)
        self.assertEqual(len(reports), 7)
        self.assertEqual(len({report["id"] for report in reports}), 7)

    def test_junit_is_xml_with_a_case_per_report(self):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "finwait.xml")
            status, out, _ = finwait("audit", *CELL, "--junit", path, "-o", "ndjson")
            self.assertEqual(status, 0)
            suite = xml.etree.ElementTree.parse(path).getroot()
            cases = [c for c in suite if c.get("classname") != "finwait.not_run"]
            self.assertEqual(len(cases), len(support.reports_in(out)))
            self.assertEqual(suite.get("failures"), "0")
            self.assertEqual(os.listdir(folder), ["finwait.xml"])

    def test_what_cannot_be_written_is_74(self):
        for form in ("table", "json", "ndjson"):
            with self.subTest(form), open("/dev/full", "w") as full:
                status, _, err = finwait("audit", *CELL, "-o", form, stdout=full)
                self.assertEqual(status, 74)
                self.assertIn("No space left on device", err)
        with open("/dev/full", "w") as full:
            self.assertEqual(finwait("probe", *CELL, "-o", "json", stdout=full)[0], 74)
            self.assertEqual(finwait("--help", stdout=full)[0], 74)
            self.assertEqual(finwait("--version", stdout=full)[0], 74)
        self.assertEqual(finwait("audit", *CELL, "--junit", "/no/such/folder/x.xml")[0], 74)
        self.assertEqual(finwait("audit", *CELL, "--junit", "/dev/full")[0], 74)

    def test_a_reader_that_goes_away_is_74(self):
        for form in ("json", "ndjson"):
            with self.subTest(form):
                read, write = os.pipe()
                os.close(read)
                status, _, _ = finwait("audit", *CELL, "-o", form, stdout=write)
                os.close(write)
                self.assertEqual(status, 74)

    def test_a_closed_standard_output_is_74(self):
        status, _, _ = finwait("probe", *CELL, "-o", "json", preexec=lambda: os.close(1))
        self.assertEqual(status, 74)

    def test_no_daemon_is_75(self):
        status, out, err = finwait("status", "--url", "http://127.0.0.1:1")
        self.assertEqual((status, out), (75, ""))
        self.assertIn("finwait serve", err)

    def test_something_else_than_a_daemon_is_75(self):
        with socket.create_server(("127.0.0.1", 0)) as listener:
            def answer(text):
                connection, _ = listener.accept()
                with connection:
                    connection.recv(65536)
                    connection.sendall(text)
            for text in (b"", b"rubbish\r\n\r\n", b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n",
                         b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}",
                         b"HTTP/1.1 200 OK\r\nContent-Length: 9999999999\r\n\r\n"):
                with self.subTest(text):
                    server = threading.Thread(target=answer, args=(text,))
                    server.start()
                    url = f"http://127.0.0.1:{listener.getsockname()[1]}"
                    self.assertEqual(finwait("status", "--url", url)[0], 75)
                    server.join()


if __name__ == "__main__":
    support.main()
