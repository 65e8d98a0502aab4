"""Servers that are not ours: a real nginx over HTTP and HTTPS, and servers that misbehave."""
import contextlib
import json
import os
import shutil
import socket
import subprocess
import tempfile
import threading
import unittest

import support
from support import finwait, reports_in

NGINX = shutil.which("nginx", path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin")
CONFIGURATION = """
daemon off;
master_process off;
pid {directory}/pid;
error_log {directory}/error.log;
events {{ worker_connections 64; }}
http {{
  access_log off;
  client_body_temp_path {directory}/body;
  proxy_temp_path {directory}/proxy;
  fastcgi_temp_path {directory}/fastcgi;
  uwsgi_temp_path {directory}/uwsgi;
  scgi_temp_path {directory}/scgi;
  server {{
    listen 127.0.0.1:{http};
    listen 127.0.0.1:{https} ssl;
    ssl_certificate {directory}/cert.pem;
    ssl_certificate_key {directory}/key.pem;
    root {directory}/root;
  }}
}}
"""


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def wait_until_accepting(port, process):
    """connect(2) until it is accepted: the one event that a server gives of its start."""
    while process.poll() is None:
        with socket.socket() as one:
            if one.connect_ex(("127.0.0.1", port)) == 0:
                return
    raise AssertionError("nginx ended: " + process.stderr.read())


class Nginx(unittest.TestCase):
    """What a client's end shows against a real server."""

    @classmethod
    def setUpClass(cls):
        if NGINX is None:
            support.skip("no nginx here: install nginx-light")
        cls.directory = tempfile.mkdtemp()
        cls.addClassCleanup(shutil.rmtree, cls.directory)
        os.mkdir(os.path.join(cls.directory, "root"))
        with open(os.path.join(cls.directory, "root", "index.html"), "wb") as page:
            page.write(b"f" * (4 << 20))
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
             "-nodes", "-days", "2", "-subj", "/CN=localhost", "-keyout", "key.pem",
             "-out", "cert.pem"],
            cwd=cls.directory, check=True, capture_output=True)
        cls.http, cls.https = free_port(), free_port()
        path = os.path.join(cls.directory, "nginx.conf")
        with open(path, "w", encoding="utf-8") as file:
            file.write(CONFIGURATION.format(
                directory=cls.directory, http=cls.http, https=cls.https))
        cls.process = subprocess.Popen(
            [NGINX, "-c", path, "-e", os.path.join(cls.directory, "error.log")],
            stderr=subprocess.PIPE, text=True)
        cls.addClassCleanup(cls.end)
        wait_until_accepting(cls.http, cls.process)
        wait_until_accepting(cls.https, cls.process)

    @classmethod
    def end(cls):
        cls.process.kill()
        cls.process.wait()
        cls.process.stderr.close()

    def probe(self, at, by, *choices, tls=False):
        url = f"https://127.0.0.1:{self.https}/" if tls else f"http://127.0.0.1:{self.http}/"
        status, out, err = finwait("probe", "--at", at, "--by", by, "--target", url,
                                   *(["--tls"] if tls else []), *choices, "-o", "json")
        self.assertEqual(len(reports_in(out)), 1, err)
        return reports_in(out)[0], status

    def test_only_the_clients_end_is_seen(self):
        for tls in (False, True):
            with self.subTest(tls=tls):
                report, status = self.probe("idle", "close", tls=tls)
                (connection,) = report["connections"]
                self.assertIsNone(connection["origin"])
                self.assertEqual(report["verdict"], "released", report)
                self.assertTrue(report["kill"]["happened"])
                self.assertEqual(status, 0, report["reasons"])

    def test_a_client_killed_at_each_point_it_can_stop_at_releases(self):
        for at in ("connected", "request_headers", "await_response", "response_body", "idle"):
            for by in ("close", "reset", "sigkill"):
                with self.subTest(at=at, by=by):
                    report, status = self.probe(at, by)
                    self.assertIn(
                        report["verdict"], ("released", "draining"), report["reasons"])
                    self.assertEqual(status, 0, report["reasons"])

    def test_unread_bytes_of_a_real_server_make_a_reset(self):
        report, _ = self.probe("response_body", "close", "--unread")
        (connection,) = report["connections"]
        self.assertGreater(connection["client"]["unread_at_kill_bytes"], 0)
        self.assertEqual(report["end"], "CLOSE", report)

    def test_a_control_is_caught(self):
        report, status = self.probe("idle", "abandon")
        self.assertEqual(report["verdict"], "leaked")
        self.assertEqual(status, 0)

    def test_what_only_our_origin_could_stall_for_is_refused(self):
        url = f"http://127.0.0.1:{self.http}/"
        for arguments in (["--at", "response_headers", "--by", "close"],
                          ["--at", "connect", "--by", "close"],
                          ["--at", "idle", "--by", "peer_close"],
                          ["--at", "idle_peer_closed", "--by", "close"],
                          ["--at", "expect_continue", "--by", "close"]):
            with self.subTest(arguments=arguments):
                status, out, err = finwait("probe", *arguments, "--target", url)
                self.assertEqual(status, 2, out + err)
                self.assertIn("target", err)


class Misbehaving(unittest.TestCase):
    """A target that refuses, does not resolve, answers rubbish or never answers."""

    def unverified(self, url, *choices):
        status, out, err = finwait("probe", "--at", "idle", "--by", "close", "--target", url,
                                   *choices, "-o", "json")
        self.assertEqual(status, 3, out + err)
        (report,) = reports_in(out)
        self.assertEqual(report["verdict"], "unverified")
        return report["reasons"][0]["text"]

    def served(self, answer):
        """The URL of a server that says `answer` to whoever asks, and then nothing."""
        listener = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(listener.close)
        kept = []

        def serve():
            with contextlib.suppress(OSError):
                while True:
                    one, _ = listener.accept()
                    kept.append(one)
                    one.recv(65536)
                    one.sendall(answer)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        self.addCleanup(lambda: [one.close() for one in kept])
        return "http://127.0.0.1:%d/" % listener.getsockname()[1]

    def test_nobody_listens(self):
        self.assertIn("refused", self.unverified(f"http://127.0.0.1:{free_port()}/").lower())

    def test_a_name_that_does_not_resolve(self):
        self.assertIn("host", self.unverified("http://no-such-host.invalid/").lower())

    def test_rubbish(self):
        self.unverified(self.served(b"\x1b]0;rubbish\x07\r\n\r\n"))

    def test_no_answer(self):
        self.assertIn("did not answer", self.unverified(self.served(b"")).lower())

    def test_a_response_that_is_over_before_the_kill_point_is_no_finding(self):
        url = self.served(b"HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\n" + b"x" * 20)
        status, out, err = finwait("audit", "--at", "response_body", "--by", "close,sigkill",
                                   "--target", url, "-o", "json")
        self.assertEqual(status, 3, out + err)
        reports = json.loads(out)["reports"]
        self.assertTrue(reports)
        for report in reports:
            self.assertEqual(report["verdict"], "unverified", report)
            self.assertIn("over before", report["reasons"][0]["text"])

    def test_no_url(self):
        status, out, err = finwait("probe", "--at", "idle", "--by", "close",
                                   "--target", "ftp://127.0.0.1/")
        self.assertEqual(status, 2, out + err)
        self.assertIn("http", err)


if __name__ == "__main__":
    support.main()
