"""Servers that are not ours: a real nginx over HTTP and HTTPS, and servers that misbehave."""
import contextlib
import json
import os
import shutil
import socket
import ssl
import subprocess
import tempfile
import threading
import unittest

import service
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
  root {directory}/root;
  {servers}
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


class Served(unittest.TestCase):
    """A real server with one page, in a folder of its own."""

    @classmethod
    def setUpClass(cls):
        if NGINX is None:
            support.skip("no nginx here: install nginx-light")
        cls.directory = tempfile.mkdtemp()
        cls.addClassCleanup(shutil.rmtree, cls.directory)

    @classmethod
    def begin(cls, page_bytes, servers, ports):
        """Starts it, and waits until it accepts at these ports."""
        os.mkdir(os.path.join(cls.directory, "root"))
        with open(os.path.join(cls.directory, "root", "index.html"), "wb") as page:
            page.write(b"f" * page_bytes)
        path = os.path.join(cls.directory, "nginx.conf")
        with open(path, "w", encoding="utf-8") as file:
            file.write(CONFIGURATION.format(directory=cls.directory, servers=servers))
        cls.process = subprocess.Popen(
            [NGINX, "-c", path, "-e", os.path.join(cls.directory, "error.log")],
            stderr=subprocess.PIPE, text=True)
        cls.addClassCleanup(cls.end)
        for port in ports:
            wait_until_accepting(port, cls.process)

    @classmethod
    def end(cls):
        cls.process.kill()
        cls.process.wait()
        cls.process.stderr.close()


class Nginx(Served):
    """What a client's end shows against a real server."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        make_authority(cls.directory, "localhost")
        cls.http, cls.https = free_port(), free_port()
        cls.begin(4 << 20, f"""
  server {{
    listen 127.0.0.1:{cls.http};
    listen 127.0.0.1:{cls.https} ssl;
    ssl_certificate {cls.directory}/localhost.pem;
    ssl_certificate_key {cls.directory}/localhost.key;
  }}""", (cls.http, cls.https))

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


def openssl(directory, *arguments):
    subprocess.run(["openssl", *arguments], cwd=directory, check=True, capture_output=True)


def make_authority(directory, name):
    """A certificate that others can be issued by: NAME.pem and NAME.key."""
    openssl(directory, "req", "-x509", *KEY, "-days", "2", "-subj", f"/CN={name}",
            "-keyout", f"{name}.key", "-out", f"{name}.pem")


def issue(directory, authority, name, alternatives, days="2"):
    """A server's certificate for these alternative names: NAME.pem and NAME.key."""
    openssl(directory, "req", "-new", *KEY, "-subj", f"/CN={name}", "-addext",
            f"subjectAltName={alternatives}", "-keyout", f"{name}.key", "-out", f"{name}.csr")
    openssl(directory, "x509", "-req", "-in", f"{name}.csr", "-CA", f"{authority}.pem", "-CAkey",
            f"{authority}.key", "-CAcreateserial", "-copy_extensions", "copy", "-days", days,
            "-out", f"{name}.pem")


KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")
# Which port of nginx has which certificate and speaks which TLS.
SERVERS = {
    "right": ("right", "TLSv1.2 TLSv1.3"),
    "other": ("other", "TLSv1.2 TLSv1.3"),
    "named": ("named", "TLSv1.2 TLSv1.3"),
    "expired": ("expired", "TLSv1.2 TLSv1.3"),
    "common": ("localhost", "TLSv1.2 TLSv1.3"),
    "old": ("right", "TLSv1.2"),
}


