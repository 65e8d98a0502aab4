"""The daemon at work: audits that are asked for, joined, cancelled and scheduled, single probes,
targets and their addresses, findings and their life, and what survives SIGKILL."""
import contextlib
import json
import os
import random
import re
import shutil
import signal
import socket
import sqlite3
import tempfile
import threading
import time
import unittest

import support
from support import Run, UnixConnection, finwait

CELL = {"at": ["idle"], "by": ["close"]}
# A client that is told to end and does not: what it leaves open is a finding.
STUBBORN = """
import os, signal, socket, sys
if os.path.exists(sys.argv[3]):
    signal.signal(signal.SIGTERM, lambda *_: None)
one = socket.create_connection((sys.argv[1], int(sys.argv[2])))
one.sendall(b"GET / HTTP/1.1\\r\\nHost: x\\r\\n\\r\\n")
print("HOLD", flush=True)
while True:
    signal.pause()
"""
RECIPE = """
name = "stubborn"
about = "a client that does not end when it is told to"
kind = "oneshot"
requires = ["/bin/echo", "1.0"]
install = "nothing"
command = ["/usr/bin/python3", "-B", "{here}/stubborn.py", "{host}", "{port}", "{here}/leak"]
kills = ["sigterm"]
points = ["await_response"]
settle_ms = [200]
"""


def stubborn_folder(test, program=STUBBORN, leaks=False):
    """A folder of a test's own with the stubborn client's recipe; `leaks`: it does not end."""
    folder = tempfile.mkdtemp(prefix="finwait-stubborn-")
    test.addCleanup(shutil.rmtree, folder)
    subjects = os.path.join(folder, "subjects")
    os.mkdir(subjects)
    files = {"stubborn.py": program, "stubborn.toml": RECIPE, **({"leak": ""} if leaks else {})}
    for name, text in files.items():
        with open(os.path.join(subjects, name), "w", encoding="utf-8") as file:
            file.write(text)
    return folder


class Service:
    """A daemon with a configuration and a history of its own."""

    def __init__(self, configuration="", folder=None):
        self.own = folder is None
        self.folder = folder or tempfile.mkdtemp(prefix="finwait-service-")
        self.socket = os.path.join(self.folder, "api.sock")
        self.config = os.path.join(self.folder, "finwait.toml")
        os.makedirs(os.path.join(self.folder, "subjects"), exist_ok=True)
        self.configure(configuration)
        self.start()

    def configure(self, more):
        with open(self.config, "w", encoding="utf-8") as file:
            file.write(f"""version = 1
[serve]
unix = "{self.socket}"
tcp = ""
[history]
path = "{self.folder}/history.db"
[subjects]
directories = ["{self.folder}/subjects"]
""" + more)

    def start(self):
        self.run = Run("serve", "--config", self.config)
        try:
            self.run.line_with("stderr", "listening on ")
        except AssertionError:
            self.run.__exit__()
            raise

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.run.__exit__()
        if self.own:
            shutil.rmtree(self.folder)

    def ask(self, method, path, body=None, headers=None):
        """Status, headers, document."""
        connection = UnixConnection(self.socket)
        try:
            text = None if body is None else json.dumps(body)
            fields = {"Content-Type": "application/json"} if body is not None else {}
            if method == "DELETE":
                fields = {"Content-Type": "application/json", "Content-Length": "0"}
            connection.request(method, path, text, {**fields, **(headers or {})})
            answer = connection.getresponse()
            content = answer.read()
            return answer.status, answer.headers, json.loads(content) if content else None
        finally:
            connection.close()

    def get(self, path):
        status, _, document = self.ask("GET", path)
        if status != 200:
            raise AssertionError((path, status, document))
        return document

    def audit(self, order):
        """Asks for one; gives its id."""
        status, headers, document = self.ask("POST", "/api/v1/audits", order)
        if status not in (200, 202):
            raise AssertionError((status, document))
        return headers["Location"].rpartition("/")[2]

    def ended(self, audit):
        """Waits for the status to change until that audit has ended; gives it."""
        index = None
        while True:
            document = self.get(f"/api/v1/audits/{audit}")
            if "state" not in document or document["state"] in ("cancelled", "done"):
                return document
            query = "?wait=30s" if index is None else f"?index={index}&wait=30s"
            index = self.get("/api/v1/status" + query)["index"]

    def audited(self, order):
        return self.ended(self.audit(order))

    def finwait(self, *arguments):
        return finwait("audit", "--daemon", "--socket", self.socket, *arguments)

    def stop(self):
        os.kill(self.run.pid, signal.SIGTERM)
        return self.run.finish()


