"""A browser on the daemon's machine, and the pages that it shows: what Chromium sends to the daemon
for a page of somebody else, that nothing of it has an effect, and that the page can read nothing."""
import http.client
import http.server
import ipaddress
import json
import os
import shutil
import subprocess
import tempfile
import threading
import unittest

import support
from hostile import TOKEN, Guarded, Listening
from service import CELL, QUIET

CHROMIUM = shutil.which("chromium-headless-shell") or shutil.which("chromium")
# Its sandbox is not to be had as root, nor where no user namespace can be made; the pages are ours.
OPTIONS = ("--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
           "--disable-background-networking", "--dump-dom")
HERE = "127.0.0.1"
NAMES = {"evil.test": HERE, "*.evil.test": HERE, "localhost": HERE}


def shown(url, names=None):
    """What a page consists of once all of it has loaded. The names lead to where they are said to;
    no other one leads anywhere."""
    rules = [f"MAP {name} {place}" for name, place in (names or NAMES).items()]
    rules = ", ".join([*rules, "MAP * ~NOTFOUND", "EXCLUDE " + HERE])
    with tempfile.TemporaryDirectory(
            prefix="finwait-chromium-", ignore_cleanup_errors=True) as folder:
        log = os.path.join(folder, "net.json")
        done = subprocess.run(
            [CHROMIUM, *OPTIONS, "--user-data-dir=" + folder, "--log-net-log=" + log,
             "--host-resolver-rules=" + rules, url],
            env={**os.environ, "HOME": folder}, capture_output=True, text=True,
            timeout=support.LIMIT, check=False)
        if done.returncode != 0:
            raise AssertionError(done.stderr)
        with open(log, encoding="utf-8") as file:
            check_places(json.load(file))
        return done.stdout


def check_places(log):
    """By its own word it has connected to this machine only, and has sent no datagram."""
    kinds = {number: name for name, number in log["constants"]["logEventTypes"].items()}
    places = set()
    for event in log["events"]:
        kind, address = kinds[event["type"]], event.get("params", {}).get("address")
        if kind == "UDP_BYTES_SENT":
            raise AssertionError(event)
        if kind == "TCP_CONNECT_ATTEMPT" and address:
            places.add(address.rpartition(":")[0].strip("[]"))
    if not places or not all(ipaddress.ip_address(each).is_loopback for each in places):
        raise AssertionError(places)


# Once the page has told what it found out, the picture comes, and so the end of its loading.
PAGE = """<!doctype html><title>A prize for you</title><img src="/picture"><iframe name="frame"></iframe>
<form method="post" enctype="text/plain" target="frame"><input name='%s' value=''></form>
<script>
const there = "%s", order = '%s';
async function read(options, path = "/api/v1/audits") {
    try {
        const answer = await fetch(there + path, options);
        return [answer.type, answer.status, await answer.text()].join(" ");
    } catch (error) {
        return error.name;
    }
}
function send(type, fields = {}) {
    return read({method: "POST", body: order, headers: {"Content-Type": type, ...fields}});
}
async function submit(form) {
    const frame = document.querySelector("iframe");
    const loaded = new Promise(resolve => { frame.onload = resolve; });
    form.action = there + "/api/v1/audits";
    form.submit();
    await loaded;
    return frame.contentDocument === null ? "nothing" : frame.contentDocument.body.innerText;
}
async function look() {
    %s
}
look().catch(String).then(
    found => fetch("/found", {method: "POST", body: JSON.stringify(found)}));
</script>
"""
ORDER = json.dumps(CELL)
OF_ANOTHER_SITE = """
    return {
        get: await read({mode: "no-cors"}, "/api/v1/status"),
        text: await send("text/plain"),
        form: await submit(document.querySelector("form")),
        json: await send("application/json"),
        token: await send("application/json", {"Authorization": "Bearer %s"}),
    };
""" % TOKEN
OF_THE_SAME_ORIGIN = """
    return {
        get: await read({}, "/api/v1/status"),
        json: await send("application/json", {"Authorization": "Bearer %s"}),
    };
""" % TOKEN


