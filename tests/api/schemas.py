"""Every answer of the API against its JSON Schema and against the OpenAPI document that the server
gives of itself, and the schemas against answers that are wrong.

The schemas allow more keys than they name, since newer versions may say more; here no key passes
that they do not name.

Usage: schemas.py TEST_SERVER SCHEMA_FOLDER
"""

import copy
import http.client
import json
import pathlib
import re
import socket
import subprocess
import sys
import tempfile

try:
    import jsonschema
except ImportError:
    print("skipped: python3-jsonschema is not installed")
    sys.exit(77)

AUDIT = "01KG9BZ4W37V8ZJ1QYXR5S2T6P"
REPORTS = ("01KG9BZ4W37V8ZJ1QYXR5S2T6M", "01KG9BZ4W37V8ZJ1QYXR5S2T6N")
OLDER = "01KG9BZ4W37V8ZJ1QYXR5S2T5A"
NOBODY = "01KG9BZ4W37V8ZJ1QYXR5S2T77"

# path, status, schema
ANSWERS = [
    ("/api/v1/status", 200, "status"),
    ("/api/v1/status?index=1&wait=1s", 200, "status"),
    ("/api/v1/status?wait_for=warn&timeout=1s", 200, "status"),
    ("/api/v1/audits", 200, "audits"),
    ("/api/v1/audits?limit=1", 200, "audits"),
    ("/api/v1/audits?outcome=unverified", 200, "audits"),
    ("/api/v1/audits/latest", 200, "audit"),
    (f"/api/v1/audits/{AUDIT}", 200, "audit"),
    (f"/api/v1/audits/{AUDIT}/diff?against={OLDER}", 200, "diff"),
    *((f"/api/v1/reports/{report}", 200, "report") for report in REPORTS),
    ("/api/v1/reports", 200, "reports"),
    ("/api/v1/reports?limit=1&at=idle&by=close", 200, "reports"),
    ("/api/v1/findings", 200, "findings"),
    ("/api/v1/findings?state=new", 200, "findings"),
    ("/api/v1/matrix", 200, "matrix"),
    (f"/api/v1/matrix?audit={AUDIT}", 200, "matrix"),
    ("/api/v1/matrix?subject=beast", 200, "matrix"),
    ("/api/v1/matrix?subject=nobody", 200, "matrix"),
    ("/api/v1/subjects", 200, "subjects"),
    ("/api/v1/targets", 200, "targets"),
    ("/", 404, "problem"),
    ("/api/v1/audits?x=1", 400, "problem"),
    ("/api/v1/config", 403, "problem"),
    ("/api/v1/probes", 405, "problem"),
    (f"/api/v1/audits/{NOBODY}", 404, "problem"),
    ("/api/v1/audits/" + 26 * "0", 500, "problem"),
    ("/api/v1/%00", 400, "problem"),
    ("/" + 3000 * "a", 431, "problem"),
]

# method, path, body, status, schema: on the Unix socket
ORDERS = [
    ("GET", "/api/v1/config", None, 200, "settings"),
    ("POST", "/api/v1/config/reload", {}, 200, "settings"),
    ("POST", "/api/v1/audits", {"at": ["idle"], "repeat": 2}, 202, "audit"),
    ("POST", "/api/v1/audits", {"name": "nightly"}, 202, "audit"),
    ("POST", "/api/v1/audits", {"at": ["x"]}, 400, "problem"),
    ("POST", "/api/v1/audits", {"target": "nowhere"}, 404, "problem"),
    ("DELETE", f"/api/v1/audits/{AUDIT}", None, 409, "problem"),
    ("POST", "/api/v1/probes", {"at": "idle", "by": "close"}, 202, "probe"),
    ("POST", "/api/v1/probes", {"at": "idle"}, 400, "problem"),
]

# method, fields, status: answers of the guard
REFUSALS = [
    ("POST", {"Content-Length": "0"}, 405),
    ("POST", {"Transfer-Encoding": "chunked"}, 411),
    ("POST", {"Content-Length": "65537"}, 413),
    ("GET", {"Expect": "x"}, 417),
    ("GET", {"Host": "evil.test"}, 421),
    ("GET", {"Sec-Fetch-Site": "cross-site"}, 403),
    ("BREW", {}, 501),
]

# Keys that are there only sometimes, and keys under which the keys are data.
OPTIONAL = {"instance", "detail", "interrupted", "name", "reports_left_out", "why", "report", "log",
            "target_tls"}