QUIET = """
[[audits]]
name = "default"
every = "off"
at = ["idle", "connected"]
by = ["close", "abandon"]
"""
NEVER_ENDS = QUIET + """
[[audits]]
name = "long"
by = ["close"]
repeat = 100
[[audits]]
name = "second"
at = ["idle"]
by = ["close"]
"""


class Asking(unittest.TestCase):
    def test_an_audit_is_accepted_runs_is_stored_and_counted(self):
        with Service(QUIET) as daemon:
            self.assertEqual(daemon.get("/api/v1/status")["status"], "warn")
            status, headers, document = daemon.ask("POST", "/api/v1/audits", CELL)
            self.assertEqual(status, 202)
            self.assertIn(document["state"], ("queued", "running"))
            self.assertEqual(headers["Location"], "/api/v1/audits/" + document["id"])
            audit = daemon.ended(document["id"])
            self.assertEqual(audit["outcome"], "clean", audit)
            for report in audit["reports"]:
                self.assertEqual(report["plan"]["at"], "idle")
                self.assertEqual(daemon.get("/api/v1/reports/" + report["id"]), report)
            self.assertEqual(daemon.get("/api/v1/audits/latest")["id"], audit["id"])
            status = daemon.get("/api/v1/status")
            self.assertEqual(status["last_audit"]["id"], audit["id"])
            self.assertEqual(status["self"]["workers"], 0)
            self.assertEqual(daemon.run.workers(), [])

    def test_one_by_name_is_in_the_status_with_its_last_run(self):
        with Service(QUIET) as daemon:
            (before,) = daemon.get("/api/v1/status")["audits"]
            self.assertEqual(
                before, {"name": "default", "last": None, "running": None, "next": None,
                         "missed": 0})
            audit = daemon.audited({"name": "default"})
            self.assertGreater(audit["controls"]["planned"], 0)
            self.assertEqual(audit["controls"]["planned"], audit["controls"]["caught"])
            status = daemon.get("/api/v1/status")
            (after,) = status["audits"]
            self.assertEqual(after["last"]["id"], audit["id"])
            self.assertEqual(status["status"], "pass", status)

    def test_what_runs_is_joined_what_waits_is_joined_and_too_many_come_later(self):
        with Service(NEVER_ENDS + "[limits]\naudit_queue = 1\n") as daemon:
            first = daemon.audit({"name": "long"})
            while daemon.get(f"/api/v1/audits/{first}")["state"] != "running":
                pass
            self.assertEqual(daemon.audit({"name": "long"}), first)
            second = daemon.audit({"name": "second"})
            self.assertNotEqual(second, first)
            self.assertEqual(daemon.audit({"name": "second"}), second)
            status, headers, problem = daemon.ask("POST", "/api/v1/audits", CELL)
            self.assertEqual((status, problem["code"]), (429, "limit_exceeded"))
            self.assertIn("Retry-After", headers)
            self.assertEqual(daemon.finwait("--at", "idle", "--by", "reset")[0], 75)
            now = daemon.get("/api/v1/status")
            self.assertEqual(now["waiting"], {"audits": 1, "probes": 0})
            running = {each["name"]: each["running"] for each in now["audits"]}
            self.assertEqual(running, {"default": None, "long": first, "second": second})
            status, _, _ = daemon.ask("DELETE", f"/api/v1/audits/{first}")
            self.assertEqual(status, 202)
            cancelled = daemon.ended(first)
            self.assertTrue(cancelled["interrupted"])
            self.assertEqual(cancelled["outcome"], "unverified")
            self.assertEqual(daemon.ended(second)["outcome"], "clean")
            status, _, problem = daemon.ask("DELETE", f"/api/v1/audits/{first}")
            self.assertEqual((status, problem["code"]), (409, "already_finished"))
            self.assertEqual(daemon.run.workers(), [])

    def test_one_of_a_choice_has_no_name_of_the_configuration_while_it_waits(self):
        with Service(NEVER_ENDS) as daemon:
            first = daemon.audit({"name": "long"})
            while daemon.get(f"/api/v1/audits/{first}")["state"] != "running":
                pass
            second = daemon.audit(CELL)
            waiting = daemon.get(f"/api/v1/audits/{second}")
            self.assertEqual(
                (waiting["name"], waiting["state"], waiting["started"]),
                ("ad hoc", "queued", None))
            now = daemon.get("/api/v1/status")
            self.assertEqual(now["waiting"], {"audits": 1, "probes": 0})
            running = {each["name"]: each["running"] for each in now["audits"]}
            self.assertEqual(running, {"default": None, "long": first, "second": None})
            self.assertEqual(daemon.ask("DELETE", f"/api/v1/audits/{first}")[0], 202)
            self.assertEqual(daemon.ended(second)["name"], "ad hoc")

    def test_one_that_waits_is_cancelled_before_it_has_run(self):
        with Service(NEVER_ENDS) as daemon:
            first = daemon.audit({"name": "long"})
            second = daemon.audit({"name": "second"})
            self.assertEqual(daemon.ask("DELETE", f"/api/v1/audits/{second}")[0], 202)
            self.assertEqual(daemon.get(f"/api/v1/audits/{second}")["state"], "cancelled")
            self.assertEqual(daemon.ask("DELETE", f"/api/v1/audits/{first}")[0], 202)
            listed = [each["id"] for each in daemon.get("/api/v1/audits")["audits"]]
            self.assertNotIn(second, listed)

    def test_names_are_checked_and_nothing_else_is_taken(self):
        with Service(QUIET) as daemon:
            for order, status, code in (
                    ({"at": ["idel"]}, 400, "invalid_body"),
                    ({"by": ["clsoe"]}, 400, "invalid_body"),
                    ({"name": "none"}, 404, "not_found"),
                    ({"name": "default", "at": ["idle"]}, 400, "invalid_body"),
                    ({"subjects": ["nobody"]}, 404, "unknown_subject"),
                    ({"target": "nowhere"}, 404, "unknown_target"),
                    ({"target": "http://127.0.0.1/"}, 400, "invalid_body"),
                    ({"at": ["resolve"], "by": ["peer_close"]}, 400, "invalid_body"),
                    ({"url": "http://127.0.0.1/"}, 400, "invalid_body"),
                    ({"command": ["/bin/true"]}, 400, "invalid_body")):
                with self.subTest(order=order):
                    got, _, problem = daemon.ask("POST", "/api/v1/audits", order)
                    self.assertEqual((got, problem["code"]), (status, code), problem)
            self.assertEqual(daemon.get("/api/v1/audits")["audits"], [])

    def test_single_probes_run_are_stored_and_are_in_no_list_of_audits(self):
        with Service(QUIET) as daemon:
            ids = []
            for by in ("close", "reset", "sigkill", "abandon"):
                status, headers, _ = daemon.ask(
                    "POST", "/api/v1/probes", {"at": "idle", "by": by})
                self.assertEqual(status, 202)
                ids.append(headers["Location"].rpartition("/")[2])
            for probe in ids:
                index = daemon.get("/api/v1/status")["index"]
                while daemon.get("/api/v1/probes/" + probe)["state"] in ("queued", "running"):
                    index = daemon.get(f"/api/v1/status?index={index}&wait=1s")["index"]
                self.assertEqual(daemon.get("/api/v1/probes/" + probe)["state"], "done")
                report = daemon.get("/api/v1/reports/" + probe)
                self.assertTrue(report["as_expected"], report)
            self.assertEqual(daemon.get("/api/v1/audits")["audits"], [])
            daemon.stop()
            daemon.start()
            self.assertEqual(daemon.get("/api/v1/probes/" + ids[0])["state"], "done")

    def test_events_tell_of_each_report_once_it_can_be_read(self):
        with Service(QUIET) as daemon:
            connection = UnixConnection(daemon.socket)
            self.addCleanup(connection.close)
            connection.request("GET", "/api/v1/events", headers={"Accept": "text/event-stream"})
            stream = connection.getresponse()
            self.assertEqual(stream.status, 200)
            began = time.time()
            audit = daemon.audit({"name": "default"})
            reports, name, outcome = [], None, None
            while outcome is None:
                line = stream.readline().decode().rstrip("\r\n")
                if line.startswith("id: "):
                    # Numbered from the daemon's start in microseconds, so that the numbers of an
                    # earlier daemon are older than all of this one's.
                    self.assertLess(abs(int(line[4:]) / 1e6 - began), 3600)
                elif line.startswith("event: "):
                    name = line[7:]
                elif line.startswith("data: "):
                    data = json.loads(line[6:])
                    if name == "report":
                        self.assertEqual(
                            daemon.get("/api/v1/reports/" + data["id"])["verdict"],
                            data["verdict"])
                        reports.append(data["id"])
                    elif name == "audit":
                        self.assertEqual(data["id"], audit)
                        outcome = data.get("outcome")
            whole = daemon.get("/api/v1/audits/" + audit)
            self.assertEqual(outcome, whole["outcome"])
            self.assertEqual(sorted(reports), [each["id"] for each in whole["reports"]])

    def test_stopped_in_the_middle_it_leaves_nothing_and_remembers_what_there_was(self):
        with Service(NEVER_ENDS) as daemon:
            audit = daemon.audit({"name": "long"})
            while not daemon.get("/api/v1/reports")["reports"]:
                pass
            processes = daemon.run.pids()
            self.assertEqual(daemon.stop()[0], 0)
            support.wait_until_gone(processes)
            daemon.start()
            document = daemon.get("/api/v1/audits/" + audit)
            self.assertTrue(document["interrupted"])


    def test_a_log_that_nobody_reads_stops_nothing(self):
        with Service(QUIET) as service:
            # What it has said so far stays in the pipe, and so does what fills it.
            with open(f"/proc/{service.run.pid}/fd/2", "wb", buffering=0) as pipe:
                os.set_blocking(pipe.fileno(), False)
                while pipe.write(b"." * 4096):
                    pass
            self.assertEqual(service.audited(dict(CELL, at=["connected"]))["outcome"], "clean")
            self.assertEqual(service.audited(CELL)["outcome"], "clean")
            status, _, err = service.stop()
            self.assertEqual(status, 0)
            self.assertIn("." * 4096, err)