class Verified(Served):
    """Whose certificate it is, and which TLS it speaks, of a real server."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        make_authority(cls.directory, "authority")
        make_authority(cls.directory, "stranger")
        issue(cls.directory, "authority", "right", "DNS:localhost,IP:127.0.0.1,IP:::1")
        issue(cls.directory, "authority", "other", "DNS:other.example,IP:192.0.2.1")
        issue(cls.directory, "authority", "named", "DNS:localhost")
        # It names no host but as its subject's common name.
        issue(cls.directory, "authority", "localhost", "IP:192.0.2.1")
        issue(cls.directory, "authority", "expired", "DNS:localhost,IP:127.0.0.1", days="-1")
        cls.port = {name: free_port() for name in SERVERS}
        cls.begin(1 << 20, "".join(f"""
  server {{
    listen 127.0.0.1:{cls.port[name]} ssl;
    listen [::1]:{cls.port[name]} ssl;
    ssl_certificate {cls.directory}/{certificate}.pem;
    ssl_certificate_key {cls.directory}/{certificate}.key;
    ssl_protocols {protocols};
  }}""" for name, (certificate, protocols) in SERVERS.items()), cls.port.values())

    def file(self, name):
        return os.path.join(self.directory, name)

    def url(self, server, host="localhost"):
        return f"https://{host}:{self.port[server]}/"

    def probe(self, by, url, *choices):
        status, out, err = finwait("probe", "--at", "idle", "--by", by, "--target", url, *choices,
                                   "-o", "json")
        self.assertEqual(len(reports_in(out)), 1, err)
        return reports_in(out)[0], status

    def for_both_clients(self):
        """A kill of the client inside the worker, and one of a client in a process of its own."""
        for by in ("close", "sigkill"):
            with self.subTest(by=by):
                yield by

    def unverified(self, by, url, *choices):
        report, status = self.probe(by, url, *choices)
        self.assertEqual((report["verdict"], status), ("unverified", 3), report)
        self.assertEqual(report["connections"], [])
        self.assertFalse(report["kill"]["happened"])
        return report["reasons"][0]["text"]

    def test_the_right_certificate_of_the_right_host_changes_nothing(self):
        ca = self.file("authority.pem")
        for by in self.for_both_clients():
            for host in ("localhost", "127.0.0.1"):
                for server, least in (("right", "1.2"), ("right", "1.3"), ("old", "1.2")):
                    report, status = self.probe(
                        by, self.url(server, host), "--ca", ca, "--tls-min", least)
                    self.assertIn(report["verdict"], ("released", "draining"), report)
                    self.assertEqual(status, 0, report["reasons"])
                    self.assertEqual(report["plan"]["target_tls"], {"ca": ca, "min": least})

    def test_an_ipv6_address_has_to_be_in_the_certificate_as_well(self):
        ca = self.file("authority.pem")
        for by in self.for_both_clients():
            report, status = self.probe(by, self.url("right", "[::1]"), "--ipv6", "--ca", ca)
            self.assertEqual(status, 0, report)
            text = self.unverified(by, self.url("named", "[::1]"), "--ipv6", "--ca", ca)
            self.assertIn("IP address mismatch", text)

    def test_without_certificates_any_peer_will_do(self):
        for by in self.for_both_clients():
            for server in ("other", "expired"):
                report, status = self.probe(by, self.url(server))
                self.assertEqual(status, 0, report)
                self.assertNotIn("target_tls", report["plan"])

    def test_what_does_not_verify_is_unverified_with_its_cause(self):
        right, stranger = self.file("authority.pem"), self.file("stranger.pem")
        for by in self.for_both_clients():
            for ca, server, host, cause in (
                (stranger, "right", "localhost", "unable to get local issuer certificate"),
                (right, "other", "localhost", "hostname mismatch"),
                (right, "common", "localhost", "hostname mismatch"),
                (right, "other", "127.0.0.1", "IP address mismatch"),
                (right, "named", "127.0.0.1", "IP address mismatch"),
                (right, "expired", "localhost", "certificate has expired"),
            ):
                text = self.unverified(by, self.url(server, host), "--ca", ca)
                self.assertIn(
                    f"The client did not come to idle: the certificate of "
                    f"{host}:{self.port[server]} does not verify with {ca}: {cause}.", text)

    def test_a_file_with_the_servers_own_certificate_will_do(self):
        for by in self.for_both_clients():
            report, status = self.probe(by, self.url("right"), "--ca", self.file("right.pem"))
            self.assertEqual(status, 0, report)

    def test_the_file_is_read_for_each_probe(self):
        mine = self.file("mine.pem")
        with support.Run("worker", "--host", stdin=subprocess.PIPE) as run:
            for authority, verdicts in (("authority", ("released", "draining")),
                                        ("stranger", ("unverified",)), (None, ("unverified",))):
                if authority is None:
                    os.unlink(mine)
                else:
                    shutil.copy(self.file(authority + ".pem"), mine)
                for by in self.for_both_clients():
                    plan = {"at": "idle", "by": by, "tls": True, "target": self.url("right"),
                            "target_tls": {"ca": mine}}
                    run.process.stdin.write(json.dumps(plan).encode() + b"\n")
                    run.process.stdin.flush()
                    report = json.loads(run.line("stdout"))
                    self.assertIn(report["verdict"], verdicts, report)
                    if authority is None:
                        self.assertIn("No such file", report["reasons"][0]["text"])

    def test_a_server_that_speaks_no_such_tls_is_told(self):
        for by in self.for_both_clients():
            text = self.unverified(by, self.url("old"), "--tls-min", "1.3")
            self.assertIn("the target speaks no TLS 1.3 or newer", text)

    def test_a_probe_that_fails_so_leaves_no_socket(self):
        plan = {"at": "idle", "by": "close", "tls": True, "target": self.url("other"),
                "target_tls": {"ca": self.file("authority.pem"), "min": "1.2"}}
        with support.Run("worker", "--host", stdin=subprocess.PIPE) as worker:
            counts = []
            for _ in range(3):
                worker.process.stdin.write(json.dumps(plan).encode() + b"\n")
                worker.process.stdin.flush()
                report = json.loads(worker.line("stdout"))
                self.assertIn("hostname mismatch", report["reasons"][0]["text"])
                counts.append(sum(
                    os.readlink(f"/proc/{worker.pid}/fd/{fd}").startswith("socket:")
                    for fd in os.listdir(f"/proc/{worker.pid}/fd")))
            self.assertEqual(counts[0], counts[-1], counts)

    def test_a_file_that_cannot_be_used_is_wrong_usage(self):
        for ca, says in ((self.file("absent"), "No such file"), (self.file("right.key"), "PEM")):
            for command in ("probe", "audit"):
                status, out, err = finwait(command, "--at", "idle", "--by", "close", "--target",
                                           self.url("right"), "--ca", ca)
                self.assertEqual((status, out), (2, ""))
                self.assertIn("--ca: ", err)
                self.assertIn(says, err)
        plan = {"at": "idle", "by": "close", "tls": True, "target": self.url("right"),
                "target_tls": {"ca": self.file("absent")}}
        _, out, _ = finwait("worker", "--host", input=json.dumps(plan).encode() + b"\n")
        text = json.loads(out)["reasons"][0]["text"]
        self.assertIn(f"The certificates of {self.file('absent')} cannot be used: No such", text)

    def test_an_audit_takes_it_for_every_cell(self):
        ca = self.file("authority.pem")
        status, out, err = finwait(
            "audit", "--at", "connected,idle", "--by", "close,sigkill", "--target",
            self.url("right"), "--ca", os.path.relpath(ca), "-o", "json")
        self.assertEqual(status, 0, err)
        reports = json.loads(out)["reports"]
        self.assertEqual(len(reports), 4)
        for report in reports:
            self.assertEqual(os.path.realpath(report["plan"]["target_tls"]["ca"]),
                             os.path.realpath(ca))

    def test_the_daemon_has_it_from_its_configuration_and_from_nowhere_else(self):
        def configuration(server, ca, least):
            return ('[[audits]]\nname = "default"\nevery = "off"\n'
                    '[limits]\nper_target_interval = "0s"\n'
                    f'[[targets]]\nname = "shop"\nurl = "{self.url(server)}?token=secret"\n'
                    f'allow = ["loopback"]\ntls = {{ ca = "{self.file(ca)}", min = "{least}" }}\n')

        order = {"at": ["idle"], "by": ["close", "sigkill"], "target": "shop"}
        with service.Service(configuration("right", "authority.pem", "1.3")) as daemon:
            settings = {"ca": self.file("authority.pem"), "min": "1.3"}
            (_, target) = daemon.get("/api/v1/targets")["targets"]
            self.assertEqual(target["tls"], settings)
            (_, target) = daemon.get("/api/v1/config")["targets"]
            self.assertEqual(target["tls"], settings)
            audit = daemon.audited(order)
            self.assertEqual(audit["outcome"], "clean", audit)
            for report in audit["reports"]:
                self.assertEqual(report["plan"]["target"], "shop")
                self.assertEqual(report["plan"]["target_tls"], settings)
            for path, body in (
                ("/api/v1/audits", {**order, "tls": {"ca": "/etc/passwd"}}),
                ("/api/v1/audits", {**order, "ca": "/etc/passwd"}),
                ("/api/v1/audits", {**order, "target_tls": {"ca": "/etc/passwd"}}),
                ("/api/v1/probes", {"at": "idle", "by": "close", "target": "shop",
                                    "target_tls": {"ca": "/etc/passwd"}}),
                ("/api/v1/probes", {"at": "idle", "by": "close", "target": "shop",
                                    "target_tls": {}}),
            ):
                with self.subTest(body):
                    status, _, problem = daemon.ask("POST", path, body)
                    self.assertEqual((status, problem["code"]), (400, "invalid_body"), problem)
            # A reload that cannot be changes nothing, one that can is in force for the next audit.
            daemon.configure(configuration("right", "absent.pem", "1.3"))
            status, _, problem = daemon.ask("POST", "/api/v1/config/reload", {})
            self.assertEqual(status, 422, problem)
            self.assertIn("absent.pem", json.dumps(problem))
            self.assertEqual(daemon.audited(order)["outcome"], "clean")
            daemon.configure(configuration("right", "stranger.pem", "1.3"))
            self.assertEqual(daemon.ask("POST", "/api/v1/config/reload", {})[0], 200)
            audit = daemon.audited(order)
            self.assertEqual(audit["outcome"], "unverified")
            self.assertEqual(len(audit["reports"]), 2)
            for report in audit["reports"]:
                self.assertIn("unable to get local issuer", report["reasons"][0]["text"])
                self.assertNotIn("secret", json.dumps(report))
            self.assertEqual(daemon.ask("POST", "/api/v1/probes", {
                "at": "idle", "by": "close", "target": "shop"})[0], 202)


class Hello(unittest.TestCase):
    """What a server learns of the client before anything is encrypted."""

    def asked_for(self, host, by):
        with tempfile.TemporaryDirectory() as directory:
            make_authority(directory, "localhost")
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(os.path.join(directory, "localhost.pem"),
                                    os.path.join(directory, "localhost.key"))
        context.set_alpn_protocols(["h2", "http/1.1"])
        seen = []
        context.sni_callback = lambda _, name, __: seen.append(name)
        listener = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(listener.close)

        def serve():
            with contextlib.suppress(OSError):
                one, _ = listener.accept()
                with context.wrap_socket(one, server_side=True) as inner:
                    seen.append(inner.selected_alpn_protocol())
                    inner.recv(65536)
                    inner.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
                    inner.recv(65536)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        url = f"https://{host}:{listener.getsockname()[1]}/"
        status, out, err = finwait("probe", "--at", "idle", "--by", by, "--target", url)
        self.assertEqual(status, 0, out + err)
        thread.join(support.LIMIT)
        return seen

    def test_a_name_is_sent_an_address_is_not_and_the_protocol_is_http_1_1(self):
        for by in ("close", "sigkill"):
            with self.subTest(by=by):
                self.assertEqual(self.asked_for("localhost", by), ["localhost", "http/1.1"])
                self.assertEqual(self.asked_for("127.0.0.1", by), [None, "http/1.1"])


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
