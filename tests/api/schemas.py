"""Every answer of the API against its JSON Schema, and the schemas against answers that are wrong.

The schemas allow more keys than they name, since newer versions may say more; here no key passes
that they do not name.

Usage: schemas.py TEST_SERVER SCHEMA_FOLDER
"""

import copy
import http.client
import json
import pathlib
import subprocess
import sys

try:
    import jsonschema
except ImportError:
    print("skipped: python3-jsonschema is not installed")
    sys.exit(77)

AUDIT = "01KG9BZ4W37V8ZJ1QYXR5S2T6P"
REPORTS = ("01KG9BZ4W37V8ZJ1QYXR5S2T6M", "01KG9BZ4W37V8ZJ1QYXR5S2T6N")
NOBODY = "01KG9BZ4W37V8ZJ1QYXR5S2T77"

# path, status, schema
ANSWERS = [
    ("/api/v1/status", 200, "status"),
    ("/api/v1/audits", 200, "audits"),
    ("/api/v1/audits?limit=1", 200, "audits"),
    ("/api/v1/audits?outcome=unverified", 200, "audits"),
    ("/api/v1/audits/latest", 200, "audit"),
    (f"/api/v1/audits/{AUDIT}", 200, "audit"),
    *((f"/api/v1/reports/{report}", 200, "report") for report in REPORTS),
    ("/api/v1/matrix", 200, "matrix"),
    (f"/api/v1/matrix?audit={AUDIT}", 200, "matrix"),
    ("/api/v1/matrix?subject=beast", 200, "matrix"),
    ("/api/v1/matrix?subject=nobody", 200, "matrix"),
    ("/", 404, "problem"),
    ("/api/v1/audits?x=1", 400, "problem"),
    (f"/api/v1/audits/{NOBODY}", 404, "problem"),
    ("/api/v1/audits/" + 26 * "0", 500, "problem"),
    ("/api/v1/%00", 400, "problem"),
    ("/" + 3000 * "a", 431, "problem"),
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


def ask(port, method, path, fields):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    connection.putrequest(method, path, skip_host="Host" in fields, skip_accept_encoding=True)
    for name, value in fields.items():
        connection.putheader(name, value)
    connection.endheaders()
    response = connection.getresponse()
    body = response.read()
    connection.close()
    return response, body


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


def check_schema_bites(failures, validators, name, document):
    """A document with any of its keys missing, or with a value of no type, must not pass."""
    # Keys that are there only sometimes, and keys that are data.
    free = {"instance", "detail", "interrupted"} if name != "problem" else {"instance"}
    data = {"counters", "sysctls", "checks"}
    for path in places(document):
        parents = {key for key in path[:-1] if isinstance(key, str)}
        is_key = isinstance(path[-1], str)
        if is_key and path[-1] not in free and not (len(path) > 1 and path[-2] in data):
            if validators[name].is_valid(damaged(document, path, None)):
                failures.append(f"{name}: passes without {path}")
        if validators[name].is_valid(damaged(document, path, {"no": ["such"]})):
            failures.append(f"{name}: passes with nonsense at {path} below {parents}")


def main():
    failures = []
    validators = load(pathlib.Path(sys.argv[2]))
    server = subprocess.Popen(
        [sys.argv[1]], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        port = int(server.stdout.readline())
        samples = {}
        for path, status, name in ANSWERS:
            answer = ask(port, "GET", path, {})
            document = check_answer(failures, validators, path[:80], answer, status, name)
            samples.setdefault(name, document)
        for method, fields, status in REFUSALS:
            answer = ask(port, method, "/api/v1/audits", fields)
            check_answer(failures, validators, f"{method} {fields}", answer, status, "problem")
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
    print("\n".join(failures) or f"{len(ANSWERS) + len(REFUSALS)} answers are as their schemas say")
    sys.exit(1 if failures else 0)


main()