class Commands(unittest.TestCase):
    def test_the_command_follows_shows_and_judges(self):
        with Service(QUIET) as daemon:
            code, out, err = daemon.finwait("-o", "json")
            self.assertEqual(code, 0, err)
            audit = json.loads(out)
            self.assertEqual(audit, daemon.get("/api/v1/audits/latest"))
            code, out, _ = daemon.finwait("--name", "default", "-o", "ndjson")
            self.assertEqual((code, len(support.reports_in(out))), (0, len(audit["reports"])))
            junit = os.path.join(daemon.folder, "junit.xml")
            code, out, _ = daemon.finwait("--at", "idle", "--by", "close", "--junit", junit)
            self.assertEqual(code, 0)
            self.assertIn("clean: ", out)
            with open(junit, encoding="utf-8") as file:
                self.assertIn("<testsuite", file.read())

    def test_two_that_ask_for_the_same_get_the_same(self):
        with Service(NEVER_ENDS.replace("repeat = 100", "repeat = 2")) as daemon:
            with Run("audit", "--daemon", "--socket", daemon.socket, "--name", "long",
                     "-o", "json") as one, \
                 Run("audit", "--daemon", "--socket", daemon.socket, "--name", "long",
                     "-o", "json") as other:
                results = [json.loads(each.finish()[1])["id"] for each in (one, other)]
            self.assertEqual(*results)

    def test_wrong_names_are_2_and_no_daemon_is_75(self):
        with Service(QUIET) as daemon:
            code, out, err = daemon.finwait("--name", "defualt")
            self.assertEqual((code, out), (2, ""))
            self.assertIn("default", err)
            self.assertEqual(daemon.finwait("--at", "idel")[0], 2)
            self.assertEqual(daemon.finwait("--name", "default", "--at", "idle")[0], 2)
            self.assertEqual(daemon.finwait("--unread")[0], 2)
            gone = os.path.join(daemon.folder, "none.sock")
            code, _, err = finwait("audit", "--daemon", "--socket", gone)
            self.assertEqual(code, 75, err)
            self.assertIn(gone, err)
            code, _, err = finwait("status", "--socket", gone)
            self.assertEqual(code, 75, err)
        self.assertEqual(finwait("audit", "--name", "default")[0], 2)

    def test_a_daemon_that_dies_meanwhile_is_75(self):
        with Service(NEVER_ENDS) as daemon:
            with Run("audit", "--daemon", "--socket", daemon.socket, "--name", "long") as run:
                while not daemon.get("/api/v1/reports")["reports"]:
                    pass
                os.kill(daemon.run.pid, signal.SIGKILL)
                code, _, err = run.finish()
            self.assertEqual(code, 75, err)
            self.assertIn("lost sight of", err)

    def test_it_is_followed_without_a_place_among_the_readers_of_events(self):
        with Service(NEVER_ENDS) as daemon, contextlib.ExitStack() as readers:
            for _ in range(8):
                reader = UnixConnection(daemon.socket)
                reader.request("GET", "/api/v1/events")
                events = readers.enter_context(reader.getresponse())
                self.assertEqual(events.status, 200)
            self.assertEqual(daemon.ask("GET", "/api/v1/events")[0], 503, "there is no more room")

            def refused():
                """How often a reader was sent away: by the count of the daemon."""
                connection = UnixConnection(daemon.socket)
                with contextlib.closing(connection):
                    connection.request("GET", "/metrics")
                    text = connection.getresponse().read().decode()
                found = re.search(
                    r'requests_total{(?=[^}]*route="/api/v1/events")[^}]*code="503"[^}]*} (\d+)', text)
                return int(found[1]) if found else 0

            with Run("audit", "--daemon", "--socket", daemon.socket, "--name", "long",
                     "-o", "json") as run:
                while refused() < 8 and run.process.poll() is None:
                    # Each is a change of the status, and so the end of what the follower waits for.
                    waiting = daemon.audit({"name": "second"})
                    daemon.ask("DELETE", f"/api/v1/audits/{waiting}")
                while not daemon.get("/api/v1/reports")["reports"]:
                    pass  # one that is cancelled before it has begun leaves no document
                self.assertIsNone(run.process.poll())
                long = daemon.get("/api/v1/status")["audits"][1]["running"]
                self.assertEqual(daemon.ask("DELETE", f"/api/v1/audits/{long}")[0], 202)
                code, out, err = run.finish()
            self.assertEqual(code, 3, err)
            self.assertEqual(json.loads(out)["id"], long)

    def test_it_is_tried_again_as_often_as_asked_for(self):
        with Service(QUIET) as daemon:
            self.assertEqual(daemon.stop()[0], 0)
            order = ("audit", "--daemon", "--socket", daemon.socket, "--at", "idle", "--by", "close")
            with Run(*order, "--retry", "5") as run:
                run.line_with("stderr", "cannot be reached")
                self.assertIn("trying again in 1 s (1 of 5)", run.line("stderr"))
                daemon.start()
                code, out, err = run.finish()
            self.assertEqual(code, 0, err)
            self.assertIn("clean: ", out)
            code, _, err = daemon.finwait("--retry", "5", "--name", "nobody")
            self.assertEqual(code, 2)
            self.assertNotIn("again", err)
            self.assertEqual(daemon.stop()[0], 0)
            code, _, err = finwait(*order, "--retry", "1")
            self.assertEqual(code, 75)
            self.assertEqual(err.count("cannot be reached"), 2)
            self.assertEqual(err.count("trying again"), 1)
            self.assertNotIn("trying again", finwait(*order)[2])
        self.assertEqual(finwait("audit", "--retry", "1")[0], 2)

    def test_more_reports_than_a_document_holds_are_fetched(self):
        # JSON writes a control character in six, which makes some 200 kB of each output.
        folder = stubborn_folder(self, "print(chr(1) * 60000)\n" + STUBBORN)
        audits = QUIET + '[[audits]]\nname = "loud"\nsubjects = ["stubborn"]\nrepeat = 60\n'
        with Service(audits, folder) as daemon:
            code, out, err = daemon.finwait("--name", "loud", "-o", "json")
            self.assertEqual(code, 0, err)
            audit = json.loads(out)
            short = daemon.get("/api/v1/audits/latest")
            self.assertGreater(short["reports_left_out"], 0)
            there = len(short["reports"])
            self.assertEqual(len(audit["reports"]), there + short["reports_left_out"])
            # Not by assertEqual, which would print megabytes.
            self.assertTrue(audit["reports"][:there] == short["reports"])
            del short["reports_left_out"]
            self.assertTrue(audit == {**short, "reports": audit["reports"]})
            for where in (("--socket", daemon.socket), ("--history", folder + "/history.db")):
                shown = json.loads(finwait("show", "latest", "-o", "json", *where)[1])
                self.assertTrue(shown == audit, where)

    def test_status_is_1_while_there_are_findings_whatever_came_last(self):
        folder = stubborn_folder(self, leaks=True)
        with Service(QUIET + '[[audits]]\nname = "leaky"\nsubjects = ["stubborn"]\n', folder) as daemon:
            def status():
                return finwait("status", "--socket", daemon.socket)[0]
            self.assertEqual(status(), 3, "nothing has been judged")
            self.assertEqual(daemon.finwait("--name", "leaky")[0], 1)
            self.assertEqual(status(), 1)
            self.assertEqual(daemon.finwait()[0], 0)
            self.assertEqual(daemon.get("/api/v1/status")["last_audit"]["outcome"], "clean")
            self.assertEqual(status(), 1)
            os.remove(os.path.join(folder, "subjects", "leak"))
            self.assertEqual(daemon.finwait("--name", "leaky")[0], 0)
            self.assertEqual(status(), 0)

    def test_status_over_the_socket_and_watching(self):
        with Service(QUIET) as daemon:
            with Run("status", "--socket", daemon.socket, "--watch", "-o", "json") as watch:
                first = json.loads(watch.line("stdout"))
                self.assertIsNone(first["last_audit"])
                audit = daemon.audit(CELL)
                while (seen := json.loads(watch.line("stdout")))["last_audit"] is None:
                    self.assertGreater(seen["index"], first["index"])
                self.assertEqual(seen["last_audit"]["id"], audit)
                daemon.stop()
                self.assertEqual(watch.finish()[0], 75)