DATA = {"counters", "sysctls", "checks"}


class UnixConnection(http.client.HTTPConnection):
    """HTTP over a Unix socket."""

    def __init__(self, path):
        super().__init__("localhost", timeout=20)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)


def closed(schema):
    """The schema with no key allowed that it does not name."""
    if isinstance(schema, list):
        return [closed(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    out = {key: closed(value) for key, value in schema.items()}
    if isinstance(out.get("properties"), dict) and "type" in out:
        out.setdefault("additionalProperties", False)
    return out


def load(folder):
    """Validators by name, each knowing the others by their $id."""
    schemas = {p.stem: closed(json.loads(p.read_text("utf-8"))) for p in folder.glob("*.json")}
    for schema in schemas.values():
        jsonschema.Draft202012Validator.check_schema(schema)
    store = {schema["$id"]: schema for schema in schemas.values()}
    try:  # jsonschema 4.18 and later
        import referencing
        import referencing.jsonschema

        registry = referencing.Registry().with_contents(
            store.items(), default_specification=referencing.jsonschema.DRAFT202012
        )
        known = {"registry": registry}
        return {
            name: jsonschema.Draft202012Validator(schema, **known)
            for name, schema in schemas.items()
        }
    except ImportError:  # Debian 12 has 4.10
        return {
            name: jsonschema.Draft202012Validator(
                schema, resolver=jsonschema.RefResolver(schema["$id"], schema, store=store)
            )
            for name, schema in schemas.items()
        }


def ask(connection, method, path, fields, body=None):
    connection.putrequest(method, path, skip_host="Host" in fields, skip_accept_encoding=True)
    if body is not None or method == "DELETE":
        fields = {"Content-Type": "application/json", "Content-Length": str(len(body or b"")), **fields}
    for name, value in fields.items():
        connection.putheader(name, value)
    connection.endheaders(body)
    response = connection.getresponse()
    text = response.read()
    connection.close()
    return response, text


def complain(failures, what, validator, document):
    for error in validator.iter_errors(document):
        where = "/".join(map(str, error.absolute_path))
        failures.append(f"{what}: {where}: {error.message[:300]}")


def check_answer(failures, validators, what, answer, status, name):
    response, body = answer
    kind = "application/problem+json" if name == "problem" else "application/json"
    if response.status != status:
        failures.append(f"{what}: {response.status}, not {status}")
    if response.getheader("Content-Type") != kind:
        failures.append(f"{what}: {response.getheader('Content-Type')}, not {kind}")
    complain(failures, what, validators[name], json.loads(body))
    return json.loads(body)


def places(document, path=()):
    """Every place in a document, as a path."""
    children = document.items() if isinstance(document, dict) else enumerate(document)
    for key, value in list(children):
        yield path + (key,)
        if isinstance(value, (dict, list)):
            yield from places(value, path + (key,))


def damaged(document, path, value):
    out = copy.deepcopy(document)
    at = out
    for key in path[:-1]:
        at = at[key]
    if value is None:
        del at[path[-1]]
    else:
        at[path[-1]] = value
    return out


class Description:
    """The server's own OpenAPI document, as a judge of answers."""

    def __init__(self, document):
        self.document = document
        self.used = set()

    def operation(self, method, path):
        """(pattern, operation) of a request, or (None, None)."""
        path = path.partition("?")[0]
        for pattern, methods in self.document["paths"].items():
            parts = re.split(r"(\{[a-z]+\})", pattern)
            shape = "".join("[^/]+" if part.startswith("{") else re.escape(part) for part in parts)
            if re.fullmatch(shape, path) and method.lower() in methods:
                return pattern, methods[method.lower()]
        return None, None

    def resolve(self, what):
        while "$ref" in what:
            place = self.document
            for key in what["$ref"].lstrip("#/").split("/"):
                place = place[key]
            what = place
        return what

    def complaints(self, method, path, response, body):
        """What the description does not say of an answer."""
        pattern, operation = self.operation(method, path)
        if not operation:
            return [] if response.status in (404, 405, 400, 431) else ["no such operation"]
        self.used.add((pattern, method))
        responses = operation["responses"]
        # The first pattern that fits may be one that comes before in the router as well.
        said = self.resolve(responses.get(str(response.status), responses["default"]))
        kind = (response.getheader("Content-Type") or "").partition(";")[0]
        if kind not in said.get("content", {}):
            return [f"{response.status} with {kind or 'no body'} is not described"]
        if not kind.endswith("json"):
            return []
        schema = {"$ref": "#/schema", "schema": said["content"][kind]["schema"], **self.document}
        validator = jsonschema.Draft202012Validator(schema)
        return [error.message[:300] for error in validator.iter_errors(json.loads(body))]


    def check_texts(self, failures, connect):
        """The answers that are no documents: their types, and that there is something."""
        for where in ("/livez", "/readyz", "/metrics", f"/api/v1/reports/{REPORTS[0]}/log",
                      "/api/v1/openapi.json", "/api/v1/schemas/status.json"):
            response, body = ask(connect(), "GET", where, {})
            if response.status != 200 or not body:
                failures.append(f"{where}: {response.status} and {len(body)} bytes")
            failures.extend(f"{where}: {c}" for c in self.complaints("GET", where, response, body))

    def unused(self):
        """The operations that no answer was held against. A stream of events has no end."""
        every = {
            (pattern, method.upper())
            for pattern, methods in self.document["paths"].items()
            for method in methods
        }
        return sorted(every - self.used - {("/api/v1/events", "GET")})


def check_schema_bites(failures, validators, name, document):
    """A document with any of its keys missing, or with a value of no type, must not pass."""
    for path in places(document):
        parents = {key for key in path[:-1] if isinstance(key, str)}
        is_key = isinstance(path[-1], str)
        is_optional = path[-1] in OPTIONAL and (name, path[-1]) != ("problem", "detail")
        if is_key and not is_optional and not (len(path) > 1 and path[-2] in DATA):
            if validators[name].is_valid(damaged(document, path, None)):
                failures.append(f"{name}: passes without {path}")
        if validators[name].is_valid(damaged(document, path, {"no": ["such"]})):
            failures.append(f"{name}: passes with nonsense at {path} below {parents}")


def check_all(failures, validators, port, path):
    def tcp():
        return http.client.HTTPConnection("127.0.0.1", port, timeout=20)

    described = Description(json.loads(ask(tcp(), "GET", "/api/v1/openapi.json", {})[1]))
    samples = {}

    def check(method, where, answer, status, name):
        what = f"{method} {where[:80]}"
        document = check_answer(failures, validators, what, answer, status, name)
        failures.extend(f"{what}: {c}" for c in described.complaints(method, where, *answer))
        samples.setdefault(name if status < 300 or name == "problem" else None, document)
        return document

    for where, status, name in ANSWERS:
        check("GET", where, ask(tcp(), "GET", where, {}), status, name)
    for method, where, order, status, name in ORDERS:
        body = None if order is None else json.dumps(order).encode()
        answer = ask(UnixConnection(path), method, where, {}, body)
        document = check(method, where, answer, status, name)
        if status == 202:  # and then what it points to, and its cancelling
            place = answer[0].getheader("Location")
            check("GET", place, ask(tcp(), "GET", place, {}), 200, name)
            if "name" not in document:
                check("DELETE", place, ask(UnixConnection(path), "DELETE", place, {}), 202, name)
    for method, fields, status in REFUSALS:
        answer = ask(tcp(), method, "/api/v1/audits", fields)
        check_answer(failures, validators, f"{method} {fields}", answer, status, "problem")
    described.check_texts(failures, tcp)
    missing = described.unused()
    failures.extend(f"{method} {pattern} is never asked here" for pattern, method in missing)
    return samples


def main():
    failures = []
    validators = load(pathlib.Path(sys.argv[2]))
    with tempfile.TemporaryDirectory() as folder:
        path = folder + "/api.sock"
        server = subprocess.Popen(
            [sys.argv[1], path], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        try:
            samples = check_all(failures, validators, int(server.stdout.readline()), path)
            samples.pop(None, None)
            environment = {"schema": "finwait.environment/1", **samples["audit"]["environment"]}
            complain(failures, "environment", validators["environment"], environment)
            for report in samples["audit"]["reports"]:
                complain(failures, "plan", validators["plan"], report["plan"])
            for name, document in {**samples, "environment": environment}.items():
                check_schema_bites(failures, validators, name, document)
        finally:
            server.stdin.close()
            if server.wait(20) != 0:
                failures.append(f"the server ended with {server.returncode}")
    count = len(ANSWERS) + len(ORDERS) + len(REFUSALS)
    print("\n".join(failures) or f"{count} answers are as their schemas and the API's own description say")
    sys.exit(1 if failures else 0)


main()