class Site(http.server.ThreadingHTTPServer):
    """Shows a page, takes what it found out, and writes down what the API is asked of it: to which it
    answers that everybody may read and send everything, or what the daemon at a port answers."""

    daemon_threads = True

    def __init__(self, script="", there="", port=None):
        super().__init__((HERE, 0), Visitor)
        self.page = PAGE % (ORDER, there, ORDER, script)
        self.daemon_port = port
        self.asked = []
        self.found = None
        self.done = threading.Event()

    def __enter__(self):
        threading.Thread(target=self.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.done.set()
        self.shutdown()
        self.server_close()


class Visitor(http.server.BaseHTTPRequestHandler):
    def log_message(self, *_):
        pass

    def answer(self, status, fields, content=b""):
        self.send_response(status)
        for name, value in {**fields, "Content-Length": len(content)}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    def answer_all(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        site = self.server
        if self.path.startswith("/api/"):
            site.asked.append((self.command, self.path, dict(self.headers.items()), body))
            self.answer_api(site.daemon_port, *site.asked[-1])
        elif self.path == "/found":
            site.found = json.loads(body)
            site.done.set()
            self.answer(204, {})
        elif self.path == "/picture":
            site.done.wait(support.LIMIT / 2)
            self.answer(404, {})
        else:
            self.answer(200, {"Content-Type": "text/html"}, site.page.encode())

    do_GET = do_POST = do_OPTIONS = answer_all

    def answer_api(self, port, method, path, fields, body):
        if port is None:
            self.answer(200, {
                "Access-Control-Allow-Origin": fields.get("Origin", "*"),
                "Access-Control-Allow-Headers": "Content-Type, Authorization",
                "Access-Control-Max-Age": 0}, b"secret")
            return
        connection = http.client.HTTPConnection(HERE, port, timeout=support.LIMIT)
        connection.request(method, path, body or None, fields)
        answer = connection.getresponse()
        self.answer(answer.status, {"Content-Type": answer.headers["Content-Type"]}, answer.read())
        connection.close()


def refused(daemon, before=None):
    """How many requests were refused before any route was asked, by reason."""
    prefix = "finwait_api_rejected_total"
    counts = {name.split('"')[1]: count for name, count in daemon.metrics().items()
              if name.startswith(prefix)}
    return {reason: count - (before or {}).get(reason, 0) for reason, count in counts.items()
            if count != (before or {}).get(reason, 0)}


class Quiet(unittest.TestCase):
    """What the tests of both kinds look at in the end."""

    def check_nothing_began(self, daemon):
        self.assertEqual(daemon.get("/api/v1/audits")["audits"], [])
        self.assertEqual(daemon.get("/api/v1/reports")["reports"], [])
        status = daemon.get("/api/v1/status")
        self.assertEqual(status["waiting"], {"audits": 0, "probes": 0})
        self.assertEqual([each["running"] for each in status["audits"]], [None])


class OtherNames(Quiet):
    """A name of somebody's own that leads to this machine (DNS rebinding)."""

    def test_the_daemon_is_seen_by_its_own_names_only(self):
        with Listening(QUIET) as daemon:
            where = f":{daemon.port}/api/v1/status"
            for name in (HERE, "localhost"):
                self.assertIn('"last_audit"', shown("http://" + name + where), name)
            self.assertEqual(refused(daemon), {})
            for name in ("evil.test", "localhost.evil.test"):
                before = refused(daemon)
                page = shown("http://" + name + where)
                self.assertIn('"host_not_allowed"', page)
                self.assertNotIn("last_audit", page)
                # It may ask once more over a connection of its own: RFC 9110 15.5.20.
                self.assertEqual(refused(daemon, before).keys(), {"host_not_allowed"})

    def test_a_page_whose_name_leads_here_later_reads_and_starts_nothing(self):
        with Guarded(QUIET) as daemon:
            # What the browser takes for one server is two: ours for the page, the daemon for the API.
            for name in ("evil.test", "localhost"):
                origin = f"{name}:{daemon.port}"
                with Site(OF_THE_SAME_ORIGIN, port=daemon.port) as site:
                    shown(f"http://{origin}/", {origin: f"{HERE}:{site.server_port}"})
                # To the browser it is all one origin: no field but Host says who asks.
                self.assertEqual({each[0] for each in site.asked}, {"GET", "POST"})
                for method, _, fields, _ in site.asked:
                    self.assertEqual(fields["Host"], origin)
                    self.assertEqual(fields.get("Sec-Fetch-Site", "same-origin"), "same-origin")
                    self.assertEqual(
                        fields.get("Origin"), "http://" + origin if method == "POST" else None)
                if name == "evil.test":
                    for answer in site.found.values():
                        self.assertRegex(answer, r'(?s)^basic 421 .*"host_not_allowed"')
                    turned_down = {"host_not_allowed": len(site.asked)}
                    self.assertEqual(refused(daemon), turned_down)
                    self.check_nothing_began(daemon)
            # The same page by a name that is the daemon's may do both.
            self.assertRegex(site.found["get"], r'(?s)^basic 200 .*"last_audit"')
            self.assertRegex(site.found["json"], r"^basic 202 ")
            self.assertEqual(refused(daemon), turned_down)


class OtherSites(Quiet):
    """A page of another origin that sends requests here; no cookie and no name is needed for it."""

    def sent(self, name):
        """What the browser sends for a page at such a name, seen where everything is allowed."""
        with Site() as there, Site(OF_ANOTHER_SITE, f"http://{HERE}:{there.server_port}") as site:
            origin = f"http://{name}:{site.server_port}"
            shown(origin + "/")
        self.assertEqual(
            site.found, {"get": "opaque 0 ", "form": "nothing",
                         **dict.fromkeys(("text", "json", "token"), "cors 200 secret")})
        get, text, form, asking, posted, *token = there.asked
        self.assertEqual([each[0] for each in there.asked],
                         ["GET", "POST", "POST", "OPTIONS", "POST", "OPTIONS", "POST"])
        # Only 127.0.0.1 itself is of the same site: a port makes another origin and no other site.
        kind = "same-site" if name == HERE else "cross-site"
        for _, _, fields, _ in there.asked:
            self.assertEqual(fields["Sec-Fetch-Site"], kind)
        self.assertNotIn("Origin", get[2])
        self.assertEqual(get[2]["Sec-Fetch-Mode"], "no-cors")
        for _, _, fields, _ in there.asked[1:]:
            self.assertEqual(fields["Origin"], origin)
        for request, content in ((text, "text/plain"), (form, "text/plain"),
                                 (posted, "application/json"), (token[1], "application/json")):
            self.assertEqual(request[2]["Content-Type"], content)
            self.assertTrue(request[3].decode().startswith(ORDER))
        self.assertEqual(form[2]["Sec-Fetch-Mode"], "navigate")
        self.assertEqual(asking[2]["Access-Control-Request-Headers"], "content-type")
        self.assertEqual(token[0][2]["Access-Control-Request-Headers"], "authorization,content-type")
        self.assertEqual(token[1][2]["Authorization"], "Bearer " + TOKEN)
        return there.asked

    def send(self, name, daemon, refusal_of_writes):
        """Has a page send the same to the daemon."""
        before = refused(daemon)
        with Site(OF_ANOTHER_SITE, f"http://{HERE}:{daemon.port}") as site:
            shown(f"http://{name}:{site.server_port}/")
        self.assertEqual(site.found, {"form": "nothing", **dict.fromkeys(
            ("get", "text", "json", "token"), "TypeError")})
        # The reading one and two that ask whether they may; the orders behind those never come.
        self.assertEqual(refused(daemon, before), {"cross_origin": 3, refusal_of_writes: 2})
        self.check_nothing_began(daemon)

    def test_where_nobody_may_write(self):
        with Listening(QUIET) as daemon:
            for name in ("evil.test", HERE):
                self.send(name, daemon, "read_only_listener")

    def test_where_whoever_has_the_token_may_write(self):
        with Guarded(QUIET) as daemon:
            for name in ("evil.test", HERE):
                self.send(name, daemon, "unauthenticated")
                # The token alone would open nothing, if something on the way added it.
                requests = self.sent(name)
                before = refused(daemon)
                for method, path, fields, body in requests:
                    own = {key: fields[key] for key in fields.keys() - {"Host", "Content-Length"}}
                    status, problem = daemon.over_tcp(
                        method, path, body or None, {**own, "Authorization": "Bearer " + TOKEN})
                    self.assertEqual((status, problem["code"]), (403, "cross_origin"), fields)
                self.assertEqual(refused(daemon, before), {"cross_origin": len(requests)})
                self.check_nothing_began(daemon)
            self.assertEqual(daemon.over_tcp(
                "POST", "/api/v1/audits", ORDER, {"Authorization": "Bearer " + TOKEN})[0], 202)


if __name__ == "__main__":
    if CHROMIUM is None:
        support.skip("there is no chromium-headless-shell: install it")
    support.main()