class Schedule(unittest.TestCase):
    EVERY = QUIET.replace('every = "off"', 'every = "1s"')

    def test_an_interval_runs_again_and_again_and_one_that_was_missed_once(self):
        with Service(self.EVERY) as daemon:
            seen = set()
            while len(seen) < 3:
                status = daemon.get("/api/v1/status")
                if status["last_audit"]:
                    seen.add(status["last_audit"]["id"])
                daemon.get(f"/api/v1/status?index={status['index']}&wait=30s")
            self.assertIsNotNone(status["audits"][0]["last"])
            daemon.stop()
            before = len(daemon_list(daemon))
            self.assertGreaterEqual(before, 3)

    def test_a_reload_changes_the_schedule_and_a_wrong_one_changes_nothing(self):
        with Service(QUIET) as daemon:
            self.assertIsNone(daemon.get("/api/v1/status")["next_audit"])
            daemon.configure(QUIET.replace('every = "off"', 'every = "7h"'))
            status, _, _ = daemon.ask("POST", "/api/v1/config/reload", {})
            self.assertEqual(status, 200)
            audit = daemon.get("/api/v1/status")["audits"][0]
            self.assertTrue(audit["running"] or audit["next"] or audit["last"], audit)
            daemon.configure(QUIET.replace("idle", "idel"))
            status, _, problem = daemon.ask("POST", "/api/v1/config/reload", {})
            self.assertEqual((status, problem["code"]), (422, "bad_config"))
            status = daemon.get("/api/v1/status")
            self.assertEqual(status["checks"]["config"]["status"], "warn")
            self.assertEqual(daemon.get("/api/v1/config")["audits"][0]["at"], ["idle", "connected"])

    def test_what_a_reload_leaves_as_it_is_stands_in_its_answer(self):
        with Service(QUIET) as daemon:
            with open(daemon.config, encoding="utf-8") as file:
                text = file.read()
            with open(daemon.config, "w", encoding="utf-8") as file:
                file.write(text.replace('tcp = ""', 'tcp = "127.0.0.1:9"'))
            status, _, answer = daemon.ask("POST", "/api/v1/config/reload", {})
            self.assertEqual(status, 200)
            self.assertIn("serve.tcp has changed: it needs a restart", answer["warnings"])

    def test_one_that_cannot_be_run_any_more_is_in_the_status(self):
        folder = stubborn_folder(self)
        recipe = os.path.join(folder, "subjects", "stubborn.toml")
        with Service('[[audits]]\nname = "often"\nsubjects = ["stubborn"]\nevery = "1s"\n',
                     folder) as daemon:
            def wait_for(health):
                while (status := daemon.get("/api/v1/status"))["checks"]["schedule"][
                        "status"] != health or not status["last_audit"]:
                    daemon.get(f"/api/v1/status?index={status['index']}&wait=30s")
                return status
            wait_for("pass")
            os.rename(recipe, recipe + ".away")
            self.assertIn("often cannot be run: ",
                          wait_for("warn")["checks"]["schedule"]["detail"])
            os.rename(recipe + ".away", recipe)
            wait_for("pass")


def daemon_list(daemon):
    """The audits of a history whose daemon is not there."""
    daemon.configure(QUIET)
    daemon.start()
    return daemon.get("/api/v1/audits?limit=100")["audits"]


def nice_of_session(pid):
    """The nice value of the autogroup of a process that leads its session; None: another leads."""
    if os.getsid(pid) != pid:
        return None
    with open(f"/proc/{pid}/autogroup", encoding="ascii") as file:
        return int(file.read().rpartition("nice")[2])


@unittest.skipUnless(os.path.exists("/proc/self/autogroup"), "the kernel has no autogroups")
class Courtesy(unittest.TestCase):
    """Workers may stand behind all others; the daemon and the programs under judgement do not."""

    def niceness(self, daemon, order, named, wanted):
        """Until a process whose command line has these words leads a session of its own with one of
        these nice values: all that were seen meanwhile."""
        audit = daemon.audit(order)
        until = time.monotonic() + support.LIMIT
        seen = set()
        while seen.isdisjoint(wanted):
            self.assertLess(time.monotonic(), until, seen)
            for pid in daemon.run.pids():
                with contextlib.suppress(OSError), open(f"/proc/{pid}/cmdline", "rb") as file:
                    if named in file.read():
                        seen.add(nice_of_session(pid))
        daemon.ask("DELETE", "/api/v1/audits/" + audit)
        daemon.ended(audit)
        return seen

    def test_workers_have_a_session_of_their_own(self):
        with Service(NEVER_ENDS) as daemon:
            self.niceness(daemon, {"name": "long"}, b"finwait\0worker\0", {0, 19})
            self.assertEqual(nice_of_session(daemon.run.pid), 0)

    def test_programs_are_judged_among_others(self):
        folder = stubborn_folder(self)
        order = {"subjects": ["stubborn"], "repeat": 50}
        with Service(QUIET, folder) as daemon:
            self.assertNotIn(19, self.niceness(daemon, order, b"stubborn.py", {0}))
            self.assertNotIn(19, self.niceness(daemon, order, b"finwait\0worker\0", {0}))


class Findings(unittest.TestCase):
    def test_a_leak_is_new_then_still_there_then_gone(self):
        audits = QUIET + '[[audits]]\nname = "stubborn"\nsubjects = ["stubborn"]\n'
        folder = stubborn_folder(self)
        with Service(audits, folder) as daemon:
            leak = os.path.join(folder, "subjects", "leak")
            for state in ("new", "still_there", "gone"):
                if state == "gone":
                    os.unlink(leak)
                else:
                    with open(leak, "w", encoding="utf-8"):
                        pass
                code, out, err = daemon.finwait("--name", "stubborn")
                self.assertEqual(code, 0 if state == "gone" else 1, out + err)
                status = daemon.get("/api/v1/status")
                expected = {"new": 0, "still_there": 0, "gone": 0}
                expected[state] = 1
                self.assertEqual(status["findings"], expected)
                self.assertEqual(status["open_findings"], 0 if state == "gone" else 1)
                self.assertEqual(status["status"] == "fail", state != "gone", status)
                (found,) = daemon.get("/api/v1/findings")["findings"]
                self.assertEqual(found["state"], state)
            newest, middle, oldest = [
                each["id"] for each in daemon.get("/api/v1/audits")["audits"]]
            self.assertTrue(daemon.get(f"/api/v1/audits/{newest}/diff?against={middle}"))
            self.assertTrue(daemon.get(f"/api/v1/audits/{newest}/diff?against={oldest}"))

    def test_whoever_waits_for_the_status_is_told_once_it_is_stored(self):
        folder = stubborn_folder(self, leaks=True)
        audits = QUIET + '[[audits]]\nname = "stubborn"\nsubjects = ["stubborn"]\n'
        with Service(audits, folder) as daemon:
            audit = daemon.audited({"name": "stubborn"})
            self.assertEqual(audit["outcome"], "findings")
            daemon.configure(QUIET)
            with contextlib.closing(
                    sqlite3.connect(os.path.join(folder, "history.db"))) as other:
                # As long as somebody else writes, the daemon cannot.
                other.execute("BEGIN IMMEDIATE")
                self.assertEqual(daemon.ask("POST", "/api/v1/config/reload", {})[0], 200)
                _, headers, before = daemon.ask("GET", "/api/v1/status")
                self.assertEqual(before["open_findings"], 1)
                other.rollback()
            _, fields, after = daemon.ask(
                "GET", f"/api/v1/status?index={before['index']}&wait=60s")
            self.assertGreater(after["index"], before["index"])
            self.assertEqual(after["open_findings"], 0)
            self.assertNotEqual(fields["ETag"], headers["ETag"])


class Target:
    """A server that answers, and notes when it was connected to."""

    def __init__(self):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.times = []
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            try:
                one, _ = self.listener.accept()
            except OSError:
                return
            self.times.append(time.monotonic())
            threading.Thread(target=self.answer, args=(one,), daemon=True).start()

    @staticmethod
    def answer(one):
        with one:
            try:
                while one.recv(65536):
                    one.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
            except OSError:
                pass


class Targets(unittest.TestCase):
    def setUp(self):
        self.target = Target()
        self.addCleanup(self.target.listener.close)

    def configuration(self, allow):
        return QUIET + f"""
[limits]
per_target_interval = "300ms"
[[targets]]
name = "named"
url = "http://localhost:{self.target.port}/x?token=secret"
allow = {json.dumps(allow)}
"""

    def test_what_a_name_leads_to_is_checked_by_whoever_connects(self):
        with Service(self.configuration(["private"])) as daemon:
            order = {"at": ["idle"], "by": ["close", "sigkill"], "target": "named"}
            audit = daemon.audited(order)
            self.assertEqual(audit["outcome"], "unverified", audit)
            self.assertEqual(len(audit["reports"]), 2)
            for report in audit["reports"]:
                self.assertEqual(report["verdict"], "unverified")
                self.assertRegex(
                    report["reasons"][0]["text"], r"led to (127\.0\.0\.1|::1), a loopback address")
            self.assertEqual(self.target.times, [])

    def test_an_allowed_one_is_probed_by_its_name_and_no_faster_than_it_may_be(self):
        with Service(self.configuration(["loopback"])) as daemon:
            order = {"at": ["idle"], "by": ["close", "reset", "sigkill"], "target": "named"}
            audit = daemon.audited(order)
            self.assertEqual(audit["outcome"], "clean", audit)
            self.assertEqual(len(self.target.times), 3)
            pauses = [b - a for a, b in zip(self.target.times, self.target.times[1:])]
            self.assertGreater(min(pauses), 0.15)
            text = json.dumps(audit) + json.dumps(daemon.get("/api/v1/targets")) + \
                json.dumps(daemon.get("/api/v1/config"))
            self.assertNotIn("secret", text)
            for report in audit["reports"]:
                self.assertEqual(report["plan"]["target"], "named")
            self.assertEqual(
                len(daemon.get("/api/v1/reports?target=named")["reports"]), 3)
            # It is reached from the host, which says nothing of the lab.
            self.assertEqual(daemon.get("/api/v1/status")["checks"]["lab"]["status"], "pass")


class Deaths(unittest.TestCase):
    ROUNDS = int(os.environ.get("FINWAIT_KILLS", 5 if support.is_sanitized() else 20))

    def test_killed_at_any_moment_it_loses_no_report_that_was_shown(self):
        configuration = QUIET.replace('every = "off"', 'every = "1s"').replace(
            "at = [", 'repeat = 3\nat = ["await_response", ')
        chance = random.Random(20260131)
        shown = set()
        with Service(configuration) as daemon:
            for _ in range(self.ROUNDS):
                enough = chance.randrange(1, 40)
                new = set()
                while len(new) < enough:
                    for each in daemon.get("/api/v1/reports?limit=100")["reports"]:
                        new.add(each["id"])
                    new -= shown
                processes = daemon.run.pids()
                namespaces = support.namespaces_of(processes)
                os.kill(daemon.run.pid, signal.SIGKILL)
                support.wait_until_gone(processes)
                self.assertEqual(support.holders_of(namespaces), [])
                shown |= new
                daemon.run.__exit__()
                daemon.start()
                for each in new:
                    self.assertEqual(daemon.get("/api/v1/reports/" + each)["id"], each)
            for each in shown:
                daemon.get("/api/v1/reports/" + each)
            processes = daemon.run.pids()
            self.assertEqual(daemon.stop()[0], 0)
            support.wait_until_gone(processes)


if __name__ == "__main__":
    support.main()
